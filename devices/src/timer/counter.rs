//! One of the three counters of an 8254, in closed form.
//!
//! Source: Intel 8254 data sheet, "Mode Definitions". Illegal counts (1 in modes 2 and 3, BCD digits above 9) do
//! something harmless here: a count of 1 gives a constant output, BCD digits keep their weight.

/// Clock ticks since the start; a tick is the falling edge of CLK on which the counter loads and counts.
type Tick = u64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Mode {
    InterruptOnTerminalCount,
    HardwareRetriggerableOneShot,
    RateGenerator,
    SquareWave,
    SoftwareTriggeredStrobe,
    HardwareTriggeredStrobe,
}

/// Which bytes of the count a program writes and reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Access {
    Low,
    High,
    LowThenHigh,
}

/// A control word that programs a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ControlWord {
    mode: Mode,
    access: Access,
    is_decimal: bool,
    /// The six bits that the status byte gives back.
    bits: u8,
}

impl ControlWord {
    /// Bits 5 to 0 of a control word; `None` for the counter latch command.
    pub(super) fn parse(value: u8) -> Option<Self> {
        let access = match value >> 4 & 3 {
            0 => return None,
            1 => Access::Low,
            2 => Access::High,
            _ => Access::LowThenHigh,
        };
        let mode = match value >> 1 & 7 {
            0 => Mode::InterruptOnTerminalCount,
            1 => Mode::HardwareRetriggerableOneShot,
            2 | 6 => Mode::RateGenerator,
            3 | 7 => Mode::SquareWave,
            4 => Mode::SoftwareTriggeredStrobe,
            _ => Mode::HardwareTriggeredStrobe,
        };
        Some(Self {
            mode,
            access,
            is_decimal: value & 1 != 0,
            bits: value & 0x3F,
        })
    }

    const fn power_up() -> Self {
        Self {
            mode: Mode::InterruptOnTerminalCount,
            access: Access::Low,
            is_decimal: false,
            bits: 0x10,
        }
    }

    fn modulus(self) -> u64 {
        if self.is_decimal { 10_000 } else { 0x1_0000 }
    }

    /// How many ticks the written value stands for: 0 is the largest count.
    fn length(self, written: u16) -> u64 {
        let count = if self.is_decimal {
            (0..4)
                .map(|digit| u64::from(written >> (4 * digit) & 0xF) * 10u64.pow(digit))
                .sum()
        } else {
            u64::from(written)
        };
        match count % self.modulus() {
            0 => self.modulus(),
            count => count,
        }
    }

    /// How the counting element shows `count`.
    fn digits(self, count: u64) -> u16 {
        let count = count % self.modulus();
        if self.is_decimal {
            (0..4)
                .map(|digit| ((count / 10u64.pow(digit) % 10) as u16) << (4 * digit))
                .sum()
        } else {
            count as u16
        }
    }
}

bitflags::bitflags! {
    /// The two bits of the status byte that are not in the control word (8254 data sheet, figure 12).
    struct Status: u8 {
        const OUTPUT = 0x80;
        const NULL_COUNT = 0x40;
    }
}

/// One counter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Counter {
    word: ControlWord,
    /// The tick up to which everything below is true.
    tick: Tick,
    gate: bool,
    output: bool,
    /// The count register, in ticks; 0 while none was written since the control word.
    register: u64,
    /// The count register holds a count that the counting element has not taken yet.
    is_null: bool,
    /// The next tick loads the counting element.
    is_load_due: bool,
    /// The counting element was loaded since the control word.
    is_loaded: bool,
    /// Mode 0 between the two bytes of a count: counting is disabled.
    is_halted: bool,
    /// The count with which the counting element was loaded.
    length: u64,
    /// Ticks counted since the load; in mode 3 since the half-cycle began.
    elapsed: u64,
    /// What the counting element shows while it is not loaded.
    idle_element: u16,
    /// The low byte of a count whose high byte is still to be written.
    written_low: Option<u8>,
    is_high_read_next: bool,
    latched_count: Option<u16>,
    latched_status: Option<u8>,
}

impl Counter {
    pub(super) fn new(gate: bool) -> Self {
        Self {
            word: ControlWord::power_up(),
            tick: 0,
            gate,
            output: false,
            register: 0,
            is_null: true,
            is_load_due: false,
            is_loaded: false,
            is_halted: false,
            length: 1,
            elapsed: 0,
            idle_element: 0,
            written_low: None,
            is_high_read_next: false,
            latched_count: None,
            latched_status: None,
        }
    }

