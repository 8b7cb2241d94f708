//! System control ports of an AT: port B (61h) and the later port A (92h).
//!
//! Sources: IBM PC AT Technical Reference, system board I/O, port 61h; IBM PS/2 Hardware Interface Technical Reference,
//! system control port A (92h), which AT boards took over for the fast A20 gate.
//! Left out: memory parity and channel check (bits 6 and 7 of port 61h read 0, as on a board without errors), the
//! sound of the speaker, and the disk activity light of port 92h, which is only stored.

use bitflags::bitflags;
use clock::{Instant, Rate};

use crate::{Context, Effect};

bitflags! {
    /// Port 61h.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    struct PortB: u8 {
        /// Gate of counter 2 of the 8254.
        const TIMER_2_GATE = 0x01;
        /// Lets the output of counter 2 through to the speaker.
        const SPEAKER_DATA = 0x02;
        /// Disables and clears the memory parity check.
        const PARITY_CHECK_DISABLE = 0x04;
        /// Disables and clears the I/O channel check.
        const CHANNEL_CHECK_DISABLE = 0x08;
        /// Read only: toggles with each refresh request.
        const REFRESH_TOGGLE = 0x10;
        /// Read only: output of counter 2 of the 8254.
        const TIMER_2_OUTPUT = 0x20;
        /// The bits that are a latch.
        const WRITABLE = 0x0F;
    }
}

bitflags! {
    /// Port 92h.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    struct PortA: u8 {
        /// Going from 0 to 1 pulses the processor's reset pin.
        const ALTERNATE_RESET = 0x01;
        /// A20 gate.
        const ALTERNATE_GATE_A20 = 0x02;
        /// Locks the password area of the CMOS RAM.
        const SECURITY_LOCK = 0x08;
        /// The disk activity light.
        const ACTIVITY_LIGHT = 0xC0;
    }
}

/// Refresh requests come from counter 1 of the 8254, which every BIOS sets to 18: one in 15.085 us.
const REFRESH: Rate = Rate::hertz(1_193_182).divided_by(18);

/// Ports 61h and 92h.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SystemControl {
    port_b: PortB,
    port_a: PortA,
}

impl Default for SystemControl {
    fn default() -> Self {
        Self::new()
    }
}

impl SystemControl {
    /// The state after reset: all bits 0.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            port_b: PortB::empty(),
            port_a: PortA::empty(),
        }
    }

    /// Reads port 61h or 92h. The board hands in the output of counter 2 of the 8254
    /// ([`Timer::output`](crate::Timer::output)). Other ports read FFh.
    #[must_use]
    pub fn read(&self, port: u16, timer_2_output: bool, cx: &Context<'_>) -> u8 {
        match port {
            0x61 => {
                let mut value = self.port_b;
                value.set(PortB::REFRESH_TOGGLE, refresh_toggle(cx.now()));
                value.set(PortB::TIMER_2_OUTPUT, timer_2_output);
                value.bits()
            }
            0x92 => self.port_a.bits(),
            _ => 0xFF,
        }
    }

    /// Writes port 61h or 92h.
    pub fn write(&mut self, port: u16, value: u8, cx: &mut Context<'_>) {
        match port {
            0x61 => self.set_port_b(PortB::from_bits_retain(value) & PortB::WRITABLE, cx),
            0x92 => self.set_port_a(PortA::from_bits_truncate(value), cx),
            _ => log::debug!("system control has no port {port:#x}"),
        }
    }

    /// The reset line clears both ports. (A pulse on the processor's own reset pin does not.)
    pub fn reset(&mut self, cx: &mut Context<'_>) {
        self.set_port_b(PortB::empty(), cx);
        self.set_port_a(PortA::empty(), cx);
    }

    fn set_port_b(&mut self, value: PortB, cx: &mut Context<'_>) {
        let changed = self.port_b ^ value;
        self.port_b = value;
        if changed.contains(PortB::TIMER_2_GATE) {
            cx.emit(Effect::Timer2Gate(value.contains(PortB::TIMER_2_GATE)));
        }
    }

    fn set_port_a(&mut self, value: PortA, cx: &mut Context<'_>) {
        let changed = self.port_a ^ value;
        self.port_a = value;
        if changed.contains(PortA::ALTERNATE_GATE_A20) {
            cx.emit(Effect::FastA20(value.contains(PortA::ALTERNATE_GATE_A20)));
        }
        if (changed & value).contains(PortA::ALTERNATE_RESET) {
            cx.emit(Effect::ResetProcessor);
        }
    }
}

