use crate::count::Count;
use crate::sort::{Order, sort};
use crate::tail::{Start, bytes, lines};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use std::string::String;
use std::vec::Vec;

fn sorted(text: &str, order: Order) -> Vec<String> {
    sort(text.as_bytes(), order)
        .into_iter()
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect()
}

#[test]
fn lines_are_sorted_as_wanted() {
    let text = "b\nA\na\nb\n10\n9";
    let usual = Order::default();
    assert_eq!(sorted(text, usual), ["10", "9", "A", "a", "b", "b"]);
    assert_eq!(
        sorted(
            text,
            Order {
                is_reverse: true,
                ..usual
            }
        ),
        ["b", "b", "a", "A", "9", "10"]
    );
    assert_eq!(
        sorted(
            text,
            Order {
                is_unique: true,
                folds: true,
                ..usual
            }
        ),
        ["10", "9", "A", "b"]
    );
    let numbers = "10\n9\n-1\n1.5\n1.25\n-3 x\nword\n007\n-0";
    let numeric = Order {
        is_numeric: true,
        ..usual
    };
    assert_eq!(
        sorted(numbers, numeric),
        ["-3 x", "-1", "-0", "word", "1.25", "1.5", "007", "9", "10"]
    );
    let fields = "x 3\ny  1\nz 2";
    assert_eq!(
        sorted(
            fields,
            Order {
                field: Some(2),
                ..usual
            }
        ),
        ["y  1", "z 2", "x 3"]
    );
    assert_eq!(sorted("", usual), [""; 0]);
    assert_eq!(sorted("\n\n", usual), ["", ""]);
}

#[test]
fn a_line_that_does_not_end_counts_as_bytes_and_words_only() {
    let mut count = Count::default();
    count.add(b"one two\n th");
    count.add(b"ree\tfour");
    assert_eq!((count.lines, count.words, count.bytes), (1, 4, 19));
}

#[test]
fn the_end_of_a_text_begins_where_it_is_said_to() {
    let text = b"1\n2\n3\n4";
    assert_eq!(lines(text, Start::FromEnd(2)), b"3\n4");
    assert_eq!(lines(text, Start::FromStart(3)), b"3\n4");
    assert_eq!(lines(text, Start::FromEnd(0)), b"");
    assert_eq!(lines(text, Start::FromEnd(9)), text);
    assert_eq!(lines(text, Start::FromStart(9)), b"");
    assert_eq!(bytes(text, Start::FromEnd(3)), b"3\n4");
    assert_eq!(bytes(text, Start::FromStart(7)), b"4");
    assert_eq!(Start::parse("+5"), Some(Start::FromStart(5)));
    assert_eq!(Start::parse("-5"), Some(Start::FromEnd(5)));
    assert_eq!(Start::parse("x"), None);
}

proptest! {
    #[test]
    fn sorting_numbers_is_sorting_their_values(mut numbers: Vec<i32>) {
        let text: String = numbers.iter().map(|number| std::format!("{number}\n")).collect();
        numbers.sort();
        let order = Order { is_numeric: true, ..Order::default() };
        let expected: Vec<String> = numbers.iter().map(|number| std::format!("{number}")).collect();
        prop_assert_eq!(sorted(&text, order), expected);
    }

    #[test]
    fn sorting_loses_nothing_and_does_not_depend_on_the_order_before(text in "[abA01 .\n-]{0,60}", is_numeric: bool, is_reverse: bool, folds: bool) {
        let order = Order { is_numeric, is_reverse, folds, ..Order::default() };
        let once = sorted(&text, order);
        let mut reversed: Vec<&str> = text.lines().collect();
        reversed.reverse();
        let again: String = reversed.iter().map(|line| std::format!("{line}\n")).collect();
        prop_assert_eq!(&sorted(&again, order), &once);
        let mut expected: Vec<&str> = text.lines().collect();
        let mut found: Vec<&str> = once.iter().map(String::as_str).collect();
        expected.sort();
        found.sort();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn counts_do_not_depend_on_how_a_text_comes(text: Vec<u8>, place: proptest::sample::Index) {
        let (mut whole, mut parts) = (Count::default(), Count::default());
        whole.add(&text);
        let (first, second) = text.split_at(place.index(text.len() + 1));
        parts.add(first);
        parts.add(second);
        prop_assert_eq!(parts, whole);
        prop_assert!(whole.words <= whole.bytes && whole.lines <= whole.bytes);
    }

    #[test]
    fn the_last_lines_and_those_before_are_the_text(text in "[ab\n]{0,30}", count in 0..10_usize) {
        let total = text.split_inclusive('\n').count();
        let last = lines(text.as_bytes(), Start::FromEnd(count));
        prop_assert!(text.as_bytes().ends_with(last));
        prop_assert_eq!(last.split_inclusive(|byte| *byte == b'\n').count(), total.min(count));
        prop_assert_eq!(lines(text.as_bytes(), Start::FromStart(total.saturating_sub(count) + 1)), last);
    }
}