    pub(super) fn reset(&mut self, tick: Tick) {
        *self = Self {
            tick,
            ..Self::new(self.gate)
        };
    }

    pub(super) fn output(&self) -> bool {
        self.output
    }

    /// A control word: the output takes its initial level at once, counting waits for a count.
    pub(super) fn program(&mut self, word: ControlWord) {
        *self = Self {
            word,
            tick: self.tick,
            output: word.mode != Mode::InterruptOnTerminalCount,
            idle_element: self.element(),
            ..Self::new(self.gate)
        };
    }

    /// One byte of a count.
    pub(super) fn write(&mut self, value: u8) {
        let written = match (self.word.access, self.written_low.take()) {
            (Access::Low, _) => u16::from(value),
            (Access::High, _) => u16::from(value) << 8,
            (Access::LowThenHigh, Some(low)) => u16::from_le_bytes([low, value]),
            (Access::LowThenHigh, None) => {
                self.written_low = Some(value);
                if self.word.mode == Mode::InterruptOnTerminalCount {
                    self.is_halted = true;
                    self.output = false;
                }
                return;
            }
        };
        self.register = self.word.length(written);
        self.is_null = true;
        match self.word.mode {
            Mode::InterruptOnTerminalCount => {
                self.is_halted = false;
                self.output = false;
                self.is_load_due = true;
            }
            Mode::SoftwareTriggeredStrobe => self.is_load_due = true,
            Mode::RateGenerator | Mode::SquareWave => self.is_load_due |= !self.is_loaded,
            Mode::HardwareRetriggerableOneShot | Mode::HardwareTriggeredStrobe => {}
        }
    }

    /// The gate pin (8254 data sheet, figure 21, "Gate Pin Operations Summary").
    pub(super) fn set_gate(&mut self, is_high: bool) {
        let is_trigger = is_high && !self.gate;
        self.gate = is_high;
        let is_periodic = matches!(self.word.mode, Mode::RateGenerator | Mode::SquareWave);
        let is_triggered = is_periodic
            || matches!(
                self.word.mode,
                Mode::HardwareRetriggerableOneShot | Mode::HardwareTriggeredStrobe
            );
        if is_trigger && is_triggered && self.register != 0 {
            self.is_load_due = true;
        }
        if !is_high && is_periodic && self.is_loaded {
            self.output = true;
        }
    }

    /// Lets the clock run up to and including `tick`.
    pub(super) fn advance(&mut self, tick: Tick) {
        if tick <= self.tick {
            return;
        }
        if self.is_load_due {
            self.tick += 1;
            self.load();
        }
        let ticks = tick - self.tick;
        self.tick = tick;
        if ticks == 0 {
            return;
        }
        if self.is_counting() {
            self.count(ticks);
        } else if self.word.mode == Mode::SoftwareTriggeredStrobe {
            // A low gate stops the count and not the end of the strobe.
            self.output = true;
        }
    }

    /// The next tick at which the counter loads a count or its output changes, if nobody touches it before. No edge
    /// of the output lies elsewhere; not every load makes one.
    pub(super) fn next_event(&self) -> Option<Tick> {
        if self.is_load_due {
            return Some(self.tick + 1);
        }
        if self.is_strobing() {
            return Some(self.tick + 1);
        }
        if !self.is_counting() {
            return None;
        }
        let ticks = match self.word.mode {
            Mode::InterruptOnTerminalCount
            | Mode::HardwareRetriggerableOneShot
            | Mode::SoftwareTriggeredStrobe
            | Mode::HardwareTriggeredStrobe => self.length.checked_sub(self.elapsed)?,
            Mode::RateGenerator | Mode::SquareWave if self.length == 1 && !self.is_null => return None,
            Mode::RateGenerator if self.elapsed < self.length - 1 => self.length - 1 - self.elapsed,
            Mode::RateGenerator => 1,
            Mode::SquareWave => self.half_cycle().saturating_sub(self.elapsed).max(1),
        };
        (ticks > 0).then_some(self.tick + ticks)
    }

    /// Takes what the next read would give (counter latch command).
    pub(super) fn latch_count(&mut self) {
        if self.latched_count.is_none() {
            self.latched_count = Some(self.element());
        }
    }

    pub(super) fn latch_status(&mut self) {
        if self.latched_status.is_none() {
            let mut status = Status::from_bits_retain(self.word.bits);
            status.set(Status::OUTPUT, self.output);
            status.set(Status::NULL_COUNT, self.is_null);
            self.latched_status = Some(status.bits());
        }
    }

