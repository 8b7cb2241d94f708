use super::{errors, status};

fn holds(condition: &str) -> bool {
    match status(&std::format!("test {condition}")) {
        0 => true,
        1 => false,
        other => panic!("{condition}: {other}"),
    }
}

#[test]
fn texts_and_numbers_are_compared() {
    for condition in [
        "a",
        "-n a",
        "-z ''",
        "a = a",
        "a != b",
        "1 -eq 01",
        "-1 -lt 1",
        "2 -ge 2",
        "! ''",
        "! a = b",
        "a -a b",
        "'' -o b",
        "a = a -a b = b",
        "'(' = '('",
        "'(' a ')'",
        "! 1 -gt 2",
        "-n = -n",
    ] {
        assert!(holds(condition), "{condition}");
    }
    for condition in [
        "",
        "''",
        "-z a",
        "-n ''",
        "a = b",
        "1 -ne 1",
        "2 -lt 1",
        "! a",
        "a -a ''",
        "'' -o ''",
        "'(' '' ')'",
    ] {
        assert!(!holds(condition), "{condition}");
    }
}

#[test]
fn objects_are_told_apart_by_their_marks() {
    for condition in [
        "-f /etc/a.txt",
        "-e /etc",
        "-d /etc",
        "-s /etc/a.txt",
        "! -s /etc/.d",
        "! -f /etc",
        "! -e /x",
    ] {
        assert!(holds(condition), "{condition}");
    }
}

#[test]
fn what_cannot_be_a_condition_has_status_2() {
    assert_eq!(status("test 1 -eq x"), 2);
    assert_eq!(errors("test 1 -eq x"), "sh: test: x: is no number\n");
    assert_eq!(errors("[ a"), "sh: [: `]' is missing\n");
    assert_eq!(errors("test a b c d e"), "sh: test: a b c d e: what is meant?\n");
    assert_eq!(errors("test -q a"), "sh: test: -q: no such operator\n");
}
