//! Processes that go to another machine (Steketee, Socko and Kiepuszewski 1996, section 5).
//!
//! At the source [`Processes::depart`] stops the process and has its communication taken out; then
//! [`Processes::departure_message`] tells all that the destination needs, but for the contents of the segments, which it reads as those
//! of any process that is started. The process comes back ([`Processes::come_back`]) or is gone ([`Processes::gone`]). At the destination it
//! arrives ([`Processes::arrive`]) and waits, complete but still, until [`Processes::start_arrived`]. So there is no moment at which it could
//! run on both machines.
//!
//! Calls in which threads wait are aborted, as in the paper, or go on at the destination: a thread that waits is a plain
//! value either way.

use super::exec::thread as thread_of;
use super::{Errand, Event, Phase, Processes, Receive, Thread, ThreadId, Transaction, UserBuffer, Wait};
use crate::machine::{Machine, Milliseconds};
use crate::rpc::Taken;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use proto::capability::Capability;
use proto::flip::Address;
use proto::marshal::{Reader, Writer};
use proto::message::LARGEST_BUFFER;
use proto::process::Descriptor;
use proto::process::migration::{self, Call, Counter, Head, Memory, SIGNALS, Window};
use proto::standard::Status;
use proto::system_call::PRIORITIES;

/// What the network knew of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Communication {
    /// Its private address.
    pub address: Address,
    /// How it counts its transactions.
    pub counter: Counter,
    /// What its threads were doing.
    pub threads: Vec<Taken>,
    /// Which transactions were seen on this machine.
    pub windows: Vec<Window>,
}

/// How far a departure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departed {
    /// Its communication is still to be taken out.
    NotYet,
    /// It can be taken away.
    Ready,
    /// There is no such process, or it is not leaving.
    No,
}

/// What is kept of a process between two machines.
#[derive(Clone, Debug)]
pub(super) struct Journey {
    address: Address,
    counter: Counter,
    threads: Vec<migration::Thread>,
    windows: Vec<Window>,
    /// When a segment of it was read last.
    last_read: Milliseconds,
}

impl Processes {
    /// Stops a process so that it can go elsewhere. Calls in which its threads wait are aborted unless they are to go on
    /// there. If it is the process itself that tells a migration server, its communication is taken out when it has its turn.
    ///
    /// # Errors
    /// [`Status::NotNow`] if it is not running, maps memory that others map too, or has more signals waiting than can be told.
    pub fn depart(&mut self, slot: u16, calls_go_on: bool, in_turn: bool) -> Result<(), Status> {
        let process = self.process(slot);
        let is_shared = process.mappings.iter().flatten().any(|mapping| !mapping.is_own);
        let signals = process
            .threads
            .iter()
            .flatten()
            .map(|thread| thread.pending.len());
        if process.phase != Phase::Running || is_shared || signals.max() > Some(SIGNALS) {
            return Err(Status::NotNow);
        }
        self.process_mut(slot).phase = Phase::Leaving;
        self.dequeue(slot);
        for id in self.threads(slot) {
            // A mapping that is half made and interfaces of FLIP's stay here.
            let stays = matches!(
                self.thread(id).wait,
                Some(Wait::Fetch { .. } | Wait::RawFlip { .. })
            );
            if !calls_go_on || stays {
                self.abort(id);
            }
        }
        if in_turn {
            self.send_on(slot, Errand::Leave);
        } else {
            self.events.push_back(Event::Leave { process: slot });
        }
        Ok(())
    }

    /// A leaving process is to do what its migration server has answered when it has its turn: [`Event::Part`].
    pub fn part(&mut self, slot: u16) {
        if self.has_departed(slot) == Departed::Ready {
            self.send_on(slot, Errand::Part);
            self.unblocked_by_packet(slot);
        }
    }

    /// Whether a leaving process has had the turn that it was to [`part`](Processes::part) in.
    pub fn has_parted(&self, slot: u16) -> bool {
        self.has_departed(slot) == Departed::Ready && self.process(slot).errand.is_none()
    }

    /// The communication of a leaving process was taken out.
    pub fn departed(&mut self, slot: u16, now: Milliseconds, communication: Communication) {
        let process = self.slots.get(usize::from(slot)).and_then(Option::as_ref);
        if process.is_none_or(|process| process.phase != Phase::Leaving) {
            return;
        }
        let ids = self.threads(slot);
        let threads = ids
            .iter()
            .map(|id| self.write_down(*id, now, &communication.threads));
        let threads = threads.collect();
        for id in ids {
            self.leave_mutex(id);
            let thread = self.thread_mut(id);
            thread.wait = None;
            thread.pending.clear();
            thread.is_serving = false;
        }
        self.process_mut(slot).journey = Some(Journey {
            address: communication.address,
            counter: communication.counter,
            threads,
            windows: communication.windows,
            last_read: 0,
        });
    }

