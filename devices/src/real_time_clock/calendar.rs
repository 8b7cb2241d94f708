//! The calendar of the MC146818: two-digit years, every fourth of them a leap year.

/// 100 years with 25 leap years.
const DAYS_PER_CENTURY: i64 = 36_525;
pub(super) const SECONDS_PER_DAY: i64 = 86_400;

/// 1 January 2000, in days from 1 January 1970. Its century is the one whose leap years the chip gets right.
const CENTURY_START: i64 = 10_957;

/// A date and a time of day, as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Moment {
    /// 0 to 99.
    pub(super) year: u8,
    /// 1 to 12.
    pub(super) month: u8,
    /// 1 to 31.
    pub(super) day: u8,
    /// 0 to 23.
    pub(super) hour: u8,
    /// 0 to 59.
    pub(super) minute: u8,
    /// 0 to 59.
    pub(super) second: u8,
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 => 29,
        2 => 28,
        _ => 31,
    }
}

impl Moment {
    /// Seconds since the century began. Fields out of range count for what they say, as 61 seconds are a minute and
    /// a second; a month out of range is taken as the nearest.
    pub(super) fn seconds(self) -> i64 {
        let year = i64::from(self.year % 100);
        let month = i64::from(self.month.clamp(1, 12));
        let mut days = year * 365 + (year + 3) / 4;
        days += (1..month).map(|month| days_in_month(year, month)).sum::<i64>();
        days += i64::from(self.day.max(1)) - 1;
        let time = (i64::from(self.hour) * 60 + i64::from(self.minute)) * 60 + i64::from(self.second);
        days * SECONDS_PER_DAY + time
    }

    /// The moment `seconds` after the century began; the century repeats for ever.
    pub(super) fn from_seconds(seconds: i64) -> Self {
        let mut days = seconds.div_euclid(SECONDS_PER_DAY).rem_euclid(DAYS_PER_CENTURY);
        let time = seconds.rem_euclid(SECONDS_PER_DAY);
        // Four years, the first of them a leap year, have 1461 days.
        let mut year = days / 1461 * 4;
        days %= 1461;
        if days >= 366 {
            year += 1 + (days - 366) / 365;
            days = (days - 366) % 365;
        }
        let mut month = 1;
        while days >= days_in_month(year, month) {
            days -= days_in_month(year, month);
            month += 1;
        }
        Self {
            year: year as u8,
            month: month as u8,
            day: days as u8 + 1,
            hour: (time / 3600) as u8,
            minute: (time / 60 % 60) as u8,
            second: (time % 60) as u8,
        }
    }

    /// The moment `epoch_seconds` after 1 January 1970 0:00, with its century (19 for 1994) and its day of the week
    /// (1 is Sunday).
    pub(super) fn from_epoch(epoch_seconds: i64) -> (Self, u8, u8) {
        let days = epoch_seconds.div_euclid(SECONDS_PER_DAY);
        // Day 0 was a Thursday, the chip's day 5.
        let weekday = (days + 4).rem_euclid(7) as u8 + 1;
        // Between 1 March 1900 and 28 February 2100 the chip's calendar is the Gregorian one.
        let century_days = days - CENTURY_START;
        let moment = Self::from_seconds(epoch_seconds.saturating_sub(CENTURY_START * SECONDS_PER_DAY));
        let century = (20 + century_days.div_euclid(DAYS_PER_CENTURY)).rem_euclid(100) as u8;
        (moment, century, weekday)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    fn date(moment: Moment) -> (u8, u8, u8) {
        (moment.year, moment.month, moment.day)
    }

    #[test]
    fn epoch_seconds_become_date_century_and_weekday() {
        // `date -u -d @786240000`: Thu Dec  1 00:00:00 UTC 1994.
        let (moment, century, weekday) = Moment::from_epoch(786_240_000);
        assert_eq!((date(moment), century, weekday), ((94, 12, 1), 19, 5));
        // `date -u -d @951782400`: Tue Feb 29 00:00:00 UTC 2000.
        let (moment, century, weekday) = Moment::from_epoch(951_782_400);
        assert_eq!((date(moment), century, weekday), ((0, 2, 29), 20, 3));
    }

    #[test]
    fn every_day_of_the_century_goes_there_and_back() {
        for day in 0..DAYS_PER_CENTURY {
            let seconds = day * SECONDS_PER_DAY + 86_399;
            assert_eq!(Moment::from_seconds(seconds).seconds(), seconds);
        }
    }

    proptest! {
        #[test]
        fn any_number_of_seconds_is_a_valid_moment(seconds in any::<i64>()) {
            let (moment, century, weekday) = Moment::from_epoch(seconds);
            assert!((1..=12).contains(&moment.month) && (1..=31).contains(&moment.day));
            assert!(moment.hour < 24 && moment.minute < 60 && moment.second < 60 && moment.year < 100);
            assert!(century < 100 && (1..=7).contains(&weekday));
        }
    }
}
