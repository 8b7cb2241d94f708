//! The server of terminals: each object is a line with a discipline ([`crate::line_discipline`]), read and written in
//! sequence like a file, with settings, and somebody who is told of interrupts.
//!
//! Nobody holds the kernel up: who reads waits for what is typed, and who writes for room in the line's queue, by
//! [`Answer::Later`]. Readers of a terminal are served in their order, and so are its writers and who waits for them. A signal to
//! a client ends its wait with [`Status::Interrupted`].

mod requests;

use super::{Answer, Kernel, Ports, Reply, Request, Server, Ticket, World};
use crate::line_discipline::{LineDiscipline, Reader, Reading, Received};
use crate::machine::{Machine, Milliseconds, TICK};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use proto::capability::{Capability, Port, Private, Rights};
use proto::message::{Header, LARGEST_BUFFER};
use proto::standard::Status;
use proto::terminal::{ControlFlags, Notice, Queue, Settings, SettingsCommand, Signal, When, WindowSize};

/// Needed to read.
pub const RIGHT_READ: Rights = Rights(0x01);
/// Needed to write.
pub const RIGHT_WRITE: Rights = Rights(0x02);
/// Needed to change settings and the rest.
pub const RIGHT_CONTROL: Rights = Rights(0x04);

/// What a terminal is at the end of.
pub trait Line {
    /// The next thing that has come.
    fn receive(&mut self) -> Option<Received>;

    /// How many bytes it takes now.
    fn room(&self) -> usize;

    /// Sends a byte, for which there is room.
    fn send(&mut self, byte: u8);

    /// Whether all has gone that was to be sent.
    fn is_idle(&self) -> bool;

    /// Begins or ends a break.
    fn set_break(&mut self, is_on: bool);

    /// Takes these bits a second and this format; false, and nothing changes, if it cannot.
    fn set(&mut self, speed: u32, format: ControlFlags) -> bool;

    /// Whether somebody is at the other end.
    fn has_carrier(&self) -> bool;
}

/// A request that waits for the output before it.
#[derive(Clone, Debug)]
enum Outgoing {
    /// Bytes, of which so many have gone to the discipline.
    Write(Vec<u8>, usize),
    /// It is over when all output has gone.
    Drain,
    /// Settings change when all output has gone.
    Set(Settings, When),
    /// A break of so many milliseconds, once all output has gone; and when it ends.
    Break(Milliseconds, Option<Milliseconds>),
}

/// A request that waits.
#[derive(Clone, Debug)]
struct Waiting<T> {
    ticket: Ticket,
    what: T,
    is_interrupted: bool,
}

/// A terminal.
struct Terminal {
    name: &'static str,
    check: Port,
    line: Box<dyn Line>,
    discipline: LineDiscipline,
    readers: VecDeque<Waiting<Reader>>,
    outgoing: VecDeque<Waiting<Outgoing>>,
    /// Who is told of interrupts.
    interrupt: Capability,
    window: WindowSize,
}

/// The server.
pub struct Terminals {
    ports: Ports,
    list: Vec<Terminal>,
    /// When the lines were looked at last.
    looked: Milliseconds,
}

impl Terminals {
    /// The server on the get-port `port`, without terminals.
    pub fn new(port: Port) -> Terminals {
        Terminals {
            ports: Ports::of(port),
            list: Vec::new(),
            looked: 0,
        }
    }

    /// Adds the terminal of this name on a line, with a window of this size, protected by `check`: its capability, with all rights.
    pub fn add(
        &mut self,
        name: &'static str,
        check: Port,
        line: impl Line + 'static,
        window: WindowSize,
    ) -> Capability {
        let number = self.list.len() as u32;
        self.list.push(Terminal {
            name,
            check,
            line: Box::new(line),
            discipline: LineDiscipline::new(Settings::USUAL),
            readers: VecDeque::new(),
            outgoing: VecDeque::new(),
            interrupt: Capability::NULL,
            window,
        });
        Capability {
            port: self.ports.put,
            private: Private::owner(number, check),
        }
    }

    fn terminal(&mut self, object: u32) -> Result<&mut Terminal, Status> {
        let terminal = usize::try_from(object)
            .ok()
            .and_then(|place| self.list.get_mut(place));
        terminal.ok_or(Status::BadCapability)
    }
}

/// The answer to a request, or why there is none.
type Outcome = Result<Reply, Status>;

