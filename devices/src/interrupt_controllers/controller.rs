//! One 8259A.

use bitflags::bitflags;

bitflags! {
    /// Initialization command word 1.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    struct Icw1: u8 {
        /// IC4: word 4 follows.
        const WORD_4_FOLLOWS = 0x01;
        /// SNGL: no cascade, word 3 does not follow.
        const SINGLE = 0x02;
        /// ADI: MCS-80 calls are 4 bytes apart rather than 8.
        const CALL_INTERVAL_4 = 0x04;
        /// LTIM: the inputs are level triggered.
        const LEVEL_TRIGGERED = 0x08;
        /// Tells word 1 from the operation command words.
        const IS_WORD_1 = 0x10;
        /// A7 to A5 of an MCS-80 call address.
        const CALL_ADDRESS = 0xE0;
    }
}

bitflags! {
    /// Initialization command word 4. The buffered mode (bits 3 and 2) concerns only pins.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    struct Icw4: u8 {
        /// uPM: 8086 rather than MCS-80 mode.
        const MODE_8086 = 0x01;
        /// AEOI: the in-service bit is cleared at the end of the acknowledgement.
        const AUTOMATIC_END_OF_INTERRUPT = 0x02;
        /// SFNM: a slave in service does not lock out its own higher levels.
        const SPECIAL_FULLY_NESTED = 0x10;
    }
}

bitflags! {
    /// Operation command word 3, and what tells it from word 2.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    struct Ocw3: u8 {
        /// RIS: the register to read is ISR rather than IRR.
        const IN_SERVICE = 0x01;
        /// RR: selects the register to read.
        const READ_REGISTER = 0x02;
        /// P: the next read polls.
        const POLL = 0x04;
        /// Set in word 3, clear in word 2.
        const IS_WORD_3 = 0x08;
        /// SMM: the special mask mode.
        const SPECIAL_MASK = 0x20;
        /// ESMM: sets or clears the special mask mode.
        const ENABLE_SPECIAL_MASK = 0x40;
    }
}

/// Operation command word 2, bits 7 to 5 (R, SL, EOI).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    RotateInAutomaticEnd(bool),
    EndOfInterrupt,
    SpecificEndOfInterrupt,
    NoOperation,
    SetPriority,
    RotateOnEndOfInterrupt,
    RotateOnSpecificEndOfInterrupt,
}

impl Command {
    fn parse(value: u8) -> Self {
        match value >> 5 {
            0b000 => Self::RotateInAutomaticEnd(false),
            0b001 => Self::EndOfInterrupt,
            0b010 => Self::NoOperation,
            0b011 => Self::SpecificEndOfInterrupt,
            0b100 => Self::RotateInAutomaticEnd(true),
            0b101 => Self::RotateOnEndOfInterrupt,
            0b110 => Self::SetPriority,
            _ => Self::RotateOnSpecificEndOfInterrupt,
        }
    }
}

/// Which word the next write with A0 = 1 is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Expects {
    /// Word 1 was never written. The mask can be.
    Initialization,
    Icw2,
    Icw3,
    Icw4,
    /// Initialised: the mask.
    Ocw1,
}

/// What a controller does in the processor's acknowledge cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acknowledgement {
    /// It drives this vector.
    Vector(u8),
    /// It leaves the bus to the slave on this input.
    Slave(u8),
}

/// What the SP/EN pin tells the chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Master,
    Slave,
}

/// One 8259A.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Controller {
    role: Role,
    /// IR0 to IR7 as the pins are.
    inputs: u8,
    /// The edge sense latches: rose and neither fell nor was acknowledged since.
    edges: u8,
    mask: u8,
    in_service: u8,
    icw1: Icw1,
    /// T7 to T3 of the vector; A15 to A8 of an MCS-80 call.
    vector_base: u8,
    /// A master's inputs with a slave, or a slave's identity.
    icw3: u8,
    icw4: Icw4,
    expects: Expects,
    lowest_priority: u8,
    is_rotating_automatically: bool,
    is_special_mask: bool,
    is_in_service_read: bool,
    is_polled: bool,
    was_acknowledged: bool,
}

