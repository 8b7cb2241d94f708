use super::{Done, RawFlip, limits};
use crate::flip::types::{Data, Milliseconds, SendFlags};
use crate::flip::{Flip, Settings, Sizes};
use crate::process::ThreadId;
use proto::ethernet;
use proto::flip::Address;
use proto::raw_flip::{Block, LARGEST_MESSAGE, Operation, Outcome, USER_SPACE, Upcall};
use std::vec;
use std::vec::Vec;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Bytes(Vec<u8>);

impl Data for Bytes {
    fn length(&self) -> u32 {
        self.0.len() as u32
    }

    fn parts(&self, offset: u32, length: u32, each: &mut dyn FnMut(&[u8])) {
        each(&self.0[offset as usize..(offset + length) as usize]);
    }
}

/// A kernel on a cable.
struct Kernel {
    flip: Flip<Bytes>,
    raw: RawFlip<Bytes>,
    network: crate::flip::Network,
}

const fn thread(process: u16, thread: u16) -> ThreadId {
    ThreadId { process, thread }
}

const ONE: ThreadId = thread(1, 0);
const TWO: ThreadId = thread(2, 0);

fn private(number: u8) -> Address {
    Address([number << 1, 0x44, 0x11, 0x22, 0x33, 0x44, 0x55, USER_SPACE])
}

impl Kernel {
    fn new(station: u8) -> Kernel {
        let mut flip = Flip::new(Sizes::STANDARD);
        let settings = Settings {
            station: ethernet::Address([2, 0x60, 0x8c, 0, 0, station]),
            ring_packets: 9,
        };
        let network = flip.attach(settings).unwrap();
        Kernel {
            flip,
            raw: RawFlip::default(),
            network,
        }
    }

    /// Begins a call: what it gives, if it ends at once.
    fn call(&mut self, now: Milliseconds, thread: ThreadId, block: Block, data: &[u8]) -> Option<Done> {
        let data = Some(Bytes(data.to_vec()));
        self.raw.call(now, &mut self.flip, thread, &block, data);
        self.settle();
        self.raw.poll()
    }

    fn value(&mut self, thread: ThreadId, block: Block) -> i32 {
        self.call(0, thread, block, &[]).unwrap().value
    }

    fn settle(&mut self) {
        while let Some(event) = self.flip.event() {
            self.raw.event(&mut self.flip, event);
        }
    }

    fn init(&mut self, thread: ThreadId, identification: u32) -> u32 {
        let block = Block {
            operation: Operation::Init.code(),
            number: identification,
            ..Block::default()
        };
        u32::try_from(self.value(thread, block)).unwrap()
    }

    fn register(&mut self, thread: ThreadId, interface: u32, private: Address) -> i32 {
        let block = Block {
            operation: Operation::Register.code(),
            interface,
            destination: private,
            ..Block::default()
        };
        self.value(thread, block)
    }

    /// An interface with an address: its number, and the endpoint's.
    fn open(&mut self, thread: ThreadId, address: u8) -> (u32, u32) {
        let interface = self.init(thread, 77);
        let endpoint = self.register(thread, interface, private(address));
        (interface, u32::try_from(endpoint).unwrap())
    }

    fn wait(&mut self, thread: ThreadId, interface: u32, room: u32) -> Option<Done> {
        self.call(0, thread, block(Operation::Upcall, interface, room), &[])
    }

    /// All upcalls that there are for an interface: what they bring.
    fn upcalls(&mut self, thread: ThreadId, interface: u32) -> Vec<(Block, Vec<u8>)> {
        let mut all = Vec::new();
        while let Some(done) = self.wait(thread, interface, 2000) {
            all.push((done.block.unwrap(), done.data));
        }
        self.raw.abort(thread);
        all
    }
}

fn block(operation: Operation, interface: u32, length: u32) -> Block {
    Block {
        operation: operation.code(),
        interface,
        length,
        ..Block::default()
    }
}

fn unicast((interface, endpoint): (u32, u32), to: u8, flags: SendFlags) -> Block {
    Block {
        operation: Operation::Unicast.code(),
        interface,
        endpoint,
        flags: flags.bits(),
        destination: private(to).public(),
        time: 1000,
        ..Block::default()
    }
}

