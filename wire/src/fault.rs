//! Rules by which a segment mistreats frames, for experiments with what real cables do seldom.
//!
//! A rule acts between the cable and its receivers: the cable carries the frame as ever, its sender notices nothing,
//! and nobody's carrier changes. So every fault only takes away, alters or puts off what receivers are told, and the
//! proof of windows (`segment.rs`) holds as without rules. Delayed, repeated and held frames reach their receiver
//! whatever passes on the cable at that time. A frame that is cut short is told of when its last bit passes, as one of
//! that length would be.
//!
//! Rules are asked in their order, and the first that has an opinion on a frame decides. Each counts the frames that
//! fit its matcher, and draws its random numbers, whether or not a rule before it has decided already: what one rule
//! does is independent of the others. Frames are looked at when it is certain that they meet no collision any more, in
//! that order, which depends neither on windows nor on threads. One that is broken off or interrupted after that has
//! counted all the same.

use std::ops::RangeInclusive;

use clock::{Instant, Span};

use crate::random::Random;
use crate::{CheckSequence, Frame, StationId};

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// What records call it.
    pub name: String,
    /// It looks at frames whose first bit leaves at this instant or later...
    pub from: Instant,
    /// ... and before this one; [`Instant::NEVER`] for always.
    pub until: Instant,
    /// Which frames it looks at, and whose reception it touches.
    pub matcher: Matcher,
    /// Which of the frames that fit have their turn.
    pub turns: Turns,
    /// How often it acts when a frame has its turn.
    pub chance: Chance,
    /// Whether its receivers share a fate.
    pub place: Place,
    /// What it does.
    pub deed: Deed,
    /// From which its random numbers follow.
    pub seed: u64,
}

/// Which frames a rule looks at. Every condition must hold; [`Matcher::default`] has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matcher {
    /// Sent by one of these.
    pub senders: Option<Vec<StationId>>,
    /// Only what these receive is touched.
    pub receivers: Option<Vec<StationId>>,
    /// The two bytes after the addresses.
    pub ethertype: Option<u16>,
    /// The destination address.
    pub destination: Option<[u8; 6]>,
    /// The source address.
    pub source: Option<[u8; 6]>,
    /// The length in bytes, with the check sequence.
    pub length: Option<RangeInclusive<u64>>,
}

/// Which of the frames that fit a rule have their turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turns {
    /// All.
    #[default]
    Every,
    /// This one only; the first is 1.
    Only(u64),
    /// Each whose number is a multiple of this; with 0 none.
    EachNth(u64),
}

/// A probability in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance(u32);

/// Where a fault acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// On the cable: all receivers meet the same fate.
    #[default]
    Cable,
    /// At each receiver's tap: each has its own luck.
    Receiver,
}

/// What happens to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It is not received.
    Lose,
    /// So many of its bits are flipped, no bit twice.
    FlipBits {
        /// How many, at least one.
        count: u32,
        /// What its check sequence is then: [`CheckSequence::Wrong`] for noise on the cable, [`CheckSequence::Right`]
        /// for damage in the sender's memory. CRC-32 misses one in 2^32 errors of more than three bits; here none.
        check: CheckSequence,
    },
    /// It ends within a byte, with a wrong check sequence: an alignment error.
    Misalign {
        /// Bits after the last whole byte, 1 to 7.
        dribble_bits: u8,
    },
    /// It breaks off after so many bytes, check sequence included, with what would be a wrong check sequence.
    Truncate {
        /// Bytes that arrive, at least 4.
        length: u64,
    },
    /// It arrives later, by an equally distributed time.
    Delay {
        /// At least this.
        least: Span,
        /// At most this.
        most: Span,
    },
    /// It arrives again.
    Duplicate {
        /// How many times more.
        copies: u32,
        /// How long after one another.
        apart: Span,
    },
    /// It is held back and comes a gap behind a later frame.
    Reorder {
        /// How many frames overtake it.
        behind: u32,
        /// It comes after this time even if fewer frames have.
        at_most: Span,
    },
}

impl Chance {
    /// Always.
    pub const CERTAIN: Self = Self(1_000_000);

    /// So many times in a million; more than a million is certain.
    #[must_use]
    pub fn per_million(times: u32) -> Self {
        Self(times.min(1_000_000))
    }

    /// How many times in a million.
    #[must_use]
    pub fn millionths(self) -> u32 {
        self.0
    }
}

