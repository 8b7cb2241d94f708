//! Everything at once: messages of all kinds, processes that come, move, are busy and go, messages taken back, slow
//! receivers, cables in bad weather. In the end nothing is left in any queue.

use super::properties::{SHAPES, Weather, build, weather};
use super::{LARGE_RING, SMALL_RING, World, bytes, private, public};
use crate::flip::types::{Below, Endpoint, MessageId, Milliseconds, Priority, SendFlags};
use proptest::collection::vec;
use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::sample::select;
use std::vec::Vec;

/// What happens at a kernel.
#[derive(Clone, Copy, Debug)]
enum Act {
    Unicast {
        to: u8,
        length: usize,
        flags: u32,
        urgent: bool,
    },
    Multicast {
        listeners: u32,
        length: usize,
    },
    Broadcast {
        hops: u16,
    },
    Register {
        address: u8,
    },
    Unregister,
    Busy(bool),
    Cancel,
    Trust(bool),
    Enable(bool),
}

fn act() -> impl Strategy<Value = Act> {
    let length = select(std::vec![0, 100, 1458, 1459, 6000, 20_000]);
    prop_oneof![
        6 => (0..8_u8, length.clone(), 0..16_u32, any::<bool>())
            .prop_map(|(to, length, flags, urgent)| Act::Unicast { to, length, flags, urgent }),
        2 => (0..4_u32, length).prop_map(|(listeners, length)| Act::Multicast { listeners, length }),
        1 => (0..30_u16).prop_map(|hops| Act::Broadcast { hops }),
        2 => (0..9_u8).prop_map(|address| Act::Register { address }),
        1 => Just(Act::Unregister),
        2 => any::<bool>().prop_map(Act::Busy),
        1 => Just(Act::Cancel),
        1 => any::<bool>().prop_map(Act::Trust),
        1 => any::<bool>().prop_map(Act::Enable),
    ]
}

/// The kernels and what the test knows of them.
struct Chaos {
    world: World,
    endpoints: Vec<Vec<Endpoint>>,
    last: Vec<Option<MessageId>>,
}

/// The address of a group.
const GROUP: u8 = 8;

impl Chaos {
    fn act(&mut self, kernel: usize, act: Act) {
        let now = self.world.now;
        let interface = self.world.kernels[kernel].interface;
        let flip = &mut self.world.kernels[kernel].flip;
        let newest = self.endpoints[kernel].last().copied();
        let sent = match (act, newest) {
            (
                Act::Unicast {
                    to,
                    length,
                    flags,
                    urgent,
                },
                Some(from),
            ) => {
                let priority = if urgent {
                    Priority::Control
                } else {
                    Priority::Normal
                };
                let flags = SendFlags::from_bits_retain(flags);
                let data = bytes(length, usize::from(to));
                flip.unicast(now, interface, from, flags, public(to), 3000, priority, data)
                    .ok()
            }
            (Act::Multicast { listeners, length }, Some(from)) => {
                let flags = SendFlags::SKIP_SOURCE;
                let data = bytes(length, 0);
                flip.multicast(now, interface, from, flags, public(GROUP), listeners, 3000, data)
                    .ok()
            }
            (Act::Broadcast { hops }, Some(from)) => {
                flip.broadcast(now, interface, from, hops, bytes(100, 0)).ok()
            }
            (Act::Register { address }, _) => {
                let endpoint = flip.register(interface, private(address)).unwrap();
                self.endpoints[kernel].push(endpoint);
                None
            }
            (Act::Unregister, Some(endpoint)) => {
                self.endpoints[kernel].pop();
                flip.unregister(interface, endpoint).unwrap();
                None
            }
            (Act::Busy(busy), Some(endpoint)) => {
                flip.set_busy(interface, endpoint, busy).unwrap();
                None
            }
            (Act::Cancel, _) => {
                if let Some(message) = self.last[kernel] {
                    flip.cancel(interface, message);
                }
                None
            }
            (Act::Trust(trusted), _) => {
                flip.set_trusted(crate::flip::Network(1), trusted);
                None
            }
            (Act::Enable(enabled), _) => {
                flip.set_enabled(crate::flip::Network(1), enabled);
                None
            }
            (_, None) => None,
        };
        self.last[kernel] = sent.or(self.last[kernel]);
    }

    fn run(&mut self, end: Milliseconds, weather: &mut Weather) {
        self.world.run_with(end, &mut || weather.fate());
    }

    /// Nobody is busy any more, and everything comes to its end.
    fn finish(&mut self, weather: &mut Weather) {
        for kernel in 0..4 {
            for endpoint in self.endpoints[kernel].clone() {
                let interface = self.world.kernels[kernel].interface;
                let flip = &mut self.world.kernels[kernel].flip;
                flip.set_busy(interface, endpoint, false).unwrap();
            }
        }
        let end = self.world.now + 300_000;
        self.run(end, weather);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_happens_nothing_is_left_in_the_end(
        shape in select(SHAPES.to_vec()),
        rings in vec(select(std::vec![SMALL_RING, LARGE_RING]), 4),
        acts in vec((0..150_u64, 0..4_usize, act()), 1..60),
        mut weather in weather(),
    ) {
        let (world, endpoints) = build(shape, &rings);
        let mut chaos = Chaos {
            world,
            endpoints: endpoints.into_iter().map(|endpoint| std::vec![endpoint]).collect(),
            last: std::vec![None; 4],
        };
        for (pause, kernel, act) in acts {
            chaos.act(kernel, act);
            let end = chaos.world.now + pause;
            chaos.run(end, &mut weather);
        }
        chaos.finish(&mut weather);
        for kernel in &mut chaos.world.kernels {
            let flip = &mut kernel.flip;
            prop_assert_eq!(flip.free_packets(), 80);
            prop_assert_eq!(flip.messages.used(), 0);
            prop_assert_eq!(flip.searches.len(), 0);
            prop_assert!(flip.busy.is_empty());
            for link in flip.links() {
                prop_assert!(link.is_empty());
            }
        }
    }
}
