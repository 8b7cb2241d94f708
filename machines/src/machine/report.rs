//! What a machine that stopped by itself looked like: registers, last instructions, screen.

use std::collections::VecDeque;
use std::fmt::Write as _;

use cpu::{Control, Cpu, Segment, State, disassemble};

use crate::board::Board;
use crate::runtime::{StopCause, StopReport};

/// Writes the report of a machine that stopped. Its name and the time are for the reader of the report to add.
pub(super) fn write(cause: StopCause, cpu: &Cpu<Board>, board: &Board) -> StopReport {
    let state = cpu.state();
    let cs = state.segments[Segment::Cs as usize].selector;
    let why = match cause {
        StopCause::TripleFault => "fault in the double fault handler",
        StopCause::HaltedForGood => "halt with interrupts off",
    };
    let post = board
        .last_post_code()
        .map_or_else(String::new, |code| format!(", post {code:02x}"));
    let summary = format!(
        "{why}, cs:eip {cs:04x}:{:08x}, cr2 {:08x}{post}",
        state.eip, state.cr2
    );
    let mut text = String::new();
    registers(&mut text, &state);
    instructions(&mut text, cpu, &state, board);
    screen(&mut text, board);
    StopReport { cause, summary, text }
}

fn registers(text: &mut String, state: &State) {
    let general = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"];
    for (index, (name, value)) in general.iter().zip(state.general).enumerate() {
        let end = if index % 4 == 3 { '\n' } else { ' ' };
        let _ = write!(text, "{name} {value:08x}{end}");
    }
    let _ = writeln!(text, "eip {:08x} eflags {:08x}", state.eip, state.eflags);
    let _ = writeln!(
        text,
        "cr0 {:08x} cr2 {:08x} cr3 {:08x}",
        state.cr0, state.cr2, state.cr3
    );
    let segments = ["es", "cs", "ss", "ds", "fs", "gs"];
    let named = segments
        .iter()
        .zip(state.segments)
        .chain([(&"ldtr", state.ldtr), (&"tr", state.tr)]);
    for (name, register) in named {
        let _ = writeln!(
            text,
            "{name:4} {:04x} base {:08x} limit {:08x} access {:04x}",
            register.selector, register.base, register.limit, register.access
        );
    }
    for (name, table) in [("gdtr", state.gdtr), ("idtr", state.idtr)] {
        let _ = writeln!(text, "{name} base {:08x} limit {:04x}", table.base, table.limit);
    }
    let _ = writeln!(
        text,
        "cycles {} instructions {}\n",
        state.cycles, state.instructions
    );
}

/// How many instructions the report shows.
const SHOWN: usize = 24;
/// Bytes of one stretch that are disassembled at most: straight-line code beyond that tells nothing new.
const LONGEST_STRETCH: u32 = 1 << 20;

fn instructions(text: &mut String, cpu: &Cpu<Board>, state: &State, board: &Board) {
    let mut lines = VecDeque::new();
    for stretch in cpu.trail() {
        let length = stretch.end.wrapping_sub(stretch.start).min(LONGEST_STRETCH);
        let mut done = 0;
        while done < length {
            let eip = stretch.start.wrapping_add(done);
            let bytes = peek(state, board, stretch.linear.wrapping_add(done));
            let (line, bytes) = disassemble(&bytes, eip, stretch.is_32_bit);
            if lines.len() == SHOWN {
                lines.pop_front();
            }
            lines.push_back(format!("{:04x}:{eip:08x}  {line}", stretch.selector));
            done += bytes;
        }
    }
    let _ = writeln!(
        text,
        "last instructions (newest last; the code is shown as it is in memory now)"
    );
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
}

/// Up to 15 bytes of code at a linear address, by the page tables as they are now; unmapped bytes are left out.
fn peek(state: &State, board: &Board, linear: u32) -> Vec<u8> {
    (0..15)
        .map_while(|offset| {
            let is_paging = state.cr0 & Control::PAGING.bits() != 0;
            byte_at(is_paging, state.cr3, board, linear.wrapping_add(offset))
        })
        .collect()
}

/// The byte at a linear address, by the page tables at `directory` if paging is on; none where a device is.
pub(super) fn byte_at(is_paging: bool, directory: u32, board: &Board, linear: u32) -> Option<u8> {
    let entry = |address: u32| {
        let entry = u32::from_le_bytes(*board.peek(address).first_chunk()?);
        (entry & 1 != 0).then_some(entry & !0xFFF)
    };
    let physical = if is_paging {
        let table = entry((directory & !0xFFF) + (linear >> 22) * 4)?;
        entry(table + (linear >> 12 & 0x3FF) * 4)? + (linear & 0xFFF)
    } else {
        linear
    };
    board.peek(physical).first().copied()
}

fn screen(text: &mut String, board: &Board) {
    let lines = board.screen();
    let used = lines
        .iter()
        .rposition(|line| !line.is_empty())
        .map_or(0, |last| last + 1);
    let _ = writeln!(text, "\nscreen");
    for line in &lines[..used] {
        let _ = writeln!(text, "| {line}");
    }
}
