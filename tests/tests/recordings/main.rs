//! Recordings of single instructions on real processors, which nobody of this project made, against the crate `cpu`.
//!
//! The recordings are not part of the project: `../shared/conformance` beside the project's folder holds one file per
//! opcode form in MOO format (SingleStepTests). Each is run from its state before to its HLT, and compared in registers,
//! flags, all memory, I/O writes and exceptions. Where a processor other than a 386 was recorded, [`exclusions`] says what
//! is not compared, and why.
//!
//! Left out: timing, which belongs to the recorded boards.
#![forbid(unsafe_code)]

mod board;
mod exclusions;
mod moo;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use cpu::{Cpu, Flags, Register, Segment, SegmentRegister, State, Stop};
use flate2::read::GzDecoder;
use tests::tell;

use crate::board::Board;
use crate::exclusions::{Exclusion, OF_A_286, OF_A_386, What};
use crate::moo::{Case, Name, PortWrite, Recording, Registers};

/// The folder of the recordings, relative to this package.
const FOLDER: &str = "../../shared/conformance";
/// How many failures are told in full.
const MOST_TOLD: usize = 20;

/// Registers of the recordings and of the crate.
const GENERAL: [(Name, Register); 8] = [
    (Name::Eax, Register::Eax),
    (Name::Ecx, Register::Ecx),
    (Name::Edx, Register::Edx),
    (Name::Ebx, Register::Ebx),
    (Name::Esp, Register::Esp),
    (Name::Ebp, Register::Ebp),
    (Name::Esi, Register::Esi),
    (Name::Edi, Register::Edi),
];
const SEGMENTS: [(Name, Segment); 6] = [
    (Name::Es, Segment::Es),
    (Name::Cs, Segment::Cs),
    (Name::Ss, Segment::Ss),
    (Name::Ds, Segment::Ds),
    (Name::Fs, Segment::Fs),
    (Name::Gs, Segment::Gs),
];

/// A folder of recordings.
struct Collection {
    folder: &'static str,
    exclusions: &'static [Exclusion],
    /// Bits of FLAGS that the recorded processor has. The state before may show others.
    flags: u32,
}

const COLLECTIONS: [Collection; 2] = [
    Collection {
        folder: "80286-real",
        exclusions: OF_A_286,
        flags: 0x0FFF,
    },
    Collection {
        folder: "80386-real",
        exclusions: OF_A_386,
        flags: 0x3_FFFF,
    },
];

/// What came of the cases.
#[derive(Default)]
struct Tally {
    run: usize,
    passed: usize,
    /// Cases that were not run, by reason.
    excluded: BTreeMap<&'static str, usize>,
    /// Cases that were run and not compared in everything, by reason.
    partial: BTreeMap<&'static str, usize>,
    /// By form.
    failed: BTreeMap<String, usize>,
    told: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.run += other.run;
        self.passed += other.passed;
        for (reason, count) in other.excluded {
            *self.excluded.entry(reason).or_default() += count;
        }
        for (reason, count) in other.partial {
            *self.partial.entry(reason).or_default() += count;
        }
        for (form, count) in other.failed {
            *self.failed.entry(form).or_default() += count;
        }
        self.told.extend(other.told);
    }

    fn summary(&self, folder: &str) -> String {
        let excluded: usize = self.excluded.values().sum();
        let mut text = format!(
            "{folder}: {} cases run, {} passed, {excluded} excluded\n",
            self.run, self.passed
        );
        for (reason, count) in &self.excluded {
            let _ = writeln!(text, "{count:8} excluded: {reason}");
        }
        for (reason, count) in &self.partial {
            let _ = writeln!(text, "{count:8} compared in part: {reason}");
        }
        text
    }
}

#[test]
fn an_80386_does_what_the_recorded_processors_did() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    for collection in &COLLECTIONS {
        let folder = root.join(collection.folder);
        if !folder.is_dir() {
            tell(&format!("{}: not there, nothing to compare\n", folder.display()));
            continue;
        }
        let tally = run_collection(collection, &files_of(&folder));
        tell(&tally.summary(collection.folder));
        assert!(tally.run > 0, "{}: no recordings", folder.display());
        let told = &tally.told[..tally.told.len().min(MOST_TOLD)];
        assert!(tally.failed.is_empty(), "{:?}\n{}", tally.failed, told.join("\n"));
    }
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder that can be read");
    let paths = entries.map(|entry| entry.expect("a folder that can be read").path());
    let mut files: Vec<_> = paths
        .filter(|path| path.to_string_lossy().ends_with(".MOO.gz"))
        .collect();
    files.sort();
    files
}

