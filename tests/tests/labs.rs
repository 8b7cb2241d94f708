//! The lab files of the project: each runs.

use clock::{Instant, Span};
use machines::runtime::Runtime;
use tests::{Memory, build, lab_file, run_for};

fn run(name: &str, milliseconds: u64) -> (Runtime, Memory) {
    let mut runtime = build(&lab_file(name));
    let (_, memory) = run_for(&mut runtime, Span::from_milliseconds(milliseconds), 1);
    (runtime, memory)
}

#[test]
fn the_pool_of_1995_boots_on_a_386_33_and_three_386_40() {
    let (runtime, memory) = run("steketee1995", 150);
    for machine in 0..4 {
        let console = memory.console(machine);
        assert!(console.contains("kernel ready"), "{machine}: {console}");
    }
    let cycles: Vec<u64> = runtime
        .statistics()
        .machines
        .iter()
        .map(|machine| machine.cycles / 1_000)
        .collect();
    assert_eq!(cycles, [5_000, 6_000, 6_000, 6_000]);
}

#[test]
fn the_pool_of_1995_comes_up_by_itself_to_a_system() {
    let (_, memory) = run("steketee1995", 15_000);
    let console = memory.console(0);
    // A prompt of the shell may stand before what the boot server tells.
    for text in [
        "soap: serving",
        "boot: run is up",
        "boot: shell is up",
        "amoeba ready",
        "$ ",
    ] {
        assert!(console.contains(text), "{text}: {console}");
    }
    assert!(!console.contains("cannot start"), "{console}");
}

#[test]
fn forty_nine_machines_boot_and_hear_one_another_on_one_thick_cable() {
    let (runtime, memory) = run("pool48", 1_000);
    assert_eq!(runtime.machines().len(), 49);
    for machine in 0..49 {
        let console = memory.console(machine);
        assert!(console.contains("kernel ready"), "{machine}: {console}");
    }
    // Each has selected the transceiver that is on the cable.
    for machine in runtime.statistics().machines {
        let card = &machine.cards[0];
        assert!(card.sent > 0 && card.received > 0, "{}: {card:?}", machine.name);
    }
}

#[test]
fn two_segments_carry_their_own_frames_and_nothing_of_the_other() {
    let (runtime, memory) = run("two-segments", 3_000);
    for machine in 0..4 {
        let console = memory.console(machine);
        assert!(
            console.contains("exchange ok: 100 frames sent, 100 received"),
            "{machine}: {console}"
        );
    }
    let statistics = runtime.statistics();
    assert!(statistics.segments.iter().all(|segment| segment.frames > 200));
    let gateway = &statistics.machines[0];
    assert_eq!(gateway.cards[1].sent, 0, "today's kernel uses the first card");
}

#[test]
fn stations_that_always_have_a_frame_share_the_cable() {
    let (runtime, _) = run("wire", 100);
    let statistics = runtime.statistics();
    let segment = &statistics.segments[0];
    assert!(segment.collisions > 100, "{segment:?}");
    let senders = statistics.generators.iter();
    let senders = senders.filter(|generator| generator.sent > 0).count();
    assert!(senders > 12, "{senders} senders");
    let used = segment.busy_picoseconds * 100 / (runtime.now().since(Instant::START)).picoseconds();
    assert!((80..=100).contains(&used), "{used} percent of the time");
}
