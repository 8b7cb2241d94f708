//! The Gregorian calendar, in universal time.

use core::fmt::{self, Display, Formatter};

const DAY: u32 = 86_400;
const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
/// The first year, and the one behind the last: seconds are a signed number of four bytes in messages.
const YEARS: core::ops::Range<u32> = 1970..2038;

/// A date and a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// The year.
    pub year: u32,
    /// The month, from 1 on.
    pub month: u32,
    /// The day of the month, from 1 on.
    pub day: u32,
    /// Hours, minutes, seconds.
    pub time: [u32; 3],
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

fn month_length(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn year_length(year: u32) -> u32 {
    if is_leap(year) { 366 } else { 365 }
}

impl Date {
    /// The date so many seconds after the beginning of 1970.
    pub fn from_seconds(seconds: u32) -> Date {
        let mut days = seconds / DAY;
        let (mut year, mut month) = (YEARS.start, 1);
        while days >= year_length(year) {
            days -= year_length(year);
            year += 1;
        }
        while days >= month_length(year, month) {
            days -= month_length(year, month);
            month += 1;
        }
        let second = seconds % DAY;
        Date {
            year,
            month,
            day: days + 1,
            time: [second / 3600, second / 60 % 60, second % 60],
        }
    }

    /// Whole days since the beginning of 1970.
    fn days(&self) -> u32 {
        let years: u32 = (YEARS.start..self.year).map(year_length).sum();
        let months: u32 = (1..self.month).map(|month| month_length(self.year, month)).sum();
        years + months + self.day - 1
    }

    /// Seconds since the beginning of 1970.
    pub fn seconds(&self) -> u32 {
        let [hour, minute, second] = self.time;
        self.days() * DAY + (hour * 60 + minute) * 60 + second
    }

    /// Reads `MMDDhhmm[[CC]YY][.ss]`; what is missing is as in `now`, but for seconds, which are 0. A year of two digits from 70 on is one of
    /// the twentieth century. `None` for what is no date from 1970 to 2037.
    pub fn parse(text: &str, now: &Date) -> Option<Date> {
        let (digits, seconds) = text.split_once('.').unwrap_or((text, "00"));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(digits) || !is_number(seconds) || seconds.len() != 2 {
            return None;
        }
        let pair = |place: usize| digits.get(2 * place..2 * place + 2)?.parse::<u32>().ok();
        let year = match digits.len() {
            8 => now.year,
            10 => pair(4).map(|year| if year < 70 { 2000 + year } else { 1900 + year })?,
            12 => pair(4)? * 100 + pair(5)?,
            _ => return None,
        };
        let date = Date {
            year,
            month: pair(0)?,
            day: pair(1)?,
            time: [pair(2)?, pair(3)?, seconds.parse().ok()?],
        };
        let [hour, minute, second] = date.time;
        let is_date = YEARS.contains(&year)
            && (1..=12).contains(&date.month)
            && (1..=month_length(year, date.month)).contains(&date.day)
            && hour < 24
            && minute < 60
            && second < 60;
        is_date.then_some(date)
    }
}

impl Display for Date {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        // The first of January 1970 was a Thursday.
        let day = DAYS[(self.days() as usize + 4) % 7];
        let month = MONTHS[self.month as usize - 1];
        let [hour, minute, second] = self.time;
        let (date, year) = (self.day, self.year);
        write!(
            formatter,
            "{day} {month} {date:2} {hour:02}:{minute:02}:{second:02} GMT {year}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Date;
    use proptest::prelude::{prop_assert_eq, proptest};
    use std::string::ToString;

    #[test]
    fn dates_that_are_known() {
        for (seconds, text) in [
            (0, "Thu Jan  1 00:00:00 GMT 1970"),
            (801_824_400, "Tue May 30 09:00:00 GMT 1995"),
            (951_782_400, "Tue Feb 29 00:00:00 GMT 2000"),
            (951_868_800, "Wed Mar  1 00:00:00 GMT 2000"),
            (0x7fff_ffff, "Tue Jan 19 03:14:07 GMT 2038"),
        ] {
            assert_eq!(Date::from_seconds(seconds).to_string(), text);
        }
    }

    #[test]
    fn a_date_is_typed_as_month_day_hour_minute() {
        let now = Date::from_seconds(801_824_455);
        let parse = |text| Date::parse(text, &now).map(|date| date.to_string());
        for (text, expected) in [
            ("05300901", "Tue May 30 09:01:00 GMT 1995"),
            ("0229235900", "Tue Feb 29 23:59:00 GMT 2000"),
            ("123123591999.59", "Fri Dec 31 23:59:59 GMT 1999"),
            ("0101000070", "Thu Jan  1 00:00:00 GMT 1970"),
        ] {
            assert_eq!(parse(text).as_deref(), Some(expected));
        }
        for wrong in [
            "",
            "0530090",
            "053009011",
            "13010000",
            "00010000",
            "02290000",
            "04310000",
            "01012400",
            "01010060",
            "01010000.60",
            "01010000.5",
            "010100001969",
            "010100002038",
            "0101x000",
            "+1010000",
            "01010000.",
            "\u{e4}\u{e4}\u{e4}\u{e4}",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn seconds_read_back(seconds in 0_u32..0x8000_0000) {
            let date = Date::from_seconds(seconds);
            prop_assert_eq!(date.seconds(), seconds);
        }

        #[test]
        fn what_is_told_can_be_typed(seconds in 0_u32..2_145_916_800) {
            let date = Date::from_seconds(seconds);
            let [hour, minute, second] = date.time;
            let typed = std::format!("{:02}{:02}{hour:02}{minute:02}{}.{second:02}", date.month, date.day, date.year);
            prop_assert_eq!(Date::parse(&typed, &Date::from_seconds(0)), Some(date));
        }
    }
}
