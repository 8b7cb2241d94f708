//! The program: it carries the plan out, is told how its processes end, and answers requests.
//!
//! The first thread does what the plan says, one thing at a time; others are the owner of all processes; two serve clients.
//! One lock holds what they share, and nobody keeps it while he waits for another server.

mod core_dump;
mod names;
mod requests;
mod volume;

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use boot_server::plan::Action;
use boot_server::{Configuration, Plan};
use libamoeba::checkpoint::{Report, Swap};
use libamoeba::classes::{bullet, process, random};
use libamoeba::program::{self, File, Start};
use libamoeba::system::mutex::Mutex;
use libamoeba::system::serve::{self, Service};
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls, thread};
use libamoeba::{println, put_port, standard};
use names::Environment;
use proto::capability::{Capability, Port, Private, Rights};
use proto::message::Header;
use proto::process::server::{Cause, LARGEST_REQUEST};
use proto::standard::Status;
use volume::Volume;

libamoeba::program!(main);

/// Bytes of a thread's stack.
const STACK: usize = 32 << 10;
/// How long servers are looked for, in milliseconds.
const LOCATE: u32 = 2000;
/// The longest pause between two looks at what is to be done, in milliseconds.
const PAUSE: u64 = 300;
/// Milliseconds between two looks whether a start is known.
const MOMENT: u32 = 20;
/// Milliseconds after which a name that could not be published is tried again.
const PUBLISH_AGAIN: u64 = 3000;
/// How many threads may answer kernels that tell of processes: so many machines less one may lose their power meanwhile.
const MOST_OWNERS: usize = 8;
/// The code with which processes are ended: an emergency, so that none waits for others.
const STUN: i32 = -1;

/// What all threads share.
struct Shared {
    environment: Environment,
    plan: Plan,
    configuration: Configuration,
    /// Another configuration is to be read.
    is_stale: bool,
    /// Other processes run than those that are written down.
    has_moved: bool,
    /// Every step is told.
    is_verbose: bool,
}

static SHARED: Mutex<Option<Shared>> = Mutex::new(None);

/// Does something with what is shared, which is there before the threads are.
fn with<T>(action: impl FnOnce(&mut Shared) -> T) -> T {
    match &mut *SHARED.lock() {
        Some(shared) => action(shared),
        None => unreachable!("it is there before the threads"),
    }
}

/// Milliseconds since the kernel started.
fn now() -> u64 {
    calls::milliseconds().into()
}

/// A number that nobody can guess.
fn secret(server: &Capability) -> Result<Port, Status> {
    let mut port = Port::NULL;
    while port == Port::NULL {
        random::fill(&mut Kernel, server, &mut port.0)?;
    }
    Ok(port)
}

/// The capability by which this server owns its processes; its port is the get-port.
fn ownership(environment: &Environment) -> Result<Capability, String> {
    let random = environment.given("RANDOM").ok_or("there is no RANDOM")?;
    let draw = || secret(&random).map_err(|status| alloc::format!("no random numbers: {status}"));
    Ok(Capability {
        port: draw()?,
        private: Private::owner(0, draw()?),
    })
}

