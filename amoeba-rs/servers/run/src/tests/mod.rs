//! The server as its clients see it, over hosts that the tests make up.

mod choices;
mod directories;
mod hosts;
mod requests;
