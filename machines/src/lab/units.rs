//! Quantities with their units written out: `"4MB"`, `"40MHz"`, `"57.6us"`, `"30m"`, `"10Mbit/s"`.
//!
//! A quantity is a number and a unit, with at most one space between. The number is a decimal or a fraction of two
//! (`"25/3MHz"`), and is exact: `"33.333MHz"` is 33 333 000 Hz and no more. The one exception is the processor clock
//! `"33MHz"`, the name under which 33 1/3 MHz processors were sold (see [`processor_clock`]). `KB` and `MB` are
//! multiples of 1024, as memory was sold in 1995; rates and times are decimal.

use clock::{Rate, Span};

use super::code::Code;

/// What a quantity measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    /// Memory, in bytes.
    Memory,
    /// A clock, in hertz.
    Frequency,
    /// Virtual time, in picoseconds.
    Time,
    /// Cable, in millimetres.
    Length,
    /// Speed of a segment, in bits per second.
    BitRate,
}

/// A unit and its size in the dimension's smallest unit.
struct Unit {
    symbol: &'static str,
    size: u128,
}

const fn unit(symbol: &'static str, size: u128) -> Unit {
    Unit { symbol, size }
}

const MEMORY: &[Unit] = &[
    unit("B", 1),
    unit("KB", 1 << 10),
    unit("MB", 1 << 20),
    unit("GB", 1 << 30),
];
const FREQUENCY: &[Unit] = &[unit("Hz", 1), unit("kHz", 1_000), unit("MHz", 1_000_000)];
const TIME: &[Unit] = &[
    unit("ps", 1),
    unit("ns", 1_000),
    unit("us", 1_000_000),
    unit("ms", 1_000_000_000),
    unit("s", 1_000_000_000_000),
    unit("min", 60_000_000_000_000),
    unit("h", 3_600_000_000_000_000),
];
const LENGTH: &[Unit] = &[unit("mm", 1), unit("cm", 10), unit("m", 1_000)];
const BIT_RATE: &[Unit] = &[unit("bit/s", 1), unit("kbit/s", 1_000), unit("Mbit/s", 1_000_000)];

/// A third of a hundred megahertz, the clock behind the name `33MHz`.
const THIRTY_THREE: Rate = Rate::fraction(100_000_000, 3);

impl Dimension {
    const ALL: [Self; 5] = [
        Self::Memory,
        Self::Frequency,
        Self::Time,
        Self::Length,
        Self::BitRate,
    ];

    const fn units(self) -> &'static [Unit] {
        match self {
            Self::Memory => MEMORY,
            Self::Frequency => FREQUENCY,
            Self::Time => TIME,
            Self::Length => LENGTH,
            Self::BitRate => BIT_RATE,
        }
    }

    /// What it measures, in words.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory size",
            Self::Frequency => "clock",
            Self::Time => "time",
            Self::Length => "length",
            Self::BitRate => "bit rate",
        }
    }

    /// Quantities as one would write them, for messages.
    pub(super) const fn example(self) -> &'static str {
        match self {
            Self::Memory => "\"4MB\" or \"640KB\"",
            Self::Frequency => "\"40MHz\" or \"33.333MHz\"",
            Self::Time => "\"10min\", \"60s\" or \"57.6us\"",
            Self::Length => "\"30m\"",
            Self::BitRate => "\"10Mbit/s\"",
        }
    }

    /// A regular expression for the schema.
    pub(super) fn pattern(self) -> String {
        let symbols: Vec<&str> = self.units().iter().map(|unit| unit.symbol).collect();
        format!(
            "^[0-9]+(\\.[0-9]+)?(/[0-9]+(\\.[0-9]+)?)? ?({})$",
            symbols.join("|")
        )
    }

    fn symbols(self) -> String {
        let symbols: Vec<&str> = self.units().iter().map(|unit| unit.symbol).collect();
        symbols.join(", ")
    }
}

/// A number of the smallest unit, as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quantity {
    numerator: u128,
    denominator: u128,
}

/// Why a text is no quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct QuantityError {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) help: String,
}

impl QuantityError {
    fn new(code: Code, message: String, help: String) -> Self {
        Self { code, message, help }
    }
}

