//! Tests of what bus cycles cost: on a board that reports waits of its own choice and counts what it is asked for, random
//! instructions take the clocks of their aligned form on a board without waits, and on top exactly the reported waits, two clocks
//! for each further bus cycle, and a walk's clocks for each page that the translation lookaside buffer lacks.

use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};

use crate::test_board::{Board, TASK_BASE, protected, user};
use crate::{Bus, Control, Cpu, Cycle, Page, Pins, Reply, Segment, SegmentRegister, State, Width};

/// Code lies in a page of its own, in which no access waits or is counted: these tests are about operands.
const CODE: u32 = 0x1_0000;
/// Memory of one byte repeated, and where data segments begin in it.
const FILLED: u32 = 0x1_1000;
const DATA: u32 = 0x2_0000;
const DIRECTORY: u32 = 0x8_0000;
const TABLE: u32 = 0x8_1000;

/// A board with waits.
#[derive(Clone)]
struct Waiting {
    board: Board,
    /// Waits are drawn from this; none if it is zero.
    seed: u32,
    /// The sum of all waits that were reported.
    waits: Cycle,
    /// Bus cycles. Pieces that the processor hands over one by one count once for each dword.
    bus_cycles: Cycle,
    /// Reads of the page directory: one in each walk.
    walks: Cycle,
    /// The dword of the last piece of a port transfer.
    port_dword: Option<u16>,
    /// An access has left plain memory.
    has_met_device: bool,
}

impl Waiting {
    fn new(board: Board, seed: u32) -> Self {
        Self {
            board,
            seed,
            waits: 0,
            bus_cycles: 0,
            walks: 0,
            port_dword: None,
            has_met_device: false,
        }
    }

    /// 0 to 7 waits, different from access to access.
    fn wait(&mut self) -> u32 {
        if self.seed == 0 {
            return 0;
        }
        self.seed = self.seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) | 1;
        let wait = self.seed >> 29;
        self.waits += Cycle::from(wait);
        wait
    }

    fn note_port(&mut self, port: u16) {
        if self.port_dword.replace(port >> 2) != Some(port >> 2) {
            self.bus_cycles += 1;
        }
    }
}

impl Bus for Waiting {
    fn memory(&mut self) -> &mut [u8] {
        self.board.memory()
    }

    fn page(&self, page: u32) -> Page {
        self.board.page(page)
    }

    fn memory_wait(&mut self, address: u32, is_write: bool) -> u32 {
        if address >> 12 == CODE >> 12 {
            return 0;
        }
        self.bus_cycles += 1;
        self.walks += Cycle::from(address >> 12 == DIRECTORY >> 12 && !is_write);
        self.wait()
    }

    fn read(&mut self, at: Cycle, address: u32, width: Width) -> Reply {
        self.has_met_device = true;
        let wait = self.wait();
        Reply {
            wait,
            ..self.board.read(at, address, width)
        }
    }

    fn write(&mut self, at: Cycle, address: u32, width: Width, value: u32) -> u32 {
        self.has_met_device = true;
        self.board.write(at, address, width, value);
        self.wait()
    }

    fn input(&mut self, at: Cycle, port: u16, width: Width) -> Reply {
        self.note_port(port);
        let wait = self.wait();
        Reply {
            wait,
            ..self.board.input(at, port, width)
        }
    }

    fn output(&mut self, _: Cycle, port: u16, _: Width, _: u32) -> u32 {
        self.note_port(port);
        self.wait()
    }

    fn acknowledge(&mut self, at: Cycle) -> Reply {
        let wait = self.wait();
        Reply {
            wait,
            ..self.board.acknowledge(at)
        }
    }

    fn pins(&self) -> Pins {
        self.board.pins()
    }

    fn nmi_taken(&mut self) {
        self.board.nmi_taken();
    }
}

/// One instruction, or an interrupt, or one iteration of a repeated instruction: its clocks, the board and the state behind it.
struct Outcome {
    clocks: Cycle,
    bus: Waiting,
    state: State,
}

