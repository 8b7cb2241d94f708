//! A board: memory, chips and cards wired together as an ISA AT, seen by the processor through [`cpu::Bus`].
//!
//! The board owns every chip and is the only one that knows them all. A chip is called with a [`Context`] and what it
//! does to the others comes back as [`Effect`]s, which [`Board::apply`] carries out. Time on the board is the
//! processor's cycle counter; chips see it as an [`Instant`].
//!
//! Left out so far: something in the connector of the second serial port.

mod bus;
mod cache;
mod dma;
mod isa;
mod ports;
mod setup;
mod storage;
mod window;

use std::collections::{BTreeMap, VecDeque};

use clock::{Agenda, Instant, Rate, Span};
use cpu::{Cycle, Page};
use devices::{
    AtaController, Context, DmaControllers, Effect, FloppyController, InsertError, InterruptControllers,
    KeyboardController, PostCodes, RealTimeClock, SerialPort, SystemControl, Timer, TornSector, Vga,
};
use ne2000::Card;
use thiserror::Error;
use wire::Notice;

use crate::lab;
use crate::media::{DiskImage, Media};
use crate::rom::{OptionRoms, RomError, RomPlace};
use crate::runtime::ResetCause;
use cache::{MemoryTiming, Waits};
use dma::DmaResult;
pub(crate) use isa::at_or_after;
use isa::{CycleLengths, IsaBus};
use ports::Target;

/// Whoever sleeps on the board's agenda.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chip {
    Timer,
    RealTimeClock,
    Keyboard,
    Serial(usize),
    Floppy,
    Ata,
    /// The DMA controllers, which sleep only until the bus is free.
    Dma,
    /// Chips that never sleep.
    Wakeless,
    Card(usize),
}

/// Something that left the board in virtual time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// A character from COM1.
    Console(u8),
    /// A POST code.
    Post(u8),
    /// The processor was reset.
    Reset(ResetCause),
    /// The power was switched on, or off.
    Power(bool),
}

/// Memory, chips and cards of one machine.
#[derive(Clone, Debug)]
pub(crate) struct Board {
    /// The memory, then the ROM, then the pages of option ROMs.
    memory: Vec<u8>,
    ram_bytes: u32,
    rom: Option<RomPlace>,
    option_roms: OptionRoms,
    option_roms_start: u32,
    memory_timing: MemoryTiming,
    isa: IsaBus,
    processor_clock: Rate,

    interrupt_controllers: InterruptControllers,
    timer: Timer,
    real_time_clock: RealTimeClock,
    keyboard: KeyboardController,
    /// COM1 and, where it is fitted, COM2.
    serial: [SerialPort; 2],
    has_second_serial: bool,
    vga: Vga,
    system_control: SystemControl,
    post_codes: PostCodes,
    cards: Vec<Card>,
    dma: DmaControllers,
    dma_handover: u32,
    dma_result: DmaResult,
    floppy: FloppyController,
    floppies: [Option<DiskImage>; 2],
    ata: AtaController,
    disks: [Option<DiskImage>; 2],

    agenda: Agenda<Chip>,
    /// Notices from the segments, by the instant at which they reach their card, then by card, then in the order of
    /// arrival: when a segment hands a notice over plays no part, except among the notices of one card.
    inbox: BTreeMap<(Instant, usize, u64), Notice>,
    notices_taken: u64,
    /// What each card is told of frames that are still under way, in the order of instants. Nothing comes of it before
    /// the card is called for another reason, so it wakes nobody.
    announcements: Vec<VecDeque<Notice>>,
    effects: Vec<Effect>,
    outputs: Vec<(Instant, Output)>,

    /// Everything outside this machine is known before this instant: chips never see it or a later time.
    settled: Instant,
    /// No instruction begins at or after this instant.
    end: Instant,
    /// The same as a cycle, or the cycle of the earliest alarm if that comes first.
    until: Cycle,
    a20: A20,
    map_generation: u32,
    /// Pages below 1 MB that are no memory because cards watch for reads of the ROM there.
    watched_pages: Vec<u32>,
    is_reset_requested: bool,
    interrupts_acknowledged: u64,
}

/// The two drivers of the A20 gate; the line is high when either is.
#[derive(Clone, Copy, Debug, Default)]
struct A20 {
    keyboard: bool,
    fast: bool,
}

impl A20 {
    fn is_high(self) -> bool {
        self.keyboard || self.fast
    }
}

