//! Arm, platters and buffer: when each sector passes under the head.
//!
//! The platters turn with the virtual time, all drives from the lab's start. A sequential read streams: each sector is
//! in the buffer when it has passed, and the drive reads on after a command until its buffer is full of sectors that
//! the host has not taken. A write waits for its sectors to pass; they are on the medium, one after the other, when
//! their passage ends.

use std::collections::VecDeque;

use clock::{Instant, Span};

use super::model::DriveModel;
use crate::medium::Sector;

/// A passage of a sector under the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Passage {
    pub(super) begin: Instant,
    pub(super) end: Instant,
}

/// A sector that is going to the medium.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PendingWrite {
    pub(super) sector: u32,
    pub(super) passage: Passage,
    pub(super) data: Box<Sector>,
}

/// Sectors that are read one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Stream {
    /// The sector that was worked out last, and when it was in the buffer.
    sector: u32,
    arrival: Instant,
    /// The sector that the host takes next.
    host: u32,
    /// When the host took the sectors before it; those whose place in the buffer is still of interest.
    taken: VecDeque<Instant>,
    /// No sector from here on is read.
    limit: u32,
}

/// The mechanical part of a drive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Mechanism {
    model: DriveModel,
    sectors: u32,
    /// Where the arm is when nothing streams.
    cylinder: u32,
    stream: Option<Stream>,
    pub(super) reads_ahead: bool,
    /// Sectors on their way to the medium, in order.
    writes: VecDeque<PendingWrite>,
    /// When the arm is where the first of them needs it, and when the last one has passed.
    write_from: Instant,
    last_written: Option<u32>,
}

impl Mechanism {
    pub(super) fn new(model: DriveModel, sectors: u32) -> Self {
        Self {
            model,
            sectors,
            cylinder: 0,
            stream: None,
            reads_ahead: true,
            writes: VecDeque::new(),
            write_from: Instant::START,
            last_written: None,
        }
    }

    fn track(&self, sector: u32) -> u32 {
        sector / self.model.sectors_per_track
    }

    fn cylinder_of(&self, sector: u32) -> u32 {
        self.track(sector) / self.model.heads
    }

    fn cylinders(&self) -> u32 {
        self.cylinder_of(self.sectors.saturating_sub(1)) + 1
    }

    /// The first passage of `sector` that begins at or after `from`.
    fn passage(&self, sector: u32, from: Instant) -> Passage {
        let rate = self.model.sector_rate();
        let in_turn = u64::from(self.model.sectors_per_track);
        let skewed = u64::from(self.track(sector)) * self.model.skew();
        let slot = (u64::from(sector % self.model.sectors_per_track) + skewed) % in_turn;
        let next = rate.ticks_to_cover(from.since(Instant::START));
        let begin = next + (slot + in_turn - next % in_turn) % in_turn;
        Passage {
            begin: rate.instant(begin),
            end: rate.instant(begin + 1),
        }
    }

    /// The passage of the sector after `before`, from `at`, when the head was free.
    fn passage_after(&self, before: u32, at: Instant) -> Passage {
        let sector = before + 1;
        let switch = if self.track(sector) == self.track(before) {
            Span::ZERO
        } else {
            self.model.track_to_track
        };
        self.passage(sector, at + switch)
    }

    /// Moves the arm at `now`, or when what is being written has passed; gives when it has arrived.
    fn move_arm(&mut self, cylinder: u32, now: Instant) -> Instant {
        let now = self.last_write().map_or(now, |end| end.max(now));
        self.stop_stream(now);
        let distance = self.cylinder.abs_diff(cylinder);
        self.cylinder = cylinder;
        now + self.model.seek_time(distance, self.cylinders())
    }

    /// A seek to the cylinder of `sector`, which may lie behind the last.
    pub(super) fn seek(&mut self, sector: u32, now: Instant) -> Instant {
        let cylinder = self.cylinder_of(sector);
        self.move_arm(cylinder, now)
    }

    /// Ends the reading ahead: the arm stays at the cylinder where it has got to.
    fn stop_stream(&mut self, now: Instant) {
        let Some(mut stream) = self.stream.take() else {
            return;
        };
        while stream.arrival <= now && self.step(&mut stream) {}
        self.cylinder = self.cylinder_of(stream.sector);
    }

    /// Works the next sector of a stream out. False if it is not read: at the limit, or while the buffer is full.
    fn step(&self, stream: &mut Stream) -> bool {
        let next = stream.sector + 1;
        let room = stream.host + self.model.buffer_sectors;
        if next >= stream.limit || next >= room {
            return false;
        }
        // The place of the sector that the host took a buffer's length before.
        let place = u64::from(self.model.buffer_sectors) + u64::from(stream.host);
        let back = place - u64::from(next);
        let freed = (stream.taken.len() as u64)
            .checked_sub(back)
            .and_then(|index| stream.taken.get(index as usize));
        let from = freed.copied().unwrap_or(stream.arrival).max(stream.arrival);
        stream.arrival = self.passage_after(stream.sector, from).end;
        stream.sector = next;
        true
    }

