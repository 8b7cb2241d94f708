//! The `amlab` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    machines::command::main(std::env::args_os())
}
