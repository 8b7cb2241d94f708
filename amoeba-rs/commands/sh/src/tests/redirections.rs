use super::{Fake, output, run_with};

/// What is in a file when commands have been carried out, nothing else having been said.
fn file(text: &str) -> Option<std::string::String> {
    let fake = Fake::new();
    let (output, errors, _) = run_with(&fake, text);
    assert_eq!(
        (output.as_str(), errors.as_str(), fake.open_streams()),
        ("", "", 0),
        "{text}"
    );
    fake.contents("/out")
}

#[test]
fn output_becomes_a_file_when_the_command_ends() {
    assert_eq!(file("echo a > /out").as_deref(), Some("a\n"));
    assert_eq!(file("cat /etc/a.txt >/out").as_deref(), Some("apple\n"));
    assert_eq!(file("echo a > /out; echo b >> /out").as_deref(), Some("a\nb\n"));
    assert_eq!(file("echo a > /out; echo b > /out").as_deref(), Some("b\n"));
    assert_eq!(file("{ echo a; args b; } > /out").as_deref(), Some("a\n<b>\n"));
    assert_eq!(
        file("for i in 1 2; do echo $i; done > /out").as_deref(),
        Some("1\n2\n")
    );
    assert_eq!(file("> /out").as_deref(), Some(""));
    assert_eq!(file("cat /etc/a.txt | upper > /out").as_deref(), Some("APPLE\n"));
    assert_eq!(
        file("upper < /etc/a.txt > /out & wait").as_deref(),
        Some("APPLE\n")
    );
    assert_eq!(file("(echo in; args x) > /out").as_deref(), Some("in\n<x>\n"));
    assert_eq!(file("exec > /out; echo a; echo b").as_deref(), Some("a\nb\n"));
}

#[test]
fn streams_are_joined_in_the_order_of_redirections() {
    assert_eq!(
        file("nothing > /out 2>&1").as_deref(),
        Some("sh: nothing: not found\n")
    );
    assert_eq!(
        file("nothing 2> /out").as_deref(),
        Some("sh: nothing: not found\n")
    );
    assert_eq!(output("nothing 2>&1 | upper"), "SH: NOTHING: NOT FOUND\n");
    assert_eq!(output("echo x >&-; echo $?"), "0\n");
}

#[test]
fn input_comes_from_files_and_texts() {
    assert_eq!(output("upper < /etc/b.txt"), "BANANA\n");
    assert_eq!(
        output("while read x; do echo \"<$x>\"; done < /etc/a.txt"),
        "<apple>\n"
    );
    assert_eq!(
        output("x=5\ncat << END\na $x $((x+1)) $(echo sub)\n  'b' \"c\" \\$x\nEND\necho after"),
        "a 5 6 sub\n  'b' \"c\" $x\nafter\n"
    );
    assert_eq!(output("cat << 'END'\n$x `y`\nEND"), "$x `y`\n");
    assert_eq!(output("cat <<-END\n\t\ttabs\n\tEND"), "tabs\n");
    assert_eq!(output("cat << A; upper << B\na\nA\nb\nB"), "a\nB\n");
    assert_eq!(output("cat << A | upper\na\nA\n"), "A\n");
    assert_eq!(output("cat << A\nA\necho end"), "end\n");
    assert_eq!(output("cat <<< 'a  b'"), "a  b\n");
    assert_eq!(output("(cat << A\nin $1\nA\n)"), "in one\n");
}

#[test]
fn what_cannot_be_opened_or_written_is_told_and_the_command_is_not_run() {
    let (output, errors, status) = run_with(&Fake::new(), "echo a < /nothing");
    assert_eq!(
        (output.as_str(), errors.as_str(), status),
        ("", "sh: /nothing: not found\n", 1)
    );
    let (_, errors, status) = run_with(&Fake::new(), "echo a > /locked/file");
    assert_eq!(
        (errors.as_str(), status),
        ("sh: /locked/file: permission denied\n", 1)
    );
    let (_, errors, _) = run_with(&Fake::new(), "echo a >&7; echo b 5>/x");
    assert_eq!(
        errors,
        "sh: 7: there is no such stream\nsh: 5: there is no such stream\n"
    );
}

#[test]
fn nothing_stays_open_whatever_goes_wrong() {
    for text in [
        "nothing > /out | cat",
        "cat < /nothing | cat",
        "echo ${x?no} | cat",
        "echo a > /out < /nothing",
        "{ nothing; } > /out 2> /err",
        "x=$(nothing; fail 2)",
        "cat << A < /nothing\ntext\nA",
        "for i in 1 2; do break; done > /out",
        "f() { return 1; } > /out; f",
        "exit 3 > /out",
        "true | exit 3 | cat /nothing > /out",
    ] {
        let fake = Fake::new();
        run_with(&fake, text);
        assert_eq!(fake.open_streams(), 0, "{text}");
    }
}
