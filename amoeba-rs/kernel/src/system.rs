//! Processes and the kernel's servers on this machine: it lets threads run, carries out what their system calls ask
//! for, and starts the programs that the loader brought.

use crate::console::{self, Console, line};
use crate::loader::{Loaded, Program};
use crate::memory::{self, Memory};
use crate::network::{Delivery, Driver, Network};
use crate::{clock, cmos, paging, traps, user};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use kernel_core::machine::{Machine, Milliseconds};
use kernel_core::process::{Event, Processes, ThreadId, Transaction, UserBuffer};
use kernel_core::programs::{self, Environment};
use kernel_core::secrets::Secrets;
use kernel_core::servers::process::ProcessServer;
use kernel_core::servers::random::Random;
use kernel_core::servers::system::SystemServer;
use kernel_core::servers::terminal::Terminal;
use kernel_core::servers::time_of_day::TimeOfDay;
use kernel_core::servers::{Answer, Client, Clients, Reply, Servers, Ticket, World};
use platform::processor;
use proto::capability::Capability;
use proto::message::{Header, LARGEST_BUFFER};
use proto::process::server::Cause;
use proto::signal::{Exception, TRANSACTION};
use proto::standard::Status;

const VERSION: &str = concat!("amoeba-rs ", env!("CARGO_PKG_VERSION"));

/// All that programs see of the kernel.
pub(crate) struct System {
    memory: Memory,
    processes: Processes,
    servers: Servers<Memory>,
    /// Those whose requests to these servers are put off.
    clients: Clients,
    /// The time at which servers did last what comes by itself.
    tended: Milliseconds,
    network: Network,
    console: Console,
    /// The capabilities that the loader's programs are given, by name.
    capabilities: Vec<(&'static str, Capability)>,
    end_of_memory: u32,
}

impl System {
    /// Starts the kernel's servers. The station address makes this machine's secrets its own.
    pub(crate) fn start(loaded: &Loaded, driver: Driver) -> System {
        let kips = clock::loop_speed();
        let mut secrets = Secrets::new();
        secrets.stir(&cmos::clock().date);
        secrets.stir(&clock::fraction().to_le_bytes());
        if let Some(station) = driver.address() {
            secrets.stir(&station.0);
        }
        let mut memory = Memory::new(secrets);
        let mut port = || memory.random_port();
        let process_server = ProcessServer::new(port(), port(), kips);
        let process_port = process_server.capability().port;
        let terminal = Terminal::new(port(), port());
        let seconds = cmos::clock().seconds();
        let time = TimeOfDay::new(port(), port(), seconds, clock::uptime());
        let system = SystemServer::new(port(), port(), VERSION);
        let random = Random::new(port(), port());
        let capabilities = [
            ("PROC", process_server.capability()),
            ("RANDOM", random.capability()),
            ("SYS", system.capability()),
            ("TOD", time.capability()),
            ("TTY", terminal.capability()),
        ];
        let mut servers = Servers::default();
        servers.add(process_server);
        servers.add(terminal);
        servers.add(time);
        servers.add(system);
        servers.add(random);
        let mut network = Network::new(driver, &loaded.options, &mut memory);
        network.serve(servers.listeners());
        System {
            memory,
            processes: Processes::new(process_port, loaded.options.slice),
            servers,
            clients: Clients::default(),
            tended: 0,
            network,
            console: Console,
            capabilities: capabilities.into(),
            end_of_memory: loaded.memory.end,
        }
    }

    /// Starts the programs that the loader brought.
    pub(crate) fn start_programs(&mut self, loaded: &Loaded) {
        for program in loaded.programs() {
            match self.start_program(&program) {
                Ok(name) => line!("started {name}"),
                Err(status) => line!("cannot start {}: {status}", program.line),
            }
            memory::free_module(&program, self.end_of_memory);
        }
    }

    fn start_program(&mut self, program: &Program) -> Result<String, Status> {
        let environment = Environment {
            line: program.line,
            capabilities: &self.capabilities,
        };
        programs::start(&mut self.processes, &mut self.memory, program.file, &environment)
    }