impl Terminal {
    /// Carries what has come to the discipline, and what it and writers have for the line to there.
    fn pump(&mut self, now: Milliseconds, kernel: &mut dyn Kernel) {
        while let Some(received) = self.line.receive() {
            self.discipline.receive(now, received);
        }
        let is_local = self.discipline.settings().control.contains(ControlFlags::LOCAL);
        if is_local || self.line.has_carrier() {
            self.discipline.pick_up();
        } else {
            self.discipline.hang_up();
        }
        loop {
            let has_written = self.write();
            let has_sent = self.send();
            if !has_written && !has_sent {
                break;
            }
        }
        while let Some(signal) = self.discipline.signal() {
            self.tell(now, kernel, signal);
        }
    }

    /// Gives the discipline what the first writer has; false if it took nothing.
    fn write(&mut self) -> bool {
        let Some(Outgoing::Write(bytes, done)) = self.outgoing.front_mut().map(|first| &mut first.what)
        else {
            return false;
        };
        let taken = self.discipline.write(&bytes[*done..]);
        *done += taken;
        taken > 0
    }

    /// Gives the line what the discipline has; false if nothing went.
    fn send(&mut self) -> bool {
        let mut has_sent = false;
        while self.line.room() > 0
            && let Some(byte) = self.discipline.next_output()
        {
            self.line.send(byte);
            has_sent = true;
        }
        has_sent
    }

    /// Tells whoever wants to know of interrupts.
    fn tell(&mut self, now: Milliseconds, kernel: &mut dyn Kernel, signal: Signal) {
        if self.interrupt == Capability::NULL {
            return;
        }
        let notice = match signal {
            Signal::Interrupt => Notice::SettingsInterrupt,
            Signal::Hangup => Notice::Hangup,
            Signal::WindowSize => Notice::WindowSize,
            Signal::Quit | Signal::Suspend => Notice::Signal,
        };
        let header = Header {
            port: self.interrupt.port,
            private: self.interrupt.private.emit(),
            command: notice.code(),
            extra: signal.code(),
            ..Header::default()
        };
        kernel.notify(now, &header);
    }

    /// The next request that is over, of all or of one, and with what.
    fn next_answer(&mut self, now: Milliseconds, only: Option<Ticket>) -> Option<(Ticket, Outcome)> {
        self.next_read(now, only)
            .or_else(|| self.next_outgoing(now, only))
    }

    fn next_read(&mut self, now: Milliseconds, only: Option<Ticket>) -> Option<(Ticket, Outcome)> {
        if let Some(place) = interrupted(&self.readers, only) {
            let reader = self.readers.remove(place)?;
            return Some((reader.ticket, Err(Status::Interrupted)));
        }
        let first = self.readers.front()?;
        if only.is_some_and(|ticket| ticket != first.ticket) {
            return None;
        }
        let Reading::Done { bytes, is_end } = self.discipline.read(now, &first.what) else {
            return None;
        };
        let mut reply = Reply::data(bytes);
        reply.header.extra = is_end.into();
        Some((self.readers.pop_front()?.ticket, Ok(reply)))
    }

    fn next_outgoing(&mut self, now: Milliseconds, only: Option<Ticket>) -> Option<(Ticket, Outcome)> {
        if let Some(place) = interrupted(&self.outgoing, only) {
            let Waiting { ticket, what, .. } = self.outgoing.remove(place)?;
            let outcome = match what {
                Outgoing::Write(_, done) if done > 0 => Ok(written(done)),
                Outgoing::Break(_, Some(_)) => {
                    self.line.set_break(false);
                    Err(Status::Interrupted)
                }
                _ => Err(Status::Interrupted),
            };
            return Some((ticket, outcome));
        }
        let is_drained = self.discipline.is_drained() && self.line.is_idle();
        // The line has it, so that what the kernel prints next comes behind it, unless somebody has stopped output.
        let is_passed_on = !self.discipline.has_output();
        let first = self.outgoing.front_mut()?;
        if only.is_some_and(|ticket| ticket != first.ticket) {
            return None;
        }
        let outcome = match &mut first.what {
            Outgoing::Write(bytes, done) if *done == bytes.len() && is_passed_on => Ok(written(*done)),
            Outgoing::Break(_, Some(end)) if *end <= now => {
                self.line.set_break(false);
                Ok(Reply::default())
            }
            Outgoing::Break(length, end @ None) if is_drained => {
                self.line.set_break(true);
                *end = Some(now + *length);
                return None;
            }
            Outgoing::Drain if is_drained => Ok(Reply::default()),
            Outgoing::Set(settings, when) if is_drained => {
                let (settings, when) = (*settings, *when);
                self.set(&settings, when)
            }
            _ => return None,
        };
        Some((self.outgoing.pop_front()?.ticket, outcome))
    }

