use super::{Fake, errors, output, run_with, status};

#[test]
fn the_exit_trap_is_carried_out_when_the_shell_ends_and_keeps_its_status() {
    assert_eq!(output("trap 'echo bye $?' EXIT; echo work"), "work\nbye 0\n");
    assert_eq!(output("trap 'echo bye $?' 0; exit 3; echo never"), "bye 3\n");
    assert_eq!(
        (
            status("trap 'echo bye' 0; exit 3"),
            status("trap 'exit 4' 0; exit 3")
        ),
        (3, 4)
    );
    assert_eq!(
        output("set -e; trap 'echo gone' EXIT; false; echo never"),
        "gone\n"
    );
    assert_eq!(output("trap 'echo bye' EXIT; trap - EXIT; echo work"), "work\n");
    assert_eq!(
        output("trap 'echo bye' EXIT; exec args x"),
        "<x>\n",
        "the program took its place"
    );
}

#[test]
fn another_shell_has_its_own_exit_trap() {
    assert_eq!(
        output("trap 'echo outer' EXIT; (trap 'echo inner' EXIT; true); (true); echo middle"),
        "inner\nmiddle\nouter\n"
    );
}

/// What a script writes, and its status, when the interrupt comes while its second program runs.
fn interrupted(text: &str) -> (std::string::String, i32) {
    let fake = Fake::new();
    fake.0.borrow_mut().interrupt_after = Some(2);
    let (output, _, status) = run_with(&fake, text);
    (output, status)
}

#[test]
fn the_interrupt_is_trapped_ignored_or_ends_the_script() {
    let work = "args 1; args 2; echo after $?; args 3";
    assert_eq!(interrupted(work), ("<1>\n<2>\n".into(), 130));
    let trapped = std::format!("trap 'echo caught' INT; {work}");
    assert_eq!(
        interrupted(&trapped),
        ("<1>\n<2>\ncaught\nafter 0\n<3>\n".into(), 0)
    );
    let ending = std::format!("trap 'echo cleaned; exit 9' 2; {work}");
    assert_eq!(interrupted(&ending), ("<1>\n<2>\ncleaned\n".into(), 9));
    let ignored = std::format!("trap '' SIGINT; {work}");
    assert_eq!(interrupted(&ignored), ("<1>\n<2>\nafter 0\n<3>\n".into(), 0));
    let usual = std::format!("trap '' INT; trap - INT; {work}");
    assert_eq!(interrupted(&usual).1, 130);
    let at_exit = std::format!("trap 'echo bye $?' EXIT; {work}");
    assert_eq!(interrupted(&at_exit), ("<1>\n<2>\nbye 130\n".into(), 130));
}

#[test]
fn traps_are_told_as_commands_that_would_set_them() {
    assert_eq!(
        output("trap 'echo \"a b\"' 15 INT; trap '' HUP; trap; trap - TERM INT HUP; trap"),
        "trap -- '' HUP\ntrap -- 'echo \"a b\"' INT\ntrap -- 'echo \"a b\"' TERM\n"
    );
    assert_eq!(output("trap '' 1 2; (trap)"), "trap -- '' HUP\ntrap -- '' INT\n");
    assert_eq!(errors("trap x KILL"), "sh: trap: KILL: no such condition\n");
    assert_eq!(status("trap x 99"), 2);
    assert_eq!(output("trap 'echo x' INT; trap 2; trap"), "");
}

/// A loop that tells what `getopts` finds in words.
fn options(letters: &str, words: &str) -> std::string::String {
    output(&std::format!(
        "set -- {words}; while getopts {letters} o; do echo \"$o ${{OPTARG-none}}\"; done; shift $((OPTIND - 1)); echo \"$o:$*\""
    ))
}

#[test]
fn getopts_takes_options_one_after_the_other() {
    assert_eq!(options("ab:c", "-a -b value rest"), "a none\nb value\n?:rest\n");
    assert_eq!(
        options("ab:c", "-acbvalue rest more"),
        "a none\nc none\nb value\n?:rest more\n"
    );
    assert_eq!(options("ab:c", "-a -- -c"), "a none\n?:-c\n");
    assert_eq!(options("a", "- -a"), "?:- -a\n");
    assert_eq!(options("a", ""), "?:\n");
    assert_eq!(options(":b:", "-x -b"), "? x\n: b\n?:\n");
}

#[test]
fn getopts_tells_of_unknown_options_and_missing_arguments() {
    assert_eq!(errors("getopts ab: o -x"), "sh: -x: no such option\n");
    assert_eq!(errors("getopts ab: o -b"), "sh: -b: its argument is missing\n");
    assert_eq!(
        errors("getopts ab:"),
        "sh: getopts: letters or a name are missing\n"
    );
    assert_eq!(
        errors("readonly o; getopts a o -a"),
        "sh: getopts: o: is constant\n"
    );
    assert_eq!(
        output("getopts ab o -ab; getopts ab o -ab; echo $o $OPTIND; OPTIND=1; getopts ab o -ab; echo $o"),
        "b 2\na\n"
    );
}
