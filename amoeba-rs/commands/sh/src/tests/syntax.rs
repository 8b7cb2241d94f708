use crate::parser::{Error, parse};
use crate::text::Text;
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// What is printed of a text's meaning means the same.
fn assert_prints(text: &str) {
    let list = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let printed = list.to_string();
    let again = parse(&printed).unwrap_or_else(|error| panic!("{text}: {printed}: {error}"));
    assert_eq!(again, list, "{text}: {printed}");
    assert_eq!(again.to_string(), printed);
}

#[test]
fn what_is_printed_is_read_back() {
    for text in [
        "",
        "echo a 'b c' \"d $e\" f\\ g",
        "a=1 b= c='x y' command <in >out 2>&1 >>more",
        "<in if",
        "a && b || c; d & e",
        "! a | b | c &",
        "if a; then b; elif c & then d; else e; fi > out",
        "while a; b; do c; done; until a; do b & done",
        "for x in 1 \"$@\" *.c; do echo $x; done; for y; do z; done; for e in; do f; done",
        "case $x in (a|'b') c; d ;; *) ;; esac; case x in esac",
        "f() { a; b; } > out; g() ( c ); f x",
        "(a; b) | { c; d & } 2> errors",
        "echo ${a} ${#a} ${a:-b c} ${a=d} ${a:?\"e f\"} ${a+g} ${a%.c} ${a##*/} \"${a:-$b}\"",
        "echo $(a; b) \"$(c | d)\" `e \\`f\\`` $((1 + x * (2))) \"$((y))\"",
        "cat << A << 'B'\nx $y\nA\nz\nB\n",
        "cat << A\nA\n",
        "echo it\\'s '\"' \"'\"",
        "echo \"\" '' a\"\"b",
        "echo $ \"$\" a$ \"a$\"",
        "echo a#b # comment",
        "echo !; ! echo {a}",
        "exec <&- >&-",
    ] {
        assert_prints(text);
    }
}

#[test]
fn a_text_that_goes_on_is_incomplete() {
    for text in [
        "echo 'a",
        "echo \"a",
        "echo $(a",
        "echo `a",
        "echo ${a",
        "echo $((1",
        "a &&",
        "a |",
        "if a",
        "if a; then b",
        "while a; do b",
        "for x in a",
        "case a in",
        "case a in b) c",
        "{ a",
        "(a",
        "f()",
        "cat << A\nb",
        "cat << A",
        "echo \\",
    ] {
        assert_eq!(parse(text), Err(Error::Incomplete), "{text}");
    }
}

#[test]
fn a_text_that_is_wrong_is_told() {
    for text in [
        ")",
        "a )",
        "fi",
        "then",
        "do",
        "}",
        ";;",
        "a ;; b",
        "| a",
        "&& a",
        "a | | b",
        "if ; then a; fi",
        "( )",
        "for 1 in a; do b; done",
        "for x y; do b; done",
        "case a b in c) d; esac",
        "f(a) { b; }",
        "f() a",
        "a < ;",
        "echo ${}",
        "echo ${a!b}",
        "echo $((1) 2)",
        "& a",
        "while a; done",
    ] {
        assert!(
            matches!(parse(text), Err(Error::Wrong(1, _))),
            "{text}: {:?}",
            parse(text)
        );
    }
}

#[test]
fn commands_within_commands_have_an_end() {
    for (open, close) in [
        ("(", ")"),
        ("{ ", ";}"),
        ("echo $(", ")"),
        ("echo ${a:-", "}"),
        ("if a; then ", "; fi"),
    ] {
        let text = format!("{}b{}", open.repeat(10_000), close.repeat(10_000));
        assert!(matches!(parse(&text), Err(Error::Wrong(..))), "{open}");
    }
}

#[test]
fn lines_are_gathered_up_to_the_end_of_a_command() {
    let mut text = Text::default();
    assert!(matches!(text.line("if a"), Ok(None)));
    assert!(text.is_open());
    assert!(matches!(text.line("then b; fi"), Ok(Some(_))));
    assert!(!text.is_open());
    assert!(matches!(text.line("c"), Ok(Some(_))));
    assert!(matches!(text.line("d )"), Err(Error::Wrong(4, _))));
    assert!(!text.is_open());
}

/// Texts of words, operators and reserved words, most of which mean something.
fn text() -> impl Strategy<Value = String> {
    let pieces = [
        "a",
        "b1",
        "x=1",
        "'q \" '",
        "\"d $x ${y:-z} $(c) `e`\"",
        "\\ ",
        "$x",
        "${x#p*}",
        "$((1+$x))",
        "$(a; b)",
        "*",
        "[a-z]?",
        "if",
        "then",
        "fi",
        "else",
        "while",
        "do",
        "done",
        "for",
        "in",
        "case",
        "esac",
        "{",
        "}",
        "(",
        ")",
        "|",
        "&&",
        "||",
        ";",
        "&",
        ";;",
        "<",
        ">",
        ">>",
        "2>",
        "2>&1",
        "<<<",
        "!",
        "f()",
        "\n",
        "$",
        "#",
        "~",
        "=",
        "''",
    ];
    let piece = prop_oneof![8 => prop::sample::select(pieces.to_vec()).prop_map(ToString::to_string), 1 => any::<char>().prop_map(String::from)];
    prop::collection::vec((piece, any::<bool>()), 0..14).prop_map(|pieces: Vec<(String, bool)>| {
        let joined = pieces
            .into_iter()
            .map(|(piece, has_blank)| if has_blank { piece } else { format!("{piece} ") });
        joined.collect()
    })
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(4000))]

    #[test]
    fn whatever_means_something_is_printed_so_that_it_means_the_same(text in text()) {
        if let Ok(list) = parse(&text) {
            let printed = list.to_string();
            prop_assert_eq!(parse(&printed), Ok(list), "{}", printed);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[-a{}()$`'\"\\\\<>|&;!#=~*\\[\n 1:?+%]{0,30}") {
        let _ = parse(&text);
    }

    #[test]
    fn a_quoted_word_is_one_word_of_this_text(text in "[^\u{0}\r]{0,20}") {
        let quoted = format!("echo '{}'", text.replace('\'', "'\\''"));
        let list = parse(&quoted);
        prop_assert!(list.is_ok());
    }
}
