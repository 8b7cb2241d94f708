//! Time: what FLIP does without being asked, and when that is due. An idle kernel has only the routing table's sweep.

use super::Flip;
use super::link::Load;
use super::types::{Data, Milliseconds};

/// Period of the sweep over searches and busy destinations.
const INTERFACE: Milliseconds = 100;
/// Period of the sweep over neighbours whose credits are missing.
const LINK: Milliseconds = 500;
/// Period of the sweep over routes; neighbours that are long idle go with it.
const TABLE: Milliseconds = 25_000;

/// When the sweeps are due; those without work are not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timers {
    interface: Option<Milliseconds>,
    link: Option<Milliseconds>,
    table: Milliseconds,
}

impl Timers {
    pub(super) fn new() -> Timers {
        Timers {
            interface: None,
            link: None,
            table: TABLE,
        }
    }

    /// There are searches or busy destinations.
    pub(super) fn start_interface(&mut self, now: Milliseconds) {
        self.interface.get_or_insert(now + INTERFACE);
    }

    /// There are neighbours whose credits are missing.
    pub(super) fn start_link(&mut self, now: Milliseconds) {
        self.link.get_or_insert(now + LINK);
    }

    fn next(&self) -> Milliseconds {
        [self.interface, self.link]
            .into_iter()
            .flatten()
            .fold(self.table, Milliseconds::min)
    }
}

impl<D: Data + Clone> Flip<D> {
    /// When [`sweep`](Flip::sweep) must be called next.
    pub fn next_sweep(&self) -> Milliseconds {
        let late = self.disturbance.due().unwrap_or(Milliseconds::MAX);
        self.timers.next().min(late)
    }

    /// Does what is due at `now`; without effect before the time of [`next_sweep`](Flip::next_sweep).
    pub fn sweep(&mut self, now: Milliseconds) {
        self.switch_late(now);
        if self.timers.interface.is_some_and(|due| now >= due) {
            self.timers.interface = None;
            self.retry_busy(now);
            self.sweep_searches(now);
            if !self.searches.is_empty() || !self.busy.is_empty() {
                self.timers.start_interface(now);
            }
        }
        if self.timers.link.is_some_and(|due| now >= due) {
            self.timers.link = None;
            self.sweep_links(now);
        }
        if now >= self.timers.table {
            self.timers.table = now + TABLE;
            self.table.sweep();
            self.links().for_each(|link| link.purge(now));
            let (listening, table) = (&mut self.listening, &self.table);
            listening.retain(|network, address| table.found(address, Some(network)).is_some());
        }
    }

    fn sweep_links(&mut self, now: Milliseconds) {
        for network in 1..self.networks.len() as u8 {
            let mut given_up = alloc::vec::Vec::new();
            let Some(link) = self.link(network) else {
                continue;
            };
            link.sweep(now, |place, item| given_up.push((place, item)));
            if link.is_starving() {
                self.timers.start_link(now);
            }
            for (place, item) in given_up {
                self.statistics.no_credit += 1;
                // Otherwise what is sent there next would wait as long.
                self.table.remove(item.header.destination, network, place);
                match item.load {
                    Load::Message(message) => self.part_done(message, true),
                    load => self.discard(load),
                }
            }
        }
    }
}
