//! Motorola MC146818A real-time clock with CMOS RAM, ports 70h and 71h, interrupt on IRQ 8.
//!
//! Sources: Motorola MC146818A data sheet, "Update Cycle", "Interrupts" and registers A to D; IBM PC AT Technical
//! Reference for the ports, the 32.768 kHz crystal, the NMI mask and the checksum over bytes 10h to 2Dh. The RAM has
//! 128 bytes, as in the later parts of ATs.
//!
//! Nothing happens per second: the time is worked out when somebody looks. The interrupts that are enabled wake the
//! board. Left out: the square wave, whose pin an AT leaves open, and the dividers for other crystals: with the divider
//! bits at anything but 010b the clock stands still.

mod calendar;

use bitflags::bitflags;
use calendar::{Moment, SECONDS_PER_DAY};
use clock::{Instant, Rate};

use crate::alarm::Alarm;
use crate::interrupt_line::InterruptLine;
use crate::{Context, Effect};

/// The crystal.
const OSCILLATOR: Rate = Rate::hertz(32_768);
const TICKS_PER_SECOND: u64 = 32_768;
/// UIP rises 244 us before the update cycle begins: 8 ticks.
const WARNING_TICKS: u64 = 8;
/// The update cycle takes 1984 us: 65 ticks.
const UPDATE_TICKS: u64 = 65;
/// After the divider was held in reset, the first update cycle begins half a second later.
const FIRST_UPDATE_TICKS: u64 = TICKS_PER_SECOND / 2;

/// Daylight saving begins and ends at 2:00, by an hour (data sheet, register B, DSE).
const CLOCK_CHANGE: i64 = 2 * 3600;
const CLOCK_SHIFT: i64 = 3600;
const DAYS_PER_YEAR: i64 = 366;

/// Bytes of clock and RAM together.
const BYTES: usize = 128;

/// The address of a clock byte or register.
mod address {
    pub(super) const SECONDS: u8 = 0x00;
    pub(super) const SECONDS_ALARM: u8 = 0x01;
    pub(super) const MINUTES: u8 = 0x02;
    pub(super) const MINUTES_ALARM: u8 = 0x03;
    pub(super) const HOURS: u8 = 0x04;
    pub(super) const HOURS_ALARM: u8 = 0x05;
    pub(super) const DAY_OF_WEEK: u8 = 0x06;
    pub(super) const DAY_OF_MONTH: u8 = 0x07;
    pub(super) const MONTH: u8 = 0x08;
    pub(super) const YEAR: u8 = 0x09;
    pub(super) const REGISTER_A: u8 = 0x0A;
    pub(super) const REGISTER_B: u8 = 0x0B;
    pub(super) const REGISTER_C: u8 = 0x0C;
    pub(super) const REGISTER_D: u8 = 0x0D;
    /// The first byte of the AT's checksummed area.
    pub(super) const CHECKED_FIRST: u8 = 0x10;
    /// The last byte of the AT's checksummed area.
    pub(super) const CHECKED_LAST: u8 = 0x2D;
    pub(super) const CHECKSUM_HIGH: u8 = 0x2E;
    pub(super) const CHECKSUM_LOW: u8 = 0x2F;
    /// The century in BCD, kept by the BIOS.
    pub(super) const CENTURY: u8 = 0x32;
}

bitflags! {
    /// Register A.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    struct RegisterA: u8 {
        /// UIP: an update cycle is going on or will within 244 us.
        const UPDATE_IN_PROGRESS = 0x80;
        /// DV2 to DV0.
        const DIVIDER = 0x70;
        /// RS3 to RS0.
        const RATE = 0x0F;
    }
}

/// DV2 to DV0 for a 32.768 kHz crystal.
const DIVIDER_32768_HZ: RegisterA = RegisterA::from_bits_retain(0x20);

bitflags! {
    /// Register B. The enable bits stand where register C has their flags.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    struct RegisterB: u8 {
        /// SET: no update cycles.
        const SET = 0x80;
        /// PIE.
        const PERIODIC_INTERRUPT = 0x40;
        /// AIE.
        const ALARM_INTERRUPT = 0x20;
        /// UIE.
        const UPDATE_ENDED_INTERRUPT = 0x10;
        /// SQWE.
        const SQUARE_WAVE = 0x08;
        /// DM: binary rather than BCD.
        const BINARY = 0x04;
        /// 24 hours rather than 12 with PM in bit 7.
        const HOURS_24 = 0x02;
        /// DSE: the clock changes in April and October.
        const DAYLIGHT_SAVING = 0x01;
    }
}