impl Board {
    /// A board as `machine` describes it, with `roms` in its sockets and `media` in its drives, powered on at the lab's
    /// start. `epoch_seconds` sets its CMOS clock.
    ///
    /// # Errors
    /// The ROM has a size that the socket does not take, or a disk does not belong into its drive.
    pub(crate) fn new(
        machine: &lab::Machine,
        epoch_seconds: i64,
        roms: &Roms<'_>,
        media: Media,
    ) -> Result<Self, BoardError> {
        let timing = &machine.timing;
        let rom = roms.bios;
        let place = rom.map(|rom| RomPlace::new(rom.len())).transpose()?;
        let mut memory = vec![0; machine.memory_bytes as usize];
        memory.extend_from_slice(rom.unwrap_or_default());
        let option_roms_start = memory.len() as u32;
        let (option_roms, bytes) = OptionRoms::new(roms.options.iter().copied());
        memory.extend_from_slice(&bytes);
        let lengths = CycleLengths {
            narrow: timing.isa_8bit.value,
            narrow_zero_wait: timing.isa_8bit_zero_wait.value,
            wide: timing.isa_16bit.value,
            wide_zero_wait: timing.isa_16bit_zero_wait.value,
            wide_io: timing.isa_16bit_io.value,
            refresh: timing.isa_refresh.value,
            acknowledge: timing.interrupt_acknowledge.value,
            recovery: timing.isa_recovery.value,
        };
        let mut board = Self {
            memory,
            ram_bytes: machine.memory_bytes,
            rom: place,
            option_roms,
            option_roms_start,
            memory_timing: memory_timing(machine),
            isa: IsaBus::new(machine.cpu_clock, machine.isa_clock, lengths),
            processor_clock: machine.cpu_clock,
            interrupt_controllers: InterruptControllers::new(),
            timer: Timer::new(),
            real_time_clock: RealTimeClock::new(epoch_seconds),
            keyboard: KeyboardController::new(),
            serial: [SerialPort::new(4), SerialPort::unconnected(3)],
            has_second_serial: machine.has_second_serial,
            vga: Vga::new(),
            system_control: SystemControl::new(),
            post_codes: PostCodes::new(machine.post_port),
            cards: machine
                .cards
                .iter()
                .map(|card| Card::new(&card.settings))
                .collect(),
            dma: DmaControllers::new(),
            dma_handover: timing.dma_handover.value,
            dma_result: DmaResult::default(),
            floppy: storage::floppy_controller(machine),
            floppies: media.floppies,
            ata: storage::ata_controller(machine, &media.disks),
            disks: media.disks,
            agenda: Agenda::default(),
            inbox: BTreeMap::new(),
            notices_taken: 0,
            announcements: vec![VecDeque::new(); machine.cards.len()],
            effects: Vec::new(),
            outputs: Vec::new(),
            settled: Instant::NEVER,
            end: Instant::START,
            until: 0,
            a20: A20::default(),
            map_generation: 0,
            watched_pages: Vec::new(),
            is_reset_requested: false,
            interrupts_acknowledged: 0,
        };
        for (index, value) in setup::bytes(machine) {
            board.real_time_clock.set_cmos(index, value);
        }
        board.insert_floppies()?;
        Ok(board)
    }

    /// All of memory and the ROM, for the trace.
    pub(crate) fn memory(&self) -> &[u8] {
        &self.memory
    }

    /// All of memory, for the loader.
    pub(crate) fn memory_mut(&mut self) -> &mut [u8] {
        &mut self.memory[..self.ram_bytes as usize]
    }

    /// Bytes of memory or ROM from physical address `address` on, up to the end of its page; none where a device is.
    /// For reports: nothing notices.
    pub(crate) fn peek(&self, address: u32) -> &[u8] {
        match self.memory_page(address) {
            Page::Memory { frame, .. } => {
                let start = (frame << 12) as usize;
                &self.memory[start..start + 0x1000][(address & 0xFFF) as usize..]
            }
            Page::Device => &[],
        }
    }

