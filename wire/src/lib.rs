//! Ethernet frames, the CSMA/CD segment and its capture.
//!
//! A tour: a [`Frame`] is what crosses the cable; stations speak to their [`Segment`] in [`Request`]s and are answered
//! in [`Notice`]s, both with exact instants, whenever the segment is settled. What a settling brings is a
//! [`Settlement`], and what was seen meanwhile are its [`Record`]s, which a [`Capture`] writes to a file for Wireshark.
//! A [`TrafficGenerator`] is a station for experiments, and a [`FaultRule`] mistreats frames.
//! `segment.rs` begins with the rules of the cable and of its windows, and `segment/reference.rs` holds a second, naive
//! model that it is tested against.
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod capture;
mod exchange;
mod fault;
mod frame;
mod random;
mod record;
mod segment;
mod settings;
mod traffic;

pub use capture::{Capture, CaptureError, CaptureInfo};
pub use exchange::{Connection, End, Notice, Outcome, Request, StationId};
pub use fault::{Chance, Deed, FaultRule, Matcher, Place, Turns};
pub use frame::{CheckSequence, Frame};
pub use record::{CableChange, Party, Record};
pub use segment::{LEAST_ATTEMPT, LEAST_FILL, Segment, Settlement, Statistics};
pub use settings::{CaptureEvents, Kind, Model, Settings};
pub use traffic::{Length, Pace, TrafficCounts, TrafficGenerator, TrafficSettings};
