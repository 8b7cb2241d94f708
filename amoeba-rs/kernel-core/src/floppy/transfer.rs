//! Commands that move data, and what comes of them.

use super::registers::{SIZE_512, Status0, Status1, command};
use super::request::{Purpose, Request, Wanted};
use super::wire::Outcome;
use super::{
    Controller, Direction, Disk, Failure, Format, Inquiry, NOBODY, OWN, Ports, Running, SECTOR, State,
};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What sectors are filled with by FORMAT (IBM PC/AT Technical Reference, diskette parameter table).
const FILLER: u8 = 0xf6;
/// DTL, which means nothing for sectors of this size.
const NO_LENGTH: u8 = 0xff;

/// Whether a command has done what it should. A sector with a mark of deleted data (in ST2) is none of ours.
fn is_good(outcome: &Outcome) -> bool {
    let status = Status0::from_bits_retain(outcome[0]);
    !status.intersects(Status0::ABNORMAL | Status0::INVALID) && outcome[1] == 0 && outcome[2] == 0
}

impl<P: Ports> Controller<P> {
    /// Goes on with the current request on a disk that is known and turns.
    pub(super) fn go_on(&mut self, number: usize, position: u8, format: &'static Format) {
        let is_remembered = self.drives[number].as_ref().is_some_and(|drive| {
            let mark = drive.disk.as_ref().and_then(|disk| disk.mark.as_ref());
            mark.is_some() && mark == drive.remembered.as_ref()
        });
        let Some(request) = &mut self.current else {
            return;
        };
        if request.work.purpose == Purpose::Format {
            request.count = u32::from(format.cylinders) * u32::from(format.heads);
        } else if request.sector + request.count > format.sectors() {
            return self.end_request(Err(Failure::Beyond));
        }
        if request.work.wanted == Wanted::Remembered && !is_remembered {
            return self.end_request(Err(Failure::NoDrive));
        }
        let (purpose, tries) = (request.work.purpose, request.tries);
        let left = request.count - request.done;
        let sector = match purpose {
            Purpose::Format => request.done * u32::from(format.track_sectors),
            _ => request.sector + request.done,
        };
        let (cylinder, head, _) = format.place(sector);
        if cylinder * format.steps != position {
            return self.seek(number, cylinder * format.steps);
        }
        request.work.has_begun = true;
        // After a failure one sector at a time: so it is plain which one it is, and those before it are good.
        let in_cylinder = format.cylinder_sectors() - sector % format.cylinder_sectors();
        let count = if tries > 0 { 1 } else { left.min(in_cylinder) };
        match purpose {
            Purpose::Look => self.end_request(Ok(())),
            Purpose::Move(Direction::Read) => {
                request.make_room();
                self.start_read(number, format, sector, count, Running::Move(count));
            }
            Purpose::Move(Direction::Write) => {
                let length = count as usize * SECTOR;
                self.ports.write_buffer(request.bytes(count));
                self.prepare_dma(length, false);
                self.give(command::WRITE, number, format, sector, Running::Move(count));
            }
            Purpose::Format => self.format_track(number, format, (cylinder, head)),
        }
    }

    pub(super) fn start_read(
        &mut self,
        number: usize,
        format: &'static Format,
        sector: u32,
        count: u32,
        running: Running,
    ) {
        self.prepare_dma(count as usize * SECTOR, true);
        self.give(command::READ, number, format, sector, running);
    }

    /// Gives READ or WRITE; the end of DMA says how many sectors it is about.
    fn give(&mut self, code: u8, number: usize, format: &'static Format, sector: u32, running: Running) {
        let (cylinder, head, first) = format.place(sector);
        self.set_rate(format.rate);
        let unit = head << 2 | number as u8;
        let last = format.track_sectors;
        let bytes = [
            code, unit, cylinder, head, first, SIZE_512, last, format.gap, NO_LENGTH,
        ];
        self.command(&bytes, running);
    }

