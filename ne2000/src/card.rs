//! An Ethernet card as its machine sees it: ports, a memory window, interrupt lines, an alarm and a cable.

use std::ops::Range;

use clock::Instant;
use devices::{Context, Effect};
use wire::{Notice, Request};

use crate::Settings;
use crate::dp8390::{Counts, Dp8390, LocalMemory};
use crate::etherlink2::EtherLinkII;

/// An Ethernet card.
///
/// The machine lends a [`Context`] for each access; interrupt levels and the card's alarm leave through it. What the
/// card asks of its cable is collected with [`Card::take_requests`] after a call.
///
/// After a [`Request::Withdraw`] the answer to what was withdrawn may still arrive; the controller tells it by its
/// instant ([`Dp8390::sent`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    controller: Dp8390,
    memory: LocalMemory,
    board: EtherLinkII,
    /// Interrupt lines that the card drives high, a bit each.
    lines: u16,
    /// The alarm that the machine keeps for the card.
    alarm: Instant,
}

impl Card {
    /// The card as it gets power. Panics if the settings name a jumper position that the model does not have
    /// ([`crate::Model::io_bases`], [`crate::Model::memory_bases`]).
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            controller: Dp8390::new(),
            memory: EtherLinkII::memory(),
            board: EtherLinkII::new(settings),
            lines: 0,
            alarm: Instant::NEVER,
        }
    }

    /// The ports that it answers.
    #[must_use]
    pub fn ports(&self) -> [Range<u16>; 2] {
        self.board.ports()
    }

    /// The physical addresses that it answers, if its memory window is jumpered.
    #[must_use]
    pub fn memory_window(&self) -> Option<Range<u32>> {
        self.board.memory_window()
    }

    /// Reads one of its ports; FFh from any other.
    pub fn read(&mut self, port: u16, cx: &mut Context) -> u8 {
        self.catch_up(cx);
        let value = self.board.read(port, &mut self.controller, &self.memory);
        self.settle(cx);
        value
    }

    /// Writes one of its ports.
    pub fn write(&mut self, port: u16, value: u8, cx: &mut Context) {
        self.catch_up(cx);
        self.board
            .write(port, value, cx.now(), &mut self.controller, &mut self.memory);
        self.settle(cx);
    }

    /// Reads the byte at `offset` in its memory window, 0 to 1FFFh; upper bits are not decoded.
    pub fn memory_read(&mut self, offset: u32, cx: &mut Context) -> u8 {
        self.catch_up(cx);
        self.board.memory_read(offset, &self.memory)
    }

    /// Writes the byte at `offset` in its memory window, 0 to 1FFFh; upper bits are not decoded.
    pub fn memory_write(&mut self, offset: u32, value: u8, cx: &mut Context) {
        self.catch_up(cx);
        self.board.memory_write(offset, value, &mut self.memory);
    }

    /// Its alarm has rung.
    pub fn wake(&mut self, cx: &mut Context) {
        self.controller.advance(cx.now(), &mut self.memory);
        self.alarm = Instant::NEVER;
        self.settle(cx);
    }

    /// Its cable has news; to be called at the notice's instant.
    pub fn notice(&mut self, notice: Notice, cx: &mut Context) {
        self.catch_up(cx);
        match notice {
            Notice::Sent { at, outcome } => self.controller.sent(at, outcome, cx.now()),
            Notice::Received { at, frame } => self.controller.received(at, frame, cx.now()),
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
        self.board.reset();
        self.settle(cx);
    }

    /// Does what is due, should an access come before the alarm of the same instant.
    fn catch_up(&mut self, cx: &mut Context) {
        if self.alarm <= cx.now() {
            self.controller.advance(cx.now(), &mut self.memory);
            self.settle(cx);
        }
    }

    /// Tells the machine what has changed: lines that fell, lines that rose, the alarm.
    fn settle(&mut self, cx: &mut Context) {
        let lines = self.board.lines(&self.controller);
        let before = std::mem::replace(&mut self.lines, lines);
        for (changed, asserted) in [(before & !lines, false), (lines & !before, true)] {
            for line in (0..16).filter(|line| changed >> line & 1 == 1) {
                cx.emit(Effect::InterruptRequest { line, asserted });
            }
        }
        let alarm = self.controller.next_event();
        if alarm != self.alarm {
            self.alarm = alarm;
            cx.emit(Effect::Wake(alarm));
        }
    }
}

#[cfg(test)]
mod tests;
