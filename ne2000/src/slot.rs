//! For tests and for fuzzing: a card in a slot, with what a machine does for it.

use clock::{Instant, Span};
use devices::{Context, Effect};
use wire::{Notice, Request};

use crate::{Card, Connector, Model, Settings};

pub(crate) const STATION: [u8; 6] = [0x02, 0x60, 0x8C, 0x11, 0x22, 0x33];

/// The most effects that one call may have.
const MOST_EFFECTS: usize = 16;

/// The settings of Amoeba's kernel template.
pub(crate) fn settings() -> Settings {
    Settings {
        model: Model::EtherLinkII,
        io_base: 0x280,
        memory_base: Some(0xCC000),
        interrupt: 3,
        connector: Connector::Bnc,
        station_address: STATION,
        boot_prom: None,
    }
}

/// A card, the time of its next access, and the lines and the alarm as its effects have set them.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) card: Card,
    pub(crate) now: Instant,
    pub(crate) alarm: Instant,
    /// Interrupt lines that are high, a bit each.
    pub(crate) lines: u16,
    /// DMA request lines that are high, a bit each.
    pub(crate) dma_lines: u8,
    /// For how long the card held the last bus cycle.
    pub(crate) held: Span,
}

impl Slot {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            card: Card::new(settings),
            now: Instant::START + Span::from_milliseconds(1),
            alarm: Instant::NEVER,
            lines: 0,
            dma_lines: 0,
            held: Span::ZERO,
        }
    }

    /// A card of this model at its factory's jumpers, on interrupt 3.
    pub(crate) fn of(model: Model) -> Self {
        Self::new(&Settings {
            model,
            io_base: model.io_bases()[0],
            memory_base: Some(model.memory_bases()[0]),
            ..settings()
        })
    }

    /// Lends the card a context for one call and carries its effects out.
    pub(crate) fn call<T>(&mut self, act: impl FnOnce(&mut Card, &mut Context) -> T) -> T {
        let mut effects = Vec::new();
        let mut context = Context::new(self.now, &mut effects);
        let result = act(&mut self.card, &mut context);
        self.held = context.ready_after();
        assert!(effects.len() <= MOST_EFFECTS, "bounded work in a call");
        for effect in effects {
            match effect {
                Effect::InterruptRequest { line, asserted } => {
                    let bit = 1 << line;
                    assert_eq!(
                        self.lines & bit != 0,
                        !asserted,
                        "a level is told when it changes"
                    );
                    self.lines ^= bit;
                }
                Effect::DmaRequest { channel, asserted } => {
                    let bit = 1 << channel;
                    assert_eq!(
                        self.dma_lines & bit != 0,
                        !asserted,
                        "a level is told when it changes"
                    );
                    self.dma_lines ^= bit;
                }
                Effect::Wake(at) => {
                    assert!(at > self.now, "an alarm lies in the future");
                    self.alarm = at;
                }
                other => panic!("no card does {other:?}"),
            }
        }
        result
    }

    pub(crate) fn read(&mut self, port: u16) -> u8 {
        self.call(|card, cx| card.read(port, cx))
    }

    pub(crate) fn write(&mut self, port: u16, value: u8) {
        self.call(|card, cx| card.write(port, value, cx));
    }

    pub(crate) fn memory_read(&mut self, offset: u32) -> u8 {
        self.call(|card, cx| card.memory_read(offset, cx))
    }

    pub(crate) fn memory_write(&mut self, offset: u32, value: u8) {
        self.call(|card, cx| card.memory_write(offset, value, cx));
    }

    pub(crate) fn read_word(&mut self, port: u16) -> u16 {
        self.call(|card, cx| card.read_word(port, cx))
    }

    pub(crate) fn write_word(&mut self, port: u16, value: u16) {
        self.call(|card, cx| card.write_word(port, value, cx));
    }

    pub(crate) fn notice(&mut self, notice: Notice) {
        self.call(|card, cx| card.notice(notice, cx));
    }

    /// A frame ends now.
    #[cfg(test)]
    pub(crate) fn receive(&mut self, frame: wire::Frame) {
        let at = self.now;
        let begin = at - crate::dp8390::BYTE_TIME * frame.length();
        self.notice(Notice::Received { at, begin, frame });
    }

    /// Lets time pass until `then`, ringing the card's alarm where it is due.
    pub(crate) fn run_until(&mut self, then: Instant) {
        while self.alarm <= then {
            self.now = std::mem::replace(&mut self.alarm, Instant::NEVER).max(self.now);
            self.call(Card::wake);
        }
        self.now = then.max(self.now);
    }

    pub(crate) fn wait(&mut self, span: Span) {
        self.run_until(self.now + span);
    }

    /// The one frame that the card wants to send, and when its transmitter is ready.
    #[cfg(test)]
    pub(crate) fn transmission(&mut self) -> (Instant, wire::Frame) {
        let mut requests = self.card.take_requests();
        requests
            .retain(|request| !matches!(request, Request::OffsetBackoff { .. } | Request::Connect { .. }));
        match &requests[..] {
            [Request::Transmit { ready, frame }] => (*ready, frame.clone()),
            other => panic!("one transmission expected: {other:?}"),
        }
    }
}
