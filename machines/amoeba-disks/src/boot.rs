//! The virtual disk of the boot server: header, file of processes, configuration, and behind the room for another configuration the programs that
//! the machine's kernel starts.
//!
//! In a configuration, `${/path}` stands for the capability of the object at that path, in writing, and `${get:/path}` for that of
//! a server whose ports are drawn, with its get-port: what the server itself is told.

use std::borrow::Cow;

use proto::boot::{
    Extent, HEADER_LENGTH, Header, LONGEST_CONFIGURATION, LONGEST_LINE, MOST_PROGRAMS, PROCESSES_LENGTH,
    PROGRAM_LENGTH, PROGRAMS_LENGTH, Program,
};
use proto::capability::Capability;
use proto::process::Descriptor;

use crate::SECTOR;

const BLOCK_SHIFT: u32 = 9;

/// Sectors before the programs: there is room for the longest configuration.
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

/// The file of programs, by their lines and executable files; no bytes if there are none.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn programs(programs: &[(&str, Cow<'_, [u8]>)]) -> Result<Vec<u8>, String> {
    if programs.is_empty() {
        return Ok(Vec::new());
    }
    if programs.len() > MOST_PROGRAMS {
        return Err(format!("{MOST_PROGRAMS} programs at most can be on its disk"));
    }
    let mut file = vec![0; PROGRAMS_LENGTH];
    for (place, (line, contents)) in programs.iter().enumerate() {
        if Descriptor::parse(contents).is_err() {
            return Err(format!("`{line}` is no executable file"));
        }
        let program = Program {
            size: contents.len() as u32,
            offset: file.len() as u32,
            line,
        };
        let entry = program
            .emit()
            .map_err(|_| format!("`{line}` is longer than {LONGEST_LINE} bytes, or holds a zero byte"))?;
        file[place * PROGRAM_LENGTH..][..PROGRAM_LENGTH].copy_from_slice(&entry);
        file.extend_from_slice(contents);
        file.resize(file.len().next_multiple_of(PROGRAMS_LENGTH), 0);
    }
    Ok(file)
}

/// Writes the virtual disk, with this file of programs behind its first [`SECTORS`].
///
/// # Errors
/// How many bytes too long the configuration is.
pub(crate) fn write(
    bytes: &mut [u8],
    (binary, server): (Capability, Capability),
    configuration: &str,
    programs: &[u8],
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
        programs: match programs.len() as u32 {
            0 => Extent::default(),
            size => Extent {
                size,
                block: SECTORS as u32,
            },
        },
    };
    bytes[SECTORS as usize * SECTOR..][..programs.len()].copy_from_slice(programs);
    bytes[..HEADER_LENGTH].copy_from_slice(&header.emit());
    let start = header.configuration.block as usize * SECTOR;
    bytes[start..start + configuration.len()].copy_from_slice(configuration.as_bytes());
    Ok(())
}

/// The lines of the programs on a virtual disk with this header, whose files lie on it.
///
/// # Errors
/// What is wrong with their list, or [`proto::Error::Check`] for one that is no executable file.
pub(crate) fn lines<'a>(header: &Header, bytes: &'a [u8]) -> Result<Vec<&'a str>, proto::Error> {
    let Extent { size, block } = header.programs;
    if size == 0 {
        return Ok(Vec::new());
    }
    let file = &bytes[(u64::from(block) << header.block_shift) as usize..][..size as usize];
    let programs = Program::parse_list(file, size)?;
    let line = |program: Program<'a>| {
        let contents = &file[program.offset as usize..][..program.size as usize];
        Descriptor::parse(contents)
            .map(|_| program.line)
            .map_err(|_| proto::Error::Check)
    };
    programs.into_iter().flatten().map(line).collect()
}

/// Header and configuration of a virtual disk.
///
/// # Errors
/// What is wrong with the header, or that the configuration is no text on the disk.
pub(crate) fn read(bytes: &[u8]) -> Result<(Header, &str), proto::Error> {
    let header = Header::parse(bytes)?;
    for extent in [header.processes, header.configuration, header.programs] {
        if header.blocks(extent).end << header.block_shift > bytes.len() as u64 {
            return Err(proto::Error::Truncated);
        }
    }
    let start = (u64::from(header.configuration.block) << header.block_shift) as usize;
    let text = &bytes[start..start + header.configuration.size as usize];
    let text = str::from_utf8(text).map_err(|_| proto::Error::Check)?;
    Ok((header, text))
}
