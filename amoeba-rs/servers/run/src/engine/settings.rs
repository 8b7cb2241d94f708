//! Settings of the run server, which the standard commands read and change.

use super::Engine;
use crate::pool::architecture;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use proto::Error;
use proto::marshal::{Reader, Writer};
use proto::standard::{Parameter, Status};

const EQUIVALENT: &str = "EQUIVPERC";
const MEMORY: &str = "MEMTRUNC";
/// In front of an architecture's name.
const PREFERENCE: &str = "PREF.";
/// The preference of an architecture of which nothing is said.
const USUAL_PREFERENCE: u8 = 1;
/// Room for all settings.
const ROOM: usize = 4096;
/// The most architectures with a preference.
const MOST_PREFERENCES: usize = 16;

impl Engine {
    pub(super) fn preference(&self, architecture: &[u8; 8]) -> u8 {
        let mut known = self.preferences.iter();
        let found = known.find(|(name, _)| name == architecture);
        found.map_or(USUAL_PREFERENCE, |(_, preference)| *preference)
    }

    pub(super) fn parameters(&self) -> Result<Vec<u8>, Status> {
        let mut list = vec![
            (
                String::from(EQUIVALENT),
                "percent that a host may be worse than the best and be chosen",
                u32::from(self.policy.equivalent_percent),
            ),
            (
                String::from(MEMORY),
                "free Kbytes that are enough",
                self.policy.enough_memory,
            ),
        ];
        list.extend(self.preferences.iter().map(|(name, preference)| {
            let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
            let name = format!("{PREFERENCE}{}", String::from_utf8_lossy(name));
            (name, "factor of an architecture", u32::from(*preference))
        }));
        let mut data = vec![0; ROOM];
        let mut writer = Writer::new(&mut data);
        let written = list.iter().try_for_each(|(name, description, value)| {
            let value = format!("{value}");
            let parameter = Parameter {
                name: name.as_bytes(),
                kind: b"integer",
                description: description.as_bytes(),
                value: value.as_bytes(),
            };
            parameter.emit(&mut writer)
        });
        written.map_err(|_| Status::SystemError)?;
        let length = writer.length();
        data.truncate(length);
        Ok(data)
    }

    pub(super) fn set_parameter(&mut self, data: &[u8]) -> Result<(), Status> {
        let (name, value) = pair(data).map_err(|_| Status::BadArgument)?;
        let text = |bytes| core::str::from_utf8(bytes).map_err(|_| Status::BadArgument);
        let (name, value) = (text(name)?, text(value)?);
        let number: u32 = value.parse().map_err(|_| Status::BadArgument)?;
        let small = u8::try_from(number).map_err(|_| Status::BadArgument);
        match name {
            EQUIVALENT if number <= 100 => self.policy.equivalent_percent = small?,
            MEMORY if number > 0 => self.policy.enough_memory = number,
            EQUIVALENT | MEMORY => return Err(Status::BadArgument),
            _ => {
                let name = name.strip_prefix(PREFERENCE).ok_or(Status::NotFound)?;
                let name = architecture(name.as_bytes()).ok_or(Status::BadArgument)?;
                self.preferences.retain(|(known, _)| *known != name);
                if self.preferences.len() == MOST_PREFERENCES {
                    return Err(Status::NoSpace);
                }
                self.preferences.push((name, small?));
            }
        }
        Ok(())
    }
}

fn pair(data: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let mut reader = Reader::new(data);
    Ok((reader.string()?, reader.string()?))
}
