//! The file of processes on the boot server's disk: which process runs which service, so that a server that has crashed finds them again.
//!
//! Two bytes, least significant first, say how many entries follow; each is the name of a service, ended by a zero byte, and the process's capability. The
//! rest of the file is zeros.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use proto::capability::Capability;
use proto::marshal::{Reader, Writer};

/// The file's bytes; `None` if there are more processes than it has room for.
pub fn emit<'a>(processes: impl Iterator<Item = (&'a str, Capability)>, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    let (count, entries) = bytes.split_first_chunk_mut::<2>()?;
    let mut writer = Writer::new(entries);
    let mut written = 0_u16;
    for (name, process) in processes {
        writer.string(name.as_bytes()).ok()?;
        writer.capability(&process).ok()?;
        written = written.checked_add(1)?;
    }
    *count = written.to_le_bytes();
    Some(bytes)
}

/// The processes in a file; those that cannot be read, and all behind them, are left out.
pub fn parse(bytes: &[u8]) -> Vec<(String, Capability)> {
    let mut reader = Reader::new(bytes);
    let count = reader.u16().unwrap_or(0);
    let mut processes = Vec::new();
    for _ in 0..count {
        let Ok(name) = reader.string() else { break };
        let (Ok(name), Ok(process)) = (core::str::from_utf8(name), reader.capability()) else {
            break;
        };
        processes.push((String::from(name), process));
    }
    processes
}