    /// A segment is read from elsewhere, which may be a part of a process that is leaving.
    pub fn is_read(&mut self, segment: u16, now: Milliseconds) {
        for process in self.slots.iter_mut().flatten() {
            if let Some(journey) = &mut process.journey
                && process
                    .mappings
                    .iter()
                    .flatten()
                    .any(|mapping| mapping.segment == segment)
            {
                journey.last_read = now;
            }
        }
    }

    /// When a segment of a leaving process was read last; 0 for never.
    pub fn last_read(&self, slot: u16) -> Milliseconds {
        let process = self.slots.get(usize::from(slot)).and_then(Option::as_ref);
        let journey = process.and_then(|process| process.journey.as_ref());
        journey.map_or(0, |journey| journey.last_read)
    }

    /// How far the departure of a process is.
    pub fn has_departed(&self, slot: u16) -> Departed {
        match self.slots.get(usize::from(slot)).and_then(Option::as_ref) {
            Some(process) if process.phase == Phase::Leaving && process.journey.is_some() => Departed::Ready,
            Some(process) if process.phase == Phase::Leaving => Departed::NotYet,
            _ => Departed::No,
        }
    }

    /// What another machine needs to take the process over: the length of its descriptor in four bytes, the descriptor,
    /// and what [`migration`] describes. `None` if it is not away, or more than a message holds.
    pub fn departure_message(&self, slot: u16, departure: &Capability) -> Option<Vec<u8>> {
        let journey = self.process(slot).journey.as_ref()?;
        let descriptor = self.describe(slot);
        let mut bytes = vec![0; LARGEST_BUFFER];
        let mut writer = Writer::new(&mut bytes);
        let mut write = || {
            writer.u32(descriptor.len() as u32)?;
            writer.bytes(&descriptor)?;
            let head = Head {
                departure: *departure,
                address: journey.address,
                counter: journey.counter,
                is_preemptive: self.process(slot).is_preemptive,
                name: self.comment(slot).as_bytes(),
                threads: journey.threads.len() as u16,
                windows: journey.windows.len() as u16,
            };
            head.emit(&mut writer)?;
            journey
                .threads
                .iter()
                .try_for_each(|thread| thread.emit(&mut writer))?;
            journey
                .windows
                .iter()
                .try_for_each(|window| window.emit(&mut writer))
        };
        write().ok()?;
        let length = writer.length();
        bytes.truncate(length);
        Some(bytes)
    }

    /// A process that was leaving stays and goes on.
    pub fn come_back(&mut self, machine: &mut impl Machine, slot: u16, now: Milliseconds) {
        if self.has_departed(slot) != Departed::Ready {
            return;
        }
        let Some(journey) = self.process_mut(slot).journey.take() else {
            return;
        };
        self.events.push_back(Event::Return { process: slot });
        self.go_on(machine, slot, &journey.threads, now);
    }

    /// A process that was leaving has been taken over: nothing of it stays here.
    pub fn gone(&mut self, machine: &mut impl Machine, slot: u16, departure: u16) {
        if self.has_departed(slot) == Departed::Ready {
            self.destroy(machine, slot);
            self.events.push_back(Event::Gone {
                process: slot,
                departure,
            });
        }
    }

    /// The process of a departure runs elsewhere: nobody needs to be kept waiting for it any more.
    pub fn forget_departure(&mut self, departure: u16) {
        self.events.push_back(Event::Forget { departure });
    }

