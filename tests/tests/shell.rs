//! The shell on whole machines: what is typed at its terminal and what is shown, with a server of files, directories, pipes and hosts on one
//! machine, the shell on another, and its programs on a third.

use clock::Span;
use proto::capability::{Capability, Port, Private};
use proto::one_way::one_way;
use tests::amoeba::{Laboratory, Pc};
use tests::made_disks::made;

const DISK: &str = r#"
format = 1
seed = 1995
time = "1995-05-30T09:00:00Z"
[disk.server]
size = "8MB"
bullet = { vdisk = 1 }
soap = { vdisk = 2, blocks = 9 }
[[host]]
name = "pool"
mac = "02:60:8c:00:00:03"
pool = "i80386"
[[file]]
name = "/bin/sh"
from = "builtin:sh"
[[file]]
name = "/bin/spin"
from = "builtin:spin"
[[file]]
name = "/bin/utilities"
from = "builtin:utilities"
[[file]]
name = "/etc/fruit"
from = "fruit"
[[file]]
name = "/etc/script"
from = "script"
[[directory]]
name = "/home/ast"
"#;

/// The utilities that sessions use.
const UTILITIES: [&str; 18] = [
    "bfsck",
    "bsize",
    "cat",
    "chm",
    "cp",
    "del",
    "dir",
    "get",
    "grep",
    "mkd",
    "put",
    "sleep",
    "sort",
    "std_destroy",
    "std_info",
    "std_restrict",
    "tail",
    "wc",
];

/// The files of the disk that are texts.
const TEXTS: [(&str, &str); 2] = [
    ("fruit", "cherry\napple\nbanana\n"),
    ("script", "for word\ndo echo \"<$word>\"\ndone\nexit 7\n"),
];

/// The capability of a server whose port and check field a name stands for.
fn named(name: &str) -> Capability {
    let mut port = Port::NULL;
    port.0[..name.len()].copy_from_slice(name.as_bytes());
    Capability {
        port: one_way(port),
        private: Private::owner(0, port),
    }
}

/// What is on the shell's terminal from its first prompt on, when lines have been typed: each with what it is typed after.
fn session(lines: &[(&str, &str)], with_pool: bool, seconds: u64) -> String {
    let links = UTILITIES.map(|name| format!("[[link]]\nname = \"/bin/{name}\"\nto = \"/bin/utilities\"\n"));
    let (made, mut disks) = made(&(DISK.to_owned() + &links.concat()), &TEXTS);
    let (root, store) = (made.root.expect("a root"), made.stores[0]);
    let pc = |name: &str| Pc::new(name).memory(8).clock(33);
    let mut server = pc("server")
        .disk("disk", disks.remove("server").expect("the server's disk"))
        .program("bullet", "-t 6 -c 2000 vdisk:01")
        .program("soap", format!("0 SOAP_SUPER=vdisk:02 BULLET0={store}"));
    let mut arguments = format!("-C ROOT={root} -C BULLET={store}");
    if with_pool {
        server = server
            .program("fifo", "-p fifo")
            .program("run", "-p run pool=02:60:8c:00:00:03");
        arguments += &format!(" -C FIFO={} -C RUN_SERVER={}", named("fifo"), named("run"));
    }
    let client = pc("client").program("sh", arguments);
    let pool = with_pool.then(|| pc("pool"));
    let lab = Laboratory::new([server, client].into_iter().chain(pool));
    let delay = Span::from_milliseconds(100);
    let lab = lines.iter().fold(lab, |lab, (after, text)| {
        lab.types("client", "com1", after, delay, text)
    });
    let memory = lab.run(Span::from_seconds(seconds));
    let console = memory.console(1).replace('\r', "");
    let start = console.find("\n$ ").map_or(0, |start| start + 1);
    console[start..].to_owned()
}

/// Either of the shell's prompts.
const PROMPT: &str = "^[$>] ";

/// What is shown in a session without servers of pipes and hosts.
const ALONE: &str = r#"$ echo hello $((6 * 7))
hello 42
$ cd /etc; pwd; echo *
/etc
fruit script
$ x='a  b'; echo "$x" $x; nothing; echo $?
a  b a b
sh: nothing: not found
127
$ cat fruit | sort | grep an
banana
$ sort -r fruit > /home/ast/r; cat /home/ast/r; bsize /home/ast/r
cherry
banana
apple
20
$ cat < fruit | sort >> /home/ast/r; wc /home/ast/r fruit
       6       6      40 /home/ast/r
       3       3      20 fruit
       9       9      60 total
