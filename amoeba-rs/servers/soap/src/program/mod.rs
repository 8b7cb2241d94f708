//! The server as a program: its threads, and how they take turns.
//!
//! One lock holds the engine, and nobody keeps it while another directory server is asked or an object's. Another one is held by
//! who carries out an update, from its beginning to its end.

mod machine;

use alloc::vec;
use alloc::vec::Vec;
use libamoeba::system::mutex::Mutex;
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls, thread};
use libamoeba::{Transactions, println, standard};
use machine::Machine;
use proto::capability::{Capability, Port};
use proto::message::Header;
use proto::soap::LARGEST_BUFFER;
use proto::soap::peer::{Activity, Copied};
use proto::standard::Status;
use soap::engine::recovery::Next;
use soap::engine::{Unreachable, is_update};
use soap::{Engine, Message, Outcome};

libamoeba::program!(main);

/// Threads that serve clients, and the other server.
const CLIENT_THREADS: usize = 6;
const PEER_THREADS: usize = 2;
/// The most clients' updates that are carried out or wait: while the other server is awaited, names can be looked up.
const MOST_UPDATES: usize = CLIENT_THREADS - 2;
/// Bytes of a thread's stack.
const STACK: usize = 32 << 10;
/// How long file servers, disks and servers of objects are looked for, in milliseconds.
const LOCATE: u32 = 2000;
/// How long the other server is looked for, and how often, before it counts as crashed.
const PEER_LOCATE: u32 = 10_000;
const PEER_TRIES: usize = 3;
/// Milliseconds between questions to another server that is busy, and between those of a server that recovers.
const BUSY: u32 = 100;
const RECOVERY: u32 = 1000;
/// Milliseconds between two rounds of upkeep, and rounds after which all files are touched anew.
const ROUND: u32 = 5000;
const TOUCH_ROUNDS: u32 = 120;

static ENGINE: Mutex<Option<Engine<Machine>>> = Mutex::new(None);
static UPDATE: Mutex<()> = Mutex::new(());
/// Clients' updates that are carried out or wait.
static QUEUE: Mutex<usize> = Mutex::new(0);

/// Does something with the engine, which is there as soon as threads are.
fn with<T>(action: impl FnOnce(&mut Engine<Machine>) -> T) -> T {
    match &mut *ENGINE.lock() {
        Some(engine) => action(engine),
        None => unreachable!("the engine is there before its threads"),
    }
}

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words();
    let name = words.next().unwrap_or("soap");
    let number = match words.next() {
        Some("0") => 0,
        Some("1") => 1,
        _ => {
            println!("usage: {name} 0|1");
            return 1;
        }
    };
    calls::timeout(LOCATE);
    let given: Vec<_> = words.filter_map(|word| word.split_once('=')).collect();
    let capability = |name: &str| {
        let reference = given.iter().find(|(own, _)| *own == name).map(|(_, text)| *text);
        arguments.reference(reference.unwrap_or(name))
    };
    let machine = match Machine::new(capability) {
        Ok(machine) => machine,
        Err(missing) => {
            println!("{name}: no capability {missing}");
            return 1;
        }
    };
    let engine = match Engine::start(machine, number) {
        Ok(engine) => engine,
        Err(unusable) => {
            println!("{name}: {unusable}");
            return 1;
        }
    };
    let ports = [engine.public_port(), engine.private_port()];
    *ENGINE.lock() = Some(engine);
    for place in 0..CLIENT_THREADS + PEER_THREADS {
        let is_client = place < CLIENT_THREADS;
        let port = ports[usize::from(!is_client)];
        if !thread::spawn(STACK, move || serve(port, is_client)) {
            println!("{name}: no room for a thread");
            return 1;
        }
    }
    look_after(name)
}

/// Serves clients, or the other server. Clients of a server that recovers find the other one, for nobody listens here.
fn serve(port: Port, is_client: bool) {
    calls::timeout(LOCATE);
    // A byte more than a request may have, so that a longer one is noticed.
    let mut data = vec![0; LARGEST_BUFFER + 1];
    loop {
        while is_client && with(|engine| engine.activity()) == Activity::Recovering {
            calls::sleep(RECOVERY);
        }
        match Kernel.getreq(port, &mut data) {
            Ok((header, length)) if is_client => serve_client(&header, &data[..length]),
            Ok((header, length)) => {
                let reply = with(|engine| engine.peer_request(&header, &data[..length]));
                Kernel.putrep(&reply.header, &reply.data);
                with(Engine::settle);
            }
            Err(Status::RpcAborted) => {}
            Err(why) => {
                println!("soap: waiting for requests: {why}");
                return;
            }
        }
    }
}