bitflags! {
    /// Register C.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    struct Flags: u8 {
        /// IRQF: a flag and its enable bit are both set.
        const INTERRUPT_REQUEST = 0x80;
        /// PF.
        const PERIODIC = 0x40;
        /// AF.
        const ALARM = 0x20;
        /// UF.
        const UPDATE_ENDED = 0x10;
    }
}

/// Register D, VRT: the battery is good, so time and RAM are valid.
const VALID_RAM_AND_TIME: u8 = 0x80;

/// Bit 7 of port 70h masks NMI.
const NMI_MASK: u8 = 0x80;

/// PM in the hours of the 12-hour mode.
const AFTERNOON: u8 = 0x80;

/// An alarm byte with both top bits set matches everything.
const ANY: u8 = 0xC0;

/// The MC146818A.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RealTimeClock {
    index: u8,
    is_nmi_masked: bool,
    /// Clock bytes, alarm bytes and RAM; the bytes of registers A to D are not used.
    bytes: [u8; BYTES],
    register_a: RegisterA,
    register_b: RegisterB,
    flags: Flags,
    /// The oscillator tick up to which everything is true.
    tick: u64,
    /// When the divider chain last left its reset.
    divider_start: u64,
    /// When the next update cycle begins; the time changes at its end.
    next_update: u64,
    /// The hour between 1:00 and 2:00 on the last Sunday in October comes for the second time.
    has_fallen_back: bool,
    interrupt: InterruptLine,
    alarm: Alarm,
}

impl RealTimeClock {
    /// A clock that shows `epoch_seconds` (seconds since 1 January 1970, 0:00 UTC) at [`Instant::START`] and runs, in
    /// BCD and 24 hours as a BIOS leaves it, with the century in byte 32h and zeros in the rest of the RAM.
    #[must_use]
    pub fn new(epoch_seconds: i64) -> Self {
        let mut clock = Self {
            index: address::REGISTER_D,
            is_nmi_masked: true,
            bytes: [0; BYTES],
            register_a: DIVIDER_32768_HZ | RegisterA::from_bits_retain(6),
            register_b: RegisterB::HOURS_24,
            flags: Flags::empty(),
            tick: 0,
            divider_start: 0,
            next_update: TICKS_PER_SECOND,
            has_fallen_back: false,
            interrupt: InterruptLine::new(8),
            alarm: Alarm::none(),
        };
        let (moment, century, weekday) = Moment::from_epoch(epoch_seconds);
        clock.set_moment(moment);
        clock.bytes[usize::from(address::DAY_OF_WEEK)] = weekday;
        clock.bytes[usize::from(address::CENTURY)] = clock.encoded(century);
        clock
    }

    /// Reads port 71h. Port 70h cannot be read on an AT: it and others give FFh.
    pub fn read(&mut self, port: u16, cx: &mut Context<'_>) -> u8 {
        self.advance(cx.now());
        let value = match port {
            0x71 => self.read_register(self.index),
            _ => 0xFF,
        };
        self.settle(cx);
        value
    }

    /// Writes port 70h (index, and the NMI mask in bit 7) or 71h (data).
    pub fn write(&mut self, port: u16, value: u8, cx: &mut Context<'_>) {
        self.advance(cx.now());
        match port {
            0x70 => {
                self.index = value & !NMI_MASK;
                self.mask_nmi(value & NMI_MASK != 0, cx);
            }
            0x71 => self.write_register(self.index, value),
            _ => log::debug!("the MC146818A has no port {port:#x}"),
        }
        self.settle(cx);
    }

    /// Whether NMI is masked. It is at power-up and after a reset.
    #[must_use]
    pub fn is_nmi_masked(&self) -> bool {
        self.is_nmi_masked
    }

    /// A byte of the RAM, `index` 0Eh to 7Fh.
    #[must_use]
    pub fn cmos(&self, index: u8) -> u8 {
        assert!(
            (address::REGISTER_D + 1..128).contains(&index),
            "RAM lies at 0Eh to 7Fh"
        );
        self.bytes[usize::from(index)]
    }