fn main(arguments: &Arguments) -> i32 {
    match run(arguments) {
        Ok(()) => 0,
        Err(why) => {
            println!("boot: {why}");
            1
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    calls::timeout(LOCATE);
    let mut words = arguments.words().skip(1).peekable();
    let is_verbose = words.next_if(|word| *word == "-v").is_some();
    let environment = Environment::new(arguments);
    let volume = Volume::open(&environment, words.next())?;
    let configuration = volume.configuration()?;
    let owner = ownership(&environment)?;
    let mut plan = Plan::new(&configuration, now());
    let services = configuration.services.len();
    *SHARED.lock() = Some(Shared {
        environment: environment.clone(),
        plan: plan.clone(),
        configuration,
        is_stale: false,
        has_moved: false,
        is_verbose,
    });
    let server = volume.header.server;
    let threads = [
        own_processes(owner),
        thread::spawn(STACK, move || requests::serve(&server)),
        thread::spawn(STACK, move || requests::serve(&server)),
    ];
    if threads.contains(&false) {
        return Err("no room for a thread".into());
    }
    let owner = Capability {
        port: put_port(owner.port),
        ..owner
    };
    adopt(&volume, &mut plan, &owner);
    with(|shared| shared.plan = plan);
    println!("boot: {services} services");
    Director {
        environment,
        volume,
        owner,
        published: Vec::new(),
        publish: 0,
        is_ready: false,
    }
    .direct();
    println!("boot: all services have ended");
    Ok(())
}

/// Takes over what an earlier boot server of this machine has started.
fn adopt(volume: &Volume, plan: &mut Plan, owner: &Capability) {
    for (name, process) in volume.processes() {
        let mut text = [0; 80];
        let lives = matches!(
            standard::info(&mut Kernel, &process, &mut text),
            Ok(_) | Err(Status::Overflow)
        );
        if lives
            && process::set_owner(&mut Kernel, &process, owner).is_ok()
            && plan.adopt(&name, now(), process).is_some()
        {
            println!("boot: {name} runs already");
        }
    }
}

/// Is told how processes end and where they go, by threads of their own; false if there is no room for one.
fn own_processes(owner: Capability) -> bool {
    let service = Service {
        port: owner.port,
        threads: MOST_OWNERS,
        stack: STACK,
        request: LARGEST_REQUEST,
        reply: 0,
    };
    serve::attend(service, move |header: &Header, data: &[u8], _: &mut [u8]| {
        let mut reply = Header::default();
        reply.set_status(told(&owner, header, data));
        (reply, 0)
    })
}

/// What a kernel that tells of a process is answered.
fn told(owner: &Capability, header: &Header, data: &[u8]) -> Status {
    let private = Private::parse(&header.private).ok();
    let rights = private.and_then(|private| private.proven_rights(owner.private.check));
    if rights != Some(Rights::ALL) {
        return Status::BadCapability;
    }
    if let Some(swap) = Swap::parse(header, data) {
        moved(&swap);
        return Status::Ok;
    }
    let Some(report) = Report::parse(header, data) else {
        return Status::BadCommand;
    };
    end(&report);
    // It does not go on.
    Status::Interrupted
}

/// A process goes on as another one.
fn moved(swap: &Swap) {
    let Some(name) = of_service(|plan| plan.moved(&swap.old, swap.new).map(String::from)) else {
        return;
    };
    with(|shared| shared.has_moved = true);
    println!("boot: {name} has moved");
}

/// What the plan says of a process, which it may know only when the thread that starts it knows that it is there.
fn of_service(mut ask: impl FnMut(&mut Plan) -> Option<String>) -> Option<String> {
    loop {
        let (name, is_starting) = with(|shared| (ask(&mut shared.plan), shared.plan.is_starting()));
        if name.is_some() || !is_starting {
            return name;
        }
        calls::sleep(MOMENT);
    }
}

/// A process has stopped, and will not go on.
fn end(report: &Report) {
    let process = report.image.head.own;
    // One that was stunned by this server is expected to end.
    let Some(name) = of_service(|plan| plan.ended(&process).map(String::from)) else {
        return;
    };
    let detail = report.detail;
    match report.cause {
        Cause::Normal => println!("boot: {name} exited with status {detail}"),
        Cause::Stunned => println!("boot: {name} was stunned: {detail}"),
        Cause::Exception => {
            println!("boot: {name}: exception {detail}");
            core_dump::write(&name, report);
        }
    }
}

/// Whoever carries the plan out.
struct Director {
    environment: Environment,
    volume: Volume,
    owner: Capability,
    /// Names that have been published, by their place.
    published: Vec<usize>,
    /// When names are tried again.
    publish: u64,
    is_ready: bool,
}

impl Director {
    /// Does what there is to do, until everything is to end.
    fn direct(&mut self) {
        while !with(|shared| shared.plan.is_over()) {
            if with(|shared| core::mem::take(&mut shared.is_stale)) {
                self.reinitialise();
            }
            if with(|shared| core::mem::take(&mut shared.has_moved)) {
                self.write_processes();
            }
            if let Some(action) = with(|shared| shared.plan.next(now())) {
                self.carry_out(action);
                continue;
            }
            self.publish();
            let is_ready = with(|shared| shared.plan.is_ready()) && self.has_published();
            if is_ready && !self.is_ready {
                self.is_ready = true;
                println!("amoeba ready");
            }
            let left = with(|shared| shared.plan.due()).saturating_sub(now());
            calls::sleep(left.clamp(1, PAUSE) as u32);
        }
    }

    fn carry_out(&self, action: Action) {
        match action {
            Action::Start(place) => {
                let process = self.start(place);
                with(|shared| shared.plan.started(place, now(), process));
                self.write_processes();
            }
            Action::Poll(place, process) => {
                let has_answered = self.poll(place, process);
                let is_new = with(|shared| shared.plan.polled(place, now(), has_answered));
                if is_new {
                    let name = with(|shared| shared.plan.service(place).name.clone());
                    println!("boot: {name} is up");
                }
            }
            Action::Stop(place, process) => {
                let name = with(|shared| shared.plan.service(place).name.clone());
                println!("boot: {name} is ended");
                // One that does not exist any more has ended.
                let _ = process::stun(&mut Kernel, &process, STUN);
                with(|shared| shared.plan.stopped(place));
                self.write_processes();
            }
        }
    }

    /// Starts a service's program: its process.
    fn start(&self, place: usize) -> Option<Capability> {
        let (service, configuration) =
            with(|shared| (shared.plan.service(place).clone(), shared.configuration.clone()));
        let result = self.environment.resolve_service(&configuration, &service);
        let result = result.and_then(|found| {
            let mut head = vec![0; LARGEST_REQUEST];
            let length = bullet::read(&mut Kernel, &found.file, 0, &mut head)
                .map_err(|status| alloc::format!("{}: {status}", service.file()))?;
            let environment = configuration.environment.iter().chain(&found.environment);
            let environment: Vec<&str> = environment.map(String::as_str).collect();
            let arguments: Vec<&str> = found.arguments.iter().map(String::as_str).collect();
            let capabilities: Vec<(&str, Capability)> = found
                .capabilities
                .iter()
                .map(|(name, capability)| (name.as_str(), *capability))
                .collect();
            let start = Start {
                arguments: &arguments,
                environment: &environment,
                capabilities: &capabilities,
                owner: self.owner,
            };
            let file = File::At(&head[..length], found.file);
            program::exec(&mut Kernel, &found.process_server, file, &start)
                .map_err(|failure| alloc::format!("{failure}"))
        });
        match result {
            Ok(process) => {
                // A process without a comment runs as well.
                let _ = process::set_comment(&mut Kernel, &process, &service.name);
                if with(|shared| shared.is_verbose) {
                    println!("boot: started {}", service.name);
                }
                Some(process)
            }
            Err(why) => {
                println!("boot: cannot start {}: {why}", service.name);
                None
            }
        }
    }

    /// Whether a service answers.
    fn poll(&self, place: usize, process: Option<Capability>) -> bool {
        let (poll, configuration) = with(|shared| {
            (
                shared.plan.service(place).poll.clone(),
                shared.configuration.clone(),
            )
        });
        let asked = match poll {
            Some(reference) => self.environment.resolve(&configuration, &reference).ok(),
            None => process,
        };
        let mut text = [0; 80];
        let answer = asked.map(|asked| standard::info(&mut Kernel, &asked, &mut text));
        // A server that does not like the question is there all the same.
        !matches!(
            answer,
            None | Some(Err(Status::RpcNotFound
                | Status::RpcFailure
                | Status::RpcAborted
                | Status::RpcTryAgain
                | Status::BadCapability))
        )
    }

    fn write_processes(&self) {
        let running: Vec<(String, Capability)> = with(|shared| {
            let running = shared.plan.processes();
            running
                .map(|(name, process)| (String::from(name), process))
                .collect()
        });
        self.volume.write_processes(&running);
    }

    /// Has names lead to objects, as far as their directories and objects can be found by now.
    fn publish(&mut self) {
        if self.has_published() || now() < self.publish {
            return;
        }
        self.publish = now() + PUBLISH_AGAIN;
        let configuration = with(|shared| shared.configuration.clone());
        for (place, (path, reference)) in configuration.published.iter().enumerate() {
            if self.published.contains(&place) {
                continue;
            }
            match self.environment.publish(&configuration, path, reference) {
                Ok(()) => self.published.push(place),
                Err(why) if with(|shared| shared.is_verbose) => println!("boot: {path}: {why}"),
                Err(_) => {}
            }
        }
    }

    fn has_published(&self) -> bool {
        with(|shared| self.published.len() == shared.configuration.published.len())
    }

    /// Reads the configuration again.
    fn reinitialise(&mut self) {
        let configuration = match self.volume.configuration() {
            Ok(configuration) => configuration,
            Err(why) => {
                println!("boot: {why}; the former configuration stays");
                return;
            }
        };
        let ended = with(|shared| {
            let (plan, ended) = shared.plan.reinitialise(&configuration, now())?;
            shared.plan = plan;
            shared.configuration = configuration;
            Some(ended)
        });
        for process in ended.into_iter().flatten() {
            let _ = process::stun(&mut Kernel, &process, STUN);
        }
        self.published.clear();
        self.is_ready = false;
        self.write_processes();
        println!("boot: the configuration was read again");
    }
}
