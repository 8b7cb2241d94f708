//! The gate array of the 3Com EtherLink II (3C503) and of its 16-bit sister (3C503/16), and what lies round it: station
//! address PROM, boot PROM, jumpers, shared memory, interrupt and DMA lines.
//!
//! 3Com's Technical Reference Manual (4185-01, January 1989) could not be had beyond its table of contents. The
//! registers are those on which the drivers for Linux, the BSDs, MINIX, Crynwr's and iPXE agree; they are cited as
//! "drivers". What none of them says is chosen here, and said at its place:
//!
//! * **Data FIFO**: see `transfer.rs`. A byte that is read where there is none sets UFLW and gives FFh; one that is
//!   written where there is no room, or no transfer to the card, sets OFLW and is lost. Both stay until the next
//!   START.
//! * **DMA**: DRQ is up from when a burst of DQTR bytes can be moved until they are moved. The terminal count ends the
//!   transfer, sets DTC and, unless TCM masks it, raises the interrupt; both stay until START is cleared.
//! * **Revision** in STREG is [`GATE_ARRAY_REVISION`]. CTRL is 0Ah after a reset of the bus, every other register 0.
//! * **PROM** bytes beyond the station address read FFh. With EALO and EAHI both set the lower half answers.
//! * **XSEL** selects the transceiver on the board or the AUI connector at once. With the one that the cable is not on
//!   the controller hears nothing, and what it sends ends as on a card whose connector is open (`wire`,
//!   [`Connection`]). What is on its way then: a packet that comes in is lost without a trace, a transmission goes on to
//!   its end where it began, and its next attempt is made where XSEL says.
//! * DBSEL, SHARE and TEST are stored; nothing depends on them.
//! * **Boot PROM**: 8 KB, short images are filled with FFh. Its last two bytes in the window are BCFR and PCFR. A read
//!   of the address in VPTR, wherever it lies in the first megabyte, clears RSEL if the window is jumpered.
//! * **Window access**: the host has the memory for [`WINDOW_ACCESS`], and its bus cycle is longer by as much as it
//!   waits for local DMA.
//! * **3C503/16**: banks 0 and 1 of the window are the controller's pages 0 to 3Fh; DCR.WTS is always set; memory
//!   answers 16-bit cycles, ports and boot PROM 8-bit ones.

mod registers;
#[cfg(test)]
mod tests;
mod transfer;

use std::ops::Range;
use std::sync::Arc;

use clock::{Instant, Span};
use wire::Connection;

use crate::card::{BusCycle, Width};
use crate::dp8390::{DMA_TRANSFER, Dp8390, LocalMemory, PAGE};
use crate::{Connector, Model, Settings};
use registers::{Configuration, Control, Selection, Status};
use transfer::Transfer;

/// How long a host access to the window keeps local DMA from the memory: as long as one of its own transfers. No
/// document says it.
pub const WINDOW_ACCESS: Span = DMA_TRANSFER;

/// Where the gate array's ports lie above the controller's.
const GATE_ARRAY: u16 = 0x400;

/// Ports of the controller, and ports of the gate array.
const PORTS: u16 = 16;

/// What bits 2 to 0 of STREG say.
pub(crate) const GATE_ARRAY_REVISION: u8 = 1;

/// Size of a bank and of the window.
const WINDOW: u16 = 0x2000;

/// Which of the card's parts a port reaches.
enum Port {
    /// The controller, or the PROM in its place.
    Controller(u8),
    GateArray(u8),
    Nothing,
}

/// The gate array, the PROM and the jumpers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EtherLinkII {
    model: Model,
    boot_prom: Arc<[u8]>,
    io_base: u16,
    memory_base: Option<u32>,
    /// Where the cable is.
    connector: Connector,
    io_jumper: u8,
    memory_jumper: u8,
    prom: [u8; 32],
    /// PSTR.
    page_start: u8,
    /// PSPR.
    page_stop: u8,
    /// DQTR.
    burst: u8,
    configuration: Configuration,
    control: Control,
    faults: Status,
    selection: Selection,
    /// DAMSB and DALSB, counting up.
    address: u16,
    /// VPTR2, VPTR1, VPTR0.
    vector: [u8; 3],
    transfer: Option<Transfer>,
}

