//! An Ethernet card as its machine sees it: ports, a memory window, interrupt and DMA lines, an alarm and a cable.

use std::ops::Range;

use clock::{Instant, Span};
use devices::{Context, Effect};
use wire::{Notice, Request};

use crate::dp8390::{Counts, Dp8390, LocalMemory};
use crate::etherlink2::{EtherLinkII, WINDOW_ACCESS};
use crate::novell::Novell;
use crate::{Model, Settings};

/// An Ethernet card.
///
/// The machine lends a [`Context`] for each bus cycle; interrupt and DMA request levels and the card's alarm leave
/// through it, and so does the time for which the card holds IOCHRDY. What the card asks of its cable is collected
/// with [`Card::take_requests`] after a call.
///
/// [`Card::port_cycle`] and [`Card::memory_cycle`] say how wide a cycle the card takes. To a 16-bit slave the machine
/// makes one 16-bit access ([`Card::read_word`] and its sisters); a word for an 8-bit slave is two 8-bit ones.
///
/// After a [`Request::Withdraw`] the answer to what was withdrawn may still arrive; the controller tells it by its
/// instant ([`Dp8390::sent`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    controller: Dp8390,
    memory: LocalMemory,
    board: Board,
    /// Interrupt lines that the card drives high, a bit each.
    lines: u16,
    /// DMA request lines that the card drives high, a bit each.
    dma_lines: u8,
    /// The alarm that the machine keeps for the card.
    alarm: Instant,
}

/// What lies round the controller.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Board {
    EtherLinkII(EtherLinkII),
    Novell(Novell),
}

/// A part of a card's memory that the host accesses byte by byte: [`Card::open_window`].
#[derive(Debug)]
pub struct OpenWindow<'a> {
    controller: &'a mut Dp8390,
    bytes: &'a mut [u8],
}

impl OpenWindow<'_> {
    /// The cycle of the next byte at `now`: returns how long it holds IOCHRDY.
    #[inline]
    pub fn access(&mut self, now: Instant) -> Span {
        self.controller.access_memory(now, WINDOW_ACCESS)
    }

    /// The bytes.
    pub fn bytes(&mut self) -> &mut [u8] {
        self.bytes
    }
}

/// How a card takes part in a bus cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusCycle {
    /// How many bits it moves.
    pub width: Width,
    /// Whether it pulls the line 0WS.
    pub is_zero_wait: bool,
}

/// The width of a bus cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// A byte.
    Eight,
    /// A word.
    Sixteen,
}

impl Width {
    /// Its bytes.
    #[must_use]
    pub const fn bytes(self) -> u8 {
        match self {
            Self::Eight => 1,
            Self::Sixteen => 2,
        }
    }
}

