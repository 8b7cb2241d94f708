//! Processes and the kernel's servers on this machine: it lets threads run, carries out what their system calls ask
//! for, and starts the programs that the loader brought or a virtual disk has.

use crate::console::{self, Console, line};
use crate::disks::{self, MachinePorts};
use crate::floppies::{self, MachinePorts as FloppyPorts};
use crate::loader::Loaded;
use crate::memory::{self, Memory};
use crate::network::{Delivery, Driver, Network};
use crate::{clock, cmos, keyboard, paging, serial_line, servers, traps, user};
use alloc::string::String;
use alloc::vec::Vec;
use kernel_core::ata::Channel;
use kernel_core::boot::Boot;
use kernel_core::boot_user::{self, BootUser, News};
use kernel_core::floppy::Controller;
use kernel_core::machine::{Machine, Milliseconds, TICK};
use kernel_core::process::{Communication, Event, Processes, ThreadId, Transaction, UserBuffer};
use kernel_core::programs::{self, Environment};
use kernel_core::secrets::Secrets;
use kernel_core::servers::reservation::Reservation;
use kernel_core::servers::{Answer, Client, Clients, Reply, Servers, Ticket, World};
use platform::processor;
use proto::capability::Capability;
use proto::disk;
use proto::message::{Header, LARGEST_BUFFER};
use proto::process::server::Cause;
use proto::signal::{Exception, TRANSACTION};
use proto::standard::Status;

/// All that programs see of the kernel.
pub(crate) struct System {
    pub(crate) memory: Memory,
    pub(crate) processes: Processes,
    servers: Servers<Memory>,
    /// Those whose requests to these servers are put off.
    clients: Clients,
    /// The time when it was seen last what there is to do.
    looked: Milliseconds,
    /// Something has happened that servers may wait for, or they have something to do by themselves.
    is_stirred: bool,
    /// Processes that are leaving, and what was taken out of them.
    leaving: Vec<(u16, Option<Communication>)>,
    pub(crate) network: Network,
    /// The kernel that is being read.
    pub(crate) boot: Option<Boot>,
    /// The programs that are being read from the machine's own disk.
    boot_user: Option<BootUser>,
    reservation: Reservation,
    console: Console,
    /// The capabilities that the loader's programs are given, by name.
    capabilities: Vec<(&'static str, Capability)>,
    pub(crate) end_of_memory: u32,
}

impl System {
    /// Starts the kernel's servers. The station address makes this machine's secrets its own.
    pub(crate) fn start(
        loaded: &Loaded,
        driver: Driver,
        disks: Option<Channel<MachinePorts>>,
        floppies: Option<Controller<FloppyPorts>>,
    ) -> System {
        let mut secrets = Secrets::new();
        secrets.stir(&cmos::clock().date);
        secrets.stir(&clock::fraction().to_le_bytes());
        let station = driver.address();
        if let Some(station) = station {
            secrets.stir(&station.0);
        }
        let mut memory = Memory::new(secrets);
        let started = servers::start(&mut memory, station, (disks, floppies), &loaded.options);
        let mut network = Network::new(driver, &loaded.options, &mut memory);
        network.serve(started.servers.listeners());
        System {
            memory,
            processes: Processes::new(started.process_port, loaded.options.slice)
                .boosting(loaded.options.is_boosting),
            servers: started.servers,
            clients: Clients::default(),
            looked: 0,
            is_stirred: true,
            leaving: Vec::new(),
            network,
            boot: None,
            boot_user: None,
            reservation: started.reservation,
            console: Console,
            capabilities: started.capabilities,
            end_of_memory: loaded.memory.end,
        }
    }

    /// Whether the kernel's servers know what they serve.
    pub(crate) fn is_settled(&self) -> bool {
        self.servers.are_settled()
    }

    /// Starts the programs that the loader brought; if it brought none, those that a virtual disk has.
    pub(crate) fn start_programs(&mut self, loaded: &Loaded) {
        let published = self.servers.published();
        for (name, capability) in &published {
            self.servers.publish(name, capability);
        }
        for program in loaded.programs() {
            self.start_program(program.line, program.file);
            memory::free_module(&program, self.end_of_memory);
        }
        if loaded.programs().next().is_none() {
            let is_virtual = |(name, _): &(String, Capability)| name.starts_with("vdisk:");
            self.boot_user = Some(BootUser::new(published.into_iter().filter(is_virtual)));
            self.read_programs();
        }
        self.is_stirred = true;
    }