    /// When the sectors from `sector` to `last` are in the buffer, for a command that wants those before `end` and is
    /// ready to read at `now`.
    pub(super) fn read(&mut self, sector: u32, last: u32, end: u32, now: Instant) -> Instant {
        let is_streaming = self
            .stream
            .as_ref()
            .is_some_and(|stream| stream.host == sector && last < stream.limit);
        if !is_streaming {
            let from = self.seek(sector, now);
            let limit = if self.reads_ahead { self.sectors } else { end };
            self.stream = Some(Stream {
                sector,
                arrival: self.passage(sector, from).end,
                host: sector,
                taken: VecDeque::new(),
                limit,
            });
        }
        let Some(mut stream) = self.stream.take() else {
            return now;
        };
        let mut arrival = stream.arrival;
        if last < stream.sector {
            arrival = now;
        }
        while stream.sector < last && self.step(&mut stream) {
            arrival = stream.arrival;
        }
        self.stream = Some(stream);
        arrival
    }

    /// The host has taken `count` sectors of the stream at `now`.
    pub(super) fn take(&mut self, count: u32, now: Instant) {
        let capacity = self.model.buffer_sectors as usize;
        if let Some(stream) = &mut self.stream {
            stream.host += count;
            for _ in 0..count {
                if stream.taken.len() == capacity {
                    stream.taken.pop_front();
                }
                stream.taken.push_back(now);
            }
        }
    }

    /// When `count` sectors from `sector` on have passed, for a command that moves no data.
    pub(super) fn pass(&mut self, sector: u32, count: u32, now: Instant) -> Instant {
        let from = self.seek(sector, now);
        let mut at = self.passage(sector, from).end;
        for before in sector..sector + count - 1 {
            at = self.passage_after(before, at).end;
        }
        self.cylinder = self.cylinder_of(sector + count - 1);
        at
    }

    /// A write command for `sector` begins: the arm moves.
    pub(super) fn begin_write(&mut self, sector: u32, now: Instant) {
        self.write_from = self.seek(sector, now);
        self.last_written = None;
    }

    /// The data of the next sector of a write command have come in at `now`.
    pub(super) fn write(&mut self, sector: u32, data: &Sector, now: Instant) {
        let switch = match self.last_written {
            Some(before) if self.track(before) != self.track(sector) => self.model.track_to_track,
            _ => Span::ZERO,
        };
        let passage = self.passage(sector, (self.write_from + switch).max(now));
        self.write_from = passage.end;
        self.last_written = Some(sector);
        self.cylinder = self.cylinder_of(sector);
        self.writes.push_back(PendingWrite {
            sector,
            passage,
            data: Box::new(*data),
        });
    }

    /// The next sector that passes, of those that have come in.
    pub(super) fn first_write(&self) -> Option<&PendingWrite> {
        self.writes.front()
    }

    pub(super) fn next_write(&self) -> Option<Instant> {
        self.writes.front().map(|write| write.passage.end)
    }

    /// When the last sector that has come in is on the medium; `None` if all are.
    pub(super) fn last_write(&self) -> Option<Instant> {
        self.writes.back().map(|write| write.passage.end)
    }

    /// When there is room for `count` sectors more beside those that are on their way; `None` if there is.
    pub(super) fn room_at(&self, count: u32) -> Option<Instant> {
        let room = self.model.buffer_sectors.saturating_sub(count) as usize;
        let too_many = self.writes.len().saturating_sub(room);
        let last = self.writes.get(too_many.checked_sub(1)?)?;
        Some(last.passage.end)
    }

    /// Takes the next sector that has passed at or before `at`.
    pub(super) fn written(&mut self, at: Instant) -> Option<PendingWrite> {
        if self.next_write()? > at {
            return None;
        }
        self.writes.pop_front()
    }

    /// The power fails at `now`: forgets the buffer; gives the sector that was under the writing head, if one was.
    pub(super) fn cut(&mut self, now: Instant) -> Option<PendingWrite> {
        self.stop_stream(now);
        let first = self.writes.pop_front();
        self.writes.clear();
        first.filter(|write| write.passage.begin < now && now < write.passage.end)
    }

    pub(super) fn is_writing(&self, now: Instant) -> bool {
        let first = self.writes.front();
        first.is_some_and(|write| write.passage.begin <= now && now < write.passage.end)
    }

    pub(super) fn buffer_sectors(&self) -> u32 {
        self.model.buffer_sectors
    }
}