/// Runs the files on all processors of the host.
fn run_collection(collection: &Collection, files: &[PathBuf]) -> Tally {
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Tally::default());
    let work = || {
        let mut board = Board::new();
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let tally = run_file(collection, file, &mut board);
            total.lock().expect("no other thread has panicked").add(tally);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let mut tally = total.into_inner().expect("no thread has panicked");
    tally.told.sort();
    tally
}

fn run_file(collection: &Collection, path: &Path, board: &mut Board) -> Tally {
    let mut unpacked = Vec::new();
    let read = File::open(path).and_then(|file| GzDecoder::new(file).read_to_end(&mut unpacked));
    read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let recording = moo::read(&unpacked).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let form = path
        .file_name()
        .map(|name| name.to_string_lossy().replace(".MOO.gz", ""))
        .expect("a file has a name");
    run_recording(collection, &form, &recording, board)
}

fn run_recording(collection: &Collection, form: &str, recording: &Recording, board: &mut Board) -> Tally {
    let rows: Vec<_> = collection
        .exclusions
        .iter()
        .filter(|row| row.names(form))
        .collect();
    let mut tally = Tally::default();
    for case in &recording.cases {
        let excludes = |row: &&&Exclusion| matches!(row.what, What::Case(applies) if applies(case));
        if let Some(row) = rows.iter().find(excludes) {
            *tally.excluded.entry(row.reason).or_default() += 1;
            continue;
        }
        let mut compared = Compared {
            flags: u32::MAX,
            has_ports: true,
        };
        for row in &rows {
            match row.what {
                What::Flags(undefined) => compared.flags &= !undefined.bits(),
                What::PortWrites => compared.has_ports = false,
                What::Case(_) => continue,
            }
            *tally.partial.entry(row.reason).or_default() += 1;
        }
        tally.run += 1;
        let differences = run_case(recording, case, &compared, collection.flags, board);
        if differences.is_empty() {
            tally.passed += 1;
            continue;
        }
        *tally.failed.entry(form.to_owned()).or_default() += 1;
        tally.told.push(format!(
            "{form} #{} {} {:02x?}: {}",
            case.index,
            case.name,
            case.bytes,
            differences.join(", ")
        ));
    }
    tally
}

/// What of a case is compared.
struct Compared {
    /// Bits of FLAGS.
    flags: u32,
    /// Writes to ports.
    has_ports: bool,
}

/// Runs a case and tells how its end differs from the recorded one. `flags` are the bits of FLAGS that are there before.
fn run_case(
    recording: &Recording,
    case: &Case,
    compared: &Compared,
    flags: u32,
    board: &mut Board,
) -> Vec<String> {
    let mut cpu = Cpu::new();
    cpu.restore(&state_before(&cpu.state(), &case.before.registers, flags));
    board.load(&case.before.memory);
    let stop = cpu.run(board);
    let mut differences = Vec::new();
    if stop != Stop::Halted {
        differences.push(format!("{stop:?}"));
    }
    let masks = case.after.masks.or(&recording.masks);
    let expected = case.after.registers.or(&case.before.registers);
    differences.extend(register_differences(
        &cpu.state(),
        &expected,
        &masks,
        compared.flags,
    ));
    differences.extend(memory_differences(board, case, &expected, compared.flags));
    if compared.has_ports && !are_same_writes(&board.port_writes, &case.port_writes) {
        differences.push(format!(
            "ports {:x?} instead of {:x?}",
            board.port_writes, case.port_writes
        ));
    }
    differences
}

fn state_before(reset: &State, registers: &Registers, flags: u32) -> State {
    let mut state = reset.clone();
    for (name, register) in GENERAL {
        state.general[register as usize] = registers.get(name).unwrap_or(0);
    }
    for (name, segment) in SEGMENTS {
        let selector = registers.get(name).unwrap_or(0) as u16;
        state.segments[segment as usize] = SegmentRegister {
            selector,
            base: u32::from(selector) << 4,
            ..reset.segments[Segment::Ds as usize]
        };
    }
    state.eip = registers.get(Name::Eip).unwrap_or(0);
    state.eflags = registers.get(Name::Eflags).unwrap_or(0) & flags;
    state
}

fn register_differences(state: &State, expected: &Registers, masks: &Registers, flags: u32) -> Vec<String> {
    let general = GENERAL.map(|(name, register)| (name, state.general[register as usize]));
    let segments =
        SEGMENTS.map(|(name, segment)| (name, u32::from(state.segments[segment as usize].selector)));
    let others = [(Name::Eip, state.eip), (Name::Eflags, state.eflags)];
    let mut differences = Vec::new();
    for (name, is) in general.into_iter().chain(segments).chain(others) {
        let mut mask = masks.get(name).unwrap_or(u32::MAX);
        if name == Name::Eflags {
            mask &= flags;
        }
        let should = expected.get(name).unwrap_or(0);
        if (is ^ should) & mask == 0 {
            continue;
        }
        differences.push(match name {
            Name::Eflags => {
                let wrong = Flags::from_bits_retain((is ^ should) & mask);
                format!("Eflags {is:x} instead of {should:x}: {wrong:?}")
            }
            _ => format!("{name:?} {is:x} instead of {should:x}"),
        });
    }
    differences
}