impl Quantity {
    /// The quantity that `text` says, in the dimension's smallest unit.
    pub(super) fn parse(dimension: Dimension, text: &str) -> Result<Self, QuantityError> {
        let number_end = text
            .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '/'))
            .unwrap_or(text.len());
        let (number, rest) = text.split_at(number_end);
        let symbol = rest.strip_prefix(' ').unwrap_or(rest);
        let example = || format!("write {}", dimension.example());
        if number.is_empty() {
            let message = format!("`{text}` does not begin with a number");
            return Err(QuantityError::new(Code::BadQuantity, message, example()));
        }
        if symbol.is_empty() {
            let message = format!("`{text}` has no unit");
            return Err(QuantityError::new(Code::MissingUnit, message, example()));
        }
        let Some(unit) = dimension.units().iter().find(|unit| unit.symbol == symbol) else {
            return Err(wrong_unit(dimension, symbol));
        };
        let exact = parse_number(number).and_then(|exact| {
            let numerator = exact.numerator.checked_mul(unit.size)?;
            Some(Self { numerator, ..exact }.reduced())
        });
        let Some(exact) = exact else {
            let message = format!("`{number}` is not a number that can be used here");
            return Err(QuantityError::new(Code::BadQuantity, message, example()));
        };
        exact.check(dimension, text)
    }

    /// Only a clock may be a fraction of its smallest unit; everything fits into 64 bits.
    fn check(self, dimension: Dimension, text: &str) -> Result<Self, QuantityError> {
        let fits = u64::try_from(self.numerator).is_ok() && u64::try_from(self.denominator).is_ok();
        let is_whole = self.denominator <= finest(dimension);
        if fits && is_whole {
            return Ok(self);
        }
        let smallest = dimension.units()[0].symbol;
        let (message, help) = if fits {
            (
                format!("`{text}` is finer than a {} can be", dimension.name()),
                format!(
                    "it must be a whole number of {smallest}; a clock may be a fraction down to 1/{FINEST_CLOCK} Hz"
                ),
            )
        } else {
            (
                format!("`{text}` is out of reach"),
                format!("a {} is kept as 64 bits of {smallest}", dimension.name()),
            )
        };
        Err(QuantityError::new(Code::BadQuantity, message, help))
    }

    /// The whole number of the smallest unit, rounded down (exact for everything but clocks).
    pub(super) fn whole(self) -> u64 {
        u64::try_from(self.numerator / self.denominator).expect("checked when it was read")
    }

    /// This quantity as a time.
    pub(super) fn span(self) -> Span {
        Span::from_picoseconds(self.whole())
    }

    /// This quantity as a rate, if it is between a hertz and a terahertz.
    pub(super) fn rate(self) -> Option<Rate> {
        let ticks = u64::try_from(self.numerator).ok()?;
        let seconds = u64::try_from(self.denominator).ok()?;
        let hertz = self.numerator / self.denominator;
        (1..1_000_000_000_000)
            .contains(&hertz)
            .then(|| Rate::fraction(ticks, seconds))
    }

    fn reduced(self) -> Self {
        let (mut a, mut b) = (self.numerator, self.denominator);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Self {
            numerator: self.numerator / a,
            denominator: self.denominator / a,
        }
    }
}

/// The largest denominator of a clock in hertz.
const FINEST_CLOCK: u128 = 1_000;

/// The largest denominator of a quantity in its smallest unit.
const fn finest(dimension: Dimension) -> u128 {
    match dimension {
        Dimension::Frequency => FINEST_CLOCK,
        _ => 1,
    }
}

fn wrong_unit(dimension: Dimension, symbol: &str) -> QuantityError {
    let belongs = Dimension::ALL
        .into_iter()
        .find(|other| other.units().iter().any(|unit| unit.symbol == symbol));
    let same_letters = dimension
        .units()
        .iter()
        .find(|unit| unit.symbol.eq_ignore_ascii_case(symbol));
    let message = match belongs {
        Some(other) => format!(
            "`{symbol}` is a unit of a {}, but a {} is needed",
            other.name(),
            dimension.name()
        ),
        None => format!("`{symbol}` is not a unit of a {}", dimension.name()),
    };
    let help = match same_letters {
        Some(unit) => format!("did you mean `{}`?", unit.symbol),
        None => format!("the units are {}", dimension.symbols()),
    };
    QuantityError::new(Code::WrongUnit, message, help)
}

