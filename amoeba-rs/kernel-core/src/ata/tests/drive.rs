//! A channel with drives that tests make, break and look into. It follows ATA-1 as far as the driver can notice, and
//! leaves interrupts out where a test wants it to.

use crate::ata::Ports;
use proto::disk::SECTOR;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::vec;
use std::vec::Vec;

const BUSY: u8 = 0x80;
const READY: u8 = 0x40;
const WRITE_FAULT: u8 = 0x20;
const DATA_REQUEST: u8 = 0x08;
const ERROR: u8 = 0x01;

/// From a command to its first block or its end, and from block to block, in microseconds.
pub(crate) const WORK: u64 = 3_000;

#[derive(Clone, Copy, PartialEq)]
enum Then {
    Done,
    Fail(u8),
    Offer,
    Ask,
    Silence,
}

#[derive(Clone, Copy, PartialEq)]
enum Activity {
    Idle,
    Busy(u64, Then),
    ToHost(usize),
    FromHost(usize),
}

/// A drive.
pub(crate) struct Drive {
    pub(crate) disk: Vec<u8>,
    pub(crate) has_lba: bool,
    pub(crate) multiple: u8,
    /// Cylinders, heads, sectors of a track, as it says.
    pub(crate) shape: [u16; 3],
    /// Sectors that fail so many times.
    pub(crate) bad: BTreeMap<u32, u32>,
    pub(crate) is_write_protected: bool,
    /// So many commands that move data get no answer.
    pub(crate) silences: u32,
    /// It is busy until then, in microseconds.
    pub(crate) busy_until: u64,
    /// An error in a block of several sectors ends the block before it; otherwise the block comes with the error.
    pub(crate) ends_blocks_early: bool,
    /// Commands that move data: their first sector and how many.
    pub(crate) moved: Vec<(u8, u32, u32)>,
    heads: u16,
    track_sectors: u16,
    current_multiple: u8,
    activity: Activity,
    status: u8,
    error: u8,
    block: Vec<u8>,
    sector: u32,
    left: u32,
    block_sectors: u32,
    writes: bool,
}

impl Drive {
    pub(crate) fn new(sectors: u32) -> Drive {
        let track = (0..sectors).flat_map(|sector| {
            let [low, high, ..] = sector.to_le_bytes();
            (0..SECTOR).map(move |place| low.wrapping_mul(3) ^ high ^ place as u8)
        });
        Drive {
            disk: track.collect(),
            has_lba: true,
            multiple: 8,
            shape: [(sectors / 40) as u16, 4, 10],
            bad: BTreeMap::new(),
            is_write_protected: false,
            silences: 0,
            busy_until: 0,
            ends_blocks_early: false,
            moved: Vec::new(),
            // What a BIOS has left.
            heads: 3,
            track_sectors: 7,
            current_multiple: 0,
            activity: Activity::Idle,
            status: READY,
            error: 1,
            block: Vec::new(),
            sector: 0,
            left: 0,
            block_sectors: 1,
            writes: false,
        }
    }

    pub(crate) fn sectors(&self) -> u32 {
        (self.disk.len() / SECTOR) as u32
    }

    fn identity(&self) -> Vec<u8> {
        let mut words = [0u16; SECTOR / 2];
        [words[1], words[3], words[6]] = self.shape;
        words[27..30].copy_from_slice(&[0x5445, 0x5354, 0x2020]);
        words[47] = self.multiple.into();
        if self.has_lba {
            words[49] = 0x0200;
            [words[60], words[61]] = [self.sectors() as u16, (self.sectors() >> 16) as u16];
        }
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn fails(&mut self, sector: u32) -> bool {
        match self.bad.get_mut(&sector) {
            Some(times) if *times > 0 => {
                *times -= 1;
                true
            }
            _ => false,
        }
    }

    fn bytes(&mut self, sector: u32) -> &mut [u8] {
        &mut self.disk[sector as usize * SECTOR..][..SECTOR]
    }
}

/// The registers that both drives share.
#[derive(Default)]
struct File {
    count: u8,
    number: u8,
    low: u8,
    high: u8,
    drive_head: u8,
}

/// A channel.
#[derive(Default)]
pub(crate) struct Wires {
    pub(crate) drives: [Option<Drive>; 2],
    /// Microseconds.
    pub(crate) now: u64,
    file: File,
    control: u8,
    /// The line of the interrupt.
    line: bool,
    /// It has risen.
    pub(crate) has_risen: bool,
    pub(crate) resets: u32,
}

impl Wires {
    fn selected(&self) -> usize {
        usize::from(self.file.drive_head & 0x10 != 0)
    }