/// Lets frames pass between two kernels, a millisecond each way, until `end`.
fn run(kernels: &mut [Kernel; 2], from: Milliseconds, end: Milliseconds) {
    for now in from..end {
        for one in 0..2 {
            let network = kernels[one].network;
            let mut frames = Vec::new();
            while let Some(frame) = kernels[one].flip.next_frame(now, network) {
                let mut bytes = Vec::new();
                frame.parts(&mut |part| bytes.extend_from_slice(part));
                kernels[one].flip.transmitted(network);
                frames.push(bytes);
            }
            let other = &mut kernels[1 - one];
            for frame in frames {
                let mut packet = other.flip.buffer().unwrap();
                packet.frame()[..frame.len()].copy_from_slice(&frame);
                other.flip.receive(now, other.network, packet, frame.len());
            }
        }
        for kernel in kernels.iter_mut() {
            kernel.flip.sweep(now);
            kernel.settle();
        }
    }
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place * 7 + place / 256) as u8).collect()
}

#[test]
fn a_message_reaches_a_program_of_another_machine_in_fragments() {
    let mut kernels = [Kernel::new(1), Kernel::new(2)];
    let sender = kernels[0].open(ONE, 1);
    let (receiver, _) = kernels[1].open(TWO, 2);
    let data = bytes(5000);
    let sent = kernels[0].call(0, ONE, unicast(sender, 2, SendFlags::empty()), &data);
    let message = sent.unwrap().block.unwrap().message;
    run(&mut kernels, 0, 600);
    let upcalls = kernels[1].upcalls(TWO, receiver);
    let mut whole = vec![0; 5000];
    for (block, piece) in &upcalls {
        assert_eq!((block.number, block.total, block.message), (77, 5000, message));
        assert_eq!(block.source, private(1).public());
        assert_eq!(block.destination, private(2).public());
        whole[block.offset as usize..][..piece.len()].copy_from_slice(piece);
    }
    assert_eq!((upcalls.len(), whole), (4, data));
    // All buffers and credits are back.
    assert_eq!(kernels[1].flip.free_packets(), crate::flip::PACKETS);
}

#[test]
fn a_message_of_the_same_machine_comes_in_pieces_as_large_as_the_room() {
    let mut kernel = Kernel::new(1);
    let sender = kernel.open(ONE, 1);
    let (receiver, _) = kernel.open(TWO, 2);
    let data = bytes(2500);
    kernel
        .call(0, ONE, unicast(sender, 2, SendFlags::empty()), &data)
        .unwrap();
    for (offset, length) in [(0, 1000), (1000, 1000), (2000, 500)] {
        let done = kernel.wait(TWO, receiver, 1000).unwrap();
        assert_eq!(done.value, Upcall::Received.code());
        let block = done.block.unwrap();
        assert_eq!((block.offset, block.length, block.total), (offset, length, 2500));
        assert_eq!(done.data, data[offset as usize..(offset + length) as usize]);
    }
    assert_eq!(kernel.wait(TWO, receiver, 1000), None);
}

#[test]
fn a_thread_that_waits_is_told_when_something_comes() {
    let mut kernel = Kernel::new(1);
    let sender = kernel.open(ONE, 1);
    let (receiver, _) = kernel.open(TWO, 2);
    assert_eq!(kernel.wait(TWO, receiver, 100), None);
    // One thread at a time.
    let second = kernel.wait(thread(2, 1), receiver, 100).unwrap();
    assert_eq!(second.value, Outcome::Fail.code());
    let own = kernel
        .call(0, ONE, unicast(sender, 2, SendFlags::empty()), b"hello")
        .unwrap();
    assert!([own.thread, kernel.raw.poll().unwrap().thread].contains(&TWO));
}

#[test]
fn who_sends_to_nobody_is_told_so() {
    let mut kernels = [Kernel::new(1), Kernel::new(2)];
    let sender = kernels[0].open(ONE, 1);
    let sent = kernels[0]
        .call(0, ONE, unicast(sender, 9, SendFlags::empty()), b"lost")
        .unwrap();
    assert_eq!(sent.value, 0);
    assert_eq!(
        kernels[0].call(0, thread(1, 1), unicast(sender, 9, SendFlags::SYNC), b"lost"),
        None
    );
    run(&mut kernels, 0, 8000);
    let done = kernels[0].raw.poll().unwrap();
    assert_eq!((done.thread, done.value), (thread(1, 1), Outcome::Timeout.code()));
    let report = kernels[0].wait(ONE, sender.0, 100).unwrap();
    assert_eq!(report.value, Upcall::NotDelivered.code());
    assert_eq!(report.block.unwrap().message, sent.block.unwrap().message);
    assert_eq!(report.block.unwrap().flags, 0);
}

