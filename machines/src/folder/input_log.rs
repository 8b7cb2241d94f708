//! `inputs.log`: what was done to a lab from outside while it ran, each at its virtual nanosecond. Handed to a new lab before it runs, it
//! repeats the run.
//!
//! | line | what was done |
//! |---|---|
//! | `1200000 pc0 com1 "ls\n"` | typed at the terminal of COM1; `\n`, `\r`, `\t`, `\"`, `\\`, and `\x1b` for other bytes |
//! | `1200000 pc0 keyboard "ls\n"` | typed at the keyboard |
//! | `1200000 pc0 power off`, `power on` | its power |
//! | `1200000 pc0 reset` | its reset button |
//! | `1200000 pc0/el0 cable out`, `cable in` | a station taken off its cable, put back |

use std::io::ErrorKind;

use clock::{Instant, Span};
use wire::StationId;

use super::{HostError, OutputFile, RunFolder};
use crate::lab::{InputDevice, Lab};
use crate::machine::{PowerEvent, TornSector};
use crate::runtime::Deed;

/// The file's name.
const NAME: &str = "inputs.log";
/// Its first line.
pub(super) const HEADER: &str = "# what came in from outside: virtual nanoseconds, machine, text in quotes\n";

/// The file, as it grows.
#[derive(Debug)]
pub struct InputLog {
    file: OutputFile,
}

impl InputLog {
    /// That of a new run folder.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn append_to(folder: &RunFolder) -> Result<Self, HostError> {
        let mut file = OutputFile::create(&folder.file(NAME))?;
        file.append(HEADER.as_bytes())?;
        Ok(Self { file })
    }

    /// `deed` was done at `at`, a whole nanosecond.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn append(&mut self, at: Instant, deed: &Deed, lab: &Lab) -> Result<(), HostError> {
        self.file.append(line(at, deed, lab).as_bytes())
    }

    /// Hands everything to the host.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn finish(&mut self) -> Result<(), HostError> {
        self.file.finish()
    }

    /// Everything that was done in the run of `lab` that left `folder`.
    ///
    /// # Errors
    /// If the host refuses, or a line is not one of those above.
    pub fn read(folder: &RunFolder, lab: &Lab) -> Result<Vec<(Instant, Deed)>, HostError> {
        let text = folder.read(NAME)?;
        let lines = (1..).zip(text.lines());
        let kept = lines.filter(|(_, line)| !line.starts_with('#') && !line.trim().is_empty());
        kept.map(|(number, line)| {
            parse(line, lab).ok_or_else(|| {
                let reason = format!("line {number} is no input of this lab: {line}");
                let reason = std::io::Error::new(ErrorKind::InvalidData, reason);
                HostError::new("understand", &folder.file(NAME), reason)
            })
        })
        .collect()
    }
}

fn line(at: Instant, deed: &Deed, lab: &Lab) -> String {
    let name = |machine: usize| lab.machines[machine].name.as_str();
    let words = match deed {
        Deed::Type {
            machine,
            device,
            text,
        } => format!("{} {} {}", name(*machine), device.word(), quoted(text)),
        Deed::Power { machine, event } => {
            let state = match event {
                PowerEvent::Off(_) => "off",
                PowerEvent::On => "on",
            };
            format!("{} power {state}", name(*machine))
        }
        Deed::Reset { machine } => format!("{} reset", name(*machine)),
        Deed::Cable {
            segment,
            station,
            is_in,
        } => {
            let interface = lab.station_names(*segment)[usize::from(station.0)];
            format!("{interface} cable {}", if *is_in { "in" } else { "out" })
        }
    };
    format!("{} {words}\n", at.nanoseconds())
}

