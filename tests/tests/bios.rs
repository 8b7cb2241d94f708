//! Machines that start in a ROM: where it lies, that nothing writes to it, what a reset of the processor leaves as it is,
//! and how long its reads take.

use std::sync::Arc;

use clock::Span;
use iced_x86::IcedError;
use iced_x86::code_asm::{
    CodeAssembler, al, ax, byte_ptr, cs, ds, dword_ptr, dx, eax, ecx, esi, esp, ss, word_ptr,
};
use machines::lab::Lab;
use machines::runtime::{ResetCause, RunEnd, StopCause, StopReport, What};
use tests::{Memory, ROM_TABLE, output, rom, rom_lab, run_for, runtime};

fn run(lab: &Lab, rom: Arc<[u8]>) -> (RunEnd, Memory) {
    run_for(&mut runtime(lab, &[rom]), Span::from_milliseconds(50), 1)
}

fn nothing(_: &mut CodeAssembler) -> Result<(), IcedError> {
    Ok(())
}

/// Tells the test a byte, from 16-bit code.
fn tell(a: &mut CodeAssembler, code: u32) -> Result<(), IcedError> {
    a.mov(al, code)?;
    a.out(0x80, al)
}

fn halt(a: &mut CodeAssembler) -> Result<(), IcedError> {
    a.cli()?;
    a.hlt()
}

/// From real mode to 32-bit code at FFFF8000h, the top alias.
fn enter_protected_mode(a: &mut CodeAssembler) -> Result<(), IcedError> {
    // LGDT CS:[table], with a 32-bit base.
    let [low, high] = ROM_TABLE.to_le_bytes();
    a.db(&[0x66, 0x2E, 0x0F, 0x01, 0x16, low, high])?;
    a.db(&[0x0F, 0x20, 0xC0, 0x0C, 0x01, 0x0F, 0x22, 0xC0])?; // MOV EAX, CR0; OR AL, 1; MOV CR0, EAX
    a.db(&[0x66, 0xEA, 0x00, 0x80, 0xFF, 0xFF, 0x08, 0x00]) // JMP 8:FFFF8000h
}

/// Sends `text` at 115 200 baud, waiting for the holding register each time.
fn say(a: &mut CodeAssembler, text: &str) -> Result<(), IcedError> {
    for (port, value) in [(0x3FB, 0x83), (0x3F8, 1), (0x3F9, 0), (0x3FB, 3)] {
        output(a, port, value)?;
    }
    for &byte in text.as_bytes() {
        let mut wait = a.create_label();
        a.mov(dx, 0x3FD)?;
        a.set_label(&mut wait)?;
        a.in_(al, dx)?;
        a.test(al, 0x20)?;
        a.jz(wait)?;
        output(a, 0x3F8, byte)?;
    }
    Ok(())
}

fn stop_of(memory: &Memory) -> &StopReport {
    let report = memory
        .happenings
        .iter()
        .find_map(|happening| match &happening.what {
            What::Stopped { report, .. } => Some(report),
            _ => None,
        });
    report.expect("the machine stopped")
}

fn resets(memory: &Memory) -> Vec<ResetCause> {
    let cause = |what: &What| match what {
        What::Reset { cause, .. } => Some(*cause),
        _ => None,
    };
    memory
        .happenings
        .iter()
        .filter_map(|happening| cause(&happening.what))
        .collect()
}

#[test]
fn a_rom_runs_from_the_reset_vector_in_real_and_protected_mode_and_ends_with_its_last_character() {
    let rom = rom(
        64,
        |a| {
            tell(a, 1)?;
            say(a, "from the ROM\r\n")?;
            enter_protected_mode(a)
        },
        |a| {
            a.mov(eax, 0x10)?;
            a.mov(ds, eax)?;
            tell(a, 2)?;
            say(a, "in 32 bits\r\n")?;
            halt(a)
        },
    );
    let (end, memory) = run(&rom_lab("", ""), rom);
    assert_eq!(memory.codes(0), [1, 2]);
    assert_eq!(memory.console(0), "from the ROM\r\nin 32 bits\r\n");
    assert_eq!(end, RunEnd::AllStopped);
    let report = stop_of(&memory);
    assert_eq!(report.cause, StopCause::HaltedForGood);
    assert!(
        report
            .summary
            .starts_with("halt with interrupts off, cs:eip 0008:ffff8"),
        "{}",
        report.summary
    );
    assert!(report.summary.ends_with(", post 02"), "{}", report.summary);
    assert!(
        report.text.to_lowercase().contains("\n0008:ffff80"),
        "{}",
        report.text
    );
}

