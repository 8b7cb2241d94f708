//! What is typed on a machine, and what is done to a lab from outside, happens at instants that can be repeated.

use std::sync::Arc;

use clock::{Instant, Span};
use machines::lab::{InputDevice, Lab};
use machines::machine::{PowerEvent, TornSector};
use machines::runtime::{Deed, Runtime, What};
use proptest::prelude::*;
use tests::{
    Memory, build, guest, handle, input, lab, output, pcs, post, prepare_interrupts, run_for, runtime, sleep,
};
use wire::StationId;

/// Halts until COM1 or the keyboard interrupts: characters are sent back, codes become POST codes.
fn listener() -> Arc<[u8]> {
    guest(|a| {
        prepare_interrupts(a, 1 << 1 | 1 << 4)?;
        handle(a, 0x09, |a| {
            a.pushad()?;
            input(a, 0x60)?;
            post(a)?;
            output(a, 0x20, 0x20)?;
            a.popad()?;
            a.iretd()
        })?;
        handle(a, 0x0C, |a| {
            a.pushad()?;
            input(a, 0x3F8)?;
            a.out(iced_x86::code_asm::dx, iced_x86::code_asm::al)?;
            output(a, 0x20, 0x20)?;
            a.popad()?;
            a.iretd()
        })?;
        output(a, 0x3FB, 0x03)?;
        output(a, 0x3FC, 0x08)?;
        output(a, 0x3F9, 0x01)?;
        sleep(a)
    })
}

fn listening(inputs: &str) -> Runtime {
    runtime(&lab(&(pcs(2, 1) + inputs)), &[listener()])
}

fn at(microseconds: u64) -> Instant {
    Instant::START + Span::from_microseconds(microseconds)
}

/// When each character left a machine.
fn characters(memory: &Memory, of: usize) -> Vec<(Instant, u8)> {
    let character = |happening: &machines::runtime::Happening| match happening.what {
        What::Console { machine, byte } if machine == of => Some((happening.at, byte)),
        _ => None,
    };
    memory.happenings.iter().filter_map(character).collect()
}

#[test]
fn a_terminal_sends_at_the_speed_of_the_port() {
    let mut runtime = listening("[[input]]\nmachine = \"pc0\"\nat = \"5ms\"\ntext = \"abcd\"\n");
    let (_, memory) = run_for(&mut runtime, Span::from_milliseconds(20), 1);
    assert_eq!(memory.console(0), "abcd");
    assert_eq!(memory.console(1), "");
    // Ten bits at 9600 bit/s, there and back.
    let times: Vec<u64> = characters(&memory, 0)
        .iter()
        .map(|(at, _)| at.since(Instant::START).nanoseconds() / 1_000)
        .collect();
    assert!((7_083..7_120).contains(&times[0]), "{times:?}");
    for pair in times.windows(2) {
        assert!((1_041..=1_042).contains(&(pair[1] - pair[0])), "{times:?}");
    }
}

#[test]
fn a_key_is_pressed_each_20_ms_and_its_codes_take_their_time_on_the_line() {
    let input = "[[input]]\nmachine = \"pc1\"\nat = \"5ms\"\ntext = \"aB\"\ndevice = \"keyboard\"\n";
    let (_, memory) = run_for(&mut listening(input), Span::from_milliseconds(60), 1);
    // Scan set 1, as the controller translates.
    assert_eq!(memory.codes(1), [0x1E, 0x9E, 0x2A, 0x30, 0xB0, 0xAA]);
    let times: Vec<u64> = memory
        .posts(1)
        .iter()
        .map(|(at, _)| at.since(Instant::START).nanoseconds() / 1_000)
        .collect();
    assert!((5_880..5_900).contains(&times[0]), "{times:?}");
    // The release of a key has a prefix: two bytes on the line.
    assert!((1_750..1_800).contains(&(times[1] - times[0])), "{times:?}");
    assert!((20_000..20_010).contains(&(times[2] - times[0])), "{times:?}");
}

#[test]
fn texts_that_wait_are_typed_in_the_order_of_the_file_each_for_a_text_of_its_own() {
    let inputs = r#"
[[input]]
machine = "pc*"
after = 'x'
text = "x1"
[[input]]
machine = "pc*"
after = 'x'
delay = "3ms"
text = "2"
[[input]]
machine = "pc0"
at = "4ms"
text = "x"
"#;
    let (_, memory) = run_for(&mut listening(inputs), Span::from_milliseconds(60), 1);
    assert_eq!(memory.console(0), "xx12");
    assert_eq!(memory.console(1), "", "it has shown nothing");
    let shown = characters(&memory, 0);
    let delays = [shown[1].0.since(shown[0].0), shown[3].0.since(shown[1].0)];
    // Two characters of ten bits at 9600 bit/s after the delay, and what the guest needs.
    for (delay, least) in delays.into_iter().zip([12_083, 5_083]) {
        let microseconds = delay.nanoseconds() / 1_000;
        assert!((least..least + 60).contains(&microseconds), "{microseconds} us");
    }
}