    /// Has the track under the head formatted, its sectors in the order of their numbers.
    fn format_track(&mut self, number: usize, format: &'static Format, (cylinder, head): (u8, u8)) {
        let ids: Vec<u8> = (1..=format.track_sectors)
            .flat_map(|sector| [cylinder, head, sector, SIZE_512])
            .collect();
        self.ports.write_buffer(&ids);
        self.prepare_dma(ids.len(), false);
        self.set_rate(format.rate);
        let unit = head << 2 | number as u8;
        let (sectors, gap) = (format.track_sectors, format.format_gap);
        let bytes = [command::FORMAT, unit, SIZE_512, sectors, gap, FILLER];
        self.command(&bytes, Running::FormatTrack);
    }

    /// Looks whether a command has ended.
    pub(super) fn look_at(&mut self, running: Running) -> bool {
        let Some(drive) = self.current.as_ref().map(|request| request.drive) else {
            self.reset();
            return true;
        };
        if !self.has_outcome() {
            return self.watch(drive);
        }
        let Some(outcome) = self.outcome() else {
            self.fail_silent();
            return true;
        };
        self.end_dma();
        self.ports.take_interrupt();
        self.enter(State::Idle);
        match running {
            Running::Inquiry => self.inquired(drive, is_good(&outcome)),
            _ if !is_good(&outcome) => {
                let status = Status1::from_bits_retain(outcome[1]);
                self.failed(drive, status.contains(Status1::NOT_WRITABLE));
            }
            Running::Move(count) => self.moved(count),
            Running::FormatTrack => self.progress(1),
        }
        true
    }

    /// A command of the inquiry has ended.
    fn inquired(&mut self, number: usize, is_good: bool) {
        const MARK_TRIES: u32 = 3;
        let mut mark = Box::new([0; SECTOR]);
        self.ports.read_buffer(&mut mark[..]);
        let (Some(drive), Some(request)) = (&mut self.drives[number], &mut self.current) else {
            return;
        };
        drive.inquiry = match drive.inquiry {
            Inquiry::Format(tried) if is_good => {
                let formats = drive.kind.formats();
                Inquiry::Mark(&formats[tried % formats.len()])
            }
            Inquiry::Format(tried) => {
                // The head may not be where it should.
                drive.position = None;
                Inquiry::Format(tried + 1)
            }
            Inquiry::Mark(_) if !is_good && request.tries + 1 < MARK_TRIES => {
                request.tries += 1;
                return;
            }
            Inquiry::Mark(format) => {
                let mark = is_good.then_some(mark);
                drive.disk = Some(Disk { format, mark });
                request.tries = 0;
                Inquiry::Format(0)
            }
        };
    }

    /// So many sectors have been moved.
    fn moved(&mut self, count: u32) {
        if let Some(request) = &mut self.current
            && request.work.purpose == Purpose::Move(Direction::Read)
        {
            self.ports.read_buffer(request.bytes(count));
        }
        self.progress(count);
    }

    fn progress(&mut self, count: u32) {
        self.statistics.commands += 1;
        if let Some(request) = &mut self.current {
            request.done += count;
            request.tries = 0;
            if request.done == request.count {
                self.end_request(Ok(()));
            }
        }
    }

    /// The current request has ended.
    pub(super) fn end_request(&mut self, result: Result<(), Failure>) {
        let Some(request) = self.current.take() else {
            return;
        };
        let changes_mark = match request.work.purpose {
            Purpose::Format => true,
            Purpose::Move(Direction::Write) => request.sector == 0,
            Purpose::Look | Purpose::Move(Direction::Read) => false,
        };
        if changes_mark && request.work.has_begun {
            self.forget(request.drive);
        }
        if let Some(drive) = self.drive_mut(request.drive) {
            drive.is_known |= request.id == OWN;
            drive.sector = request.sector + request.count;
        }
        self.keep_turning();
        self.report(request, result);
        self.enter(State::Idle);
    }

    pub(super) fn report(&mut self, request: Request, result: Result<(), Failure>) {
        if ![OWN, NOBODY].contains(&request.id) {
            let data = match request.work.purpose {
                Purpose::Move(Direction::Read) => request.data,
                _ => Vec::new(),
            };
            self.done.push_back((request.id, result.map(|()| data)));
        }
    }
}