    fn raise(&mut self) {
        self.has_risen |= !self.line;
        self.line = true;
    }

    /// When a drive does something by itself.
    pub(crate) fn next_event(&self) -> Option<u64> {
        let times = self
            .drives
            .iter()
            .flatten()
            .filter_map(|drive| match drive.activity {
                Activity::Busy(until, then) if then != Then::Silence => Some(until),
                _ => None,
            });
        times.min()
    }

    /// Lets happen what is due.
    pub(crate) fn settle(&mut self) {
        for number in 0..2 {
            let Some(drive) = &mut self.drives[number] else {
                continue;
            };
            let Activity::Busy(until, then) = drive.activity else {
                continue;
            };
            if until > self.now || then == Then::Silence {
                continue;
            }
            drive.activity = Activity::Idle;
            match then {
                Then::Done | Then::Silence => {}
                Then::Fail(error) => {
                    drive.error = error;
                    drive.status |= ERROR;
                    self.point(number);
                }
                Then::Offer => self.offer(number),
                Then::Ask => drive.activity = Activity::FromHost(0),
            }
            self.raise();
        }
    }

    /// The registers show the sector at which a drive is.
    fn point(&mut self, number: usize) {
        let Some(drive) = &self.drives[number] else {
            return;
        };
        let head = if self.file.drive_head & 0x40 != 0 {
            let [number, low, high, top] = drive.sector.to_le_bytes();
            (self.file.number, self.file.low, self.file.high) = (number, low, high);
            top
        } else {
            let track = drive.sector / u32::from(drive.track_sectors);
            let [low, high, ..] = (track / u32::from(drive.heads)).to_le_bytes();
            (self.file.low, self.file.high) = (low, high);
            self.file.number = (drive.sector % u32::from(drive.track_sectors)) as u8 + 1;
            (track % u32::from(drive.heads)) as u8
        };
        self.file.drive_head = self.file.drive_head & 0xf0 | head;
    }

    /// A block for the host.
    fn offer(&mut self, number: usize) {
        let Some(drive) = &mut self.drives[number] else {
            return;
        };
        if drive.left == 0 {
            // What the drive says of itself.
            drive.activity = Activity::ToHost(0);
            return;
        }
        let count = drive.block_sectors.min(drive.left);
        drive.block.clear();
        for sector in drive.sector..drive.sector + count {
            if drive.fails(sector) {
                let is_first = sector == drive.sector;
                if drive.ends_blocks_early && !is_first {
                    // It fails again when it is read first in its block.
                    *drive.bad.get_mut(&sector).expect("it is bad") += 1;
                    break;
                }
                drive.error = 0x40;
                drive.status |= ERROR;
                let at = drive.sector;
                drive.sector = sector;
                self.point(number);
                let drive = self.drives[number].as_mut().expect("a drive");
                drive.sector = at;
                if !drive.ends_blocks_early {
                    // The data comes all the same, such as it is.
                    drive.block.resize(count as usize * SECTOR, 0xbd);
                    drive.activity = Activity::ToHost(0);
                    drive.left = 0;
                }
                return;
            }
            let bytes = drive.bytes(sector).to_vec();
            drive.block.extend(bytes);
        }
        drive.activity = Activity::ToHost(0);
    }

