//! Times as people write and read them: `10min`, `1.5s`, `57600ns`; `12.003 s`.

use clock::{Instant, Span};

/// Unit names and their length in picoseconds.
const UNITS: [(&str, u64); 7] = [
    ("ns", 1_000),
    ("us", 1_000_000),
    ("ms", 1_000_000_000),
    ("s", 1_000_000_000_000),
    ("min", 60_000_000_000_000),
    ("h", 3_600_000_000_000_000),
    ("d", 86_400_000_000_000_000),
];

/// Reads a time such as `10min` or `1.5s`: a decimal number and its unit.
pub(crate) fn parse_span(text: &str) -> Result<Span, String> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = (text[..split].trim(), &text[split..]);
    let Some((_, picoseconds)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err("write a number and a unit: ns, us, ms, s, min, h or d, as in 1.5s".into());
    };
    let (numerator, denominator) = parse_decimal(number).ok_or("the number is not a decimal such as 1.5")?;
    u64::try_from(numerator * u128::from(*picoseconds) / denominator)
        .map(Span::from_picoseconds)
        .map_err(|_| "longer than 213 days".into())
}

/// Reads `12.5` as the fraction 125/10; at most nine decimals and ten digits before the point.
pub(crate) fn parse_decimal(text: &str) -> Option<(u128, u128)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_sane = is_number(whole) && is_number(fraction) && whole.len() <= 10 && fraction.len() <= 9;
    if !is_sane || text.is_empty() || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    Some((digits, 10_u128.pow(u32::try_from(fraction.len()).ok()?)))
}

/// Virtual seconds with three decimals, rounded down: `12.003 s`.
pub(crate) fn seconds(at: Instant) -> String {
    let milliseconds = at.nanoseconds() / 1_000_000;
    format!("{}.{:03} s", milliseconds / 1000, milliseconds % 1000)
}

/// A count with its thousands apart: `1 204`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// `1 machine`, `2 machines`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_decimals_with_a_unit() {
        assert_eq!(parse_span("10min"), Ok(Span::from_seconds(600)));
        assert_eq!(parse_span("1.5s"), Ok(Span::from_milliseconds(1500)));
        assert_eq!(parse_span("0.0576 ms"), Ok(Span::from_nanoseconds(57_600)));
        assert_eq!(parse_span("2h"), Ok(Span::from_seconds(7200)));
    }

    #[test]
    fn a_time_without_a_unit_or_beyond_213_days_is_refused() {
        for text in ["10", "", "s", "-1s", "1.2.3s", "1e3s", "214d", "9999999999h", "."] {
            assert!(parse_span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(204), "204");
        assert_eq!(grouped(1204), "1 204");
        assert_eq!(grouped(4_812_113), "4 812 113");
    }
}
