//! The server of virtual disks: arrays of blocks that disk labels make of pieces of drives.
//!
//! A tour: [`labels`] finds the labels, [`layout`] puts virtual disks together, and the server here carries out
//! commands ([`proto::disk::server`]) with the drivers ([`crate::ata`], [`crate::floppy`]). An object is a virtual disk with the number and the secret that its
//! label gives it, `vdisk:nn`; a label's port is not used, for the server has its machine's own. Each drive as a whole is an object too,
//! `bootp:nn`, by which it gets its partitions and labels, and each floppy drive, `floppy:nn`, with whatever is in it: how large that
//! is, is found out when it is asked.
//!
//! Labels are looked for once, on floppies too. The virtual disks of a floppy's label are good for that floppy: while
//! another one is in the drive there is no medium.
//!
//! Nothing waits here: a request becomes requests to the driver, one for each piece that it meets, and is answered when all have
//! ended. Until the search for labels is over there are no objects.

mod drives;
mod labels;
mod layout;
#[cfg(test)]
mod tests;

use super::{Answer, Console, Ports, Reply, Request, Server, Ticket, World};
use crate::ata::{self, Addressing, Channel, Direction, Failure, Statistics};
use crate::floppy::{self, Controller, Wanted};
use crate::machine::{Machine, Milliseconds};
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use drives::{DRIVES, Drives, Id, floppy_number};
use labels::Search;
use layout::{Piece, VirtualDisk};
use proto::ByteOrder;
use proto::capability::{Capability, Port};
use proto::disk::SECTOR;
use proto::disk::server::{
    self, Command, Control, GREATEST_BLOCK, LARGEST_TRANSFER, LEAST_BLOCK, RIGHT_CONTROL, RIGHT_READ,
    RIGHT_WRITE,
};
use proto::marshal::Writer;
use proto::message::Header;
use proto::standard::{self, Status};

/// Clients of other machines that are served at a time.
const THREADS: usize = 3;
/// Requests that are under way at a time. Threads of this machine come without limit, and each brings data into the kernel's memory:
/// those beyond are told to try later.
const MOST_JOBS: usize = 8;
/// The most of the kernel's memory that requests take, in bytes: what each writes, what was read for clients elsewhere, and one that is
/// just being taken.
pub const MEMORY: usize = (MOST_JOBS + THREADS + 1) * 32 * 1024;

/// What the client is told when all has gone well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// What was read.
    Data,
    Nothing,
    /// What a command asks about an object, by blocks of that size.
    Tell(Command, u32, u16),
}

/// A request that is under way.
struct Job {
    ticket: Ticket,
    then: Then,
    /// The drivers' requests that have not ended, and where their data belongs.
    parts: Vec<(Id, usize)>,
    /// What was read, if there was more than one part.
    data: Vec<u8>,
    failure: Option<Failure>,
}

/// The server.
pub struct VirtualDisks<P, F> {
    ports: Ports,
    drives: Drives<P, F>,
    search: Search,
    is_settled: bool,
    /// The drives that have been found and answer.
    is_alive: [bool; DRIVES],
    disks: Vec<VirtualDisk>,
    jobs: Vec<Job>,
    answers: VecDeque<(Ticket, Result<Reply, Status>)>,
}

impl<P: ata::Ports, F: floppy::Ports> VirtualDisks<P, F> {
    /// The server on the get-port `port`, of the drives of a channel and of a floppy controller.
    pub fn new(
        port: Port,
        channel: Option<Channel<P>>,
        floppies: Option<Controller<F>>,
    ) -> VirtualDisks<P, F> {
        VirtualDisks {
            ports: Ports::of(port),
            drives: Drives { channel, floppies },
            search: Search::default(),
            is_settled: false,
            is_alive: [false; DRIVES],
            disks: Vec::new(),
            jobs: Vec::new(),
            answers: VecDeque::new(),
        }
    }

    fn disk(&self, object: u32) -> Option<&VirtualDisk> {
        self.disks.iter().find(|disk| disk.object == object)
    }

    /// Has the driver go on, and deals with what it has done.
    fn advance<M: Machine>(&mut self, world: &mut World<'_, M>) {
        self.drives.work(world.now);
        while let Some((id, result)) = self.drives.next_done() {
            match self.search.take(id, result.as_deref().ok()) {
                // Its label is that of the floppy which is there now.
                Some(place) => self.drives.remember(place.drive),
                None => self.end_part(id, result),
            }
            self.search.advance(&mut self.drives);
            self.drives.work(world.now);
        }
        if !self.is_settled {
            self.search.advance(&mut self.drives);
            self.drives.work(world.now);
            if self.search.is_over {
                self.settle(world);
            }
        }
        for (drive, is_alive) in self.is_alive.iter_mut().enumerate() {
            if *is_alive && self.drives.identity(drive).is_none() {
                *is_alive = false;
                print(world.console, &format!("disk {drive} answers no more"));
            }
        }
    }

