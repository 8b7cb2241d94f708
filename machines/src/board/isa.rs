//! The ISA bus's time: cycles begin on a bus clock edge, last a stated number of bus clocks and are followed by a
//! recovery during which the processor already runs on.
//!
//! Source of the figures: the lab file's timing constants; their defaults cite where they were read. The board splits
//! an access into as many cycles as its slaves need: `bus.rs`.

use clock::{Instant, Rate, Span};
use cpu::Cycle;
use ne2000::{BusCycle, Width};

/// Lengths of bus cycles, in bus clocks, from one start to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CycleLengths {
    /// 8-bit memory and I/O.
    pub(crate) narrow: u32,
    /// The same with 0WS.
    pub(crate) narrow_zero_wait: u32,
    /// 16-bit memory and I/O.
    pub(crate) wide: u32,
    /// 16-bit memory with 0WS.
    pub(crate) wide_zero_wait: u32,
    /// Each interrupt acknowledge cycle.
    pub(crate) acknowledge: u32,
    /// The part at the end of each during which the processor runs on.
    pub(crate) recovery: u32,
}

/// The bus: its clock and the clock edge at which it is free again.
#[derive(Clone, Debug)]
pub(crate) struct IsaBus {
    processor_clock: Rate,
    bus_clock: Rate,
    lengths: CycleLengths,
    /// Bus clock edge from which on the next cycle may begin.
    free_edge: u64,
}

/// One bus cycle that has been placed in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    start_edge: u64,
    clocks: u32,
}

impl IsaBus {
    /// A free bus.
    pub(crate) fn new(processor_clock: Rate, bus_clock: Rate, lengths: CycleLengths) -> Self {
        Self {
            processor_clock,
            bus_clock,
            lengths,
            free_edge: 0,
        }
    }

    /// Begins a cycle that a slave takes in this way at the first free clock edge at or after `at`.
    pub(crate) fn cycle(&mut self, at: Instant, taken: BusCycle) -> Slot {
        let clocks = match (taken.width, taken.is_zero_wait) {
            (Width::Eight, false) => self.lengths.narrow,
            (Width::Eight, true) => self.lengths.narrow_zero_wait,
            (Width::Sixteen, false) => self.lengths.wide,
            (Width::Sixteen, true) => self.lengths.wide_zero_wait,
        };
        self.begin(at, clocks)
    }

    /// Begins an interrupt acknowledge cycle at the first free clock edge at or after `at`.
    pub(crate) fn acknowledge(&mut self, at: Instant) -> Slot {
        self.begin(at, self.lengths.acknowledge)
    }

    fn begin(&mut self, at: Instant, clocks: u32) -> Slot {
        let edge = at_or_after(self.bus_clock, at).max(self.free_edge);
        self.free_edge = edge + u64::from(clocks);
        Slot {
            start_edge: edge,
            clocks,
        }
    }

    /// Ends a cycle that the slave held for `held` by IOCHRDY: returns the instant at which the processor goes on.
    pub(crate) fn end(&mut self, slot: Slot, held: Span) -> Instant {
        if held != Span::ZERO {
            let whole = self.bus_clock.ticks(held);
            let stretch = whole + u64::from(self.bus_clock.span(whole) < held);
            self.free_edge = slot.start_edge + u64::from(slot.clocks) + stretch;
        }
        self.bus_clock
            .instant(self.free_edge - u64::from(self.lengths.recovery.min(slot.clocks)))
    }

    /// Wait states of an access that began at cycle `at` and ended at `end`, beyond the two cycles of a bus cycle
    /// without waits.
    pub(crate) fn wait_states(&self, at: Cycle, end: Instant) -> u32 {
        let cycles = at_or_after(self.processor_clock, end).saturating_sub(at + 2);
        u32::try_from(cycles).unwrap_or(u32::MAX)
    }
}

/// The first tick of `rate` at or after `at`.
pub(crate) fn at_or_after(rate: Rate, at: Instant) -> u64 {
    let ticks = rate.ticks_at(at);
    ticks + u64::from(rate.instant(ticks) < at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROCESSOR: Rate = Rate::hertz(40_000_000);
    const LENGTHS: CycleLengths = CycleLengths {
        narrow: 8,
        narrow_zero_wait: 4,
        wide: 4,
        wide_zero_wait: 3,
        acknowledge: 6,
        recovery: 1,
    };

    const NARROW: BusCycle = BusCycle {
        width: Width::Eight,
        is_zero_wait: false,
    };

    fn bus() -> IsaBus {
        IsaBus::new(PROCESSOR, Rate::hertz(8_000_000), LENGTHS)
    }

    #[test]
    fn back_to_back_8_bit_cycles_start_8_bus_clocks_apart() {
        let mut bus = bus();
        let mut at = 0;
        let mut ends = Vec::new();
        for _ in 0..4 {
            let slot = bus.cycle(PROCESSOR.instant(at), NARROW);
            let end = bus.end(slot, Span::ZERO);
            at += 2 + u64::from(bus.wait_states(at, end));
            ends.push(end.nanoseconds());
        }
        assert_eq!(
            ends,
            [875, 1875, 2875, 3875],
            "7 clocks of 125 ns, then one every 1000 ns"
        );
    }

    #[test]
    fn a_16_bit_slave_and_0ws_make_cycles_shorter() {
        for (width, is_zero_wait, clocks) in [
            (Width::Eight, true, 4),
            (Width::Sixteen, false, 4),
            (Width::Sixteen, true, 3),
        ] {
            let mut bus = bus();
            let taken = BusCycle { width, is_zero_wait };
            let slot = bus.cycle(Instant::START, taken);
            let nanoseconds = bus.end(slot, Span::ZERO).nanoseconds();
            assert_eq!(nanoseconds, (clocks - 1) * 125, "{taken:?}");
        }
    }

    #[test]
    fn a_cycle_waits_for_the_next_bus_clock_edge() {
        let mut bus = bus();
        let slot = bus.cycle(Instant::START + Span::from_nanoseconds(130), NARROW);
        assert_eq!(bus.end(slot, Span::ZERO).nanoseconds(), 250 + 875);
    }

    #[test]
    fn iochrdy_stretches_a_cycle_by_whole_bus_clocks() {
        let mut bus = bus();
        let slot = bus.cycle(Instant::START, NARROW);
        assert_eq!(
            bus.end(slot, Span::from_nanoseconds(130)).nanoseconds(),
            875 + 250
        );
    }
}
