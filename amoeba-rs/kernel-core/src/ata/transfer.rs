//! Data between a drive and a request.

use super::registers::{DriveHead, Status, command, port};
use super::{Addressing, Channel, Command, Direction, Failure, NOBODY, Ports, Request, State};
use alloc::vec::Vec;

/// Looks for which a drive may take to ask for the first block of a write, about a millisecond; later it is asked once a tick.
const FIRST_BLOCK_LOOKS: u32 = 1000;

impl<P: Ports> Channel<P> {
    /// Has the drive read or write what is left of the current request.
    pub(super) fn start_transfer(&mut self, drive: usize) {
        let (Some(request), Some(identity)) = (&mut self.current, &self.drives[drive].identity) else {
            return;
        };
        request.make_room();
        let left = request.count - request.done;
        // After a failure one sector at a time: so it is plain which one it is, and those before it are good.
        let block = if request.tries > 0 {
            1
        } else {
            self.drives[drive].block
        };
        self.command = Command {
            first: request.done,
            left,
            block,
        };
        let code = match (request.work.direction, block) {
            (Direction::Read, 1) => command::READ,
            (Direction::Read, _) => command::READ_MULTIPLE,
            (Direction::Write, 1) => command::WRITE,
            (Direction::Write, _) => command::WRITE_MULTIPLE,
        };
        let direction = request.work.direction;
        let sector = request.sector + request.done;
        let (number, low, high, head) = match identity.addressing {
            Addressing::Lba => {
                let [number, low, high, top] = sector.to_le_bytes();
                let head = DriveHead::from_bits_retain(top) & DriveHead::HEAD | DriveHead::LBA;
                (number, low, high, head)
            }
            Addressing::Chs => {
                let (cylinder, head, number) = identity.shape_of(sector);
                let [low, high] = cylinder.to_le_bytes();
                (number, low, high, DriveHead::from_bits_retain(head))
            }
        };
        self.select(drive, head);
        // 256 is written as 0.
        self.ports.write(port::SECTOR_COUNT, left as u8);
        self.ports.write(port::SECTOR_NUMBER, number);
        self.ports.write(port::CYLINDER_LOW, low);
        self.ports.write(port::CYLINDER_HIGH, high);
        self.order(code);
        if direction == Direction::Write {
            // The first block has no interrupt.
            let asks = |status: Status| !status.contains(Status::BUSY) && status.intersects(FIRST_BLOCK);
            const FIRST_BLOCK: Status = Status::DATA_REQUEST.union(Status::ERROR);
            for _ in 0..FIRST_BLOCK_LOOKS {
                if asks(self.status()) {
                    return;
                }
            }
        }
    }

    /// Moves a block between the drive and the request.
    pub(super) fn move_block(&mut self) {
        let Some(request) = &mut self.current else {
            return;
        };
        let count = self.command.block.min(self.command.left);
        let direction = request.work.direction;
        let data = request.bytes(count);
        match direction {
            Direction::Read => self.ports.read_words(port::DATA, data),
            Direction::Write => self.ports.write_words(port::DATA, data),
        }
        request.done += count;
        self.command.left -= count;
        self.since = self.now;
        self.settle();
    }

    pub(super) fn finish_transfer(&mut self) {
        self.statistics.commands += 1;
        self.end_request(Ok(()));
    }

    /// The current request has ended.
    pub(super) fn end_request(&mut self, result: Result<(), Failure>) {
        if let Some(request) = self.current.take() {
            self.drives[request.drive].position = request.sector + request.count;
            self.report(request, result);
        }
        self.is_lost = false;
        self.enter(State::Idle);
    }

    pub(super) fn report(&mut self, request: Request, result: Result<(), Failure>) {
        if request.id != NOBODY {
            let data = match request.work.direction {
                Direction::Read => request.data,
                Direction::Write => Vec::new(),
            };
            self.done.push_back((request.id, result.map(|()| data)));
        }
    }
}
