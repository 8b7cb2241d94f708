//! What the kernel itself takes part in: requests to its servers come to threads of its own, and other threads of its own
//! tell owners that processes have stopped, and read the contents of segments that are elsewhere.

use super::calls::{Delivery, KERNEL};
use super::{Buffer, Network};
use crate::clock;
use alloc::vec::Vec;
use kernel_core::boot::Wanted;
use kernel_core::machine::{Machine, Milliseconds};
use kernel_core::process::{Checkpoint, Event, Fetch, Processes};
use kernel_core::rpc::{self, Outcome, Size};
use kernel_core::servers::{Call, Listener, Reply};
use proto::capability::{Capability, Port};
use proto::message::{Header, LARGEST_BUFFER};
use proto::process::server::{Command, file};
use proto::standard::{self, Status};

/// The first thread of those that carry out transactions.
const FIRST_CLIENT: u16 = 128;
/// The last thread of the kernel's.
const LAST_CLIENT: u16 = rpc::limits::THREADS - 1;
/// How many notices may be under way.
const MOST_NOTICES: usize = 8;
/// How long the owner of a stopped process is looked for.
const OWNER_TIMEOUT: Milliseconds = 10_000;

/// The kernel's own threads.
#[derive(Default)]
pub(super) struct Tasks {
    /// Those that serve, by number.
    servers: Vec<Seat>,
    clients: Vec<(u16, Task)>,
}

/// What a thread that serves is for.
enum Seat {
    /// It waits for requests on this get-port, with room for one, or is at work on one.
    Serves(Port, Buffer),
    /// It only waits to send an answer to a request on this port.
    PutOff(Port),
    /// For nothing.
    Free,
}

/// A transaction of the kernel's.
enum Task {
    Checkpoint {
        process: u16,
        number: u32,
    },
    Fetch {
        fetch: Fetch,
        done: u32,
    },
    /// For the kernel's server at this put-port.
    Call {
        port: Port,
        number: u32,
    },
    /// A part of the file to boot from.
    Image,
    /// What has been read is no longer needed where it was.
    Destroy,
    /// A server tells a client something.
    Notice,
}

impl Network {
    /// Has a thread wait for requests in each of these places.
    pub(crate) fn serve(&mut self, listeners: impl Iterator<Item = Listener>) {
        for Listener { port, room } in listeners {
            let room = Buffer::kernel(alloc::vec![0; room]);
            let is_seated = self.seat(Seat::Serves(port, room));
            debug_assert!(is_seated.is_ok());
        }
    }

    /// Gives a thread something to do; `what` comes back if there is none.
    fn seat(&mut self, what: Seat) -> Result<(), Seat> {
        let servers = &mut self.tasks.servers;
        let free = servers.iter().position(|seat| matches!(seat, Seat::Free));
        let thread = free.unwrap_or(servers.len()) as u16;
        if thread == FIRST_CLIENT {
            return Err(what);
        }
        match servers.get_mut(usize::from(thread)) {
            Some(seat) => *seat = what,
            None => servers.push(what),
        }
        self.listen(rpc::ThreadId { thread, ..KERNEL });
        Ok(())
    }

    /// Has a thread of the kernel's wait for its next request, if it is there for that.
    pub(super) fn listen(&mut self, thread: rpc::ThreadId) {
        match self.tasks.servers.get_mut(usize::from(thread.thread)) {
            Some(Seat::Serves(port, room)) => {
                let begun = self.rpc.getreq(thread, Size::Long, *port, room.clone());
                debug_assert!(begun.is_ok());
            }
            Some(seat) => *seat = Seat::Free,
            None => {}
        }
    }

    /// The answer to the request that a thread serves will come later: another one takes its place, as long as no more than `most`
    /// are so replaced on its port.
    pub(crate) fn put_off(&mut self, thread: rpc::ThreadId, most: usize) {
        let servers = &mut self.tasks.servers;
        let place = usize::from(thread.thread);
        let Some(Seat::Serves(port, _)) = servers.get(place) else {
            return;
        };
        let port = *port;
        let is_replaced = |seat: &&Seat| matches!(seat, Seat::PutOff(own) if *own == port);
        if servers.iter().filter(is_replaced).count() >= most {
            return;
        }
        let serves = core::mem::replace(&mut servers[place], Seat::PutOff(port));
        if let Err(serves) = self.seat(serves) {
            self.tasks.servers[place] = serves;
        }
    }

    /// The data of a request to one of the kernel's servers, of which so many bytes have come.
    pub(crate) fn request_data(buffer: &Buffer, length: u32) -> Vec<u8> {
        buffer.bytes(length)
    }

    /// Answers a request to one of the kernel's servers.
    pub(crate) fn reply(&mut self, thread: rpc::ThreadId, reply: Reply) {
        let Reply { header, data, memory } = reply;
        let data = memory.map_or_else(|| Buffer::kernel(data), Buffer::User);
        let begun = self
            .rpc
            .putrep(clock::uptime(), &mut self.flip, thread, Size::Long, &header, data);
        debug_assert!(begun.is_ok());
    }

    /// Begins what the kernel has to do for a process.
    pub(super) fn start_task(&mut self, processes: &Processes, event: Event) {
        match event {
            Event::Checkpoint(Checkpoint {
                process,
                number,
                owner,
                cause,
                detail,
                descriptor,
            }) => {
                let mut header = header(&owner, Command::Checkpoint.code());
                header.size = descriptor.len() as u16;
                header.extra = cause.code();
                header.offset = detail;
                let reply = Buffer::kernel(alloc::vec![0; descriptor.len()]);
                let request = Buffer::kernel(descriptor);
                let task = Task::Checkpoint { process, number };
                self.transact(task, OWNER_TIMEOUT, &header, request, reply);
            }
            Event::Fetch(fetch) => self.fetch(processes, fetch, 0),
            _ => {}
        }
    }