$ for f in *; do
> case $f in fr*) echo fruit;; *) echo $f;; esac
> done
fruit
script
$ dir /foo; dir -c /etc
dir: /foo: not found
fruit   ff:2:2
script  ff:2:2
$ mkd /home/ast/d; cp fruit /home/ast/d; dir -l /home/ast; del -d /home/ast/d
d  / directory
r  - 40 bytes
del: /home/ast/d: is not empty
$ get -t fruit | put /home/ast/m; std_info /home/ast/m; chm ff:0:0 /home/ast/m; dir -c /home/ast
- 20 bytes
d  ff:2:4
m  ff:0:0
r  ff:2:2
$ std_restrict fruit 2 /home/ast/ro; std_destroy /home/ast/ro; del /home/ast/m; del /home/ast/m
std_destroy: /home/ast/ro: permission denied
del: /home/ast/m: not found
$ f() { echo f has $#; return 3; }; f a "b c"; echo $?
f has 2
3
$ (cd /; f; exit 4); echo $? `pwd`
f has 0
4 /etc
$ sh script one 'two words'; echo $?
<one>
<two words>
7
$ cat << END | tail -1
> first $x
> last $(echo substituted)
> END
last substituted
$ (sort fruit > /home/ast/late &); cat /home/ast/late
apple
banana
cherry
$ sleep 1 & echo started; wait $!; echo $?
[1] 33
started
0
$ if test -f fruit && [ -d /home ]; then echo there; fi
there
$ spin
^C
$ echo $?
130
$ while true; do sleep 1; done
^C
$ (sleep 30; echo no) | cat
^C
$ cat
typed to cat
typed to cat
$ bfsck /profile/cap/bulletsvr/default 2> /home/ast/errors; cat /home/ast/errors
/profile/cap/bulletsvr/default: the file system is good
$ exit 5
sh exited with status 5
"#;

/// What is shown in a session whose programs run on another machine.
const WITH_A_POOL: &str = r#"$ spin & sleep 1; dir -l /profile/hosts/pool/ps
[1] 1
0  ! Run: spin
1  ! Run: dir
$ kill %1; wait; jobs
$ sort /etc/fruit | while read fruit; do echo "$fruit!"; done
apple!
banana!
cherry!
$ echo $(sort /etc/fruit) > /home/f; cat /home/f
apple banana cherry
$ spin
^C
$ dir -l /profile/hosts/pool/ps
0  ! Run: dir
$ exit
sh exited with status 0
"#;

#[test]
fn a_person_works_with_files_pipes_variables_jobs_and_the_interrupt() {
    let lines = [
        (PROMPT, "echo hello $((6 * 7))\r"),
        (PROMPT, "cd /etc; pwd; echo *\r"),
        (PROMPT, "x='a  b'; echo \"$x\" $x; nothing; echo $?\r"),
        (PROMPT, "cat fruit | sort | grep an\r"),
        (
            PROMPT,
            "sort -r fruit > /home/ast/r; cat /home/ast/r; bsize /home/ast/r\r",
        ),
        (
            PROMPT,
            "cat < fruit | sort >> /home/ast/r; wc /home/ast/r fruit\r",
        ),
        (PROMPT, "for f in *; do\r"),
        (PROMPT, "case $f in fr*) echo fruit;; *) echo $f;; esac\r"),
        (PROMPT, "done\r"),
        (PROMPT, "dir /foo; dir -c /etc\r"),
        (
            PROMPT,
            "mkd /home/ast/d; cp fruit /home/ast/d; dir -l /home/ast; del -d /home/ast/d\r",
        ),
        (
            PROMPT,
            "get -t fruit | put /home/ast/m; std_info /home/ast/m; chm ff:0:0 /home/ast/m; dir -c /home/ast\r",
        ),
        (
            PROMPT,
            "std_restrict fruit 2 /home/ast/ro; std_destroy /home/ast/ro; del /home/ast/m; del /home/ast/m\r",
        ),
        (PROMPT, "f() { echo f has $#; return 3; }; f a \"b c\"; echo $?\r"),
        (PROMPT, "(cd /; f; exit 4); echo $? `pwd`\r"),
        (PROMPT, "sh script one 'two words'; echo $?\r"),
        (PROMPT, "cat << END | tail -1\r"),
        (PROMPT, "first $x\r"),
        (PROMPT, "last $(echo substituted)\r"),
        (PROMPT, "END\r"),
        (PROMPT, "(sort fruit > /home/ast/late &); cat /home/ast/late\r"),
        (PROMPT, "sleep 1 & echo started; wait $!; echo $?\r"),
        (PROMPT, "if test -f fruit && [ -d /home ]; then echo there; fi\r"),
        (PROMPT, "spin\r"),
        ("spin", "\x03"),
        (PROMPT, "echo $?\r"),
        (PROMPT, "while true; do sleep 1; done\r"),
        ("done", "\x03"),
        (PROMPT, "(sleep 30; echo no) | cat\r"),
        ("cat", "\x03"),
        (PROMPT, "cat\r"),
        ("cat", "typed to cat\r"),
        ("typed.to.cat", "\x04"),
        (
            PROMPT,
            "bfsck /profile/cap/bulletsvr/default 2> /home/ast/errors; cat /home/ast/errors\r",
        ),
        (PROMPT, "exit 5\r"),
    ];
    let shown = session(&lines, false, 45);
    assert!(shown == ALONE, "{shown}");
}

#[test]
fn programs_run_where_the_run_server_says_and_are_joined_by_the_fifo_server() {
    let lines = [
        (PROMPT, "spin & sleep 1; dir -l /profile/hosts/pool/ps\r"),
        (PROMPT, "kill %1; wait; jobs\r"),
        (
            PROMPT,
            "sort /etc/fruit | while read fruit; do echo \"$fruit!\"; done\r",
        ),
        (PROMPT, "echo $(sort /etc/fruit) > /home/f; cat /home/f\r"),
        (PROMPT, "spin\r"),
        ("spin", "\x03"),
        (PROMPT, "dir -l /profile/hosts/pool/ps\r"),
        (PROMPT, "exit\r"),
    ];
    let shown = session(&lines, true, 30);
    assert!(shown == WITH_A_POOL, "{shown}");
}
