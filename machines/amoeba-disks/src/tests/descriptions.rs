//! Descriptions that are none, and disks that cannot be made.

use super::{ONE, made_from, sources};
use crate::Description;

fn refusal(from: &str, to: &str) -> String {
    let text = ONE.replacen(from, to, 1);
    assert_ne!(text, ONE, "{from} is there");
    match Description::parse(&text) {
        Err(error) => error.to_string(),
        Ok(_) => made_from(&text, &sources()).expect_err(to).to_string(),
    }
}

#[test]
fn what_is_wrong_with_a_field_is_said_with_its_place() {
    for (from, to, message) in [
        ("format = 1", "format = 2", "format 2 is unknown, this is 1"),
        ("seed = 1995", "sed = 1995", "unknown field `sed`"),
        ("seed = 1995", "", "missing field `seed`"),
        ("\"8MB\"", "\"8\"", "`8` is not a size such as"),
        (
            "02:60:8c:00:00:01",
            "03:60:8c:00:00:01",
            "is not a station address",
        ),
        ("1995-05-30T09:00:00Z", "May 30", "is not a point of UTC time"),
        ("3:1:0", "3:1", "is not rights such as"),
        ("vdisk = 1 }", "vdisk = 1, sise = 3 }", "unknown field `sise`"),
    ] {
        let refusal = refusal(from, to);
        assert!(refusal.contains(message), "{refusal}");
        assert!(refusal.contains("line "), "{refusal}");
    }
}

#[test]
fn programs_for_the_kernel_that_are_too_many_or_told_too_much_are_refused() {
    let program = |line: &str| format!("{{ from = \"builtin:ls\", line = \"{line}\" }}");
    let refused = |programs: &[String]| {
        let programs = programs.join(", ");
        refusal(
            "\"boot.conf\" }",
            &format!("\"boot.conf\", programs = [{programs}] }}"),
        )
    };
    let many = vec![program("ls"); 5];
    assert_eq!(
        refused(&many),
        "disk `server`: the boot server: 4 programs at most can be on its disk"
    );
    let long = refused(&[program(&"x".repeat(121))]);
    assert!(
        long.ends_with("x` is longer than 120 bytes, or holds a zero byte"),
        "{long}"
    );
}

#[test]
fn what_cannot_be_made_is_said() {
    for (from, to, message) in [
        ("\"8MB\"", "\"500KB\"", "disk `server` has not even one cylinder"),
        ("\"8MB\"", "\"504KB\"", "directories cannot be made: NoSpace"),
        ("vdisk = 2", "vdisk = 1", "two virtual disks have the same number"),
        (
            "vdisk = 2",
            "vdisk = 100",
            "virtual disks have numbers from 1 to 99",
        ),
        (
            "vdisk = 1 }",
            "vdisk = 1, store = 1 }",
            "there is a store 1 of files, but no store 0",
        ),
        (
            "vdisk = 1 }",
            "vdisk = 1, block = \"100B\" }",
            "cannot be a file system with blocks of 100 bytes",
        ),
        ("vdisk = 1 }", "vdisk = 1, inodes = 4 }", "has no room for"),
        (
            "\"boot.conf\" }",
            "\"boot.conf\", programs = [{ from = \"builtin:kernel\", line = \"kernel\" }] }",
            "disk `server`: the boot server: `kernel` is no executable file",
        ),
        (
            "vdisk = 1 }",
            "vdisk = 1, size = \"16MB\" }",
            "has no room for the file system",
        ),
        ("blocks = 9", "blocks = 2", "directories cannot be made"),
        (
            "blocks = 9",
            "number = 1",
            "directory servers are number 0, or numbers 0 and 1",
        ),
        (
            "builtin:kernel",
            "builtin:kernal",
            "there is no program `builtin:kernal`",
        ),
        ("builtin:kernel", "kernel.elf", "cannot read kernel.elf"),
        ("\"boot.conf\"", "\"other.conf\"", "cannot read other.conf"),
        ("\"/bin/ls\"", "\"/bin/sl\"", "`/bin/sl` is not there"),
        ("\"/home/ast\"", "\"home/ast\"", "`home/ast` is no path"),
        ("\"/home/ast\"", "\"/home//ast\"", "`/home//ast` is no path"),
        ("\"/home/ast\"", "\"/home/../ast\"", "`/home/../ast` is no path"),
        (
            "\"/home/ast\"",
            "\"/bin/ls/x\"",
            "`/super/unixroot/bin/ls` is there already",
        ),
        (
            "\"/home/ast/far\"",
            "\"/bin/ls/x\"",
            "`/bin/ls/x` is no directory",
        ),
        (
            "\"/profile/pool/.run\"",
            "\"/bin/ls\"",
            "`/bin/ls` is there already",
        ),
        ("to = \"/profile", "to = \"/profil", "is not there"),
        ("count = 2", "count = 0", "a count is 1 to 1000"),
    ] {
        let refusal = refusal(from, to);
        assert!(refusal.contains(message), "{to}: {refusal}");
    }
}

#[test]
fn a_configuration_with_unknown_references_is_refused() {
    for (text, message) in [
        ("${/bin/sl}", "boot.conf: `${/bin/sl}` is not there"),
        ("${get:/bin/ls}", "`${get:/bin/ls}` is not there"),
        ("${/bin/ls", "`${/bin/ls` is not ended"),
    ] {
        let mut sources = sources();
        sources.0.insert("boot.conf", text);
        let refusal = made_from(ONE, &sources).expect_err(text).to_string();
        assert!(refusal.contains(message), "{refusal}");
    }
    let mut sources = sources();
    let long: &'static str = Box::leak("#".repeat(65_540).into_boxed_str());
    sources.0.insert("boot.conf", long);
    let refusal = made_from(ONE, &sources).expect_err("too long").to_string();
    assert_eq!(refusal, "boot.conf is 4 bytes too long");
}

#[test]
fn a_disk_has_whole_cylinders() {
    let description = Description::parse(ONE).expect("a description");
    assert_eq!(description.bytes("server"), Some(16 * 16 * 63 * 512));
    assert_eq!(description.bytes("other"), None);
}