fn serve_client(header: &Header, data: &[u8]) {
    if !is_update(header) {
        let outcome = with(|engine| engine.request(header, data));
        let reply = finish(outcome);
        Kernel.putrep(&reply.header, &reply.data);
        return;
    }
    if !queue() {
        let reply = Message::status(Err(Status::NotNow.into()));
        Kernel.putrep(&reply.header, &reply.data);
        return;
    }
    let turn = UPDATE.lock();
    let outcome = with(|engine| engine.request(header, data));
    let reply = finish(outcome);
    Kernel.putrep(&reply.header, &reply.data);
    with(Engine::settle);
    drop(turn);
    *QUEUE.lock() -= 1;
}

/// Joins those who want to update, if there are not so many already that nobody would be left to look names up.
fn queue() -> bool {
    let mut queue = QUEUE.lock();
    let has_room = *queue < MOST_UPDATES;
    *queue += usize::from(has_room);
    has_room
}

/// Carries an outcome to its end: the reply.
fn finish(mut outcome: Outcome) -> Message {
    loop {
        let question = match outcome {
            Outcome::Reply(reply) => return reply,
            Outcome::Found(answer) => {
                return answer.reply(|capability, mask| standard::restrict(&mut Kernel, capability, mask));
            }
            Outcome::Ask(question) => question,
            Outcome::AskLater(question) => {
                calls::sleep(BUSY);
                question
            }
        };
        let answer = ask(&question, PEER_LOCATE, PEER_TRIES);
        outcome = with(|engine| engine.answered(answer));
    }
}

/// Asks the other server, looking for it so many milliseconds, so many times.
fn ask(question: &Message, locate: u32, tries: usize) -> Result<Message, Unreachable> {
    let former = calls::timeout(locate);
    let mut data = vec![0; Copied::LENGTH];
    let answers = (0..tries).map(|_| Kernel.trans(&question.header, &question.data, &mut data));
    let answer = answers.filter_map(Result::ok).next();
    calls::timeout(former);
    let (header, length) = answer.ok_or(Unreachable)?;
    data.truncate(length);
    Ok(Message { header, data })
}

/// Recovers, and does what is to be done now and then, until the server is to stop.
fn look_after(name: &str) -> i32 {
    let mut told = None;
    for round in 0_u32.. {
        let activity = recover();
        if told != Some(activity) {
            told = Some(activity);
            match activity {
                Activity::Serving => println!("{name}: serving"),
                Activity::Recovering => println!("{name}: waiting for the other server"),
            }
        }
        if activity == Activity::Recovering {
            calls::sleep(RECOVERY);
        } else {
            if round % TOUCH_ROUNDS == 0 {
                with(Engine::begin_touching);
            }
            keep_up();
            calls::sleep(ROUND);
        }
        if with(|engine| engine.is_stopping()) {
            break;
        }
    }
    let turn = UPDATE.lock();
    if let Some(question) = with(Engine::shut_down) {
        // A partner that does not hear it finds out by itself.
        let _ = ask(&question, LOCATE, 1);
    }
    drop(turn);
    println!("{name}: stopped");
    0
}

/// Asks the other server as long as there are questions that need no pause.
fn recover() -> Activity {
    while let Some(question) = with(|engine| engine.recovery_question()) {
        let answer = ask(&question, LOCATE, 1);
        if with(|engine| engine.recovery_answer(answer)) == Next::Later {
            break;
        }
    }
    with(|engine| engine.activity())
}

/// One round of upkeep.
fn keep_up() {
    if let Some(question) = with(|engine| engine.tick_question()) {
        let answer = ask(&question, LOCATE, 1);
        with(|engine| engine.tick_answer(answer));
    }
    if let Some(question) = with(Engine::errand) {
        let _ = ask(&question, LOCATE, 1);
    }
    with(Engine::begin_round);
    // The second time without a store that has turned out to be away.
    for _ in 0..2 {
        while update(Engine::copy_files) {}
    }
    while let Some((old, question)) = with(|engine| engine.expiring()) {
        let lives = question.map(|question| ask(&question, LOCATE, 1));
        if !update(|engine| engine.expire(&old, lives)) {
            break;
        }
    }
    while with(Engine::touch_files) {}
}

/// Carries out an update of the server's own: whether anything has happened.
fn update(begin: impl FnOnce(&mut Engine<Machine>) -> Outcome) -> bool {
    let _turn = UPDATE.lock();
    let sequence = || with(|engine| engine.table().commit().sequence);
    let before = sequence();
    let outcome = with(begin);
    finish(outcome);
    with(Engine::settle);
    sequence() != before
}

/// The capability of a name, or the name that is missing.
fn needed(
    capability: impl Fn(&str) -> Option<Capability>,
    name: &'static str,
) -> Result<Capability, &'static str> {
    capability(name).ok_or(name)
}