    /// Sets a byte of the RAM, `index` 0Eh to 7Fh, as the setup program would: the checksum in 2Eh and 2Fh follows a
    /// change of the bytes 10h to 2Dh.
    pub fn set_cmos(&mut self, index: u8, value: u8) {
        assert!(
            (address::REGISTER_D + 1..128).contains(&index),
            "RAM lies at 0Eh to 7Fh"
        );
        self.bytes[usize::from(index)] = value;
        if (address::CHECKED_FIRST..=address::CHECKED_LAST).contains(&index) {
            let [high, low] = self.checksum().to_be_bytes();
            self.bytes[usize::from(address::CHECKSUM_HIGH)] = high;
            self.bytes[usize::from(address::CHECKSUM_LOW)] = low;
        }
    }

    /// The sum of the bytes 10h to 2Dh, which an AT's BIOS expects in 2Eh (high) and 2Fh (low).
    #[must_use]
    pub fn checksum(&self) -> u16 {
        self.bytes[usize::from(address::CHECKED_FIRST)..=usize::from(address::CHECKED_LAST)]
            .iter()
            .map(|&byte| u16::from(byte))
            .sum()
    }

    /// The alarm set with [`Effect::Wake`] rings.
    pub fn wake(&mut self, cx: &mut Context<'_>) {
        self.alarm.ring(cx.now());
        self.advance(cx.now());
        self.settle(cx);
    }

    /// The RESET pin: interrupts are disabled and their flags cleared; time and RAM stay. The board's latch of the NMI
    /// mask masks NMI.
    pub fn reset(&mut self, cx: &mut Context<'_>) {
        self.advance(cx.now());
        self.register_b.remove(
            RegisterB::PERIODIC_INTERRUPT
                | RegisterB::ALARM_INTERRUPT
                | RegisterB::UPDATE_ENDED_INTERRUPT
                | RegisterB::SQUARE_WAVE,
        );
        self.flags = Flags::empty();
        self.mask_nmi(true, cx);
        self.settle(cx);
    }

    fn mask_nmi(&mut self, is_masked: bool, cx: &mut Context<'_>) {
        if self.is_nmi_masked != is_masked {
            self.is_nmi_masked = is_masked;
            cx.emit(Effect::NmiMasked(is_masked));
        }
    }

    fn read_register(&mut self, index: u8) -> u8 {
        match index {
            address::REGISTER_A => {
                let mut value = self.register_a;
                value.set(RegisterA::UPDATE_IN_PROGRESS, self.is_update_in_progress());
                value.bits()
            }
            address::REGISTER_B => self.register_b.bits(),
            address::REGISTER_C => {
                let mut flags = core::mem::replace(&mut self.flags, Flags::empty());
                flags.set(Flags::INTERRUPT_REQUEST, self.requests(flags));
                flags.bits()
            }
            address::REGISTER_D => VALID_RAM_AND_TIME,
            _ => self.bytes[usize::from(index)],
        }
    }

    fn write_register(&mut self, index: u8, value: u8) {
        match index {
            address::REGISTER_A => self.write_register_a(RegisterA::from_bits_retain(value)),
            address::REGISTER_B => {
                self.register_b = RegisterB::from_bits_retain(value);
                if self.register_b.contains(RegisterB::SET) {
                    self.register_b.remove(RegisterB::UPDATE_ENDED_INTERRUPT);
                }
            }
            address::REGISTER_C | address::REGISTER_D => {
                log::debug!("MC146818A register {index:#x} cannot be written");
            }
            _ => self.bytes[usize::from(index)] = value,
        }
    }

    fn write_register_a(&mut self, value: RegisterA) {
        let was_running = self.is_running();
        self.register_a = value - RegisterA::UPDATE_IN_PROGRESS;
        if self.is_running() && !was_running {
            self.divider_start = self.tick;
            self.next_update = self.tick + FIRST_UPDATE_TICKS;
        }
    }

    fn is_running(&self) -> bool {
        self.register_a & RegisterA::DIVIDER == DIVIDER_32768_HZ
    }

    fn is_updating(&self) -> bool {
        self.is_running() && !self.register_b.contains(RegisterB::SET)
    }

    fn is_update_in_progress(&self) -> bool {
        self.is_updating() && self.tick + WARNING_TICKS >= self.next_update
    }

    /// IRQF.
    fn requests(&self, flags: Flags) -> bool {
        let enabled = self.register_b
            & (RegisterB::PERIODIC_INTERRUPT
                | RegisterB::ALARM_INTERRUPT
                | RegisterB::UPDATE_ENDED_INTERRUPT);
        flags.bits() & enabled.bits() != 0
    }

