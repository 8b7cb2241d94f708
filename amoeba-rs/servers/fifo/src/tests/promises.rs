//! Whatever clients do, a pipe keeps what it promises: bytes come out as they went in, and nobody waits without need.

use super::clients::{Lab, capability};
use crate::fifo::Ticket;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proto::capability::Capability;
use proto::fifo::{Command, Make, Open};
use std::vec;
use std::vec::Vec;

const CAPACITY: usize = 16;

/// A write: how many bytes, which all are its number, and how many the server said to have taken, if it is over.
struct Write {
    length: usize,
    taken: Option<usize>,
    ticket: Option<Ticket>,
    end: usize,
}

/// What the clients know.
struct Clients {
    lab: Lab,
    fifo: Capability,
    readers: Vec<Option<Capability>>,
    writers: Vec<Option<Capability>>,
    writes: Vec<Write>,
    /// Reads that wait: ticket and end.
    reads: Vec<(Ticket, usize)>,
    /// All that was read.
    stream: Vec<u8>,
    /// Whether a reader came to the end since something was written.
    ended: bool,
}

impl Clients {
    fn new() -> Clients {
        let mut lab = Lab::new();
        let fifo = lab.create(CAPACITY as i32, Make::empty());
        Clients {
            lab,
            fifo,
            readers: vec![],
            writers: vec![],
            writes: vec![],
            reads: vec![],
            stream: vec![],
            ended: false,
        }
    }

    fn open_count(ends: &[Option<Capability>]) -> usize {
        ends.iter().flatten().count()
    }

    fn pick(ends: &[Option<Capability>], choice: u8) -> Option<usize> {
        let open: Vec<usize> = (0..ends.len()).filter(|end| ends[*end].is_some()).collect();
        (!open.is_empty()).then(|| open[usize::from(choice) % open.len()])
    }

    fn step(&mut self, action: u8, choice: u8, length: u8) {
        match action % 8 {
            0 => self.open(Open::READ),
            1 => self.open(Open::WRITE),
            2 | 3 => self.write(choice, usize::from(length % 24)),
            4 | 5 => self.read(choice, u16::from(length % 24) + 1),
            6 => self.close(choice, length),
            _ => self.give_up(choice),
        }
        self.collect();
    }

    fn open(&mut self, how: Open) {
        let end = Some(self.lab.open(&self.fifo, how));
        if how == Open::READ {
            self.readers.push(end);
        } else {
            self.writers.push(end);
        }
    }

    fn write(&mut self, choice: u8, length: usize) {
        let Some(end) = Self::pick(&self.writers, choice) else {
            return;
        };
        let number = self.writes.len() as u8;
        let (bytes, writer) = (vec![number; length], self.writers[end].unwrap());
        let result = self.lab.write(&writer, &bytes);
        let (taken, ticket) = match result {
            Ok(Ok(reply)) => (Some(usize::from(reply.header.size)), None),
            Ok(Err(_)) => (Some(0), None),
            Err(ticket) => (None, Some(ticket)),
        };
        self.writes.push(Write {
            length,
            taken,
            ticket,
            end,
        });
    }

    fn read(&mut self, choice: u8, room: u16) {
        let Some(end) = Self::pick(&self.readers, choice) else {
            return;
        };
        let reader = self.readers[end].unwrap();
        match self.lab.read(&reader, room) {
            Ok(answer) => self.take(answer),
            Err(ticket) => self.reads.push((ticket, end)),
        }
    }

    fn take(&mut self, answer: super::clients::Answer) {
        if let Ok(reply) = answer {
            self.ended = reply.header.extra == 1;
            assert!(!self.ended || reply.data.is_empty());
            self.stream.extend(reply.data);
        }
    }

    fn close(&mut self, choice: u8, which: u8) {
        let ends = if which.is_multiple_of(2) {
            &mut self.readers
        } else {
            &mut self.writers
        };
        if let Some(end) = Self::pick(ends, choice) {
            let closed = ends[end].take().unwrap();
            self.lab.ask(&closed, Command::Close.code(), (0, 0, 0)).unwrap();
        }
    }

