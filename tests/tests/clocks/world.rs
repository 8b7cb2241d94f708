//! A processor in each of its modes in front of an instruction, with tables, tasks and an operand around it, on a board without
//! wait states.

use cpu::{Control, Cpu, Cycle, Flags, Register, Segment, SegmentRegister, State, TableRegister};
use tests::Board;

pub(crate) const CODE: u32 = 0x4000;
pub(crate) const OPERAND: u32 = 0x5000;
pub(crate) const STACK: u32 = 0x6000;
/// Where transfers lead.
pub(crate) const LANDING: u32 = 0x7000;
pub(crate) const GDT: u32 = 0x1000;
pub(crate) const IDT: u32 = 0x2000;
/// The running task's state segment, with a permission map that allows all ports below 100h.
pub(crate) const OLD_TASK: u32 = 0x8000;
pub(crate) const NEW_TASK: u32 = 0x9000;
const INNER_STACK: u32 = 0xA000;

/// Selectors.
pub(crate) const CODE_0: u16 = 0x08;
pub(crate) const DATA_0: u16 = 0x10;
pub(crate) const CODE_3: u16 = 0x1B;
pub(crate) const DATA_3: u16 = 0x23;
pub(crate) const OLD: u16 = 0x28;
pub(crate) const NEW: u16 = 0x30;
pub(crate) const GATE: u16 = 0x38;

/// The vector of the gate that INT n and the hardware use.
pub(crate) const VECTOR: u8 = 0x30;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Real,
    /// Protected mode, level 0.
    Kernel,
    /// Protected mode, level 3, IOPL 0.
    User,
    /// With IOPL 3.
    Virtual8086,
}

impl Mode {
    pub(crate) const ALL: [Self; 4] = [Self::Real, Self::Kernel, Self::User, Self::Virtual8086];

    pub(crate) fn is_32_bit(self) -> bool {
        matches!(self, Self::Kernel | Self::User)
    }

    fn is_protected(self) -> bool {
        self != Self::Real
    }

    fn segment(self, is_code: bool) -> SegmentRegister {
        let (selector, limit, access) = match (self, is_code) {
            (Self::Real, _) => (0, 0xFFFF, 0x93),
            (Self::Virtual8086, _) => (0, 0xFFFF, 0xF3),
            (Self::Kernel, true) => (CODE_0, u32::MAX, 0xC09B),
            (Self::Kernel, false) => (DATA_0, u32::MAX, 0xC093),
            (Self::User, true) => (CODE_3, u32::MAX, 0xC0FB),
            (Self::User, false) => (DATA_3, u32::MAX, 0xC0F3),
        };
        SegmentRegister {
            selector,
            base: 0,
            limit,
            access,
        }
    }
}

/// An instruction that others jump to, with the components that this costs and its own clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) code: &'static [u8],
    pub(crate) components: Cycle,
    pub(crate) clocks: Cycle,
}

const fn target(code: &'static [u8], components: Cycle, clocks: Cycle) -> Target {
    Target {
        code,
        components,
        clocks,
    }
}

/// NOP, with a prefix too, MOV of a constant, LEA with a displacement.
const TARGETS_16: [Target; 4] = [
    target(&[0x90], 1, 3),
    target(&[0x66, 0x90], 2, 3),
    target(&[0xB8, 1, 2], 2, 2),
    target(&[0x8D, 0x40, 8], 3, 3),
];
const TARGETS_32: [Target; 4] = [
    target(&[0x90], 1, 3),
    target(&[0x66, 0x90], 2, 3),
    target(&[0xB8, 1, 2, 3, 4], 2, 2),
    target(&[0x8D, 0x44, 0x33, 8], 4, 3),
];

/// Instructions for code of 16 or 32 bits.
pub(crate) fn targets(is_32_bit: bool) -> &'static [Target; 4] {
    if is_32_bit { &TARGETS_32 } else { &TARGETS_16 }
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) mode: Mode,
    pub(crate) board: Board,
    pub(crate) state: State,
}

impl World {
    /// EBX, ESI and EDI point to the operand, ECX is 1, EAX and EDX 0.
    pub(crate) fn new(mode: Mode) -> Self {
        let mut state = State::after_reset();
        state.general = [0, 1, 0, OPERAND, STACK, OPERAND, OPERAND, OPERAND];
        state.eip = CODE;
        state.segments = [mode.segment(false); 6];
        state.segments[Segment::Cs as usize] = mode.segment(true);
        state.privilege = if matches!(mode, Mode::Real | Mode::Kernel) {
            0
        } else {
            3
        };
        let mut world = Self {
            mode,
            board: Board::new(vec![0; 0x1_0000], 1),
            state,
        };
        if mode == Mode::Virtual8086 {
            world.state.eflags |= (Flags::VIRTUAL_8086 | Flags::IO_PRIVILEGE).bits();
        }
        if mode.is_protected() {
            world.protect();
        }
        world
    }