fn bit(level: u8) -> u8 {
    1 << (level & 7)
}

impl Controller {
    pub(super) const fn new(role: Role) -> Self {
        Self {
            role,
            inputs: 0,
            edges: 0,
            mask: 0xFF,
            in_service: 0,
            icw1: Icw1::empty(),
            vector_base: 0,
            icw3: 0,
            icw4: Icw4::empty(),
            expects: Expects::Initialization,
            lowest_priority: 7,
            is_rotating_automatically: false,
            is_special_mask: false,
            is_in_service_read: false,
            is_polled: false,
            was_acknowledged: false,
        }
    }

    pub(super) fn reset(&mut self) {
        *self = Self {
            inputs: self.inputs,
            ..Self::new(self.role)
        };
    }

    pub(super) fn set_input(&mut self, level: u8, is_high: bool) {
        let bit = bit(level);
        if is_high {
            self.edges |= bit & !self.inputs;
            self.inputs |= bit;
        } else {
            self.edges &= !bit;
            self.inputs &= !bit;
        }
    }

    /// The INT pin.
    pub(super) fn is_requesting(&self) -> bool {
        self.winner().is_some()
    }

    /// The identity to which it answers on the cascade lines; `None` if it was initialised to stand alone.
    pub(super) fn identity(&self) -> Option<u8> {
        (!self.icw1.contains(Icw1::SINGLE)).then_some(self.icw3 & 7)
    }

    /// Whether an interrupt was acknowledged since the last call.
    pub(super) fn take_acknowledged(&mut self) -> bool {
        core::mem::take(&mut self.was_acknowledged)
    }

    pub(super) fn acknowledge(&mut self) -> Acknowledgement {
        let level = self.winner();
        self.was_acknowledged = true;
        let Some(level) = level else {
            return Acknowledgement::Vector(self.vector(7));
        };
        self.serve(level);
        if self.has_slave(level) {
            Acknowledgement::Slave(level)
        } else {
            Acknowledgement::Vector(self.vector(level))
        }
    }

    /// Reads with A0 as given.
    pub(super) fn read(&mut self, a0: bool) -> u8 {
        if self.is_polled {
            self.is_polled = false;
            return self.poll();
        }
        match (a0, self.is_in_service_read) {
            (true, _) => self.mask,
            (false, true) => self.in_service,
            (false, false) => self.requests(),
        }
    }

    /// Writes with A0 as given.
    pub(super) fn write(&mut self, a0: bool, value: u8) {
        if a0 {
            self.write_data(value);
        } else if value & Icw1::IS_WORD_1.bits() != 0 {
            self.initialize(Icw1::from_bits_retain(value));
        } else if value & Ocw3::IS_WORD_3.bits() != 0 {
            self.select(Ocw3::from_bits_retain(value));
        } else {
            self.command(Command::parse(value), value & 7);
        }
    }

    /// Data sheet, "Initialization Command Words 1 and 2": what word 1 clears by itself.
    fn initialize(&mut self, word: Icw1) {
        *self = Self {
            inputs: self.inputs,
            mask: 0,
            icw1: word,
            icw3: match self.role {
                Role::Master => 0,
                Role::Slave => 7,
            },
            expects: Expects::Icw2,
            ..Self::new(self.role)
        };
    }

    fn write_data(&mut self, value: u8) {
        self.expects = match self.expects {
            Expects::Initialization | Expects::Ocw1 => {
                self.mask = value;
                return;
            }
            Expects::Icw2 => {
                self.vector_base = value;
                if !self.icw1.contains(Icw1::SINGLE) {
                    Expects::Icw3
                } else {
                    self.after_word_3()
                }
            }
            Expects::Icw3 => {
                self.icw3 = value;
                self.after_word_3()
            }
            Expects::Icw4 => {
                self.icw4 = Icw4::from_bits_truncate(value);
                Expects::Ocw1
            }
        };
    }

    fn after_word_3(&self) -> Expects {
        if self.icw1.contains(Icw1::WORD_4_FOLLOWS) {
            Expects::Icw4
        } else {
            Expects::Ocw1
        }
    }

