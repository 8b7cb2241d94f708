//! amlab's models of the controller, its drives and the 8237, with disks that tests put in, take out and look into.

use crate::floppy::{BUFFER, Ports};
use clock::Instant;
use devices::{
    Context, DmaControllers, Effect, FloppyController, FloppyDriveKind, Medium, Sector, TransferKind,
};
use proto::disk::SECTOR;
use std::cell::RefCell;
use std::rc::Rc;
use std::vec;
use std::vec::Vec;

/// Where the buffer lies.
const ADDRESS: u32 = 0x2_3000;

/// A disk.
#[derive(Clone, Debug)]
pub(crate) struct Floppy {
    pub(crate) data: Vec<u8>,
    pub(crate) is_write_protected: bool,
    /// How often sectors have been read or written.
    pub(crate) accesses: RefCell<u32>,
}

impl Floppy {
    /// A disk of so many sectors, each of which differs from the others, and from those of disks with another seed.
    pub(crate) fn new(sectors: u32, seed: u8) -> Floppy {
        let sector = |number: u32| {
            let [low, high, ..] = number.to_le_bytes();
            (0..SECTOR).map(move |place| low.wrapping_mul(5) ^ high ^ place as u8 ^ seed)
        };
        Floppy {
            data: (0..sectors).flat_map(sector).collect(),
            is_write_protected: false,
            accesses: RefCell::new(0),
        }
    }

    fn place(sector: u32) -> core::ops::Range<usize> {
        sector as usize * SECTOR..(sector as usize + 1) * SECTOR
    }
}

impl Medium for Floppy {
    fn sectors(&self) -> u32 {
        (self.data.len() / SECTOR) as u32
    }

    fn is_write_protected(&self) -> bool {
        self.is_write_protected
    }

    fn read(&self, sector: u32, data: &mut Sector) {
        *self.accesses.borrow_mut() += 1;
        data.copy_from_slice(&self.data[Self::place(sector)]);
    }

    fn write(&mut self, sector: u32, data: &Sector) {
        *self.accesses.borrow_mut() += 1;
        self.data[Self::place(sector)].copy_from_slice(data);
    }
}

/// The board.
pub(crate) struct Model {
    chip: FloppyController,
    dma: DmaControllers,
    pub(crate) media: [Option<Floppy>; 2],
    pub(crate) now: Instant,
    alarm: Instant,
    line: bool,
    has_risen: bool,
    memory: Vec<u8>,
    /// So many interrupts do not reach the driver.
    pub(crate) lost_interrupts: u32,
    /// The next so many transfers by DMA do not take place, so the controller runs over.
    pub(crate) stalls: u32,
    is_stalled: bool,
    /// Nothing answers at the ports.
    pub(crate) is_gone: bool,
    /// What was last written to the digital output register.
    output: u8,
}

impl Model {
    fn new(kinds: [Option<FloppyDriveKind>; 2]) -> Model {
        Model {
            chip: FloppyController::new(kinds),
            dma: DmaControllers::new(),
            media: [None, None],
            now: Instant::START,
            alarm: Instant::NEVER,
            line: false,
            has_risen: false,
            memory: vec![0xee; BUFFER + 64],
            lost_interrupts: 0,
            stalls: 0,
            is_stalled: false,
            is_gone: false,
            output: 0,
        }
    }

