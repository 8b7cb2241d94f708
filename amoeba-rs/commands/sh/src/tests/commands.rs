use super::{Fake, errors, output, run_with, status};
use std::string::ToString;

#[test]
fn commands_follow_each_other_and_depend_on_each_other() {
    assert_eq!(output("echo a; echo b\necho c"), "a\nb\nc\n");
    assert_eq!(output("true && echo yes || echo no"), "yes\n");
    assert_eq!(output("false && echo yes || echo no"), "no\n");
    assert_eq!(output("false || false || echo third"), "third\n");
    assert_eq!(output("! false && echo negated"), "negated\n");
    assert_eq!((status("true"), status("false"), status("fail 7")), (0, 1, 7));
}

#[test]
fn dollar_question_mark_is_the_last_status() {
    assert_eq!(output("fail 3; echo $?; echo $?"), "3\n0\n");
    assert_eq!(output("fail 5 | true; echo $?; true | fail 6; echo $?"), "0\n6\n");
    assert_eq!(output("x=$(fail 4); echo $?"), "4\n");
}

#[test]
fn what_there_is_not_is_told_and_has_status_127() {
    let (_, errors, status) = run_with(&Fake::new(), "nonsense a b");
    assert_eq!((errors.as_str(), status), ("sh: nonsense: not found\n", 127));
}

#[test]
fn an_exception_is_told_in_words() {
    let (_, errors, status) = run_with(&Fake::new(), "fault");
    assert_eq!(
        errors,
        "sh: fault: exception: access to memory that is not its own\n"
    );
    assert_eq!(status, 128 + 9);
}

#[test]
fn a_pipe_joins_output_and_input() {
    assert_eq!(output("cat /etc/a.txt | upper"), "APPLE\n");
    assert_eq!(output("cat /etc/a.txt /etc/b.txt | upper | count"), "2\n");
    assert_eq!(output("echo builtin | upper"), "BUILTIN\n");
    assert_eq!(output("{ echo a; echo b; } | count"), "2\n");
    assert_eq!(
        output("x=v; echo $x | while read y; do echo got $y; done"),
        "got v\n"
    );
}

#[test]
fn a_part_of_a_pipeline_changes_nothing_here() {
    assert_eq!(output("x=1; x=2 | true; (x=3); echo $x"), "1\n");
    assert_eq!(output("cd /etc; (cd /; pwd); pwd"), "/\n/etc\n");
    assert_eq!(output("(exit 4); echo $?"), "4\n");
}

#[test]
fn another_shell_knows_variables_functions_options_and_arguments() {
    assert_eq!(
        output("x=\"it's 1\"; f() { echo f $x $1; }; (f $2)"),
        "f it's 1 two\n"
    );
    assert_eq!(output("(echo $# \"$2\")"), "2 two words\n");
    assert_eq!(output("set -f; (echo /etc/*)"), "/etc/*\n");
    assert_eq!(output("fail 9; (echo $?)"), "9\n");
}

#[test]
fn conditions_choose() {
    assert_eq!(output("if true; then echo a; else echo b; fi"), "a\n");
    assert_eq!(
        output("if false; then echo a; elif true; then echo b; else echo c; fi"),
        "b\n"
    );
    assert_eq!(output("if false\nthen\necho a\nfi\necho $?"), "0\n");
    let cases = "case $x in a|b) echo ab;; c*) echo c;; '*') echo star;; *) echo other; esac";
    for (x, expected) in [("b", "ab"), ("cab", "c"), ("*", "star"), ("", "other")] {
        assert_eq!(
            output(&std::format!("x='{x}'\n{cases}")),
            std::format!("{expected}\n")
        );
    }
}

#[test]
fn loops_repeat_and_end() {
    assert_eq!(output("for i in 1 2 3; do echo $i; done"), "1\n2\n3\n");
    assert_eq!(output("for i; do echo \"$i\"; done"), "one\ntwo words\n");
    assert_eq!(
        output("i=0; while [ $i -lt 3 ]; do i=$((i+1)); echo $i; done"),
        "1\n2\n3\n"
    );
    assert_eq!(
        output("i=0; until [ $i -eq 2 ]; do i=$((i+1)); done; echo $i"),
        "2\n"
    );
    assert_eq!(
        output("for i in 1 2 3; do if [ $i = 2 ]; then continue; fi; echo $i; done"),
        "1\n3\n"
    );
    assert_eq!(
        output("for i in 1 2; do for j in 1 2; do echo $i$j; break 2; done; done; echo end"),
        "11\nend\n"
    );
    assert_eq!(
        output("for i in 1 2; do for j in 1 2; do continue 2; done; echo no; done; echo end"),
        "end\n"
    );
    assert_eq!(output("for i in; do echo no; done; echo $?"), "0\n");
}

#[test]
fn functions_have_arguments_of_their_own_and_return() {
    assert_eq!(
        output("f() { echo $# $1; return 5; echo no; }\nf x y; echo $? $#"),
        "2 x\n5 2\n"
    );
    assert_eq!(
        output("f()\n{ if [ $1 -gt 0 ]; then echo $1; f $(($1-1)); fi; }\nf 3"),
        "3\n2\n1\n"
    );
    assert_eq!(output("f() { cat; } < /etc/a.txt\nf; f"), "apple\napple\n");
    assert!(errors("f() { f; }; f").contains("too deeply"));
}

