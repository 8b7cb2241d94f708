//! Cases on the crate `cpu`: a processor at level 3, paged, with the same segments and pages, and gates that halt.

use cpu::{Control, Cpu, Cycle, Segment, SegmentRegister, State, Stop, TableRegister};

use super::habit::Instead;
use super::layout::{self, CODE, DATA, DATA_PAGES, Image, PAGE, TABLE, WRITABLE_PAGES, image_offset};
use super::{Case, Outcome};
use crate::Board;

/// Linear address of what belongs to the system: tables, stack, handlers. The silicon has nothing there.
const SYSTEM: u32 = 0xA5A5_0000;
/// Where the parts of the system lie behind [`SYSTEM`].
const GLOBAL_TABLE: u32 = 0;
const LOCAL_TABLE: u32 = 0x200;
const TASK: u32 = 0x600;
const INTERRUPT_TABLE: u32 = 0x1000;
const HANDLERS: u32 = 0x2000;
const STACK_TOP: u32 = 0x4000;
const SYSTEM_PAGES: u32 = 4;
/// Which item of an exception's frame is ESP.
const SAVED_ESP: u32 = 3;

/// The handler of an exception: HLT, and a jump back to it, so that the crate `cpu` decodes no more.
const HANDLER: [u8; 4] = [0xF4, 0xEB, 0xFD, 0xCC];

/// Physical memory: page directory, two page tables, the system, the data's image, code.
const DIRECTORY: u32 = 0;
const USER_PAGES: u32 = 0x1000;
const SYSTEM_TABLE: u32 = 0x2000;
const SYSTEM_MEMORY: u32 = 0x3000;
const DATA_MEMORY: usize = 0x7000;
const CODE_MEMORY: usize = DATA_MEMORY + size_of::<Image>();
const MEMORY_BYTES: usize = CODE_MEMORY + PAGE;

/// Linux's global table, as far as a program may see it: code and data of level 0, then of level 3, and last a segment of data
/// that expands down, whose limit is the number of the processor.
const GLOBAL: [u64; 16] = [
    0,
    0x00CF_9B00_0000_FFFF,
    0x00AF_9B00_0000_FFFF,
    0x00CF_9300_0000_FFFF,
    0x00CF_FB00_0000_FFFF,
    0x00CF_F300_0000_FFFF,
    0x00AF_FB00_0000_FFFF,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0x0040_F500_0000_0000,
];
/// The last of them, without its requested level.
pub(super) const PROCESSOR_NUMBER: u16 = 0x78;
const KERNEL_CODE: u16 = 0x08;
const KERNEL_DATA: u16 = 0x18;
const TASK_SELECTOR: u16 = 0x40;
const LOCAL_SELECTOR: u16 = 0x50;
/// Software interrupts that Linux lets programs use: breakpoint and overflow. (80h, too; no case has it.)
const OPEN_GATES: [u32; 2] = [3, 4];

/// Cycles after which a case is one that does not end.
const MOST_CYCLES: Cycle = 4_000_000;

impl Board {
    /// One with what the system has and every case needs.
    fn with_system() -> Self {
        let mut board = Board::new(vec![0; MEMORY_BYTES], MOST_CYCLES);
        board.answer = 0;
        board.map_pages();
        let at = SYSTEM_MEMORY + GLOBAL_TABLE;
        for (number, entry) in (0..).zip(GLOBAL) {
            board.set(at + number * 8, entry as u32);
            board.set(at + number * 8 + 4, (entry >> 32) as u32);
        }
        let at = SYSTEM_MEMORY + LOCAL_TABLE;
        for (number, entry) in (0..).zip(TABLE) {
            let bytes = entry.map_or(0, layout::Descriptor::bytes);
            board.set(at + number * 8, bytes as u32);
            board.set(at + number * 8 + 4, (bytes >> 32) as u32);
        }
        board.set(SYSTEM_MEMORY + TASK + 4, SYSTEM + STACK_TOP);
        board.set(SYSTEM_MEMORY + TASK + 8, u32::from(KERNEL_DATA));
        board.set(SYSTEM_MEMORY + TASK + 0x64, 0x0068_0000);
        for vector in 0..256 {
            let level = if OPEN_GATES.contains(&vector) { 3 } else { 0 };
            let at = SYSTEM_MEMORY + INTERRUPT_TABLE + vector * 8;
            let handler = SYSTEM + HANDLERS + vector * HANDLER.len() as u32;
            board.set(at, handler & 0xFFFF | u32::from(KERNEL_CODE) << 16);
            board.set(at + 4, handler & 0xFFFF_0000 | 0x8E00 | level << 13);
        }
        let handlers = &mut board.memory[(SYSTEM_MEMORY + HANDLERS) as usize..];
        for handler in handlers.chunks_exact_mut(HANDLER.len()).take(256) {
            handler.copy_from_slice(&HANDLER);
        }
        board
    }