    fn advance(&mut self, now: Instant) {
        let tick = OSCILLATOR.ticks_at(now);
        if tick <= self.tick {
            return;
        }
        if self.is_running() {
            if self.next_periodic().is_some_and(|next| next <= tick) {
                self.flags.insert(Flags::PERIODIC);
            }
            let update_end = self.next_update + UPDATE_TICKS;
            if tick >= update_end {
                let updates = (tick - update_end) / TICKS_PER_SECOND + 1;
                self.next_update += updates * TICKS_PER_SECOND;
                if self.is_updating() {
                    self.update(updates as i64);
                }
            }
        }
        self.tick = tick;
    }

    /// `updates` update cycles: each adds a second, compares the alarm and sets the update-ended flag.
    fn update(&mut self, updates: i64) {
        let mut left = updates;
        while let Some(wait) = self.updates_to_clock_change().filter(|&wait| wait <= left) {
            self.add_seconds(wait - 1);
            self.change_clock();
            self.add_seconds(1);
            left -= wait;
        }
        self.add_seconds(left);
        self.flags.insert(Flags::UPDATE_ENDED);
    }

    fn add_seconds(&mut self, seconds: i64) {
        if seconds == 0 {
            return;
        }
        if self.updates_to_alarm().is_some_and(|wait| wait <= seconds) {
            self.flags.insert(Flags::ALARM);
        }
        let before = self.moment().seconds();
        let after = before + seconds;
        let midnights = after.div_euclid(SECONDS_PER_DAY) - before.div_euclid(SECONDS_PER_DAY);
        self.set_moment(Moment::from_seconds(after));
        self.has_fallen_back &= midnights == 0;
        let weekday = &mut self.bytes[usize::from(address::DAY_OF_WEEK)];
        *weekday = ((i64::from(*weekday) - 1 + midnights).rem_euclid(7) + 1) as u8;
    }

    /// With DSE, after how many update cycles 2:00:00 would come on the last Sunday in April, or for the first time on
    /// the last Sunday in October.
    fn updates_to_clock_change(&self) -> Option<i64> {
        if !self.register_b.contains(RegisterB::DAYLIGHT_SAVING) {
            return None;
        }
        let now = self.moment().seconds();
        let today = now.div_euclid(SECONDS_PER_DAY);
        let weekday = i64::from(self.bytes[usize::from(address::DAY_OF_WEEK)]);
        (0..=DAYS_PER_YEAR).find_map(|days| {
            let at = (today + days) * SECONDS_PER_DAY + CLOCK_CHANGE;
            let date = Moment::from_seconds(at);
            let is_last_sunday = (weekday - 1 + days).rem_euclid(7) == 0
                && match date.month {
                    4 => date.day > 30 - 7,
                    10 => date.day > 31 - 7 && !(days == 0 && self.has_fallen_back),
                    _ => false,
                };
            (is_last_sunday && at > now).then_some(at - now)
        })
    }

    /// Before the second that would be 2:00:00: an hour on in April, an hour back in October.
    fn change_clock(&mut self) {
        let moment = self.moment();
        let is_spring = moment.month == 4;
        let shift = if is_spring { CLOCK_SHIFT } else { -CLOCK_SHIFT };
        self.set_moment(Moment::from_seconds(moment.seconds() + shift));
        self.has_fallen_back = !is_spring;
    }

    /// After how many update cycles the alarm bytes match, if they ever do.
    fn updates_to_alarm(&self) -> Option<i64> {
        let alarm = |index: u8| self.bytes[usize::from(index)];
        let [second, minute] = [address::SECONDS_ALARM, address::MINUTES_ALARM].map(|index| {
            let byte = alarm(index);
            (byte < ANY).then(|| i64::from(self.decoded(byte)))
        });
        let hour = alarm(address::HOURS_ALARM);
        let hour = (hour < ANY).then(|| i64::from(self.decoded_hour(hour)));
        if second.is_some_and(|n| n > 59) || minute.is_some_and(|n| n > 59) || hour.is_some_and(|n| n > 23) {
            return None;
        }
        let now = self.moment().seconds();
        let mut at = now + 1;
        // Each round raises the coarsest field that does not match; a day has few enough of them.
        while at - now <= 2 * SECONDS_PER_DAY {
            let time = at.rem_euclid(SECONDS_PER_DAY);
            if hour.is_some_and(|hour| hour != time / 3600) {
                at += 3600 - time % 3600;
            } else if minute.is_some_and(|minute| minute != time / 60 % 60) {
                at += 60 - time % 60;
            } else if second.is_some_and(|second| second != time % 60) {
                at += 1;
            } else {
                return Some(at - now);
            }
        }
        None
    }

