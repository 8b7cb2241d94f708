use super::{errors, output};
use crate::arithmetic::evaluate;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use std::format;
use std::string::{String, ToString};

fn value(text: &str) -> Result<i64, String> {
    evaluate(text, |name| (name == "x").then(|| "5".to_string()))
}

#[test]
fn operators_have_the_precedence_of_c() {
    for (text, expected) in [
        ("1+2*3", 7),
        ("(1+2)*3", 9),
        ("10-4-3", 3),
        ("7/2", 3),
        ("-7/2", -3),
        ("-7%3", -1),
        ("1<2", 1),
        ("2<=1", 0),
        ("1<<4|1", 17),
        ("6&3^1", 3),
        ("1||0&&0", 1),
        ("!0+1", 2),
        ("~0", -1),
        ("1?2:3", 2),
        ("0?2:0?3:4", 4),
        ("0x10+010", 24),
        ("x * x", 25),
        ("y", 0),
        (" - - 3 ", 3),
        ("1==1!=0", 1),
    ] {
        assert_eq!(value(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_expression_is_told() {
    for text in [
        "",
        "1+",
        "(1",
        "1)",
        "1 2",
        "1/0",
        "1%0",
        "08",
        "a$",
        "1?2",
        "99999999999999999999",
    ] {
        assert!(value(text).is_err(), "{text}");
    }
    let nested = format!("{}1{}", "(".repeat(1000), ")".repeat(1000));
    assert_eq!(value(&nested), Err("expression: too deep".into()));
}

#[test]
fn the_shell_takes_values_from_variables() {
    assert_eq!(output("a=6; b=7; echo $((a*b)) $(( $a - $(echo 1) ))"), "42 5\n");
    assert_eq!(errors("echo $((1/0))"), "sh: expression: division by zero\n");
}

/// An expression and its value, by another way of calculating.
fn expression() -> impl Strategy<Value = (String, i64)> {
    let leaf = prop_oneof![
        (0..1000_i64).prop_map(|number| (number.to_string(), number)),
        Just(("x".to_string(), 5))
    ];
    leaf.prop_recursive(5, 40, 2, |inner| {
        (inner.clone(), 0..4_u8, inner, any::<bool>()).prop_map(
            |((left, a), operator, (right, b), has_blanks)| {
                let (sign, result) = match operator {
                    0 => ("+", a.wrapping_add(b)),
                    1 => ("-", a.wrapping_sub(b)),
                    2 => ("*", a.wrapping_mul(b)),
                    _ => ("<", i64::from(a < b)),
                };
                let blank = if has_blanks { " " } else { "" };
                (format!("({left}{blank}{sign}{blank}{right})"), result)
            },
        )
    })
}

proptest! {
    #[test]
    fn values_are_those_of_the_tree((text, expected) in expression()) {
        prop_assert_eq!(value(&text), Ok(expected));
    }

    #[test]
    fn no_text_makes_it_panic(text in "[-+*/%<>=!~?:()0-9a-z ]{0,40}") {
        let _ = value(&text);
    }
}
