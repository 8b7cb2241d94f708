//! The ISA bus's time: cycles begin on a bus clock edge, last a stated number of bus clocks and are followed by a
//! recovery during which the processor already runs on.
//!
//! Every 15.09 us memory is refreshed, which takes the bus as soon as it is free, unless the lab file says that it is hidden.
//!
//! An access that the board cuts into several cycles, because its slave is narrower, takes the time between two accesses of the
//! processor only once: its byte steering begins the next cycle as soon as the command of the one before is over.
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
    /// 16-bit memory.
    pub(crate) wide: u32,
    /// The same with 0WS.
    pub(crate) wide_zero_wait: u32,
    /// 16-bit I/O, which 0WS does not shorten.
    pub(crate) wide_io: u32,
    /// Each interrupt acknowledge cycle.
    pub(crate) acknowledge: u32,
    /// A refresh of memory; 0 if it is hidden.
    pub(crate) refresh: u32,
    /// The part at the end of each during which the processor runs on.
    pub(crate) recovery: u32,
}

/// The bus: its clock and the clock edge at which it is free again.
#[derive(Clone, Debug)]
pub(crate) struct IsaBus {
    processor_clock: Rate,
    bus_clock: Rate,
    /// Cycles of the processor in each bus clock, where that is a whole number.
    cycles_per_clock: Option<u64>,
    lengths: CycleLengths,
    /// Bus clock edge from which on the next cycle may begin.
    free_edge: u64,
    /// When the first refresh is asked for that still has to be looked at.
    next_refresh: Instant,
}

/// From one refresh to the next: counter 1 of the timer at 18, as every BIOS of an AT sets it.
const REFRESH_RATE: Rate = Rate::hertz(1_193_182).divided_by(18);

/// Where a bus cycle goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    Memory,
    Ports,
}

/// An edge of the bus clock; the lab begins with edge 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge(u64);

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
            cycles_per_clock: processor_clock.ticks_per_tick_of(bus_clock),
            lengths,
            free_edge: 0,
            next_refresh: REFRESH_RATE.instant(1),
        }
    }

    /// Begins a cycle that a slave takes in this way at the first free clock edge at or after `at`. Another cycle of the same
    /// access follows, unless it is the last.
    pub(crate) fn cycle(&mut self, at: Instant, space: Space, taken: BusCycle, is_last: bool) -> Slot {
        let clocks = match (taken.width, space, taken.is_zero_wait) {
            (Width::Eight, _, false) => self.lengths.narrow,
            (Width::Eight, _, true) => self.lengths.narrow_zero_wait,
            (Width::Sixteen, Space::Memory, false) => self.lengths.wide,
            (Width::Sixteen, Space::Memory, true) => self.lengths.wide_zero_wait,
            (Width::Sixteen, Space::Ports, _) => self.lengths.wide_io,
        };
        let clocks = if is_last {
            clocks
        } else {
            clocks.min(command(space, taken))
        };
        self.begin(at, clocks)
    }

    /// The first clock edge at or after `at` at which the bus is free.
    pub(crate) fn free_from(&self, at: Instant) -> Instant {
        self.bus_clock.instant(self.free_edge_from(at))
    }

    /// Like [`free_from`](Self::free_from), as an edge. Cycles mostly follow each other, and then nothing is divided.
    fn free_edge_from(&self, at: Instant) -> u64 {
        if at <= self.bus_clock.instant(self.free_edge) {
            self.free_edge
        } else {
            at_or_after(self.bus_clock, at)
        }
    }

    /// Somebody other than the processor has the bus for `clocks` clocks from the first free edge at or after `at`:
    /// returns from when to when.
    pub(crate) fn take(&mut self, at: Instant, clocks: u32) -> (Instant, Instant) {
        let slot = self.begin(at, clocks);
        let begin = self.bus_clock.instant(slot.start_edge);
        (begin, self.bus_clock.instant(self.free_edge))
    }

    /// Begins an interrupt acknowledge cycle at the first free clock edge at or after `at`.
    pub(crate) fn acknowledge(&mut self, at: Instant) -> Slot {
        self.begin(at, self.lengths.acknowledge)
    }

    fn begin(&mut self, at: Instant, clocks: u32) -> Slot {
        let edge = self.free_edge_from(at);
        let edge = if self.lengths.refresh == 0 {
            edge
        } else {
            self.after_refresh(edge)
        };
        self.free_edge = edge + u64::from(clocks);
        Slot {
            start_edge: edge,
            clocks,
        }
    }

    /// The first edge from `edge` on at which no refresh has the bus. Of those that have been asked for since the last
    /// cycle only the last can still be under way; it began at once or when that cycle was over.
    fn after_refresh(&mut self, mut edge: u64) -> u64 {
        loop {
            let at = self.bus_clock.instant(edge);
            if at < self.next_refresh {
                return edge;
            }
            let asked = REFRESH_RATE.ticks_at(at);
            self.next_refresh = REFRESH_RATE.instant(asked + 1);
            let begin = at_or_after(self.bus_clock, REFRESH_RATE.instant(asked)).max(self.free_edge);
            edge = edge.max(begin + u64::from(self.lengths.refresh));
        }
    }

    /// Ends a cycle that the slave held for `held` by IOCHRDY: returns the edge at which the processor goes on.
    pub(crate) fn end(&mut self, slot: Slot, held: Span) -> Edge {
        if held != Span::ZERO {
            let whole = self.bus_clock.ticks(held);
            let stretch = whole + u64::from(self.bus_clock.span(whole) < held);
            self.free_edge = slot.start_edge + u64::from(slot.clocks) + stretch;
        }
        Edge(self.free_edge - u64::from(self.lengths.recovery.min(slot.clocks)))
    }

    /// When an edge of the bus clock is.
    pub(crate) fn instant(&self, edge: Edge) -> Instant {
        self.bus_clock.instant(edge.0)
    }

    /// Wait states of an access that began at cycle `at` and ended at `end`, beyond the two cycles of a bus cycle
    /// without waits.
    pub(crate) fn wait_states(&self, at: Cycle, end: Edge) -> u32 {
        let end = match self.cycles_per_clock {
            Some(cycles) => end.0 * cycles,
            None => at_or_after(self.processor_clock, self.instant(end)),
        };
        u32::try_from(end.saturating_sub(at + 2)).unwrap_or(u32::MAX)
    }
}

