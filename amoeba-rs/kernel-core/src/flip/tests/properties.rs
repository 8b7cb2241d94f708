//! Kernels on cables that lose, repeat, delay and reorder frames.

use super::{Bytes, Kernel, LARGE_RING, SMALL_RING, Told, World, bytes, control, packet, public};
use crate::flip::types::{Endpoint, MessageId, Milliseconds, ReportFlags, SendFlags};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, proptest};
use proptest::sample::select;
use proto::flip::Kind;
use proto::fragment_control::Kind as Control;
use std::collections::BTreeMap;
use std::vec::Vec;

/// What cables do: chances in percent, and the longest delay.
#[derive(Clone, Copy, Debug)]
struct Weather {
    loss: u8,
    repetition: u8,
    delay: Milliseconds,
    seed: u64,
}

impl Weather {
    /// Numbers that look random (Marsaglia 2003, the generator with shifts 13, 7 and 17).
    fn next(&mut self) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed >> 11
    }

    fn chance(&mut self, percent: u8) -> bool {
        self.next() % 100 < u64::from(percent)
    }

    fn fate(&mut self) -> Vec<Milliseconds> {
        let copies = if self.chance(self.loss) {
            0
        } else {
            1 + usize::from(self.chance(self.repetition))
        };
        (0..copies).map(|_| 1 + self.next() % self.delay).collect()
    }
}

fn weather() -> impl Strategy<Value = Weather> {
    (0..30_u8, 0..20_u8, 1..40_u64, any::<u64>()).prop_map(|(loss, repetition, delay, seed)| Weather {
        loss,
        repetition,
        delay,
        seed: seed | 1,
    })
}

/// Shapes of networks: for each cable its kernels.
const SHAPES: [&[&[usize]]; 5] = [
    // One cable.
    &[&[0, 1, 2, 3]],
    // A router between two cables.
    &[&[0, 1], &[1, 2, 3]],
    // A chain of three.
    &[&[0, 1], &[1, 2], &[2, 3]],
    // A ring of four.
    &[&[0, 1], &[1, 2], &[2, 3], &[3, 0]],
    // Two cables with the same machines on them.
    &[&[0, 1, 2, 3], &[0, 1, 2, 3]],
];

/// The kernels of a shape, each with the address of its number.
fn build(shape: &[&[usize]], rings: &[u16]) -> (World, Vec<Endpoint>) {
    let mut cards = [0_u8; 4];
    let cables = shape
        .iter()
        .map(|kernels| {
            let on_cable = kernels.iter().map(|kernel| {
                cards[*kernel] += 1;
                (*kernel, cards[*kernel])
            });
            on_cable.collect()
        })
        .collect();
    let mut kernels: Vec<Kernel> = (0..4)
        .map(|kernel| {
            let rings = std::vec![rings[kernel]; usize::from(cards[kernel])];
            Kernel::new(10 + 10 * kernel as u8, &rings)
        })
        .collect();
    let endpoints = (0..)
        .zip(&mut kernels)
        .map(|(number, kernel)| kernel.register(number))
        .collect();
    (World::new(kernels, cables), endpoints)
}

/// A message of a test: when, from whom, to whom, how long.
type Letter = (Milliseconds, usize, usize, usize);

fn letters() -> impl Strategy<Value = Vec<Letter>> {
    let length = select(std::vec![0, 1, 1458, 1459, 2916, 5000, 30_056]);
    vec((0..500_u64, 0..4_usize, 0..4_usize, length), 1..10)
}

/// What was sent: from whom, with which number, to whom, and what.
type Sent = Vec<(usize, MessageId, usize, Bytes)>;

fn send(world: &mut World, endpoints: &[Endpoint], letters: &[Letter], weather: &mut Weather) -> Sent {
    let mut sent = Vec::new();
    for (seed, (pause, from, to, length)) in letters.iter().enumerate() {
        let end = world.now + pause;
        world.run_with(end, &mut || weather.fate());
        let data = bytes(*length, seed);
        let now = world.now;
        let kernel = &mut world.kernels[*from];
        let id = kernel.unicast(now, endpoints[*from], *to as u8, SendFlags::empty(), data.clone());
        sent.push((*from, id, *to, data));
    }
    sent
}

/// What copies of one packet on one cable have in common: source, message, offset, kind, cable, hops.
type Copied = ([u8; 8], u32, u32, u8, usize, u16);

