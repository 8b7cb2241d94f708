//! The cards on this machine's ports and memory: those that are found, and what their interrupts tell.

use crate::console::line;
use crate::{clock, paging};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU8, AtomicU16, Ordering};
use kernel_core::command_line::Options;
use kernel_core::etherlink::novell::{self, Remote, Transfers, Width};
use kernel_core::etherlink::{self, Bus, Causes, Connector, Location, Ports, ring};
use kernel_core::flip::NETWORKS;
use platform::interrupt_controller;
use platform::processor::{Port, copy_bytes, without_interrupts};

/// What interrupts tell of one card.
struct News {
    /// I/O base of the card; 0 while there is none.
    base: AtomicU16,
    /// What its interrupts told and the main program has not yet seen.
    causes: AtomicU8,
}

static NEWS: [News; NETWORKS] = [const {
    News {
        base: AtomicU16::new(0),
        causes: AtomicU8::new(0),
    }
}; NETWORKS];

/// The machine's I/O ports, as the card's driver uses them.
struct MachinePorts;

impl Ports for MachinePorts {
    fn read(&mut self, port: u16) -> u8 {
        // SAFETY: the driver asks for ports of its cards, or where one may be; none of them touches memory.
        unsafe { Port::new(port) }.read()
    }

    fn write(&mut self, port: u16, value: u8) {
        // SAFETY: the driver writes to a card that it has found. The card's DMA is never programmed.
        unsafe { Port::new(port) }.write(value);
    }
}

impl Transfers for MachinePorts {
    fn read_string(&mut self, port: u16, width: Width, to: &mut [u8]) {
        // SAFETY: see `read`.
        let port = unsafe { Port::new(port) };
        match width {
            Width::Byte => port.read_bytes(to),
            Width::Word => port.read_words(to),
        }
    }

    fn write_string(&mut self, port: u16, width: Width, from: &[u8]) {
        // SAFETY: see `write`.
        let port = unsafe { Port::new(port) };
        match width {
            Width::Byte => port.write_bytes(from),
            Width::Word => port.write_words(from),
        }
    }
}

/// A card that runs.
pub(super) type Card = etherlink::Card<Machine>;

/// How a card's memory is reached.
pub(super) enum Machine {
    /// It is mapped at its own address.
    Window(u32),
    /// By remote DMA.
    Remote(Remote),
}

/// Where `length` bytes at `offset` of the window at `start` are.
fn window(start: u32, offset: usize, length: usize) -> *mut u8 {
    assert!(
        offset <= ring::WINDOW_LENGTH && length <= ring::WINDOW_LENGTH - offset,
        "outside the window"
    );
    (start as usize + offset) as *mut u8
}

impl Ports for Machine {
    fn read(&mut self, port: u16) -> u8 {
        MachinePorts.read(port)
    }

    fn write(&mut self, port: u16, value: u8) {
        MachinePorts.write(port, value);
    }
}

impl Bus for Machine {
    fn wait(&mut self, microseconds: u32) {
        clock::wait(microseconds);
    }

    fn without_interrupts<R>(&mut self, action: impl FnOnce(&mut Self) -> R) -> R {
        without_interrupts(|| action(self))
    }

    fn copy_from_window(&mut self, offset: usize, to: &mut [u8]) {
        match self {
            Machine::Window(start) => {
                let from = window(*start, offset, to.len());
                // SAFETY: the bytes lie in the mapped window, which is no memory of Rust's.
                unsafe { copy_bytes(from, to.as_mut_ptr(), to.len()) }
            }
            Machine::Remote(remote) => remote.read(&mut MachinePorts, remote.address(offset), to),
        }
    }

    fn copy_to_window(&mut self, offset: usize, from: &[u8]) {
        match self {
            Machine::Window(start) => {
                let to = window(*start, offset, from.len());
                // SAFETY: the bytes lie in the mapped window, which is no memory of Rust's.
                unsafe { copy_bytes(from.as_ptr(), to, from.len()) }
            }
            Machine::Remote(remote) => remote.write(&mut MachinePorts, remote.address(offset), from),
        }
    }

    fn finish_copy(&mut self) {
        if let Machine::Remote(remote) = self {
            remote.finish(&mut MachinePorts);
        }
    }
}

