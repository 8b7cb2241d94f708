//! The server as a program: its threads.

mod answers;
mod options;

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use answers::Answers;
use libamoeba::directory::Names;
use libamoeba::system::identity::{self, Identity};
use libamoeba::system::mutex::Mutex;
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls, thread};
use libamoeba::{Transactions, println};
use options::Options;
use proto::capability::{Capability, Port};
use proto::message::LARGEST_BUFFER;
use proto::run::{SERVER_OBJECT, right};
use proto::standard::Status;
use run::host::{Condition, PATIENCE};
use run::poll::{self, Poll};
use run::{Engine, Outcome, pool};

libamoeba::program!(main);

/// Threads that serve, and those that ask hosts that are up, and others.
const SERVERS: usize = 4;
const POLLERS: usize = 2;
/// Bytes of a thread's stack.
const STACK: usize = 24 << 10;
/// How long servers are looked for, in milliseconds.
const LOCATE: u32 = 1500;
/// Milliseconds that a thread waits that has nobody to ask.
const IDLE: u32 = 500;
/// Milliseconds between two readings of pools' directories; the second is for one that could not be read yet.
const READ: u32 = 30_000;
const READ_SOON: u32 = 5000;
/// The capability with which the server is known again.
const SUPER: &str = "RUN_SUPER";

/// Answers of hosts, for which clients wait.
static ANSWERS: Answers = Answers::new();
static ENGINE: Mutex<Option<Engine>> = Mutex::new(None);
static RANDOM: Mutex<Option<Capability>> = Mutex::new(None);

/// Does something with the engine, which is there as soon as threads are.
fn with<T>(action: impl FnOnce(&mut Engine) -> T) -> T {
    match &mut *ENGINE.lock() {
        Some(engine) => action(engine),
        None => unreachable!("the engine is there before its threads"),
    }
}

fn random() -> Result<Port, Status> {
    let server = RANDOM.lock().ok_or(Status::NotFound)?;
    identity::port(&server)
}

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words();
    let name = words.next().unwrap_or("run");
    let Some(options) = Options::parse(words) else {
        println!("usage: {name} [-p name] [-e path]... [-d pool] [host=station]...");
        return 2;
    };
    match start(arguments, &options) {
        Ok(()) => {}
        Err(status) => {
            println!("{name}: {status}");
            return 1;
        }
    }
    let names = Names::from_environment(|name| arguments.capability(name));
    let own = with(|engine| engine.capability());
    for place in 0..SERVERS + 2 * POLLERS {
        let started = match place {
            ..SERVERS => thread::spawn(STACK, serve),
            _ => thread::spawn(STACK, move || ask_hosts(place < SERVERS + POLLERS)),
        };
        if !started {
            println!("{name}: no room for a thread");
            return 1;
        }
    }
    println!("{name}: serving");
    if let Some(names) = names {
        let paths = options.paths;
        // The directory server need not be there yet.
        thread::spawn(STACK, move || {
            identity::publish(name, &names, &paths, &own, right::PLACE);
        });
    }
    read_pools(names.as_ref(), &options.pool)
}

fn start(arguments: &Arguments, options: &Options) -> Result<(), Status> {
    calls::timeout(LOCATE);
    let own = Identity::find(arguments, SUPER, options.port.as_deref())?;
    *RANDOM.lock() = arguments.capability("RANDOM");
    let Port(seed) = random()?;
    let seed = seed
        .iter()
        .fold(0, |seed: u64, byte| seed << 8 | u64::from(*byte));
    let mut engine = Engine::new(own.port, own.check, None, seed);
    options.hosts.iter().for_each(|host| engine.add_host(host));
    *ENGINE.lock() = Some(engine);
    Ok(())
}

/// Serves requests, one after the other.
fn serve() {
    calls::timeout(LOCATE);
    let port = with(|engine| engine.port());
    let mut data = vec![0; LARGEST_BUFFER];
    loop {
        match Kernel.getreq(port, &mut data) {
            Ok((header, length)) => {
                let now = calls::milliseconds();
                let outcome = with(|engine| engine.request(&header, &data[..length], now));
                let (header, data) = finish(outcome);
                Kernel.putrep(&header, &data);
            }
            Err(Status::RpcAborted) => {}
            Err(why) => {
                println!("run: waiting for requests: {why}");
                return;
            }
        }
    }
}

/// Carries an outcome to its end: the reply.
fn finish(mut outcome: Outcome) -> run::engine::Reply {
    loop {
        outcome = match outcome {
            Outcome::Reply(header, data) => return (header, data),
            Outcome::Wait(wanted) => {
                ANSWERS.wait(PATIENCE);
                with(|engine| engine.choose(wanted, calls::milliseconds()))
            }
            Outcome::Read(directory) => {
                let members = pool::read(&mut Kernel, &directory);
                let check = random();
                // Without random numbers there is no pool that could be protected.
                let members = members.filter(|_| check.is_ok());
                let check = check.unwrap_or(Port::NULL);
                with(|engine| engine.make_pool(directory, check, members.as_deref()))
            }
        };
    }
}

/// Asks a host how it fares.
fn ask(poll: &Poll) {
    let answer = poll::ask(&mut Kernel, poll);
    let change = with(|engine| {
        let change = engine.answered(poll.host, calls::milliseconds(), answer);
        change.map(|condition| (condition, engine.hosts()[poll.host].name.clone()))
    });
    ANSWERS.notify();
    if let Some((condition, name)) = change {
        let name = String::from_utf8_lossy(&name);
        match condition {
            Condition::Up => println!("run: {name} is up"),
            Condition::Down | Condition::Unknown => println!("run: {name} is down"),
        }
    }
}

/// Asks hosts that are up, or others, whenever one is due.
fn ask_hosts(is_up: bool) {
    calls::timeout(LOCATE);
    loop {
        match with(|engine| engine.next_poll(is_up, calls::milliseconds())) {
            Some(poll) => ask(&poll),
            None => {
                calls::sleep(IDLE);
            }
        }
    }
}

/// Reads the directories of pools again and again. The first pool's is looked up by its path each time.
fn read_pools(names: Option<&Names>, path: &str) -> ! {
    loop {
        if let Some(names) = names
            && let Ok(set) = names.lookup(&mut Kernel, path.as_bytes())
            && let Some(member) = set.members().next()
        {
            with(|engine| engine.set_directory(member.capability));
        }
        let directories = with(|engine| engine.directories());
        let mut is_first_read = names.is_none();
        for (number, directory) in directories {
            let members: Option<Vec<_>> = pool::read(&mut Kernel, &directory);
            is_first_read |= number == SERVER_OBJECT as usize && members.is_some();
            with(|engine| engine.was_read(number, members.as_deref()));
        }
        calls::sleep(if is_first_read { READ } else { READ_SOON });
    }
}
