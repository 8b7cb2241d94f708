//! The boot server: it starts a machine's services, looks whether they answer, and starts anew what does not.
//!
//! A tour. Values without I/O: [`configuration`] is the text that says what shall run, read by way of [`words`]; [`plan`] says what
//! is to be done next, and is told what came of it; [`processes`] is what the server writes down for the time after its own restart.
//! The program, on the machine alone, carries the plan out.
//!
//! Where what is known of Amoeba's boot server leaves a choice:
//!
//! * The form of a configuration: see [`configuration`].
//! * A service is up when it has answered (`pollcap`, or else its process) for the first time. One that was up and does not answer three times in a row is
//!   stunned and started anew; one that is not up `bootrate` after its start is too.
//! * A service that is moved to another machine goes on there; when it ends or fails, it is started where its configuration says.
//! * Services whose `after` are not all up wait; when one of them fails later, they go on.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod configuration;
pub mod plan;
pub mod processes;
#[cfg(test)]
mod tests;
pub mod words;

pub use configuration::Configuration;
pub use plan::Plan;