    /// Takes a process over, by what [`Processes::departure_message`] told: its slot, and the capability of its departure. It
    /// waits, as soon as the contents of its segments are there, to be started.
    ///
    /// # Errors
    /// [`Status::BadArgument`] for a message that is none or comes from this machine itself, and what [`Processes::exec`] says.
    pub fn arrive(
        &mut self,
        machine: &mut impl Machine,
        message: &[u8],
    ) -> Result<(u16, Capability), Status> {
        let (descriptor, departure, name, is_preemptive, journey) =
            read(message).ok_or(Status::BadArgument)?;
        // Its address would be here twice.
        if departure.port == self.port {
            return Err(Status::BadArgument);
        }
        let descriptor = Descriptor::parse(descriptor).map_err(|_| Status::BadArgument)?;
        let states: Vec<_> = descriptor.threads().collect();
        if states.len() != journey.threads.len() {
            return Err(Status::BadArgument);
        }
        let mut threads: Vec<Option<Thread>> = Vec::new();
        for (state, thread) in states.iter().zip(&journey.threads) {
            let place = usize::from(thread.number);
            if place >= super::MOST_THREADS || u32::from(thread.priority) >= PRIORITIES {
                return Err(Status::BadArgument);
            }
            if threads.len() <= place {
                threads.resize(place + 1, None);
            }
            let mut new = thread_of(state).ok_or(Status::BadArgument)?;
            new.priority = thread.priority.into();
            // The signals that wait come with the call.
            new.pending.clear();
            if threads[place].replace(new).is_some() {
                return Err(Status::BadArgument);
            }
        }
        let slot = self.create(machine, &descriptor, threads)?;
        let process = self.process_mut(slot);
        process.journey = Some(journey);
        process.is_preemptive = is_preemptive;
        process.comment = name;
        if !self.fetch_next(slot) {
            self.process_mut(slot).phase = Phase::Arrived;
        }
        Ok((slot, departure))
    }

    /// Whether a process that was taken over is complete and waits to be started.
    pub fn has_arrived(&self, slot: u16) -> bool {
        let process = self.slots.get(usize::from(slot)).and_then(Option::as_ref);
        process.is_some_and(|process| process.phase == Phase::Arrived)
    }

    /// Whether a process has been taken over and does not run yet.
    pub fn is_arriving(&self, slot: u16) -> bool {
        let process = self.slots.get(usize::from(slot)).and_then(Option::as_ref);
        process.is_some_and(|process| {
            process.journey.is_some() && matches!(process.phase, Phase::Arrived | Phase::Loading)
        })
    }

    /// Lets a process run that was taken over; false if it does not wait for that.
    pub fn start_arrived(&mut self, machine: &mut impl Machine, slot: u16, now: Milliseconds) -> bool {
        if !self.has_arrived(slot) {
            return false;
        }
        let Some(journey) = self.process_mut(slot).journey.take() else {
            return false;
        };
        self.events.push_back(Event::Arrive {
            process: slot,
            address: journey.address,
            counter: journey.counter,
            windows: journey.windows,
        });
        self.go_on(machine, slot, &journey.threads, now);
        true
    }

    /// A process that was taken over is not to run here.
    pub fn refuse_arrived(&mut self, machine: &mut impl Machine, slot: u16) {
        if self.is_arriving(slot) {
            self.events
                .retain(|event| !matches!(event, Event::Fetch(fetch) if fetch.process == slot));
            self.destroy(machine, slot);
        }
    }

    /// What a thread is doing, as it is told to another machine.
    fn write_down(&self, id: ThreadId, now: Milliseconds, communication: &[Taken]) -> migration::Thread {
        let thread = self.thread(id);
        let taken = communication.iter().find(|taken| taken.thread == id.thread);
        let mut signals = [0; SIGNALS];
        for (place, signal) in signals.iter_mut().zip(&thread.pending) {
            *place = *signal;
        }
        let left = |until: Milliseconds| u32::try_from(until.saturating_sub(now)).unwrap_or(u32::MAX);
        let call = thread.wait.as_ref().and_then(|wait| {
            Some(match wait {
                Wait::Sleep { until } => Call::Sleep(left(*until)),
                Wait::Mutex { key, until } => Call::Mutex {
                    address: self.address_of(id.process, *key)?,
                    patience: until.map_or(-1, |until| left(until).min(i32::MAX as u32).cast_signed()),
                    rank: self.waiters.iter().position(|waiter| waiter.is(id))? as u16,
                },
                Wait::Request(receive) => Call::Request {
                    port: receive.port,
                    header: receive.header,
                    data: memory(receive.data),
                },
                Wait::Transaction(transaction) => Call::Transaction(migration::Transaction {
                    header: transaction.header,
                    request: memory(transaction.request),
                    reply_header: transaction.reply_header,
                    reply: memory(transaction.reply),
                    timeout: transaction.timeout,
                    asked: taken.and_then(|taken| taken.asked),
                }),
                Wait::Reply(header, data) => Call::Reply {
                    header: *header,
                    data: memory(*data),
                },
                Wait::Fetch { .. } | Wait::RawFlip { .. } => return None,
            })
        });
        migration::Thread {
            number: id.thread,
            priority: thread.priority as u16,
            signals,
            service: taken.and_then(|taken| taken.service),
            call,
        }
    }

