//! The network: FLIP on this machine's cards, and transactions on it.
//!
//! [`card`] runs the card; [`buffer`] is memory as transactions use it; [`calls`] brings threads' calls to the transaction
//! layer and its answers back; [`tasks`] is what the kernel itself takes part in: requests to its servers, checkpoints,
//! contents of segments that are elsewhere.

mod buffer;
mod calls;
mod card;
mod tasks;

pub(crate) use calls::Delivery;
pub(crate) use card::{has_news, interrupt};

use crate::clock;
use crate::console::line;
use alloc::boxed::Box;
use buffer::Buffer;
use calls::Calls;
use card::Card;
use kernel_core::command_line::Options;
use kernel_core::exchange::{Event, Exchange};
use kernel_core::flip::types::Below;
use kernel_core::flip::{self, Flip, Settings, Sizes};
use kernel_core::machine::{Machine, Milliseconds};
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
    card: Option<(Card, flip::Network)>,
    exchange: Option<Exchange>,
    /// A frame of the exchange, and one that comes while all buffers are in use.
    frame: Box<[u8; ethernet::LONGEST]>,
    calls: Calls,
    tasks: Tasks,
}

/// Looks for the card and starts it.
pub(crate) fn start(options: &Options) -> Driver {
    Driver {
        card: card::start(options),
    }
}

/// The card, before the kernel has secrets.
pub(crate) struct Driver {
    card: Option<Card>,
}

impl Driver {
    /// The card's station address.
    pub(crate) fn address(&self) -> Option<ethernet::Address> {
        self.card.as_ref().map(Card::address)
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
        let card = driver.card.and_then(|card| {
            let ring_packets = u16::from((etherlink::ring::STOP - etherlink::ring::START) / PAGES_OF_A_FRAME);
            let station = card.address();
            let network = flip.attach(Settings {
                station,
                ring_packets,
            })?;
            Some((card, network))
        });
        let interface = flip.open().expect("the first interface");
        let now = clock::uptime();
        let mut rpc = Rpc::new(now, interface, secret_address(machine).0);
        rpc.open(&mut flip).expect("the first address");
        let own = calls::KERNEL.process;
        rpc.start_process(&mut flip, own, secret_address(machine))
            .expect("the first process");
        let exchange = card.as_ref().filter(|_| options.peers > 0).map(|(card, _)| {
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
            card,
            exchange,
            frame: Box::new([0; ethernet::LONGEST]),
            calls: Calls::default(),
            tasks: Tasks::default(),
        }
    }

    /// What the network's timers wait for, at the earliest. The exchange has a look at every tick of the clock.
    pub(crate) fn due(&self) -> Milliseconds {
        self.rpc.due().min(self.flip.next_sweep())
    }

    /// Moves frames from the card to FLIP and messages on to transactions, and the other way, as far as that goes now:
    /// what it has led to for threads and for the kernel's own tasks is asked for with [`Network::notice`].
    pub(crate) fn work(&mut self) {
        let now = clock::uptime();
        self.service();
        if self.flip.next_sweep() <= now {
            self.flip.sweep(now);
        }
        if self.rpc.due() <= now {
            self.rpc.sweep(now, &mut self.flip);
        }
        self.settle(now);
        self.tell_exchange();
    }

    /// The next thing that a transaction has led to.
    fn notice(&mut self) -> Option<rpc::Notice<Buffer>> {
        self.rpc.next()
    }

    /// Carries events up and frames down until there are no more.
    pub(crate) fn settle(&mut self, now: Milliseconds) {
        self.transmit(now);
        while let Some(event) = self.flip.event() {
            self.rpc.event(now, &mut self.flip, event);
            self.transmit(now);
        }
    }

    /// Deals with what interrupts have told, and takes all frames from the card.
    fn service(&mut self) {
        let Some((card, network)) = &mut self.card else {
            return;
        };
        let (now, ticks) = (clock::uptime(), clock::milliseconds());
        card.service(card::take_causes(), ticks);
        loop {
            let Some(mut packet) = self.flip.buffer() else {
                // The ring is emptied all the same: an overflow is over only then.
                while card.receive(&mut self.frame).is_some() {}
                return;
            };
            let length = card.receive(packet.frame());
            if let Some(exchange) = &mut self.exchange
                && let Some(length) = length
            {
                exchange.receive(&packet.frame()[..length], ticks);
            }
            let Some(length) = length else {
                self.flip.release(packet);
                return;
            };
            self.flip.receive(now, *network, packet, length);
            // The sender may wait for its credit.
            transmit(&mut self.flip, card, *network, now);
        }
    }

    fn transmit(&mut self, now: Milliseconds) {
        let Some((card, network)) = &mut self.card else {
            return;
        };
        transmit(&mut self.flip, card, *network, now);
        if let Some(exchange) = &mut self.exchange
            && card.can_transmit()
            && let Some(length) = exchange.transmit(&mut self.frame, clock::milliseconds())
        {
            card.transmit(&self.frame[..length], clock::milliseconds());
        }
    }

    fn tell_exchange(&mut self) {
        let (Some(exchange), Some((card, _))) = (&mut self.exchange, &self.card) else {
            return;
        };
        while let Some(event) = exchange.poll(clock::milliseconds()) {
            tell(card, event);
        }
    }
}

/// Pages of the card's memory that the longest frame takes.
const PAGES_OF_A_FRAME: u8 = 6;

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
