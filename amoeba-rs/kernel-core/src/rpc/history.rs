//! What clients' kernels have asked for already: for each the last 512 transactions, so that no request is
//! executed twice.

use super::chains::{Chains, bucket};
use super::limits::{CLIENTS, WINDOW};
use alloc::vec::Vec;
use proto::process::migration::Window;

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Past {
    /// It was not seen yet.
    New,
    /// It was executed, or it is too old to be known.
    Executed,
    /// Its client withdrew it: it was not and will not be executed.
    Withdrawn,
}

type Bits = [u32; WINDOW as usize / 32];

#[derive(Clone, Debug, PartialEq, Eq)]
struct Client {
    kernel: [u8; 8],
    /// The first transaction of the window.
    base: u32,
    /// By the last nine bits of the transaction: whether it is no longer new, and whether it was withdrawn.
    seen: Bits,
    withdrawn: Bits,
    /// Ageings since the last request.
    idle: u32,
}

/// The transactions of at most 200 client kernels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct History {
    clients: Vec<Client>,
    chains: Chains,
}

impl History {
    pub(super) fn new() -> History {
        History {
            clients: Vec::new(),
            chains: Chains::new(),
        }
    }

    /// Shows every client kernel with the last transaction of its window, and how many sweeps it was quiet, until one gives an
    /// error.
    pub(super) fn each<E>(&self, mut show: impl FnMut(&[u8; 8], u32, u32) -> Result<(), E>) -> Result<(), E> {
        self.clients.iter().try_for_each(|client| {
            let last = client.base.wrapping_add(WINDOW - 1);
            show(&client.kernel, last, client.idle)
        })
    }

    /// What became of a transaction.
    pub(super) fn past(&self, kernel: &[u8; 8], transaction: u32) -> Past {
        self.find(kernel)
            .map_or(Past::New, |slot| self.clients[slot].past(transaction))
    }

    /// A request was received whole: it is executed now.
    pub(super) fn execute(&mut self, kernel: &[u8; 8], transaction: u32) {
        let client = self.client(kernel, transaction);
        client.idle = 0;
        client.see(transaction);
    }

    /// A request shall never be executed.
    pub(super) fn withdraw(&mut self, kernel: &[u8; 8], transaction: u32) {
        let client = self.client(kernel, transaction);
        if client.see(transaction) {
            set(&mut client.withdrawn, transaction);
        }
    }

    /// Counts the ages up.
    pub(super) fn age(&mut self) {
        for client in &mut self.clients {
            client.idle = client.idle.saturating_add(1);
        }
    }

    /// All windows, as they go to another machine with a process.
    pub(super) fn windows(&self) -> Vec<Window> {
        let window = |client: &Client| Window {
            kernel: client.kernel,
            base: client.base,
            seen: client.seen,
            withdrawn: client.withdrawn,
        };
        self.clients.iter().map(window).collect()
    }

    /// Adds what another machine has seen.
    pub(super) fn add(&mut self, window: &Window) {
        // The last of the window's transactions moves this one to it, or lies in it.
        let client = self.client(&window.kernel, window.base.wrapping_add(WINDOW / 2));
        let last = window.base.wrapping_add(WINDOW - 1);
        if client.base.wrapping_sub(window.base).cast_signed() < 0 {
            client.reach(last);
        }
        for number in (0..WINDOW).map(|step| window.base.wrapping_add(step)) {
            if get(&window.seen, number) && client.see(number) && get(&window.withdrawn, number) {
                set(&mut client.withdrawn, number);
            }
        }
    }

    fn find(&self, kernel: &[u8; 8]) -> Option<usize> {
        self.chains
            .slots(bucket(kernel))
            .find(|&slot| self.clients[slot].kernel == *kernel)
    }

    /// The client with this kernel; a new one takes the place of the one that asked longest ago when there is no room.
    fn client(&mut self, kernel: &[u8; 8], transaction: u32) -> &mut Client {
        let slot = self.find(kernel).unwrap_or_else(|| {
            let client = Client::new(*kernel, transaction);
            let slot = if self.clients.len() < CLIENTS {
                self.clients.push(client);
                self.clients.len() - 1
            } else {
                let slot = self.oldest();
                self.chains.remove(bucket(&self.clients[slot].kernel), slot);
                self.clients[slot] = client;
                slot
            };
            self.chains.add(bucket(kernel), slot);
            slot
        });
        &mut self.clients[slot]
    }

    fn oldest(&self) -> usize {
        (0..self.clients.len())
            .rev()
            .max_by_key(|&slot| self.clients[slot].idle)
            .unwrap_or(0)
    }
}

impl Client {
    /// Requests of several threads may come out of order, so half of the window lies before the first.
    fn new(kernel: [u8; 8], transaction: u32) -> Client {
        Client {
            kernel,
            base: transaction.wrapping_sub(WINDOW / 2),
            seen: [0; WINDOW as usize / 32],
            withdrawn: [0; WINDOW as usize / 32],
            idle: 0,
        }
    }

    fn past(&self, transaction: u32) -> Past {
        let place = transaction.wrapping_sub(self.base).cast_signed();
        if place < 0 {
            Past::Executed
        } else if place >= WINDOW.cast_signed() || !get(&self.seen, transaction) {
            Past::New
        } else if get(&self.withdrawn, transaction) {
            Past::Withdrawn
        } else {
            Past::Executed
        }
    }

    /// Notes a transaction; the window moves on so that it lies in it. Not so if it is older than the window.
    fn see(&mut self, transaction: u32) -> bool {
        let place = transaction.wrapping_sub(self.base);
        if place.cast_signed() < 0 {
            return false;
        }
        self.reach(transaction);
        set(&mut self.seen, transaction);
        true
    }

    /// Moves the window on so that a transaction lies in it that is not older.
    fn reach(&mut self, transaction: u32) {
        let place = transaction.wrapping_sub(self.base);
        if place >= WINDOW {
            let moves = place - WINDOW + 1;
            for step in 0..moves.min(WINDOW) {
                let entering = self.base.wrapping_add(step);
                clear(&mut self.seen, entering);
                clear(&mut self.withdrawn, entering);
            }
            self.base = self.base.wrapping_add(moves);
        }
    }
}

fn place(transaction: u32) -> (usize, u32) {
    let bit = transaction % WINDOW;
    ((bit / 32) as usize, 1 << (bit % 32))
}

fn get(bits: &Bits, transaction: u32) -> bool {
    let (word, mask) = place(transaction);
    bits[word] & mask != 0
}

fn set(bits: &mut Bits, transaction: u32) {
    let (word, mask) = place(transaction);
    bits[word] |= mask;
}

fn clear(bits: &mut Bits, transaction: u32) {
    let (word, mask) = place(transaction);
    bits[word] &= !mask;
}