    /// Chips as a BIOS leaves them when it hands over: A20 open, interrupt controllers at vectors 8h and 70h with all
    /// lines but timer, keyboard and cascade masked, counter 0 at 18.2 Hz, the keyboard on, DMA channel 4 the cascade.
    pub(crate) fn hand_over_from_bios(&mut self, now: Instant) {
        // The timer before the interrupt controllers: their initialisation forgets the edge that its programming makes.
        let writes = [
            (0x43, 0x36),
            (0x40, 0x00),
            (0x40, 0x00),
            (0x20, 0x11),
            (0x21, 0x08),
            (0x21, 0x04),
            (0x21, 0x01),
            (0x21, 0xF8),
            (0xA0, 0x11),
            (0xA1, 0x70),
            (0xA1, 0x02),
            (0xA1, 0x01),
            (0xA1, 0xFF),
            (0x64, 0x60),
            (0x60, 0x45),
            (0xD6, 0xC0),
            (0xD4, 0x00),
        ];
        for (port, value) in writes {
            self.write_port(now, port, 1, value);
        }
        self.call(now, Chip::Keyboard, |board, cx| board.keyboard.enable_a20(cx));
    }

    /// Lets the processor begin instructions before `end` and finish the last one with all that is known before
    /// `settled`.
    pub(crate) fn set_end(&mut self, end: Instant, settled: Instant) {
        self.end = end;
        self.settled = settled;
        self.find_until();
    }

    /// `at`, or the last instant about which everything is known if that comes first.
    pub(crate) fn seen(&self, at: Instant) -> Instant {
        at.min(self.settled - Span::from_picoseconds(1))
    }

    /// The earliest instant at which a chip or a notice wants attention.
    pub(crate) fn next_alarm(&self) -> Instant {
        let notice = self
            .inbox
            .first_key_value()
            .map_or(Instant::NEVER, |(&(at, ..), _)| at);
        self.agenda.earliest().min(notice)
    }

    /// The cycle up to which the processor may run on its own.
    pub(crate) fn until(&self) -> Cycle {
        self.until
    }

    fn find_until(&mut self) {
        self.until = if self.is_reset_requested || self.dma_result.is_pending() {
            0
        } else {
            at_or_after(self.processor_clock, self.next_alarm().min(self.end))
        };
    }

    /// A notice from a card's segment, to be delivered at its instant, or before the card's next call after it.
    pub(crate) fn post_notice(&mut self, card: usize, notice: Notice) {
        if notice.is_announcement() {
            let announcements = &mut self.announcements[card];
            if announcements.len() == MOST_ANNOUNCEMENTS {
                announcements.pop_front();
            }
            announcements.push_back(notice);
            return;
        }
        self.notices_taken += 1;
        self.inbox.insert((notice.at(), card, self.notices_taken), notice);
    }

    /// What the cards ask of their segments: those of each card in order, with its number.
    pub(crate) fn take_requests(&mut self) -> Vec<(usize, wire::Request)> {
        let mut all = Vec::new();
        for (number, card) in self.cards.iter_mut().enumerate() {
            all.extend(card.take_requests().into_iter().map(|request| (number, request)));
        }
        all
    }

    /// What left the board since the last call.
    pub(crate) fn take_outputs(&mut self) -> Vec<(Instant, Output)> {
        let codes = self
            .post_codes
            .take()
            .into_iter()
            .map(|(at, code)| (at, Output::Post(code)));
        self.outputs.extend(codes);
        std::mem::take(&mut self.outputs)
    }

    /// Whether a chip has pulsed the processor's reset pin.
    pub(crate) fn is_reset_requested(&self) -> bool {
        self.is_reset_requested
    }

    /// The reset pin of the processor is released; the rest of the board has noticed nothing.
    pub(crate) fn end_processor_reset(&mut self) {
        self.is_reset_requested = false;
        self.find_until();
    }

    /// Whether COM1 still sends a character, which a processor that has halted for good does not keep from leaving.
    pub(crate) fn is_sending(&self) -> bool {
        self.serial[0].is_sending()
    }

    /// Whether the keyboard controller has still to take what was written to it, which may be a reset of the processor.
    pub(crate) fn may_reset(&self) -> bool {
        self.keyboard.has_input()
    }

    /// The last POST code since power-on.
    pub(crate) fn last_post_code(&self) -> Option<u8> {
        self.post_codes.last()
    }

    /// A reset of the whole board at `now`: chips as at power-on, cards reset. Memory, the CMOS clock and its RAM keep
    /// what they hold, as they do when a PC is reset; what is on its way to the cards still arrives.
    pub(crate) fn reset(&mut self, now: Instant) {
        self.reset_all_but_disks(now);
        self.call(now, Chip::Ata, |board, cx| board.ata.reset(&mut board.disks, cx));
    }

