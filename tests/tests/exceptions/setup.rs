//! A flat protected-mode machine whose handlers all halt, and how to bring it in front of one instruction that faults.

use cpu::{
    Control, Cpu, Fault, Flags, Register, Segment, SegmentRegister, State, Stop, TableRegister, Vector,
};
use tests::Board;

const MEMORY_BYTES: usize = 0x10_0000;
/// More cycles than any row takes.
const DEADLINE: cpu::Cycle = 10_000;

/// Where things lie, as linear and physical addresses.
pub(crate) const GDT: u32 = 0x1000;
pub(crate) const LOCAL_TABLE: u32 = 0x1800;
pub(crate) const IDT: u32 = 0x2000;
pub(crate) const TASK_BASE: u32 = 0x3000;
pub(crate) const OTHER_BASE: u32 = 0x3200;
pub(crate) const CODE: u32 = 0x1_0000;
pub(crate) const DIRECTORY: u32 = 0x4_0000;
pub(crate) const TABLE: u32 = 0x4_1000;
const HANDLERS: u32 = 0x2_0000;
const INNER_STACK: u32 = 0x7000;
const STACK: u32 = 0x8000;
const USER_STACK: u32 = 0x9000;
/// Where the other task goes on.
pub(crate) const OTHER_EIP: u32 = 0x4444;

/// Selectors. The user's have RPL 3.
pub(crate) const CODE_0: u16 = 0x08;
pub(crate) const DATA_0: u16 = 0x10;
pub(crate) const CODE_3: u16 = 0x1B;
pub(crate) const DATA_3: u16 = 0x23;
/// The running task.
pub(crate) const TASK: u16 = 0x28;
/// A task of level 3 that can be switched to.
pub(crate) const OTHER: u16 = 0x30;
/// The local table, loaded.
pub(crate) const LOCAL: u16 = 0x38;
/// Descriptors that a row may set.
pub(crate) const FREE: u16 = 0x40;
pub(crate) const GATE: u16 = 0x48;
/// Beyond both tables.
pub(crate) const BEYOND: u16 = 0x1000;

/// A vector whose gate is of level 3, to the handler of its own.
pub(crate) const USER_GATE: u8 = 0x18;
/// A vector with a gate of level 0.
pub(crate) const KERNEL_GATE: u8 = 0x19;

/// Who runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Kernel,
    User,
    Virtual8086,
}

/// The machine before its instruction.
pub(crate) struct Setup {
    pub(crate) state: State,
    memory: Vec<u8>,
    code: Vec<u8>,
    who: Who,
    /// EIP in the handler's frame, if it is not that of the instruction.
    pub(crate) blamed: Option<u32>,
    /// What CR2 must hold.
    pub(crate) page_fault_address: Option<u32>,
}

/// What the handler has found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) fault: Option<Fault>,
    /// EIP in its frame.
    pub(crate) eip: u32,
    /// CR2, if the row speaks of it.
    pub(crate) page_fault_address: Option<u32>,
    /// General registers without ESP, or those of the new task.
    pub(crate) general: [u32; 8],
}

impl Setup {
    /// At level 0.
    pub(crate) fn new() -> Self {
        let mut setup = Self {
            state: State::after_reset(),
            memory: vec![0; MEMORY_BYTES],
            code: Vec::new(),
            who: Who::Kernel,
            blamed: None,
            page_fault_address: None,
        };
        setup.write_tables();
        setup.write_tasks();
        let state = &mut setup.state;
        state.cr0 = (Control::PROTECTION | Control::from_bits_truncate(state.cr0)).bits();
        state.gdtr = TableRegister {
            base: GDT,
            limit: 0x5F,
        };
        state.idtr = TableRegister {
            base: IDT,
            limit: 0xFF,
        };
        state.segments = [flat(DATA_0, 0xC093); 6];
        state.segments[Segment::Cs as usize] = flat(CODE_0, 0xC09B);
        state.ldtr = system(LOCAL, LOCAL_TABLE, 0x1F, 0x82);
        state.tr = system(TASK, TASK_BASE, 0x67, 0x8B);
        state.general = [1, 2, 3, 4, STACK, 5, 6, 7];
        state.eip = CODE;
        setup
    }