impl EtherLinkII {
    /// Panics if the settings name a jumper position that the card does not have.
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut prom = [0xFF; 32];
        prom[..6].copy_from_slice(&settings.station_address);
        let memory_base = settings.memory_base;
        let model = settings.model;
        Self {
            model,
            boot_prom: settings.boot_prom.clone().unwrap_or_default(),
            io_base: settings.io_base,
            memory_base,
            connector: settings.connector,
            io_jumper: one_hot(model.io_bases(), settings.io_base),
            memory_jumper: memory_base.map_or(0, |base| one_hot(model.memory_bases(), base)),
            prom,
            page_start: 0,
            page_stop: 0,
            burst: 0,
            configuration: Configuration::empty(),
            control: Control::INTERNAL_TRANSCEIVER | Control::PROM_HIGH,
            faults: Status::empty(),
            selection: Selection::empty(),
            address: 0,
            vector: [0; 3],
            transfer: None,
        }
    }

    /// The card's memory: bank 1 of the window, on the 16-bit card banks 0 and 1.
    pub(crate) fn memory(model: Model) -> LocalMemory {
        if model == Model::EtherLinkII16 {
            LocalMemory::new(0x00, 0x40)
        } else {
            LocalMemory::new(0x20, 0x20)
        }
    }

    /// How wide the card's memory is, which is how many bytes go over its local bus at once.
    fn width(&self) -> Width {
        if self.model == Model::EtherLinkII16 {
            Width::Sixteen
        } else {
            Width::Eight
        }
    }

    /// Its registers take 8-bit cycles, without wait states if OWS says so.
    pub(crate) fn port_cycle(&self, port: u16) -> BusCycle {
        let is_gate_array = matches!(self.decode(port), Port::GateArray(_));
        BusCycle {
            width: Width::Eight,
            is_zero_wait: is_gate_array && self.configuration.contains(Configuration::ZERO_WAIT),
        }
    }

    /// Memory takes cycles as wide as it is, the boot PROM takes 8-bit ones.
    pub(crate) fn memory_cycle(&self) -> BusCycle {
        let shows_memory = self.configuration.contains(Configuration::RAM);
        BusCycle {
            width: if shows_memory { self.width() } else { Width::Eight },
            is_zero_wait: shows_memory && self.configuration.contains(Configuration::ZERO_WAIT),
        }
    }

    pub(crate) fn ports(&self) -> [Range<u16>; 2] {
        [self.io_base, self.io_base + GATE_ARRAY].map(|first| first..first + PORTS)
    }

    pub(crate) fn memory_window(&self) -> Option<Range<u32>> {
        self.memory_base.map(|base| base..base + u32::from(WINDOW))
    }

    /// Clears the registers, as a reset of the bus does.
    pub(crate) fn reset(&mut self) {
        self.page_start = 0;
        self.page_stop = 0;
        self.burst = 0;
        self.configuration = Configuration::empty();
        self.control = Control::INTERNAL_TRANSCEIVER | Control::PROM_HIGH;
        self.faults = Status::empty();
        self.selection = Selection::empty();
        self.address = 0;
        self.vector = [0; 3];
        self.transfer = None;
    }

    /// What XSEL leads the controller to.
    pub(crate) fn connection(&self) -> Connection {
        let is_internal = self.control.contains(Control::INTERNAL_TRANSCEIVER);
        match (is_internal, self.connector) {
            (true, Connector::Bnc) | (false, Connector::Aui) => Connection::Cable,
            (true, Connector::Aui) => Connection::OpenCoax,
            (false, Connector::Bnc) => Connection::OpenAui,
        }
    }

    /// The interrupt lines of the AT that are high, a bit each.
    pub(crate) fn lines(&self, controller: &Dp8390) -> u16 {
        let masks = |bit| self.configuration.contains(bit);
        let by_controller = controller.is_interrupting() && !masks(Configuration::MASK_INTERRUPT);
        let by_count = self.is_over() && !masks(Configuration::MASK_TERMINAL_COUNT);
        if by_controller || by_count {
            self.selection.lines()
        } else {
            0
        }
    }

    /// The DMA request lines that are high, a bit each.
    pub(crate) fn dma_lines(&self) -> u8 {
        if self
            .transfer
            .is_some_and(|transfer| transfer.requests(self.burst))
        {
            self.selection.dma_lines()
        } else {
            0
        }
    }

    fn is_over(&self) -> bool {
        self.transfer.is_some_and(|transfer| transfer.is_over())
    }

    /// When [`EtherLinkII::advance`] has something to do that a DMA request line shows.
    pub(crate) fn next_event(&self) -> Instant {
        match self.transfer {
            Some(transfer)
                if self.selection.wants_dma() && !transfer.is_over() && !transfer.requests(self.burst) =>
            {
                transfer.next_event()
            }
            _ => Instant::NEVER,
        }
    }

    pub(crate) fn advance(&mut self, now: Instant, controller: &mut Dp8390) {
        if let Some(transfer) = &mut self.transfer {
            transfer.advance(now, controller);
        }
    }

    pub(crate) fn read(
        &mut self,
        port: u16,
        now: Instant,
        controller: &mut Dp8390,
        memory: &LocalMemory,
    ) -> (u8, Span) {
        match self.decode(port) {
            Port::Controller(offset) => match self.prom_half() {
                Some(half) => (self.prom[half + usize::from(offset)], Span::ZERO),
                None => {
                    let wait = controller.register_wait(now);
                    (controller.read(offset, now), wait)
                }
            },
            Port::GateArray(offset) => (self.read_gate_array(offset, now, controller, memory), Span::ZERO),
            Port::Nothing => (0xFF, Span::ZERO),
        }
    }

    /// The PROM can only be read, and hides the controller; a controller that is held in reset takes no writes.
    pub(crate) fn write(
        &mut self,
        port: u16,
        value: u8,
        now: Instant,
        controller: &mut Dp8390,
        memory: &mut LocalMemory,
    ) -> Span {
        match self.decode(port) {
            Port::Controller(_) if self.prom_half().is_some() || self.control.contains(Control::RESET) => {
                log::debug!("3C503: write of {value:02X} to port {port:03X} under the PROM or in reset");
            }
            Port::Controller(offset) => {
                let wait = controller.register_wait(now);
                controller.write(offset, value, now, memory);
                return wait;
            }
            Port::GateArray(offset) => self.write_gate_array(offset, value, now, controller, memory),
            Port::Nothing => {}
        }
        Span::ZERO
    }

    /// One read cycle at `offset` of the window, and how long it waits for the memory.
    pub(crate) fn memory_read<const N: usize>(
        &mut self,
        offset: u32,
        now: Instant,
        controller: &mut Dp8390,
        memory: &LocalMemory,
    ) -> ([u8; N], Span) {
        let bytes = std::array::from_fn(|byte| {
            let offset = window_offset(offset.wrapping_add(byte as u32));
            self.read_window(offset, memory)
        });
        (bytes, self.window_wait(now, controller))
    }

    fn read_window(&mut self, offset: u16, memory: &LocalMemory) -> u8 {
        if let Some(base) = self.memory_base {
            self.see_read(base + u32::from(offset));
        }
        if self.configuration.contains(Configuration::RAM) {
            return memory.read(self.bank() + offset);
        }
        match WINDOW - offset {
            2 => self.io_jumper,
            1 => self.memory_jumper,
            _ => self.boot_prom.get(usize::from(offset)).copied().unwrap_or(0xFF),
        }
    }

    /// Bytes of the card's memory at `offset` of the window, if it shows them and nothing else uses them meanwhile.
    pub(crate) fn window_memory<'a>(
        &self,
        offset: u32,
        count: u16,
        memory: &'a mut LocalMemory,
    ) -> Option<&'a mut [u8]> {
        let offset = window_offset(offset);
        let is_plain = self.configuration.contains(Configuration::RAM) && self.transfer.is_none();
        if !is_plain || count > WINDOW - offset {
            return None;
        }
        memory.run(self.bank() + offset, count)
    }

    /// One write cycle at `offset` of the window, and how long it waits for the memory; a PROM takes no writes.
    pub(crate) fn memory_write(
        &self,
        offset: u32,
        bytes: &[u8],
        now: Instant,
        controller: &mut Dp8390,
        memory: &mut LocalMemory,
    ) -> Span {
        if self.configuration.contains(Configuration::RAM) {
            for (offset, value) in (offset..).zip(bytes) {
                memory.write(self.bank() + window_offset(offset), *value);
            }
        }
        self.window_wait(now, controller)
    }

    /// The boot PROM is not on the local bus.
    fn window_wait(&self, now: Instant, controller: &mut Dp8390) -> Span {
        if self.configuration.contains(Configuration::RAM) {
            controller.access_memory(now, WINDOW_ACCESS)
        } else {
            Span::ZERO
        }
    }

    /// The physical address whose reads concern the card wherever they go, while there is something to switch.
    pub(crate) fn watched_address(&self) -> Option<u32> {
        let can_switch = self.configuration.contains(Configuration::RAM) && self.memory_base.is_some();
        can_switch.then(|| self.vector_address())
    }

    /// Memory is read at this physical address: at that in VPTR the boot PROM comes back.
    pub(crate) fn see_read(&mut self, address: u32) {
        if self.watched_address() == Some(address) {
            self.configuration.remove(Configuration::RAM);
        }
    }

    /// A DMA cycle that takes a byte from the card.
    pub(crate) fn dma_read(
        &mut self,
        is_terminal_count: bool,
        now: Instant,
        controller: &mut Dp8390,
        memory: &LocalMemory,
    ) -> u8 {
        let burst = self.burst;
        match &mut self.transfer {
            Some(transfer) if !transfer.is_to_card() && !transfer.is_over() => {
                let has_moved = transfer.dma_moves(burst, is_terminal_count, now, controller);
                self.take(has_moved, memory)
            }
            _ => self.take(false, memory),
        }
    }

    /// A DMA cycle that gives the card a byte.
    pub(crate) fn dma_write(
        &mut self,
        value: u8,
        is_terminal_count: bool,
        now: Instant,
        controller: &mut Dp8390,
        memory: &mut LocalMemory,
    ) {
        let burst = self.burst;
        match &mut self.transfer {
            Some(transfer) if transfer.is_to_card() && !transfer.is_over() => {
                let has_moved = transfer.dma_moves(burst, is_terminal_count, now, controller);
                self.give(value, has_moved, memory);
            }
            _ => self.give(value, false, memory),
        }
    }

    fn decode(&self, port: u16) -> Port {
        let offset = |first: u16| port.checked_sub(first).filter(|offset| *offset < PORTS);
        if let Some(offset) = offset(self.io_base) {
            Port::Controller(offset as u8)
        } else if let Some(offset) = offset(self.io_base + GATE_ARRAY) {
            Port::GateArray(offset as u8)
        } else {
            Port::Nothing
        }
    }

    /// Where the half of the PROM begins that stands in the controller's place, if one does.
    fn prom_half(&self) -> Option<usize> {
        if self.control.contains(Control::PROM_LOW) {
            Some(0)
        } else if self.control.contains(Control::PROM_HIGH) {
            Some(16)
        } else {
            None
        }
    }

    /// The card address at which the selected bank begins: MBS counts 8 KB.
    fn bank(&self) -> u16 {
        u16::from((self.configuration & Configuration::BANK).bits()) * WINDOW
    }

    /// The address in VPTR.
    fn vector_address(&self) -> u32 {
        let [high, middle, low] = self.vector.map(u32::from);
        high << 12 | middle << 4 | low >> 4
    }

    fn read_gate_array(
        &mut self,
        offset: u8,
        now: Instant,
        controller: &mut Dp8390,
        memory: &LocalMemory,
    ) -> u8 {
        self.advance(now, controller);
        let [address_high, address_low] = self.address.to_be_bytes();
        match offset {
            0x0 => self.page_start,
            0x1 => self.page_stop,
            0x2 => self.burst,
            0x3 => self.io_jumper,
            0x4 => self.memory_jumper,
            0x5 => self.configuration.bits(),
            0x6 => self.control.bits(),
            0x7 => self.status().bits() | GATE_ARRAY_REVISION,
            0x8 => self.selection.bits(),
            0x9 => address_high,
            0xA => address_low,
            0xB..=0xD => self.vector[usize::from(offset - 0xB)],
            _ => self.read_fifo(now, controller, memory),
        }
    }

    fn write_gate_array(
        &mut self,
        offset: u8,
        value: u8,
        now: Instant,
        controller: &mut Dp8390,
        memory: &mut LocalMemory,
    ) {
        self.advance(now, controller);
        let [address_high, address_low] = self.address.to_be_bytes();
        match offset {
            0x0 => self.page_start = value,
            0x1 => self.page_stop = value,
            0x2 => self.burst = value,
            0x5 => self.configuration = Configuration::from_bits_retain(value),
            0x6 => self.write_control(Control::from_bits_retain(value), now, controller),
            0x8 => self.selection = Selection::from_bits_retain(value),
            0x9 => self.address = u16::from_be_bytes([value, address_low]),
            0xA => self.address = u16::from_be_bytes([address_high, value]),
            0xB..=0xD => self.vector[usize::from(offset - 0xB)] = value,
            0xE | 0xF => self.write_fifo(value, now, controller, memory),
            _ => log::debug!("3C503: write of {value:02X} to read-only register {offset:X}"),
        }
    }

    /// RST holds the board, the controller with it, in reset; memory keeps its contents.
    fn write_control(&mut self, value: Control, now: Instant, controller: &mut Dp8390) {
        if value.contains(Control::RESET) {
            self.reset();
            controller.reset(now);
            self.control = value - Control::START;
            controller.connect(self.connection(), now);
            return;
        }
        let (was_started, is_started) = (
            self.control.contains(Control::START),
            value.contains(Control::START),
        );
        self.control = value;
        controller.connect(self.connection(), now);
        if !is_started {
            self.transfer = None;
        } else if !was_started {
            self.faults = Status::empty();
            let is_to_card = value.contains(Control::TO_CARD);
            let width = self.width().bytes();
            self.transfer = Some(Transfer::new(is_to_card, width, now, controller));
        }
    }

    fn status(&self) -> Status {
        let mut status = self.faults;
        if let Some(transfer) = &self.transfer {
            let by_dma = self.selection.wants_dma();
            status.set(Status::TERMINAL_COUNT, transfer.is_over());
            status.set(Status::DMA_IN_PROGRESS, by_dma && !transfer.is_over());
            status.set(Status::DATA_READY, !by_dma && transfer.is_ready());
        }
        status
    }

    fn read_fifo(&mut self, now: Instant, controller: &mut Dp8390, memory: &LocalMemory) -> u8 {
        let has_moved = match &mut self.transfer {
            Some(transfer) if !transfer.is_to_card() => transfer.host_moves(now, controller),
            _ => false,
        };
        self.take(has_moved, memory)
    }

    fn write_fifo(&mut self, value: u8, now: Instant, controller: &mut Dp8390, memory: &mut LocalMemory) {
        let has_moved = match &mut self.transfer {
            Some(transfer) if transfer.is_to_card() => transfer.host_moves(now, controller),
            _ => false,
        };
        self.give(value, has_moved, memory);
    }

    /// The byte that the host takes out of the FIFO.
    fn take(&mut self, has_moved: bool, memory: &LocalMemory) -> u8 {
        if !has_moved {
            self.faults |= Status::UNDERFLOW;
            return 0xFF;
        }
        let value = memory.read(self.address);
        self.step();
        value
    }

    /// The byte that the host puts into the FIFO.
    fn give(&mut self, value: u8, has_moved: bool, memory: &mut LocalMemory) {
        if !has_moved {
            self.faults |= Status::OVERFLOW;
            return;
        }
        memory.write(self.address, value);
        self.step();
    }

    /// The address goes round in the receive ring: at PSPR it returns to PSTR.
    fn step(&mut self) {
        self.address = self.address.wrapping_add(1);
        let [page, offset] = self.address.to_be_bytes();
        if offset == 0 && page == self.page_stop {
            self.address = u16::from(self.page_start) * PAGE as u16;
        }
    }
}

/// The jumper register's bit for `position`, the first position having the highest bit.
fn one_hot<T: PartialEq>(positions: &[T], position: T) -> u8 {
    let index = positions.iter().position(|known| *known == position);
    0x80 >> index.expect("the settings name a jumper position of the card")
}

/// The window decodes 13 address lines.
fn window_offset(offset: u32) -> u16 {
    (offset % u32::from(WINDOW)) as u16
}