    /// The power fails at `now`: the disks stop as [`devices::AtaController::power_cut`] says, and every chip stops what it
    /// does. The CMOS clock has a battery.
    pub(crate) fn power_off(&mut self, now: Instant, torn: TornSector) {
        self.cut_disk_power(now, torn);
        self.reset_all_but_disks(now);
    }

    /// The power comes back at `now`, on the board that `machine` describes: everything as in [`Board::new`], memory 0, but
    /// for the CMOS clock and its RAM, which have a battery.
    pub(crate) fn power_on(&mut self, machine: &lab::Machine, now: Instant) {
        self.forget_notices(now);
        self.ring_alarms(now);
        self.memory_timing = memory_timing(machine);
        self.vga = Vga::new();
        for (card, described) in self.cards.iter_mut().zip(&machine.cards) {
            card.power_on(&described.settings, now);
        }
        self.reset_all_but_disks(now);
        self.restore_disk_power(now);
        self.memory_mut().fill(0);
    }

    fn reset_all_but_disks(&mut self, now: Instant) {
        self.is_reset_requested = false;
        self.interrupt_controllers.reset();
        self.vga.reset();
        self.post_codes.reset();
        self.dma.reset();
        self.call(now, Chip::Floppy, |board, cx| {
            board.floppy.reset(&mut board.floppies, cx);
        });
        self.look_at_dma_requests(now);
        self.call(now, Chip::Timer, |board, cx| board.timer.reset(cx));
        self.call(now, Chip::RealTimeClock, |board, cx| {
            board.real_time_clock.reset(cx)
        });
        self.call(now, Chip::Keyboard, |board, cx| board.keyboard.reset(cx));
        for index in 0..self.serial.len() {
            self.call(now, Chip::Serial(index), |board, cx| {
                board.serial[index].reset(cx)
            });
        }
        self.call(now, Chip::Wakeless, |board, cx| board.system_control.reset(cx));
        for index in 0..self.cards.len() {
            self.call(now, Chip::Card(index), |board, cx| board.cards[index].reset(cx));
        }
        self.look_at_watches();
    }

    /// What was due before `now` on a board that did not run is not done any more.
    pub(crate) fn forget_until(&mut self, now: Instant) {
        self.forget_notices(now);
        while self.agenda.ring(now).is_some() {}
    }

    /// Notices from before `now` are not delivered any more.
    pub(crate) fn forget_notices(&mut self, now: Instant) {
        self.inbox = self.inbox.split_off(&(now, 0, 0));
        for announcements in &mut self.announcements {
            announcements.retain(|notice| notice.at() >= now);
        }
    }

