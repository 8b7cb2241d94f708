//! Recorded cases as text, one a line: what was run, and what the silicon made of it.
//!
//! All numbers are hexadecimal. The fields, between spaces: image, EIP, EFLAGS, segments, general registers, pokes as
//! `offset:value`, instructions; then vector, error code, address, EIP, EFLAGS, segments, general registers (empty between commas:
//! as before), number of changed bytes, hash of the changes. `-` is an empty list.

use super::{Case, Outcome};

/// A line that is no recorded case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Malformed {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// One line.
#[must_use]
pub fn write(case: &Case, outcome: &Outcome) -> String {
    let code: Vec<String> = case.instructions.iter().map(|bytes| hex(bytes)).collect();
    let pokes: Vec<String> = case
        .pokes
        .iter()
        .map(|(at, value)| format!("{at:x}:{value:x}"))
        .collect();
    let fields = [
        format!("{:x} {:x} {:x}", case.image, case.eip, case.flags),
        list(case.segments.map(Some)),
        list(case.general.map(Some)),
        or_dash(pokes.join(",")),
        or_dash(code.join(",")),
        format!(
            "{:x} {:x} {:x}",
            outcome.vector, outcome.error_code, outcome.address
        ),
        format!("{:x} {:x}", outcome.eip, outcome.flags),
        list(changed(outcome.segments, case.segments)),
        list(changed(outcome.general, case.general)),
        format!("{:x} {:x}", outcome.changed, outcome.changes_hash),
    ];
    fields.join(" ")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".into() } else { text }
}

fn changed<T: PartialEq + Copy, const N: usize>(new: [T; N], old: [T; N]) -> [Option<T>; N] {
    std::array::from_fn(|at| (new[at] != old[at]).then_some(new[at]))
}

fn list<T: std::fmt::LowerHex, const N: usize>(values: [Option<T>; N]) -> String {
    values
        .map(|value| value.map_or(String::new(), |value| format!("{value:x}")))
        .join(",")
}

/// All cases of a corpus. Lines that begin with `#` are comments.
///
/// # Errors
/// The first line that is malformed.
pub fn read(text: &str) -> Result<Vec<(Case, Outcome)>, Malformed> {
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.starts_with('#'))
        .map(|(number, line)| {
            parse(line).map_err(|what| Malformed {
                line: number + 1,
                what,
            })
        })
        .collect()
}

fn parse(line: &str) -> Result<(Case, Outcome), String> {
    let fields: Vec<&str> = line.split(' ').collect();
    let [
        image,
        eip,
        flags,
        segments,
        general,
        pokes,
        code,
        vector,
        error_code,
        address,
        end,
        end_flags,
        end_segments,
        end_general,
        count,
        hash,
    ] = fields[..]
    else {
        return Err(format!("{} fields", fields.len()));
    };
    let case = Case {
        image: number(image)? as u8,
        eip: number(eip)?,
        flags: number(flags)?,
        segments: values(segments, [0; 6])?.map(|value| value as u16),
        general: values(general, [0; 8])?,
        pokes: items(pokes).map(poke).collect::<Result<_, _>>()?,
        instructions: items(code).map(bytes).collect::<Result<_, _>>()?,
    };
    let outcome = Outcome {
        vector: number(vector)?,
        error_code: number(error_code)?,
        address: number(address)?,
        eip: number(end)?,
        flags: number(end_flags)?,
        segments: values(end_segments, case.segments.map(u32::from))?.map(|value| value as u16),
        general: values(end_general, case.general)?,
        changed: number(count)?,
        changes_hash: u64::from_str_radix(hash, 16).map_err(|error| format!("{hash}: {error}"))?,
        ..Outcome::empty()
    };
    Ok((case, outcome))
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(|item| *item != "-")
}

fn number(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 16).map_err(|error| format!("{text}: {error}"))
}

fn values<const N: usize>(text: &str, unchanged: [u32; N]) -> Result<[u32; N], String> {
    let mut all = unchanged;
    let fields: Vec<&str> = text.split(',').collect();
    if fields.len() != N {
        return Err(format!("{} values instead of {N}", fields.len()));
    }
    for (value, field) in all.iter_mut().zip(fields) {
        if !field.is_empty() {
            *value = number(field)?;
        }
    }
    Ok(all)
}

fn poke(text: &str) -> Result<(u16, u8), String> {
    let (at, value) = text.split_once(':').ok_or_else(|| format!("{text}: no poke"))?;
    Ok((number(at)? as u16, number(value)? as u8))
}

fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| {
            let pair = std::str::from_utf8(pair).map_err(|error| error.to_string())?;
            number(pair).map(|value| value as u8)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::silicon::generate::Generator;
    use crate::silicon::model::Model;

    #[test]
    fn what_is_written_reads_back() {
        let (generator, mut model) = (Generator::new(7), Model::new());
        for number in 0..500 {
            let case = generator.case(number);
            let Some(outcome) = model.run(&case) else { continue };
            let read = read(&write(&case, &outcome)).expect("what was just written");
            let without_list = Outcome {
                changes: Outcome::empty().changes,
                ..outcome
            };
            assert_eq!(read, [(case, without_list)]);
        }
    }

    #[test]
    fn a_malformed_line_is_named() {
        let error = read("# a comment\n1 2 3").expect_err("too few fields");
        assert_eq!(error.to_string(), "line 2: 3 fields");
    }
}