    /// Reads what is wanted next of the programs on a virtual disk.
    fn read_programs(&mut self) {
        let wanted = self.boot_user.as_ref().and_then(BootUser::wanted);
        let Some(boot_user::Wanted { disk, first, count }) = wanted else {
            self.boot_user = None;
            return;
        };
        let header = Header {
            port: disk.port,
            private: disk.private.emit(),
            command: disk::server::Command::Read.code(),
            // Disks have fewer sectors than that.
            offset: first.cast_signed(),
            extra: count as u16,
            size: disk::server::LEAST_BLOCK,
            ..Header::default()
        };
        self.serve(Client::BootUser, &header, &[]);
    }

    /// A part of the programs on a virtual disk is there, or not.
    fn programs_read(&mut self, reply: &Reply) {
        let Some(boot_user) = &mut self.boot_user else {
            return;
        };
        let read = match reply.header.status() {
            Some(Status::Ok) => Ok(&*reply.data),
            status => Err(status.unwrap_or(Status::SystemError)),
        };
        match boot_user.took(read) {
            Some(News::Program(line, file)) => self.start_program(&line, &file),
            Some(News::Trouble(disk, why)) => line!("cannot start programs from {disk}: {why}"),
            None => {}
        }
        self.read_programs();
    }

    fn start_program(&mut self, line: &str, file: &[u8]) {
        match self.try_program(line, file) {
            Ok(name) => line!("started {name}"),
            Err(status) => line!("cannot start {line}: {status}"),
        }
        self.is_stirred = true;
    }

    fn try_program(&mut self, line: &str, file: &[u8]) -> Result<String, Status> {
        let published = self.servers.published();
        let named = published.iter().map(|(name, capability)| (&**name, *capability));
        let capabilities: Vec<_> = self.capabilities.iter().copied().chain(named).collect();
        let environment = Environment {
            line,
            capabilities: &capabilities,
        };
        programs::start(&mut self.processes, &mut self.memory, file, &environment)
    }

    /// Does the kernel's own work, then lets a thread run until it traps; false if none wants to.
    pub(crate) fn work(&mut self) -> bool {
        let now = clock::uptime();
        if self.looked != now {
            traps::look_for_news();
        }
        if traps::take_news() || self.due() <= now {
            self.tend(now);
        }
        while self.processes.run_errand(&mut self.memory, now) {
            // Servers may have waited for it.
            self.is_stirred = true;
            self.settle();
        }
        self.looked = now;
        let Some(id) = self.processes.next(now) else {
            return false;
        };
        let mut frame = *self.processes.frame(id);
        paging::switch(self.processes.directory(id));
        // What has come since the network was looked at would have to wait until the program traps.
        processor::disable_interrupts();
        if traps::has_news() {
            processor::enable_interrupts();
            return true;
        }
        user::enter(&mut frame);
        let is_interrupt = traps::interrupt(frame.trap);
        processor::enable_interrupts();
        if !is_interrupt && !self.emulate(id, &mut frame) {
            self.processes.set_frame(id, &frame);
            self.processes.trap(&mut self.memory, id, clock::uptime());
            self.settle();
        } else {
            self.processes.set_frame(id, &frame);
            if traps::is_clock(frame.trap) {
                self.processes.tick(&mut self.memory, id);
            }
        }
        true
    }

    /// When [`work`](System::work) has something to do although nothing has happened.
    pub(crate) fn due(&mut self) -> Milliseconds {
        if self.is_stirred {
            return self.looked;
        }
        let line = if serial_line::is_sending() {
            self.looked + TICK
        } else {
            Milliseconds::MAX
        };
        let due = self.processes.next_sweep().min(self.network.due(self.looked));
        due.min(self.servers.due()).min(line)
    }

    /// Does what time and devices have brought.
    fn tend(&mut self, now: Milliseconds) {
        self.processes.sweep(&mut self.memory, now);
        self.network.work(now);
        self.begin_boot(now);
        self.tend_servers(now);
        self.settle();
    }

