//! Ethernet frames, the CSMA/CD segment and its capture.
//!
//! A tour: a [`Frame`] is what crosses the cable; stations speak to their segment in [`Request`]s and are answered in
//! [`Notice`]s, both with exact instants.
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod exchange;
mod frame;
mod record;
mod segment;
mod settings;

pub use exchange::{End, Notice, Outcome, Request, StationId};
pub use frame::{CheckSequence, Frame};
pub use record::{Party, Record};
pub use segment::{LEAST_FILL, Segment, Settlement, Statistics};
pub use settings::{CaptureEvents, Kind, Model, Settings};