/// What becomes of one reception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Treatment {
    Lost,
    Altered(Frame),
    /// Only its beginning arrives, and this is all that is seen of it.
    Cut(Frame),
    Delayed(Span),
    Repeated {
        copies: u32,
        apart: Span,
    },
    Held {
        behind: u32,
        at_most: Span,
    },
}

/// A rule at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) rule: FaultRule,
    random: Random,
    /// Frames that have fitted it.
    seen: u64,
}

impl Fault {
    pub(crate) fn new(rule: FaultRule) -> Self {
        Self {
            random: Random::new(rule.seed, 0),
            rule,
            seen: 0,
        }
    }

    /// What it wants done with this frame at each of `receivers`, in their order.
    pub(crate) fn judge(
        &mut self,
        start: Instant,
        sender: StationId,
        frame: &Frame,
        receivers: &[StationId],
    ) -> Vec<Option<Treatment>> {
        if !self.rule.fits(start, sender, frame) {
            return vec![None; receivers.len()];
        }
        self.seen += 1;
        let has_turn = match self.rule.turns {
            Turns::Every => true,
            Turns::Only(number) => self.seen == number,
            Turns::EachNth(step) => step > 0 && self.seen.is_multiple_of(step),
        };
        if !has_turn {
            return vec![None; receivers.len()];
        }
        let common = match self.rule.place {
            Place::Cable => Some(self.draw(frame)),
            Place::Receiver => None,
        };
        let opinion = |receiver: &StationId| {
            if includes(self.rule.matcher.receivers.as_ref(), *receiver) {
                common.clone().unwrap_or_else(|| self.draw(frame))
            } else {
                None
            }
        };
        receivers.iter().map(opinion).collect()
    }

    fn draw(&mut self, frame: &Frame) -> Option<Treatment> {
        if self.random.below(1_000_000) >= u64::from(self.rule.chance.0) {
            return None;
        }
        Some(match self.rule.deed {
            Deed::Lose => Treatment::Lost,
            Deed::FlipBits { count, check } => Treatment::Altered(self.flip(frame, count, check)),
            Deed::Misalign { dribble_bits } => {
                let frame = Frame::new(frame.bytes(), CheckSequence::Wrong);
                Treatment::Altered(frame.with_dribble_bits(dribble_bits.max(1)))
            }
            Deed::Truncate { length } if length < frame.length() => Treatment::Cut(truncated(frame, length)),
            Deed::Truncate { .. } => Treatment::Altered(frame.clone()),
            Deed::Delay { least, most } => {
                let range = most.saturating_sub(least).picoseconds();
                let more = self.random.below(range.saturating_add(1));
                Treatment::Delayed(least + Span::from_picoseconds(more))
            }
            Deed::Duplicate { copies, apart } => Treatment::Repeated { copies, apart },
            Deed::Reorder { behind, at_most } => Treatment::Held { behind, at_most },
        })
    }

    fn flip(&mut self, frame: &Frame, count: u32, check: CheckSequence) -> Frame {
        let mut bytes = frame.bytes().to_vec();
        let bits = 8 * bytes.len() as u64;
        // Floyd's choice of a random subset: every set of so many bits is equally likely.
        let mut chosen = std::collections::BTreeSet::new();
        for last in bits - u64::from(count.max(1)).min(bits)..bits {
            let bit = self.random.below(last + 1);
            chosen.insert(if chosen.contains(&bit) { last } else { bit });
        }
        for bit in chosen {
            bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
        }
        Frame::new(&bytes, check).with_dribble_bits(frame.dribble_bits())
    }
}

impl FaultRule {
    fn fits(&self, start: Instant, sender: StationId, frame: &Frame) -> bool {
        let matcher = &self.matcher;
        (self.from..self.until).contains(&start)
            && includes(matcher.senders.as_ref(), sender)
            && (matcher.ethertype.is_none() || matcher.ethertype == frame.ethertype())
            && (matcher.destination.is_none() || matcher.destination == frame.destination())
            && (matcher.source.is_none() || matcher.source == frame.source())
            && matcher
                .length
                .as_ref()
                .is_none_or(|range| range.contains(&frame.length()))
    }
}

fn includes(stations: Option<&Vec<StationId>>, station: StationId) -> bool {
    stations.is_none_or(|stations| stations.contains(&station))
}

/// The first bytes of a longer frame; the last four of them stand where the check sequence is looked for.
fn truncated(frame: &Frame, length: u64) -> Frame {
    let kept = usize::try_from(length.saturating_sub(4)).unwrap_or(0);
    Frame::new(&frame.bytes()[..kept], CheckSequence::Wrong)
}
