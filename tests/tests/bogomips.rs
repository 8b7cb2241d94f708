//! The delay loop of Linux on the processor and board of a lab: DEC and JNS, counted against the timer's ticks at 100 Hz as the
//! kernel does when it starts, and compared with what people reported of their 386s (Linux BogoMips mini-HOWTO).

use std::ops::RangeInclusive;

use clock::Span;
use iced_x86::IcedError;
use iced_x86::code_asm::{CodeAssembler, al, dword_ptr, eax, ebx, ecx, edi, esi};
use tests::{guest, handle, lab, pcs, post, prepare_interrupts, run_for, runtime, start_timer, tell};

/// A divisor for 100 Hz, as Linux programs it.
const HUNDRED_HERTZ: u16 = 11_932;
const TICKS_PER_SECOND: u32 = 100;
/// Where the guest counts ticks.
const TICKS: u32 = 0x1E_0000;
/// How many bits of the count are found after the highest, as in Linux.
const PRECISION: u32 = 8;
/// The count that the search begins with.
const FIRST: u32 = 1 << 12;

/// Waits for the beginning of a tick and counts EBX down to below zero; ZF tells whether the tick has lasted that long.
fn delay_from_tick(a: &mut CodeAssembler) -> Result<(), IcedError> {
    let mut wait = a.create_label();
    let mut delay = a.create_label();
    a.mov(eax, dword_ptr(TICKS))?;
    a.set_label(&mut wait)?;
    a.cmp(eax, dword_ptr(TICKS))?;
    a.je(wait)?;
    a.mov(esi, dword_ptr(TICKS))?;
    a.mov(eax, ebx)?;
    a.set_label(&mut delay)?;
    a.dec(eax)?;
    a.jns(delay)?;
    a.cmp(esi, dword_ptr(TICKS))
}

/// Finds the largest count that a tick can hold, to [`PRECISION`] bits behind its highest, and posts it from its lowest byte on.
fn calibrate(a: &mut CodeAssembler) -> Result<(), IcedError> {
    let [mut double, mut refine, mut fits, mut next, mut done] = [(); 5].map(|()| a.create_label());
    a.mov(ebx, FIRST)?;
    a.set_label(&mut double)?;
    a.shl(ebx, 1)?;
    delay_from_tick(a)?;
    a.je(double)?;
    a.shr(ebx, 1)?;
    a.mov(edi, ebx)?;
    a.mov(ecx, PRECISION)?;
    a.set_label(&mut refine)?;
    a.shr(edi, 1)?;
    a.or(ebx, edi)?;
    delay_from_tick(a)?;
    a.je(fits)?;
    a.xor(ebx, edi)?;
    a.set_label(&mut fits)?;
    a.dec(ecx)?;
    a.jnz(refine)?;
    a.mov(ecx, 4)?;
    a.set_label(&mut next)?;
    a.mov(eax, ebx)?;
    post(a)?;
    a.shr(ebx, 8)?;
    a.dec(ecx)?;
    a.jnz(next)?;
    a.set_label(&mut done)?;
    a.cli()?;
    a.hlt()?;
    a.jmp(done)
}

/// Delay loops in a tick of a lab whose text is that of one PC with other clocks.
fn loops_per_tick(processor: &str, bus: &str) -> u32 {
    let kernel = guest(|a| {
        prepare_interrupts(a, 1)?;
        a.mov(dword_ptr(TICKS), 0)?;
        handle(a, 0x08, |a| {
            a.push(eax)?;
            a.inc(dword_ptr(TICKS))?;
            a.mov(al, 0x20)?;
            a.out(0x20, al)?;
            a.pop(eax)?;
            a.iretd()
        })?;
        start_timer(a, HUNDRED_HERTZ)?;
        a.sti()?;
        calibrate(a)
    });
    let clocks = format!("clock = \"{processor}\" }}\nisa = {{ clock = \"{bus}\" }}");
    let text = pcs(1, 1).replace("clock = \"40MHz\" }", &clocks);
    let memory = run_for(
        &mut runtime(&lab(&text), &[kernel]),
        Span::from_milliseconds(500),
        1,
    )
    .1;
    let codes: [u8; 4] = memory.codes(0).try_into().expect("four bytes");
    u32::from_le_bytes(codes)
}

fn assert_within(processor: &str, bus: &str, published: RangeInclusive<u32>) {
    // Linux prints loops a second divided by 500 000, with two decimals.
    let hundredths = loops_per_tick(processor, bus) * TICKS_PER_SECOND / 5_000;
    tell(&format!(
        "{processor}: {}.{:02} BogoMips\n",
        hundredths / 100,
        hundredths % 100
    ));
    assert!(published.contains(&hundredths), "{hundredths} hundredths");
}

#[test]
fn a_386_of_40_mhz_has_the_bogomips_that_were_reported() {
    assert_within("40MHz", "8MHz", 620..=810);
}

#[test]
fn a_386_of_33_mhz_has_the_bogomips_that_were_reported() {
    assert_within("33MHz", "25/3MHz", 586..=670);
}