/// How often each packet was sent on each cable.
fn copies_on_cables(world: &World) -> BTreeMap<Copied, usize> {
    let mut copies = BTreeMap::new();
    for (_, cable, frame) in &world.sent {
        if let Some((_, header)) = packet(frame) {
            let key = (
                header.source.0,
                header.message,
                header.offset,
                header.kind.code(),
                *cable,
                header.actual_hops,
            );
            *copies.entry(key).or_default() += 1;
        }
    }
    copies
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn on_good_cables_every_message_arrives_whole_or_its_sender_is_told(
        shape in select(SHAPES.to_vec()),
        rings in vec(select(std::vec![SMALL_RING, LARGE_RING]), 4),
        letters in letters(),
        seed in any::<u64>(),
    ) {
        let mut weather = Weather { loss: 0, repetition: 0, delay: 1, seed: seed | 1 };
        let (mut world, endpoints) = build(shape, &rings);
        let sent = send(&mut world, &endpoints, &letters, &mut weather);
        let end = world.now + 60_000;
        world.run_with(end, &mut || weather.fate());
        for (from, id, to, data) in sent {
            // While others look for the same address, routers forget it for a moment.
            let is_told = world.told[from].iter().any(|(_, told)| {
                matches!(told, Told::NotDelivered { message, flags, .. }
                    if *message == id && *flags == ReportFlags::NOTHERE)
            });
            let arrives = world.messages(to).contains(&data.0);
            let is_sent = world.told[from].iter().any(|(_, told)| *told == Told::Sent(id));
            prop_assert!(arrives && is_sent || is_told, "{} to {}: {} bytes", from, to, data.0.len());
        }
        for kernel in &world.kernels {
            prop_assert!(kernel.flip.free_packets() == 80);
        }
    }

    #[test]
    fn on_bad_cables_every_sender_is_told_the_end_and_what_arrives_is_what_was_sent(
        shape in select(SHAPES.to_vec()),
        rings in vec(select(std::vec![SMALL_RING, LARGE_RING]), 4),
        letters in letters(),
        mut weather in weather(),
    ) {
        let (mut world, endpoints) = build(shape, &rings);
        let sent = send(&mut world, &endpoints, &letters, &mut weather);
        let end = world.now + 120_000;
        world.run_with(end, &mut || weather.fate());
        for (from, id, ..) in &sent {
            let ends = world.told[*from].iter().filter(|(_, told)| match told {
                Told::Sent(message) => message == id,
                Told::NotDelivered { message, has_data, .. } => message == id && *has_data,
                Told::Received { .. } => false,
            });
            prop_assert!(ends.count() == 1, "{:?} of {}", id, from);
        }
        for kernel in 0..4 {
            for message in world.messages(kernel) {
                let is_known = sent.iter().any(|(_, _, to, data)| *to == kernel && data.0 == message);
                prop_assert!(is_known, "{} bytes at {}", message.len(), kernel);
            }
            prop_assert!(world.kernels[kernel].flip.free_packets() == 80);
        }
    }

    #[test]
    fn no_packet_circles(
        shape in select(SHAPES.to_vec()),
        letters in letters(),
        mut weather in weather(),
    ) {
        let (mut world, endpoints) = build(shape, &[LARGE_RING; 4]);
        send(&mut world, &endpoints, &letters, &mut weather);
        let end = world.now + 60_000;
        world.run_with(end, &mut || weather.fate());
        // A broadcast crosses a cable once from each machine on it at most; a packet for one address is only
        // multiplied by what the cables repeat, and dies after 25 hops.
        for ((_, _, _, kind, cable, hops), copies) in copies_on_cables(&world) {
            if kind == Kind::Locate.code() {
                prop_assert!(copies <= world.cables[cable].len());
            }
            prop_assert!(hops <= 25, "kind {} made {} hops", kind, hops);
        }
        let sent = world.sent.len();
        world.run_with(world.now + 20_000, &mut || weather.fate());
        prop_assert!(world.sent.len() == sent, "the cables are not silent");
    }

    #[test]
    fn credits_are_never_exceeded_where_frames_are_only_lost(
        ring in select(std::vec![SMALL_RING, LARGE_RING]),
        lengths in vec(1459..30_056_usize, 1..6),
        loss in 0..30_u8,
        seed in any::<u64>(),
    ) {
        let mut weather = Weather { loss, repetition: 0, delay: 1, seed: seed | 1 };
        let (mut world, one, _) = World::pair(ring);
        for (number, length) in lengths.iter().enumerate() {
            world.kernels[0].unicast(0, one, 2, SendFlags::empty(), bytes(*length, number));
        }
        world.run_with(120_000, &mut || weather.fate());
        let most = if ring == SMALL_RING { 1_i64 } else { 8 };
        // Fragments that were sent since the last credits of the receiver.
        let mut open = 0;
        for (_, _, frame) in &world.sent {
            let is_fragment = packet(frame).is_some_and(|(_, header)| {
                header.kind == Kind::Unidata && header.destination == public(2)
            });
            match control(frame).kind {
                Control::Credit => open -= i64::from(control(frame).count),
                Control::AbsoluteCredit => open = most - i64::from(control(frame).count),
                _ if is_fragment => open += 1,
                _ => {}
            }
            prop_assert!(open <= most, "{} of {} credits", open, most);
        }
        // All of it came to an end in which the credits are back: a new message goes at once where nothing is lost.
        if world.told[0].len() == lengths.len() {
            let before = world.messages(1).len();
            let now = world.now;
            world.kernels[0].unicast(now, one, 2, SendFlags::INVALIDATE, bytes(30_056, 99));
            world.run(now + 20_000);
            prop_assert!(world.messages(1).len() > before);
        }
    }
}
