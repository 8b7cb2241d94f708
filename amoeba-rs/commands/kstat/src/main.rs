//! `kstat HOST [LETTERS]`: tells how a host's kernel fares. HOST is a name in `/profile/hosts`, the path of a kernel's directory, or the station
//! address of a machine's first card. Without letters it lists the kernel's directory, each object with its own line, then load and time; with letters the figures that they stand for.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use libamoeba::classes::{process, system, time};
use libamoeba::directory::Names;
use libamoeba::host::{list, lookup, named};
use libamoeba::println;
use libamoeba::standard::info;
use libamoeba::system::Kernel;
use libamoeba::system::start::Arguments;
use proto::capability::Capability;
use proto::message::LARGEST_BUFFER;
use proto::standard::Status;

libamoeba::program!(main);

fn main(arguments: &Arguments) -> i32 {
    let mut words = arguments.words();
    let name = words.next().unwrap_or("kstat");
    let (Some(word), letters, None) = (words.next(), words.next(), words.next()) else {
        println!("usage: {name} HOST [LETTERS]");
        return 2;
    };
    let names = Names::from_environment(|name| arguments.capability(name));
    let kernel = match named(&mut Kernel, names.as_ref(), word) {
        Ok(kernel) => kernel,
        Err(failure) => {
            println!("{name}: {word}: {failure}");
            return 1;
        }
    };
    let told = match letters {
        Some(letters) => tell_figures(&kernel, letters),
        None => tell_all(&kernel),
    };
    match told {
        Ok(()) => 0,
        Err(status) => {
            println!("{name}: {word}: {status}");
            1
        }
    }
}

/// The directory and what some of its objects say.
fn tell_all(kernel: &Capability) -> Result<(), Status> {
    let mut names: Vec<String> = Vec::new();
    let mut room = vec![0; LARGEST_BUFFER];
    list(&mut Kernel, kernel, &mut room, |row| {
        names.push(String::from_utf8_lossy(row).into_owned());
    })?;
    for name in &names {
        let object = lookup(&mut Kernel, kernel, name)?;
        let mut line = [0; 80];
        let length = info(&mut Kernel, &object, &mut line)?;
        println!("{name:9} {}", String::from_utf8_lossy(&line[..length]));
    }
    let server = lookup(&mut Kernel, kernel, "proc")?;
    let load = process::load(&mut Kernel, &server)?;
    println!("{} kips, {} bytes free", load.speed, load.free);
    let server = lookup(&mut Kernel, kernel, "tod")?;
    println!("{} seconds since 1970", time::get(&mut Kernel, &server)?.seconds);
    Ok(())
}

fn tell_figures(kernel: &Capability, letters: &str) -> Result<(), Status> {
    let server = lookup(&mut Kernel, kernel, "sys")?;
    let mut text = vec![0; LARGEST_BUFFER];
    for letter in letters.bytes() {
        let length = system::statistics(&mut Kernel, &server, letter, &mut text)?;
        for line in String::from_utf8_lossy(&text[..length]).lines() {
            println!("{line}");
        }
    }
    Ok(())
}