impl Card {
    /// The card as it gets power. Panics if the settings name a jumper position that the model does not have
    /// ([`crate::Model::io_bases`], [`crate::Model::memory_bases`]) or a boot PROM that its socket does not take.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let model = settings.model;
        assert!(
            settings
                .boot_prom
                .as_ref()
                .is_none_or(|prom| prom.len() <= model.memory_window_bytes() as usize),
            "the boot PROM fits its window"
        );
        let (memory, board) = match model {
            Model::EtherLinkII | Model::EtherLinkII16 => (
                EtherLinkII::memory(model),
                Board::EtherLinkII(EtherLinkII::new(settings)),
            ),
            Model::Ne1000 | Model::Ne2000 => (Novell::memory(settings), Board::Novell(Novell::new(settings))),
        };
        let controller = match model {
            Model::EtherLinkII16 => Dp8390::wired_for_words(),
            _ => Dp8390::new(),
        };
        Self {
            controller: match &board {
                Board::EtherLinkII(board) => controller.beside_selector(board.connection()),
                Board::Novell(_) => controller,
            },
            memory,
            board,
            lines: 0,
            dma_lines: 0,
            alarm: Instant::NEVER,
        }
    }

    /// The card as new at `now`, when its power comes back; what it asked of its cable before that is not taken back. Its lines are low.
    pub fn power_on(&mut self, settings: &Settings, now: Instant) {
        let before = std::mem::replace(self, Self::new(settings));
        self.controller.take_over(before.controller, now);
    }

    /// The ports that it answers; the second range may be empty.
    #[must_use]
    pub fn ports(&self) -> [Range<u16>; 2] {
        match &self.board {
            Board::EtherLinkII(board) => board.ports(),
            Board::Novell(board) => board.ports(),
        }
    }

    /// The physical addresses that it answers, if its memory window is jumpered.
    #[must_use]
    pub fn memory_window(&self) -> Option<Range<u32>> {
        match &self.board {
            Board::EtherLinkII(board) => board.memory_window(),
            Board::Novell(board) => board.memory_window(),
        }
    }

    /// How it takes a cycle at one of its ports.
    #[must_use]
    pub fn port_cycle(&self, port: u16) -> BusCycle {
        match &self.board {
            Board::EtherLinkII(board) => board.port_cycle(port),
            Board::Novell(board) => board.port_cycle(port),
        }
    }

    /// How it takes a cycle in its memory window, as its registers stand.
    #[must_use]
    pub fn memory_cycle(&self) -> BusCycle {
        match &self.board {
            Board::EtherLinkII(board) => board.memory_cycle(),
            Board::Novell(_) => BusCycle {
                width: Width::Eight,
                is_zero_wait: false,
            },
        }
    }

    /// The physical address whose reads the card wants to know of, even outside its window, if there is one: the boot
    /// PROM of the 3C503 comes back then.
    #[must_use]
    pub fn watched_address(&self) -> Option<u32> {
        match &self.board {
            Board::EtherLinkII(board) => board.watched_address(),
            Board::Novell(_) => None,
        }
    }

    /// Somebody reads memory at [`Card::watched_address`].
    pub fn watched_address_is_read(&mut self) {
        if let Board::EtherLinkII(board) = &mut self.board
            && let Some(address) = board.watched_address()
        {
            board.see_read(address);
        }
    }

    /// Whether a DMA cycle of this channel, 0 to 7, is for the card: it drives that request line.
    #[must_use]
    pub fn answers_dma(&self, channel: u8) -> bool {
        self.dma_lines.checked_shr(u32::from(channel)).unwrap_or(0) & 1 == 1
    }

    /// An 8-bit read of one of its ports; FFh from any other.
    pub fn read(&mut self, port: u16, cx: &mut Context) -> u8 {
        self.read_port(port, cx).to_le_bytes()[0]
    }

    /// A 16-bit read of a port that takes 16-bit cycles.
    pub fn read_word(&mut self, port: u16, cx: &mut Context) -> u16 {
        self.read_port(port, cx)
    }

    fn read_port(&mut self, port: u16, cx: &mut Context) -> u16 {
        self.catch_up(cx);
        let (controller, memory) = (&mut self.controller, &self.memory);
        let (value, wait) = match &mut self.board {
            Board::EtherLinkII(board) => {
                let (value, wait) = board.read(port, cx.now(), controller, memory);
                (0xFF00 | u16::from(value), wait)
            }
            Board::Novell(board) => board.read(port, cx.now(), controller, memory),
        };
        cx.hold_ready(wait);
        self.settle(cx);
        value
    }

    /// An 8-bit write to one of its ports.
    pub fn write(&mut self, port: u16, value: u8, cx: &mut Context) {
        self.write_port(port, u16::from(value), cx);
    }

    /// A 16-bit write to a port that takes 16-bit cycles.
    pub fn write_word(&mut self, port: u16, value: u16, cx: &mut Context) {
        self.write_port(port, value, cx);
    }

    fn write_port(&mut self, port: u16, value: u16, cx: &mut Context) {
        self.catch_up(cx);
        let (controller, memory) = (&mut self.controller, &mut self.memory);
        let [low, _] = value.to_le_bytes();
        let wait = match &mut self.board {
            Board::EtherLinkII(board) => board.write(port, low, cx.now(), controller, memory),
            Board::Novell(board) => board.write(port, value, cx.now(), controller, memory),
        };
        cx.hold_ready(wait);
        self.settle(cx);
    }

    /// An 8-bit read at `offset` in its memory window; bits above the window's size are not decoded.
    pub fn memory_read(&mut self, offset: u32, cx: &mut Context) -> u8 {
        let [value] = self.read_window(offset, cx);
        value
    }

    /// A 16-bit read at `offset` in its memory window.
    pub fn memory_read_word(&mut self, offset: u32, cx: &mut Context) -> u16 {
        u16::from_le_bytes(self.read_window(offset, cx))
    }

    fn read_window<const N: usize>(&mut self, offset: u32, cx: &mut Context) -> [u8; N] {
        self.catch_up(cx);
        let bytes = match &mut self.board {
            Board::EtherLinkII(board) => {
                let (bytes, wait) = board.memory_read(offset, cx.now(), &mut self.controller, &self.memory);
                cx.hold_ready(wait);
                bytes
            }
            Board::Novell(board) => {
                std::array::from_fn(|byte| board.memory_read(offset.wrapping_add(byte as u32)))
            }
        };
        self.settle(cx);
        bytes
    }

    /// An 8-bit write at `offset` in its memory window; bits above the window's size are not decoded.
    pub fn memory_write(&mut self, offset: u32, value: u8, cx: &mut Context) {
        self.write_window(offset, &[value], cx);
    }

    /// A 16-bit write at `offset` in its memory window.
    pub fn memory_write_word(&mut self, offset: u32, value: u16, cx: &mut Context) {
        self.write_window(offset, &value.to_le_bytes(), cx);
    }

    fn write_window(&mut self, offset: u32, bytes: &[u8], cx: &mut Context) {
        self.catch_up(cx);
        if let Board::EtherLinkII(board) = &self.board {
            let wait = board.memory_write(offset, bytes, cx.now(), &mut self.controller, &mut self.memory);
            cx.hold_ready(wait);
        }
        self.settle(cx);
    }

    /// `count` bytes of its memory from `offset` in its memory window on, if 8-bit cycles there come to nothing but the bytes and their
    /// waits: as long as neither its alarm nor a notice is due, and nobody reads at [`Card::watched_address`].
    pub fn open_window(&mut self, offset: u32, count: u16) -> Option<OpenWindow<'_>> {
        let Board::EtherLinkII(board) = &self.board else {
            return None;
        };
        if self.controller.is_fetching() {
            return None;
        }
        Some(OpenWindow {
            bytes: board.window_memory(offset, count, &mut self.memory)?,
            controller: &mut self.controller,
        })
    }

    /// A DMA cycle for it that takes a byte; with the last one comes the terminal count.
    pub fn dma_read(&mut self, is_terminal_count: bool, cx: &mut Context) -> u8 {
        self.catch_up(cx);
        let (controller, memory) = (&mut self.controller, &self.memory);
        let value = match &mut self.board {
            Board::EtherLinkII(board) => board.dma_read(is_terminal_count, cx.now(), controller, memory),
            Board::Novell(_) => 0xFF,
        };
        self.settle(cx);
        value
    }

    /// A DMA cycle for it that gives a byte; with the last one comes the terminal count.
    pub fn dma_write(&mut self, value: u8, is_terminal_count: bool, cx: &mut Context) {
        self.catch_up(cx);
        let (controller, memory) = (&mut self.controller, &mut self.memory);
        if let Board::EtherLinkII(board) = &mut self.board {
            board.dma_write(value, is_terminal_count, cx.now(), controller, memory);
        }
        self.settle(cx);
    }

    /// Its alarm has rung.
    pub fn wake(&mut self, cx: &mut Context) {
        self.advance(cx.now());
        self.alarm = Instant::NEVER;
        self.settle(cx);
    }

    /// Its cable has news; to be called at the notice's instant. One that tells of a packet still under way
    /// ([`Notice::is_announcement`]) changes no line and no alarm: it can wait for the next call, if it comes before it.
    pub fn notice(&mut self, notice: Notice, cx: &mut Context) {
        self.catch_up(cx);
        match notice {
            Notice::Sent { at, outcome } => self.controller.sent(at, outcome),
            Notice::Received { at, begin, frame } => self.controller.received(at, begin, frame, cx.now()),
            Notice::Arriving { begin, frame, .. } => self.controller.packet_arrives(begin, &frame, cx.now()),
            Notice::Leaving { begin, .. } => self.controller.packet_leaves(begin, cx.now()),
        }
        self.settle(cx);
    }

    /// What it has asked of its cable since the last call, in order: [`Dp8390::take_requests`].
    #[must_use = "requests that are not carried to the cable are never answered"]
    pub fn take_requests(&mut self) -> Vec<Request> {
        self.controller.take_requests()
    }

    /// Whether a frame that began now would be looked at.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.controller.is_listening()
    }

    /// What it has done since it was switched on.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.controller.counts()
    }

    /// The bus's RESET DRV line: gate array and controller are reset, memory keeps its contents.
    pub fn reset(&mut self, cx: &mut Context) {
        self.catch_up(cx);
        self.controller.reset(cx.now());
        if let Board::EtherLinkII(board) = &mut self.board {
            board.reset();
            self.controller.connect(board.connection(), cx.now());
        }
        self.settle(cx);
    }

    /// Does what is due, should an access come before the alarm of the same instant.
    fn catch_up(&mut self, cx: &mut Context) {
        let is_due = self.alarm <= cx.now();
        self.advance(cx.now());
        if is_due {
            self.settle(cx);
        }
    }

    fn advance(&mut self, now: Instant) {
        self.controller.advance(now, &mut self.memory);
        if let Board::EtherLinkII(board) = &mut self.board {
            board.advance(now, &mut self.controller);
        }
    }

    /// Tells the machine what has changed: lines that fell, lines that rose, the alarm.
    fn settle(&mut self, cx: &mut Context) {
        let (lines, dma_lines, transfer) = match &self.board {
            Board::EtherLinkII(board) => (
                board.lines(&self.controller),
                board.dma_lines(),
                board.next_event(),
            ),
            Board::Novell(board) => (board.lines(&self.controller), 0, Instant::NEVER),
        };
        let before = std::mem::replace(&mut self.lines, lines);
        for_changes(before, lines, |line, asserted| {
            cx.emit(Effect::InterruptRequest { line, asserted });
        });
        let before = std::mem::replace(&mut self.dma_lines, dma_lines);
        for_changes(u16::from(before), u16::from(dma_lines), |channel, asserted| {
            cx.emit(Effect::DmaRequest { channel, asserted });
        });
        let alarm = self.controller.next_event().min(transfer);
        if alarm != self.alarm {
            self.alarm = alarm;
            cx.emit(Effect::Wake(alarm));
        }
    }
}

/// Tells of the lines that fell, then of those that rose.
fn for_changes(before: u16, after: u16, mut tell: impl FnMut(u8, bool)) {
    for (mut changed, is_high) in [(before & !after, false), (after & !before, true)] {
        // Nothing has changed after nearly every access.
        while changed != 0 {
            tell(changed.trailing_zeros() as u8, is_high);
            changed &= changed - 1;
        }
    }
}

#[cfg(test)]
mod tests;