    /// Latched status first, then latched count, else the counting element as it runs.
    pub(super) fn read(&mut self) -> u8 {
        if let Some(status) = self.latched_status.take() {
            return status;
        }
        let [low, high] = self.latched_count.unwrap_or(self.element()).to_le_bytes();
        let is_low_of_two = self.word.access == Access::LowThenHigh && !self.is_high_read_next;
        self.is_high_read_next = is_low_of_two;
        if !is_low_of_two {
            self.latched_count = None;
        }
        match self.word.access {
            Access::Low => low,
            Access::High => high,
            Access::LowThenHigh if is_low_of_two => low,
            Access::LowThenHigh => high,
        }
    }

    fn is_counting(&self) -> bool {
        self.is_loaded
            && match self.word.mode {
                Mode::InterruptOnTerminalCount => self.gate && !self.is_halted,
                Mode::RateGenerator | Mode::SquareWave | Mode::SoftwareTriggeredStrobe => self.gate,
                Mode::HardwareRetriggerableOneShot | Mode::HardwareTriggeredStrobe => true,
            }
    }

    /// The one tick of modes 4 and 5 for which the output is low, whatever the gate does.
    fn is_strobing(&self) -> bool {
        let is_strobe = matches!(
            self.word.mode,
            Mode::SoftwareTriggeredStrobe | Mode::HardwareTriggeredStrobe
        );
        is_strobe && !self.output
    }

    fn load(&mut self) {
        self.is_load_due = false;
        self.is_loaded = true;
        self.take_register();
        self.elapsed = 0;
        self.output = match self.word.mode {
            Mode::InterruptOnTerminalCount | Mode::HardwareRetriggerableOneShot => false,
            Mode::RateGenerator => self.length > 1 || !self.gate,
            _ => true,
        };
    }

    fn take_register(&mut self) {
        self.length = self.register;
        self.is_null = false;
    }

    /// Counts `ticks` ticks, at least one.
    fn count(&mut self, ticks: u64) {
        self.elapsed = self.elapsed.saturating_add(ticks);
        match self.word.mode {
            Mode::InterruptOnTerminalCount | Mode::HardwareRetriggerableOneShot => {
                self.output = self.elapsed >= self.length;
            }
            Mode::SoftwareTriggeredStrobe | Mode::HardwareTriggeredStrobe => {
                self.output = self.elapsed != self.length;
            }
            Mode::RateGenerator => {
                if self.elapsed >= self.length {
                    self.elapsed -= self.length;
                    self.take_register();
                    self.elapsed %= self.length;
                }
                self.output = self.elapsed != self.length - 1;
            }
            Mode::SquareWave => self.count_square_wave(),
        }
    }

    /// A new count takes effect at the end of the half-cycle. A count of 1 has no low half.
    fn count_square_wave(&mut self) {
        if self.elapsed < self.half_cycle() {
            return;
        }
        self.elapsed -= self.half_cycle();
        self.output = !self.output;
        self.take_register();
        self.elapsed %= self.length;
        if self.elapsed >= self.half_cycle() {
            self.elapsed -= self.half_cycle();
            self.output = !self.output;
        }
    }

    /// The length of the present half-cycle of mode 3: an odd count is high for the longer half.
    fn half_cycle(&self) -> u64 {
        if self.output {
            self.length.div_ceil(2)
        } else {
            self.length / 2
        }
    }