    /// Where a process maps what lies there in a segment.
    fn address_of(&self, slot: u16, (segment, offset): super::mutex::Key) -> Option<u32> {
        let mut mappings = self.process(slot).mappings.iter().flatten();
        let mapping = mappings.find(|mapping| mapping.segment == segment)?;
        mapping.address.checked_add(offset)
    }

    /// Lets a process run whose threads are doing this.
    fn go_on(
        &mut self,
        machine: &mut impl Machine,
        slot: u16,
        threads: &[migration::Thread],
        now: Milliseconds,
    ) {
        self.process_mut(slot).phase = Phase::Running;
        let mut ordered: Vec<&migration::Thread> = threads.iter().collect();
        ordered.sort_by_key(|thread| match thread.call {
            Some(Call::Mutex { rank, .. }) => rank,
            _ => 0,
        });
        for state in ordered {
            let id = ThreadId {
                process: slot,
                thread: state.number,
            };
            if let Some(service) = state.service {
                // A thread in `putrep` has given its answer, but the transaction layer has it still to send.
                let is_replying = matches!(state.call, Some(Call::Reply { .. }));
                self.thread_mut(id).is_serving = !is_replying;
                self.events.push_back(Event::Serve(id, service));
            }
            self.thread_mut(id).pending = state
                .signals
                .iter()
                .copied()
                .filter(|signal| *signal != 0)
                .collect();
            self.go_on_with(machine, id, state.call.as_ref(), now);
        }
        for state in threads {
            let id = ThreadId {
                process: slot,
                thread: state.number,
            };
            if self.has(id) && self.thread(id).wait.is_none() {
                self.deliver_pending(machine, id);
            }
        }
    }

    fn go_on_with(
        &mut self,
        machine: &mut impl Machine,
        id: ThreadId,
        call: Option<&Call>,
        now: Milliseconds,
    ) {
        match call {
            None => self.make_ready(id, false),
            Some(Call::Sleep(left)) => {
                let until = now + Milliseconds::from(*left);
                self.block(id, Wait::Sleep { until });
            }
            Some(Call::Mutex {
                address, patience, ..
            }) => {
                let value = match self.lock(machine, id, *address, *patience, now) {
                    Ok(None) => return,
                    Ok(Some(value)) => value,
                    Err(_) => -1,
                };
                self.thread_mut(id).frame.eax = value.cast_unsigned();
                self.make_ready(id, false);
            }
            Some(Call::Request { port, header, data }) => {
                let receive = Receive {
                    port: *port,
                    header: *header,
                    data: buffer(*data),
                };
                self.block(id, Wait::Request(receive.clone()));
                self.events.push_back(Event::Request(id, receive));
            }
            Some(Call::Transaction(state)) => {
                let transaction = Transaction {
                    header: state.header,
                    request: buffer(state.request),
                    reply_header: state.reply_header,
                    reply: buffer(state.reply),
                    timeout: state.timeout,
                };
                self.block(id, Wait::Transaction(transaction.clone()));
                self.events.push_back(match state.asked {
                    Some(asked) => Event::GoOn(id, transaction, asked),
                    None => Event::Transaction(id, transaction),
                });
            }
            Some(Call::Reply { header, data }) => {
                let data = buffer(*data);
                self.block(id, Wait::Reply(*header, data));
                self.events.push_back(Event::Reply(id, *header, data));
            }
        }
    }
}

fn memory(buffer: UserBuffer) -> Memory {
    Memory {
        address: buffer.address,
        length: buffer.length,
    }
}

fn buffer(memory: Memory) -> UserBuffer {
    UserBuffer {
        address: memory.address,
        length: memory.length,
    }
}

/// The parts of a departure message: descriptor, departure, name, whether threads preempt each other, and the rest.
fn read(message: &[u8]) -> Option<(&[u8], Capability, String, bool, Journey)> {
    let mut reader = Reader::new(message);
    let length = reader.u32().ok()? as usize;
    let descriptor = reader.bytes(length).ok()?;
    let head = Head::parse(&mut reader).ok()?;
    let threads = (0..head.threads).map(|_| migration::Thread::parse(&mut reader));
    let threads = threads.collect::<Result<Vec<_>, _>>().ok()?;
    let windows = (0..head.windows).map(|_| Window::parse(&mut reader));
    let windows = windows.collect::<Result<Vec<_>, _>>().ok()?;
    let journey = Journey {
        address: head.address,
        counter: head.counter,
        threads,
        windows,
        last_read: 0,
    };
    let name = String::from_utf8_lossy(head.name).into_owned();
    Some((descriptor, head.departure, name, head.is_preemptive, journey))
}