    /// Carries out a transaction for one of the kernel's servers.
    pub(crate) fn start_call(&mut self, port: Port, call: Call) {
        let Call {
            number,
            timeout,
            header,
            data,
            room,
        } = call;
        let (request, reply) = (Buffer::kernel(data), Buffer::kernel(alloc::vec![0; room]));
        self.transact(Task::Call { port, number }, timeout, &header, request, reply);
    }

    /// Reads the next bytes of a segment's contents, into the segment itself.
    fn fetch(&mut self, processes: &Processes, fetch: Fetch, done: u32) {
        let Some(place) = processes.pinned_segment(&fetch) else {
            return;
        };
        let place = place.part(done, LARGEST_BUFFER as u32);
        let mut header = header(&fetch.from, file::READ);
        header.offset = fetch.offset.wrapping_add(done).cast_signed();
        header.size = place.length as u16;
        let timeout = rpc::limits::LOCATE_TIMEOUT;
        let (request, reply) = (Buffer::kernel(Vec::new()), Buffer::User(place));
        self.transact(Task::Fetch { fetch, done }, timeout, &header, request, reply);
    }

    /// Reads a part of the file to boot from.
    pub(crate) fn read_image(&mut self, image: &Capability, wanted: Wanted) {
        let mut header = header(image, file::READ);
        header.offset = wanted.offset.cast_signed();
        header.size = wanted.length as u16;
        let place = wanted.place.map(Buffer::User);
        let reply = place.unwrap_or_else(|| Buffer::kernel(alloc::vec![0; wanted.length as usize]));
        let request = Buffer::kernel(Vec::new());
        self.transact(Task::Image, rpc::limits::LOCATE_TIMEOUT, &header, request, reply);
    }

    /// Sends a request whose answer nobody waits for, unless too many are under way.
    pub(super) fn send_notice(&mut self, header: &Header) {
        let is_notice = |(_, task): &&(u16, Task)| matches!(task, Task::Notice);
        if self.tasks.clients.iter().filter(is_notice).count() < MOST_NOTICES {
            let timeout = rpc::limits::LOCATE_TIMEOUT;
            let (request, reply) = (Buffer::kernel(Vec::new()), Buffer::kernel(Vec::new()));
            self.transact(Task::Notice, timeout, header, request, reply);
        }
    }

    /// There are more threads than processes and segments whose contents are awaited: each thread of a process waits for
    /// one at most.
    fn transact(
        &mut self,
        task: Task,
        timeout: Milliseconds,
        header: &Header,
        request: Buffer,
        reply: Buffer,
    ) {
        let is_free = |number: &u16| self.tasks.clients.iter().all(|(used, _)| used != number);
        let number = (FIRST_CLIENT..=LAST_CLIENT).find(is_free).unwrap_or(LAST_CLIENT);
        let thread = rpc::ThreadId {
            thread: number,
            ..KERNEL
        };
        self.tasks.clients.push((number, task));
        let now = clock::uptime();
        let begun = self.rpc.timeout(thread, timeout).and_then(|_| {
            self.rpc
                .trans(now, &mut self.flip, thread, Size::Long, header, request, reply)
        });
        debug_assert!(begun.is_ok());
    }

    /// A transaction of the kernel's has ended.
    pub(super) fn end_task(
        &mut self,
        processes: &mut Processes,
        machine: &mut impl Machine,
        thread: rpc::ThreadId,
        outcome: Outcome,
        buffer: &Buffer,
    ) -> Delivery {
        let clients = &mut self.tasks.clients;
        let Some(place) = clients.iter().position(|(number, _)| *number == thread.thread) else {
            return Delivery::Done;
        };
        let (_, task) = clients.swap_remove(place);
        let outcome = outcome.and_then(|(header, length)| match header.status() {
            Some(Status::Ok) => Ok((header, length)),
            status => Err(status.unwrap_or(Status::RpcFailure)),
        });
        match task {
            Task::Notice => {}
            Task::Checkpoint { process, number } => {
                let bytes = outcome.map(|(_, length)| buffer.bytes(length));
                let answer = bytes.as_deref().map_err(|status| *status);
                processes.answer_checkpoint(process, number, answer);
            }
            Task::Fetch { fetch, done } => match outcome {
                // An object that is shorter than the segment leaves zeros behind it.
                Ok((_, length)) if length > 0 && done + length < fetch.length => {
                    self.fetch(processes, fetch, done + length);
                }
                result => {
                    if result.is_ok() && fetch.destroys {
                        let header = header(&fetch.from, standard::Command::Destroy.code());
                        let nothing = || Buffer::kernel(Vec::new());
                        let timeout = rpc::limits::LOCATE_TIMEOUT;
                        self.transact(Task::Destroy, timeout, &header, nothing(), nothing());
                    }
                    processes.fetched(machine, &fetch, result.map(|_| ()));
                    return Delivery::Fetched;
                }
            },
            Task::Call { port, number } => {
                let reply = outcome.map(|(header, length)| Reply {
                    header,
                    data: buffer.bytes(length),
                    ..Reply::default()
                });
                return Delivery::Called(port, number, reply);
            }
            Task::Image => {
                return Delivery::Image(outcome.map(|(_, length)| (buffer.bytes(length), length)));
            }
            Task::Destroy => {}
        }
        Delivery::Done
    }
}

fn header(capability: &Capability, command: u16) -> Header {
    Header {
        port: capability.port,
        private: capability.private.emit(),
        command,
        ..Header::default()
    }
}