    /// Calls the chip, and does what it wants of the board.
    fn call<R>(
        &mut self,
        action: impl FnOnce(&mut FloppyController, &mut [Option<Floppy>; 2], &mut Context<'_>) -> R,
    ) -> R {
        let mut effects = Vec::new();
        let mut context = Context::new(self.now, &mut effects);
        let result = action(&mut self.chip, &mut self.media, &mut context);
        for effect in effects {
            match effect {
                Effect::InterruptRequest { line, asserted } => {
                    assert_eq!(line, 6);
                    self.raise(asserted);
                }
                Effect::DmaRequest { channel, asserted } => self.dma.set_request(channel, asserted),
                Effect::Wake(at) => self.alarm = at,
                other => panic!("{other:?}"),
            }
        }
        result
    }

    fn raise(&mut self, is_up: bool) {
        if is_up && !self.line {
            if self.lost_interrupts > 0 {
                self.lost_interrupts -= 1;
            } else {
                self.has_risen = true;
            }
        }
        self.line = is_up;
    }

    /// Moves what DMA can move now.
    fn transfer(&mut self) {
        while self.dma.is_requesting_bus() && !self.is_stalled {
            let Some(unit) = self.dma.serve() else { return };
            let place = unit.address.wrapping_sub(ADDRESS) as usize;
            assert!(place < BUFFER, "DMA at {:x}", unit.address);
            match unit.kind {
                TransferKind::DeviceToMemory => {
                    let byte = self.call(|chip, media, cx| chip.dma_read(unit.is_terminal_count, media, cx));
                    self.memory[place] = byte;
                }
                TransferKind::MemoryToDevice => {
                    let byte = self.memory[place];
                    self.call(|chip, media, cx| chip.dma_write(byte, unit.is_terminal_count, media, cx));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Lets time pass up to then, or up to the next interrupt.
    pub(crate) fn pass(&mut self, until: Instant) {
        self.transfer();
        while !self.has_risen && self.alarm <= until {
            self.now = self.now.max(self.alarm);
            self.alarm = Instant::NEVER;
            self.call(|chip, media, cx| chip.wake(media, cx));
            self.transfer();
        }
        if !self.has_risen {
            self.now = self.now.max(until);
        }
    }

    /// Whether an interrupt waits to be handled.
    pub(crate) fn has_risen(&self) -> bool {
        self.has_risen
    }

    pub(crate) fn insert(&mut self, drive: usize, disk: Floppy) {
        self.media[drive] = Some(disk);
        let inserted = self.call(|chip, media, cx| chip.insert(drive, media, cx));
        inserted.expect("a disk for this drive");
    }

    pub(crate) fn eject(&mut self, drive: usize) -> Option<Floppy> {
        self.call(|chip, media, cx| chip.eject(drive, media, cx));
        self.media[drive].take()
    }

    /// Which motors run, a bit each.
    pub(crate) fn motors(&self) -> u8 {
        self.output >> 4
    }
}

/// The board, for the driver and the test.
#[derive(Clone)]
pub(crate) struct Shared(pub(crate) Rc<RefCell<Model>>);

impl Shared {
    pub(crate) fn new(kinds: [Option<FloppyDriveKind>; 2]) -> Shared {
        Shared(Rc::new(RefCell::new(Model::new(kinds))))
    }
}

impl Ports for Shared {
    fn read(&mut self, port: u16) -> u8 {
        let mut model = self.0.borrow_mut();
        match port {
            _ if model.is_gone => 0xff,
            0x3f0..=0x3f7 => model.call(|chip, media, cx| chip.read(port, media, cx)),
            _ => panic!("nobody reads port {port:x}h"),
        }
    }

    fn write(&mut self, port: u16, value: u8) {
        let mut model = self.0.borrow_mut();
        if port == 0x3f2 {
            model.output = value;
        }
        if (port, value) == (0x0a, 0x02) {
            model.is_stalled = model.stalls > 0;
            model.stalls = model.stalls.saturating_sub(1);
        }
        match port {
            _ if model.is_gone => {}
            0x3f0..=0x3f7 => model.call(|chip, media, cx| chip.write(port, value, media, cx)),
            0x00..=0x0f | 0x80..=0x8f | 0xc0..=0xdf => model.dma.write(port, value),
            _ => panic!("nobody writes port {port:x}h"),
        }
        model.transfer();
    }

    fn take_interrupt(&mut self) -> bool {
        core::mem::take(&mut self.0.borrow_mut().has_risen)
    }

    fn buffer_address(&self) -> u32 {
        ADDRESS
    }

    fn write_buffer(&mut self, data: &[u8]) {
        self.0.borrow_mut().memory[..data.len()].copy_from_slice(data);
    }

    fn read_buffer(&mut self, data: &mut [u8]) {
        data.copy_from_slice(&self.0.borrow().memory[..data.len()]);
    }
}