    fn address(&self, drive: &Drive) -> Option<u32> {
        let head = u32::from(self.file.drive_head & 0x0f);
        let cylinder = u32::from(u16::from_le_bytes([self.file.low, self.file.high]));
        let number = u32::from(self.file.number);
        let sector = if self.file.drive_head & 0x40 != 0 {
            head << 24 | cylinder << 8 | number
        } else {
            let is_there =
                head < drive.heads.into() && (1..=u32::from(drive.track_sectors)).contains(&number);
            if !is_there {
                return None;
            }
            (cylinder * u32::from(drive.heads) + head) * u32::from(drive.track_sectors) + number - 1
        };
        (sector < drive.sectors() && (drive.has_lba || self.file.drive_head & 0x40 == 0)).then_some(sector)
    }

    fn command(&mut self, code: u8) {
        let number = self.selected();
        let Some(mut drive) = self.drives[number].take() else {
            return;
        };
        if drive.activity == Activity::Idle || matches!(drive.activity, Activity::ToHost(_)) {
            self.line = false;
            drive.status = READY;
            drive.activity = self.obey(&mut drive, code);
        }
        self.drives[number] = Some(drive);
    }

    fn obey(&mut self, drive: &mut Drive, code: u8) -> Activity {
        let busy = |then| Activity::Busy(self.now + WORK, then);
        let count = self.file.count;
        match code {
            0x10 => busy(Then::Done),
            0x91 => {
                drive.heads = u16::from(self.file.drive_head & 0x0f) + 1;
                drive.track_sectors = count.into();
                busy(Then::Done)
            }
            0xc6 if count.is_power_of_two() && count <= drive.multiple => {
                drive.current_multiple = count;
                busy(Then::Done)
            }
            0xec => {
                drive.block = drive.identity();
                drive.left = 0;
                drive.block_sectors = 0;
                busy(Then::Offer)
            }
            0x20 => self.start(drive, code, 1, false),
            0x30 => self.start(drive, code, 1, true),
            0xc4 if drive.current_multiple > 0 => self.start(drive, code, drive.current_multiple, false),
            0xc5 if drive.current_multiple > 0 => self.start(drive, code, drive.current_multiple, true),
            _ => busy(Then::Fail(0x04)),
        }
    }

    fn start(&mut self, drive: &mut Drive, code: u8, block: u8, writes: bool) -> Activity {
        let Some(sector) = self.address(drive) else {
            return Activity::Busy(self.now + WORK, Then::Fail(0x10));
        };
        drive.sector = sector;
        drive.left = if self.file.count == 0 {
            256
        } else {
            self.file.count.into()
        };
        drive.block_sectors = block.into();
        drive.writes = writes;
        drive.moved.push((code, sector, drive.left));
        if drive.silences > 0 {
            drive.silences -= 1;
            return Activity::Busy(u64::MAX, Then::Silence);
        }
        if writes && drive.is_write_protected {
            drive.status |= WRITE_FAULT;
            return Activity::Busy(self.now + WORK, Then::Fail(0x04));
        }
        if writes {
            drive.block = vec![0; u32::from(block).min(drive.left) as usize * SECTOR];
            return Activity::FromHost(0);
        }
        Activity::Busy(self.now + WORK, Then::Offer)
    }

    fn word_to_host(&mut self) -> u16 {
        let now = self.now;
        let number = self.selected();
        let Some(drive) = &mut self.drives[number] else {
            return 0xffff;
        };
        let Activity::ToHost(next) = drive.activity else {
            return 0xffff;
        };
        let word = u16::from_le_bytes([drive.block[next], drive.block[next + 1]]);
        drive.activity = Activity::ToHost(next + 2);
        if next + 2 == drive.block.len() {
            let moved = (drive.block.len() / SECTOR) as u32;
            drive.activity = Activity::Idle;
            if drive.left > 0 {
                drive.left -= moved;
                drive.sector += moved;
            }
            if drive.left > 0 {
                drive.activity = Activity::Busy(now + WORK, Then::Offer);
            }
        }
        word
    }

