//! What a processor is doing at an instant, for profiles: read from registers and code, noticed by nobody.

use cpu::{Bus as _, Control, Cpu, disassemble};

use super::Machine;
use super::report::byte_at;
use crate::board::Board;

/// What a processor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Activity {
    /// It is halted, stopped or without power.
    Idle,
    /// A string instruction that writes to a device: to a card's memory window or data port.
    CopyToDevice,
    /// A string instruction that reads from a device.
    CopyFromDevice,
    /// A string instruction within memory.
    Copy,
    /// A single access to an I/O port.
    Port,
    /// Any other instruction.
    Code,
}

/// Where a processor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// What it does.
    pub activity: Activity,
    /// EIP of the next instruction, or of a string instruction that is not finished.
    pub eip: u32,
    /// The privilege level, 0 to 3.
    pub privilege: u8,
}

/// Places in [`Cpu::registers`].
const ESI: usize = 10;
const EDI: usize = 11;
const EIP: usize = 12;
const CR0: usize = 14;
const CR3: usize = 16;
const CS: usize = 18;
/// Bytes of straight code that are looked through for the instruction before.
const LONGEST_WALK: u32 = 256;

impl Machine {
    /// What the processor is doing now. It is exact where the machine has stopped at a limit.
    #[must_use]
    pub fn whereabouts(&self) -> Whereabouts {
        let registers = self.cpu.registers();
        let sight = Sight {
            cpu: &self.cpu,
            board: &self.board,
            registers: &registers,
        };
        let is_idle = !self.is_running() || self.is_halted && !self.board.pins().interrupt;
        Whereabouts {
            activity: if is_idle { Activity::Idle } else { sight.activity() },
            eip: registers[EIP],
            privilege: (registers[CS] & 3) as u8,
        }
    }
}

struct Sight<'a> {
    cpu: &'a Cpu<Board>,
    board: &'a Board,
    registers: &'a [u32; 23],
}

impl Sight<'_> {
    fn byte(&self, linear: u32) -> Option<u8> {
        let paging = self.registers[CR0] & Control::PAGING.bits() != 0;
        byte_at(paging, self.registers[CR3], self.board, linear)
    }

    fn is_device(&self, linear: u32) -> bool {
        self.byte(linear).is_none()
    }

    fn activity(&self) -> Activity {
        // Segments are flat wherever time is looked at: EIP is a linear address.
        let mut at = self.registers[EIP];
        // Prefixes: REP, operand size, segments.
        while let Some(0xF2 | 0xF3 | 0x66 | 0x26 | 0x2E | 0x36 | 0x3E | 0x64 | 0x65) = self.byte(at) {
            at = at.wrapping_add(1);
        }
        match self.byte(at) {
            Some(0x6C | 0x6D) => Activity::CopyFromDevice,
            Some(0x6E | 0x6F) => Activity::CopyToDevice,
            Some(0xA4 | 0xA5) if self.is_device(self.registers[EDI]) => Activity::CopyToDevice,
            Some(0xA4 | 0xA5) if self.is_device(self.registers[ESI]) => Activity::CopyFromDevice,
            Some(0xA4 | 0xA5 | 0xAA | 0xAB) => Activity::Copy,
            _ if self.has_used_port() => Activity::Port,
            _ => Activity::Code,
        }
    }

    /// Whether the instruction that has just ended was IN or OUT, which takes far longer than others.
    fn has_used_port(&self) -> bool {
        let end = self.registers[EIP];
        let last = |back| self.byte(end.wrapping_sub(back));
        let looks_so = matches!(last(1), Some(0xEC..=0xEF)) || matches!(last(2), Some(0xE4..=0xE7));
        looks_so
            && self
                .last_instruction()
                .is_some_and(|text| text.starts_with("in ") || text.starts_with("out "))
    }

    /// The instruction before, if it lies in the same straight code.
    fn last_instruction(&self) -> Option<String> {
        let stretch = self.cpu.trail().pop()?;
        let length = stretch.end.wrapping_sub(stretch.start);
        if stretch.end != self.registers[EIP] || length > LONGEST_WALK {
            return None;
        }
        let code: Vec<u8> = (0..length)
            .map_while(|offset| self.byte(stretch.linear.wrapping_add(offset)))
            .collect();
        let (mut done, mut text) = (0, None);
        while let Some(rest) = code.get(done..).filter(|rest| !rest.is_empty()) {
            let (line, bytes) = disassemble(rest, stretch.start.wrapping_add(done as u32), stretch.is_32_bit);
            text = Some(line);
            done += bytes as usize;
        }
        text
    }
}