fn parse(line: &str, lab: &Lab) -> Option<(Instant, Deed)> {
    let (at, rest) = line.split_once(' ')?;
    let (name, rest) = rest.split_once(' ')?;
    let (what, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let nanoseconds: u64 = at.parse().ok()?;
    let at = Instant::START + Span::from_picoseconds(nanoseconds.checked_mul(1_000)?);
    let machine = || lab.machines.iter().position(|machine| machine.name == name);
    let typed = |device| {
        let (machine, text) = (machine()?, unquoted(rest)?);
        Some(Deed::Type {
            machine,
            device,
            text,
        })
    };
    let power = |event| {
        let machine = machine()?;
        Some(Deed::Power { machine, event })
    };
    let deed = match (what, rest) {
        ("com1", _) => typed(InputDevice::Com1)?,
        ("keyboard", _) => typed(InputDevice::Keyboard)?,
        ("power", "off") => power(PowerEvent::Off(TornSector::Unreadable))?,
        ("power", "on") => power(PowerEvent::On)?,
        ("reset", "") => Deed::Reset { machine: machine()? },
        ("cable", "in" | "out") => {
            let (segment, station) = station(lab, name)?;
            Deed::Cable {
                segment,
                station,
                is_in: rest == "in",
            }
        }
        _ => return None,
    };
    Some((at, deed))
}

fn station(lab: &Lab, interface: &str) -> Option<(usize, StationId)> {
    (0..lab.segments.len()).find_map(|segment| {
        let names = lab.station_names(segment);
        let place = names.iter().position(|name| *name == interface)?;
        Some((segment, StationId(u16::try_from(place).ok()?)))
    })
}

/// Bytes between quotation marks, all of them visible.
fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for byte in bytes {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            b'"' | b'\\' => text.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text.push('"');
    text
}

/// What [`quoted`] was made from.
fn unquoted(text: &str) -> Option<Vec<u8>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut quotes = inner.match_indices('"');
    // A backslash before it may be one of two.
    let is_escaped = |at: usize| {
        inner[..at]
            .bytes()
            .rev()
            .take_while(|byte| *byte == b'\\')
            .count()
            % 2
            == 1
    };
    quotes.all(|(at, _)| is_escaped(at)).then(|| typed_bytes(inner))?
}

/// The bytes of a text that is written with `\n`, `\r`, `\t`, `\e` (Escape), `\"`, `\\` and `\x1b`; `None` if something else
/// follows a backslash.
#[must_use]
pub fn typed_bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next()? {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'e' => 0x1B,
                b'x' => {
                    let digit = |byte: u8| char::from(byte).to_digit(16);
                    let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                    u8::try_from(high << 4 | low).ok()?
                }
                byte @ (b'"' | b'\\') => byte,
                _ => return None,
            },
            byte => byte,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{LabSource, load};

    fn lab() -> Lab {
        load(LabSource::builtin(), &[]).expect("the built-in lab").lab
    }

    fn every_deed() -> Vec<Deed> {
        let text = (0..=255).collect();
        let keys = b"say \"no\"\\\n".to_vec();
        let typed = |device, text| Deed::Type {
            machine: 1,
            device,
            text,
        };
        let cable = |is_in| Deed::Cable {
            segment: 0,
            station: StationId(1),
            is_in,
        };
        let power = |event| Deed::Power { machine: 0, event };
        vec![
            typed(InputDevice::Com1, text),
            typed(InputDevice::Keyboard, keys),
            power(PowerEvent::Off(TornSector::Unreadable)),
            power(PowerEvent::On),
            Deed::Reset { machine: 1 },
            cable(false),
            cable(true),
        ]
    }

    #[test]
    fn every_deed_is_read_as_it_was_written() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::create_at(&parent.path().join("run")).unwrap();
        let lab = lab();
        let mut log = InputLog::append_to(&folder).unwrap();
        let mut done = Vec::new();
        for (number, deed) in (0..).zip(every_deed()) {
            let at = Instant::START + Span::from_nanoseconds(1_234_567 * number);
            log.append(at, &deed, &lab).unwrap();
            done.push((at, deed));
        }
        log.finish().unwrap();
        assert_eq!(InputLog::read(&folder, &lab).unwrap(), done);
    }

    #[test]
    fn a_line_says_when_who_and_what() {
        let lines: Vec<String> = every_deed()[1..]
            .iter()
            .map(|deed| line(Instant::from_picoseconds(7_000), deed, &lab()))
            .collect();
        insta::assert_snapshot!(lines.concat(), @r#"
        7 pc1 keyboard "say \"no\"\\\n"
        7 pc0 power off
        7 pc0 power on
        7 pc1 reset
        7 pc1/el0 cable out
        7 pc1/el0 cable in
        "#);
    }

    #[test]
    fn a_line_that_is_no_input_is_refused_with_its_number() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::create_at(&parent.path().join("run")).unwrap();
        for wrong in [
            "x pc0 reset",
            "1 pc9 reset",
            "1 pc0 reset now",
            "1 pc0 power",
            "1 pc0 com1 ls",
            "1 pc0 com1 \"l\"s\"",
            "1 pc0 com1 \"\\x4\"",
            "1 pc0 com1 \"\\",
            "1 pc0/el9 cable in",
            "99999999999999999999 pc0 reset",
            "18446744073709551615 pc0 reset",
            "1",
        ] {
            folder.write(NAME, &format!("{HEADER}\n{wrong}\n")).unwrap();
            let error = InputLog::read(&folder, &lab()).unwrap_err().to_string();
            assert!(error.contains("line 3"), "{error}");
        }
    }
}
