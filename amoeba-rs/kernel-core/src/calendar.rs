//! The time of day from an AT's clock chip (Motorola MC146818 data sheet): seconds since 1970, of the proleptic
//! Gregorian calendar, without leap seconds.

const SECONDS_A_DAY: i64 = 86_400;
/// Years of the century below this one are after 2000.
const FIRST_YEAR: u8 = 70;
/// Bit of the hours for the afternoon, where hours count to 12.
const AFTERNOON: u8 = 0x80;

/// The clock's registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockRegisters {
    /// Seconds, minutes, hours, day of the month, month, year of the century.
    pub date: [u8; 6],
    /// Register B, whose bits 1 and 2 say how the others are written.
    pub format: u8,
}

impl ClockRegisters {
    /// Seconds since the beginning of 1970.
    pub fn seconds(&self) -> i64 {
        let is_binary = self.format & 0x04 != 0;
        let is_24_hours = self.format & 0x02 != 0;
        let number = |byte: u8| {
            if is_binary {
                byte
            } else {
                (byte >> 4) * 10 + (byte & 0x0f)
            }
        };
        let [second, minute, hour, day, month, year] = self.date;
        let hours = match number(hour & !AFTERNOON) {
            hour if is_24_hours => hour,
            hour => hour % 12 + if self.date[2] & AFTERNOON != 0 { 12 } else { 0 },
        };
        let year = number(year);
        let year = i64::from(year) + if year < FIRST_YEAR { 2000 } else { 1900 };
        let days = days(year, i64::from(number(month)), i64::from(number(day)));
        days * SECONDS_A_DAY
            + i64::from(hours) * 3600
            + i64::from(number(minute)) * 60
            + i64::from(number(second))
    }
}

/// Days from the first of 1970 to a date. Years are counted from March, so that the day that comes every fourth year is
/// the last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let of_years = year * 365 + year / 4 - year / 100 + year / 400;
    let of_months = (month * 153 + 2) / 5;
    // Days from March of year 0 to the beginning of 1970.
    of_years + of_months + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::{ClockRegisters, days};

    #[test]
    fn known_moments_have_their_seconds() {
        let clock = |date, format| ClockRegisters { date, format }.seconds();
        assert_eq!(clock([0x00, 0x00, 0x00, 0x01, 0x01, 0x70], 0x02), 0);
        assert_eq!(clock([0x00, 0x00, 0x09, 0x30, 0x05, 0x95], 0x02), 801_824_400);
        assert_eq!(clock([0x07, 0x14, 0x03, 0x19, 0x01, 0x38], 0x02), 2_147_483_647);
        assert_eq!(clock([40, 46, 1, 9, 9, 1], 0x06), 1_000_000_000);
    }

    #[test]
    fn hours_to_12_have_a_bit_for_the_afternoon() {
        let hour = |hour| {
            ClockRegisters {
                date: [0, 0, hour, 1, 1, 0x70],
                format: 0,
            }
            .seconds()
                / 3600
        };
        assert_eq!(
            [0x12, 0x01, 0x11, 0x92, 0x81, 0x91].map(hour),
            [0, 1, 11, 12, 13, 23]
        );
    }

    #[test]
    fn every_day_of_a_century_follows_the_one_before() {
        let lengths = |year: i64| {
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            [
                31,
                if is_leap { 29 } else { 28 },
                31,
                30,
                31,
                30,
                31,
                31,
                30,
                31,
                30,
                31,
            ]
        };
        let mut expected = 0;
        for year in 1970..2070 {
            for (month, length) in (1..).zip(lengths(year)) {
                for day in 1..=length {
                    assert_eq!(days(year, month, day), expected, "{year}-{month}-{day}");
                    expected += 1;
                }
            }
        }
    }
}
