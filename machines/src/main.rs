//! The `amlab` command.

fn main() {}
