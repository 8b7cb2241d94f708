//! The kernel's servers: who there are, and under which names they are found.

use crate::disks::MachinePorts;
use crate::floppies::MachinePorts as FloppyPorts;
use crate::keyboard::ScreenLine;
use crate::memory::{self, Memory};
use crate::serial_line::SerialLine;
use crate::{clock, cmos};
use alloc::vec::Vec;
use kernel_core::ata::Channel;
use kernel_core::command_line::Options;
use kernel_core::floppy::Controller;
use kernel_core::machine::Machine;
use kernel_core::screen::{COLUMNS, ROWS};
use kernel_core::servers::Servers;
use kernel_core::servers::directory::{self, Directory};
use kernel_core::servers::process::ProcessServer;
use kernel_core::servers::random::Random;
use kernel_core::servers::reservation::{Reservable, Reservation};
use kernel_core::servers::system::{self, SystemServer};
use kernel_core::servers::terminal::Terminals;
use kernel_core::servers::time_of_day::TimeOfDay;
use kernel_core::servers::virtual_disk::{self, VirtualDisks};
use proto::capability::{Capability, Port, Rights};
use proto::ethernet;
use proto::terminal::WindowSize;

const VERSION: &str = concat!("amoeba-rs ", env!("CARGO_PKG_VERSION"));

/// The size of the screen.
const SCREEN: WindowSize = WindowSize {
    rows: ROWS as u16,
    columns: COLUMNS as u16,
    width: 0,
    height: 0,
};

/// The servers as they start.
pub(crate) struct Started {
    /// All of them.
    pub(crate) servers: Servers<Memory>,
    /// What of them can be reserved.
    pub(crate) reservation: Reservation,
    /// The put-port of the process server.
    pub(crate) process_port: Port,
    /// The capabilities that the loader's programs are given, by name.
    pub(crate) capabilities: Vec<(&'static str, Capability)>,
}

/// Starts the servers on ports that nobody can guess, and lists them in a directory that those find who know the station
/// address of the first card.
pub(crate) fn start(
    memory: &mut Memory,
    station: Option<ethernet::Address>,
    (disks, floppies): (Option<Channel<MachinePorts>>, Option<Controller<FloppyPorts>>),
    options: &Options,
) -> Started {
    let kips = clock::loop_speed();
    let seconds = cmos::clock().seconds();
    let mut port = || memory.random_port();
    let mut process_server = ProcessServer::new(port(), port(), kips);
    if options.is_transparent {
        process_server.let_calls_go_on();
    }
    let mut terminals = Terminals::new(port());
    let serial = terminals.add("console", port(), SerialLine, WindowSize { rows: 24, ..SCREEN });
    let screen = terminals.add("screen", port(), ScreenLine::new(), SCREEN);
    let time = TimeOfDay::new(port(), port(), seconds, clock::uptime());
    let system = SystemServer::new(port(), port(), VERSION);
    let random = Random::new(port(), port());
    let has_drives = disks.is_some() || floppies.is_some();
    let disks = has_drives.then(|| VirtualDisks::new(port(), disks, floppies));
    // Without a card nobody is there to look.
    let known = station.filter(|_| !options.is_secure);
    let secret = known.map_or_else(&mut port, |station| Port(station.0));
    let mut directory = Directory::new(secret, port(), seconds);
    let others = |rights| directory::masks(Rights(rights));
    let (process, sys) = (process_server.capability(), system.capability());
    directory.add("proc", process, others(0x3f));
    directory.add("sys", sys, directory::masks(system::RIGHT_READ));
    directory.add("printbuf", sys, [system::RIGHT_READ; 3]);
    directory.add("tod", time.capability(), others(0x01));
    directory.add("random", random.capability(), others(0x01));
    directory.add("tty:00", serial, others(0x0f));
    directory.add("tty:01", screen, others(0x0f));
    let capabilities = [
        ("HOST", directory.capability()),
        ("PROC", process),
        ("RANDOM", random.capability()),
        ("SYS", sys),
        ("TOD", time.capability()),
        ("TTY", serial),
    ];
    let reservable = |capability: Capability| Reservable {
        port: capability.port,
        object: capability.private.object(),
    };
    let reservation = Reservation::new([directory.capability(), sys, process].map(reservable));
    let mut servers = Servers::default();
    servers.add(directory);
    servers.add(process_server);
    servers.add(terminals);
    servers.add(time);
    servers.add(system);
    servers.add(random);
    if let Some(disks) = disks {
        memory::keep(virtual_disk::MEMORY);
        servers.add(disks);
    }
    Started {
        servers,
        reservation,
        process_port: process.port,
        capabilities: capabilities.into(),
    }
}
