//! The command `std_info`: asks the server of an object what the object is, and prints its line.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
mod tests;

use core::fmt::{self, Write};
use libamoeba::{Transactions, standard};
use proto::capability::Capability;
use proto::standard::Status;

/// The most bytes of a line that are shown.
const LONGEST_LINE: usize = 256;

/// Writes to `output` what the object of `capability` is, or why that cannot be told; says whether it could.
pub fn std_info(
    transactions: &mut impl Transactions,
    capability: &Capability,
    output: &mut impl Write,
) -> Result<bool, fmt::Error> {
    let mut buffer = [0; LONGEST_LINE];
    let (length, is_cut) = match standard::info(transactions, capability, &mut buffer) {
        Ok(length) => (length, false),
        Err(Status::Overflow) => (LONGEST_LINE, true),
        Err(status) => {
            writeln!(output, "std_info: {status}")?;
            return Ok(false);
        }
    };
    for byte in &buffer[..length] {
        write!(output, "{}", byte.escape_ascii())?;
    }
    writeln!(output, "{}", if is_cut { "..." } else { "" })?;
    Ok(true)
}
