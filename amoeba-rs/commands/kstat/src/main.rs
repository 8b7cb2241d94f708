//! `kstat STATION [LETTERS]`: tells how the kernel fares whose first card has that station address. Without letters it lists
//! the kernel's directory, each object with its own line, then load and time; with letters the figures that they stand for.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use libamoeba::classes::{process, system, time};
use libamoeba::host::{host, list};
use libamoeba::host_lookup;
use libamoeba::println;
use libamoeba::standard::info;
use libamoeba::system::Kernel;
use libamoeba::system::start::Arguments;
use proto::ethernet::Address;
use proto::message::LARGEST_BUFFER;
use proto::standard::Status;

libamoeba::program!(main);

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words();
    let name = words.next().unwrap_or("kstat");
    let station = words.next().and_then(|word| word.parse().ok());
    let (Some(station), letters, None) = (station, words.next(), words.next()) else {
        println!("usage: {name} STATION [LETTERS]");
        return 2;
    };
    let told = match letters {
        Some(letters) => tell_figures(station, letters),
        None => tell_all(station),
    };
    match told {
        Ok(()) => 0,
        Err(status) => {
            println!("{name}: {station}: {status}");
            1
        }
    }
}

/// The directory and what some of its objects say.
fn tell_all(station: Address) -> Result<(), Status> {
    let mut names: Vec<String> = Vec::new();
    let mut room = vec![0; LARGEST_BUFFER];
    list(&mut Kernel, &host(station), &mut room, |row| {
        names.push(String::from_utf8_lossy(row).into_owned());
    })?;
    for name in &names {
        let object = host_lookup(&mut Kernel, station, name)?;
        let mut line = [0; 80];
        let length = info(&mut Kernel, &object, &mut line)?;
        println!("{name:9} {}", String::from_utf8_lossy(&line[..length]));
    }
    let server = host_lookup(&mut Kernel, station, "proc")?;
    let load = process::load(&mut Kernel, &server)?;
    println!("{} kips, {} bytes free", load.speed, load.free);
    let server = host_lookup(&mut Kernel, station, "tod")?;
    println!("{} seconds since 1970", time::get(&mut Kernel, &server)?.seconds);
    Ok(())
}

fn tell_figures(station: Address, letters: &str) -> Result<(), Status> {
    let server = host_lookup(&mut Kernel, station, "sys")?;
    let mut text = vec![0; LARGEST_BUFFER];
    for letter in letters.bytes() {
        let length = system::statistics(&mut Kernel, &server, letter, &mut text)?;
        for line in String::from_utf8_lossy(&text[..length]).lines() {
            println!("{line}");
        }
    }
    Ok(())
}
