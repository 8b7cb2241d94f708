//! Faults and traffic generators of a lab file: what they do, when, and that all of it is the same on every run.

use clock::{Instant, Span};
use machines::lab::Lab;
use machines::runtime::{GeneratorStatistics, Happening, ResetCause, Runtime, What};
use tests::{Memory, build, guest, lab, pcs, post, run_for, runtime, sleep};
use wire::{CableChange, Record, StationId};

/// A thick cable with one saturating sender, `one`, and a listener, `two`; `more` is the rest of the lab file.
fn cable(length: &str, more: &str) -> Lab {
    lab(&format!(
        r#"
format = 1
[lab]
name = "cable"
seed = 7
[segment.ether0]
kind = "10base5"
length = "100m"
[traffic.one]
segment = "ether0"
mac = "02:00:00:00:00:01"
{length}
[traffic.two]
segment = "ether0"
mac = "02:00:00:00:00:02"
frames = 1
start = "1h"
tap = "50m"
{more}
"#
    ))
}

fn run(lab: &Lab, milliseconds: u64) -> (Runtime, Memory) {
    let mut runtime = Runtime::build(lab, &[]).expect("a lab that can be built");
    let (_, memory) = run_for(&mut runtime, Span::from_milliseconds(milliseconds), 1);
    (runtime, memory)
}

fn milliseconds(n: u64) -> Instant {
    Instant::START + Span::from_milliseconds(n)
}

/// What the two stations counted with this fault, and the records of it.
fn with_fault(fault: &str) -> ([GeneratorStatistics; 2], Vec<Record>) {
    let fault = format!("[[fault]]\nname = \"it\"\n{fault}");
    let (runtime, memory) = run(
        &cable("length = 100\ninterval = \"1ms\"\nframes = 20", &fault),
        50,
    );
    let counted = runtime.statistics().generators;
    let is_fault = |happening: &Happening| match &happening.what {
        What::Wire { record, .. } => matches!(record, Record::Fault { .. }).then(|| record.clone()),
        _ => None,
    };
    let records = memory.happenings.iter().filter_map(is_fault).collect();
    (counted.try_into().expect("two generators"), records)
}

#[test]
fn one_sender_reaches_the_ceiling_of_its_frame_size() {
    // Frames a second (interframe gap 96 bits, preamble 64 bits).
    for (length, ceiling) in [
        (64, 14_881),
        (128, 8_446),
        (256, 4_529),
        (512, 2_350),
        (1024, 1_197),
        (1518, 813),
        (1536, 803),
    ] {
        let (_, memory) = run(&cable(&format!("length = {length}"), ""), 100);
        let starts: Vec<Instant> = memory
            .happenings
            .iter()
            .filter(|happening| {
                matches!(
                    &happening.what,
                    What::Wire {
                        record: Record::Frame { .. },
                        ..
                    }
                )
            })
            .map(|happening| happening.at)
            .collect();
        let period = starts[1].since(starts[0]);
        assert!(starts.windows(2).all(|pair| pair[1].since(pair[0]) == period));
        assert!(starts.len() as u64 >= ceiling / 10, "{length} bytes");
        let second = Span::from_seconds(1).picoseconds();
        let rate = (second + period.picoseconds() / 2) / period.picoseconds();
        assert_eq!(rate, ceiling, "{length} bytes");
    }
}

#[test]
fn a_loss_takes_the_frames_whose_turn_it_is() {
    let ([one, two], records) = with_fault("kind = \"loss\"\nevery = 4\nreceiver = \"two\"");
    assert_eq!((one.sent, two.received, records.len()), (20, 15, 5));
    let ([_, two], records) = with_fault("kind = \"loss\"\nnth = 3");
    assert_eq!((two.received, records.len()), (19, 1));
}

#[test]
fn a_fault_acts_in_its_time_only_and_on_its_type_only() {
    let ([_, two], records) = with_fault("kind = \"loss\"\nfrom = \"5ms\"\nuntil = \"9ms\"");
    assert_eq!((two.received, records.len()), (16, 4));
    assert!(
        records
            .iter()
            .all(|record| (milliseconds(5)..milliseconds(9)).contains(&record.at()))
    );
    let ([_, two], _) = with_fault("kind = \"loss\"\nethertype = 0x0800");
    assert_eq!(two.received, 20);
    let ([_, two], _) = with_fault("kind = \"loss\"\nethertype = 0x88b5\nsender = \"one\"");
    assert_eq!(two.received, 0);
    let ([_, two], _) = with_fault("kind = \"loss\"\nsender = \"two\"");
    assert_eq!(two.received, 20);
}

