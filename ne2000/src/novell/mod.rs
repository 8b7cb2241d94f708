//! The Novell NE1000 and NE2000: a DP8390 whose memory and PROM are reached through remote DMA alone.
//!
//! Sources: the drivers (Linux `ne.c`, iPXE, MINIX, Crynwr's) and emulators that agree with them; Artisoft's technical
//! bulletin on its AE-3, a card of the same design. What they leave open is chosen here:
//!
//! * Of the data port's eight addresses and the reset port's each does the same.
//! * A read of the reset port pulses the controller's reset pin; the write that drivers make after it does nothing.
//! * The data port gives FFh and takes nothing where no remote DMA is under way. The hardware holds the processor for
//!   ever there (AE-3 bulletin), which no program can see.
//! * Local addresses: the bit of the RAM's size selects the RAM, upper bits are not decoded. The PROM has 16 bytes: the
//!   station address, zeros, and 57h 57h. On the NE2000 it is eight bits wide on a 16-bit bus, so that each byte appears
//!   at two addresses.
//! * A boot PROM of up to 16 KB in an 8-bit window.

use std::ops::Range;
use std::sync::Arc;

use clock::{Instant, Span};

use crate::card::{BusCycle, Width};
use crate::dp8390::{Dp8390, LocalMemory};
use crate::{Model, Settings};

const PORTS: u16 = 32;

/// What drivers look for at bytes 14 and 15 of the PROM.
const SIGNATURE: u8 = 0x57;

/// Which of the card's parts a port reaches.
enum Port {
    Controller(u8),
    Data,
    Reset,
    Nothing,
}

/// The jumpers, the boot PROM and the decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Novell {
    model: Model,
    io_base: u16,
    memory_base: Option<u32>,
    line: u8,
    boot_prom: Arc<[u8]>,
}

impl Novell {
    /// Panics if the settings name a jumper position that the card does not have.
    pub(crate) fn new(settings: &Settings) -> Self {
        let model = settings.model;
        assert!(
            model.io_bases().contains(&settings.io_base)
                && model.interrupts().contains(&settings.interrupt)
                && settings
                    .memory_base
                    .is_none_or(|base| model.memory_bases().contains(&base)),
            "the settings name a jumper position of the card"
        );
        Self {
            model,
            io_base: settings.io_base,
            memory_base: settings.memory_base,
            line: if settings.interrupt == 2 {
                9
            } else {
                settings.interrupt
            },
            boot_prom: settings.boot_prom.clone().unwrap_or_default(),
        }
    }

    /// RAM and PROM on the controller's bus.
    pub(crate) fn memory(settings: &Settings) -> LocalMemory {
        let mut prom = [0; 16];
        prom[..6].copy_from_slice(&settings.station_address);
        prom[14..].fill(SIGNATURE);
        if settings.model == Model::Ne2000 {
            let doubled = prom.iter().flat_map(|byte| [*byte; 2]).collect();
            LocalMemory::beside_prom(0x40, doubled)
        } else {
            LocalMemory::beside_prom(0x20, prom.to_vec())
        }
    }

    pub(crate) fn ports(&self) -> [Range<u16>; 2] {
        let end = self.io_base + PORTS;
        [self.io_base..end, end..end]
    }

    pub(crate) fn memory_window(&self) -> Option<Range<u32>> {
        self.memory_base
            .map(|base| base..base + self.model.memory_window_bytes())
    }

    /// The NE2000's data port takes 16-bit cycles.
    pub(crate) fn port_cycle(&self, port: u16) -> BusCycle {
        let is_wide = self.model == Model::Ne2000 && matches!(self.decode(port), Port::Data);
        BusCycle {
            width: if is_wide { Width::Sixteen } else { Width::Eight },
            is_zero_wait: false,
        }
    }

    /// The interrupt lines of the AT that are high, a bit each.
    pub(crate) fn lines(&self, controller: &Dp8390) -> u16 {
        u16::from(controller.is_interrupting()) << self.line
    }

    /// One read cycle at a port, eight or sixteen bits wide, and how long the card holds it.
    pub(crate) fn read(
        &self,
        port: u16,
        now: Instant,
        controller: &mut Dp8390,
        memory: &LocalMemory,
    ) -> (u16, Span) {
        match self.decode(port) {
            Port::Controller(offset) => {
                let wait = controller.register_wait(now);
                (0xFF00 | u16::from(controller.read(offset, now)), wait)
            }
            Port::Data => controller
                .remote_read(now, memory)
                .unwrap_or((0xFFFF, Span::ZERO)),
            Port::Reset => {
                controller.reset(now);
                (0xFFFF, Span::ZERO)
            }
            Port::Nothing => (0xFFFF, Span::ZERO),
        }
    }

    /// One write cycle at a port, eight or sixteen bits wide, and how long the card holds it.
    pub(crate) fn write(
        &self,
        port: u16,
        value: u16,
        now: Instant,
        controller: &mut Dp8390,
        memory: &mut LocalMemory,
    ) -> Span {
        match self.decode(port) {
            Port::Controller(offset) => {
                let wait = controller.register_wait(now);
                controller.write(offset, value.to_le_bytes()[0], now, memory);
                wait
            }
            Port::Data => controller.remote_write(value, now, memory).unwrap_or(Span::ZERO),
            Port::Reset | Port::Nothing => Span::ZERO,
        }
    }

    /// Reads the boot PROM.
    pub(crate) fn memory_read(&self, offset: u32) -> u8 {
        let offset = offset % self.model.memory_window_bytes();
        self.boot_prom.get(offset as usize).copied().unwrap_or(0xFF)
    }

    fn decode(&self, port: u16) -> Port {
        match port.checked_sub(self.io_base) {
            Some(offset @ 0..16) => Port::Controller(offset as u8),
            Some(16..24) => Port::Data,
            Some(24..PORTS) => Port::Reset,
            _ => Port::Nothing,
        }
    }
}

#[cfg(test)]
mod tests;