/// A decimal, or a fraction of two.
fn parse_number(text: &str) -> Option<Quantity> {
    let (above, below) = text.split_once('/').unwrap_or((text, "1"));
    let (above, below) = (parse_decimal(above)?, parse_decimal(below)?);
    let numerator = above.numerator.checked_mul(below.denominator)?;
    let denominator = above.denominator.checked_mul(below.numerator)?;
    (denominator > 0).then(|| {
        Quantity {
            numerator,
            denominator,
        }
        .reduced()
    })
}

/// Digits, and digits behind a point if there is one; at most 18 in all.
fn parse_decimal(text: &str) -> Option<Quantity> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(decimals) || whole.len() + decimals.len() > 18 {
        return None;
    }
    let denominator = 10_u128.pow(u32::try_from(decimals.len()).ok()?);
    let numerator = whole.parse::<u128>().ok()? * denominator + decimals.parse::<u128>().ok()?;
    Some(
        Quantity {
            numerator,
            denominator,
        }
        .reduced(),
    )
}

/// A factor such as `0.5` in thousandths, if it is a whole number of them.
pub(super) fn parse_thousandths(text: &str) -> Option<u64> {
    let factor = parse_decimal(text)?;
    let scaled = factor.numerator.checked_mul(1_000)?;
    (scaled % factor.denominator == 0)
        .then(|| u64::try_from(scaled / factor.denominator).ok())
        .flatten()
}

/// A processor clock. `33MHz` is the name of 33 1/3 MHz; `33.0MHz` is 33 MHz.
pub(super) fn processor_clock(text: &str) -> Option<Rate> {
    match text {
        "33MHz" | "33 MHz" => Some(THIRTY_THREE),
        _ => Quantity::parse(Dimension::Frequency, text).ok()?.rate(),
    }
}

/// A processor clock as [`processor_clock`] reads it.
pub(super) fn show_processor_clock(clock: Rate) -> String {
    if clock == THIRTY_THREE {
        "33MHz".to_owned()
    } else if clock == Rate::hertz(33_000_000) {
        "33.0MHz".to_owned()
    } else {
        show_frequency(clock)
    }
}

/// A frequency: in megahertz if that is a decimal of at most six places, and else as a fraction of hertz.
pub(super) fn show_frequency(clock: Rate) -> String {
    // One second has a whole number of ticks only for whole hertz; several seconds have one for every rate.
    let seconds = (1..=1_000).find(|&n| {
        let span = Span::from_seconds(n);
        clock.span(clock.ticks(span)) == span
    });
    let whole = clock.whole_hertz();
    match seconds {
        Some(1) if whole.is_multiple_of(1_000_000) => format!("{}MHz", whole / 1_000_000),
        Some(1) => {
            let decimals = format!("{:06}", whole % 1_000_000);
            format!("{}.{}MHz", whole / 1_000_000, decimals.trim_end_matches('0'))
        }
        Some(n) => format!("{}/{n}Hz", clock.ticks(Span::from_seconds(n))),
        None => format!("{whole}Hz"),
    }
}

/// A time in the largest unit of which it is a whole number.
pub(super) fn show_time(span: Span) -> String {
    show_whole(TIME, u128::from(span.picoseconds()))
}

/// A memory size in the largest unit of which it is a whole number.
pub(super) fn show_memory(bytes: u64) -> String {
    show_whole(MEMORY, u128::from(bytes))
}

/// A length in the largest unit of which it is a whole number.
pub(super) fn show_length(millimetres: u64) -> String {
    show_whole(LENGTH, u128::from(millimetres))
}

/// A bit rate in the largest unit of which it is a whole number.
pub(super) fn show_bit_rate(bits_per_second: u64) -> String {
    show_whole(BIT_RATE, u128::from(bits_per_second))
}

fn show_whole(units: &[Unit], amount: u128) -> String {
    let unit = units
        .iter()
        .rev()
        .find(|unit| amount > 0 && amount.is_multiple_of(unit.size))
        .unwrap_or(&units[0]);
    format!("{}{}", amount / unit.size, unit.symbol)
}
