//! The mains switch: power that fails and comes back at an instant that is known beforehand.

use clock::Instant;
use devices::TornSector;

use super::Machine;

/// What happens to a machine's power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerEvent {
    /// It fails. A sector that is under the writing head of a disk becomes what is said here.
    Off(TornSector),
    /// It comes back. Memory is 0, every chip is as at power-on but the CMOS clock, and disks take 10 s to get to speed.
    /// On a machine that has power nothing happens.
    On,
}

impl Machine {
    /// Lets `event` happen at `at`, or now if that is past. Of several for one instant the last counts.
    pub(crate) fn schedule_power(&mut self, at: Instant, event: PowerEvent) {
        self.power_events.insert(at, event);
    }

    /// Whether it has no power.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.is_off
    }

    /// The next event before `end`.
    pub(super) fn take_power_event(&mut self, end: Instant) -> Option<(Instant, PowerEvent)> {
        let first = self.power_events.first_entry()?;
        (*first.key() < end).then(|| first.remove_entry())
    }

    pub(super) fn happen(&mut self, at: Instant, event: PowerEvent) {
        match event {
            PowerEvent::Off(torn) => self.power_off(at, torn),
            PowerEvent::On => self.power_on(at),
        }
    }

    fn power_off(&mut self, at: Instant, torn: TornSector) {
        if self.is_off {
            return;
        }
        let now = self.board.seen(self.now().max(at));
        self.board.power_off(now, torn);
        self.outputs.extend(self.board.take_outputs());
        self.is_off = true;
        self.stopped = None;
    }

    fn power_on(&mut self, at: Instant) {
        if !self.is_off {
            return;
        }
        self.is_off = false;
        let before = self.cpu.cycles();
        self.cpu
            .skip_to(self.clock.ticks_to_cover(at.since(Instant::START)));
        self.halted_cycles += self.cpu.cycles() - before;
        self.board.power_on(self.board.seen(self.now()));
        self.cpu.reset();
        self.cpu.invalidate(0..self.board.memory().len() as u32);
        self.start_processor();
    }
}
