//! `tty_test [STATION NAME]`: tells what comes from a terminal, its own or the one of that name of another kernel. First
//! lines, up to the end of the file, and the signals that are typed meanwhile; then keys as they come, up to a `q`; then it waits
//! two tenths of a second for nothing.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::string::String;
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, thread};
use libamoeba::{Transactions, host_lookup, named_port, println, put_port, terminal};
use proto::capability::{Capability, Port, Private};
use proto::message::Header;
use proto::standard::Status;
use proto::terminal::{Character, LocalFlags, When};

libamoeba::program!(main);

const STACK: usize = 8192;

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words().skip(1);
    let object = match (words.next(), words.next()) {
        (None, _) => arguments.capability("TTY").ok_or(Status::NotFound),
        (Some(station), Some(name)) => match station.parse() {
            Ok(station) => host_lookup(&mut Kernel, station, name),
            Err(_) => Err(Status::BadArgument),
        },
        _ => Err(Status::BadArgument),
    };
    match object.and_then(|object| run(&object)) {
        Ok(()) => 0,
        Err(status) => {
            println!("tty_test: {status}");
            1
        }
    }
}

fn run(object: &Capability) -> Result<(), Status> {
    let port = named_port("signal").ok_or(Status::SystemError)?;
    if !thread::spawn(STACK, move || listen(port)) {
        return Err(Status::NoMemory);
    }
    let listener = Capability {
        port: put_port(port),
        private: Private::owner(1, port),
    };
    terminal::set_interrupt(&mut Kernel, object, &listener)?;
    println!("lines");
    let mut buffer = [0; 300];
    loop {
        let read = terminal::read(&mut Kernel, object, &mut buffer)?;
        if read.is_end {
            break;
        }
        println!("line {:?}", String::from_utf8_lossy(&buffer[..read.length]));
    }
    let usual = terminal::settings(&mut Kernel, object)?;
    let mut raw = usual;
    raw.local -= LocalFlags::CANONICAL | LocalFlags::ECHO;
    raw.characters[Character::Minimum as usize] = 1;
    terminal::set_settings(&mut Kernel, object, When::Drained, &raw)?;
    println!("keys");
    let mut key = [0];
    while key != *b"q" {
        terminal::read(&mut Kernel, object, &mut key)?;
        println!("key {:02x}", key[0]);
    }
    terminal::set_settings(&mut Kernel, object, When::Drained, &usual)?;
    let read = terminal::read_within(&mut Kernel, object, 200, &mut buffer)?;
    println!("{} bytes in time", read.length);
    terminal::set_interrupt(&mut Kernel, object, &Capability::NULL)?;
    terminal::drain(&mut Kernel, object)?;
    println!("tty_test done");
    Ok(())
}

/// Tells of signals, for ever.
fn listen(port: Port) {
    loop {
        if let Ok((header, _)) = Kernel.getreq(port, &mut []) {
            println!("notice {} signal {}", header.command, header.extra);
            Kernel.putrep(&Header::default(), &[]);
        }
    }
}