#[test]
fn broadcasts_reach_those_who_have_registered_null() {
    let mut kernels = [Kernel::new(1), Kernel::new(2)];
    let (interface, endpoint) = kernels[0].open(ONE, 1);
    let listener = kernels[1].init(TWO, 5);
    assert!(kernels[1].register(TWO, listener, Address::NULL) >= 0);
    let broadcast = Block {
        endpoint,
        number: 3,
        ..block(Operation::Broadcast, interface, 0)
    };
    kernels[0].call(0, ONE, broadcast, b"to all").unwrap();
    run(&mut kernels, 0, 10);
    let upcalls = kernels[1].upcalls(TWO, listener);
    assert_eq!(upcalls.len(), 1);
    assert_eq!(upcalls[0].1, b"to all");
    assert_eq!(upcalls[0].0.destination, Address::NULL);
    // Two hops do not leave the machine.
    kernels[0]
        .call(
            10,
            ONE,
            Block {
                number: 2,
                ..broadcast
            },
            b"to all",
        )
        .unwrap();
    run(&mut kernels, 10, 20);
    assert!(kernels[1].upcalls(TWO, listener).is_empty());
}

#[test]
fn an_interface_is_its_processs_alone() {
    let mut kernel = Kernel::new(1);
    let (interface, endpoint) = kernel.open(ONE, 1);
    let failed = Outcome::Fail.code();
    let whole = Block {
        endpoint,
        destination: private(3),
        ..block(Operation::Init, interface, 10)
    };
    for operation in Operation::ALL.iter().filter(|kind| **kind != Operation::Init) {
        let block = Block {
            operation: operation.code(),
            ..whole
        };
        assert_eq!(kernel.value(TWO, block), failed, "{operation:?}");
    }
    // Nor is there one of another number, another endpoint, another operation.
    for bad in [
        Block {
            interface: interface + 1,
            ..block(Operation::End, 0, 0)
        },
        Block {
            interface: u32::MAX,
            ..block(Operation::End, 0, 0)
        },
        Block {
            endpoint: endpoint + 1,
            ..block(Operation::Unregister, interface, 0)
        },
        Block {
            operation: 8,
            ..whole
        },
        Block {
            flags: 0x10,
            ..unicast((interface, endpoint), 2, SendFlags::empty())
        },
        Block {
            operation: Operation::Unicast.code(),
            endpoint: 55,
            ..whole
        },
    ] {
        assert_eq!(kernel.value(ONE, bad), failed, "{bad:?}");
    }
}

#[test]
fn addresses_of_kernels_cannot_be_registered() {
    let mut kernel = Kernel::new(1);
    let interface = kernel.init(ONE, 0);
    for space in [0, 2, 255] {
        let mut address = private(1);
        address.0[7] = space;
        assert_eq!(kernel.register(ONE, interface, address), Outcome::Fail.code());
    }
}

#[test]
fn programs_get_so_many_interfaces_and_addresses() {
    let mut kernel = Kernel::new(1);
    let interfaces: Vec<u32> = (0..limits::INTERFACES_OF_PROCESS)
        .map(|_| kernel.init(ONE, 0))
        .collect();
    let init = block(Operation::Init, 0, 0);
    assert_eq!(kernel.value(ONE, init), Outcome::Fail.code());
    assert!(kernel.value(TWO, init) >= 0);
    let count = (0..=255).filter(|number| {
        let mut address = private(1);
        address.0[2] = *number;
        kernel.register(ONE, interfaces[usize::from(*number) / 100], address) >= 0
    });
    assert_eq!(count.count(), limits::ADDRESSES);
    kernel.raw.end_process(&mut kernel.flip, 1);
    assert_eq!(kernel.flip.routes(), [0; 3]);
}

