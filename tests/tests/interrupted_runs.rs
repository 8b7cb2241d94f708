//! A run that is cut into many goes on each time as if it had never been left.

use std::collections::BTreeMap;

use clock::{Instant, Span};
use iced_x86::IcedError;
use iced_x86::code_asm::{CodeAssembler, al, ecx, edi, esi};
use machines::runtime::{Happening, Runtime, What};
use tests::{
    Memory, guest, handle, lab, lab_file, output, pcs, post, prepare_interrupts, run_for, runtime,
    start_card, start_card_at, start_timer, transmit, transmit_at, two_kernels,
};
use wire::Record;

/// Happenings by what they happened to: the order between machines within a window depends on where it is cut.
fn by_subject(memory: &Memory) -> BTreeMap<(u8, usize), Vec<Happening>> {
    let mut subjects = BTreeMap::<_, Vec<_>>::new();
    for happening in &memory.happenings {
        let subject = match happening.what {
            What::Console { machine, .. } => (0, machine),
            What::Post { machine, .. } => (1, machine),
            What::Stopped { machine, .. } => (2, machine),
            What::Wire { segment, .. } => (3, segment),
            What::Reset { machine, .. } => (4, machine),
            What::Power { machine, .. } => (5, machine),
        };
        subjects.entry(subject).or_default().push(happening.clone());
    }
    subjects
}

/// Runs for `span`, once in one piece and then in pieces of odd lengths with one to three threads.
fn compare(build: impl Fn() -> Runtime, span: Span) {
    let mut whole = build();
    let (_, expected) = run_for(&mut whole, span, 1);
    assert!(
        expected.happenings.len() > 100,
        "{} happenings",
        expected.happenings.len()
    );
    for threads in 1..=3 {
        let mut cut = build();
        let mut memory = Memory::default();
        let end = Instant::START + span;
        let mut piece = 0;
        while cut.now() < end {
            // From some 4 us to some 170 us.
            piece = (piece + 7_919_003) % 170_000_113;
            let limit = end.min(cut.now() + Span::from_picoseconds(4_000_007 + piece));
            cut.run(limit, threads, &mut memory);
            assert_eq!(cut.now(), limit);
        }
        assert_eq!(by_subject(&memory), by_subject(&expected), "{threads} threads");
        assert_eq!(cut.statistics(), whole.statistics(), "{threads} threads");
        assert_eq!(cut.trace_hash(), whole.trace_hash(), "{threads} threads");
    }
}

#[test]
fn the_pair_lab_cut_at_odd_instants_is_the_same_run() {
    let lab = lab_file("pair");
    let images = machines::image::load_all(&lab).expect("the built-in kernel");
    let build = || Runtime::build(&lab, &images).expect("a lab that can be built");
    compare(build, Span::from_milliseconds(300));
}

/// Sends frames without end, copies to and from the card by dwords, and takes an interrupt of the timer every 50 us or so.
fn hectic(a: &mut CodeAssembler, divisor: u16, length: u16) -> Result<(), IcedError> {
    let mut again = a.create_label();
    prepare_interrupts(a, 1)?;
    handle(a, 0x08, |a| {
        a.pushad()?;
        output(a, 0x20, 0x20)?;
        a.popad()?;
        a.iretd()
    })?;
    start_card(a)?;
    start_timer(a, divisor)?;
    a.sti()?;
    a.set_label(&mut again)?;
    a.mov(esi, 0xC_C000)?;
    a.mov(edi, 0xC_C010)?;
    a.mov(ecx, 9)?;
    a.rep().movsd()?;
    transmit(a, length)?;
    a.mov(esi, 0x10_0000)?;
    a.mov(edi, 0x14_0000)?;
    a.mov(ecx, 500)?;
    a.rep().movsb()?;
    a.in_(al, 0x40)?;
    post(a)?;
    a.hlt()?;
    a.jmp(again)
}

#[test]
fn two_hectic_machines_cut_at_odd_instants_are_the_same_run() {
    let build = || two_kernels(guest(|a| hectic(a, 61, 64)), guest(|a| hectic(a, 83, 200)));
    compare(build, Span::from_milliseconds(30));
}

/// A second cable, long enough for shorter windows, and a second card in each machine.
const SECOND_CABLE: &str = r#"
[segment.ether1]
kind = "10base2"
length = "185m"
[[machine.pc.card]]
type = "3c503"
segment = "ether1"
mac = "02:60:8c:00:01:01"
io = 0x300
irq = 5
ram = 0xC8000
"#;

#[test]
fn machines_on_two_cables_cut_at_odd_instants_are_the_same_run() {
    let lab = lab(&(pcs(3, 1) + SECOND_CABLE));
    let kernel = guest(|a| {
        start_card_at(a, 0x280)?;
        start_card_at(a, 0x300)?;
        let mut again = a.create_label();
        a.set_label(&mut again)?;
        transmit_at(a, 0x280, 64)?;
        transmit_at(a, 0x300, 64)?;
        a.in_(al, 0x40)?;
        post(a)?;
        a.mov(ecx, 300)?;
        a.rep().lodsb()?;
        a.jmp(again)
    });
    let build = || runtime(&lab, std::slice::from_ref(&kernel));
    let (_, memory) = run_for(&mut build(), Span::from_milliseconds(30), 1);
    for segment in 0..2 {
        let frames = memory.happenings.iter().filter(|happening| {
            matches!(&happening.what, What::Wire { segment: of, record: Record::Frame { .. } } if *of == segment)
        });
        assert!(frames.count() > 20, "cable {segment} is in use");
    }
    compare(build, Span::from_milliseconds(30));
}
