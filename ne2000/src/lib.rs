//! The National DP8390 and the Ethernet cards built round it.
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod settings;

pub use settings::{Model, Settings};
