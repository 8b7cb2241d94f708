//! The object manager on whole machines, with two file servers: files get copies, and what lies in no directory goes.

use tests::amoeba::Pc;
use tests::made_disks::made;
use tests::system::Step::Line;
use tests::system::{More, run};

const OTHER: &str = r#"
format = 1
seed = 7
[disk.other]
size = "4MB"
bullet = { vdisk = 1 }
"#;

/// The machine with that disk is switched off in the end.
const OFF: &str = r#"
[[fault]]
kind = "power-off"
machine = "other"
from = "80s"
"#;

const HOST: &str = r#"
[[host]]
name = "other"
mac = "02:60:8c:00:00:02"
"#;

#[test]
fn files_get_copies_and_those_that_nobody_can_find_grow_old_and_go() {
    let (_, mut images) = made(OTHER, &[]);
    let pc = Pc::new("other")
        .program("bullet", "-c 512 -t 4 vdisk:01")
        .disk("other", images.remove("other").unwrap_or_default());
    let more = More {
        disk: HOST,
        pcs: vec![pc],
        tables: OFF,
        ..More::default()
    };
    let other = "/profile/hosts/other/bullet";
    let servers = format!("-r /super/cap/bulletsvr/default -r {other}");
    let used = format!("std_status {other} | grep inodes");
    let steps = [
        format!("mkd /home/d; echo one > /home/d/a; echo two > /home/d/b; {used}"),
        format!("om -n 1 {servers} /home/d; {used}"),
        format!("om -n 1 {servers} /home/d"),
        format!(
            "echo three > /home/d/z; om -n 1 {servers} /home/d; std_destroy /home/d/z; std_info /home/d/z; del /home/d/z; {used}"
        ),
        format!("std_copy {other} /etc/fruit /home/c; get /home/c > /home/cap; del /home/c; {used}"),
        format!("om -n 1 -a {other} /home/nowhere; om -x"),
        // A file has 24 lives.
        format!("i=0; while [ $i -lt 24 ]; do i=$((i + 1)); om -n 1 -a {other} /home/d; done > /home/log"),
        format!("sort -u /home/log; wc -l < /home/log; {used}"),
        "put /home/c < /home/cap; std_info /home/c; cat /home/d/a /home/d/b".to_owned(),
        format!("std_copy {other} /etc/fruit /home/d/c; om -n 1 {servers} /home/d"),
        format!(
            "while std_status {other} > /home/log; do sleep 2; done; cat /home/d/c; cp /home/d/c /home/e; cat /home/e"
        ),
    ];
    let steps: Vec<_> = steps.iter().map(|line| Line(line)).collect();
    let mut told = run(&more, &steps, 180).told;
    // The first copy's server is off: a program takes the other one.
    let last = told.pop().unwrap_or_default();
    let fruit = "cherry\napple\nbanana\n";
    assert!(last.ends_with(&fruit.repeat(2)), "{last}");
    let expected = [
        "inodes:    249 free, 0 used\n",
        "om: 1 directories, 3 objects touched, 2 files copied, 0 servers aged\ninodes:    247 free, 2 used\n",
        // Both copies of each file are touched from now on.
        "om: 1 directories, 5 objects touched, 0 files copied, 0 servers aged\n",
        // Both copies of a file are destroyed.
        "om: 1 directories, 6 objects touched, 1 files copied, 0 servers aged\nstd_info: /home/d/z: bad capability\n\
         inodes:    247 free, 2 used\n",
        "inodes:    246 free, 3 used\n",
        "om: /home/nowhere: not found\n\
         usage: om [-i minutes] [-n rounds] [-a server]... [-r server]... [root]...\n",
        "",
        "om: 1 directories, 5 objects touched, 0 files copied, 1 servers aged\n      24\n\
         inodes:    247 free, 2 used\n",
        "std_info: /home/c: bad capability\none\ntwo\n",
        "om: 1 directories, 6 objects touched, 1 files copied, 0 servers aged\n",
    ];
    assert_eq!(told, expected);
}
