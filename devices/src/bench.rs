//! A workbench for the unit tests: it stands in for the board and checks what every board relies on.

use clock::{Instant, Span};
use proptest::prelude::{Strategy, any, prop_oneof};

use crate::{Context, Effect};

/// The most effects that one call may have.
const EFFECTS_PER_CALL: usize = 64;

/// A board with one chip on it.
pub(crate) struct Bench {
    pub(crate) now: Instant,
    pub(crate) alarm: Instant,
    pub(crate) lines: [bool; 16],
    /// The DMA request lines.
    pub(crate) requests: [bool; 8],
    pub(crate) log: Vec<(Instant, Effect)>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            now: Instant::START,
            alarm: Instant::NEVER,
            lines: [false; 16],
            requests: [false; 8],
            log: Vec::new(),
        }
    }

    /// One call of the chip; carries its effects out.
    pub(crate) fn call<R>(&mut self, call: impl FnOnce(&mut Context<'_>) -> R) -> R {
        let mut effects = Vec::new();
        let result = call(&mut Context::new(self.now, &mut effects));
        assert!(effects.len() <= EFFECTS_PER_CALL, "bounded work in a call");
        for effect in effects {
            match effect {
                Effect::Wake(at) => {
                    assert!(at > self.now, "a wake-up in the past");
                    self.alarm = at;
                }
                Effect::InterruptRequest { line, asserted } => {
                    let line = &mut self.lines[usize::from(line)];
                    assert_ne!(*line, asserted, "an interrupt request is told by its edges");
                    *line = asserted;
                }
                Effect::DmaRequest { channel, asserted } => {
                    let request = &mut self.requests[usize::from(channel)];
                    assert_ne!(*request, asserted, "a DMA request is told by its edges");
                    *request = asserted;
                }
                _ => {}
            }
            self.log.push((self.now, effect));
        }
        result
    }

    /// Lets time pass and wakes the chip exactly when it wants to be woken.
    pub(crate) fn pass(&mut self, span: Span, mut wake: impl FnMut(&mut Context<'_>)) {
        let end = self.now + span;
        while self.alarm <= end && self.alarm != Instant::NEVER {
            self.now = self.alarm;
            self.alarm = Instant::NEVER;
            self.call(&mut wake);
        }
        self.now = end;
    }

    /// Lets time pass in one step; a chip whose alarm is due by then is woken once, late, if at all.
    pub(crate) fn jump(&mut self, span: Span, is_woken: bool, wake: impl FnOnce(&mut Context<'_>)) {
        self.now += span;
        if self.alarm <= self.now && is_woken {
            self.alarm = Instant::NEVER;
            self.call(wake);
        }
    }

    /// When IRQ `line` rose.
    pub(crate) fn rises(&self, line: u8) -> Vec<Instant> {
        let rise = Effect::InterruptRequest { line, asserted: true };
        self.log
            .iter()
            .filter(|(_, effect)| *effect == rise)
            .map(|(at, _)| *at)
            .collect()
    }
}

/// One step of a random history of a chip on `ports` ports.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Read(u16),
    Write(u16, u8),
    /// Something that is no port access: a key, a character, a gate.
    Poke(u8),
    /// Time with exact wake-ups.
    Pass(Span),
    /// Time in one step, up to days, with a late wake-up or none.
    Jump(Span, bool),
}

/// Any step of a chip on the ports `first` to `last`.
pub(crate) fn any_step(first: u16, last: u16) -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (first..=last).prop_map(Step::Read),
        6 => (first..=last, any::<u8>()).prop_map(|(port, value)| Step::Write(port, value)),
        2 => any::<u8>().prop_map(Step::Poke),
        2 => (0..5_000_000u64).prop_map(|n| Step::Pass(Span::from_nanoseconds(n))),
        1 => (0..400_000u64, any::<bool>()).prop_map(|(s, woken)| Step::Jump(Span::from_seconds(s), woken)),
    ]
}
