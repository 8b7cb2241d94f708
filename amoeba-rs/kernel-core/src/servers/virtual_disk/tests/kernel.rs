//! A kernel whose only server is that of virtual disks, on drives that tests can break.

use super::super::VirtualDisks;
use crate::ata::Channel;
use crate::ata::tests::drive::Drive;
use crate::ata::tests::wires::Shared;
use crate::floppy::tests::model::Shared as Board;
use crate::floppy::{Controller, Kind, Ports as _};
use crate::machine::testing::TestMachine;
use crate::process::Processes;
use crate::servers::reservation::{Reservable, Reservation};
use crate::servers::tests::{Printed, Surroundings};
use crate::servers::{Answer, Reply, Servers, Ticket, World};
use clock::{Instant, Span};
use proto::capability::{Capability, Port, Private};
use proto::disk::server::Command;
use proto::disk::{Label, Part, PartitionTable, SECTOR, partition_table};
use proto::message::Header;
use proto::standard::Status;
use std::string::String;
use std::vec::Vec;

/// What is not in these tests cannot be reserved.
const NOBODY: Reservable = Reservable {
    port: Port::NULL,
    object: 0,
};

/// A kernel whose server has these drives.
pub(super) struct Kernel {
    machine: TestMachine,
    processes: Processes,
    pub(super) servers: Servers<TestMachine>,
    printed: Printed,
    pub(super) shared: Shared,
    pub(super) floppies: Option<Board>,
    tickets: u32,
}

const TICK: u64 = 10_000;

impl Kernel {
    pub(super) fn new(drives: [Option<Drive>; 2]) -> Kernel {
        Kernel::with(drives, None)
    }

    /// With floppy drives for 1.44 MB, too.
    pub(super) fn with(drives: [Option<Drive>; 2], floppies: Option<Board>) -> Kernel {
        let shared = Shared::default();
        shared.0.borrow_mut().drives = drives;
        let channel = Channel::start(shared.clone(), 0);
        let kinds = [Some(Kind::Inch3High); 2];
        let controller = floppies
            .as_ref()
            .map(|board| Controller::start(board.clone(), kinds, 0));
        let mut servers = Servers::default();
        servers.add(VirtualDisks::new(Port([1; 6]), Some(channel), controller));
        let mut kernel = Kernel {
            machine: TestMachine::new(10),
            processes: Processes::new(Port([2; 6]), 100),
            servers,
            printed: Printed::default(),
            shared,
            floppies,
            tickets: 0,
        };
        for _ in 0..1000 {
            if kernel.servers.are_settled() {
                return kernel;
            }
            kernel.tick();
        }
        panic!("the drives are never found");
    }