#[test]
fn a_chance_follows_from_the_seed() {
    let lost = |seed: u32| {
        let ([_, two], _) = with_fault(&format!("kind = \"loss\"\nchance = \"50%\"\nseed = {seed}"));
        20 - two.received
    };
    assert_eq!(lost(1), lost(1));
    let counts: Vec<u64> = (1..6).map(lost).collect();
    assert!(counts.iter().all(|count| (2..=18).contains(count)), "{counts:?}");
    assert!(counts.iter().any(|count| *count != counts[0]), "{counts:?}");
}

#[test]
fn a_duplication_brings_frames_again() {
    let ([_, two], records) = with_fault("kind = \"duplication\"\ncopies = 2\nnth = 1");
    assert_eq!((two.received, records.len()), (22, 1));
}

#[test]
fn bit_errors_are_noticed_unless_the_check_sequence_is_right() {
    let ([_, two], _) = with_fault("kind = \"bit-errors\"\nbits = 3\nevery = 2");
    assert_eq!((two.received, two.check_errors), (10, 10));
    // A flipped bit of the destination, which is everyone, may make it a station's address.
    let ([_, two], records) = with_fault("kind = \"bit-errors\"\nfcs = \"right\"");
    assert_eq!((two.check_errors, records.len()), (0, 20));
    assert!(two.received >= 15, "{}", two.received);
}

#[test]
fn misaligned_and_truncated_frames_are_told_apart() {
    let ([_, two], _) = with_fault("kind = \"misalignment\"\nnth = 2");
    assert_eq!((two.alignment_errors, two.received), (1, 19));
    let ([_, two], _) = with_fault("kind = \"truncation\"\nlength = 40\nnth = 2");
    assert_eq!((two.check_errors, two.received), (1, 19));
}

#[test]
fn delayed_and_reordered_frames_arrive_all_the_same() {
    for fault in [
        "kind = \"delay\"\nleast = \"1ms\"\nmost = \"4ms\"",
        "kind = \"reordering\"\nbehind = 2\nevery = 5",
    ] {
        let ([_, two], records) = with_fault(fault);
        assert_eq!(two.received, 20, "{fault}");
        assert!(!records.is_empty(), "{fault}");
    }
    // What is held for longer than the run has not come yet.
    let ([_, two], _) = with_fault("kind = \"delay\"\nleast = \"1s\"");
    assert_eq!(two.received, 0);
}

#[test]
fn of_several_faults_the_first_with_an_opinion_decides() {
    let ([_, two], records) =
        with_fault("kind = \"duplication\"\nevery = 2\n[[fault]]\nname = \"rest\"\nkind = \"loss\"");
    assert_eq!((two.received, records.len()), (20, 20));
    let ([_, two], _) = with_fault("kind = \"loss\"\n[[fault]]\nkind = \"duplication\"\nevery = 2");
    assert_eq!(two.received, 0);
}

/// The changes of the cable, with their milliseconds.
fn changes(memory: &Memory) -> Vec<(u64, CableChange)> {
    let change = |happening: &Happening| match &happening.what {
        What::Wire {
            record: Record::Cable { at, change },
            ..
        } => Some((at.nanoseconds() / 1_000_000, *change)),
        _ => None,
    };
    memory.happenings.iter().filter_map(change).collect()
}

#[test]
fn a_station_that_is_unplugged_hears_nothing_until_it_is_plugged_in() {
    let fault = "[[fault]]\nkind = \"unplug\"\nstation = \"two\"\nfrom = \"5ms\"\nuntil = \"9ms\"\n\
                 [[fault]]\nkind = \"unplug\"\nstation = \"two\"\nfrom = \"6ms\"\nuntil = \"10ms\"";
    let (runtime, memory) = run(&cable("length = 100\ninterval = \"1ms\"\nframes = 20", fault), 30);
    let counted = runtime.statistics().generators;
    assert_eq!((counted[0].sent, counted[1].received), (20, 15));
    let two = StationId(1);
    assert_eq!(
        changes(&memory),
        [(5, CableChange::Unplugged(two)), (10, CableChange::Plugged(two))],
        "faults that overlap are one"
    );
}

