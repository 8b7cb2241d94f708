use super::{errors, output};
use proptest::prelude::{prop_assert_eq, proptest};
use std::format;
use std::string::String;

#[test]
fn quotes_keep_characters_from_their_meaning() {
    assert_eq!(
        output("args 'a  b' \"c  d\" e\\ f '$x' \"\\$x\" \"\\a\" 'it'\\''s'"),
        "<a  b><c  d><e f><$x><$x><\\a><it's>\n"
    );
    assert_eq!(output("args '' \"\" a''b"), "<><><ab>\n");
    assert_eq!(output("args a\\\nb 'c\nd' # comment"), "<ab><c\nd>\n");
    assert_eq!(output("args a#b \\# '#'"), "<a#b><#><#>\n");
}

#[test]
fn values_are_divided_unless_they_are_quoted() {
    assert_eq!(
        output("x=' a  b '; args $x \"$x\" x${x}x"),
        "<a><b>< a  b ><x><a><b><x>\n"
    );
    assert_eq!(output("x=; args $x; args \"$x\" ; args a$x"), "\n<>\n<a>\n");
    assert_eq!(output("IFS=:; x=a::b:; args $x"), "<a><><b>\n");
    assert_eq!(output("IFS=; x='a b'; args $x"), "<a b>\n");
    assert_eq!(output("x='a b'; y=$x; args \"$y\""), "<a b>\n");
}

#[test]
fn arguments_are_parameters() {
    assert_eq!(output("args $1 \"$2\" $# ${1} $3"), "<one><two words><2><one>\n");
    assert_eq!(
        output("args $*; args $@; args \"$*\"; args \"$@\"; args \"a$@b\""),
        "<one><two><words>\n<one><two><words>\n<one two words>\n<one><two words>\n<aone><two wordsb>\n"
    );
    assert_eq!(
        output("set --; args \"$@\"; args \"$*\"; args $*; args x\"$@\""),
        "\n<>\n\n<x>\n"
    );
    assert_eq!(output("set 1 2 3 4 5 6 7 8 9 ten; args $10 ${10}"), "<10><ten>\n");
    assert_eq!(output("echo $0"), "sh\n");
}

#[test]
fn a_word_stands_for_a_value_that_is_missing() {
    assert_eq!(
        output("e=; args ${u-d} ${e-d} ${e:-d} ${u:-\"a b\"} ${u-a b}"),
        "<d><d><a b><a><b>\n"
    );
    assert_eq!(
        output("args ${u=new} $u; v=1; args ${v:+set} ${u:+\"$v\"} ${w+no}"),
        "<new><new>\n<set><1>\n"
    );
    assert_eq!(errors("echo ${u?is needed}"), "sh: u: is needed\n");
    assert_eq!(errors("set -u; echo $u"), "sh: u: has no value\n");
    assert_eq!(output("x=länge; echo ${#x} ${#u} ${#} ${#@}"), "5 0 2 2\n");
}

#[test]
fn what_commands_write_becomes_words() {
    assert_eq!(
        output("args $(echo a b) \"$(echo a b)\" `echo c`"),
        "<a><b><a b><c>\n"
    );
    assert_eq!(output("x=$(args 1; args 2); args \"$x\""), "<<1>\n<2>>\n");
    assert_eq!(output("args \"$(echo a; echo; echo)\""), "<a>\n");
    assert_eq!(output("args $(args $(args $(echo deep)))"), "<<<deep>>>\n");
    assert_eq!(output("args $(cat /etc/a.txt | upper) $()"), "<APPLE>\n");
    assert_eq!(output("args \"$(echo \"a  b\")\""), "<a  b>\n");
}

#[test]
fn a_tilde_is_the_home_directory() {
    assert_eq!(output("args ~ ~/x a~ '~' ~x"), "</home></home/x><a~><~><~x>\n");
}

#[test]
fn assignments_take_values_as_they_are() {
    assert_eq!(
        output("x='*'; y=$x; args \"$y\"; a=1 b=$a; args $a$b"),
        "<*>\n<11>\n"
    );
    assert_eq!(output("x=1 args $x; export y=2; args $y"), "\n<2>\n");
}

proptest! {
    #[test]
    fn a_text_in_single_quotes_is_one_argument(text in "[^\u{0}'\r]{0,30}") {
        // An argument of its own even where it is empty.
        prop_assert_eq!(output(&format!("args '{text}'")), format!("<{text}>\n"));
    }

    #[test]
    fn a_value_in_double_quotes_is_one_argument_and_without_them_as_many_as_it_has_words(text in "[ab\t ]{0,20}") {
        let words: String = text.split_whitespace().map(|word| format!("<{word}>")).collect();
        prop_assert_eq!(output(&format!("x='{text}'; args \"$x\"; args $x")), format!("<{text}>\n{words}\n"));
    }

    #[test]
    fn values_survive_another_shell(text in "[^\u{0}\r']{0,30}", other in "['a\"$]{0,5}") {
        let value = format!("'{text}'\"{}\"", other.replace('"', "\\\"").replace('$', "\\$"));
        prop_assert_eq!(output(&format!("x={value}; (args \"$x\")")), format!("<{text}{other}>\n"));
    }
}
