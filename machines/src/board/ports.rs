//! Which chip answers a port (hardware facts of the AT's I/O map; cards answer first, at their own ranges).

use ne2000::BusCycle;

use super::bus::{NARROW, WIDE};
use super::{Board, Chip};

/// A chip as the port map names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    InterruptControllers,
    Timer,
    Keyboard,
    SystemControl,
    RealTimeClock,
    /// COM1 or COM2.
    Serial(usize),
    Vga,
    Dma,
    Floppy,
    Ata,
    /// Port 3F7h, which two controllers share.
    FloppyAndAta,
    Card(usize),
}

/// The data port of the disks, the only one of the board that is 16 bits wide.
const DATA_PORT: u16 = 0x1F0;

impl Board {
    /// How the slave at `port` takes a cycle.
    pub(super) fn port_cycle(&self, port: u16) -> BusCycle {
        match self.decode_port(port) {
            Some((Target::Card(index), _)) => self.cards[index].port_cycle(port),
            // IOCS16 is for the data register alone (ATA-1, clause 6.3.8), so the upper half of a dword goes to the two
            // registers behind it.
            Some((Target::Ata, _)) if port == DATA_PORT && self.has_disks() => WIDE,
            _ => NARROW,
        }
    }

    /// The chip at `port` and its name on the agenda; `None` where nothing answers.
    ///
    /// Cards decode all sixteen address bits: the 3C503's gate array lies 400h above its controller.
    pub(super) fn decode_port(&self, port: u16) -> Option<(Target, Chip)> {
        if let Some(index) = self
            .cards
            .iter()
            .position(|card| card.ports().iter().any(|range| range.contains(&port)))
        {
            return Some((Target::Card(index), Chip::Card(index)));
        }
        Some(match port {
            // Port 80h is the POST code latch's; where that is elsewhere, a page register without a channel.
            0x00..=0x0F | 0x80..=0x8F | 0xC0..=0xDF => (Target::Dma, Chip::Dma),
            0x20..=0x21 | 0xA0..=0xA1 => (Target::InterruptControllers, Chip::Wakeless),
            0x40..=0x43 => (Target::Timer, Chip::Timer),
            0x60 | 0x64 => (Target::Keyboard, Chip::Keyboard),
            0x61 | 0x92 => (Target::SystemControl, Chip::Wakeless),
            0x70..=0x71 => (Target::RealTimeClock, Chip::RealTimeClock),
            0x1F0..=0x1F7 | 0x3F6 => (Target::Ata, Chip::Ata),
            0x3F0..=0x3F5 => (Target::Floppy, Chip::Floppy),
            0x3F7 => (Target::FloppyAndAta, Chip::Floppy),
            0x3F8..=0x3FF => (Target::Serial(0), Chip::Serial(0)),
            0x2F8..=0x2FF if self.has_second_serial => (Target::Serial(1), Chip::Serial(1)),
            0x3B4..=0x3B5 | 0x3BA | 0x3C0..=0x3CF | 0x3D4..=0x3D5 | 0x3DA => (Target::Vga, Chip::Wakeless),
            _ => return None,
        })
    }
}