    fn write_tables(&mut self) {
        self.segment(CODE_0, 0, 0xF_FFFF, 0xC09B);
        self.segment(DATA_0, 0, 0xF_FFFF, 0xC093);
        self.segment(CODE_3, 0, 0xF_FFFF, 0xC0FB);
        self.segment(DATA_3, 0, 0xF_FFFF, 0xC0F3);
        self.segment(TASK, TASK_BASE, 0x67, 0x8B);
        self.segment(OTHER, OTHER_BASE, 0x67, 0x89);
        self.segment(LOCAL, LOCAL_TABLE, 0x1F, 0x82);
        for vector in 0..0x20_u8 {
            let handler = HANDLERS + u32::from(vector) * 16;
            let access = if vector == USER_GATE { 0xEE } else { 0x8E };
            self.interrupt_gate(vector, CODE_0, handler, access);
            self.bytes(handler, &[0xF4]);
        }
    }

    fn write_tasks(&mut self) {
        for base in [TASK_BASE, OTHER_BASE] {
            self.dword(base + 4, INNER_STACK);
            self.dword(base + 8, u32::from(DATA_0));
            // No permission map within the limit.
            self.dword(base + 0x64, 0x68 << 16);
        }
        self.dword(OTHER_BASE + 0x20, OTHER_EIP);
        self.dword(OTHER_BASE + 0x38, USER_STACK);
        for number in 0..6 {
            let selector = if number == 1 { CODE_3 } else { DATA_3 };
            self.dword(OTHER_BASE + 0x48 + number * 4, u32::from(selector));
        }
    }

    /// Goes on at level 3.
    pub(crate) fn user(&mut self) {
        self.who = Who::User;
        self.state.privilege = 3;
        self.state.segments = [flat(DATA_3, 0xC0F3); 6];
        self.state.segments[Segment::Cs as usize] = flat(CODE_3, 0xC0FB);
        self.state.general[Register::Esp as usize] = USER_STACK;
    }

    /// Goes on in virtual 8086 mode, with the code at offset 0.
    pub(crate) fn virtual_8086(&mut self, io_privilege: u32) {
        self.user();
        self.who = Who::Virtual8086;
        self.state.eflags |= Flags::VIRTUAL_8086.bits() | io_privilege << 12;
        let register = |selector: u16| SegmentRegister {
            selector,
            base: u32::from(selector) << 4,
            limit: 0xFFFF,
            access: 0xF3,
        };
        self.state.segments = [register(0x5000); 6];
        self.state.segments[Segment::Cs as usize] = register((CODE >> 4) as u16);
        self.state.eip = 0;
    }

    /// Turns paging on: every page maps to itself, open to all.
    pub(crate) fn paging(&mut self) {
        self.state.cr0 |= Control::PAGING.bits();
        self.state.cr3 = DIRECTORY;
        self.dword(DIRECTORY, TABLE | 7);
        for page in 0..(MEMORY_BYTES / 0x1000) as u32 {
            self.page(page, 7);
        }
    }

    /// Sets the low bits of a page's entry: 1 present, 2 writable, 4 user.
    pub(crate) fn page(&mut self, page: u32, bits: u32) {
        self.dword(TABLE + page * 4, page << 12 | bits);
    }

    /// The instruction that faults.
    pub(crate) fn code(&mut self, code: &[u8]) {
        self.code = code.to_vec();
    }

    /// MOV segment, AX with a selector.
    pub(crate) fn load(&mut self, segment: Segment, selector: u16) {
        self.set(Register::Eax, u32::from(selector));
        self.code(&[0x8E, 0xC0 | (segment as u8) << 3]);
    }

    /// JMP or CALL to a far pointer, 32-bit.
    pub(crate) fn far(&mut self, opcode: u8, selector: u16, offset: u32) {
        self.code(&[&[opcode][..], &offset.to_le_bytes(), &selector.to_le_bytes()].concat());
    }

    /// A general register.
    pub(crate) fn set(&mut self, register: Register, value: u32) {
        self.state.general[register as usize] = value;
    }

    /// Dwords on the stack, the first on top.
    pub(crate) fn stack(&mut self, dwords: &[u32]) {
        let mut at = self.state.general[Register::Esp as usize];
        for dword in dwords {
            self.dword(at, *dword);
            at += 4;
        }
    }

