//! `safety_test ROOT`: does what is typed. ROOT is the first directory, a capability in writing with all rights.
//!
//! The line `go` has it carry out a script of changes (`script`), once; it tells of each what it asks and what it was answered, so that who
//! reads the console knows what the servers have acknowledged. Any other line has it read back what two Bullet servers and the
//! directory service keep. If it has carried out the script, that begins with its own files, entered or not, and with the file
//! servers' own checks.

#![no_std]
#![no_main]

extern crate alloc;

mod contents;
mod reading;
mod script;

use libamoeba::directory::Names;
use libamoeba::system::start::Arguments;
use libamoeba::system::{Kernel, calls};
use libamoeba::{println, terminal};
use proto::capability::Capability;
use proto::capability_set::CapabilitySet;
use proto::capability_text;
use script::Known;

libamoeba::program!(main);

/// How long servers are looked for, in milliseconds.
const LOCATE: u32 = 2000;
/// Where the file servers are.
const STORES: [&[u8]; 2] = [b"/super/cap/bulletsvr/bullet0", b"/super/cap/bulletsvr/bullet1"];

fn main(arguments: &Arguments) -> i32 {
    let root = arguments.words().nth(1).and_then(capability_text::parse);
    let (Some(root), Some(terminal)) = (root, arguments.capability("TTY")) else {
        println!("usage: safety_test root");
        return 1;
    };
    calls::timeout(LOCATE);
    let root = CapabilitySet::single(root);
    let mut known = None;
    let mut line = [0; 80];
    loop {
        let length = match terminal::read(&mut Kernel, &terminal, &mut line) {
            Ok(read) => read.length,
            Err(status) => {
                println!("safety_test: the terminal: {status}");
                return 1;
            }
        };
        if line[..length].starts_with(b"go") && known.is_none() {
            let Some(stores) = stores(&root) else {
                println!("safety_test: there are not two file servers");
                return 1;
            };
            script::run(known.insert(Known::new(root, stores)));
            println!("the script is over");
            continue;
        }
        if let Some(known) = &known {
            reading::files(known);
        }
        reading::directories(&root);
        println!("this is all");
    }
}

/// The file servers.
fn stores(root: &CapabilitySet) -> Option<[Capability; 2]> {
    let names = Names {
        root: *root,
        work: *root,
    };
    let store = |path: &[u8]| {
        let set = names.lookup(&mut Kernel, path).ok()?;
        set.members().next().map(|member| member.capability)
    };
    Some([store(STORES[0])?, store(STORES[1])?])
}