#[test]
fn a_sender_that_is_unplugged_from_thick_cable_sends_without_carrier() {
    let fault = "[[fault]]\nkind = \"unplug\"\nstation = \"one\"\nfrom = \"5500us\"\nuntil = \"9500us\"";
    let (runtime, _) = run(&cable("length = 100\ninterval = \"1ms\"\nframes = 20", fault), 30);
    let one = &runtime.statistics().generators[0];
    assert_eq!((one.sent, one.without_carrier), (16, 4));
}

#[test]
fn nothing_passes_a_partition() {
    let fault = "[[fault]]\nkind = \"partition\"\nat = \"20m\"\nfrom = \"5ms\"\nuntil = \"9ms\"";
    let (runtime, memory) = run(&cable("length = 100\ninterval = \"1ms\"\nframes = 20", fault), 30);
    let counted = runtime.statistics().generators;
    assert_eq!((counted[0].sent, counted[1].received), (20, 16));
    assert_eq!(
        changes(&memory),
        [(5, CableChange::Cut(20_000)), (9, CableChange::Joined(20_000))]
    );
}

/// Tells what it finds in memory at 18 0000h, changes it, and sleeps.
fn boots() -> std::sync::Arc<[u8]> {
    use iced_x86::code_asm::{al, byte_ptr};
    guest(|a| {
        a.mov(al, byte_ptr(0x18_0000))?;
        post(a)?;
        a.mov(byte_ptr(0x18_0000), 0x77)?;
        sleep(a)
    })
}

fn switches(memory: &Memory) -> Vec<(u64, usize, &'static str)> {
    let switch = |happening: &Happening| {
        let at = happening.at.nanoseconds() / 1_000;
        match happening.what {
            What::Power { machine, is_on } => Some((at, machine, if is_on { "on" } else { "off" })),
            What::Reset {
                machine,
                cause: ResetCause::Button,
            } => Some((at, machine, "reset")),
            _ => None,
        }
    };
    memory.happenings.iter().filter_map(switch).collect()
}

#[test]
fn a_machine_without_power_stops_dead_and_starts_cold() {
    let faults = "[[fault]]\nkind = \"power-off\"\nmachine = \"pc0\"\nfrom = \"1ms\"\nuntil = \"5ms\"\n\
                  [[fault]]\nkind = \"reset\"\nmachine = \"*\"\nfrom = \"8ms\"";
    let mut runtime = runtime(&lab(&(pcs(2, 2) + faults)), &[boots()]);
    let (_, memory) = run_for(&mut runtime, Span::from_milliseconds(10), 1);
    assert_eq!(
        switches(&memory),
        [
            (1_000, 0, "off"),
            (5_000, 0, "on"),
            (8_000, 0, "reset"),
            (8_000, 1, "reset")
        ]
    );
    assert_eq!(
        memory.codes(0),
        [0x00, 0x00, 0x77],
        "memory is lost without power, and kept by a reset"
    );
    assert_eq!(memory.codes(1), [0x00, 0x77]);
    let machine = &runtime.statistics().machines[0];
    assert_eq!(machine.cycles, 400_000, "its clock is the lab's");
    assert!(machine.halted_cycles > 390_000);
}

#[test]
fn the_cmos_clock_goes_on_without_power() {
    use iced_x86::code_asm::al;
    let kernel = guest(|a| {
        tests::output(a, 0x70, 0x00)?;
        tests::input(a, 0x71)?;
        a.mov(iced_x86::code_asm::bl, al)?;
        post(a)?;
        sleep(a)
    });
    let fault = "[[fault]]\nkind = \"power-off\"\nmachine = \"pc0\"\nfrom = \"1ms\"\nuntil = \"7500ms\"";
    let mut runtime = runtime(&lab(&(pcs(1, 1) + fault)), &[kernel]);
    let (_, memory) = run_for(&mut runtime, Span::from_seconds(8), 1);
    assert_eq!(memory.codes(0), [0x00, 0x07]);
}

