//! The virtual disk of the boot server: header, file of processes, configuration.
//!
//! In a configuration, `${/path}` stands for the capability of the object at that path, in writing, and `${get:/path}` for that of
//! a server whose ports are drawn, with its get-port: what the server itself is told.

use proto::boot::{Extent, HEADER_LENGTH, Header, LONGEST_CONFIGURATION, PROCESSES_LENGTH};
use proto::capability::Capability;

use crate::SECTOR;

const BLOCK_SHIFT: u32 = 9;

/// Sectors of the virtual disk: there is room for the longest configuration.
pub(crate) const SECTORS: u64 = 1 + (PROCESSES_LENGTH + LONGEST_CONFIGURATION) as u64 / SECTOR as u64;

/// Puts capabilities into a configuration.
///
/// # Errors
/// The reference for which there is none, or that is not ended.
pub(crate) fn substitute(text: &str, find: impl Fn(&str) -> Option<Capability>) -> Result<String, String> {
    let (mut result, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once("${") {
        result.push_str(before);
        let (reference, behind) = behind
            .split_once('}')
            .ok_or_else(|| format!("`${{{}` is not ended", behind.lines().next().unwrap_or("")))?;
        let capability = find(reference).ok_or_else(|| format!("`${{{reference}}}` is not there"))?;
        result.push_str(&capability.to_string());
        rest = behind;
    }
    result.push_str(rest);
    Ok(result)
}

/// Writes the virtual disk.
///
/// # Errors
/// How many bytes too long the configuration is.
pub(crate) fn write(
    bytes: &mut [u8],
    (binary, server): (Capability, Capability),
    configuration: &str,
) -> Result<(), usize> {
    let longest = LONGEST_CONFIGURATION as usize;
    if configuration.len() > longest {
        return Err(configuration.len() - longest);
    }
    let processes = Extent {
        size: PROCESSES_LENGTH,
        block: 1,
    };
    let header = Header {
        binary,
        server,
        block_shift: BLOCK_SHIFT,
        processes,
        configuration: Extent {
            size: configuration.len() as u32,
            block: processes.block + processes.size.div_ceil(SECTOR as u32),
        },
    };
    bytes[..HEADER_LENGTH].copy_from_slice(&header.emit());
    let start = header.configuration.block as usize * SECTOR;
    bytes[start..start + configuration.len()].copy_from_slice(configuration.as_bytes());
    Ok(())
}

/// Header and configuration of a virtual disk.
///
/// # Errors
/// What is wrong with the header, or that the configuration is no text on the disk.
pub(crate) fn read(bytes: &[u8]) -> Result<(Header, &str), proto::Error> {
    let header = Header::parse(bytes)?;
    for extent in [header.processes, header.configuration] {
        if header.blocks(extent).end << header.block_shift > bytes.len() as u64 {
            return Err(proto::Error::Truncated);
        }
    }
    let start = (u64::from(header.configuration.block) << header.block_shift) as usize;
    let text = &bytes[start..start + header.configuration.size as usize];
    let text = str::from_utf8(text).map_err(|_| proto::Error::Check)?;
    Ok((header, text))
}
