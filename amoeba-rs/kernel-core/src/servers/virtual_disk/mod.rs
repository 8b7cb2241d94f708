//! The server of virtual disks: arrays of blocks that disk labels make of pieces of drives.
//!
//! A tour: [`labels`] finds the labels, [`layout`] puts virtual disks together, and the server here carries out
//! commands ([`proto::disk::server`]) with the driver ([`crate::ata`]). An object is a virtual disk with the number and the secret that its
//! label gives it, `vdisk:nn`; a label's port is not used, for the server has its machine's own. Each drive as a whole is an object too,
//! `bootp:nn`, by which it gets its partitions and labels.
//!
//! Nothing waits here: a request becomes requests to the driver, one for each piece that it meets, and is answered when all have
//! ended. Until the search for labels is over there are no objects.

mod labels;
mod layout;
#[cfg(test)]
mod tests;

use super::{Answer, Console, Ports, Reply, Request, Server, Ticket, World};
use crate::ata::{self, Addressing, Channel, DRIVES, Direction, Failure, RequestId};
use crate::machine::{Machine, Milliseconds};
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
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
use proto::standard::Status;

/// Clients of other machines that are served at a time.
const THREADS: usize = 3;
/// Requests that are under way at a time. Threads of this machine come without limit, and each brings data into the kernel's memory:
/// those beyond are told to try later.
const MOST_JOBS: usize = 8;
/// The most of the kernel's memory that requests take, in bytes: what each writes, what was read for clients elsewhere, and one that is
/// just being taken.
pub const MEMORY: usize = (MOST_JOBS + THREADS + 1) * 32 * 1024;

/// A request that is under way.
struct Job {
    ticket: Ticket,
    direction: Direction,
    /// The driver's requests that have not ended, and where their data belongs.
    parts: Vec<(RequestId, usize)>,
    /// What was read, if there was more than one part.
    data: Vec<u8>,
    failure: Option<Failure>,
}

/// The server.
pub struct VirtualDisks<P> {
    ports: Ports,
    channel: Channel<P>,
    search: Search,
    is_settled: bool,
    disks: Vec<VirtualDisk>,
    jobs: Vec<Job>,
    answers: VecDeque<(Ticket, Result<Reply, Status>)>,
}

impl<P: ata::Ports> VirtualDisks<P> {
    /// The server on the get-port `port`, of the drives of a channel.
    pub fn new(port: Port, channel: Channel<P>) -> VirtualDisks<P> {
        VirtualDisks {
            ports: Ports::of(port),
            channel,
            search: Search::default(),
            is_settled: false,
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
        self.channel.work(world.now);
        while let Some((id, result)) = self.channel.next_done() {
            if !self.search.take(id, result.as_deref().ok()) {
                self.end_part(id, result);
            }
            self.search.advance(&mut self.channel);
            self.channel.work(world.now);
        }
        if !self.is_settled {
            self.search.advance(&mut self.channel);
            self.channel.work(world.now);
            if self.search.is_over {
                self.settle(world);
            }
        }
    }

    /// All labels are known: says what there is.
    fn settle<M: Machine>(&mut self, world: &mut World<'_, M>) {
        self.is_settled = true;
        let World { machine, console, .. } = world;
        for drive in 0..DRIVES {
            if let Some(identity) = self.channel.drive(drive) {
                tell_drive(*console, drive, identity);
                let check = machine.random_port();
                self.disks
                    .push(VirtualDisk::of_drive(drive, identity.sectors, check));
            }
        }
        for Piece { drive, first, .. } in &self.search.unreadable {
            print(
                *console,
                &format!("disk {drive}: cannot read sector {first}, where a label may be"),
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
            print(
                *console,
                &format!("{}: {sectors} sectors in {pieces} pieces", disk.name),
            );
        }
        self.disks.extend(disks);
    }

    /// One of the driver's requests has ended.
    fn end_part(&mut self, id: RequestId, result: Result<Vec<u8>, Failure>) {
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
            // The only part brings all of the data.
            Ok(data) if job.data.is_empty() => job.data = data,
            Ok(data) if job.direction == Direction::Read => {
                job.data[place..place + data.len()].copy_from_slice(&data);
            }
            Ok(_) => {}
            Err(failure) => job.failure = job.failure.or(Some(failure)),
        }
        if job.parts.is_empty() {
            let job = self.jobs.swap_remove(number);
            let result = match (job.failure, job.direction) {
                (Some(failure), _) => Err(status(failure)),
                (None, Direction::Read) => Ok(Reply::data(job.data)),
                (None, Direction::Write) => Ok(Reply::default()),
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
        let mut job = Job {
            ticket,
            direction,
            parts: Vec::with_capacity(pieces.len()),
            data: vec![0; if has_parts { count as usize * SECTOR } else { 0 }],
            failure: None,
        };
        let mut place = 0;
        for piece in pieces {
            let length = piece.count as usize * SECTOR;
            let id = match direction {
                Direction::Read => self.channel.read(piece.drive, piece.first, piece.count),
                Direction::Write => {
                    let data = data[place..place + length].to_vec();
                    self.channel.write(piece.drive, piece.first, data)
                }
            };
            match id {
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

    fn cancel(&mut self, job: &Job) {
        for (id, _) in &job.parts {
            self.channel.cancel(*id);
        }
    }

    /// The pieces of a disk, as numbers.
    fn describe(&self, disk: &VirtualDisk) -> Vec<u8> {
        let mut bytes = vec![0; disk.pieces.len() * server::Piece::LENGTH];
        let mut writer = Writer::new(&mut bytes);
        for piece in &disk.pieces {
            let written = server::Piece::from(*piece).emit(&mut writer);
            debug_assert!(written.is_ok());
        }
        bytes
    }

    /// The shape of the drive where a disk begins.
    fn geometry(&self, disk: &VirtualDisk) -> Result<Vec<u8>, Status> {
        let drive = disk.pieces.first().map(|piece| piece.drive);
        let identity = drive.and_then(|drive| self.channel.drive(drive));
        let geometry = identity.ok_or(Status::NoMedium)?.geometry();
        Ok(geometry.emit(ByteOrder::Little).to_vec())
    }
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
    console.write(text.as_bytes());
    console.write(b"\n");
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

impl<M: Machine, P: ata::Ports> Server<M> for VirtualDisks<P> {
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
        let command = Command::from_code(header.command).ok_or(Status::BadCommand)?;
        let direction = match command {
            Command::Info => return Ok(Reply::data(self.describe(disk)).into()),
            Command::GetGeometry => return Ok(Reply::data(self.geometry(disk)?).into()),
            Command::Size => {
                let blocks = disk.sectors() / block_sectors(header.size)?;
                let mut reply = Reply::default();
                reply.header.offset = i32::try_from(blocks).map_err(|_| Status::Overflow)?;
                return Ok(reply.into());
            }
            Command::Control => {
                request.need(RIGHT_CONTROL)?;
                // These drives can neither let go of their medium nor format it.
                return Err(match Control::from_code(header.extra) {
                    Some(Control::Eject | Control::Format) => Status::BadCommand,
                    None => Status::BadArgument,
                });
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
        self.channel.due()
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
