//! Conditions of a network that can be set to try out what runs on it: packets that come from it are lost or come late.
//! Whoever wants both directions disturbed sets them on the machines at both ends.

use super::link::Load;
use super::types::{Data, Milliseconds};
use super::{Flip, From, Network};
use alloc::collections::VecDeque;
use proto::flip::Header;

/// Packets that wait at most; what comes then is lost and counted.
const MOST_DELAYED: usize = 40;
/// The longest delay, in milliseconds.
pub const LONGEST_DELAY: u16 = 10_000;

/// How a network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// How late packets come, in milliseconds.
    pub delay: u16,
    /// How many of a hundred packets do not come.
    pub loss: u8,
    /// Whether anything goes over it.
    pub is_on: bool,
    /// Whether it is trusted.
    pub is_trusted: bool,
}

/// What of it is to be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The delay, in milliseconds, at most [`LONGEST_DELAY`].
    pub delay: Option<u16>,
    /// The loss in percent, at most 100.
    pub loss: Option<u8>,
    /// Whether anything goes over it.
    pub is_on: Option<bool>,
    /// Whether it is trusted.
    pub is_trusted: Option<bool>,
}

/// What is late, and how chance decides.
#[derive(Debug)]
pub(super) struct Disturbance {
    /// In the order of their times.
    late: VecDeque<Late>,
    chance: u32,
}

#[derive(Debug)]
struct Late {
    due: Milliseconds,
    from: From,
    header: Header,
    load: Load,
}

impl Disturbance {
    pub(super) fn new() -> Disturbance {
        Disturbance {
            late: VecDeque::new(),
            chance: 1,
        }
    }

    /// When the first of the late packets comes.
    pub(super) fn due(&self) -> Option<Milliseconds> {
        self.late.front().map(|late| late.due)
    }

    /// Whether this one of all packets is lost (Park and Miller's minimal standard generator).
    fn is_lost(&mut self, loss: u8) -> bool {
        self.chance = (u64::from(self.chance) * 48_271 % 0x7fff_ffff) as u32;
        self.chance % 100 < u32::from(loss)
    }
}

impl<D: Data + Clone> Flip<D> {
    /// The networks besides the one in the machine.
    pub fn networks(&self) -> impl Iterator<Item = Network> + use<D> {
        (1..self.networks.len() as u8).map(Network)
    }

    /// How a network is; `None` if there is none of that number.
    pub fn conditions(&self, network: Network) -> Option<Conditions> {
        let row = self.networks.get(network.number())?;
        Some(Conditions {
            delay: row.delay,
            loss: row.loss,
            is_on: row.enabled,
            is_trusted: row.trusted,
        })
    }

    /// Changes how a network is: how it is then. `None`, and nothing changes, if there is none of that number or a value is
    /// too large.
    pub fn change(&mut self, network: Network, change: Change) -> Option<Conditions> {
        let row = self.networks.get_mut(network.number())?;
        let (delay, loss) = (change.delay.unwrap_or(row.delay), change.loss.unwrap_or(row.loss));
        if delay > LONGEST_DELAY || loss > 100 {
            return None;
        }
        (row.delay, row.loss) = (delay, loss);
        let (is_on, is_trusted) = (row.enabled, row.trusted);
        if let Some(enabled) = change.is_on.filter(|wanted| *wanted != is_on) {
            self.set_enabled(network, enabled);
        }
        if let Some(trusted) = change.is_trusted.filter(|wanted| *wanted != is_trusted) {
            self.set_trusted(network, trusted);
        }
        self.conditions(network)
    }

    /// A packet has come from a network: it is switched now or later or never.
    pub(super) fn arrive(&mut self, now: Milliseconds, from: From, header: Header, load: Load) {
        let row = &self.networks[usize::from(from.network)];
        let (delay, loss) = (row.delay, row.loss);
        if loss > 0 && self.disturbance.is_lost(loss) {
            self.statistics.lost += 1;
            return self.discard(load);
        }
        if delay == 0 {
            return self.switch(now, from, header, load);
        }
        let late = &mut self.disturbance.late;
        if late.len() >= MOST_DELAYED {
            self.statistics.no_room += 1;
            return self.discard(load);
        }
        let due = now + Milliseconds::from(delay);
        let place = late.partition_point(|other| other.due <= due);
        late.insert(
            place,
            Late {
                due,
                from,
                header,
                load,
            },
        );
    }

    /// Switches the late packets whose time has come.
    pub(super) fn switch_late(&mut self, now: Milliseconds) {
        while self.disturbance.due().is_some_and(|due| due <= now) {
            let Some(late) = self.disturbance.late.pop_front() else {
                return;
            };
            if self.networks[usize::from(late.from.network)].enabled {
                self.switch(now, late.from, late.header, late.load);
            } else {
                self.discard(late.load);
            }
        }
    }
}
