//! The network: FLIP on this machine's cards, and transactions on it.
//!
//! [`card`] finds and runs the cards; [`buffer`] is memory as transactions use it; [`calls`] brings threads' calls to the transaction
//! layer and its answers back, [`raw`] those of FLIP itself; [`control`] is what the system server asks for; [`tasks`] is what the
//! kernel itself takes part in: requests to its servers, checkpoints,
//! contents of segments that are elsewhere.

mod buffer;
mod calls;
mod card;
mod control;
mod raw;
mod tasks;

pub(crate) use calls::Delivery;
pub(crate) use card::{interrupt, look};

use crate::console::line;
use crate::{clock, restart};
use alloc::boxed::Box;
use alloc::vec::Vec;
use buffer::Buffer;
use calls::Calls;
use card::Card;
use control::Restart;
use kernel_core::command_line::Options;
use kernel_core::exchange::{Event, Exchange};
use kernel_core::flip::types::{Below, Interface};
use kernel_core::flip::{self, Flip, Settings, Sizes};
use kernel_core::machine::{Machine, Milliseconds, TICK};
use kernel_core::raw_flip::RawFlip;
use kernel_core::rpc::{Message, Rpc};
use kernel_core::{etherlink, exchange, rpc};
use proto::ethernet;
use proto::flip::Address;
use tasks::Tasks;

/// What FLIP carries here.
type Payload = Message<Buffer>;

/// The cards, FLIP and transactions.
pub(crate) struct Network {
    flip: Flip<Payload>,
    rpc: Rpc<Payload>,
    /// That of transactions.
    interface: Interface,
    raw: RawFlip<Payload>,
    cards: Vec<(Card, flip::Network)>,
    exchange: Option<Exchange>,
    /// The time at which cards were looked at last.
    serviced: u32,
    /// A frame of the exchange, and one that comes while all buffers are in use.
    frame: Box<[u8; ethernet::LONGEST]>,
    calls: Calls,
    tasks: Tasks,
    /// The machine boots soon.
    restart: Option<Restart>,
}

/// Looks for cards and starts them.
pub(crate) fn start(options: &Options) -> Driver {
    Driver {
        cards: card::start(options),
    }
}

/// The cards, before the kernel has secrets.
pub(crate) struct Driver {
    cards: Vec<Card>,
}

impl Driver {
    /// The first card's station address.
    pub(crate) fn address(&self) -> Option<ethernet::Address> {
        self.cards.first().map(Card::address)
    }
}

/// A FLIP address that nobody can guess.
fn secret_address(machine: &mut impl Machine) -> Address {
    let (first, second) = (machine.random_port().0, machine.random_port().0);
    let mut bytes = [0; 8];
    bytes[..6].copy_from_slice(&first);
    bytes[6] = second[0];
    Address(bytes)
}

impl Network {
    /// Joins the cards to FLIP.
    pub(crate) fn new(driver: Driver, options: &Options, machine: &mut impl Machine) -> Network {
        let mut flip = Flip::new(Sizes::STANDARD);
        let mut cards = Vec::new();
        for card in driver.cards {
            let settings = Settings {
                station: card.address(),
                ring_packets: options.ring.unwrap_or_else(|| card.ring_frames()),
            };
            let network = flip.attach(settings).expect("no more cards than networks");
            cards.push((card, network));
        }
        let interface = flip.open().expect("the first interface");
        let now = clock::uptime();
        let mut rpc = Rpc::new(now, interface, secret_address(machine).0);
        rpc.open(&mut flip).expect("the first address");
        let own = calls::KERNEL.process;
        rpc.start_process(&mut flip, own, secret_address(machine))
            .expect("the first process");
        let exchange = cards.first().filter(|_| options.peers > 0).map(|(card, _)| {
            Exchange::new(
                card.address(),
                options.peers,
                options.frames,
                clock::milliseconds(),
            )
        });
        Network {
            flip,
            rpc,
            interface,
            raw: RawFlip::default(),
            cards,
            exchange,
            serviced: 0,
            frame: Box::new([0; ethernet::LONGEST]),
            calls: Calls::default(),
            tasks: Tasks::default(),
            restart: None,
        }
    }

    /// What the network's timers wait for, at the earliest. The exchange, and cards that transmit, have a look at every tick of the clock,
    /// the last time at the time `looked`.
    pub(crate) fn due(&self, looked: Milliseconds) -> Milliseconds {
        let restart = self
            .restart
            .as_ref()
            .map_or(Milliseconds::MAX, |restart| restart.due);
        let is_at_work = self.cards.iter().any(|(card, _)| card.is_at_work())
            || self.exchange.as_ref().is_some_and(Exchange::has_timers);
        let tick = if is_at_work {
            looked + TICK
        } else {
            Milliseconds::MAX
        };
        self.rpc.due().min(self.flip.next_sweep()).min(restart).min(tick)
    }

