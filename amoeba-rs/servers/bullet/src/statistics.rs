//! The server's figures, and the text that tells them.

use crate::state::State;
use alloc::string::String;
use core::fmt::{self, Write};
use proto::bullet::Command;
use proto::standard;

/// What has happened since the server started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statistics {
    /// Requests by command: the server's own, then standard ones.
    commands: [[u32; 16]; 2],
    /// Requests that were refused or failed.
    pub(crate) failures: u32,
    /// Reads of files that were in the cache.
    pub(crate) hits: u32,
    /// Reads of files that came from the disk.
    pub(crate) misses: u32,
    /// Files that went from the cache because others needed room.
    pub(crate) evictions: u32,
    /// How often the cache was compacted.
    pub(crate) cache_compactions: u32,
    /// Accesses to the disk that failed.
    pub(crate) disk_errors: u32,
    /// Files that were created and had the same contents as one that was there.
    pub(crate) likenesses: u32,
    /// Files that died of age.
    pub(crate) aged: u32,
    /// Files that were never committed.
    pub(crate) timed_out: u32,
    /// Requests since the last sweep, and in the time before.
    requests: [u32; 2],
}

impl Statistics {
    /// Counts a request.
    pub(crate) fn count(&mut self, command: u16) {
        self.requests[0] = self.requests[0].saturating_add(1);
        for (row, base) in self
            .commands
            .iter_mut()
            .zip([Command::Create.code(), standard::Command::Monitor.code()])
        {
            let place = command
                .checked_sub(base)
                .and_then(|place| row.get_mut(usize::from(place)));
            if let Some(count) = place {
                *count = count.wrapping_add(1);
            }
        }
    }

    fn of(&self, kind: usize, place: u16) -> u32 {
        self.commands[kind][usize::from(place)]
    }

    /// A sweep begins: requests of the last two, on average.
    pub(crate) fn sweep(&mut self) -> u32 {
        let average = (self.requests[0] / 2) + (self.requests[1] / 2);
        self.requests = [0, self.requests[0]];
        average
    }
}

/// What the server says of itself when it is asked for its status.
pub(crate) fn status(state: &State) -> String {
    let mut text = String::new();
    // A string takes everything.
    let _ = tell(state, &mut text);
    text
}

fn tell(state: &State, text: &mut String) -> fmt::Result {
    let (table, cache, statistics) = (&state.table, &state.cache, &state.statistics);
    let geometry = table.geometry();
    let kilobytes = |sectors: u32| sectors / 2;
    let used = geometry.inodes - 1 - table.free_inodes();
    writeln!(text, "inodes:    {} free, {used} used", table.free_inodes())?;
    let (free, blocks) = (table.free_blocks(), geometry.blocks - geometry.first_data());
    writeln!(
        text,
        "blocks:    {} free in {} holes, the largest of {}; {} used; {} bytes each",
        free.total(),
        free.count(),
        free.largest(),
        blocks - free.total(),
        1_u64 << geometry.block_shift,
    )?;
    writeln!(
        text,
        "cache:     {} KB, {} free in {} holes; {} files",
        kilobytes(cache.units()),
        kilobytes(cache.free().total()),
        cache.free().count(),
        cache.count(),
    )?;
    writeln!(
        text,
        "           {} hits, {} misses, {} evictions, {} compactions",
        statistics.hits, statistics.misses, statistics.evictions, statistics.cache_compactions,
    )?;
    writeln!(
        text,
        "files:     {} uncommitted, {} not yet written; {} like others, {} aged, {} timed out",
        state.drafts.len(),
        state.intents().len(),
        statistics.likenesses,
        statistics.aged,
        statistics.timed_out,
    )?;
    write!(text, "requests: ")?;
    for command in Command::ALL {
        let count = statistics.of(0, command.code() - Command::Create.code());
        if count > 0 {
            write!(text, " {command:?} {count}")?;
        }
    }
    for command in standard::Command::ALL {
        let count = statistics.of(1, command.code() - standard::Command::Monitor.code());
        if count > 0 {
            write!(text, " {command:?} {count}")?;
        }
    }
    writeln!(text)?;
    writeln!(
        text,
        "failures:  {} requests, {} of the disk",
        statistics.failures, statistics.disk_errors
    )
}

/// What the server says when it starts.
pub(crate) fn banner(state: &State) -> String {
    let (table, cache) = (&state.table, &state.cache);
    let geometry = table.geometry();
    let (free, blocks) = (
        table.free_blocks().total(),
        geometry.blocks - geometry.first_data(),
    );
    let mut text = String::new();
    let lines = [
        ("buffer cache", u64::from(cache.units()) * 512, "bytes"),
        ("largest file", u64::from(cache.units()) * 512, "bytes"),
        ("inodes free", table.free_inodes().into(), ""),
        (
            "inodes used",
            (geometry.inodes - 1 - table.free_inodes()).into(),
            "",
        ),
        ("blocks free", free.into(), ""),
        ("blocks used", (blocks - free).into(), ""),
    ];
    for (name, value, unit) in lines {
        // A string takes everything.
        let _ = writeln!(text, "bullet: {name} {value} {unit}");
    }
    text
}
