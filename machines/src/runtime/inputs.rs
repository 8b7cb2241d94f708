//! What comes into a running lab: what the lab file types, and what is done from outside.
//!
//! All of it goes one way: something is done to a machine or a cable at an instant that lies beyond everything that has been
//! settled, so the result depends on that instant alone. What the lab file says to type at an instant is known before the lab runs.
//! What it says to type after a text gets its instant from the character that completes the text. What comes from outside
//! ([`Runtime::inject`]) gets the earliest instant at which it can still be done; whoever keeps that instant can repeat the run with
//! [`Runtime::inject_at`] before it begins.

use std::collections::VecDeque;
use std::sync::Arc;

use clock::{Instant, Span};
use regex_automata::meta::Regex;
use wire::StationId;

use super::Runtime;
use crate::lab::{InputDevice, InputTime, Lab};
use crate::line_search::{GrowingLine, compile};
use crate::machine::{Machine, Origin, PowerEvent, Switch};

/// Something that is done to a lab from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Text is typed.
    Type {
        /// Index of the machine in the lab.
        machine: usize,
        /// On what.
        device: InputDevice,
        /// What. Bytes that the keyboard has no key for are left out there.
        text: Vec<u8>,
    },
    /// A machine's power is switched.
    Power {
        /// Index of the machine in the lab.
        machine: usize,
        /// How.
        event: PowerEvent,
    },
    /// A machine's reset button is pressed.
    Reset {
        /// Index of the machine in the lab.
        machine: usize,
    },
    /// A station is taken off its cable, or put back.
    Cable {
        /// Index of the segment in the lab.
        segment: usize,
        /// Who.
        station: StationId,
        /// Whether it is put back.
        is_in: bool,
    },
}

/// A text that the lab file types when another has been shown.
#[derive(Clone, Debug)]
struct Step {
    awaited: Regex,
    delay: Span,
    device: InputDevice,
    text: Arc<[u8]>,
}

/// What is still to be typed on one machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Script {
    steps: VecDeque<Step>,
    line: GrowingLine,
}

impl Script {
    /// A character left the machine's COM1 at `at`: when, where and what is to be typed for it.
    pub(super) fn byte(&mut self, at: Instant, byte: u8) -> Option<(Instant, Switch)> {
        let awaited = &self.steps.front()?.awaited;
        if !self.line.push(byte) || !self.line.shows(awaited) {
            return None;
        }
        self.line = GrowingLine::default();
        let step = self.steps.pop_front()?;
        Some((at + step.delay, Switch::Type(step.device, step.text)))
    }
}

/// Hands out what the lab file types at an instant, and returns each machine's script.
///
/// # Panics
/// If a pattern is no regular expression: the lab has not been checked.
pub(super) fn prepare(lab: &Lab, machines: &mut [Machine]) -> Vec<Script> {
    let mut scripts: Vec<Script> = machines.iter().map(|_| Script::default()).collect();
    for input in &lab.inputs {
        let text: Arc<[u8]> = Arc::from(input.text.as_bytes());
        for &machine in &input.machines {
            match &input.time {
                InputTime::At(at) => {
                    let switch = Switch::Type(input.device, Arc::clone(&text));
                    machines[machine].schedule(*at, Origin::Lab, switch);
                }
                InputTime::After { pattern, delay } => scripts[machine].steps.push_back(Step {
                    awaited: compile(pattern).expect("the lab's patterns are regular expressions"),
                    delay: *delay,
                    device: input.device,
                    text: Arc::clone(&text),
                }),
            }
        }
    }
    scripts
}

impl Runtime {
    /// Does something to the lab from outside, as soon as possible, and says when: on a whole nanosecond at or after
    /// [`Runtime::now`], a window later for a cable.
    ///
    /// # Panics
    /// If there is no such machine, segment or station.
    pub fn inject(&mut self, deed: &Deed) -> Instant {
        let settled = self
            .interrupted
            .map_or(self.now, |window| window.end)
            .max(self.now);
        let earliest = match deed {
            Deed::Cable { segment, .. } => self.cables[*segment].segment.changes_from().max(settled),
            _ => settled,
        };
        let at = whole_nanoseconds(earliest);
        self.inject_at(at, deed);
        at
    }

    /// Does again what [`Runtime::inject`] did at `at`; before the lab runs, in the same order.
    ///
    /// # Panics
    /// If there is no such machine, segment or station, or if the cable has come too far for it.
    pub fn inject_at(&mut self, at: Instant, deed: &Deed) {
        let (machine, switch) = match deed {
            Deed::Type {
                machine,
                device,
                text,
            } => (*machine, Switch::Type(*device, Arc::from(&text[..]))),
            Deed::Power { machine, event } => (*machine, Switch::Power(*event)),
            Deed::Reset { machine } => (*machine, Switch::Reset),
            Deed::Cable {
                segment,
                station,
                is_in,
            } => {
                let segment = &mut self.cables[*segment].segment;
                return if *is_in {
                    segment.plug(*station, at);
                } else {
                    segment.unplug(*station, at);
                };
            }
        };
        self.machines[machine].schedule(at, Origin::Outside, switch);
    }
}

/// The first whole nanosecond at or after `at`.
fn whole_nanoseconds(at: Instant) -> Instant {
    let floor = Instant::START + Span::from_nanoseconds(at.nanoseconds());
    if floor < at {
        floor + Span::from_nanoseconds(1)
    } else {
        floor
    }
}
