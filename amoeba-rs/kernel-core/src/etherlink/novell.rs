//! Novell's NE1000 and NE2000: the card's memory and its PROM are reached by the DP8390's remote DMA, byte by byte or word by
//! word at a data port (DP8390D data sheet, section 8, "Remote DMA"; the layout of ports and PROM is common to all drivers).

#[cfg(test)]
mod tests;

use super::Ports;
use super::registers::{self, Causes, Command, nic};
use super::ring::Ring;
use proto::ethernet::Address;

/// What a driver of a Novell card needs beside registers.
pub trait Transfers: Ports {
    /// Reads the data port until `to` is full, an even number of bytes if words are read.
    fn read_string(&mut self, port: u16, width: Width, to: &mut [u8]);
    /// Writes all of `from` to the data port, an even number of bytes if words are written.
    fn write_string(&mut self, port: u16, width: Width, from: &[u8]);
}

/// What goes through the data port at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// A byte: NE1000.
    Byte,
    /// A word: NE2000.
    Word,
}

impl Width {
    /// How the card's memory is divided.
    pub(super) const fn ring(self) -> Ring {
        match self {
            Width::Byte => Ring::SMALL,
            Width::Word => Ring::LARGE,
        }
    }

    pub(super) const fn data_configuration(self) -> u8 {
        match self {
            Width::Byte => registers::BYTE_WIDE,
            Width::Word => registers::WORD_WIDE,
        }
    }
}

/// A card that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its I/O base.
    pub base: u16,
    /// Which card it is.
    pub width: Width,
    /// Its station address.
    pub address: Address,
}

/// I/O bases that the jumpers can set.
pub const BASES: [u16; 5] = [0x300, 0x280, 0x320, 0x340, 0x360];
const DATA: u16 = 0x10;
const RESET: u16 = 0x1f;
/// Bytes of the PROM as the card shows it.
const PROM_LENGTH: usize = 32;
/// What stands behind the station address in the PROM, at bytes 14 and 15.
const SIGNATURE: u8 = 0x57;
/// Looks at a register after which nothing more is expected; each takes half a microsecond or more.
const PATIENCE: u32 = 20_000;

/// Resets the card at `base`: reading the port does, and writing it ends the reset on some cards.
pub(super) fn reset(ports: &mut impl Ports, base: u16) {
    let value = ports.read(base + RESET);
    ports.write(base + RESET, value);
    for _ in 0..PATIENCE {
        if ports.read(base + nic::INTERRUPT_STATUS) & registers::IN_RESET != 0 {
            return;
        }
    }
}

/// Looks for a card at `base`, where no other card is: its PROM has a signature.
pub fn find(ports: &mut impl Transfers, base: u16) -> Option<Found> {
    let stopped = (Command::STOP | Command::ABORT_REMOTE_DMA).bits();
    // Where nothing is, all registers read FFh.
    if ports.read(base + nic::COMMAND) == 0xff {
        return None;
    }
    reset(ports, base);
    ports.write(base + nic::COMMAND, stopped);
    ports.write(base + nic::DATA_CONFIGURATION, registers::BYTE_WIDE);
    ports.write(base + nic::RECEIVE_CONFIGURATION, registers::MONITOR);
    ports.write(base + nic::TRANSMIT_CONFIGURATION, registers::LOOPBACK);
    ports.write(base + nic::INTERRUPT_MASK, 0);
    let mut prom = [0; PROM_LENGTH];
    Remote::new(base, Width::Byte).read(ports, 0, &mut prom);
    ports.write(base + nic::COMMAND, stopped);
    // On a 16-bit card each byte appears twice.
    let is_doubled = prom.as_chunks::<2>().0.iter().all(|[even, odd]| even == odd);
    let (step, width) = if is_doubled {
        (2, Width::Word)
    } else {
        (1, Width::Byte)
    };
    let bytes: [u8; 16] = core::array::from_fn(|place| prom[place * step]);
    let address = Address(*bytes.first_chunk()?);
    let is_novell = bytes[14..] == [SIGNATURE; 2];
    (is_novell && !address.is_group() && address != Address::default()).then_some(Found {
        base,
        width,
        address,
    })
}

