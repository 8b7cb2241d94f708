//! A board for tests: one megabyte of memory, a page of ROM, a page of device registers; and a processor in protected mode on it
//! with a usual set of descriptors.

use crate::core::Core;
use crate::{
    Bus, Control, Cycle, DeviceMoves, Page, Pins, Reply, Segment, SegmentRegister, TableRegister, Width,
};

/// Memory behind linear and physical address zero.
const MEMORY_BYTES: usize = 0x10_0000;
/// The physical page that cannot be written.
pub(crate) const ROM_PAGE: u32 = 0xF0;
/// The physical page that is a device.
pub(crate) const DEVICE_PAGE: u32 = 0xA0;

/// Writing a vector to this port raises INTR until it is acknowledged.
pub(crate) const INTERRUPT_PORT: u16 = 0x10;
/// Writing to this port raises NMI.
pub(crate) const NMI_PORT: u16 = 0x11;

/// Where the tables lie.
pub(crate) const GDT: u32 = 0x1000;
/// The interrupt table.
pub(crate) const IDT: u32 = 0x2000;
/// The task state segment of [`TASK`].
pub(crate) const TASK_BASE: u32 = 0x3000;

/// Selectors of [`protected`]: code of level 0, flat.
pub(crate) const CODE_0: u16 = 0x08;
/// Data of level 0, flat.
pub(crate) const DATA_0: u16 = 0x10;
/// Code of level 3, flat.
pub(crate) const CODE_3: u16 = 0x1B;
/// Data of level 3, flat.
pub(crate) const DATA_3: u16 = 0x23;
/// The current task, 386.
pub(crate) const TASK: u16 = 0x28;
/// The first of the descriptors that tests may set.
pub(crate) const FREE: u16 = 0x40;

/// What the device page has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// A read.
    Read(u32, Width),
    /// A write.
    Write(u32, Width, u32),
}

/// The board.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Board {
    memory: Vec<u8>,
    /// Accesses to the device page and writes to ROM, in order.
    pub(crate) accesses: Vec<Access>,
    /// What the device page answers.
    pub(crate) answer: u32,
    /// Wait states of memory.
    pub(crate) wait: u32,
    /// Wait states of a dword of code, or of a line of it with a cache.
    pub(crate) code_wait: u32,
    /// The lines of 16 bytes of code in the cache, if there is one.
    pub(crate) cached_lines: Option<Vec<u32>>,
    /// How many moves to or from the device page are made together.
    pub(crate) most_moves: u32,
    /// The pins.
    pub(crate) pins: Pins,
}

impl Board {
    /// All memory zero.
    pub(crate) fn new() -> Self {
        Self {
            memory: vec![0; MEMORY_BYTES],
            accesses: Vec::new(),
            answer: 0,
            wait: 0,
            code_wait: 0,
            cached_lines: None,
            most_moves: 0,
            pins: Pins {
                interrupt: false,
                nmi: false,
                until: Cycle::MAX,
                map_generation: 0,
            },
        }
    }

    /// Reads a dword of memory.
    pub(crate) fn dword(&self, address: u32) -> u32 {
        let at = address as usize;
        u32::from_le_bytes(self.memory[at..at + 4].try_into().expect("four bytes"))
    }

    /// Reads a word of memory.
    pub(crate) fn word(&self, address: u32) -> u16 {
        self.dword(address) as u16
    }

    /// Writes a dword of memory.
    pub(crate) fn set_dword(&mut self, address: u32, value: u32) {
        self.set_bytes(address, &value.to_le_bytes());
    }

