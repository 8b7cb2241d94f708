//! Kernels and the cables between them, in a time of their own.

use super::{Kernel, Told, packet};
use crate::flip::types::{Endpoint, Milliseconds};
use proto::flip::{Address, Header, Kind};
use std::vec::Vec;

/// What a cable does with a frame for one receiver: the times after which it arrives, each of them once.
pub(in crate::flip) type Fate<'a> = dyn FnMut() -> Vec<Milliseconds> + 'a;

/// A message: who sent it, and its number.
type Key = (Address, u32);

/// Kernels and the cables between them.
pub(in crate::flip) struct World {
    pub(in crate::flip) kernels: Vec<Kernel>,
    /// For each cable the kernels and which of their networks it is.
    pub(in crate::flip) cables: Vec<Vec<(usize, u8)>>,
    pub(in crate::flip) now: Milliseconds,
    /// Frames under way: when, to whom, over which network.
    under_way: Vec<(Milliseconds, usize, u8, Vec<u8>)>,
    /// What each kernel was told.
    pub(in crate::flip) told: Vec<Vec<(Milliseconds, Told)>>,
    /// Every frame that was sent, with its cable.
    pub(in crate::flip) sent: Vec<(Milliseconds, usize, Vec<u8>)>,
}

impl World {
    pub(in crate::flip) fn new(kernels: Vec<Kernel>, cables: Vec<Vec<(usize, u8)>>) -> World {
        World {
            told: kernels.iter().map(|_| Vec::new()).collect(),
            kernels,
            cables,
            now: 0,
            under_way: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Two kernels on one cable, with the addresses 1 and 2.
    pub(in crate::flip) fn pair(ring: u16) -> (World, Endpoint, Endpoint) {
        let mut kernels: Vec<Kernel> = [10, 20].map(|number| Kernel::new(number, &[ring])).into();
        let one = kernels[0].register(1);
        let two = kernels[1].register(2);
        (
            World::new(kernels, std::vec![std::vec![(0, 1), (1, 1)]]),
            one,
            two,
        )
    }

    /// Runs until `end` over cables on which each frame takes a millisecond.
    pub(in crate::flip) fn run(&mut self, end: Milliseconds) {
        self.run_with(end, &mut || std::vec![1]);
    }

    pub(in crate::flip) fn run_with(&mut self, end: Milliseconds, fate: &mut Fate) {
        while self.now < end {
            self.step(fate);
            let sweep = self.kernels.iter().map(|kernel| kernel.flip.next_sweep()).min();
            let arrival = self.under_way.iter().map(|(when, ..)| *when).min();
            let next = arrival
                .unwrap_or(Milliseconds::MAX)
                .min(sweep.unwrap_or(Milliseconds::MAX));
            self.now = next.clamp(self.now + 1, end.max(self.now + 1));
        }
        self.step(fate);
    }

    fn step(&mut self, fate: &mut Fate) {
        let now = self.now;
        let mut place = 0;
        while place < self.under_way.len() {
            if self.under_way[place].0 <= now {
                let (_, kernel, network, frame) = self.under_way.remove(place);
                self.kernels[kernel].receive(now, network, &frame);
                self.look_at_events(kernel);
            } else {
                place += 1;
            }
        }
        for kernel in 0..self.kernels.len() {
            self.kernels[kernel].flip.sweep(now);
            self.look_at_events(kernel);
        }
        for cable in 0..self.cables.len() {
            for (kernel, network) in self.cables[cable].clone() {
                self.transmit(cable, kernel, network, fate);
                self.look_at_events(kernel);
            }
        }
    }

    fn look_at_events(&mut self, kernel: usize) {
        let events = self.kernels[kernel].events();
        self.told[kernel].extend(events.into_iter().map(|event| (self.now, event)));
    }

    fn transmit(&mut self, cable: usize, kernel: usize, network: u8, fate: &mut Fate) {
        for frame in self.kernels[kernel].frames(self.now, network) {
            for (other, on) in self.cables[cable].clone() {
                if (other, on) != (kernel, network) {
                    for delay in fate() {
                        self.under_way.push((self.now + delay, other, on, frame.clone()));
                    }
                }
            }
            self.sent.push((self.now, cable, frame));
        }
    }

    /// Kinds of the packets that were sent on a cable.
    pub(in crate::flip) fn kinds(&self, cable: usize) -> Vec<Kind> {
        self.packets(cable)
            .into_iter()
            .map(|(_, header)| header.kind)
            .collect()
    }

    /// The packets that were sent on a cable.
    pub(in crate::flip) fn packets(&self, cable: usize) -> Vec<(Milliseconds, Header)> {
        let frames = self.sent.iter().filter(|(_, on, _)| *on == cable);
        frames
            .filter_map(|(when, _, frame)| Some((*when, packet(frame)?.1)))
            .collect()
    }

    /// The whole messages that a kernel got, fragments put together.
    pub(in crate::flip) fn messages(&self, kernel: usize) -> Vec<Vec<u8>> {
        let mut messages: Vec<(Key, Vec<Option<u8>>)> = Vec::new();
        for (_, told) in &self.told[kernel] {
            let Told::Received {
                from,
                message,
                offset,
                total,
                bytes,
                ..
            } = told
            else {
                continue;
            };
            let key = (*from, *message);
            let place = messages
                .iter()
                .position(|(other, _)| *other == key)
                .unwrap_or_else(|| {
                    messages.push((key, std::vec![None; *total as usize]));
                    messages.len() - 1
                });
            for (place, byte) in messages[place].1[*offset as usize..].iter_mut().zip(bytes) {
                *place = Some(*byte);
            }
        }
        messages
            .into_iter()
            .filter_map(|(_, bytes)| bytes.into_iter().collect())
            .collect()
    }
}
