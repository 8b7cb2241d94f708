//! What is done to a machine from outside, at instants that are known beforehand: its power, the reset button, and typing.

use std::sync::Arc;

use clock::Instant;
use devices::TornSector;

use super::Machine;
use crate::board::{Output, at_or_after};
use crate::lab::InputDevice;
use crate::runtime::ResetCause;

/// What happens to a machine's power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerEvent {
    /// It fails. A sector that is under the writing head of a disk becomes what is said here.
    Off(TornSector),
    /// It comes back. Memory is 0, every chip is as at power-on but the CMOS clock, and disks take 10 s to get to speed.
    /// On a machine that has power nothing happens.
    On,
}

/// What can be done to a machine from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    Power(PowerEvent),
    /// The reset button is pressed.
    Reset,
    /// Someone begins to type.
    Type(InputDevice, Arc<[u8]>),
    /// Whoever types at the keyboard presses the next key.
    NextKey,
}

/// Who does something to a machine. Of what is done at one instant that of the lab comes first, so that it does not matter
/// when the rest became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// The lab file.
    Lab,
    /// Someone who steers the lab while it runs.
    Outside,
}

impl Machine {
    /// Something will be done to one of its switches at `at`, or now if that is past.
    pub(crate) fn schedule(&mut self, at: Instant, origin: Origin, switch: Switch) {
        let is_earlier = |other: &(Instant, Origin, Switch)| (other.0, other.1) <= (at, origin);
        let place = self.switches.partition_point(is_earlier);
        self.switches.insert(place, (at, origin, switch));
    }

    /// When something is next done to one of its switches.
    pub(super) fn next_switch(&self) -> Instant {
        self.switches.front().map_or(Instant::NEVER, |(at, ..)| *at)
    }

    /// What is next done to one of its switches before `end`.
    pub(super) fn take_switch(&mut self, end: Instant) -> Option<(Instant, Switch)> {
        let (at, _, switch) = self.switches.pop_front_if(|(at, ..)| *at < end)?;
        Some((at, switch))
    }

    /// Whether it has no power.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.is_off
    }

    /// Somebody uses a switch at `at`, or as soon as the instruction that is being executed then has ended.
    pub(super) fn operate(&mut self, at: Instant, switch: Switch) {
        match switch {
            Switch::Power(event) => self.operate_power(at, Some(event)),
            Switch::Reset => self.operate_power(at, None),
            Switch::Type(device, text) => self.type_text(at, device, &text),
            Switch::NextKey => self.press_next_key(at),
        }
    }

    /// The power, or the reset button.
    fn operate_power(&mut self, at: Instant, event: Option<PowerEvent>) {
        if !self.is_running() {
            let cycle = at_or_after(self.clock, at);
            self.halted_cycles += cycle.saturating_sub(self.cpu.cycles());
            self.cpu.skip_to(cycle);
        }
        let now = self.board.seen(self.now().max(at));
        match event {
            Some(PowerEvent::Off(torn)) if !self.is_off => self.switch_off(now, torn),
            Some(PowerEvent::On) if self.is_off => self.switch_on(now),
            None if !self.is_off => {
                if !self.is_running() {
                    self.board.forget_until(now);
                }
                self.stopped = None;
                self.reset(ResetCause::Button);
            }
            Some(_) | None => {}
        }
    }

    /// The machine stops dead.
    fn switch_off(&mut self, now: Instant, torn: TornSector) {
        self.outputs.extend(self.board.take_outputs());
        self.outputs.push((now, Output::Power(false)));
        self.board.power_off(now, torn);
        self.is_off = true;
        self.is_halted = false;
        self.stopped = None;
    }

    /// The machine starts cold.
    fn switch_on(&mut self, now: Instant) {
        self.outputs.push((now, Output::Power(true)));
        self.board.power_on(&self.description, now);
        self.is_off = false;
        self.cpu.invalidate(0..self.board.memory().len() as u32);
        self.start_again();
    }
}