#[test]
fn a_program_that_takes_nothing_holds_up_nobody() {
    let mut kernels = [Kernel::new(1), Kernel::new(2)];
    let sender = kernels[0].open(ONE, 1);
    let (lazy, _) = kernels[1].open(TWO, 2);
    kernels[0]
        .call(0, ONE, unicast(sender, 2, SendFlags::empty()), &[1])
        .unwrap();
    run(&mut kernels, 0, 600);
    for round in 0..200 {
        let now = 600 + 10 * round;
        kernels[0]
            .call(now, ONE, unicast(sender, 2, SendFlags::empty()), &[1; 100])
            .unwrap();
        run(&mut kernels, now, now + 10);
    }
    assert_eq!(
        kernels[1].flip.free_packets(),
        crate::flip::PACKETS - limits::PACKETS
    );
    assert_eq!(kernels[1].raw.dropped() as usize, 201 - limits::PACKETS);
    assert_eq!(kernels[1].upcalls(TWO, lazy).len(), limits::PACKETS);
    assert_eq!(kernels[1].flip.free_packets(), crate::flip::PACKETS);
}

#[test]
fn a_program_may_have_so_much_under_way() {
    let mut kernel = Kernel::new(1);
    let sender = kernel.open(ONE, 1);
    let lost = unicast(sender, 9, SendFlags::empty());
    let (most, bytes) = limits::SENT_BY_PROCESS;
    for _ in 0..most {
        assert_eq!(kernel.call(0, ONE, lost, &[0; 100]).unwrap().value, 0);
    }
    assert_eq!(
        kernel.call(0, ONE, lost, &[0]).unwrap().value,
        Outcome::NoPacket.code()
    );
    // Another one may still.
    let other = kernel.open(TWO, 2);
    let lost = unicast(other, 9, SendFlags::empty());
    for _ in 0..bytes / LARGEST_MESSAGE {
        assert_eq!(kernel.call(0, TWO, lost, &[0; LARGEST_MESSAGE]).unwrap().value, 0);
    }
    assert_eq!(
        kernel.call(0, TWO, lost, &[0]).unwrap().value,
        Outcome::NoPacket.code()
    );
    assert_eq!(
        kernel
            .call(0, TWO, lost, &[0; LARGEST_MESSAGE + 1])
            .unwrap()
            .value,
        Outcome::Fail.code()
    );
}

#[test]
fn whoever_waits_when_an_interface_ends_is_told_so() {
    let mut kernel = Kernel::new(1);
    let sender = kernel.open(ONE, 1);
    assert_eq!(kernel.wait(thread(1, 1), sender.0, 100), None);
    assert_eq!(
        kernel.call(0, thread(1, 2), unicast(sender, 9, SendFlags::SYNC), b"x"),
        None
    );
    kernel.raw.call(
        0,
        &mut kernel.flip,
        ONE,
        &block(Operation::End, sender.0, 0),
        None,
    );
    let told: Vec<(u16, i32)> = core::iter::from_fn(|| kernel.raw.poll())
        .map(|done| (done.thread.thread, done.value))
        .collect();
    let (failed, exit) = (Outcome::Fail.code(), Upcall::Exit.code());
    assert_eq!(told, [(2, failed), (1, exit), (0, 0)]);
    // Nothing of it is left in FLIP.
    assert_eq!(kernel.flip.routes(), [0; 3]);
}

#[test]
fn an_endpoint_that_ends_takes_its_messages_along() {
    let mut kernel = Kernel::new(1);
    let sender = kernel.open(ONE, 1);
    assert_eq!(
        kernel.call(0, thread(1, 2), unicast(sender, 9, SendFlags::SYNC), b"x"),
        None
    );
    let unregister = Block {
        endpoint: sender.1,
        ..block(Operation::Unregister, sender.0, 0)
    };
    let first = kernel.call(0, ONE, unregister, &[]).unwrap();
    assert_eq!((first.thread.thread, first.value), (2, Outcome::Fail.code()));
    assert_eq!(kernel.raw.poll().unwrap().value, 0);
    assert_eq!(kernel.value(ONE, unregister), Outcome::Fail.code());
}

#[test]
fn a_thread_that_waits_no_more_is_told_nothing() {
    let mut kernel = Kernel::new(1);
    let (interface, endpoint) = kernel.open(ONE, 1);
    assert_eq!(kernel.wait(ONE, interface, 100), None);
    kernel.raw.abort(ONE);
    let own = kernel.call(
        0,
        thread(1, 1),
        unicast((interface, endpoint), 1, SendFlags::empty()),
        b"x",
    );
    assert_eq!(own.unwrap().thread, thread(1, 1));
    assert_eq!(kernel.raw.poll(), None);
    assert!(kernel.wait(ONE, interface, 100).is_some());
}
