//! The directory server as a program.

fn main() {}
