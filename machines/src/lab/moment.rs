//! Points of UTC time, as the CMOS clocks and captures need them: RFC 3339 in, seconds since 1970 out.

use jiff::Timestamp;

/// 1980-01-01T00:00:00Z, the first moment that an AT's clock can show.
const FIRST: i64 = 315_532_800;
/// 2080-01-01T00:00:00Z, the first moment after those that two digits of a year can tell apart.
const END: i64 = 3_471_292_800;

/// Seconds since 1970-01-01T00:00:00Z of a date and time in UTC, whole seconds, in the years 1980 to 2079.
pub(super) fn parse(text: &str) -> Option<i64> {
    if !text.ends_with(['Z', 'z']) {
        return None;
    }
    let moment: Timestamp = text.parse().ok()?;
    let seconds = moment.as_second();
    (moment.subsec_nanosecond() == 0 && (FIRST..END).contains(&seconds)).then_some(seconds)
}

/// The date and time as [`parse`] reads them.
pub(super) fn show(epoch_seconds: i64) -> String {
    Timestamp::from_second(epoch_seconds)
        .map_or_else(|_| epoch_seconds.to_string(), |moment| moment.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paper_s_month_is_where_it_should_be() {
        assert_eq!(parse("1995-05-30T09:00:00Z"), Some(801_824_400));
        assert_eq!(show(801_824_400), "1995-05-30T09:00:00Z");
    }

    #[test]
    fn the_clock_s_hundred_years_are_1980_to_2079() {
        assert_eq!(parse("1980-01-01T00:00:00Z"), Some(FIRST));
        assert_eq!(parse("1979-12-31T23:59:59Z"), None);
        assert_eq!(parse("2079-12-31T23:59:59Z"), Some(END - 1));
        assert_eq!(parse("2080-01-01T00:00:00Z"), None);
    }

    #[test]
    fn only_whole_seconds_of_utc_are_a_moment() {
        for text in [
            "1995-05-30",
            "09:00:00",
            "1995-05-30T09:00:00",
            "1995-05-30T09:00:00+02:00",
            "1995-05-30T09:00:00.5Z",
            "1995-02-29T09:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
