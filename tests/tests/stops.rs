//! A machine that stops by itself is reported, and the others go on.

use std::sync::Arc;

use clock::{Instant, Span};
use machines::lab::{self, Lab};
use machines::machine::PowerEvent;
use machines::runtime::{Deed, RunEnd, StopCause, StopReport, What};
use tests::{Memory, kernel, pcs, run_for, runtime};

/// LIDT from a place that holds zeros, then INT 3: a fault in the handler of the fault in the handler.
const TRIPLE_FAULT: &[u8] = &[
    0x0F, 0x01, 0x1D, 0x00, 0x00, 0x18, 0x00, 0xB8, 0x78, 0x56, 0x34, 0x12, 0xCC,
];
/// CLI; HLT.
const HALT_FOR_GOOD: &[u8] = &[0xFA, 0xF4];
/// Writes `A` to COM1 and waits: MOV DX, 3FBh; MOV AL, 80h; OUT DX, AL; ... 115200 baud; then `A` for ever.
const TALKER: &[u8] = &[
    0x66, 0xBA, 0xFB, 0x03, 0xB0, 0x80, 0xEE, // LCR: divisor latch
    0x66, 0xBA, 0xF8, 0x03, 0xB0, 0x01, 0xEE, // DLL = 1
    0x66, 0xBA, 0xF9, 0x03, 0xB0, 0x00, 0xEE, // DLM = 0
    0x66, 0xBA, 0xFB, 0x03, 0xB0, 0x03, 0xEE, // LCR: 8N1
    0x66, 0xBA, 0xFD, 0x03, 0xEC, 0xA8, 0x20, 0x74, 0xFB, // wait for THRE
    0x66, 0xBA, 0xF8, 0x03, 0xB0, 0x41, 0xEE, 0xEB, 0xEE, // send `A`, again
];

/// Two PCs without cards, each with an image of its own.
fn two_kernels() -> Lab {
    let text = pcs(2, 1).replace("[image.kernel]\npath = \"builtin:kernel\"", "");
    let text = text.replace("[machine.pc]\ncount = 2", "[profile.pc]");
    let text = text.replace("boot = { from = \"direct\", image = \"kernel\" }\n", "");
    let text = text
        .replace("nic = { mac = \"02:60:8c:00:00:01\" }\n", "")
        .replace("[[machine.pc.card]]", "[[profile.pc.card]]");
    let machines = r#"
[image.first]
path = "builtin:kernel"
[image.second]
path = "builtin:kernel"
[machine.a]
extends = "pc"
boot = { from = "direct", image = "first" }
card = []
[machine.b]
extends = "pc"
boot = { from = "direct", image = "second" }
card = []
"#;
    tests::lab(&(text + machines))
}

fn run(first: &[u8], second: &[u8]) -> (RunEnd, Memory) {
    let lab = two_kernels();
    let kernels: Vec<Arc<[u8]>> = lab
        .images
        .iter()
        .map(|image: &lab::Image| kernel(if image.name == "first" { first } else { second }))
        .collect();
    run_for(&mut runtime(&lab, &kernels), Span::from_milliseconds(20), 1)
}

fn stop_of(memory: &Memory, wanted: usize) -> &StopReport {
    let report = memory
        .happenings
        .iter()
        .find_map(|happening| match &happening.what {
            What::Stopped { machine, report } if *machine == wanted => Some(report),
            _ => None,
        });
    report.expect("the machine stopped")
}

#[test]
fn a_triple_fault_ends_its_machine_with_registers_and_instructions_and_the_other_goes_on() {
    let (end, memory) = run(TRIPLE_FAULT, TALKER);
    let report = stop_of(&memory, 0);
    assert_eq!(report.cause, StopCause::TripleFault);
    assert!(report.text.contains("eax 12345678"), "{}", report.text);
    assert!(report.text.to_lowercase().contains("lidt"), "{}", report.text);
    assert!(report.text.to_lowercase().contains("int3"), "{}", report.text);
    assert_eq!(end, RunEnd::Limit);
    let said = memory.console(1).len();
    // 20 ms at 115200 baud, ten bits a character, is 230 characters.
    assert!(
        (225..=231).contains(&said),
        "the other machine said {said} characters"
    );
}

#[test]
fn a_halt_with_interrupts_off_ends_its_machine() {
    let (end, memory) = run(HALT_FOR_GOOD, TALKER);
    assert_eq!(stop_of(&memory, 0).cause, StopCause::HaltedForGood);
    assert_eq!(end, RunEnd::Limit);
}

#[test]
fn a_lab_whose_machines_have_all_stopped_ends() {
    let (end, memory) = run(HALT_FOR_GOOD, TRIPLE_FAULT);
    assert_eq!(end, RunEnd::AllStopped);
    assert_eq!(memory.stops(), 2);
}

#[test]
fn a_lab_whose_machines_are_all_off_waits_for_their_power() {
    let off = "[[fault]]\nkind = \"power-off\"\nmachine = \"pc*\"\nfrom = \"5ms\"";
    let mut runtime = tests::build(&tests::lab(&(pcs(2, 1) + off)));
    let (end, memory) = run_for(&mut runtime, Span::from_milliseconds(50), 1);
    assert_eq!(end, RunEnd::Limit);
    assert_eq!(runtime.now(), Instant::START + Span::from_milliseconds(50));
    assert_eq!(memory.stops(), 0);
    let on = Deed::Power {
        machine: 1,
        event: PowerEvent::On,
    };
    assert_eq!(runtime.inject(&on), runtime.now());
    let (_, memory) = run_for(&mut runtime, Span::from_milliseconds(200), 1);
    assert!(
        memory.console(1).contains("kernel ready"),
        "{}",
        memory.console(1)
    );
    assert_eq!(memory.console(0), "");
}

/// The built-in kernel with `UD2` where it waits for interrupts (`STI; HLT`): an exception that it does not expect.
fn faulty_kernel() -> Arc<[u8]> {
    let lab = tests::lab(&pcs(1, 1));
    let mut kernel = machines::image::load_all(&lab).expect("the built-in kernel")[0].to_vec();
    let waits: Vec<_> = (0..kernel.len() - 1)
        .filter(|&at| kernel[at..at + 2] == [0xFB, 0xF4])
        .collect();
    assert!(!waits.is_empty(), "the kernel waits with STI; HLT");
    for at in waits {
        kernel[at..at + 2].copy_from_slice(&[0x0F, 0x0B]);
    }
    kernel.into()
}

#[test]
fn an_exception_in_the_kernel_is_told_on_its_console_and_ends_its_machine() {
    let mut runtime = runtime(&tests::lab(&pcs(1, 1)), &[faulty_kernel()]);
    let (end, memory) = run_for(&mut runtime, Span::from_milliseconds(200), 1);
    let console = memory.console(0);
    for part in ["kernel ready", "exception 6", "eax", "kernel stopped"] {
        assert!(console.contains(part), "no `{part}` in {console}");
    }
    assert_eq!(end, RunEnd::AllStopped);
    let report = stop_of(&memory, 0);
    assert_eq!(report.cause, StopCause::HaltedForGood);
    let told_on_screen = report
        .text
        .lines()
        .any(|line| line.starts_with("| ") && line.contains("exception 6"));
    assert!(told_on_screen, "{}", report.text);
}