    /// All labels are known: says what there is.
    fn settle<M: Machine>(&mut self, world: &mut World<'_, M>) {
        self.is_settled = true;
        let World { machine, console, .. } = world;
        for drive in 0..DRIVES {
            let most_sectors = if let Some(identity) = self.drives.identity(drive) {
                self.is_alive[drive] = true;
                tell_drive(*console, drive, identity);
                identity.sectors
            } else if let Some(kind) = self.drives.floppy_kind(drive) {
                tell_floppy(*console, drive, kind, self.drives.sectors(drive));
                kind.most_sectors()
            } else {
                continue;
            };
            let check = machine.random_port();
            self.disks.push(VirtualDisk::of_drive(drive, most_sectors, check));
        }
        for Piece { drive, first, .. } in &self.search.unreadable {
            print(
                *console,
                &format!(
                    "{}: cannot read sector {first}, where a label may be",
                    name(*drive)
                ),
            );
        }
        let (disks, complaints) = layout::assemble(&self.search.found, || machine.random_port());
        for (object, complaint) in complaints {
            print(
                *console,
                &format!("vdisk:{object:02} is not used: it {}", complaint.text()),
            );
        }
        for disk in &disks {
            let (sectors, pieces) = (disk.sectors(), disk.pieces.len());
            let word = if pieces == 1 { "piece" } else { "pieces" };
            print(
                *console,
                &format!("{}: {sectors} sectors in {pieces} {word}", disk.name),
            );
        }
        self.disks.extend(disks);
    }

    /// One of the drivers' requests has ended.
    fn end_part(&mut self, id: Id, result: Result<Vec<u8>, Failure>) {
        let mut jobs = self.jobs.iter_mut().enumerate();
        let found = jobs.find_map(|(number, job)| {
            let part = job.parts.iter().position(|(part, _)| *part == id)?;
            Some((number, job, part))
        });
        let Some((number, job, part)) = found else {
            return;
        };
        let (_, place) = job.parts.swap_remove(part);
        match result {
            Ok(_) if job.then != Then::Data => {}
            // The only part brings all of the data.
            Ok(data) if job.data.is_empty() => job.data = data,
            Ok(data) => job.data[place..place + data.len()].copy_from_slice(&data),
            Err(failure) => job.failure = job.failure.or(Some(failure)),
        }
        if job.parts.is_empty() {
            let job = self.jobs.swap_remove(number);
            let result = match (job.failure, job.then) {
                (Some(failure), _) => Err(status(failure)),
                (None, Then::Data) => Ok(Reply::data(job.data)),
                (None, Then::Nothing) => Ok(Reply::default()),
                (None, Then::Tell(command, object, size)) => self.tell(command, object, size),
            };
            self.answers.push_back((job.ticket, result));
        }
    }

    /// Begins to read or write blocks.
    fn transfer(
        &mut self,
        ticket: Ticket,
        direction: Direction,
        object: u32,
        (first, count): (u64, u64),
        data: &[u8],
    ) -> Result<Answer, Status> {
        if self.jobs.len() >= MOST_JOBS {
            return Err(Status::NotNow);
        }
        let disk = self.disk(object).ok_or(Status::BadCapability)?;
        let pieces: Vec<Piece> = disk.locate(first, count).collect();
        let has_parts = pieces.len() > 1 && direction == Direction::Read;
        let wanted = if disk.is_drive() {
            Wanted::Any
        } else {
            Wanted::Remembered
        };
        let mut job = Job {
            ticket,
            then: match direction {
                Direction::Read => Then::Data,
                Direction::Write => Then::Nothing,
            },
            parts: Vec::with_capacity(pieces.len()),
            data: vec![0; if has_parts { count as usize * SECTOR } else { 0 }],
            failure: None,
        };
        let mut place = 0;
        for piece in pieces {
            let length = piece.count as usize * SECTOR;
            let data = match direction {
                Direction::Read => &[],
                Direction::Write => &data[place..place + length],
            };
            let sectors = (piece.first, piece.count);
            match self
                .drives
                .transfer(direction, piece.drive, sectors, data, wanted)
            {
                Ok(id) => job.parts.push((id, place)),
                Err(failure) => {
                    self.cancel(&job);
                    return Err(status(failure));
                }
            }
            place += length;
        }
        self.jobs.push(job);
        Ok(Answer::Later)
    }

