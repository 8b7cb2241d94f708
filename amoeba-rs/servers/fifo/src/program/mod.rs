//! The server as a program: its threads. A request that waits keeps its thread, because a thread answers what it was asked itself, so there
//! are always more threads than requests that wait, up to a bound; then the oldest request that waits is answered that it should ask again.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use fifo::engine::Reply;
use fifo::{Engine, Outcome};
use libamoeba::directory::Names;
use libamoeba::system::identity::{self, Identity};
use libamoeba::system::mutex::{Mutex, RawMutex};
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls, thread};
use libamoeba::{Transactions, println};
use proto::capability::{Capability, Rights};
use proto::fifo::{LONGEST_WAIT, right};
use proto::message::{Header, LARGEST_BUFFER};
use proto::standard::Status;

libamoeba::program!(main);

/// Threads at the beginning, and at most.
const FIRST_THREADS: usize = 4;
const MOST_THREADS: usize = 48;
/// Bytes of a thread's stack.
const STACK: usize = 12 << 10;
const PUBLISHER_STACK: usize = 24 << 10;
/// Milliseconds between two ageings of ends.
const AGE: u32 = 3_600_000;
/// The capability with which the server is known again.
const SUPER: &str = "FIFO_SUPER";

/// A thread's place: what it is told when the request that waits there is over.
struct Place {
    ticket: u32,
    reply: Option<Reply>,
    over: &'static RawMutex,
}

struct State {
    engine: Option<Engine>,
    /// Requests that wait.
    places: Vec<Place>,
    threads: usize,
    /// Threads that wait for requests.
    idle: usize,
}

static STATE: Mutex<State> = Mutex::new(State {
    engine: None,
    places: Vec::new(),
    threads: 0,
    idle: 0,
});

impl State {
    /// Does something with the engine, which is there as soon as threads are, and wakes those whose requests are over by it.
    fn with<T>(&mut self, action: impl FnOnce(&mut Engine) -> T) -> T {
        let Some(engine) = &mut self.engine else {
            unreachable!("the engine is there before its threads");
        };
        let value = action(engine);
        for (ticket, reply) in engine.over() {
            if let Some(place) = self.places.iter_mut().find(|place| place.ticket == ticket) {
                place.reply = Some(reply);
                place.over.unlock();
            }
        }
        value
    }
}

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words();
    let name = words.next().unwrap_or("fifo");
    let (mut port, mut paths) = (None, Vec::new());
    while let Some(word) = words.next() {
        match (word, words.next()) {
            ("-p", Some(name)) => port = Some(name),
            ("-e", Some(path)) => paths.push(String::from(path)),
            _ => {
                println!("usage: {name} [-p name] [-e path]...");
                return 2;
            }
        }
    }
    let own = match start(arguments, port) {
        Ok(own) => own,
        Err(status) => {
            println!("{name}: {status}");
            return 1;
        }
    };
    for _ in 0..FIRST_THREADS {
        add_thread();
    }
    println!("{name}: serving");
    if let Some(names) = Names::from_environment(|name| arguments.capability(name)) {
        let others = right::READ.0 | right::WRITE.0 | right::CREATE.0 | right::CLOSE.0;
        // The directory server need not be there yet.
        thread::spawn(PUBLISHER_STACK, move || {
            identity::publish(name, &names, &paths, &own, Rights(others));
        });
    }
    loop {
        calls::sleep(AGE);
        STATE.lock().with(Engine::age_ends);
    }
}

fn start(arguments: &Arguments, port: Option<&str>) -> Result<Capability, Status> {
    let own = Identity::find(arguments, SUPER, port)?;
    let random = arguments.capability("RANDOM").ok_or(Status::NotFound)?;
    let engine = Engine::new(own.port, own.check, identity::port(&random)?);
    let capability = engine.capability();
    STATE.lock().engine = Some(engine);
    Ok(capability)
}

/// One thread more, if there may be one.
fn add_thread() {
    {
        let mut state = STATE.lock();
        if state.threads == MOST_THREADS {
            return;
        }
        state.threads += 1;
    }
    if !thread::spawn(STACK, serve) {
        STATE.lock().threads -= 1;
    }
}

/// Serves requests, one after the other.
fn serve() {
    let port = STATE.lock().with(|engine| engine.port());
    let over: &'static RawMutex = Box::leak(Box::new(RawMutex::new_locked()));
    let mut data = vec![0; LARGEST_BUFFER];
    loop {
        STATE.lock().idle += 1;
        let came = Kernel.getreq(port, &mut data);
        STATE.lock().idle -= 1;
        match came {
            Ok((header, length)) => {
                let reply = answer(&header, &data[..length], over);
                Kernel.putrep(&reply.header, &reply.data);
            }
            Err(Status::RpcAborted) => {}
            Err(why) => {
                println!("fifo: waiting for requests: {why}");
                return;
            }
        }
    }
}

/// The reply to a request, which may have to wait.
fn answer(header: &Header, data: &[u8], over: &'static RawMutex) -> Reply {
    let (ticket, limit) = {
        let mut state = STATE.lock();
        match state.with(|engine| engine.request(header, data)) {
            Outcome::Reply(reply) => return reply,
            Outcome::Wait(ticket, limit) => {
                state.places.push(Place {
                    ticket,
                    reply: None,
                    over,
                });
                (ticket, limit)
            }
        }
    };
    make_room();
    let limit = limit.map_or(LONGEST_WAIT, |limit| limit.min(LONGEST_WAIT));
    if !over.lock_within(limit.cast_signed()) {
        // It may be over at this very moment; then the mutex is free.
        STATE.lock().with(|engine| engine.give_up(ticket));
        over.lock();
    }
    let mut state = STATE.lock();
    let place = state.places.iter().position(|place| place.ticket == ticket);
    let place = place.map(|place| state.places.swap_remove(place));
    let Some(reply) = place.and_then(|place| place.reply) else {
        unreachable!("a request is over when its thread is woken");
    };
    reply
}

/// Sees to it that somebody waits for requests.
fn make_room() {
    let (idle, threads) = {
        let state = STATE.lock();
        (state.idle, state.threads)
    };
    if idle > 0 {
        return;
    }
    if threads < MOST_THREADS {
        add_thread();
    } else {
        STATE.lock().with(|engine| {
            if let Some(oldest) = engine.oldest() {
                engine.give_up(oldest);
            }
        });
    }
}