    fn select(&mut self, word: Ocw3) {
        if word.contains(Ocw3::ENABLE_SPECIAL_MASK) {
            self.is_special_mask = word.contains(Ocw3::SPECIAL_MASK);
        }
        if word.contains(Ocw3::POLL) {
            self.is_polled = true;
        } else if word.contains(Ocw3::READ_REGISTER) {
            self.is_in_service_read = word.contains(Ocw3::IN_SERVICE);
        }
    }

    fn command(&mut self, command: Command, level: u8) {
        match command {
            Command::RotateInAutomaticEnd(is_rotating) => self.is_rotating_automatically = is_rotating,
            Command::NoOperation => {}
            Command::SetPriority => self.lowest_priority = level,
            Command::EndOfInterrupt => {
                self.end_highest();
            }
            Command::RotateOnEndOfInterrupt => {
                if let Some(level) = self.end_highest() {
                    self.lowest_priority = level;
                }
            }
            Command::SpecificEndOfInterrupt => self.in_service &= !bit(level),
            Command::RotateOnSpecificEndOfInterrupt => {
                self.in_service &= !bit(level);
                self.lowest_priority = level;
            }
        }
    }

    /// A non-specific end of interrupt: clears the in-service bit of highest priority. In the special mask mode a
    /// masked level is not cleared by it.
    fn end_highest(&mut self) -> Option<u8> {
        let level = self
            .by_priority()
            .find(|&level| self.blocking() & bit(level) != 0)?;
        self.in_service &= !bit(level);
        Some(level)
    }

    /// The poll word: bit 7 says that a level requested service, bits 2 to 0 which.
    fn poll(&mut self) -> u8 {
        let Some(level) = self.winner() else {
            return 0;
        };
        self.was_acknowledged = true;
        self.serve(level);
        0x80 | level
    }

    /// The first acknowledge cycle sets the in-service bit, the last one may clear it again.
    fn serve(&mut self, level: u8) {
        self.edges &= !bit(level);
        if !self.icw4.contains(Icw4::AUTOMATIC_END_OF_INTERRUPT) {
            self.in_service |= bit(level);
        } else if self.is_rotating_automatically {
            self.lowest_priority = level;
        }
    }

    /// IRR.
    fn requests(&self) -> u8 {
        if self.icw1.contains(Icw1::LEVEL_TRIGGERED) {
            self.inputs
        } else {
            self.edges
        }
    }

    /// The in-service bits that hold back lower priorities.
    fn blocking(&self) -> u8 {
        if self.is_special_mask {
            self.in_service & !self.mask
        } else {
            self.in_service
        }
    }

    /// The levels from the highest priority to the lowest.
    fn by_priority(&self) -> impl Iterator<Item = u8> + use<> {
        let lowest = self.lowest_priority;
        (1..=8).map(move |n| (lowest + n) & 7)
    }

    /// The level that is to be acknowledged next.
    fn winner(&self) -> Option<u8> {
        let pending = self.requests() & !self.mask;
        if pending == 0 || self.expects != Expects::Ocw1 {
            return None;
        }
        let blocking = self.blocking();
        let level = self
            .by_priority()
            .find(|&level| (pending | blocking) & bit(level) != 0)?;
        let is_free = blocking & bit(level) == 0
            || self.icw4.contains(Icw4::SPECIAL_FULLY_NESTED) && self.has_slave(level);
        (is_free && pending & bit(level) != 0).then_some(level)
    }

    fn has_slave(&self, level: u8) -> bool {
        self.role == Role::Master && !self.icw1.contains(Icw1::SINGLE) && self.icw3 & bit(level) != 0
    }

    /// What the processor takes as the vector. In MCS-80 mode the second byte is the low half of a call address.
    fn vector(&self, level: u8) -> u8 {
        if self.icw4.contains(Icw4::MODE_8086) {
            return self.vector_base & 0xF8 | level;
        }
        let address = (self.icw1 & Icw1::CALL_ADDRESS).bits();
        if self.icw1.contains(Icw1::CALL_INTERVAL_4) {
            address | level << 2
        } else {
            address & 0xC0 | level << 3
        }
    }
}