    /// Writes bytes of memory.
    pub(crate) fn set_bytes(&mut self, address: u32, bytes: &[u8]) {
        let at = address as usize;
        self.memory[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Writes a segment descriptor into the global table. `access` is byte 5 in the low half and bits 7 to 4 of byte 6 in the
    /// high half, as in [`SegmentRegister::access`]; `limit` is the raw 20 bits.
    pub(crate) fn set_segment(&mut self, selector: u16, base: u32, limit: u32, access: u16) {
        let low = (limit & 0xFFFF) | (base << 16);
        let access = u32::from(access);
        let high = (base & 0xFF00_0000) | ((base >> 16) & 0xFF) | (limit & 0xF_0000) | (access << 8);
        let at = GDT + u32::from(selector & !7);
        self.set_dword(at, low);
        self.set_dword(at + 4, high);
    }

    /// Writes a gate at an address. `access` is byte 5.
    pub(crate) fn set_gate(&mut self, at: u32, selector: u16, offset: u32, access: u8, parameters: u8) {
        self.set_dword(at, (offset & 0xFFFF) | u32::from(selector) << 16);
        let attributes = u32::from(access) << 8 | u32::from(parameters);
        self.set_dword(at + 4, (offset & 0xFFFF_0000) | attributes);
    }
}

impl Bus for Board {
    fn memory(&mut self) -> &mut [u8] {
        &mut self.memory
    }

    fn page(&self, page: u32) -> Page {
        match page {
            DEVICE_PAGE => Page::Device,
            page if (page as usize) < MEMORY_BYTES / 4096 => Page::Memory {
                frame: page,
                is_writable: page != ROM_PAGE,
            },
            _ => Page::Device,
        }
    }

    fn memory_wait(&mut self, _: u32, _: bool) -> u32 {
        self.wait
    }

    fn is_ready(&self, address: u32) -> bool {
        let is_cached = self
            .cached_lines
            .as_ref()
            .is_some_and(|lines| lines.contains(&(address / 16)));
        self.wait == 0 && (self.code_wait == 0 || is_cached)
    }

    fn reads_wait(&mut self, address: u32, count: u32) -> u32 {
        let line = address / 16;
        let code_wait = match &mut self.cached_lines {
            None => self.code_wait * count,
            Some(lines) if lines.contains(&line) => 0,
            Some(lines) => {
                lines.push(line);
                self.code_wait
            }
        };
        self.wait * count + code_wait
    }

    fn device_moves(&mut self, moves: DeviceMoves) -> (u32, Cycle) {
        if moves.device >> 12 != DEVICE_PAGE {
            return (0, 0);
        }
        let (mut done, mut at) = (0, moves.begin);
        while done < moves.count.min(self.most_moves) && at < moves.until {
            let place = (moves.memory + done) as usize;
            if moves.is_to_device {
                let value = self.memory[place].into();
                at += Cycle::from(self.write(at, moves.device + done, Width::Byte, value));
            } else {
                let reply = self.read(at, moves.device + done, Width::Byte);
                self.memory[place] = reply.value as u8;
                at += Cycle::from(reply.wait);
            }
            at += moves.clocks + Cycle::from(self.wait);
            done += 1;
        }
        (done, at - moves.begin)
    }

    fn read(&mut self, _: Cycle, address: u32, width: Width) -> Reply {
        self.accesses.push(Access::Read(address, width));
        Reply {
            value: self.answer,
            wait: self.wait,
        }
    }

    fn write(&mut self, _: Cycle, address: u32, width: Width, value: u32) -> u32 {
        self.accesses.push(Access::Write(address, width, value));
        self.wait
    }

    fn input(&mut self, _: Cycle, _: u16, _: Width) -> Reply {
        Reply {
            value: self.answer,
            wait: self.wait,
        }
    }

    fn output(&mut self, _: Cycle, port: u16, _: Width, value: u32) -> u32 {
        match port {
            INTERRUPT_PORT => {
                self.pins.interrupt = true;
                self.answer = value;
            }
            NMI_PORT => self.pins.nmi = true,
            _ => {}
        }
        self.wait
    }

    fn acknowledge(&mut self, _: Cycle) -> Reply {
        self.pins.interrupt = false;
        Reply {
            value: self.answer,
            wait: self.wait,
        }
    }

    fn pins(&self) -> Pins {
        self.pins
    }

    fn nmi_taken(&mut self) {
        self.pins.nmi = false;
    }
}

/// A processor in protected mode at level 0, flat, with its stack below 8000h and a task register.
pub(crate) fn protected(board: &mut Board) -> Core {
    board.set_segment(CODE_0, 0, 0xF_FFFF, 0xC09B);
    board.set_segment(DATA_0, 0, 0xF_FFFF, 0xC093);
    board.set_segment(CODE_3, 0, 0xF_FFFF, 0xC0FB);
    board.set_segment(DATA_3, 0, 0xF_FFFF, 0xC0F3);
    board.set_segment(TASK, TASK_BASE, 0x87, 0x0089);
    board.set_dword(TASK_BASE + 4, 0x7000);
    board.set_dword(TASK_BASE + 8, u32::from(DATA_0));
    let mut core = Core::new();
    core.gdtr = TableRegister {
        base: GDT,
        limit: 0xFF,
    };
    core.idtr = TableRegister {
        base: IDT,
        limit: 0x7FF,
    };
    core.cr0 = Control::PROTECTION;
    core.look_at_pins(board);
    for segment in [Segment::Es, Segment::Ss, Segment::Ds, Segment::Fs, Segment::Gs] {
        core.load_segment(board, segment, DATA_0)
            .expect("the segment of data");
    }
    core.set_segment(
        Segment::Cs,
        SegmentRegister {
            selector: CODE_0,
            base: 0,
            limit: u32::MAX,
            access: 0xC09B,
        },
    );
    core.load_task_register(board, TASK).expect("the task");
    core.general[crate::Register::Esp as usize] = 0x8000;
    core.cycles = 0;
    core
}

/// The same at level 3, with its stack below 9000h.
pub(crate) fn user(board: &mut Board) -> Core {
    let mut core = protected(board);
    core.set_privilege(3);
    for segment in [Segment::Es, Segment::Ss, Segment::Ds, Segment::Fs, Segment::Gs] {
        core.load_segment(board, segment, DATA_3)
            .expect("the segment of data");
    }
    core.set_segment(
        Segment::Cs,
        SegmentRegister {
            selector: CODE_3,
            base: 0,
            limit: u32::MAX,
            access: 0xC0FB,
        },
    );
    core.general[crate::Register::Esp as usize] = 0x9000;
    core
}