fn run(board: &Board, state: &State, seed: u32) -> Outcome {
    let mut bus = Waiting::new(board.clone(), seed);
    bus.board.pins.until = state.cycles + 1;
    let mut cpu = Cpu::new();
    cpu.restore(state);
    cpu.run(&mut bus);
    Outcome {
        clocks: cpu.cycles() - state.cycles,
        bus,
        state: State {
            cycles: 0,
            prefetch_begun: 0,
            ..cpu.state()
        },
    }
}

/// An instruction and the registers in front of it.
#[derive(Clone, Debug)]
struct Case {
    code: Vec<u8>,
    general: [u16; 8],
    /// What all bytes of data are.
    fill: u8,
    is_real: bool,
    is_paged: bool,
}

impl Case {
    /// The board and the processor, with data segments that begin `base` bytes behind [`DATA`].
    fn prepare(&self, base: u32) -> (Board, State) {
        let mut board = Board::new();
        let mut core = protected(&mut board);
        board.set_bytes(FILLED, &vec![self.fill; (DIRECTORY - FILLED) as usize]);
        board.set_bytes(CODE, &self.code);
        board.set_dword(DIRECTORY, TABLE | 7);
        for page in 0..256 {
            board.set_dword(TABLE + page * 4, page << 12 | 7);
        }
        if self.is_paged {
            core.cr0 |= Control::PAGING;
            core.cr3 = DIRECTORY;
        }
        let mut state = core.state();
        let bits = if self.is_real { 0 } else { 0x4000 };
        for (number, register) in state.segments.iter_mut().enumerate() {
            let is_code = number == Segment::Cs as usize;
            *register = SegmentRegister {
                selector: register.selector,
                base: if is_code { 0 } else { DATA + base },
                limit: u32::MAX,
                access: if is_code && !self.is_real { 0x9B } else { 0x93 } | bits,
            };
        }
        state.general = self.general.map(u32::from);
        state.eip = CODE;
        if self.is_real {
            state.cr0 &= !(Control::PROTECTION | Control::PAGING).bits();
        }
        (board, state)
    }
}

fn instruction() -> impl Strategy<Value = Vec<u8>> {
    let prefixes = prop::collection::vec(
        prop_oneof![Just(0x66u8), Just(0x67), Just(0x64), Just(0xF3), Just(0xF2)],
        0..3,
    );
    let opcode = prop_oneof![
        4 => any::<u8>().prop_map(|opcode| vec![opcode]),
        1 => any::<u8>().prop_map(|opcode| vec![0x0F, opcode]),
    ];
    (prefixes, opcode, any::<[u8; 10]>()).prop_map(|(prefixes, opcode, rest)| {
        let mut rest = rest;
        // Displacements of 32 bits stay in memory.
        rest[3] = 0;
        rest[4] = 0;
        rest[5] = 0;
        [prefixes, opcode, rest.to_vec()].concat()
    })
}

