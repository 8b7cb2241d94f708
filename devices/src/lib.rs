//! The chips of an ISA AT.
//!
//! A tour: every chip is plain data with `read`, `write` and, where it keeps time, `wake`. A chip never holds a
//! reference to another one. What it does to the world leaves through the [`Context`] lent for the call, as an
//! [`Effect`]; the board (crate `machines`) carries the effects out.
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod alarm;
#[cfg(test)]
mod bench;
mod context;
mod interrupt_controllers;
mod interrupt_line;
mod keyboard_controller;
mod post_codes;
mod real_time_clock;
mod serial_port;
mod system_control;
mod timer;

pub use context::{Context, Effect};
pub use interrupt_controllers::InterruptControllers;
pub use keyboard_controller::KeyboardController;
pub use post_codes::PostCodes;
pub use real_time_clock::RealTimeClock;
pub use serial_port::SerialPort;
pub use system_control::SystemControl;
pub use timer::Timer;