#[test]
fn a_machine_that_has_stopped_by_itself_starts_again_with_a_reset_or_with_power() {
    let kernel = guest(|a| {
        tests::output(a, 0x80, 0x42)?;
        a.cli()?;
        a.hlt()
    });
    let faults = "[[fault]]\nkind = \"reset\"\nmachine = \"pc0\"\nfrom = \"2ms\"\n\
                  [[fault]]\nkind = \"power-off\"\nmachine = \"pc0\"\nfrom = \"4ms\"\nuntil = \"6ms\"";
    let mut runtime = runtime(&lab(&(pcs(1, 1) + faults)), &[kernel]);
    let mut memory = Memory::default();
    let end = runtime.run(Instant::NEVER, 1, &mut memory);
    assert_eq!(end, machines::runtime::RunEnd::AllStopped);
    assert_eq!(memory.codes(0), [0x42, 0x42, 0x42]);
    assert_eq!(memory.stops(), 3);
}

#[test]
fn a_machine_that_loses_power_while_it_sends_breaks_its_frame_off() {
    let kernel = guest(|a| {
        tests::start_card(a)?;
        tests::transmit(a, 1514)?;
        sleep(a)
    });
    let lab_text = pcs(2, 2);
    let sent = |fault: &str| {
        let mut runtime = runtime(&lab(&(lab_text.clone() + fault)), std::slice::from_ref(&kernel));
        let _ = run_for(&mut runtime, Span::from_milliseconds(10), 1);
        let counted = runtime.statistics();
        (
            counted.segments[0].frames,
            counted.machines[0].cards[0].received + counted.machines[1].cards[0].received,
        )
    };
    assert_eq!(sent(""), (2, 2));
    let off = "[[fault]]\nkind = \"power-off\"\nmachine = \"*\"\nfrom = \"700us\"";
    assert_eq!(sent(off), (0, 0));
    // However soon it comes back: what it sends then are two frames and no more.
    for until in [701, 710, 751, 800, 1_900] {
        let on = format!("{off}\nuntil = \"{until}us\"");
        assert_eq!(sent(&on), (2, 2), "power at {until} us");
    }
}

/// Four busy PCs, three traffic generators and faults of most kinds.
fn busy() -> String {
    pcs(4, 5).replace(
        "boot = { from = \"direct\", image = \"kernel\" }",
        "boot = { from = \"direct\", image = \"kernel\", args = \"peers=3 frames=1000\" }",
    ) + r#"
[traffic.gen]
segment = "ether0"
count = 3
mac = "02:00:00:00:01:00"
mean = "900us"
length = 64
longest = 1518
[[fault]]
kind = "loss"
chance = "5%"
place = "receiver"
[[fault]]
kind = "duplication"
every = 7
[[fault]]
kind = "delay"
sender = "gen*"
least = "10us"
most = "900us"
chance = "30%"
[[fault]]
kind = "bit-errors"
chance = "10%"
[[fault]]
kind = "unplug"
station = "pc1"
from = "60ms"
until = "80ms"
[[fault]]
kind = "partition"
at = "1m"
from = "90ms"
until = "95ms"
[[fault]]
kind = "power-off"
machine = "pc2"
from = "50ms"
until = "70ms"
[[fault]]
kind = "reset"
machine = "pc3"
from = "65ms"
"#
}

fn built() -> Runtime {
    build(&lab(&busy()))
}

#[test]
fn faults_and_traffic_are_the_same_for_any_number_of_threads_and_however_the_run_is_cut() {
    let span = Span::from_milliseconds(120);
    let mut whole = built();
    let (_, expected) = run_for(&mut whole, span, 1);
    assert_eq!(switches(&expected).len(), 3);
    let frames = whole.statistics().segments[0].frames;
    assert!(frames > 150, "{frames} frames");
    let mut two = built();
    let (_, memory) = run_for(&mut two, span, 2);
    assert_eq!(memory.happenings, expected.happenings);
    assert_eq!(two.trace_hash(), whole.trace_hash());
    assert_eq!(two.statistics(), whole.statistics());
    let mut cut = built();
    while cut.now() < Instant::START + span {
        let limit = (cut.now() + Span::from_nanoseconds(91_357)).min(Instant::START + span);
        cut.run(limit, 2, &mut Memory::default());
    }
    assert_eq!(cut.trace_hash(), whole.trace_hash());
    assert_eq!(cut.statistics(), whole.statistics());
}
