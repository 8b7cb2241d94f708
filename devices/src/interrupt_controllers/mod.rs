//! The two Intel 8259A interrupt controllers of an AT: the master at 20h and 21h, the slave at A0h and A1h with its
//! INT pin on the master's IR2.
//!
//! Sources: Intel 8259A data sheet (231468); IBM PC AT Technical Reference for the wiring (the bus line that was IRQ 2
//! of the PC arrives at IR1 of the slave, which is IRQ 9).
//! The pair is driven by the processor's two acknowledge cycles as one call, [`InterruptControllers::acknowledge`].
//! Left out: the third acknowledge cycle of the MCS-80 mode, which an 80386 never runs, and the pins of the buffered
//! mode.

mod controller;

use controller::{Acknowledgement, Controller, Role};

/// The master's input that the slave's INT pin drives, and the slave's identity on the cascade lines.
const CASCADE: u8 = 2;

/// What the processor reads from a bus that nothing drives.
const OPEN_BUS: u8 = 0xFF;

/// The 8259A pair.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InterruptControllers {
    master: Controller,
    slave: Controller,
}

impl Default for InterruptControllers {
    fn default() -> Self {
        Self::new()
    }
}

impl InterruptControllers {
    /// As they power up: not initialised, so that no request reaches the processor.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            master: Controller::new(Role::Master),
            slave: Controller::new(Role::Slave),
        }
    }

    /// Reads port 20h, 21h, A0h or A1h; others read FFh. A read after a poll command acknowledges an interrupt.
    pub fn read(&mut self, port: u16) -> u8 {
        let value = match port {
            0x20 => self.master.read(false),
            0x21 => self.master.read(true),
            0xA0 => self.slave.read(false),
            0xA1 => self.slave.read(true),
            _ => OPEN_BUS,
        };
        self.cascade();
        value
    }

    /// Writes port 20h, 21h, A0h or A1h.
    pub fn write(&mut self, port: u16, value: u8) {
        match port {
            0x20 => self.master.write(false, value),
            0x21 => self.master.write(true, value),
            0xA0 => self.slave.write(false, value),
            0xA1 => self.slave.write(true, value),
            _ => log::debug!("the 8259A pair has no port {port:#x}"),
        }
        self.cascade();
    }

    /// Drives interrupt request line `line` (IRQ 0 to 15). Line 2 of the bus is line 9 of an AT.
    pub fn set_line(&mut self, line: u8, is_high: bool) {
        assert!(line < 16, "an AT has IRQ 0 to 15");
        match line {
            CASCADE => self.slave.set_input(1, is_high),
            0..8 => self.master.set_input(line, is_high),
            _ => self.slave.set_input(line - 8, is_high),
        }
        self.cascade();
    }

    /// The master's INT pin, which is the processor's INTR.
    #[must_use]
    pub fn is_requesting(&self) -> bool {
        self.master.is_requesting()
    }

    /// The processor's acknowledge cycles: gives the interrupt vector. If the request has gone away the master answers
    /// with its level 7, or the slave with its own (IRQ 15), and no in-service bit is set there.
    pub fn acknowledge(&mut self) -> u8 {
        let vector = match self.master.acknowledge() {
            Acknowledgement::Vector(vector) => vector,
            Acknowledgement::Slave(CASCADE) if self.slave.identity() == Some(CASCADE) => {
                match self.slave.acknowledge() {
                    Acknowledgement::Vector(vector) => vector,
                    Acknowledgement::Slave(_) => OPEN_BUS,
                }
            }
            Acknowledgement::Slave(level) => {
                log::debug!("no slave answers for level {level}");
                OPEN_BUS
            }
        };
        self.cascade();
        vector
    }

    /// Back to the power-up state; the inputs keep their levels. (The chips have no reset pin: on a board they keep
    /// their state until they are initialised again.)
    pub fn reset(&mut self) {
        self.master.reset();
        self.slave.reset();
        self.cascade();
    }

    /// The slave's INT pin drops at every acknowledgement, so that a further request is a new edge for the master.
    fn cascade(&mut self) {
        if self.slave.take_acknowledged() {
            self.master.set_input(CASCADE, false);
        }
        self.master.set_input(CASCADE, self.slave.is_requesting());
    }
}

#[cfg(test)]
mod tests;