    /// Does the kernel's own work, then lets a thread run until it traps; false if none wants to.
    pub(crate) fn work(&mut self) -> bool {
        let now = clock::uptime();
        self.processes.sweep(&mut self.memory, now);
        self.network.work();
        self.tend_servers(now);
        self.settle();
        let Some(id) = self.processes.next(now) else {
            return false;
        };
        let mut frame = *self.processes.frame(id);
        paging::switch(self.processes.directory(id));
        user::enter(&mut frame);
        let is_interrupt = traps::interrupt(frame.trap);
        processor::enable_interrupts();
        if !is_interrupt && !self.emulate(id, &mut frame) {
            self.processes.set_frame(id, &frame);
            self.processes.trap(&mut self.memory, id, clock::uptime());
            self.settle();
        } else {
            self.processes.set_frame(id, &frame);
        }
        true
    }

    /// Whether the time has brought something to do.
    pub(crate) fn has_work(&self) -> bool {
        let due = self.processes.next_sweep().min(self.network.due());
        due.min(self.servers.due()) <= clock::uptime()
    }

    /// Has the kernel's servers do what time brings, once a tick of the clock.
    fn tend_servers(&mut self, now: Milliseconds) {
        if now == self.tended {
            return;
        }
        self.tended = now;
        let (servers, mut world) = self.servers();
        servers.work(&mut world);
    }

    /// Carries out an instruction that the processor lacks; false if the trap was another one.
    fn emulate(&self, id: ThreadId, frame: &mut proto::process::Frame) -> bool {
        if frame.trap != traps::INVALID_OPCODE {
            return false;
        }
        let place = UserBuffer {
            address: frame.eip,
            length: 2,
        };
        let code = self.processes.bytes(&self.memory, id.process, place);
        let code = code.and_then(|bytes| bytes.first_chunk().copied());
        code.is_some_and(|code| traps::emulate_for_user(frame, code))
    }

    /// Carries out what processes ask for and what transactions lead to, until nothing is left to do.
    fn settle(&mut self) {
        loop {
            while let Some(event) = self.processes.poll() {
                self.carry_out(event);
            }
            self.network.settle(clock::uptime());
            match self.network.deliver(&mut self.processes, &mut self.memory) {
                Some(Delivery::Done) => {}
                Some(Delivery::Signal(id)) => self.processes.signal(&mut self.memory, id, TRANSACTION),
                Some(Delivery::ServerSignal(thread)) => {
                    if let Some(ticket) = self.clients.remote(thread) {
                        self.servers.interrupt(ticket);
                    }
                }
                Some(Delivery::Request(thread, outcome, buffer)) => {
                    // These threads wait as long as the kernel runs.
                    if let Ok((header, length)) = outcome {
                        let data = Network::request_data(&buffer, length);
                        self.serve(Client::Remote(thread), &header, &data);
                    }
                }
                None if self.deliver_answer() => {}
                None => return,
            }
        }
    }

    /// Carries out what a process asks for.
    fn carry_out(&mut self, event: Event) {
        match event {
            Event::Transaction(id, transaction) if self.servers.have(transaction.header.port) => {
                self.local_transaction(id, transaction);
            }
            Event::Abort(id) if let Some(ticket) = self.clients.local(id) => self.abandon(ticket),
            Event::Signal(id) if let Some(ticket) = self.clients.local(id) => self.servers.interrupt(ticket),
            Event::Ended {
                process,
                ref name,
                cause,
                detail,
                place,
            } => {
                tell(name, cause, detail, place);
                while let Some(ticket) = self.clients.of_process(process) {
                    self.abandon(ticket);
                }
                self.network.call(&mut self.processes, &mut self.memory, event);
            }
            event => self.network.call(&mut self.processes, &mut self.memory, event),
        }
    }

    /// The kernel's servers, and what they work on.
    fn servers(&mut self) -> (&mut Servers<Memory>, World<'_, Memory>) {
        let world = World {
            machine: &mut self.memory,
            processes: &mut self.processes,
            now: clock::uptime(),
            console: &mut self.console,
        };
        (&mut self.servers, world)
    }