#[test]
fn a_machine_that_is_off_hears_nothing_and_what_it_was_sent_is_not_kept() {
    let inputs = r#"
[[fault]]
kind = "power-off"
machine = "pc0"
from = "5ms"
until = "40ms"
[[input]]
machine = "pc0"
at = "4900us"
text = "before"
[[input]]
machine = "pc0"
at = "20ms"
text = "during"
[[input]]
machine = "pc0"
at = "60ms"
text = "after"
"#;
    let (_, memory) = run_for(&mut listening(inputs), Span::from_milliseconds(80), 1);
    assert_eq!(memory.console(0), "after");
}

/// Something that is done at an instant from outside.
fn deed() -> impl Strategy<Value = Deed> {
    let text = prop::collection::vec(prop_oneof![Just(b'x'), Just(b'\n'), 0x20..0x7F_u8], 1..6);
    let device = prop_oneof![Just(InputDevice::Com1), Just(InputDevice::Keyboard)];
    let power = prop_oneof![
        Just(PowerEvent::On),
        Just(PowerEvent::Off(TornSector::Unreadable))
    ];
    prop_oneof![
        4 => (0..2_usize, device, text).prop_map(|(machine, device, text)| Deed::Type { machine, device, text }),
        1 => (0..2_usize, power).prop_map(|(machine, event)| Deed::Power { machine, event }),
        1 => (0..2_usize).prop_map(|machine| Deed::Reset { machine }),
        1 => (0..2_u16, any::<bool>()).prop_map(|(station, is_in)| Deed::Cable {
            segment: 0,
            station: StationId(station),
            is_in,
        }),
    ]
}

/// Two machines whose kernels exchange frames over the network, and that are typed to.
fn busy() -> Lab {
    let inputs = r#"
[[input]]
machine = "pc*"
after = 'x'
text = "yx"
device = "keyboard"
[[input]]
machine = "pc*"
after = 'peer|r'
text = "one more"
[[input]]
machine = "pc1"
at = "20ms"
text = "xxxx"
"#;
    lab(&(pcs(2, 1) + inputs))
}

fn start(lab: &Lab, listens: bool) -> Runtime {
    if listens {
        return runtime(lab, &[listener()]);
    }
    build(lab)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// A lab is steered from outside at odd moments; then the same deeds are handed to a new one before it runs.
    #[test]
    fn what_was_done_from_outside_can_be_repeated_bit_for_bit(
        deeds in prop::collection::vec((1..9_000_u64, deed()), 1..12),
        listens in any::<bool>(),
    ) {
        let lab = busy();
        let mut steered = start(&lab, listens);
        let mut seen = Memory::default();
        let mut done = Vec::new();
        for (microseconds, deed) in deeds {
            let limit = steered.now() + Span::from_nanoseconds(microseconds * 1_000 + 37);
            steered.run(limit, 1, &mut seen);
            done.push((steered.inject(&deed), deed));
        }
        let end = steered.now() + Span::from_milliseconds(30);
        steered.run(end, 1, &mut seen);

        let mut repeated = start(&lab, listens);
        for (at, deed) in &done {
            repeated.inject_at(*at, deed);
        }
        let mut again = Memory::default();
        repeated.run(end, 2, &mut again);
        prop_assert_eq!(steered.statistics(), repeated.statistics());
        prop_assert_eq!(seen.console(0), again.console(0));
        prop_assert_eq!(seen.posts(1), again.posts(1));
        prop_assert_eq!(steered.trace_hash(), repeated.trace_hash());
    }
}

#[test]
fn a_deed_has_its_instant_on_a_whole_nanosecond_and_never_in_the_past() {
    let mut runtime = listening("");
    let (_, _) = run_for(&mut runtime, Span::from_picoseconds(7_000_000_001), 1);
    let deed = Deed::Reset { machine: 0 };
    let first = runtime.inject(&deed);
    assert!(first >= runtime.now());
    assert_eq!(first.since(Instant::START).picoseconds() % 1_000, 0);
    assert!(first < at(7_000) + Span::from_microseconds(60));
}
