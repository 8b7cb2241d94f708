//! Who listens on which port: the threads of this machine that wait for requests, and what HEREIS answers told.

use super::ThreadId;
use super::chains::{Chains, bucket};
use super::limits::PORTS;
use alloc::vec::Vec;
use proto::capability::Port;
use proto::flip::Address;

/// Where a request for a port can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// To a thread of this machine that waits for it.
    Local(ThreadId),
    /// To a process elsewhere.
    Remote {
        address: Address,
        /// Milliseconds to it and back.
        round_trip: u16,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    port: Port,
    place: Place,
    /// Ageings since it was used.
    idle: u32,
}

/// The cache. Of several places for a port the one installed last comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PortCache {
    slots: Vec<Option<Entry>>,
    free: Vec<u16>,
    chains: Chains,
}

impl PortCache {
    pub(super) fn new() -> PortCache {
        PortCache {
            slots: Vec::new(),
            free: Vec::new(),
            chains: Chains::new(),
        }
    }

    /// Where to send a request for `port`.
    pub(super) fn find(&mut self, port: Port) -> Option<Place> {
        let slot = self.chain(port).next()?;
        let entry = self.slots[slot].as_mut()?;
        entry.idle = 0;
        Some(entry.place)
    }

    /// A thread of `process` that waits for requests on `port`.
    pub(super) fn listener(&self, port: Port, process: Option<u16>) -> Option<ThreadId> {
        self.chain(port)
            .filter_map(|slot| self.slots[slot].as_ref())
            .find_map(|entry| match entry.place {
                Place::Local(thread) if process.is_none_or(|process| process == thread.process) => {
                    Some(thread)
                }
                _ => None,
            })
    }

    /// Shows every place that is known, and how many sweeps it was not used, until one gives an error.
    pub(super) fn each<E>(&self, mut show: impl FnMut(Port, Place, u32) -> Result<(), E>) -> Result<(), E> {
        let mut entries = self.slots.iter().flatten();
        entries.try_for_each(|entry| show(entry.port, entry.place, entry.idle))
    }

    /// Whether any place is known.
    pub(super) fn knows(&self, port: Port) -> bool {
        self.chain(port).next().is_some()
    }

    /// Notes a place. Another that makes the table too long goes, but never a thread of this machine.
    pub(super) fn install(&mut self, port: Port, place: Place) {
        self.remove(port, |known| match (known, place) {
            (Place::Remote { address: known, .. }, Place::Remote { address, .. }) => *known == address,
            (known, place) => *known == place,
        });
        if self.slots.len() - self.free.len() >= PORTS {
            self.make_room();
        }
        let entry = Some(Entry { port, place, idle: 0 });
        let slot = if let Some(slot) = self.free.pop() {
            let slot = usize::from(slot);
            self.slots[slot] = entry;
            slot
        } else {
            self.slots.push(entry);
            self.slots.len() - 1
        };
        self.chains.add(bucket(&port.0), slot);
    }

    /// A thread no longer waits on `port`.
    pub(super) fn remove_local(&mut self, port: Port, thread: ThreadId) {
        self.remove(port, |place| *place == Place::Local(thread));
    }

    /// A process elsewhere does not serve `port`.
    pub(super) fn remove_remote(&mut self, port: Port, gone: Address) {
        self.remove(
            port,
            |place| matches!(place, Place::Remote { address, .. } if *address == gone),
        );
    }

    /// Counts the ages up; when the table is three quarters full, entries of at least average age go.
    pub(super) fn age(&mut self) {
        let (mut used, mut sum) = (0, 0);
        for entry in self.slots.iter_mut().flatten() {
            entry.idle = entry.idle.saturating_add(1);
            used += 1;
            sum += u64::from(entry.idle);
        }
        if used * 4 >= PORTS as u64 * 3 {
            self.remove_idle(|idle| u64::from(idle) * used >= sum);
        }
    }

    fn remove_idle(&mut self, is_old: impl Fn(u32) -> bool) {
        for slot in 0..self.slots.len() {
            let is_gone = self.slots[slot]
                .as_ref()
                .is_some_and(|entry| matches!(entry.place, Place::Remote { .. }) && is_old(entry.idle));
            if is_gone {
                self.clear(slot);
            }
        }
    }

    /// Removes the remote entry that was not used for longest.
    fn make_room(&mut self) {
        let oldest = self
            .slots
            .iter()
            .enumerate()
            .filter_map(|(slot, entry)| entry.as_ref().map(|entry| (slot, entry)))
            .filter(|(_, entry)| matches!(entry.place, Place::Remote { .. }))
            .max_by_key(|(_, entry)| entry.idle)
            .map(|(slot, _)| slot);
        if let Some(slot) = oldest {
            self.clear(slot);
        }
    }

    fn remove(&mut self, port: Port, is_it: impl Fn(&Place) -> bool) {
        let slot = self
            .chain(port)
            .find(|&slot| self.slots[slot].as_ref().is_some_and(|entry| is_it(&entry.place)));
        if let Some(slot) = slot {
            self.clear(slot);
        }
    }

    fn clear(&mut self, slot: usize) {
        if let Some(entry) = self.slots[slot].take() {
            self.chains.remove(bucket(&entry.port.0), slot);
            self.free.push(slot as u16);
        }
    }

    /// The slots of a port, the one installed last first.
    fn chain(&self, port: Port) -> impl Iterator<Item = usize> {
        self.chains
            .slots(bucket(&port.0))
            .filter(move |&slot| self.slots[slot].as_ref().is_some_and(|entry| entry.port == port))
    }
}