fn refresh_toggle(now: Instant) -> bool {
    REFRESH.ticks_at(now) % 2 == 1
}

#[cfg(test)]
mod tests {
    use clock::Span;
    use proptest::prelude::proptest;

    use super::*;
    use crate::bench::{Bench, Step, any_step};

    fn effects(bench: &Bench) -> Vec<Effect> {
        bench.log.iter().map(|(_, effect)| *effect).collect()
    }

    #[test]
    fn bit_4_of_port_61h_toggles_at_every_18th_tick_of_the_timer() {
        let control = SystemControl::new();
        let mut bench = Bench::new();
        let mut toggles = 0;
        let mut last = 0;
        for microsecond in 0..1_000_000 {
            bench.now = Instant::START + Span::from_microseconds(microsecond);
            let bit = bench.call(|cx| control.read(0x61, false, cx)) & 0x10;
            toggles += u32::from(bit != last);
            last = bit;
        }
        assert_eq!(toggles, 1_193_182 / 18);
    }

    #[test]
    fn bit_5_of_port_61h_is_the_output_of_counter_2_and_bits_0_to_3_read_back() {
        let mut control = SystemControl::new();
        let mut bench = Bench::new();
        bench.call(|cx| control.write(0x61, 0xFF, cx));
        assert_eq!(bench.call(|cx| control.read(0x61, false, cx)), 0x0F);
        assert_eq!(bench.call(|cx| control.read(0x61, true, cx)), 0x2F);
    }

    #[test]
    fn bit_0_of_port_61h_gates_counter_2() {
        let mut control = SystemControl::new();
        let mut bench = Bench::new();
        for value in [3, 2, 3, 3] {
            bench.call(|cx| control.write(0x61, value, cx));
        }
        let gate = [true, false, true].map(Effect::Timer2Gate);
        assert_eq!(effects(&bench), gate);
    }

    #[test]
    fn only_the_rising_edge_of_bit_0_of_port_92h_resets_the_processor() {
        let mut control = SystemControl::new();
        let mut bench = Bench::new();
        for value in [1, 1, 0, 1] {
            bench.call(|cx| control.write(0x92, value, cx));
        }
        assert_eq!(effects(&bench), [Effect::ResetProcessor; 2]);
    }

    #[test]
    fn bit_1_of_port_92h_is_the_a20_gate() {
        let mut control = SystemControl::new();
        let mut bench = Bench::new();
        for value in [2, 0] {
            bench.call(|cx| control.write(0x92, value, cx));
        }
        assert_eq!(effects(&bench), [true, false].map(Effect::FastA20));
    }

    proptest! {
        #[test]
        fn the_gate_and_a20_outside_always_agree_with_the_latches(
            steps in proptest::collection::vec(any_step(0x60, 0x93), 0..300),
        ) {
            let mut control = SystemControl::new();
            let mut bench = Bench::new();
            for step in steps {
                match step {
                    Step::Write(port, value) => {
                        let port = if port % 2 == 0 { 0x92 } else { 0x61 };
                        bench.call(|cx| control.write(port, value, cx));
                    }
                    Step::Read(port) => {
                        let value = bench.call(|cx| control.read(port, false, cx));
                        assert!(port == 0x61 || port == 0x92 || value == 0xFF);
                    }
                    Step::Pass(span) | Step::Jump(span, _) => bench.now += span,
                    Step::Poke(_) => bench.call(|cx| control.reset(cx)),
                }
            }
            let last = |wanted: fn(&Effect) -> Option<bool>| {
                bench.log.iter().rev().find_map(|(_, effect)| wanted(effect)).unwrap_or(false)
            };
            let gate = last(|effect| if let Effect::Timer2Gate(gate) = effect { Some(*gate) } else { None });
            let a20 = last(|effect| if let Effect::FastA20(a20) = effect { Some(*a20) } else { None });
            assert_eq!(gate, control.port_b.contains(PortB::TIMER_2_GATE));
            assert_eq!(a20, control.port_a.contains(PortA::ALTERNATE_GATE_A20));
        }
    }
}