    fn protect(&mut self) {
        self.state.cr0 |= Control::PROTECTION.bits();
        self.state.gdtr = TableRegister {
            base: GDT,
            limit: 0xFF,
        };
        self.state.idtr = TableRegister {
            base: IDT,
            limit: 0x7FF,
        };
        self.set_segment(CODE_0, 0, 0xF_FFFF, 0xC09B);
        self.set_segment(DATA_0, 0, 0xF_FFFF, 0xC093);
        self.set_segment(CODE_3, 0, 0xF_FFFF, 0xC0FB);
        self.set_segment(DATA_3, 0, 0xF_FFFF, 0xC0F3);
        self.set_running_task(true);
        self.set_dword(OLD_TASK + 4, INNER_STACK);
        self.set_dword(OLD_TASK + 8, u32::from(DATA_0));
        self.set_dword(OLD_TASK + 0x64, 0x68 << 16);
        self.board.write_bytes(OLD_TASK + 0x88, &[0xFF]);
    }

    /// Makes the running task one of the 386 or the 286.
    pub(crate) fn set_running_task(&mut self, is_32_bit: bool) {
        let access: u16 = if is_32_bit { 0x8B } else { 0x83 };
        self.set_segment(OLD, OLD_TASK, 0x88, access.into());
        self.state.tr = SegmentRegister {
            selector: OLD,
            base: OLD_TASK,
            limit: 0x88,
            access,
        };
    }

    pub(crate) fn register(&mut self, register: Register, value: u32) -> &mut Self {
        self.state.general[register as usize] = value;
        self
    }

    pub(crate) fn set_dword(&mut self, address: u32, value: u32) {
        self.board.write_bytes(address, &value.to_le_bytes());
    }

    /// Writes dwords one behind the other.
    pub(crate) fn set_dwords(&mut self, address: u32, values: &[u32]) {
        for (at, value) in (address..).step_by(4).zip(values) {
            self.set_dword(at, *value);
        }
    }

    /// Writes words one behind the other.
    pub(crate) fn set_words(&mut self, address: u32, values: &[u16]) {
        for (at, value) in (address..).step_by(2).zip(values) {
            self.board.write_bytes(at, &value.to_le_bytes());
        }
    }

    /// A descriptor of the global table: `access` is byte 5, and above it the upper half of byte 6.
    pub(crate) fn set_segment(&mut self, selector: u16, base: u32, limit: u32, access: u32) {
        let high = (base & 0xFF00_0000) | (base >> 16 & 0xFF) | (limit & 0xF_0000) | access << 8;
        self.set_dwords(
            GDT + u32::from(selector & !7),
            &[limit & 0xFFFF | base << 16, high],
        );
    }

    /// A gate at an address, for everyone: `kind` is the low half of byte 5.
    pub(crate) fn set_gate(&mut self, at: u32, selector: u16, kind: u32, parameters: u32) {
        let low = LANDING | u32::from(selector) << 16;
        self.set_dwords(at, &[low, (0xE0 | kind) << 8 | parameters]);
    }

    /// Executes the instruction at EIP to its end and returns its clocks.
    fn step(cpu: &mut Cpu<Board>, board: &mut Board) -> Cycle {
        let (before, done) = (cpu.cycles(), cpu.state().instructions);
        while cpu.state().instructions == done {
            assert!(!cpu.state().is_shut_down, "a fault");
            board.until = cpu.cycles() + 1;
            cpu.run(board);
        }
        cpu.cycles() - before
    }

    /// The clocks of an instruction that leads behind itself, and the state then.
    pub(crate) fn run(&self, code: &[u8]) -> (Cycle, State) {
        let (clocks, state) = self.run_anywhere(code);
        assert_eq!(state.eip, CODE + code.len() as u32, "{:?} {code:02x?}", self.mode);
        (clocks, state)
    }

    /// The clocks of an instruction, without m, and the state then.
    pub(crate) fn run_anywhere(&self, code: &[u8]) -> (Cycle, State) {
        let mut board = self.board.clone();
        board.write_bytes(CODE, code);
        let mut cpu = Cpu::new();
        cpu.restore(&self.state);
        let clocks = Self::step(&mut cpu, &mut board);
        (clocks, cpu.state())
    }

    /// The clocks of an instruction that leads behind itself.
    pub(crate) fn clocks(&self, code: &[u8]) -> Cycle {
        self.run(code).0
    }

    /// The clocks of a transfer, with what the target's components cost.
    pub(crate) fn clocks_to(&self, code: &[u8], landing: u32, target: &Target) -> Cycle {
        let mut board = self.board.clone();
        board.write_bytes(CODE, code);
        board.write_bytes(landing, target.code);
        let mut cpu = Cpu::new();
        cpu.restore(&self.state);
        let clocks = Self::step(&mut cpu, &mut board);
        assert_eq!(cpu.state().eip, landing, "{:?} {code:02x?}", self.mode);
        let both = clocks + Self::step(&mut cpu, &mut board);
        let behind = landing + target.code.len() as u32;
        assert_eq!(cpu.state().eip, behind, "{code:02x?} to {target:02x?}");
        both - target.clocks
    }
}