    fn map_pages(&mut self) {
        const SYSTEM_RIGHTS: u32 = 3;
        const USER_READ: u32 = 5;
        const USER_WRITE: u32 = 7;
        self.set(DIRECTORY + (CODE >> 22) * 4, USER_PAGES | USER_WRITE);
        self.set(DIRECTORY + (SYSTEM >> 22) * 4, SYSTEM_TABLE | SYSTEM_RIGHTS);
        let entry = |linear: u32| (linear >> 12 & 0x3FF) * 4;
        for page in 0..SYSTEM_PAGES {
            let physical = SYSTEM_MEMORY + page * 0x1000;
            self.set(
                SYSTEM_TABLE + entry(SYSTEM + page * 0x1000),
                physical | SYSTEM_RIGHTS,
            );
        }
        for (number, page) in DATA_PAGES.into_iter().enumerate() {
            let physical = (DATA_MEMORY + number * PAGE) as u32;
            let rights = if number < WRITABLE_PAGES {
                USER_WRITE
            } else {
                USER_READ
            };
            self.set(USER_PAGES + entry(DATA + page * 0x1000), physical | rights);
        }
        self.set(USER_PAGES + entry(CODE), CODE_MEMORY as u32 | USER_READ);
    }

    fn set(&mut self, address: u32, value: u32) {
        let at = address as usize;
        self.memory[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    fn dword(&self, address: u32) -> u32 {
        let at = address as usize;
        u32::from_le_bytes(self.memory[at..at + 4].try_into().expect("four bytes"))
    }

    fn data(&mut self) -> &mut [u8] {
        &mut self.memory[DATA_MEMORY..CODE_MEMORY]
    }
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It goes on.
    Done,
    /// The case has ended.
    Halted,
    /// It does not end, or in a shutdown.
    Endless,
}

/// Runs cases on the crate `cpu`.
#[derive(Debug)]
pub struct Model {
    cpu: Cpu<Board>,
    board: Board,
    template: State,
}

impl Default for Model {
    fn default() -> Self {
        Self::new()
    }
}

impl Model {
    /// A processor and its board.
    #[must_use]
    pub fn new() -> Self {
        let cpu = Cpu::new();
        let local = SegmentRegister {
            selector: LOCAL_SELECTOR,
            base: SYSTEM + LOCAL_TABLE,
            limit: TABLE.len() as u32 * 8 - 1,
            access: 0x82,
        };
        let task = SegmentRegister {
            selector: TASK_SELECTOR,
            base: SYSTEM + TASK,
            limit: 0x67,
            access: 0x8B,
        };
        let table = |offset, limit| TableRegister {
            base: SYSTEM + offset,
            limit,
        };
        let template = State {
            cr0: (Control::PROTECTION | Control::PAGING).bits(),
            cr3: DIRECTORY,
            ldtr: local,
            tr: task,
            gdtr: table(GLOBAL_TABLE, 0x7F),
            idtr: table(INTERRUPT_TABLE, 0x7FF),
            privilege: 3,
            cycles: 0,
            instructions: 0,
            ..cpu.state()
        };
        Self {
            cpu,
            board: Board::with_system(),
            template,
        }
    }

    /// Runs a case; none if it does not end, or ends in a shutdown.
    pub fn run(&mut self, case: &Case) -> Option<Outcome> {
        self.begin(case);
        self.board.until = MOST_CYCLES;
        (self.cpu.run(&mut self.board) == Stop::Halted).then(|| self.outcome(case))
    }

    /// Puts a case in place.
    pub(super) fn begin(&mut self, case: &Case) {
        self.board.data().copy_from_slice(&case.data());
        self.board.memory[CODE_MEMORY..].copy_from_slice(&case.page());
        self.cpu.restore(&State {
            general: case.general,
            eip: case.eip,
            eflags: case.flags,
            segments: case.segments.map(segment_register),
            ..self.template.clone()
        });
    }

    /// Executes one instruction, or one iteration of it, or takes an exception.
    pub(super) fn step(&mut self) -> Step {
        self.board.until = self.cpu.cycles() + 1;
        match self.cpu.run(&mut self.board) {
            Stop::Halted => Step::Halted,
            Stop::Reached if self.cpu.cycles() < MOST_CYCLES => Step::Done,
            Stop::Reached | Stop::ShutDown => Step::Endless,
        }
    }

    /// Executes other bytes in the place of the instruction at a linear address of the code, as a step.
    pub(super) fn step_instead(&mut self, linear: u32, instead: &Instead) -> Step {
        let place = CODE_MEMORY + (linear - CODE) as usize;
        let text = place..place + instead.text.len();
        let before = self.state();
        let mut state = before.clone();
        if let Some(eax) = instead.eax {
            state.general[0] = eax;
        }
        state.general[4] = state.general[4].wrapping_add(instead.esp_above);
        let kept = self.board.memory[text.clone()].to_vec();
        self.board.memory[text.clone()].copy_from_slice(&instead.text);
        // It forgets what was decoded, too.
        self.set_state(&state);
        let step = self.step();
        self.board.memory[text].copy_from_slice(&kept);
        let mut after = self.state();
        after.general[0] = before.general[0];
        if after.privilege == 3 {
            after.general[4] = after.general[4].wrapping_sub(instead.esp_above);
        } else {
            let at = self.frame_item(SAVED_ESP);
            let saved = self.board.dword(at);
            self.board.set(at, saved.wrapping_sub(instead.esp_above));
        }
        self.set_state(&after);
        step
    }

    /// The processor's registers.
    pub(super) fn state(&self) -> State {
        self.cpu.state()
    }

    /// Gives the processor other registers.
    pub(super) fn set_state(&mut self, state: &State) {
        self.cpu.restore(state);
    }

    /// A byte at a linear address of the code or the data.
    pub(super) fn byte(&self, linear: u32) -> Option<u8> {
        let place = match image_offset(linear) {
            Some(offset) => DATA_MEMORY + offset,
            None if linear & !0xFFF == CODE => CODE_MEMORY + (linear - CODE) as usize,
            None => return None,
        };
        self.board.memory.get(place).copied()
    }

    /// The exception that has been taken has an error code on its stack.
    fn has_error_code(&self) -> bool {
        STACK_TOP - (self.state().general[4] - SYSTEM) == 24
    }

    /// Physical address of an item of its frame, above the error code.
    fn frame_item(&self, number: u32) -> u32 {
        let frame = self.state().general[4] - SYSTEM + SYSTEM_MEMORY;
        frame + (number + u32::from(self.has_error_code())) * 4
    }

    /// The outcome, from the halted handler's registers and the frame on its stack.
    pub(super) fn outcome(&self, case: &Case) -> Outcome {
        let state = self.cpu.state();
        let vector = state.eip.wrapping_sub(SYSTEM + HANDLERS) / HANDLER.len() as u32;
        let error_code = if self.has_error_code() {
            self.board.dword(self.frame_item(0) - 4)
        } else {
            0
        };
        let item = |number| self.board.dword(self.frame_item(number));
        let mut outcome = Outcome {
            vector,
            error_code,
            address: if vector == 14 { state.cr2 } else { 0 },
            eip: item(0),
            flags: item(2),
            general: state.general,
            segments: state.segments.map(|register| register.selector),
            ..Outcome::empty()
        };
        outcome.segments[Segment::Cs as usize] = item(1) as u16;
        outcome.general[4] = item(SAVED_ESP);
        outcome.segments[Segment::Ss as usize] = item(4) as u16;
        outcome.note_changes(&case.data(), &self.board.memory[DATA_MEMORY..CODE_MEMORY]);
        outcome
    }
}

fn segment_register(selector: u16) -> SegmentRegister {
    layout::descriptor(selector).map_or(
        SegmentRegister {
            selector,
            ..SegmentRegister::default()
        },
        |descriptor| SegmentRegister {
            selector,
            base: descriptor.base,
            limit: descriptor.limit_bytes(),
            access: descriptor.access(),
        },
    )
}
