use crate::expression::{Error, Expression};
use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};
use std::boxed::Box;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

fn fits(expression: &str, line: &str) -> bool {
    Expression::new(expression.as_bytes(), false)
        .unwrap()
        .fits(line.as_bytes())
}

#[test]
fn expressions_fit_parts_of_lines() {
    for (expression, line) in [
        ("b", "abc"),
        ("", ""),
        ("^a.c$", "abc"),
        ("a*b", "b"),
        ("[a-c]x", "bx"),
        ("[^a]", "b"),
        ("[]a]", "]"),
        ("[a-]", "-"),
        ("[[:digit:]][[:alpha:]_]", "1_"),
        ("^\\(ab\\)*$", "abab"),
        ("^a\\{2,3\\}$", "aaa"),
        ("^a\\{2,\\}$", "aaaaa"),
        ("^a\\{2\\}$", "aa"),
        ("\\(a\\|b\\)c", "bc"),
        ("^a\\+b\\?$", "aa"),
        ("*a", "*a"),
        ("^*a", "*a"),
        ("a$b", "a$b"),
        ("a^b", "a^b"),
        ("\\.", "."),
        ("a\\{0\\}$", ""),
        ("\\(^a\\|b$\\)", "xb"),
        ("\\(\\)*x", "x"),
    ] {
        assert!(fits(expression, line), "{expression} {line}");
    }
    for (expression, line) in [
        ("^b", "ab"),
        ("a$", "ab"),
        ("[a-c]", "d"),
        ("\\.", "a"),
        ("^a\\{2,3\\}$", "aaaa"),
        ("^\\(ab\\)*$", "aba"),
        ("x[^[:space:]]", "x "),
        ("^$", "a"),
    ] {
        assert!(!fits(expression, line), "{expression} {line}");
    }
}

#[test]
fn letters_are_folded_if_that_is_wanted_and_literal_texts_stand_for_themselves() {
    assert!(Expression::new(b"[a-c]B", true).unwrap().fits(b"xCby"));
    let literal = Expression::literal(b"a.*", false).unwrap();
    assert!(literal.fits(b"xa.*") && !literal.fits(b"abc"));
}

#[test]
fn what_is_no_expression_is_told() {
    for (expression, error) in [
        ("[a", Error::Bracket),
        ("[[:what:]]", Error::Bracket),
        ("\\(a", Error::Parenthesis),
        ("a\\)", Error::Parenthesis),
        ("a\\{3,2\\}", Error::Repetition),
        ("a\\{999\\}", Error::Repetition),
        ("a\\{x", Error::Repetition),
        ("\\(a\\)\\1", Error::Reference),
        ("a\\", Error::Backslash),
        ("\\(a\\{255\\}\\)\\{255\\}", Error::TooLarge),
    ] {
        assert_eq!(
            Expression::new(expression.as_bytes(), false).err(),
            Some(error),
            "{expression}"
        );
    }
    let deep = "\\(".repeat(1000) + &"\\)".repeat(1000);
    assert_eq!(
        Expression::new(deep.as_bytes(), false).err(),
        Some(Error::TooLarge)
    );
}

#[test]
fn time_grows_with_the_product_of_both_lengths() {
    let expression = format!("{}{}$", "a\\?".repeat(100), "a".repeat(100));
    assert!(fits(&expression, &"a".repeat(100)));
    assert!(!fits(&format!("^{}b", "\\(a*\\)*".repeat(20)), &"a".repeat(2000)));
}

/// An expression as a tree.
#[derive(Clone, Debug)]
enum Tree {
    Letter(char),
    Any,
    Both(Box<Tree>, Box<Tree>),
    Either(Box<Tree>, Box<Tree>),
    Star(Box<Tree>),
}

impl Tree {
    fn text(&self) -> String {
        match self {
            Tree::Letter(letter) => letter.to_string(),
            Tree::Any => ".".into(),
            Tree::Both(first, second) => first.text() + &second.text(),
            Tree::Either(first, second) => format!("\\({}\\|{}\\)", first.text(), second.text()),
            Tree::Star(tree) => format!("\\({}\\)*", tree.text()),
        }
    }

    /// Where a match that begins at `start` may end, by trying everything.
    fn ends(&self, line: &[char], start: usize) -> Vec<usize> {
        let mut ends: Vec<usize> = match self {
            Tree::Letter(letter) => line
                .get(start)
                .filter(|found| *found == letter)
                .map(|_| start + 1)
                .into_iter()
                .collect(),
            Tree::Any => line.get(start).map(|_| start + 1).into_iter().collect(),
            Tree::Both(first, second) => {
                let middles = first.ends(line, start);
                middles
                    .into_iter()
                    .flat_map(|middle| second.ends(line, middle))
                    .collect()
            }
            Tree::Either(first, second) => [first.ends(line, start), second.ends(line, start)].concat(),
            Tree::Star(tree) => {
                let mut all = Vec::from([start]);
                let mut place = 0;
                while let Some(from) = all.get(place).copied() {
                    for end in tree.ends(line, from) {
                        if !all.contains(&end) {
                            all.push(end);
                        }
                    }
                    place += 1;
                }
                all
            }
        };
        ends.sort();
        ends.dedup();
        ends
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        prop::sample::select(Vec::from(['a', 'b'])).prop_map(Tree::Letter),
        Just(Tree::Any)
    ];
    leaf.prop_recursive(4, 12, 2, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        prop_oneof![
            (boxed(), boxed()).prop_map(|(first, second)| Tree::Both(first, second)),
            (boxed(), boxed()).prop_map(|(first, second)| Tree::Either(first, second)),
            boxed().prop_map(Tree::Star),
        ]
    })
}

proptest! {
    #[test]
    fn an_expression_fits_what_its_tree_fits(tree in tree(), line in "[abc]{0,8}", is_whole: bool) {
        let characters: Vec<char> = line.chars().collect();
        let expected = if is_whole {
            tree.ends(&characters, 0).contains(&characters.len())
        } else {
            (0..=characters.len()).any(|start| !tree.ends(&characters, start).is_empty())
        };
        let text = if is_whole { format!("^\\({}\\)$", tree.text()) } else { tree.text() };
        prop_assert_eq!(fits(&text, &line), expected, "{}", text);
    }

    #[test]
    fn no_bytes_make_it_panic(expression in "[]\\[\\\\(){}|*.^$a1,:+?-]{0,20}", line: Vec<u8>, folds: bool) {
        if let Ok(expression) = Expression::new(expression.as_bytes(), folds) {
            let _ = expression.fits(&line);
        }
    }

    #[test]
    fn a_literal_text_fits_lines_that_hold_it(text in prop::collection::vec(any::<u8>(), 0..4), line in prop::collection::vec(0..4_u8, 0..12)) {
        let expected = text.is_empty() || line.windows(text.len()).any(|window| window == text);
        prop_assert_eq!(Expression::literal(&text, false).unwrap().fits(&line), expected);
    }
}