    /// Lends a chip a context for one call and carries out what it did; returns how long it held IOCHRDY beside its
    /// answer.
    fn call<T>(
        &mut self,
        now: Instant,
        chip: Chip,
        act: impl FnOnce(&mut Self, &mut Context<'_>) -> T,
    ) -> (T, Span) {
        if let Chip::Card(card) = chip {
            self.announce(card, now);
        }
        self.lend(now, chip, act)
    }

    /// Tells a card what it should know by `now` of frames that are under way.
    fn announce(&mut self, card: usize, now: Instant) {
        while let Some(notice) = self.announcements[card].pop_front_if(|notice| notice.at() <= now) {
            self.lend(notice.at(), Chip::Card(card), |board, cx| {
                board.cards[card].notice(notice, cx)
            });
        }
    }

    fn lend<T>(
        &mut self,
        now: Instant,
        chip: Chip,
        act: impl FnOnce(&mut Self, &mut Context<'_>) -> T,
    ) -> (T, Span) {
        let mut effects = std::mem::take(&mut self.effects);
        let mut context = Context::new(now, &mut effects);
        let answer = act(self, &mut context);
        let held = context.ready_after();
        self.effects = effects;
        self.apply(now, chip);
        (answer, held)
    }

    /// The visible VGA text.
    pub(crate) fn screen(&self) -> [String; 25] {
        self.vga.screen()
    }

    /// Interrupts acknowledged since power-on.
    pub(crate) fn interrupts_acknowledged(&self) -> u64 {
        self.interrupts_acknowledged
    }

    /// The cards, for their counts.
    pub(crate) fn cards(&self) -> &[Card] {
        &self.cards
    }

    /// The terminal at COM1 sends `text`, from `now` on.
    pub(crate) fn receive_serial(&mut self, now: Instant, text: &[u8]) {
        self.call(now, Chip::Serial(0), |board, cx| {
            for byte in text {
                board.serial[0].receive(*byte, cx);
            }
        });
    }

    /// Keys of the keyboard are pressed and released at `now`: their codes in scan set 2.
    pub(crate) fn press_keys(&mut self, now: Instant, codes: &[u8]) {
        self.call(now, Chip::Keyboard, |board, cx| {
            for code in codes {
                board.keyboard.key(*code, cx);
            }
        });
    }

    /// Wakes every chip and delivers every notice that is due at `now`, in time order; of two at the same instant
    /// the notice comes first. Chips ask only for alarms in the future, so this comes to an end.
    pub(crate) fn ring_alarms(&mut self, now: Instant) {
        let now = self.seen(now);
        loop {
            let agenda_at = self.agenda.earliest();
            let due = |notice_at: Instant| notice_at <= now && notice_at <= agenda_at;
            if let Some(first) = self.inbox.first_entry().filter(|first| due(first.key().0)) {
                let ((at, card, _), notice) = first.remove_entry();
                self.call(at, Chip::Card(card), |board, cx| {
                    board.cards[card].notice(notice, cx);
                });
            } else if let Some((at, chip)) = self.agenda.ring(now) {
                self.wake(at, chip);
            } else {
                break;
            }
        }
        self.find_until();
    }

    fn wake(&mut self, at: Instant, chip: Chip) {
        if chip == Chip::Dma {
            self.serve_dma(at);
            return;
        }
        self.call(at, chip, |board, cx| match chip {
            Chip::Timer => board.timer.wake(cx),
            Chip::RealTimeClock => board.real_time_clock.wake(cx),
            Chip::Keyboard => board.keyboard.wake(cx),
            Chip::Serial(index) => board.serial[index].wake(cx),
            Chip::Card(index) => board.cards[index].wake(cx),
            Chip::Floppy => board.floppy.wake(&mut board.floppies, cx),
            Chip::Ata => board.ata.wake(&mut board.disks, cx),
            Chip::Dma | Chip::Wakeless => {}
        });
    }

    /// Carries out what `chip` did at `now`.
    fn apply(&mut self, now: Instant, chip: Chip) {
        if self.effects.is_empty() {
            return;
        }
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::InterruptRequest { line, asserted } => {
                    self.interrupt_controllers.set_line(line, asserted)
                }
                Effect::Wake(at) => {
                    assert!(at > now, "{chip:?} asks to be woken in the past");
                    self.agenda.set(chip, at);
                }
                Effect::Timer2Gate(level) => {
                    self.call(now, Chip::Timer, |board, cx| board.timer.set_gate_2(level, cx));
                }
                Effect::KeyboardA20(level) => self.set_a20(A20 {
                    keyboard: level,
                    ..self.a20
                }),
                Effect::FastA20(level) => self.set_a20(A20 {
                    fast: level,
                    ..self.a20
                }),
                Effect::ResetProcessor => self.is_reset_requested = true,
                Effect::NmiMasked(_) => {} // nothing on this board raises NMI
                Effect::DmaRequest { channel, asserted } => {
                    self.dma.set_request(channel, asserted);
                    self.look_at_dma_requests(now);
                }
                Effect::SerialOutput(byte) if chip == Chip::Serial(0) => {
                    self.outputs.push((now, Output::Console(byte)));
                }
                Effect::SerialOutput(_) => {} // nobody hears COM2
            }
        }
        self.effects = effects;
        self.find_until();
    }

    fn set_a20(&mut self, a20: A20) {
        if a20.is_high() != self.a20.is_high() {
            self.map_generation = self.map_generation.wrapping_add(1);
        }
        self.a20 = a20;
    }

