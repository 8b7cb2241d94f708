//! What is typed on a machine, and what is done to a lab from outside, happens at instants that can be repeated.

use std::sync::Arc;

use clock::{Instant, Span};
use machines::lab::{InputDevice, Lab};
use machines::machine::{PowerEvent, TornSector};
use machines::runtime::{Deed, Happening, Runtime, What};
use proptest::prelude::*;
use tests::{
    Memory, build, guest, handle, input, lab, output, pcs, post, prepare_interrupts, run_for, runtime, sleep,
};
use wire::{Record, StationId};

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
    let character = |happening: &Happening| match happening.what {
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
        4 => (0..2_u16, any::<bool>()).prop_map(|(station, is_in)| Deed::Cable {
            segment: 0,
            station: StationId(station),
            is_in,
        }),
    ]
}

/// The lab `pair`, and what is typed there.
fn pair(inputs: &str) -> Lab {
    lab(&(include_str!("../../machines/labs/pair.toml").to_owned() + inputs))
}

/// Two machines whose kernels exchange frames over the network, 0.08 s after they were switched on, and that are typed to.
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
    pair(inputs)
}

fn start(lab: &Lab, listens: bool) -> Runtime {
    if listens {
        return runtime(lab, &[listener()]);
    }
    build(lab)
}

/// Each deed, how long the lab runs before it.
type Deeds = [(Span, Deed)];

/// Steers one run of a lab that `start` gives, from outside, and 30 ms later compares it with another to which the same deeds are handed
/// before it begins.
fn assert_can_be_repeated(start: impl Fn() -> Runtime, deeds: &Deeds) {
    let mut steered = start();
    let mut seen = Memory::default();
    let mut done = Vec::new();
    for (rest, deed) in deeds {
        let limit = steered.now() + *rest;
        steered.run(limit, 1, &mut seen);
        done.push((steered.inject(deed), deed));
    }
    let end = steered.now() + Span::from_milliseconds(30);
    steered.run(end, 1, &mut seen);

    let mut repeated = start();
    for (at, deed) in &done {
        repeated.inject_at(*at, deed);
    }
    let mut again = Memory::default();
    repeated.run(end, 2, &mut again);
    assert_eq!(steered.statistics(), repeated.statistics(), "{done:?}");
    for machine in 0..steered.machines().len() {
        assert_eq!(seen.console(machine), again.console(machine), "{done:?}");
        assert_eq!(seen.posts(machine), again.posts(machine), "{done:?}");
    }
    assert_eq!(steered.trace_hash(), repeated.trace_hash(), "{done:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// A lab is steered from outside at odd moments; then the same deeds are handed to a new one before it runs.
    #[test]
    fn what_was_done_from_outside_can_be_repeated_bit_for_bit(
        begin in 1..150_000_u64,
        deeds in prop::collection::vec((1..9_000_u64, deed()), 1..12),
        listens in any::<bool>(),
    ) {
        let lab = busy();
        let rest = |microseconds| Span::from_nanoseconds(microseconds * 1_000 + 37);
        let mut deeds: Vec<_> = deeds.into_iter().map(|(us, deed)| (rest(us), deed)).collect();
        deeds[0].0 = deeds[0].0 + rest(begin);
        assert_can_be_repeated(|| start(&lab, listens), &deeds);
    }
}

/// A station of the pair's cable is taken off or put back.
fn cable(station: u16, is_in: bool) -> Deed {
    Deed::Cable {
        segment: 0,
        station: StationId(station),
        is_in,
    }
}

#[test]
fn a_cable_that_is_pulled_out_and_put_back_by_hand_while_frames_wait_for_it_can_be_repeated() {
    let lab = pair("");
    // When the cable looks at itself depends on what it knows: in these runs it looked at other instants for what had
    // not been done yet.
    for begin in [138_420, 138_590, 165_620, 181_260, 181_430] {
        let deeds = [
            (Span::from_microseconds(begin), cable(1, false)),
            (Span::from_milliseconds(3), cable(1, true)),
            (Span::from_milliseconds(3), cable(0, false)),
            (Span::from_milliseconds(5), cable(0, true)),
        ];
        assert_can_be_repeated(|| build(&lab), &deeds);
    }
}

#[test]
fn a_deed_just_before_a_frame_arrives_that_was_long_on_its_way_changes_nothing_of_it() {
    let traffic = r#"
[traffic.long]
segment = "ether0"
mac     = "02:60:8c:00:01:01"
mean    = "9ms"
length  = 64
tap     = "20m"
[[fault]]
kind  = "delay"
least = "5ms"
most  = "5ms"
"#;
    let lab = lab(&(pcs(2, 1) + traffic));
    let start = || runtime(&lab, &[listener()]);
    let (_, memory) = run_for(&mut start(), Span::from_milliseconds(40), 1);
    let frame = |happening: &Happening| match &happening.what {
        What::Wire {
            record: Record::Frame { start, frame, .. },
            ..
        } => {
            let end = *start + Span::from_nanoseconds(800 * (8 + frame.length()));
            Some(end + Span::from_milliseconds(5))
        }
        _ => None,
    };
    let arrival = memory.happenings.iter().find_map(frame).expect("a frame");
    for before in (0..70_000).step_by(700) {
        let deed = Deed::Type {
            machine: 0,
            device: InputDevice::Com1,
            text: b"a".to_vec(),
        };
        // The deed comes in the very instant at which the run was left.
        let rest = Span::from_nanoseconds(arrival.nanoseconds() - before);
        assert_can_be_repeated(start, &[(rest, deed)]);
    }
}

#[test]
fn a_stop_between_off_and_on_of_a_machine_shows_nowhere() {
    // Both in the window of 52.6 us that begins after 5 ms.
    let fault = "[[fault]]\nkind = \"power-off\"\nmachine = \"pc0\"\nfrom = \"5010us\"\nuntil = \"5040us\"\n";
    let run = |stops: &[u64]| {
        let mut runtime = listening(fault);
        for stop in stops {
            runtime.run(at(*stop), 1, &mut Memory::default());
        }
        runtime.run(at(9_000), 1, &mut Memory::default());
        runtime.trace_hash()
    };
    let straight = run(&[]);
    for stop in 5_000..5_060 {
        assert_eq!(run(&[stop]), straight, "a stop at {stop} us");
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