    /// Waits for a request to a floppy drive that brings no data.
    fn control(&mut self, ticket: Ticket, then: Then, drive: usize) -> Result<Answer, Status> {
        if self.jobs.len() >= MOST_JOBS {
            return Err(Status::NotNow);
        }
        let id = match then {
            Then::Tell(..) => self.drives.look(drive),
            _ => self.drives.format(drive),
        };
        let parts = vec![(id.map_err(status)?, 0)];
        self.jobs.push(Job {
            ticket,
            then,
            parts,
            data: Vec::new(),
            failure: None,
        });
        Ok(Answer::Later)
    }

    fn cancel(&mut self, job: &Job) {
        for (id, _) in &job.parts {
            self.drives.cancel(*id);
        }
    }

    /// How the drive has fared where a disk begins.
    fn figures(&self, disk: &VirtualDisk) -> String {
        let drive = disk.pieces.first().map_or(0, |piece| piece.drive);
        let Statistics {
            commands,
            errors,
            resets,
        } = self.drives.statistics(drive);
        let waiting = self.jobs.len();
        format!("{commands} commands, {errors} errors, {resets} resets, {waiting} requests under way\n")
    }

    /// What is known of a disk: its pieces as numbers, the shape of the drive where it begins, or its size.
    fn tell(&self, command: Command, object: u32, size: u16) -> Result<Reply, Status> {
        let disk = self.disk(object).ok_or(Status::BadCapability)?;
        let mut pieces = disk.pieces.clone();
        if let (Some(drive), [whole]) = (disk.floppy_drive(), &mut pieces[..]) {
            whole.count = self.drives.sectors(drive).ok_or(Status::NoMedium)?;
        }
        match command {
            Command::Info => Ok(Reply::data(describe(&pieces))),
            Command::GetGeometry => {
                let drive = pieces.first().ok_or(Status::NoMedium)?.drive;
                let geometry = self.drives.geometry(drive).ok_or(Status::NoMedium)?;
                Ok(Reply::data(geometry.emit(ByteOrder::Little).to_vec()))
            }
            _ => {
                let sectors: u64 = pieces.iter().map(|piece| u64::from(piece.count)).sum();
                let blocks = sectors / block_sectors(size)?;
                let mut reply = Reply::default();
                reply.header.offset = i32::try_from(blocks).map_err(|_| Status::Overflow)?;
                Ok(reply)
            }
        }
    }
}

/// The pieces of a disk, as numbers.
fn describe(pieces: &[Piece]) -> Vec<u8> {
    let mut bytes = vec![0; pieces.len() * server::Piece::LENGTH];
    let mut writer = Writer::new(&mut bytes);
    for piece in pieces {
        let written = server::Piece::from(*piece).emit(&mut writer);
        debug_assert!(written.is_ok());
    }
    bytes
}

fn status(failure: Failure) -> Status {
    match failure {
        Failure::NoDrive => Status::NoMedium,
        Failure::Beyond => Status::BadArgument,
        Failure::BadSector => Status::SystemError,
        Failure::WriteProtected => Status::WriteProtected,
    }
}

/// How many sectors a block has, by the logarithm of its size.
fn block_sectors(size: u16) -> Result<u64, Status> {
    if (LEAST_BLOCK..=GREATEST_BLOCK).contains(&size) {
        Ok(1 << (size - LEAST_BLOCK))
    } else {
        Err(Status::BadArgument)
    }
}

/// The sectors that a request wants: the first one, and how many.
fn extent(header: &Header, disk: &VirtualDisk) -> Result<(u64, u64), Status> {
    let block = block_sectors(header.size)?;
    let first = u64::try_from(header.offset).map_err(|_| Status::BadArgument)? * block;
    let count = u64::from(header.extra) * block;
    let is_good = count > 0 && count * SECTOR as u64 <= LARGEST_TRANSFER as u64;
    if is_good && first + count <= disk.sectors() {
        Ok((first, count))
    } else {
        Err(Status::BadArgument)
    }
}

fn print(console: &mut dyn Console, text: &str) {
    console.tell(text);
}