    /// Reads one byte at `now`, or two from a port that takes words.
    fn read_port(&mut self, now: Instant, port: u16, bytes: u32) -> (u32, Span) {
        let Some((target, chip)) = self.decode_port(port) else {
            let is_post_port = port == self.post_codes.port();
            return (
                if is_post_port {
                    self.post_codes.read().into()
                } else {
                    OPEN_BUS.into()
                },
                Span::ZERO,
            );
        };
        if target == Target::FloppyAndAta {
            return (self.read_shared_port(now).into(), Span::ZERO);
        }
        self.call(now, chip, |board, cx| match target {
            Target::InterruptControllers => board.interrupt_controllers.read(port).into(),
            Target::Timer => board.timer.read(port, cx).into(),
            Target::Keyboard => board.keyboard.read(port, cx).into(),
            Target::SystemControl => {
                let timer_2 = board.timer.output(2, now);
                board.system_control.read(port, timer_2, cx).into()
            }
            Target::RealTimeClock => board.real_time_clock.read(port, cx).into(),
            Target::Serial(index) => board.serial[index].read(port & 7, cx).into(),
            Target::Vga => board.vga.read(port, cx).into(),
            Target::Dma => board.dma.read(port).into(),
            Target::Floppy | Target::FloppyAndAta => board.floppy.read(port, &mut board.floppies, cx).into(),
            Target::Ata if bytes == 2 => board.ata.read_data(&mut board.disks, cx).into(),
            Target::Ata => board.ata.read(port, &mut board.disks, cx).into(),
            Target::Card(index) if bytes == 2 => board.cards[index].read_word(port, cx).into(),
            Target::Card(index) => board.cards[index].read(port, cx).into(),
        })
    }

    /// Writes one byte at `now`, or two to a port that takes words; returns how long IOCHRDY was held.
    fn write_port(&mut self, now: Instant, port: u16, bytes: u32, word: u32) -> Span {
        let value = word as u8;
        // The POST code latch listens in, whoever else answers the port.
        if port == self.post_codes.port() {
            self.post_codes
                .write(value, &Context::new(now, &mut self.effects));
        }
        let Some((target, chip)) = self.decode_port(port) else {
            return Span::ZERO;
        };
        let ((), held) = self.call(now, chip, |board, cx| match target {
            Target::InterruptControllers => board.interrupt_controllers.write(port, value),
            Target::Timer => board.timer.write(port, value, cx),
            Target::Keyboard => board.keyboard.write(port, value, cx),
            Target::SystemControl => board.system_control.write(port, value, cx),
            Target::RealTimeClock => board.real_time_clock.write(port, value, cx),
            Target::Serial(index) => board.serial[index].write(port & 7, value, cx),
            Target::Vga => board.vga.write(port, value),
            Target::Dma => board.dma.write(port, value),
            Target::Floppy | Target::FloppyAndAta => board.floppy.write(port, value, &mut board.floppies, cx),
            Target::Ata if bytes == 2 => board.ata.write_data(word as u16, &mut board.disks, cx),
            Target::Ata => board.ata.write(port, value, &mut board.disks, cx),
            Target::Card(index) if bytes == 2 => board.cards[index].write_word(port, word as u16, cx),
            Target::Card(index) => board.cards[index].write(port, value, cx),
        });
        match target {
            Target::Dma => self.look_at_dma_requests(now),
            Target::Card(_) => self.look_at_watches(),
            _ => {}
        }
        held
    }
}

/// What is in the sockets of a board.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roms<'a> {
    /// Where the processor starts.
    pub(crate) bios: Option<&'a [u8]>,
    /// Option ROMs, with their addresses.
    pub(crate) options: Vec<(u32, &'a [u8])>,
}

/// Why a board cannot be put together.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BoardError {
    /// The socket does not take the ROM.
    #[error(transparent)]
    Rom(#[from] RomError),
    /// The drive does not take the disk.
    #[error("floppy drive {drive}: {source}")]
    Floppy {
        /// 0 or 1.
        drive: usize,
        /// Why.
        source: InsertError,
    },
}

/// The time of memory and ROM as the lab file has it. A read from the ROM takes bus clocks, in the processor's.
fn memory_timing(machine: &lab::Machine) -> MemoryTiming {
    let timing = &machine.timing;
    let rom_read = machine.isa_clock.instant(timing.rom_read.value.into());
    let waits = Waits {
        read: timing.dram_read_wait.value,
        write: timing.dram_write_wait.value,
        rom: at_or_after(machine.cpu_clock, rom_read).saturating_sub(2) as u32,
    };
    MemoryTiming::new(timing.cache_kilobytes.value, waits, machine.memory_bytes)
}

/// So many announcements wait for a card. What they tell of takes longer than a shortest frame each, so those before
/// them have passed long since, except on a cable of the ideal model.
const MOST_ANNOUNCEMENTS: usize = 16;
/// What a read finds where nothing answers.
const OPEN_BUS: u8 = 0xFF;