    /// A dword of memory.
    pub(crate) fn dword(&mut self, address: u32, value: u32) {
        self.bytes(address, &value.to_le_bytes());
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&mut self, address: u32, bytes: &[u8]) {
        let at = address as usize;
        self.memory[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Copies bytes of memory.
    pub(crate) fn copy(&mut self, from: u32, to: u32, bytes: usize) {
        let from = from as usize;
        self.memory.copy_within(from..from + bytes, to as usize);
    }

    /// A descriptor of the global or local table; `access` is bytes 5 and 6 without the limit's bits, `limit` the raw 20 bits.
    pub(crate) fn segment(&mut self, selector: u16, base: u32, limit: u32, access: u16) {
        let at = self.place(selector);
        self.dword(at, (limit & 0xFFFF) | base << 16);
        let high = (base & 0xFF00_0000) | (base >> 16 & 0xFF) | (limit & 0xF_0000);
        self.dword(at + 4, high | u32::from(access) << 8);
    }

    /// A gate of the global table.
    pub(crate) fn gate(&mut self, selector: u16, target: u16, access: u8, parameters: u8) {
        self.write_gate(self.place(selector), target, 0x5000, access, parameters);
    }

    /// A gate of the interrupt table.
    pub(crate) fn interrupt_gate(&mut self, vector: u8, target: u16, offset: u32, access: u8) {
        self.write_gate(IDT + u32::from(vector) * 8, target, offset, access, 0);
    }

    fn write_gate(&mut self, at: u32, target: u16, offset: u32, access: u8, parameters: u8) {
        self.dword(at, (offset & 0xFFFF) | u32::from(target) << 16);
        let attributes = u32::from(access) << 8 | u32::from(parameters);
        self.dword(at + 4, (offset & 0xFFFF_0000) | attributes);
    }

    fn place(&self, selector: u16) -> u32 {
        let table = if selector & 4 != 0 { LOCAL_TABLE } else { GDT };
        table + u32::from(selector & !7)
    }

    /// Runs until a handler halts.
    pub(crate) fn run(mut self) -> Outcome {
        let code = std::mem::take(&mut self.code);
        self.bytes(CODE, &code);
        self.bytes(CODE + code.len() as u32, &[0xF4]);
        let mut cpu = Cpu::new();
        cpu.restore(&self.state);
        let mut board = Board::new(self.memory, DEADLINE);
        let stop = cpu.run(&mut board);
        let state = cpu.state();
        let mut outcome = Outcome {
            fault: None,
            eip: state.eip,
            page_fault_address: self.page_fault_address.map(|_| state.cr2),
            general: state.general,
        };
        outcome.general[Register::Esp as usize] = 0;
        let handler = state.eip.wrapping_sub(HANDLERS + 1);
        if stop != Stop::Halted || !handler.is_multiple_of(16) {
            return outcome;
        }
        let Some(vector) = vector(handler / 16) else {
            return outcome;
        };
        let mut top = state.general[Register::Esp as usize] as usize;
        let mut pop = || {
            let bytes = board.memory[top..top + 4].try_into().expect("four bytes");
            top += 4;
            u32::from_le_bytes(bytes)
        };
        let error_code = has_error_code(vector).then(|| pop() as u16);
        outcome.fault = Some(error_code.map_or(Fault::plain(vector), |code| Fault::with_code(vector, code)));
        outcome.eip = pop();
        outcome
    }

    /// What must come of it if the fault is `fault`.
    pub(crate) fn expected(&self, fault: Fault) -> Outcome {
        let mut general = match self.blamed {
            Some(OTHER_EIP) => [0; 8],
            _ => self.state.general,
        };
        general[Register::Esp as usize] = 0;
        Outcome {
            fault: Some(fault),
            eip: self.blamed.unwrap_or(self.state.eip),
            page_fault_address: self.page_fault_address,
            general,
        }
    }
}

fn flat(selector: u16, access: u16) -> SegmentRegister {
    system(selector, 0, u32::MAX, access)
}

fn system(selector: u16, base: u32, limit: u32, access: u16) -> SegmentRegister {
    SegmentRegister {
        selector,
        base,
        limit,
        access,
    }
}

fn vector(number: u32) -> Option<Vector> {
    const ALL: [Vector; 15] = [
        Vector::DivideError,
        Vector::Debug,
        Vector::Breakpoint,
        Vector::Overflow,
        Vector::BoundRange,
        Vector::InvalidOpcode,
        Vector::NoCoprocessor,
        Vector::DoubleFault,
        Vector::CoprocessorOverrun,
        Vector::InvalidTss,
        Vector::NotPresent,
        Vector::Stack,
        Vector::GeneralProtection,
        Vector::Page,
        Vector::CoprocessorError,
    ];
    ALL.into_iter().find(|vector| *vector as u32 == number)
}

/// PRM table 9-7.
fn has_error_code(vector: Vector) -> bool {
    matches!(
        vector,
        Vector::DoubleFault
            | Vector::InvalidTss
            | Vector::NotPresent
            | Vector::Stack
            | Vector::GeneralProtection
            | Vector::Page
    )
}