fn tell_drive(console: &mut dyn Console, drive: usize, identity: &ata::Identity) {
    let addressing = match identity.addressing {
        Addressing::Lba => String::from("LBA"),
        Addressing::Chs => format!(
            "{} cylinders, {} heads, {} sectors",
            identity.cylinders, identity.heads, identity.track_sectors
        ),
    };
    let (model, sectors) = (&identity.model, identity.sectors);
    print(
        console,
        &format!("disk {drive}: {model}, {sectors} sectors, {addressing}"),
    );
}

/// What a drive is called on the console.
fn name(drive: usize) -> String {
    match floppy_number(drive) {
        Some(number) => format!("floppy {number}"),
        None => format!("disk {drive}"),
    }
}

fn tell_floppy(console: &mut dyn Console, drive: usize, kind: floppy::Kind, sectors: Option<u32>) {
    let disk = match sectors {
        Some(sectors) => format!("a disk of {sectors} sectors"),
        None => String::from("no disk that can be read"),
    };
    print(console, &format!("{}: {}, {disk}", name(drive), kind.name()));
}

impl<M: Machine, P: ata::Ports, F: floppy::Ports> Server<M> for VirtualDisks<P, F> {
    fn ports(&self) -> Ports {
        self.ports
    }

    fn threads(&self) -> usize {
        THREADS
    }

    fn room(&self) -> usize {
        LARGEST_TRANSFER + 1
    }

    fn check(&self, _world: &World<'_, M>, object: u32) -> Option<Port> {
        self.disk(object).map(|disk| disk.check)
    }

    fn info(&self, _world: &World<'_, M>, object: u32) -> String {
        self.disk(object).map_or_else(String::new, |disk| {
            format!("@ {} {} KB", disk.name, disk.sectors() / 2)
        })
    }

    fn command(&mut self, world: &mut World<'_, M>, request: &Request<'_>) -> Result<Answer, Status> {
        let header = request.header;
        let disk = self.disk(request.object).ok_or(Status::BadCapability)?;
        if header.standard_command() == Some(standard::Command::Status) {
            request.need(RIGHT_READ)?;
            return Ok(Reply::text(&self.figures(disk), header).into());
        }
        let command = Command::from_code(header.command).ok_or(Status::BadCommand)?;
        let direction = match command {
            Command::Info | Command::GetGeometry | Command::Size => {
                if command == Command::Size {
                    block_sectors(header.size)?;
                }
                let Some(drive) = disk.floppy_drive() else {
                    return Ok(self.tell(command, request.object, header.size)?.into());
                };
                let then = Then::Tell(command, request.object, header.size);
                let answer = self.control(request.ticket, then, drive)?;
                self.advance(world);
                return Ok(answer);
            }
            Command::Control => {
                request.need(RIGHT_CONTROL)?;
                let drive = disk.floppy_drive();
                let control = Control::from_code(header.extra).ok_or(Status::BadArgument)?;
                // No drive of a PC lets go of its medium; hard disks are not formatted, nor is a part of a disk.
                let drive = drive.filter(|_| control == Control::Format);
                let drive = drive.ok_or(Status::BadCommand)?;
                let answer = self.control(request.ticket, Then::Nothing, drive)?;
                self.advance(world);
                return Ok(answer);
            }
            Command::Read => {
                request.need(RIGHT_READ)?;
                Direction::Read
            }
            Command::Write => {
                request.need(RIGHT_WRITE)?;
                Direction::Write
            }
        };
        let extent = extent(header, disk)?;
        if direction == Direction::Write && request.data.len() as u64 != extent.1 * SECTOR as u64 {
            return Err(Status::BadArgument);
        }
        let answer = self.transfer(request.ticket, direction, request.object, extent, request.data)?;
        self.advance(world);
        Ok(answer)
    }

    fn due(&self) -> Milliseconds {
        self.drives.due()
    }

    fn work(&mut self, world: &mut World<'_, M>) {
        self.advance(world);
    }

    fn next_answer(&mut self, _world: &mut World<'_, M>) -> Option<(Ticket, Result<Reply, Status>)> {
        self.answers.pop_front()
    }

    fn abandon(&mut self, ticket: Ticket) {
        self.answers.retain(|(answered, _)| *answered != ticket);
        if let Some(place) = self.jobs.iter().position(|job| job.ticket == ticket) {
            let job = self.jobs.swap_remove(place);
            self.cancel(&job);
        }
    }

    fn published(&self) -> Vec<(String, Capability)> {
        let disks = self.disks.iter();
        disks
            .map(|disk| (disk.name.clone(), disk.capability(self.ports.put)))
            .collect()
    }

    fn is_settled(&self) -> bool {
        self.is_settled
    }
}