fn memory_differences(board: &Board, case: &Case, after: &Registers, flags: u32) -> Vec<String> {
    let mut expected = case.before.memory.clone();
    expected.extend_from_slice(&case.after.memory);
    let mut differences = board.differences(&expected);
    if case.exception.is_some() {
        let masks = flags.to_le_bytes();
        let pushed = pushed_flags(after);
        differences.retain(|(address, is, should)| {
            let place = pushed.iter().position(|at| at == address);
            place.is_none_or(|place| (is ^ should) & masks[place] != 0)
        });
    }
    let tell = |(at, is, should): (u32, u8, u8)| format!("[{at:x}] {is:02x} instead of {should:02x}");
    differences.into_iter().take(8).map(tell).collect()
}

/// The two bytes of FLAGS in the frame of a real-mode interrupt: IP and CS lie below them.
fn pushed_flags(after: &Registers) -> [u32; 2] {
    let stack = after.get(Name::Ss).unwrap_or(0) << 4;
    let pointer = after.get(Name::Esp).unwrap_or(0);
    [4, 5].map(|above| stack + ((pointer + above) & 0xFFFF))
}

/// The recording has both lanes of a bus of 16 bits; only those that were written count.
fn are_same_writes(written: &[Vec<(u16, u8)>], recorded: &[PortWrite]) -> bool {
    let is_same = |(cycle, recorded): (&Vec<(u16, u8)>, &PortWrite)| {
        cycle[0].0 == recorded.port
            && cycle
                .iter()
                .all(|(port, byte)| recorded.lanes[usize::from(port & 1)] == *byte)
    };
    written.len() == recorded.len() && written.iter().zip(recorded).all(is_same)
}

/// A chunk of a MOO file.
fn chunk(name: &str, contents: &[u8]) -> Vec<u8> {
    let length = u32::try_from(contents.len()).expect("a small chunk");
    [name.as_bytes(), &length.to_le_bytes(), contents].concat()
}

/// What is told of a recorded ADD AL, 3 with HLT behind it, which began with 5 in AX and ended with `ax`, and is said to have
/// written `byte` at address 200h.
fn told_of_an_addition(ax: u8, byte: u8) -> Vec<String> {
    const AX_CS_IP_FLAGS: [u8; 2] = [0x11, 0x30];
    const AX_IP: [u8; 2] = [0x01, 0x10];
    let registers = [&AX_CS_IP_FLAGS[..], &[5, 0, 0, 0, 0, 1, 2, 0]].concat();
    let code = [3, 0, 0, 0, 0, 1, 0, 0, 0x04, 1, 1, 0, 0, 3, 2, 1, 0, 0, 0xF4];
    let before = [chunk("REGS", &registers), chunk("RAM ", &code)].concat();
    let changed = [&AX_IP[..], &[ax, 0, 3, 1]].concat();
    let written = [1, 0, 0, 0, 0, 2, 0, 0, byte];
    let after = [chunk("REGS", &changed), chunk("RAM ", &written)].concat();
    let test = [
        &[7, 0, 0, 0][..],
        &chunk("BYTS", &[3, 0, 0, 0, 0x04, 3, 0xF4]),
        &chunk("INIT", &before),
        &chunk("FINA", &after),
    ]
    .concat();
    let file = [chunk("MOO ", &[1, 1, 0, 0, 1, 0, 0, 0]), chunk("TEST", &test)].concat();
    let recording = moo::read(&file).expect("a whole file");
    let tally = run_recording(&COLLECTIONS[0], "04", &recording, &mut Board::new());
    assert_eq!(tally.run, 1);
    tally.told
}

#[test]
fn a_difference_in_a_register_or_a_byte_of_memory_is_told() {
    assert!(told_of_an_addition(8, 0).is_empty());
    assert!(told_of_an_addition(9, 0)[0].ends_with("Eax 8 instead of 9"));
    assert!(told_of_an_addition(8, 1)[0].ends_with("[200] 00 instead of 01"));
}

#[test]
fn a_file_that_ends_inside_a_chunk_is_refused() {
    let file = chunk("MOO ", &[1, 1, 0, 0, 1, 0, 0, 0]);
    assert!(moo::read(&file[..file.len() - 1]).is_err());
    assert!(moo::read(&[]).is_err());
}
