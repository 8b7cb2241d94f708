//! Virtual time in integers.
//!
//! A tour: [`Instant`] is a point of virtual time, counted in picoseconds since the lab was switched on;
//! [`Span`] is a distance between two of them; [`Rate`] is an exact frequency, kept as a fraction, that turns ticks
//! of an oscillator into instants without drift; [`Agenda`] says who has to be woken when.
//!
//! Nothing here reads the host's clock and nothing uses floating point, so that every host computes the same times.
//! A picosecond is fine enough to keep every clock of a PC apart (a 33.333 MHz processor clock is 30 000.3 ps)
//! and coarse enough for 213 days in 64 bits.
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod agenda;
mod rate;
mod time;

pub use agenda::Agenda;
pub use rate::Rate;
pub use time::{Instant, Span};
