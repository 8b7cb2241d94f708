//! What a segment is made of.

use clock::{Rate, Span};

/// How a segment behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Its kind of cable.
    pub kind: Kind,
    /// Its rules of access.
    pub model: Model,
    /// Bits per second.
    pub bit_rate: Rate,
    /// Length of the cable.
    pub length_millimetres: u64,
}

/// Kinds of cable (IEEE 802.3 clauses 8 and 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Thick coaxial cable, at most 500 m, 0.77 c.
    TenBase5,
    /// Thin coaxial cable, at most 185 m, 0.65 c.
    TenBase2,
}

/// Rules of access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Carrier sense, collisions and back-off: the real thing.
    CsmaCd,
    /// One frame after the other, in the order in which they are offered; no collisions.
    Fifo,
    /// Each frame arrives after its own length and delay, whatever else is sent.
    Ideal,
}

impl Kind {
    /// The longest segment that the standard allows, in millimetres.
    #[must_use]
    pub const fn longest_millimetres(self) -> u64 {
        match self {
            Self::TenBase5 => 500_000,
            Self::TenBase2 => 185_000,
        }
    }

    /// How long a signal travels over `millimetres` of this cable, rounded up to a picosecond.
    #[must_use]
    pub const fn delay(self, millimetres: u64) -> Span {
        /// Millimetres that light travels in a second.
        const LIGHT: u64 = 299_792_458_000;
        let percent_of_light = match self {
            Self::TenBase5 => 77,
            Self::TenBase2 => 65,
        };
        let picoseconds =
            (millimetres as u128 * 100 * 1_000_000_000_000).div_ceil(LIGHT as u128 * percent_of_light);
        Span::from_picoseconds(picoseconds as u64)
    }
}

/// Which events of the wire become records of a capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureEvents {
    /// Collisions, with their stations.
    pub collisions: bool,
    /// The jam after a collision.
    pub jams: bool,
    /// Stations that wait for a busy cable.
    pub deferrals: bool,
}