    /// Moves frames from the card to FLIP and messages on to transactions, and the other way, as far as that goes now:
    /// what it has led to for threads and for the kernel's own tasks is asked for with [`Network::notice`].
    pub(crate) fn work(&mut self, now: Milliseconds) {
        self.service(now);
        if self.flip.next_sweep() <= now {
            self.flip.sweep(now);
        }
        if self.rpc.due() <= now {
            self.rpc.sweep(now, &mut self.flip);
        }
        self.settle(now);
        self.tell_exchange();
        let is_reset = |restart: &Restart| restart.due <= now && restart.image.is_none();
        if self.restart.as_ref().is_some_and(is_reset) {
            restart::reset();
        }
    }

    /// The next thing that a transaction has led to.
    fn notice(&mut self) -> Option<rpc::Notice<Buffer>> {
        self.rpc.next()
    }

    /// Carries events up and frames down until there are no more.
    pub(crate) fn settle(&mut self, now: Milliseconds) {
        self.transmit(now);
        while let Some(event) = self.flip.event() {
            if self.is_raw(event.interface()) {
                self.raw.event(&mut self.flip, event);
            } else {
                self.rpc.event(now, &mut self.flip, event);
            }
            self.transmit(now);
        }
    }

    /// Deals with what interrupts have told, and takes all frames from the cards.
    fn service(&mut self, now: Milliseconds) {
        let ticks = clock::milliseconds();
        // Looking at a card takes bus cycles: without an interrupt it is done once a tick, while the card transmits.
        let is_new_tick = core::mem::replace(&mut self.serviced, ticks) != ticks;
        for (place, (card, network)) in self.cards.iter_mut().enumerate() {
            let causes = card::take_causes(place);
            if causes.is_empty() && !(is_new_tick && card.is_at_work()) {
                continue;
            }
            card.service(causes, ticks);
            loop {
                let Some(mut packet) = self.flip.buffer() else {
                    // The ring is emptied all the same: an overflow is over only then.
                    while card.receive(&mut self.frame).is_some() {}
                    break;
                };
                let Some(length) = card.receive(packet.frame()) else {
                    self.flip.release(packet);
                    break;
                };
                if let Some(exchange) = self.exchange.as_mut().filter(|_| place == EXCHANGE_CARD) {
                    exchange.receive(&packet.frame()[..length], ticks);
                }
                self.flip.receive(now, *network, packet, length);
                // The sender may wait for its credit.
                transmit(&mut self.flip, card, *network, now);
            }
        }
    }

    fn transmit(&mut self, now: Milliseconds) {
        let ticks = clock::milliseconds();
        for (place, (card, network)) in self.cards.iter_mut().enumerate() {
            transmit(&mut self.flip, card, *network, now);
            if let Some(exchange) = self.exchange.as_mut().filter(|_| place == EXCHANGE_CARD)
                && card.can_transmit()
                && let Some(length) = exchange.transmit(&mut self.frame, ticks)
            {
                card.transmit(&self.frame[..length], ticks);
            }
        }
    }

    fn tell_exchange(&mut self) {
        let (Some(exchange), Some((card, _))) = (&mut self.exchange, self.cards.get(EXCHANGE_CARD)) else {
            return;
        };
        while let Some(event) = exchange.poll(clock::milliseconds()) {
            tell(card, event);
        }
    }
}

/// The card that the exchange of test frames uses.
const EXCHANGE_CARD: usize = 0;

/// Gives the card FLIP's next frame if it can take one.
fn transmit(flip: &mut Flip<Payload>, card: &mut Card, network: flip::Network, now: Milliseconds) {
    while card.can_transmit() {
        let Some(frame) = flip.next_frame(now, network) else {
            return;
        };
        card.transmit_parts(|each| frame.parts(each), clock::milliseconds());
        flip.transmitted(network);
    }
}

fn tell(card: &Card, event: exchange::Event) {
    if matches!(event, Event::Done(_) | Event::Failed(..)) {
        let etherlink::Statistics {
            received,
            transmitted,
            retried,
            overflows,
            restarts,
        } = card.statistics();
        line!(
            "card: {received} received, {transmitted} transmitted, {retried} retried, {overflows} overflows, \
             {restarts} restarts"
        );
    }
    line!("{event}");
}