/// Has a stopped card that was found interrupt, or ends that: so one learns on which line it does.
pub fn request_interrupt(ports: &mut impl Transfers, base: u16, on: bool) {
    ports.write(base + nic::INTERRUPT_STATUS, 0xff);
    ports.write(
        base + nic::INTERRUPT_MASK,
        if on { registers::REMOTE_DMA_COMPLETE } else { 0 },
    );
    if on {
        let mut remote = Remote::new(base, Width::Byte);
        remote.begin(ports, 0, 1, Command::REMOTE_READ);
        ports.read_string(base + DATA, Width::Byte, &mut [0]);
    }
}

/// Remote DMA of one card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote {
    base: u16,
    width: Width,
    /// A byte that waits for the other half of its word, and where that word goes.
    half: Option<(u16, u8)>,
}

impl Remote {
    /// The one of the card at `base`.
    pub const fn new(base: u16, width: Width) -> Remote {
        Remote {
            base,
            width,
            half: None,
        }
    }

    /// The card's address of an offset in its memory.
    pub const fn address(&self, offset: usize) -> u16 {
        (self.width.ring().transmit as u16) << 8 | offset as u16
    }

    fn begin(&mut self, ports: &mut impl Ports, address: u16, length: u16, direction: Command) {
        let base = self.base;
        ports.write(base + nic::INTERRUPT_STATUS, registers::REMOTE_DMA_COMPLETE);
        let [low, high] = length.to_le_bytes();
        ports.write(base + nic::REMOTE_COUNT_LOW, low);
        ports.write(base + nic::REMOTE_COUNT_HIGH, high);
        let [low, high] = address.to_le_bytes();
        ports.write(base + nic::REMOTE_START_LOW, low);
        ports.write(base + nic::REMOTE_START_HIGH, high);
        ports.write(base + nic::COMMAND, (Command::START | direction).bits());
    }

    /// Copies out of the card's memory, from an even address on.
    pub fn read(&mut self, ports: &mut impl Transfers, address: u16, to: &mut [u8]) {
        if to.is_empty() {
            return;
        }
        let port = self.base + DATA;
        let whole = match self.width {
            Width::Byte => to.len(),
            Width::Word => to.len() & !1,
        };
        let count = match self.width {
            Width::Byte => to.len(),
            Width::Word => to.len().next_multiple_of(2),
        };
        self.begin(ports, address, count as u16, Command::REMOTE_READ);
        let (words, rest) = to.split_at_mut(whole);
        ports.read_string(port, self.width, words);
        if let [last] = rest {
            let mut word = [0; 2];
            ports.read_string(port, self.width, &mut word);
            *last = word[0];
        }
    }

    /// Copies into the card's memory. Parts come in order, and of the last word of a part half may wait for the next one.
    pub fn write(&mut self, ports: &mut impl Transfers, address: u16, from: &[u8]) {
        let Some((first, behind)) = from.split_first() else {
            return;
        };
        let half = self.half.take();
        let (address, word, rest) = match half {
            Some((address, byte)) => (address, Some([byte, *first]), behind),
            None => (address, None, from),
        };
        let whole = match self.width {
            Width::Byte => rest.len(),
            Width::Word => rest.len() & !1,
        };
        let count = (whole + word.map_or(0, |word| word.len())) as u16;
        if count > 0 {
            self.begin(ports, address, count, Command::REMOTE_WRITE);
            let port = self.base + DATA;
            if let Some(word) = word {
                ports.write_string(port, self.width, &word);
            }
            ports.write_string(port, self.width, &rest[..whole]);
            self.finish_transfer(ports);
        }
        self.half = rest[whole..].first().map(|byte| (address + count, *byte));
    }

    /// Writes the half word that waits, if any.
    pub fn finish(&mut self, ports: &mut impl Transfers) {
        if let Some((address, byte)) = self.half.take() {
            self.begin(ports, address, 2, Command::REMOTE_WRITE);
            ports.write_string(self.base + DATA, self.width, &[byte, 0]);
            self.finish_transfer(ports);
        }
    }

    /// The last bytes may still be in the card's latch.
    fn finish_transfer(&self, ports: &mut impl Ports) {
        for _ in 0..PATIENCE {
            let status = Causes::from_bits_retain(ports.read(self.base + nic::INTERRUPT_STATUS));
            if status.bits() & registers::REMOTE_DMA_COMPLETE != 0 {
                return;
            }
        }
    }
}
