use super::output;
use crate::pattern::{Character, fits, remove};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use std::string::String;
use std::vec::Vec;

fn pattern(text: &str) -> Vec<Character> {
    text.chars().map(|character| (character, false)).collect()
}

/// The meaning of `*` and `?`, tried in all ways.
fn fits_naively(pattern: &[char], text: &[char]) -> bool {
    match (pattern.first(), text.first()) {
        (None, None) => true,
        (Some('*'), None) => fits_naively(&pattern[1..], text),
        (Some('*'), Some(_)) => fits_naively(&pattern[1..], text) || fits_naively(pattern, &text[1..]),
        (Some('?'), Some(_)) => fits_naively(&pattern[1..], &text[1..]),
        (Some(wanted), Some(found)) if wanted == found => fits_naively(&pattern[1..], &text[1..]),
        _ => false,
    }
}

#[test]
fn wildcards_and_brackets_fit() {
    for (wild, text) in [
        ("*", ""),
        ("a*c", "abbbc"),
        ("a?c", "abc"),
        ("[abc]x", "bx"),
        ("[a-c]", "b"),
        ("[!a-c]", "d"),
        ("[]]", "]"),
        ("[a-]", "-"),
        ("[", "["),
        ("a[b", "a[b"),
        ("*.[ch]", "x.c.h"),
    ] {
        assert!(fits(&pattern(wild), text), "{wild} {text}");
    }
    for (wild, text) in [
        ("a", "b"),
        ("?", ""),
        ("[a-c]", "d"),
        ("[!a]", "a"),
        ("a*c", "ab"),
        ("[]", "]x"),
    ] {
        assert!(!fits(&pattern(wild), text), "{wild} {text}");
    }
    assert!(fits(&[('*', true)], "*") && !fits(&[('*', true)], "a"));
}

#[test]
fn what_fits_is_taken_away_at_an_end() {
    assert_eq!(
        output("x=/a/b/c.tar.gz; echo ${x##*/} ${x#*/} ${x%.*} ${x%%.*}"),
        "c.tar.gz a/b/c.tar.gz /a/b/c.tar /a/b/c\n"
    );
    assert_eq!(output("x=aaa; echo ${x%b} ${x#?} ${x%%a*}."), "aaa aa .\n");
    assert_eq!(remove("aab", &pattern("a*"), false, true), "");
}

#[test]
fn paths_that_fit_stand_in_order_and_others_stay_as_they_are() {
    assert_eq!(output("args /etc/*"), "</etc/a.txt></etc/b.txt></etc/c>\n");
    assert_eq!(output("cd /etc; args *.txt '*' \\*"), "<a.txt><b.txt><*><*>\n");
    assert_eq!(
        output("args /e*/?.txt /x* /etc/.*"),
        "</etc/a.txt></etc/b.txt></x*></etc/.d>\n"
    );
    assert_eq!(output("args /*/c /*/zz"), "</etc/c></*/zz>\n");
    assert_eq!(
        output("x='*'; args /etc/$x \"/etc/$x\""),
        "</etc/a.txt></etc/b.txt></etc/c></etc/*>\n"
    );
}

proptest! {
    #[test]
    fn a_pattern_fits_what_it_fits_in_any_way(wild in "[ab*?]{0,8}", text in "[ab]{0,10}") {
        let (wilds, texts): (Vec<char>, Vec<char>) = (wild.chars().collect(), text.chars().collect());
        prop_assert_eq!(fits(&pattern(&wild), &text), fits_naively(&wilds, &texts));
    }

    #[test]
    fn a_quoted_text_fits_itself_alone(text: String, other: String) {
        let quoted: Vec<Character> = text.chars().map(|character| (character, true)).collect();
        prop_assert!(fits(&quoted, &text));
        prop_assert_eq!(fits(&quoted, &other), text == other);
    }

    #[test]
    fn no_pattern_makes_it_panic(wild in "[]\\[a!^*?-]{0,12}", text in "[]\\[a!-]{0,12}") {
        let _ = fits(&pattern(&wild), &text);
    }

    #[test]
    fn what_is_taken_away_and_what_is_left_are_the_text(text in "[ab]{0,8}", wild in "[ab*?]{0,4}", is_end: bool, is_longest: bool) {
        let left = remove(&text, &pattern(&wild), is_end, is_longest);
        let taken = if is_end { &text[left.len()..] } else { &text[..text.len() - left.len()] };
        let is_part = if is_end { text.starts_with(left) } else { text.ends_with(left) };
        prop_assert!(is_part);
        prop_assert!(fits(&pattern(&wild), taken) || left == text);
    }
}