/// The bus clocks of a cycle's command: two, and its wait states with default ready, four in 8 bits and one in 16. 0WS leaves one
/// of the four, and none of memory's one (the AT's wait-state generator).
fn command(space: Space, taken: BusCycle) -> u32 {
    match (taken.width, space, taken.is_zero_wait) {
        (Width::Eight, _, false) => 6,
        (Width::Sixteen, Space::Memory, true) => 2,
        _ => 3,
    }
}

/// The first tick of `rate` at or after `at`.
pub(crate) fn at_or_after(rate: Rate, at: Instant) -> u64 {
    rate.ticks_to_cover(at.since(Instant::START))
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
        wide_io: 5,
        acknowledge: 6,
        refresh: 0,
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
            let slot = bus.cycle(PROCESSOR.instant(at), Space::Memory, NARROW, true);
            let end = bus.end(slot, Span::ZERO);
            at += 2 + u64::from(bus.wait_states(at, end));
            ends.push(bus.instant(end).nanoseconds());
        }
        assert_eq!(
            ends,
            [875, 1875, 2875, 3875],
            "7 clocks of 125 ns, then one every 1000 ns"
        );
    }

    #[test]
    fn the_cycles_of_one_access_follow_each_other_without_the_gap_between_accesses() {
        for (width, is_zero_wait, inner, last) in [
            (Width::Eight, false, 6, 8),
            (Width::Eight, true, 3, 4),
            (Width::Sixteen, false, 3, 4),
            (Width::Sixteen, true, 2, 3),
        ] {
            let mut bus = bus();
            let taken = BusCycle { width, is_zero_wait };
            let starts = [false, true, true].map(|is_last| {
                let slot = bus.cycle(Instant::START, Space::Memory, taken, is_last);
                slot.start_edge
            });
            assert_eq!(starts, [0, inner, inner + last], "{taken:?}");
        }
    }

    #[test]
    fn a_16_bit_slave_and_0ws_make_cycles_shorter() {
        for (space, width, is_zero_wait, clocks) in [
            (Space::Memory, Width::Eight, true, 4),
            (Space::Ports, Width::Eight, true, 4),
            (Space::Memory, Width::Sixteen, false, 4),
            (Space::Memory, Width::Sixteen, true, 3),
            (Space::Ports, Width::Sixteen, false, 5),
            (Space::Ports, Width::Sixteen, true, 5),
        ] {
            let mut bus = bus();
            let taken = BusCycle { width, is_zero_wait };
            let starts = [0, 0, 0].map(|at| bus.cycle(PROCESSOR.instant(at), space, taken, true).start_edge);
            assert_eq!(starts, [0, clocks, 2 * clocks], "{space:?} {taken:?}");
        }
    }

    #[test]
    fn a_cycle_of_the_processor_waits_until_dma_has_given_the_bus_back() {
        let mut bus = bus();
        let at = |nanoseconds| Instant::START + Span::from_nanoseconds(nanoseconds);
        assert_eq!(bus.take(at(100), 12), (at(125), at(125 + 1500)));
        let slot = bus.cycle(at(200), Space::Memory, NARROW, true);
        let end = bus.end(slot, Span::ZERO);
        assert_eq!(bus.instant(end), at(1625 + 875));
    }

    #[test]
    fn a_refresh_holds_up_the_cycle_that_meets_it_and_waits_for_one_that_is_under_way() {
        let lengths = CycleLengths {
            refresh: 5,
            ..LENGTHS
        };
        let mut bus = IsaBus::new(PROCESSOR, Rate::hertz(8_000_000), lengths);
        let mut start = |nanoseconds| {
            let at = Instant::START + Span::from_nanoseconds(nanoseconds);
            bus.cycle(at, Space::Memory, NARROW, true).start_edge * 125
        };
        // Asked for at 15 086 ns, it begins with the next clock edge and has the bus for 625 ns.
        assert_eq!(start(14_000), 14_000);
        assert_eq!(start(15_200), 15_125 + 625);
        // At 30 171 ns the bus is busy until 31 000.
        assert_eq!(start(30_000), 30_000);
        assert_eq!(start(31_000), 31_000 + 625);
        // That at 45 257 ns met nobody.
        assert_eq!(start(50_000), 50_000);
    }

    #[test]
    fn a_cycle_waits_for_the_next_bus_clock_edge() {
        let mut bus = bus();
        let slot = bus.cycle(
            Instant::START + Span::from_nanoseconds(130),
            Space::Memory,
            NARROW,
            true,
        );
        let end = bus.end(slot, Span::ZERO);
        assert_eq!(bus.instant(end).nanoseconds(), 250 + 875);
    }

    #[test]
    fn iochrdy_stretches_a_cycle_by_whole_bus_clocks() {
        let mut bus = bus();
        let slot = bus.cycle(Instant::START, Space::Memory, NARROW, true);
        let end = bus.end(slot, Span::from_nanoseconds(130));
        assert_eq!(bus.instant(end).nanoseconds(), 875 + 250);
    }

    #[test]
    fn edges_and_wait_states_are_those_of_the_division() {
        for (processor, isa) in [
            (PROCESSOR, Rate::hertz(8_000_000)),
            (Rate::fraction(100_000_000, 3), Rate::fraction(25_000_000, 3)),
            (Rate::hertz(33_000_000), Rate::hertz(8_000_000)),
        ] {
            let mut bus = IsaBus::new(processor, isa, LENGTHS);
            let mut cycle = 0;
            for step in 0..2000 {
                cycle += step * 7 % 60;
                let at = processor.instant(cycle);
                let edge = at_or_after(isa, at).max(bus.free_edge);
                let slot = bus.cycle(at, Space::Memory, NARROW, true);
                assert_eq!(slot.start_edge, edge);
                let end = bus.end(slot, Span::ZERO);
                let waits = at_or_after(processor, bus.instant(end)).saturating_sub(cycle + 2);
                assert_eq!(u64::from(bus.wait_states(cycle, end)), waits);
                cycle += step % 3 * waits / 2;
            }
        }
    }
}