    /// The next tick at which the periodic flag is set.
    fn next_periodic(&self) -> Option<u64> {
        let period = match (self.register_a & RegisterA::RATE).bits() {
            0 => return None,
            // The data sheet's table of periodic rates: 1 and 2 repeat 8 and 9.
            rate @ (1 | 2) => 1 << (rate + 6),
            rate => 1u64 << (rate - 1),
        };
        if !self.is_running() {
            return None;
        }
        let periods = (self.tick - self.divider_start) / period + 1;
        Some(self.divider_start + periods * period)
    }

    /// Drives IRQ 8 and asks to be woken for the next enabled flag that is not set yet.
    fn settle(&mut self, cx: &mut Context<'_>) {
        let is_requesting = self.requests(self.flags);
        self.interrupt.drive(is_requesting, cx);
        let wanted = |enable| !is_requesting && self.register_b.contains(enable);
        let update_end = self.next_update + UPDATE_TICKS;
        let mut next = u64::MAX;
        if wanted(RegisterB::PERIODIC_INTERRUPT) {
            next = self.next_periodic().unwrap_or(next);
        }
        if wanted(RegisterB::UPDATE_ENDED_INTERRUPT) && self.is_updating() {
            next = next.min(update_end);
        }
        if wanted(RegisterB::ALARM_INTERRUPT)
            && self.is_updating()
            && let Some(updates) = self.updates_to_alarm()
        {
            // Beyond a change of the clock the alarm is worked out again.
            let updates = updates.min(self.updates_to_clock_change().unwrap_or(i64::MAX));
            next = next.min(update_end + (updates as u64 - 1) * TICKS_PER_SECOND);
        }
        let at = if next == u64::MAX {
            Instant::NEVER
        } else {
            OSCILLATOR.instant(next)
        };
        self.alarm.set(at, cx);
    }

    fn moment(&self) -> Moment {
        let number = |index: u8| self.decoded(self.bytes[usize::from(index)]);
        Moment {
            year: number(address::YEAR),
            month: number(address::MONTH),
            day: number(address::DAY_OF_MONTH),
            hour: self.decoded_hour(self.bytes[usize::from(address::HOURS)]),
            minute: number(address::MINUTES),
            second: number(address::SECONDS),
        }
    }

    fn set_moment(&mut self, moment: Moment) {
        let hour = self.encoded_hour(moment.hour);
        for (index, number) in [
            (address::YEAR, moment.year),
            (address::MONTH, moment.month),
            (address::DAY_OF_MONTH, moment.day),
            (address::MINUTES, moment.minute),
            (address::SECONDS, moment.second),
        ] {
            self.bytes[usize::from(index)] = self.encoded(number);
        }
        self.bytes[usize::from(address::HOURS)] = hour;
    }

    fn decoded(&self, byte: u8) -> u8 {
        if self.register_b.contains(RegisterB::BINARY) {
            byte
        } else {
            (byte >> 4) * 10 + (byte & 0xF)
        }
    }

    fn encoded(&self, number: u8) -> u8 {
        if self.register_b.contains(RegisterB::BINARY) {
            number
        } else {
            ((number / 10) << 4) | (number % 10)
        }
    }

    fn decoded_hour(&self, byte: u8) -> u8 {
        if self.register_b.contains(RegisterB::HOURS_24) {
            return self.decoded(byte);
        }
        let afternoon = if byte & AFTERNOON != 0 { 12 } else { 0 };
        self.decoded(byte & !AFTERNOON) % 12 + afternoon
    }

    fn encoded_hour(&self, hour: u8) -> u8 {
        if self.register_b.contains(RegisterB::HOURS_24) {
            return self.encoded(hour);
        }
        let afternoon = if hour >= 12 { AFTERNOON } else { 0 };
        let hour = if hour.is_multiple_of(12) { 12 } else { hour % 12 };
        self.encoded(hour) | afternoon
    }
}

#[cfg(test)]
mod tests;
