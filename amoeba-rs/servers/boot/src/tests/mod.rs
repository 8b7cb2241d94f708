//! Tests of the parts without I/O.

mod configurations;
mod files;
mod plans;