    fn give_up(&mut self, choice: u8) {
        let writes = self.writes.iter().filter_map(|write| write.ticket);
        let waiting: Vec<Ticket> = writes
            .chain(self.reads.iter().map(|(ticket, _)| *ticket))
            .collect();
        if !waiting.is_empty() {
            let ticket = waiting[usize::from(choice) % waiting.len()];
            self.lab.engine.give_up(ticket);
            self.lab.over.extend(self.lab.engine.over());
        }
    }

    /// Hands replies to those who waited, in their order.
    fn collect(&mut self) {
        for (ticket, reply) in core::mem::take(&mut self.lab.over) {
            let failure = proto::fifo::Failure::check(reply.header.command.cast_signed());
            if let Some(write) = self.writes.iter_mut().find(|write| write.ticket == Some(ticket)) {
                write.ticket = None;
                // A write that was broken off may have left something for those who read.
                write.taken = failure.is_ok().then_some(reply.header.size.into());
                continue;
            }
            self.reads.retain(|(waiting, _)| *waiting != ticket);
            self.take(failure.map(|()| reply));
        }
    }

    /// Bytes that can be read.
    fn length(&mut self) -> usize {
        let end = self.readers.iter().chain(&self.writers).flatten().next().copied();
        end.map_or(0, |end| {
            self.lab.ask(&end, 4056, (0, 0, 0)).unwrap().header.offset as usize
        })
    }
}

proptest! {
    #[test]
    fn bytes_come_out_as_they_went_in_and_nobody_waits_without_need(
        steps in proptest::collection::vec((any::<u8>(), any::<u8>(), any::<u8>()), 1..120),
    ) {
        let mut clients = Clients::new();
        for (action, choice, length) in steps {
            clients.step(action, choice, length);
            let (readers, writers) = (Clients::open_count(&clients.readers), Clients::open_count(&clients.writers));
            let there = clients.length();
            prop_assert!(there <= CAPACITY);
            // Who reads waits for bytes, and only if there may be some.
            if !clients.reads.is_empty() {
                prop_assert!(there == 0 && writers > 0);
                prop_assert!(clients.reads.iter().all(|(_, end)| clients.readers[*end].is_some()));
            }
            // Who writes waits for room, and only if somebody may make it.
            let waiting: Vec<&Write> = clients.writes.iter().filter(|write| write.ticket.is_some()).collect();
            if let Some(first) = waiting.first() {
                prop_assert!(readers > 0);
                let fits = if first.length <= CAPACITY { first.length <= CAPACITY - there } else { there < CAPACITY };
                prop_assert!(!fits);
                prop_assert!(waiting.iter().all(|write| clients.writers[write.end].is_some()));
            }
            if clients.ended && there == 0 && writers > 0 {
                clients.ended = false;
            }
        }
        // The rest is read.
        clients.open(Open::READ);
        for _ in 0..200 {
            clients.read(255, 7);
            clients.collect();
        }
        prop_assert_eq!(clients.length(), 0);
        // In the order in which writes were begun, each as one piece, and as much as was said.
        let mut order = clients.stream.clone();
        order.dedup();
        prop_assert!(order.is_sorted_by(|a, b| a < b));
        for (number, write) in clients.writes.iter().enumerate() {
            let read = clients.stream.iter().filter(|byte| usize::from(**byte) == number).count();
            match write.taken {
                Some(taken) => prop_assert_eq!(read, taken, "write {}", number),
                None => prop_assert!(read <= write.length),
            }
            if write.length <= CAPACITY {
                prop_assert!(read == 0 || read == write.length);
            }
        }
    }

    #[test]
    fn no_request_makes_the_server_panic(
        requests in proptest::collection::vec(
            (0_u32..6, any::<bool>(), 0_usize..24, any::<i32>(), any::<u16>(), any::<u16>()), 1..60),
    ) {
        let mut lab = Lab::new();
        let mut known = vec![lab.engine.capability()];
        known.extend(lab.pipe(100));
        let commands: Vec<u16> = (1000..=1010).chain(4050..=4056).chain(4200..=4205).collect();
        for (object, is_good, command, offset, size, extra) in requests {
            let object = known[object as usize % known.len()];
            let fields = (offset, size, if is_good { extra % 8 } else { extra });
            if let Ok(Ok(reply)) = lab.start(&object, commands[command], fields, &[7; 300])
                && reply.header.port == object.port
            {
                known.push(capability(&reply));
            }
        }
    }
}