fn case() -> impl Strategy<Value = Case> {
    (
        instruction(),
        any::<[u16; 8]>(),
        prop_oneof![Just(0u8), any::<u8>()],
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(code, general, fill, is_real, is_paged)| Case {
            code,
            general: general.map(|value| value & 0x3FFF),
            fill,
            is_real,
            is_paged: is_paged && !is_real,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_wait_that_the_board_reports_is_charged_once(case in case(), seed in 1u32.., interrupts: bool) {
        let (mut board, mut state) = case.prepare(0);
        if interrupts {
            board.pins.interrupt = true;
            state.eflags |= crate::Flags::INTERRUPT.bits();
        }
        let without = run(&board, &state, 0);
        let with = run(&board, &state, seed);
        prop_assert_eq!(with.clocks - without.clocks, with.bus.waits);
        prop_assert!(with.bus.board == without.bus.board);
        prop_assert!(with.state == without.state);
    }

    #[test]
    fn a_misaligned_operand_costs_two_clocks_for_each_further_bus_cycle(case in case(), base in 1u32..4) {
        let (board, state) = case.prepare(0);
        let aligned = run(&board, &state, 0);
        let (board, state) = case.prepare(base);
        let moved = run(&board, &state, 0);
        if aligned.bus.has_met_device || moved.bus.has_met_device || case.is_paged {
            return Ok(());
        }
        prop_assert_eq!(moved.state.is_shut_down, aligned.state.is_shut_down);
        if !aligned.state.is_shut_down {
            let bus_cycles = moved.bus.bus_cycles as i64 - aligned.bus.bus_cycles as i64;
            prop_assert_eq!(moved.clocks as i64 - aligned.clocks as i64, 2 * bus_cycles);
        }
    }

    #[test]
    fn a_page_that_the_buffer_lacks_costs_a_walk(case in case(), seed: u32) {
        let case = Case { is_real: false, is_paged: true, ..case };
        let (board, state) = case.prepare(0);
        let cold = run(&board, &state, seed);
        let warm_state = State { translations: cold.state.translations.clone(), ..state };
        let warm = run(&board, &warm_state, seed);
        if cold.state.is_shut_down || warm.bus.walks > 0 {
            return Ok(());
        }
        let walks = cold.bus.walks * 16 + 2 * (cold.bus.bus_cycles - warm.bus.bus_cycles);
        prop_assert_eq!(
            (cold.clocks - cold.bus.waits) - (warm.clocks - warm.bus.waits),
            walks
        );
    }
}

/// Clocks of an instruction with all of its data segments at a base, in flat protected mode without waits.
fn clocks_at(code: &[u8], base: u32, general: [u16; 8]) -> Cycle {
    let case = Case {
        code: code.to_vec(),
        general,
        fill: 0,
        is_real: false,
        is_paged: false,
    };
    let (board, state) = case.prepare(base);
    let outcome = run(&board, &state, 0);
    assert!(!outcome.state.is_shut_down, "{code:02x?}");
    outcome.clocks
}

#[test]
fn what_crosses_a_dword_boundary_takes_a_bus_cycle_more() {
    // Further bus cycles with the operand 1, 2 and 3 bytes behind a dword boundary.
    let cases: [(&str, &[u8], [Cycle; 3]); 24] = [
        ("mov al, [ebx]", &[0x8A, 0x03], [0, 0, 0]),
        ("mov ax, [ebx]", &[0x66, 0x8B, 0x03], [0, 0, 1]),
        ("mov eax, [ebx]", &[0x8B, 0x03], [1, 1, 1]),
        ("mov [ebx], al", &[0x88, 0x03], [0, 0, 0]),
        ("mov [ebx], ax", &[0x66, 0x89, 0x03], [0, 0, 1]),
        ("mov [ebx], eax", &[0x89, 0x03], [1, 1, 1]),
        ("add [ebx], al", &[0x00, 0x03], [0, 0, 0]),
        ("add [ebx], ax", &[0x66, 0x01, 0x03], [0, 0, 2]),
        ("add [ebx], eax", &[0x01, 0x03], [2, 2, 2]),
        ("cmp [ebx], eax", &[0x39, 0x03], [1, 1, 1]),
        ("xchg [ebx], eax", &[0x87, 0x03], [2, 2, 2]),
        ("push ax", &[0x66, 0x50], [1, 0, 0]),
        ("push eax", &[0x50], [1, 1, 1]),
        ("pop eax", &[0x58], [1, 1, 1]),
        ("push dword [ebx]", &[0xFF, 0x33], [2, 2, 2]),
        ("pop dword [ebx]", &[0x8F, 0x03], [2, 2, 2]),
        ("pushad", &[0x60], [8, 8, 8]),
        ("popad", &[0x61], [8, 8, 8]),
        ("movsb", &[0xA4], [0, 0, 0]),
        ("movsd", &[0xA5], [2, 2, 2]),
        ("cmpsd", &[0xA7], [2, 2, 2]),
        ("lodsw", &[0x66, 0xAD], [0, 0, 1]),
        ("lds eax, [ebx]", &[0xC5, 0x03], [1, 1, 2]),
        ("enter 0, 3", &[0xC8, 0, 0, 3], [6, 6, 6]),
    ];
    let general = [0, 0, 0, 0x100, 0x200, 0x300, 0x400, 0x500];
    for (text, code, further) in cases {
        let aligned = clocks_at(code, 0, general);
        for (base, further) in (1..4).zip(further) {
            assert_eq!(
                clocks_at(code, base, general),
                aligned + 2 * further,
                "{text} at {base}"
            );
        }
    }
}

#[test]
fn a_port_transfer_across_a_dword_boundary_takes_a_second_bus_cycle() {
    for (code, further) in [
        (&[0xECu8][..], [0, 0, 0]),
        (&[0x66, 0xED], [0, 0, 1]),
        (&[0xED], [1, 1, 1]),
        (&[0x66, 0xEF], [0, 0, 1]),
        (&[0xEF], [1, 1, 1]),
    ] {
        let clocks = |port: u16| clocks_at(code, 0, [0, 0, 0x100 + port, 0, 0x200, 0, 0, 0]);
        for (port, further) in (1..4).zip(further) {
            assert_eq!(clocks(port), clocks(0) + 2 * further, "{code:02x?} at {port}");
        }
    }
}

#[test]
fn only_base_index_and_displacement_together_cost_a_clock() {
    // Every ModRM byte with a memory operand, and with 32-bit addresses every SIB byte.
    let general = [0x100, 0, 0, 0x200, 0x300, 0x400, 0x500, 0x600];
    for modrm in (0..0xC0u8).filter(|modrm| modrm & 0x38 == 0) {
        let (mode, rm) = (modrm >> 6, modrm & 7);
        let has_three = mode > 0 && rm < 4;
        let code = [0x67, 0x8B, modrm, 0, 0, 0, 0];
        assert_eq!(
            clocks_at(&code, 0, general),
            4 + u64::from(has_three),
            "{code:02x?}"
        );
        if rm != 4 {
            assert_eq!(
                clocks_at(&[0x8B, modrm, 0, 0, 0, 0], 0, general),
                4,
                "{modrm:02x}"
            );
            continue;
        }
        for sib in 0..=255u8 {
            let (index, base) = (sib >> 3 & 7, sib & 7);
            let has_base = mode > 0 || base != 5;
            let has_displacement = mode > 0 || base == 5;
            let has_three = has_base && has_displacement && index != 4;
            let code = [0x8D, modrm, sib, 0, 0, 0, 0];
            let clocks = clocks_at(&code, 0, general);
            assert_eq!(clocks, 2 + u64::from(has_three), "{code:02x?}");
        }
    }
}

#[test]
fn a_repeated_instruction_costs_the_same_however_often_it_is_left() {
    for code in [&[0xF3, 0x6C][..], &[0xF3, 0x6F], &[0xF3, 0xA5], &[0xF3, 0xA6]] {
        let mut board = Board::new();
        let mut state = user(&mut board).state();
        // The permission map allows the port; reading it waits like all else.
        board.set_dword(TASK_BASE + 0x64, 0x68 << 16);
        board.set_bytes(CODE, code);
        board.wait = 3;
        state.general = [0, 9, 0x60, 0, 0x9000, 0, DATA, DATA + 0x100];
        state.eip = CODE;
        let mut often = Cpu::new();
        often.restore(&state);
        while often.state().eip == CODE {
            board.pins.until = often.cycles() + 1;
            often.run(&mut board);
        }
        let mut once = Cpu::new();
        once.restore(&state);
        board.pins.until = often.cycles();
        once.run(&mut board);
        assert_eq!(
            (once.cycles(), once.state().eip),
            (often.cycles(), CODE + 2),
            "{code:02x?}"
        );
    }
}