#[test]
fn writes_to_a_rom_change_neither_alias() {
    let rom = rom(
        64,
        |a| {
            enter_protected_mode(a)?;
            halt(a)
        },
        |a| {
            a.mov(eax, 0x10)?;
            a.mov(ds, eax)?;
            for address in [0xF_4000, 0xFFFF_4000_u32] {
                a.mov(esi, address)?;
                a.mov(dword_ptr(esi), 0x1234_5678)?;
                a.mov(byte_ptr(esi + 2), 0)?;
                a.xor(word_ptr(esi), 0x5555)?;
            }
            for address in [0xF_4000, 0xFFFF_4000_u32] {
                a.mov(esi, address)?;
                a.mov(eax, dword_ptr(esi))?;
                a.out(0x80, al)?;
                a.shr(eax, 16)?;
                a.out(0x80, al)?;
            }
            halt(a)
        },
    );
    assert_eq!(run(&rom_lab("", ""), rom).1.codes(0), [0xFF; 4]);
}

#[test]
fn what_a_rom_does_not_fill_is_open_below_1_mb_and_memory_goes_on_above() {
    // The byte at E0000h of a ROM of 4, 64 and 128 KB, and the first one above 1 MB.
    for (kilobytes, found) in [(4, 0xFF), (64, 0xFF), (128, 0x77)] {
        let mut rom = rom(
            kilobytes.max(64),
            |a| {
                output(a, 0x92, 2)?;
                a.mov(ax, 0xE000)?;
                a.mov(ds, ax)?;
                a.mov(al, byte_ptr(0))?;
                a.out(0x80, al)?;
                a.mov(ax, 0xFFFF)?;
                a.mov(ds, ax)?;
                a.mov(byte_ptr(0x10), 0x3C)?;
                a.mov(al, byte_ptr(0x10))?;
                a.out(0x80, al)?;
                halt(a)
            },
            nothing,
        )
        .to_vec();
        if kilobytes == 128 {
            rom[0] = 0x77;
        }
        if kilobytes == 4 {
            // The code lies in the last page then, at F000:F000.
            let code = rom[..0x100].to_vec();
            rom.drain(..0xF000);
            rom[..0x100].copy_from_slice(&code);
            rom[0xFF0..0xFF5].copy_from_slice(&[0xEA, 0x00, 0xF0, 0x00, 0xF0]);
        }
        let memory = run(&rom_lab("", ""), rom.into()).1;
        assert_eq!(memory.codes(0), [found, 0x3C], "{kilobytes} KB");
    }
}

/// Counts its starts in memory and tells the count and the interrupt mask; `reset` ends the first two, and the third halts.
fn restarts(reset: impl Fn(&mut CodeAssembler) -> Result<(), IcedError>) -> Arc<[u8]> {
    let write = |a: &mut CodeAssembler| {
        a.xor(ax, ax)?;
        a.mov(ds, ax)?;
        a.mov(ss, ax)?;
        a.mov(esp, 0x7000)?;
        a.inc(byte_ptr(0x500))?;
        a.mov(al, byte_ptr(0x500))?;
        a.out(0x80, al)?;
        a.in_(al, 0x21)?;
        a.out(0x80, al)?;
        let mut end = a.create_label();
        a.cmp(byte_ptr(0x500), 3)?;
        a.je(end)?;
        output(a, 0x21, 0xA5)?;
        reset(a)?;
        a.set_label(&mut end)?;
        halt(a)
    };
    rom(64, write, nothing)
}

fn triple_fault(a: &mut CodeAssembler) -> Result<(), IcedError> {
    a.mov(word_ptr(0x600), 0)?;
    a.lidt(iced_x86::code_asm::ptr(0x600))?;
    a.int3()
}