#[test]
fn builtins_change_the_shell() {
    assert_eq!(
        output("cd /etc; cat c; pwd; cd ..; pwd; cd -"),
        "cherry\n/etc\n/\n/etc\n"
    );
    assert_eq!(errors("cd /nowhere"), "sh: cd: /nowhere: not found\n");
    assert_eq!(
        output("set a b c; shift; echo $* $#; set -- -x; echo $1"),
        "b c 2\n-x\n"
    );
    assert_eq!(
        output("export X=1; readonly Y=2; export | cat"),
        "HOME='/home'\nPATH='/bin'\nPWD='/'\nX='1'\n"
    );
    assert_eq!(errors("readonly Y=2; Y=3"), "sh: Y: is constant\n");
    assert_eq!(output("x=1; unset x; echo ${x-none}"), "none\n");
    assert_eq!(output("eval 'echo a;' echo b"), "a\nb\n");
    assert_eq!(
        output("type cd; f() { true; }; type f"),
        "cd: a builtin of the shell\nf: a function\n"
    );
    assert_eq!(status("exit 9; echo no"), 9);
    assert_eq!(status("false; exit"), 1);
    assert_eq!(
        output("x=outer; x=inner true; echo $x; x=kept :; echo $x"),
        "outer\nkept\n"
    );
}

#[test]
fn a_file_is_carried_out_by_this_shell() {
    let fake = Fake::new();
    fake.file("/etc/script", "y=set\necho in script $1\nreturn 3\necho no");
    let (output, errors, _) = run_with(&fake, ". /etc/script; echo $? $y");
    assert_eq!((output.as_str(), errors.as_str()), ("in script one\n3 set\n", ""));
    assert_eq!(run_with(&fake, ". /nothing").1, "sh: .: /nothing: not found\n");
}

#[test]
fn read_divides_a_line() {
    let fake = Fake::new();
    fake.input("  first second  third fourth \nback\\\nslash\n");
    let (output, ..) = run_with(
        &fake,
        "read a b c; echo \"$a,$b,$c\"; read x; echo $x; read y || echo end",
    );
    assert_eq!(output, "first,second,third fourth\nbackslash\nend\n");
    let fake = Fake::new();
    fake.input("root:0:/home\n");
    assert_eq!(run_with(&fake, "IFS=: read a b c; echo $b").0, "0\n");
}

#[test]
fn a_command_in_the_background_is_a_job_that_is_waited_for() {
    assert_eq!(output("fail 3 & wait $!; echo $?"), "3\n");
    assert_eq!(output("fail 3 & wait; echo $?"), "0\n");
    assert_eq!(output("true & false & jobs | cat"), "");
    assert_eq!(output("fail 2 | fail 4 & wait %1; echo $?"), "4\n");
    assert_eq!(output("cat & wait"), "");
    assert_eq!(errors("wait 77"), "sh: wait: 77: no such job\n");
}

#[test]
fn a_person_is_told_of_jobs_and_their_ends() {
    let (output, errors, _) = run_with(&Fake::new(), "set -i\nfail 4 > /etc/out &\necho next");
    assert_eq!(output, "next\n");
    assert_eq!(errors, "[1] 1\n[1] exit 4: 1>/etc/out fail 4\n");
}

#[test]
fn with_e_a_failure_ends_the_shell_unless_it_is_a_condition() {
    assert_eq!(
        output("set -e; if false; then :; fi; false || true; ! true; echo on; false; echo no"),
        "on\n"
    );
    assert_eq!(status("set -e; false && true; echo here; fail 6; true"), 6);
    assert_eq!(
        output("set -e; f() { false; echo in; }; f || true; while false; do :; done; echo end"),
        "in\nend\n"
    );
}

#[test]
fn with_x_commands_are_told() {
    assert_eq!(
        errors("set -x; x='a b'; echo $x > /dev/null"),
        "+ x=a b\n+ echo a b\n"
    );
}

#[test]
fn an_interrupt_ends_the_line_of_a_person_and_a_script() {
    let fake = Fake::new();
    fake.0.borrow_mut().interrupt_after = Some(2);
    let (output, _, status) = run_with(&fake, "set -i\nwhile true; do args x; done; echo no\necho $?");
    assert_eq!((output.as_str(), status), ("<x>\n<x>\n130\n", 0));
    let fake = Fake::new();
    fake.0.borrow_mut().interrupt_after = Some(1);
    let (output, _, status) = run_with(&fake, "args x; echo no\necho no");
    assert_eq!((output.as_str(), status), ("<x>\n", 130));
}

#[test]
fn a_text_that_is_wrong_is_told_with_its_line() {
    let (output, errors, status) = run_with(&Fake::new(), "echo a\necho b; )\necho c");
    assert_eq!((output.as_str(), status), ("a\n", 2));
    assert_eq!(errors, "sh: syntax error in line 2: unexpected `)'\n".to_string());
    assert_eq!(run_with(&Fake::new(), "if true; then").2, 2);
}
