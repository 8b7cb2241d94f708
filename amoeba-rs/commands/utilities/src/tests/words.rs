use crate::NAMES;
use crate::masks::{parse, print, rights};
use crate::options::Options;
use proptest::prelude::{prop_assert_eq, proptest};
use proto::capability::Rights;
use std::vec::Vec;

#[test]
fn options_are_letters_up_to_the_first_other_word() {
    let options = Options::parse(&["-ab", "-nvalue", "-n", "other", "--", "-c", "x"], "abn:").unwrap();
    assert!(options.has('a') && options.has('b') && !options.has('c'));
    assert_eq!(options.values('n').collect::<Vec<_>>(), ["value", "other"]);
    assert_eq!((options.value('n'), options.value('a')), (Some("other"), None));
    assert_eq!(options.operands, ["-c", "x"]);
    assert_eq!(Options::parse(&["-", "-a"], "a").unwrap().operands, ["-", "-a"]);
    assert_eq!(Options::parse(&["-x"], "ab"), Err('x'));
    assert_eq!(Options::parse(&["-n"], "n:"), Err('n'));
    assert_eq!(Options::parse(&["-:"], "n:"), Err(':'));
}

#[test]
fn masks_are_hexadecimal_numbers_with_colons() {
    assert_eq!(
        parse("ff:2:4"),
        Some([Rights(0xff), Rights(2), Rights(4), Rights(0)])
    );
    assert_eq!(
        parse("1:2:3:4").map(|masks| print(&masks, 4)).as_deref(),
        Some("1:2:3:4")
    );
    for text in ["", "ff:", "100", "g", "1:2:3:4:5", "+1", "1::2"] {
        assert_eq!(parse(text), None, "{text}");
    }
    assert_eq!(rights("0f"), Some(Rights(0x0f)));
}

#[test]
fn names_are_in_order() {
    assert!(NAMES.is_sorted());
}

proptest! {
    #[test]
    fn masks_that_are_printed_are_read_back(bytes: [u8; 4]) {
        let masks = bytes.map(Rights);
        prop_assert_eq!(parse(&print(&masks, 4)), Some(masks));
    }
}