    fn word_from_host(&mut self, word: u16) {
        let now = self.now;
        let number = self.selected();
        let Some(drive) = &mut self.drives[number] else {
            return;
        };
        let Activity::FromHost(next) = drive.activity else {
            return;
        };
        drive.block[next..next + 2].copy_from_slice(&word.to_le_bytes());
        drive.activity = Activity::FromHost(next + 2);
        if next + 2 < drive.block.len() {
            return;
        }
        drive.activity = Activity::Busy(now + WORK, Then::Done);
        for bytes in drive.block.clone().chunks(SECTOR) {
            if drive.fails(drive.sector) {
                drive.activity = Activity::Busy(now + WORK, Then::Fail(0x10));
                return;
            }
            let sector = drive.sector;
            drive.bytes(sector).copy_from_slice(bytes);
            drive.sector += 1;
            drive.left -= 1;
        }
        if drive.left > 0 {
            drive.block = vec![0; drive.block_sectors.min(drive.left) as usize * SECTOR];
            drive.activity = Activity::Busy(now + WORK, Then::Ask);
        }
    }

    fn reset(&mut self) {
        self.resets += 1;
        self.line = false;
        self.file = File::default();
        for drive in self.drives.iter_mut().flatten() {
            drive.activity = Activity::Idle;
            drive.current_multiple = 0;
            drive.status = READY;
            drive.busy_until = drive.busy_until.max(self.now + WORK);
        }
    }

    fn status(&self) -> u8 {
        let Some(drive) = &self.drives[self.selected()] else {
            return if self.drives[0].is_some() { 0 } else { 0xff };
        };
        match drive.activity {
            _ if self.now < drive.busy_until => BUSY,
            Activity::Busy(..) => BUSY,
            Activity::Idle => drive.status,
            Activity::ToHost(_) | Activity::FromHost(_) => drive.status | DATA_REQUEST,
        }
    }

    fn read(&mut self, port: u16) -> u8 {
        self.now += 1;
        self.settle();
        let is_empty = self.drives.iter().all(Option::is_none);
        match port {
            _ if is_empty => 0xff,
            0x1f1 => self.drives[self.selected()]
                .as_ref()
                .map_or(0, |drive| drive.error),
            0x1f2 => self.file.count,
            0x1f3 => self.file.number,
            0x1f4 => self.file.low,
            0x1f5 => self.file.high,
            0x1f6 => self.file.drive_head,
            0x1f7 => {
                self.line = false;
                self.status()
            }
            0x3f6 => self.status(),
            _ => panic!("port {port:x} is read"),
        }
    }

    fn write(&mut self, port: u16, value: u8) {
        self.now += 1;
        self.settle();
        match port {
            0x1f2 => self.file.count = value,
            0x1f3 => self.file.number = value,
            0x1f4 => self.file.low = value,
            0x1f5 => self.file.high = value,
            0x1f6 => self.file.drive_head = value,
            0x1f7 => self.command(value),
            0x3f6 => {
                if value & 0x04 != 0 && self.control & 0x04 == 0 {
                    self.reset();
                }
                self.control = value;
            }
            _ => panic!("port {port:x} is written"),
        }
    }
}

/// A channel that its driver and its test share.
#[derive(Clone, Default)]
pub(crate) struct Shared(pub(crate) Rc<RefCell<Wires>>);

impl Ports for Shared {
    fn read(&mut self, port: u16) -> u8 {
        self.0.borrow_mut().read(port)
    }

    fn write(&mut self, port: u16, value: u8) {
        self.0.borrow_mut().write(port, value);
    }

    fn read_words(&mut self, port: u16, to: &mut [u8]) {
        assert_eq!(port, 0x1f0);
        for place in to.as_chunks_mut::<2>().0 {
            *place = self.0.borrow_mut().word_to_host().to_le_bytes();
        }
    }

    fn write_words(&mut self, port: u16, from: &[u8]) {
        assert_eq!(port, 0x1f0);
        for word in from.as_chunks::<2>().0 {
            self.0.borrow_mut().word_from_host(u16::from_le_bytes(*word));
        }
    }
}