    /// What the counting element shows. In modes 0, 1, 4 and 5 it wraps at zero and counts on.
    fn element(&self) -> u16 {
        if !self.is_loaded {
            return self.idle_element;
        }
        let modulus = self.word.modulus();
        let count = match self.word.mode {
            Mode::SquareWave => (self.length & !1).saturating_sub(2 * self.elapsed),
            _ => self.length + modulus - self.elapsed % modulus,
        };
        self.word.digits(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_oneof, proptest};

    use super::*;

    fn programmed(control: u8, count: u16, gate: bool) -> Counter {
        let mut counter = Counter::new(gate);
        counter.program(ControlWord::parse(control).expect("a control word that programs"));
        let [low, high] = count.to_le_bytes();
        counter.write(low);
        counter.write(high);
        counter
    }

    /// The output at ticks 1, 2, ... after programming, as the data sheet draws it.
    fn drawing(counter: &mut Counter, ticks: u64) -> String {
        (0..ticks)
            .map(|_| {
                counter.advance(counter.tick + 1);
                if counter.output { '-' } else { '_' }
            })
            .collect()
    }

    #[test]
    fn mode_0_rises_n_plus_1_ticks_after_the_count_is_written() {
        assert_eq!(drawing(&mut programmed(0x30, 4, true), 8), "____----");
    }

    #[test]
    fn mode_1_is_low_for_n_ticks_from_the_tick_after_the_trigger() {
        let mut counter = programmed(0x32, 3, false);
        assert_eq!(drawing(&mut counter, 3), "---");
        counter.set_gate(true);
        assert_eq!(drawing(&mut counter, 6), "___---");
    }

    #[test]
    fn mode_1_is_lengthened_by_a_new_trigger() {
        let mut counter = programmed(0x32, 3, false);
        counter.set_gate(true);
        assert_eq!(drawing(&mut counter, 2), "__");
        counter.set_gate(false);
        counter.set_gate(true);
        assert_eq!(drawing(&mut counter, 5), "___--");
    }

    #[test]
    fn mode_2_is_low_for_one_tick_in_n_first_n_ticks_after_the_count() {
        assert_eq!(drawing(&mut programmed(0x34, 3, true), 9), "--_--_--_");
    }

    #[test]
    fn mode_3_with_an_even_count_is_high_for_half_of_it() {
        assert_eq!(drawing(&mut programmed(0x36, 4, true), 9), "--__--__-");
    }

    #[test]
    fn mode_3_with_an_odd_count_is_high_for_the_longer_half() {
        assert_eq!(drawing(&mut programmed(0x36, 5, true), 11), "---__---__-");
    }

    #[test]
    fn mode_3_counts_down_by_two() {
        let mut counter = programmed(0x36, 6, true);
        let mut counts = Vec::new();
        for tick in 1..8 {
            counter.advance(tick);
            counts.push(counter.element());
        }
        assert_eq!(counts, [6, 4, 2, 6, 4, 2, 6]);
    }

    #[test]
    fn mode_4_strobes_for_one_tick_n_plus_1_ticks_after_the_count() {
        assert_eq!(drawing(&mut programmed(0x38, 3, true), 8), "---_----");
    }

    #[test]
    fn mode_5_strobes_for_one_tick_n_plus_1_ticks_after_the_trigger() {
        let mut counter = programmed(0x3A, 3, false);
        assert_eq!(drawing(&mut counter, 5), "-----");
        counter.set_gate(true);
        assert_eq!(drawing(&mut counter, 6), "---_--");
    }

    /// "Mode Definitions": the gate stops the counting of mode 4 and has no effect on its output.
    #[test]
    fn a_gate_that_falls_during_the_strobe_of_mode_4_does_not_lengthen_it() {
        let mut counter = programmed(0x38, 3, true);
        assert_eq!(drawing(&mut counter, 4), "---_");
        counter.set_gate(false);
        assert!(!counter.output());
        assert_eq!(counter.next_event(), Some(5));
        let stopped = counter.element();
        assert_eq!(drawing(&mut counter, 4), "----");
        assert_eq!(counter.element(), stopped);
        counter.set_gate(true);
        assert_eq!(counter.next_event(), None);
        assert_eq!(drawing(&mut counter, 4), "----");
        assert_eq!(counter.element(), stopped.wrapping_sub(4));
    }

    #[test]
    fn a_low_gate_delays_the_strobe_of_mode_4_by_as_many_ticks() {
        let mut counter = programmed(0x38, 3, true);
        assert_eq!(drawing(&mut counter, 3), "---");
        counter.set_gate(false);
        assert_eq!(drawing(&mut counter, 5), "-----");
        counter.set_gate(true);
        assert_eq!(drawing(&mut counter, 4), "_---");
    }

    #[test]
    fn a_gate_that_falls_during_the_strobe_of_mode_5_does_not_lengthen_it() {
        let mut counter = programmed(0x3A, 3, false);
        counter.set_gate(true);
        assert_eq!(drawing(&mut counter, 4), "---_");
        counter.set_gate(false);
        assert!(!counter.output());
        assert_eq!(drawing(&mut counter, 4), "----");
    }

    #[test]
    fn a_new_trigger_during_the_strobe_of_mode_5_ends_it_after_its_tick() {
        let mut counter = programmed(0x3A, 3, false);
        counter.set_gate(true);
        assert_eq!(drawing(&mut counter, 4), "---_");
        counter.set_gate(false);
        counter.set_gate(true);
        assert!(!counter.output());
        assert_eq!(drawing(&mut counter, 6), "---_--");
    }

    #[test]
    fn a_gate_that_falls_during_the_low_tick_of_mode_2_sets_the_output_high_at_once() {
        let mut counter = programmed(0x34, 3, true);
        assert_eq!(drawing(&mut counter, 3), "--_");
        counter.set_gate(false);
        assert!(counter.output());
    }

    #[test]
    fn a_low_gate_stops_mode_0_and_the_count_goes_on_afterwards() {
        let mut counter = programmed(0x30, 3, true);
        assert_eq!(drawing(&mut counter, 2), "__");
        counter.set_gate(false);
        assert_eq!(drawing(&mut counter, 4), "____");
        counter.set_gate(true);
        assert_eq!(drawing(&mut counter, 3), "_--");
    }

    #[test]
    fn a_low_gate_forces_modes_2_and_3_high_and_a_rising_gate_restarts_them() {
        for (control, shape) in [(0x34, "---_"), (0x36, "--__")] {
            let mut counter = programmed(control, 4, true);
            drawing(&mut counter, 4);
            assert!(!counter.output());
            counter.set_gate(false);
            assert_eq!(drawing(&mut counter, 5), "-----");
            counter.set_gate(true);
            assert_eq!(drawing(&mut counter, 4), shape);
        }
    }

    #[test]
    fn a_new_count_in_mode_2_waits_for_the_end_of_the_period() {
        let mut counter = programmed(0x34, 3, true);
        counter.advance(1);
        counter.write(5);
        counter.write(0);
        assert!(counter.is_null);
        assert_eq!(drawing(&mut counter, 8), "-_----_-");
        assert!(!counter.is_null);
    }

    #[test]
    fn a_new_count_in_mode_3_waits_for_the_end_of_the_half_cycle() {
        let mut counter = programmed(0x36, 4, true);
        counter.advance(1);
        counter.write(8);
        counter.write(0);
        assert_eq!(drawing(&mut counter, 10), "-____----_");
    }

    #[test]
    fn the_first_byte_of_a_count_in_mode_0_drops_the_output_and_stops_counting() {
        let mut counter = programmed(0x30, 2, true);
        assert_eq!(drawing(&mut counter, 4), "__--");
        counter.write(9);
        assert!(!counter.output());
        let stopped = counter.element();
        counter.advance(100);
        assert_eq!(counter.element(), stopped);
    }

    #[test]
    fn zero_is_the_largest_count_in_binary_and_in_bcd() {
        for (control, length) in [(0x30, 65_536), (0x31, 10_000)] {
            let mut counter = programmed(control, 0, true);
            counter.advance(1);
            assert_eq!(counter.next_event(), Some(1 + length));
        }
    }

    #[test]
    fn bcd_counts_in_decimal_digits() {
        let mut counter = programmed(0x31, 0x1000, true);
        counter.advance(2);
        assert_eq!(counter.element(), 0x0999);
        counter.advance(1002);
        assert_eq!(counter.element(), 0x9999);
    }

    fn any_action() -> impl Strategy<Value = (u8, u8)> {
        prop_oneof![
            (0x10..0x40u8).prop_map(|word| (0, word)),
            (0..12u8).prop_map(|count| (1, count)),
            any::<bool>().prop_map(|gate| (2, u8::from(gate))),
        ]
    }

    fn act(counter: &mut Counter, (what, value): (u8, u8)) {
        match what {
            0 => counter.program(ControlWord::parse(value).expect("bits 5 and 4 are not both 0")),
            1 => counter.write(value),
            _ => counter.set_gate(value != 0),
        }
    }

    proptest! {
        /// The closed form is right if one long step equals many short ones, and the next event is exact.
        #[test]
        fn a_long_step_equals_many_short_ones(
            history in proptest::collection::vec((any_action(), 0..40u64), 1..40),
        ) {
            let mut stepped = Counter::new(true);
            let mut jumped = Counter::new(true);
            for (action, ticks) in history {
                act(&mut stepped, action);
                act(&mut jumped, action);
                for _ in 0..ticks {
                    let (before, event) = (stepped.clone(), stepped.next_event());
                    stepped.advance(stepped.tick + 1);
                    let is_event = event == Some(stepped.tick);
                    let is_edge = stepped.output != before.output;
                    let is_load = before.is_load_due || before.is_null && !stepped.is_null;
                    assert!(is_event || !is_edge, "no event told: {before:?}");
                    assert!(is_edge || is_load || !is_event, "nothing happened: {before:?}");
                }
                jumped.advance(stepped.tick);
                let elapsed = stepped.elapsed;
                assert_eq!(&stepped, &Counter { elapsed, ..jumped.clone() });
                assert_eq!(jumped.elapsed, elapsed);
            }
        }
    }
}