#[test]
fn a_processor_reset_starts_the_rom_again_and_leaves_memory_and_chips_alone() {
    let pulse = |port, value| move |a: &mut CodeAssembler| output(a, port, value).and_then(|()| halt(a));
    let gated = |a: &mut CodeAssembler| {
        output(a, 0x92, 2)?;
        output(a, 0x92, 1)?;
        output(a, 0x92, 0)?;
        halt(a)
    };
    let cases = [
        ("8042", restarts(pulse(0x64, 0xFE)), ResetCause::Pin),
        ("92h, A20 closed", restarts(gated), ResetCause::Pin),
        ("triple fault", restarts(triple_fault), ResetCause::TripleFault),
    ];
    for (name, rom, cause) in cases {
        let (end, memory) = run(&rom_lab("", ""), rom);
        assert_eq!(memory.codes(0)[2..], [2, 0xA5, 3, 0xA5], "{name}");
        assert_eq!(resets(&memory), [cause, cause], "{name}");
        assert_eq!(end, RunEnd::AllStopped, "{name}");
    }
}

#[test]
fn a_board_that_does_not_answer_a_shutdown_leaves_the_processor_stopped() {
    let (_, memory) = run(&rom_lab(", shutdown = \"stop\"", ""), restarts(triple_fault));
    assert_eq!(memory.codes(0)[0], 1);
    assert_eq!(memory.codes(0).len(), 2);
    assert_eq!(stop_of(&memory).cause, StopCause::TripleFault);
}

#[test]
fn a_rom_that_faults_for_ever_does_not_hold_up_the_lab() {
    let mut rom = vec![0xFF; 0x1000];
    // LIDT CS:[FFF8h]: no vectors; then #UD.
    rom[0xFF0..0xFF8].copy_from_slice(&[0x2E, 0x0F, 0x01, 0x1E, 0xFA, 0xFF, 0x0F, 0x0B]);
    rom[0xFFA..0x1000].fill(0);
    let (end, memory) = run(&rom_lab("", ""), rom.into());
    assert_eq!(end, RunEnd::Limit);
    assert_eq!(memory.stops(), 0);
    assert!(resets(&memory).len() > 1000);
}

#[test]
fn a_read_from_the_rom_takes_its_isa_clocks_and_writes_are_isa_cycles() {
    for clocks in [6_u32, 24] {
        let constant = format!(
            "timing.rom_read = {{ value = {clocks}, unit = \"isa-cycle\", source = \"measured: a test\" }}"
        );
        let rom = rom(
            64,
            |a| {
                a.mov(ax, cs)?;
                a.mov(ds, ax)?;
                a.mov(esi, 0x4000)?;
                a.mov(dx, 0x80)?;
                a.mov(ecx, 1000)?;
                a.out(dx, al)?;
                a.rep().lodsd()?;
                a.out(dx, al)?;
                halt(a)
            },
            nothing,
        );
        let posts = run(&rom_lab("", &constant), rom).1.posts(0);
        let took = posts[1].0.since(posts[0].0).nanoseconds();
        // A 386/40: of the 5 clocks of an iteration 2 are the read's, and the code behind it is fetched from the ROM too, 8 dwords
        // at most.
        let clock = u64::from(clocks) * 125;
        let others = took - 1000 * clock;
        assert!(
            (75_000..80_000 + 8 * clock).contains(&others),
            "{clocks} clocks: {others} ns"
        );
    }
}

#[test]
fn cmos_tells_a_bios_of_the_memory_with_a_right_checksum() {
    let rom = rom(
        64,
        |a| {
            for index in [0x0E, 0x0F, 0x10, 0x12, 0x14, 0x15, 0x16, 0x17, 0x18, 0x2E, 0x2F] {
                output(a, 0x70, index)?;
                a.in_(al, 0x71)?;
                a.out(0x80, al)?;
            }
            halt(a)
        },
        nothing,
    );
    let codes = run(&rom_lab("", ""), rom).1.codes(0);
    assert_eq!(codes, [0, 0, 0, 0, 0, 0x80, 0x02, 0x00, 0x04, 0x00, 0x86]);
}