    fn set(&mut self, settings: &Settings, when: When) -> Outcome {
        let old = self.discipline.settings();
        let is_new = (old.speed, old.control) != (settings.speed, settings.control);
        if is_new && !self.line.set(settings.speed, settings.control) {
            return Err(Status::BadArgument);
        }
        if when == When::Flushed {
            self.discipline.flush(Queue::Input);
        }
        self.discipline.set_settings(*settings);
        Ok(Reply::default())
    }

    /// When a wait is over by itself, or the line, which was looked at then, is to be looked at again: it interrupts when it takes more,
    /// but not when its last character has gone.
    fn due(&self, looked: Milliseconds) -> Milliseconds {
        let breaks = self.outgoing.front().map(|first| match first.what {
            Outgoing::Write(..) => Milliseconds::MAX,
            Outgoing::Break(_, Some(end)) => end,
            Outgoing::Break(_, None) | Outgoing::Drain | Outgoing::Set(..) => looked + TICK,
        });
        let reads = self.readers.front().map(|first| self.discipline.due(&first.what));
        breaks.into_iter().chain(reads).min().unwrap_or(Milliseconds::MAX)
    }
}

fn written(length: usize) -> Reply {
    let mut reply = Reply::default();
    reply.header.size = length as u16;
    reply
}

/// The place of a request that was interrupted.
fn interrupted<T>(list: &VecDeque<Waiting<T>>, only: Option<Ticket>) -> Option<usize> {
    list.iter()
        .position(|waiting| waiting.is_interrupted && only.is_none_or(|ticket| ticket == waiting.ticket))
}

impl<M: Machine> Server<M> for Terminals {
    fn ports(&self) -> Ports {
        self.ports
    }

    /// Readers keep a thread each.
    fn threads(&self) -> usize {
        2 + 2 * self.list.len()
    }

    fn room(&self) -> usize {
        LARGEST_BUFFER
    }

    fn check(&self, _world: &World<'_, M>, object: u32) -> Option<Port> {
        Some(self.list.get(object as usize)?.check)
    }

    fn info(&self, _world: &World<'_, M>, object: u32) -> String {
        let terminal = self.list.get(object as usize);
        format!("+ {}", terminal.map_or("", |terminal| terminal.name))
    }

    fn command(&mut self, world: &mut World<'_, M>, request: &Request<'_>) -> Result<Answer, Status> {
        let terminal = self.terminal(request.object)?;
        let answer = requests::carry_out(terminal, world.now, world.kernel, request)?;
        terminal.pump(world.now, world.kernel);
        Ok(match answer {
            Answer::Now(reply) => Answer::Now(reply),
            Answer::Later => match terminal.next_answer(world.now, Some(request.ticket)) {
                Some((_, outcome)) => Answer::Now(outcome?),
                None => Answer::Later,
            },
        })
    }

    fn due(&self) -> Milliseconds {
        let times = self.list.iter().map(|terminal| terminal.due(self.looked));
        times.min().unwrap_or(Milliseconds::MAX)
    }

    fn work(&mut self, world: &mut World<'_, M>) {
        self.looked = world.now;
        for terminal in &mut self.list {
            terminal.pump(world.now, world.kernel);
        }
    }

    fn next_answer(&mut self, world: &mut World<'_, M>) -> Option<(Ticket, Outcome)> {
        self.list.iter_mut().find_map(|terminal| {
            let answer = terminal.next_answer(world.now, None)?;
            // Whoever comes next may have room now.
            terminal.pump(world.now, world.kernel);
            Some(answer)
        })
    }

    fn interrupt(&mut self, ticket: Ticket) {
        for terminal in &mut self.list {
            for reader in &mut terminal.readers {
                reader.is_interrupted |= reader.ticket == ticket;
            }
            for outgoing in &mut terminal.outgoing {
                outgoing.is_interrupted |= outgoing.ticket == ticket;
            }
        }
    }

    fn abandon(&mut self, ticket: Ticket) {
        for terminal in &mut self.list {
            terminal.readers.retain(|reader| reader.ticket != ticket);
            let breaks = terminal.outgoing.iter();
            let is_broken = |waiting: &Waiting<Outgoing>| {
                waiting.ticket == ticket && matches!(waiting.what, Outgoing::Break(_, Some(_)))
            };
            if { breaks }.any(is_broken) {
                terminal.line.set_break(false);
            }
            terminal.outgoing.retain(|outgoing| outgoing.ticket != ticket);
        }
    }
}