    /// Has one of the kernel's servers answer a request, now or later.
    fn serve(&mut self, client: Client, header: &Header, data: &[u8]) {
        let ticket = self.clients.ticket();
        let (servers, mut world) = self.servers();
        match servers.answer(&mut world, ticket, header, data) {
            Some(Answer::Now(reply)) => self.answer(client, reply),
            Some(Answer::Later) => self.clients.wait(ticket, client),
            None => self.answer(client, Reply::failure(Status::RpcNotFound)),
        }
    }

    /// Brings an answer that was put off to its client; false if there is none.
    fn deliver_answer(&mut self) -> bool {
        if self.clients.is_empty() {
            return false;
        }
        let (servers, mut world) = self.servers();
        let Some((ticket, reply)) = servers.next_answer(&mut world) else {
            return false;
        };
        if let Some(client) = self.clients.answered(ticket) {
            self.answer(client, reply);
        }
        true
    }

    fn answer(&mut self, client: Client, reply: Reply) {
        match client {
            Client::Remote(thread) => self.network.reply(thread, &reply.header, reply.data),
            Client::Local(id, transaction) => {
                let result = self.put_reply(id, &transaction, &reply);
                self.processes.complete(&mut self.memory, id, result);
            }
        }
    }

    /// Nobody waits for this answer any more.
    fn abandon(&mut self, ticket: Ticket) {
        self.clients.answered(ticket);
        self.servers.abandon(ticket);
    }

    /// A transaction with one of this kernel's servers.
    fn local_transaction(&mut self, id: ThreadId, transaction: Transaction) {
        // A server of the kernel's takes no more than a message of the short calls; what is longer is cut off.
        let request = transaction.request.part(0, LARGEST_BUFFER as u32);
        match self.processes.bytes(&self.memory, id.process, request) {
            Some(request) => {
                let (request, header) = (request.to_vec(), transaction.header);
                self.serve(Client::Local(id, transaction), &header, &request);
            }
            None => self
                .processes
                .complete(&mut self.memory, id, Err(Status::RpcBadAddress)),
        }
    }

    /// Writes the answer of one of this kernel's servers to where the thread wants it.
    fn put_reply(
        &mut self,
        id: ThreadId,
        transaction: &Transaction,
        reply: &Reply,
    ) -> Result<(Header, u32), Status> {
        // A server may have ended the process itself.
        if !self.processes.has(id) {
            return Err(Status::RpcAborted);
        }
        let length = (reply.data.len() as u32).min(transaction.reply.length);
        let place = transaction.reply.part(0, length);
        let place = self.processes.bytes_mut(&mut self.memory, id.process, place);
        place
            .ok_or(Status::RpcBadAddress)?
            .copy_from_slice(&reply.data[..length as usize]);
        Ok((reply.header, length))
    }
}

impl kernel_core::servers::Console for Console {
    /// Prints what a program writes; what is no text shows as a question mark.
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.utf8_chunks() {
            // The console takes everything.
            let _ = self.write_str(chunk.valid());
            if !chunk.invalid().is_empty() {
                let _ = self.write_str("?");
            }
        }
    }

    fn printed(&self) -> (Vec<u8>, usize) {
        console::printed()
    }
}

/// Tells on the console how a process ended that nobody owns.
fn tell(name: &str, cause: Cause, detail: i32, place: Option<(u32, u32)>) {
    match cause {
        Cause::Normal => line!("{name} exited with status {detail}"),
        Cause::Stunned => line!("{name} was stunned: {detail}"),
        Cause::Exception => {
            let (eip, address) = place.unwrap_or_default();
            match Exception::from_code(detail) {
                Some(exception) => {
                    line!("{name}: exception {exception:?} ({detail}) at {eip:x}h, address {address:x}h")
                }
                None => line!("{name}: exception {detail} at {eip:x}h, address {address:x}h"),
            }
        }
    }
}