    pub(super) fn world<R>(
        &mut self,
        action: impl FnOnce(&mut Servers<TestMachine>, &mut World<'_, TestMachine>) -> R,
    ) -> R {
        let now = self.shared.0.borrow().now / TICK * 10;
        let mut world = World {
            machine: &mut self.machine,
            processes: &mut self.processes,
            now,
            console: &mut self.printed,
            kernel: &mut Surroundings::default(),
            reservation: &mut Reservation::new([NOBODY; 3]),
        };
        action(&mut self.servers, &mut world)
    }

    pub(super) fn tick(&mut self) {
        {
            let mut wires = self.shared.0.borrow_mut();
            wires.now = wires.now / TICK * TICK + TICK;
            wires.settle();
        }
        if let Some(mut board) = self.floppies.clone() {
            let until = Instant::START + Span::from_microseconds(self.shared.0.borrow().now);
            loop {
                board.0.borrow_mut().pass(until);
                if !board.0.borrow().has_risen() {
                    break;
                }
                self.world(|servers, world| servers.work(world));
                // One that nobody asked for.
                board.take_interrupt();
            }
        }
        self.world(|servers, world| servers.work(world));
    }

    pub(super) fn begin(&mut self, header: &Header, data: &[u8]) -> (Ticket, Answer) {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let answer = self.world(|servers, world| servers.answer(world, ticket, header, data));
        (ticket, answer.expect("a port of this kernel"))
    }

    pub(super) fn finish(&mut self) -> (Ticket, Reply) {
        for _ in 0..10_000 {
            if let Some(answer) = self.world(|servers, world| servers.next_answer(world)) {
                return answer;
            }
            self.tick();
        }
        panic!("it is never answered");
    }

    /// A request that succeeds or not.
    pub(super) fn ask(
        &mut self,
        disk: &Capability,
        command: u16,
        fields: Header,
        data: &[u8],
    ) -> Result<Reply, Status> {
        let header = Header {
            port: disk.port,
            private: disk.private.emit(),
            command,
            ..fields
        };
        let reply = match self.begin(&header, data) {
            (_, Answer::Now(reply)) => reply,
            (ticket, Answer::Later) => {
                let (answered, reply) = self.finish();
                assert_eq!(answered, ticket);
                reply
            }
        };
        match reply.header.status().expect("a standard status") {
            Status::Ok => Ok(reply),
            status => Err(status),
        }
    }

    pub(super) fn read(
        &mut self,
        disk: &Capability,
        size: u16,
        first: i32,
        count: u16,
    ) -> Result<Vec<u8>, Status> {
        let reply = self.ask(disk, Command::Read.code(), blocks(size, first, count), &[])?;
        assert_eq!(usize::from(reply.header.size), reply.data.len());
        Ok(reply.data)
    }

    pub(super) fn write(
        &mut self,
        disk: &Capability,
        size: u16,
        first: i32,
        count: u16,
        data: &[u8],
    ) -> Result<(), Status> {
        let reply = self.ask(disk, Command::Write.code(), blocks(size, first, count), data)?;
        assert!(reply.data.is_empty());
        Ok(())
    }

    pub(super) fn disk(&self, name: &str) -> Capability {
        let published = self.servers.published();
        let found = published.iter().find(|(published, _)| published == name);
        found.expect("a disk of that name").1
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.servers
            .published()
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    }

    /// What is on a drive.
    pub(super) fn on_drive(&self, drive: usize, sector: u32, count: u32) -> Vec<u8> {
        let wires = self.shared.0.borrow();
        let drive = wires.drives[drive].as_ref().expect("a drive");
        drive.disk[sector as usize * SECTOR..][..count as usize * SECTOR].to_vec()
    }

    pub(super) fn printed(&self) -> String {
        String::from_utf8(self.printed.0.clone()).expect("text")
    }
}

pub(super) fn blocks(size: u16, first: i32, count: u16) -> Header {
    Header {
        size,
        offset: first,
        extra: count,
        ..Header::default()
    }
}

pub(super) fn part(object: u32, first: u32, blocks: u32, piece: u16, pieces: u16) -> Part {
    let capability = Capability {
        port: Port::NULL,
        private: Private::owner(object, Port([5; 6])),
    };
    Part {
        first,
        blocks,
        piece,
        pieces,
        capability,
    }
}

pub(super) fn put_label(drive: &mut Drive, sector: u32, parts: &[Part]) {
    let mut label = Label::EMPTY;
    label.parts[..parts.len()].copy_from_slice(parts);
    label.emit(sector_of(drive, sector));
}

pub(super) fn sector_of(drive: &mut Drive, sector: u32) -> &mut [u8; SECTOR] {
    drive.disk[sector as usize * SECTOR..]
        .first_chunk_mut()
        .expect("a sector")
}

/// A drive with a partition of 700 sectors at sector 40, and these parts in its label.
pub(super) fn partitioned(parts: &[Part]) -> Drive {
    let mut drive = Drive::new(800);
    let mut table = PartitionTable::default();
    table.0[2] = partition_table::Partition {
        is_active: true,
        kind: partition_table::AMOEBA,
        first: 40,
        sectors: 700,
    };
    table.emit(sector_of(&mut drive, 0));
    put_label(&mut drive, 40, parts);
    drive
}

/// Drive 0 has partitions, drive 1 a label without; `vdisk:02` lies on both.
pub(super) fn two() -> [Option<Drive>; 2] {
    let mut other = Drive::new(400);
    put_label(&mut other, 0, &[part(2, 8, 100, 1, 2)]);
    let one = partitioned(&[part(1, 1, 300, 0, 1), part(2, 400, 50, 0, 2)]);
    [Some(one), Some(other)]
}

pub(super) fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length)
        .map(|place| (place / 3 + place / 512 * 7 + seed) as u8)
        .collect()
}