/// Called by the interrupt handler, with interrupts off. A card that did not interrupt has no causes.
pub(crate) fn interrupt() {
    for news in &NEWS {
        let base = news.base.load(Ordering::Relaxed);
        if base != 0 {
            let causes = etherlink::collect(&mut MachinePorts, base);
            let all = news.causes.load(Ordering::Relaxed) | causes.bits();
            news.causes.store(all, Ordering::Relaxed);
        }
    }
}

/// Makes up for interrupts of cards that never came; false if there is none.
pub(crate) fn look() -> bool {
    let bases = NEWS.iter().map(|news| news.base.load(Ordering::Relaxed));
    let is_lost = bases
        .take_while(|base| *base != 0)
        .any(|base| etherlink::has_causes(&mut MachinePorts, base));
    if is_lost {
        without_interrupts(interrupt);
    }
    is_lost
}

/// What interrupts have told of a card since this was asked last.
pub(super) fn take_causes(card: usize) -> Causes {
    without_interrupts(|| {
        let causes = NEWS[card].causes.load(Ordering::Relaxed);
        NEWS[card].causes.store(0, Ordering::Relaxed);
        Causes::from_bits_retain(causes)
    })
}

/// Looks for cards and starts them: first 3Com's, in the order in which Amoeba's kernel looks for them, then Novell's.
pub(super) fn start(options: &Options) -> Vec<Card> {
    let mut cards = Vec::new();
    let locations: Vec<Location> = etherlink::find_all(&mut MachinePorts).collect();
    let mut lines = [options.interrupt_line, 3, 5, 2, 4].into_iter();
    let mut used = Vec::new();
    for (place, location) in locations.iter().enumerate() {
        let is_aui = options.aui_cards.checked_shr(place as u32).unwrap_or(0) & 1 == 1;
        let connector = if is_aui { Connector::Aui } else { Connector::Bnc };
        // Two cards cannot share a line of an ISA bus.
        if let Some(line) = lines.find(|line| !used.contains(line))
            && cards.len() < NETWORKS
        {
            used.push(line);
            cards.extend(start_etherlink(*location, line, connector, cards.len()));
        }
    }
    let is_free = |base: &u16| locations.iter().all(|location| location.base != *base);
    for base in novell::BASES.into_iter().filter(is_free) {
        if cards.len() < NETWORKS {
            cards.extend(start_novell(base, cards.len()));
        }
    }
    if cards.is_empty() {
        line!("no network card found");
    }
    cards
}

fn start_etherlink(
    Location { base, window }: Location,
    line: u8,
    connector: Connector,
    place: usize,
) -> Option<Card> {
    paging::map_device(window, ring::WINDOW_LENGTH as u32);
    let Some(card) = Card::start(Machine::Window(window), base, line, connector) else {
        line!("3C503 at {base:x}h has no station address");
        return None;
    };
    line!(
        "3C503 at {base:x}h irq {line} memory {window:x}h station {}",
        card.address()
    );
    listen(place, base, line);
    Some(card)
}

fn start_novell(base: u16, place: usize) -> Option<Card> {
    let found = novell::find(&mut MachinePorts, base)?;
    let name = match found.width {
        Width::Byte => "NE1000",
        Width::Word => "NE2000",
    };
    let quiet = interrupt_controller::requests();
    novell::request_interrupt(&mut MachinePorts, base, true);
    let requested = interrupt_controller::requests() & !quiet;
    novell::request_interrupt(&mut MachinePorts, base, false);
    // The clock may have ticked meanwhile.
    let requested = requested & !(1 << clock::LINE);
    if requested == 0 {
        line!("{name} at {base:x}h does not interrupt");
        return None;
    }
    let line = requested.trailing_zeros() as u8;
    let card = Card::start_novell(Machine::Remote(Remote::new(base, found.width)), &found);
    line!("{name} at {base:x}h irq {line} station {}", card.address());
    listen(place, base, line);
    Some(card)
}

/// Lets a card's interrupts through.
fn listen(place: usize, base: u16, line: u8) {
    NEWS[place].base.store(base, Ordering::Relaxed);
    // On an AT the bus's line 2 leads to line 9.
    interrupt_controller::unmask(if line == 2 { 9 } else { line });
}