    /// Sees to it that the kernel's servers do what time and devices have brought.
    fn tend_servers(&mut self, now: Milliseconds) {
        serial_line::tick();
        // All are asked, for each of them may have news.
        let has_news =
            disks::take_news() | floppies::take_news() | serial_line::take_news() | keyboard::take_news();
        self.is_stirred |= has_news || self.servers.due() <= now;
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
                Some(Delivery::Fetched) => self.is_stirred = true,
                Some(Delivery::Image(outcome)) => self.image_read(outcome),
                Some(Delivery::Called(port, number, outcome)) => {
                    let (servers, mut world) = self.servers();
                    servers.call_ended(&mut world, port, number, outcome);
                    self.is_stirred = true;
                }
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
                None if self.deliver_answer() || self.take_out() || self.stir() => {}
                None => return,
            }
        }
    }

    /// Takes what a leaving process was doing out of the network, now that nothing is under way to it; false if none is
    /// leaving.
    fn take_out(&mut self) -> bool {
        let Some((slot, communication)) = self.leaving.pop() else {
            return false;
        };
        match communication {
            None => {
                let communication = self.network.take_out(&mut self.memory, slot);
                // What has ended for its threads meanwhile is delivered first.
                self.leaving.push((slot, Some(communication)));
            }
            Some(communication) => {
                self.network.forget_calls(slot);
                self.processes.departed(slot, clock::uptime(), communication);
                self.is_stirred = true;
            }
        }
        true
    }

    /// Has servers do what has come for them, and carries out the transactions that they want; false if nothing has
    /// happened.
    fn stir(&mut self) -> bool {
        if !core::mem::take(&mut self.is_stirred) {
            return false;
        }
        let (servers, mut world) = self.servers();
        servers.work(&mut world);
        while let Some((port, call)) = self.servers.next_call() {
            self.network.start_call(port, call);
        }
        true
    }

    /// Carries out what a process asks for.
    fn carry_out(&mut self, event: Event) {
        match event {
            Event::Transaction(id, transaction) if self.servers.have(transaction.header.port) => {
                self.local_transaction(id, transaction);
            }
            Event::Leave { process } => {
                // A server of this kernel cannot be asked from elsewhere as it was asked from here.
                while let Some(ticket) = self.clients.of_process(process) {
                    if let Some(Client::Local(id, _)) = self.clients.answered(ticket) {
                        self.servers.abandon(ticket);
                        self.processes
                            .complete(&mut self.memory, id, Err(Status::RpcAborted));
                    }
                }
                self.leaving.push((process, None));
                self.network.call(&mut self.processes, &mut self.memory, event);
            }
            // The process server knows what it was to wait for.
            Event::Part { .. } => self.is_stirred = true,
            Event::Abort(id) if let Some(ticket) = self.clients.local(id) => self.abandon(ticket),
            Event::Signal(id) if let Some(ticket) = self.clients.local(id) => self.servers.interrupt(ticket),
            Event::Ended {
                process,
                ref name,
                is_owned,
                cause,
                detail,
                place,
            } => {
                if !is_owned {
                    tell(name, cause, detail, place);
                }
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
            kernel: &mut self.network,
            reservation: &mut self.reservation,
        };
        (&mut self.servers, world)
    }

    /// Has one of the kernel's servers answer a request, now or later.
    fn serve(&mut self, client: Client, header: &Header, data: &[u8]) {
        let ticket = self.clients.ticket();
        self.is_stirred = true;
        let (servers, mut world) = self.servers();
        match servers.answer(&mut world, ticket, header, data) {
            Some(Answer::Now(reply)) => self.answer(client, reply),
            Some(Answer::Later) => {
                if let Client::Remote(thread) = client {
                    self.network
                        .put_off(thread, self.servers.most_put_off(header.port));
                }
                self.clients.wait(ticket, client);
            }
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
            Client::Remote(thread) => self.network.reply(thread, reply),
            Client::BootUser => self.programs_read(&reply),
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
        let available = match &reply.memory {
            Some(memory) => memory.length,
            None => reply.data.len() as u32,
        };
        let length = available.min(transaction.reply.length);
        let place = transaction.reply.part(0, length);
        if let Some(memory) = &reply.memory {
            let to = self.processes.pinned(id.process, place, true);
            let to = to.ok_or(Status::RpcBadAddress)?;
            self.memory.copy(memory.start, to.start, length);
            return Ok((reply.header, length));
        }
        let place = self.processes.bytes_mut(&mut self.memory, id.process, place);
        place
            .ok_or(Status::RpcBadAddress)?
            .copy_from_slice(&reply.data[..length as usize]);
        Ok((reply.header, length))
    }
}

impl kernel_core::servers::Console for Console {
    fn tell(&mut self, line: &str) {
        line!("{line}");
    }

    fn printed(&self) -> (Vec<u8>, usize) {
        console::printed()
    }
}

/// Tells on the console how a process ended that nobody owns.
fn tell(name: &str, cause: Cause, detail: i32, place: Option<(u32, u32)>) {
    let name = if name.is_empty() { "a process" } else { name };
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
