//! What configurations say, and which are none.

use crate::Configuration;
use crate::configuration::{BOOT_RATE, POLL_RATE, Reference};
use proptest::prelude::proptest;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

const TEXT: &str = r#"
cap ROOT = 1:2:3:4:5:6/1(ff)/7:8:9:a:b:c;   # the root
cap HOME = /home/ast;
cap CLOCK = HOST/tod;
environ { HOME = "/home/ast"; TERM = vt100; }
CORE_DIR = /dev/dead;
publish /profile/cap/todsvr/default = TOD;
bullet { pollcap = ROOT; pollrate = 2000; }
soap {
    after = bullet;
    bootrate = 3000;
    machine = /profile/hosts/server;
    program /bin/soap {
        argv { soap 0 "two words; and } more" "a \"quote\"" }
        environ { DEBUG = ""; }
        capv { RANDOM; TTY = HOST/tty:01; }
    }
}
shell { down; after = soap, bullet; procsvr = PROC; program HOME/sh { } }
"#;

fn parse(text: &str) -> Configuration {
    Configuration::parse(text).expect(text)
}

fn named(name: &str, path: &str) -> Reference {
    Reference::Named(name.into(), path.into())
}

#[test]
fn a_configuration_says_what_shall_run() {
    let configuration = parse(TEXT);
    let root = configuration.capability("ROOT").expect("a capability");
    assert_eq!(root.to_string(), "1:2:3:4:5:6/1(ff)/7:8:9:a:b:c");
    assert_eq!(
        configuration.capability("HOME"),
        Some(&Reference::Path("/home/ast".into()))
    );
    assert_eq!(configuration.capability("CLOCK"), Some(&named("HOST", "tod")));
    assert_eq!(configuration.environment, ["HOME=/home/ast", "TERM=vt100"]);
    assert_eq!(
        configuration.core_directory,
        Some(Reference::Path("/dev/dead".into()))
    );
    let published = vec![("/profile/cap/todsvr/default".to_string(), named("TOD", ""))];
    assert_eq!(configuration.published, published);
    let [bullet, soap, shell] = &configuration.services[..] else {
        panic!("three services")
    };
    assert_eq!((bullet.poll_rate, bullet.boot_rate), (2000, BOOT_RATE));
    assert_eq!((bullet.program.is_none(), bullet.is_down), (true, false));
    assert_eq!(
        (&soap.after[..], soap.boot_rate, soap.poll_rate),
        (&[0][..], 3000, POLL_RATE)
    );
    assert_eq!(
        soap.machine,
        Some(Reference::Path("/profile/hosts/server".into()))
    );
    let program = soap.program.as_ref().expect("a program");
    assert_eq!(
        program.arguments,
        ["soap", "0", "two words; and } more", "a \"quote\""]
    );
    assert_eq!(program.environment, ["DEBUG="]);
    assert_eq!(
        program.capabilities,
        [
            ("RANDOM".to_string(), named("RANDOM", "")),
            ("TTY".to_string(), named("HOST", "tty:01"))
        ]
    );
    assert_eq!((shell.is_down, &shell.after[..]), (true, &[1, 0][..]));
    assert_eq!(shell.process_server, Some(named("PROC", "")));
    let program = shell.program.as_ref().expect("a program");
    assert_eq!(
        (&program.file, &program.arguments[..]),
        (&named("HOME", "sh"), &["shell".to_string()][..])
    );
}

#[test]
fn the_first_mistake_is_told_with_its_line() {
    for (from, to, message) in [
        (
            "cap HOME = ",
            "cap HOME ",
            "line 3: `/home/ast` where `=` should be",
        ),
        ("cap HOME =", "cap ROOT =", "line 3: ROOT is there twice"),
        ("HOST/tod;", "HOST/tod", "line 5: `environ` where `;` should be"),
        ("TERM = vt100;", "TERM = ;", "line 5: `;` where a value should be"),
        (
            "CORE_DIR = /dev/dead;",
            "CORE_DIR = /a; CORE_DIR = /b;",
            "line 6: CORE_DIR is there twice",
        ),
        (
            "pollrate = 2000",
            "pollrate = 2s",
            "line 8: `2s` is no number of milliseconds, at most a day",
        ),
        (
            "pollrate = 2000",
            "pollrate = 0",
            "line 8: `0` is no number of milliseconds, at most a day",
        ),
        (
            "after = bullet;",
            "after = bulet;",
            "line 10: there is no service `bulet`",
        ),
        (
            "bootrate",
            "bootrat",
            "line 11: `bootrat` is no keyword of a service",
        ),
        (
            "argv",
            "arguments",
            "line 14: `arguments` is no keyword of a program",
        ),
        (
            "a \\\"quote\\\"\"",
            "a quote",
            "line 15: quotes that are not ended",
        ),
        ("shell {", "soap {", "line 19: soap is there twice"),
        ("{ } }", "{ }", "the end where a keyword or `}` should be"),
        (
            "bullet {",
            "bullet { after = shell;",
            "service `bullet` waits for itself, by way of `after`",
        ),
        (
            "cap CLOCK = HOST/tod",
            "cap A = B/x; cap B = A",
            "capability `A` stands for itself",
        ),
    ] {
        let text = TEXT.replacen(from, to, 1);
        assert_ne!(text, TEXT, "{from} is there");
        let error = Configuration::parse(&text).expect_err(to).to_string();
        assert_eq!(error, message);
    }
}

#[test]
fn a_name_may_stand_for_the_one_of_the_environment() {
    let configuration = parse("cap TTY = TTY; cap A = TTY;");
    assert_eq!(configuration.capability("A"), Some(&named("TTY", "")));
}

/// What texts are made of, so that many are nearly configurations.
const PIECES: &[&str] = &[
    "cap", "A", "=", ";", "{", "}", ",", "after", "program", "argv", "capv", "environ", "down", "\"", "#",
    "\n", "pollrate", "7", "/a", "publish", "\\",
];

proptest! {
    #[test]
    fn any_text_is_a_configuration_or_none(text: String) {
        let _ = Configuration::parse(&text);
    }

    #[test]
    fn any_words_are_a_configuration_or_none(pieces in proptest::collection::vec(0..PIECES.len(), 0..40)) {
        let words: Vec<&str> = pieces.into_iter().map(|place| PIECES[place]).collect();
        let _ = Configuration::parse(&words.join(" "));
    }

    #[test]
    fn a_configuration_that_is_cut_off_is_none_or_shorter(length in 0..TEXT.len()) {
        if let Ok(configuration) = Configuration::parse(&TEXT[..length]) {
            assert!(configuration.services.len() <= 3);
        }
    }
}
