//! One 8237A.

use bitflags::bitflags;

bitflags! {
    /// The command register.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct Command: u8 {
        const MEMORY_TO_MEMORY = 0x01;
        /// Channel 0 keeps its address in a memory-to-memory transfer.
        const HOLD_CHANNEL_0_ADDRESS = 0x02;
        const DISABLE = 0x04;
        /// State S3 is left out.
        const COMPRESSED_TIMING = 0x08;
        const ROTATING_PRIORITY = 0x10;
        /// The write pulse begins a state earlier, which no device here notices.
        const EXTENDED_WRITE = 0x20;
        /// DREQ is active low.
        const REQUEST_ACTIVE_LOW = 0x40;
        /// DACK is active high.
        const ACKNOWLEDGE_ACTIVE_HIGH = 0x80;
    }
}

bitflags! {
    /// A mode register, without the channel in its two low bits.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    struct Mode: u8 {
        /// From the device to memory.
        const WRITE = 0x04;
        /// From memory to the device.
        const READ = 0x08;
        const AUTOINITIALIZE = 0x10;
        const DECREMENT = 0x20;
        const SINGLE = 0x40;
        const BLOCK = 0x80;
        /// Both together; neither is demand mode.
        const CASCADE = 0xC0;
    }
}

/// What a channel moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Verify,
    DeviceToMemory,
    MemoryToDevice,
}

/// One of the four channels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Channel {
    base_address: u16,
    base_count: u16,
    address: u16,
    count: u16,
    mode: Mode,
}

/// What the controller does with the bus once it has been granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// One unit at the address on A0 to A15.
    Unit {
        channel: u8,
        direction: Direction,
        address: u16,
        is_terminal_count: bool,
        /// Clock states S1 to S4, without wait states.
        states: u32,
    },
    /// A byte from `source` through the temporary register to `destination`.
    Copy {
        source: u16,
        destination: u16,
        is_terminal_count: bool,
        states: u32,
    },
    /// The device, or the controller behind the channel, is master of the bus.
    Cascade { channel: u8 },
}

/// One 8237A.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Controller {
    channels: [Channel; 4],
    command: Command,
    /// The DREQ pins as they are.
    lines: u8,
    software_requests: u8,
    mask: u8,
    terminal_counts: u8,
    temporary: u8,
    /// The first/last flip-flop: the high byte is next.
    is_high_byte: bool,
    lowest_priority: u8,
    /// The channel whose service has begun and goes on with the next unit.
    active: Option<u8>,
    /// A8 to A15 in the address latch.
    latched_page: u8,
}

/// The address and count registers, by the three low address bits.
const COUNT: u16 = 1;

impl Controller {
    pub(super) const fn new() -> Self {
        const CHANNEL: Channel = Channel {
            base_address: 0,
            base_count: 0,
            address: 0,
            count: 0,
            mode: Mode::empty(),
        };
        Self {
            channels: [CHANNEL; 4],
            command: Command::empty(),
            lines: 0,
            software_requests: 0,
            mask: 0x0F,
            terminal_counts: 0,
            temporary: 0,
            is_high_byte: false,
            lowest_priority: 3,
            active: None,
            latched_page: 0,
        }
    }

    /// The reset pin and the master clear command. Addresses, counts and modes stay.
    pub(super) fn clear(&mut self) {
        *self = Self {
            channels: self.channels.clone(),
            lines: self.lines,
            ..Self::new()
        };
    }

    pub(super) fn set_line(&mut self, channel: u8, is_high: bool) {
        let bit = 1 << (channel & 3);
        self.lines = if is_high {
            self.lines | bit
        } else {
            self.lines & !bit
        };
        self.drop_ended_service();
    }

    /// Reads register 0 to 15; `None` where the data sheet calls a read illegal.
    pub(super) fn read(&mut self, register: u16) -> Option<u8> {
        Some(match register {
            0..=7 => {
                let channel = &self.channels[usize::from(register >> 1)];
                let word = if register & COUNT != 0 {
                    channel.count
                } else {
                    channel.address
                };
                let [low, high] = word.to_le_bytes();
                if self.toggle() { high } else { low }
            }
            8 => {
                let status = self.requests() << 4 | self.terminal_counts;
                self.terminal_counts = 0;
                status
            }
            13 => self.temporary,
            _ => return None,
        })
    }

    /// Writes register 0 to 15.
    pub(super) fn write(&mut self, register: u16, value: u8) {
        let bit = 1 << (value & 3);
        let assign = |bits: u8| {
            if value & 4 != 0 { bits | bit } else { bits & !bit }
        };
        match register {
            0..=7 => self.write_channel(register, value),
            8 => {
                self.command = Command::from_bits_retain(value);
                // Fixed priority holds at once; a rotation that is selected later begins from the fixed order.
                if !self.command.contains(Command::ROTATING_PRIORITY) {
                    self.lowest_priority = 3;
                }
            }
            9 => self.software_requests = assign(self.software_requests),
            10 => self.mask = assign(self.mask),
            11 => self.channels[usize::from(value & 3)].mode = Mode::from_bits_truncate(value),
            12 => self.is_high_byte = false,
            13 => self.clear(),
            14 => self.mask = 0,
            _ => self.mask = value & 0x0F,
        }
        self.drop_ended_service();
    }

    /// A write goes to the base and the current register at once.
    fn write_channel(&mut self, register: u16, value: u8) {
        let is_high = self.toggle();
        let channel = &mut self.channels[usize::from(register >> 1)];
        let (base, current) = if register & COUNT != 0 {
            (&mut channel.base_count, &mut channel.count)
        } else {
            (&mut channel.base_address, &mut channel.address)
        };
        for word in [base, current] {
            let [low, high] = word.to_le_bytes();
            *word = if is_high {
                u16::from_le_bytes([low, value])
            } else {
                u16::from_le_bytes([value, high])
            };
        }
    }

    fn toggle(&mut self) -> bool {
        self.is_high_byte = !self.is_high_byte;
        !self.is_high_byte
    }

    /// The channels that ask for service, masked or not.
    fn requests(&self) -> u8 {
        let lines = if self.command.contains(Command::REQUEST_ACTIVE_LOW) {
            !self.lines
        } else {
            self.lines
        };
        (lines & 0x0F) | self.software_requests
    }

    /// A service lasts as long as its channel asks for it. (Block mode alone goes on without DREQ.)
    fn drop_ended_service(&mut self) {
        let is_disabled = self.command.contains(Command::DISABLE);
        self.active = self.active.filter(|&channel| {
            !is_disabled && (self.is_block(channel) || self.serviceable() & 1 << channel != 0)
        });
    }

    fn is_block(&self, channel: u8) -> bool {
        let mode = self.channels[usize::from(channel)].mode & Mode::CASCADE;
        mode == Mode::BLOCK || self.is_copy(channel)
    }

    fn is_copy(&self, channel: u8) -> bool {
        channel == 0 && self.command.contains(Command::MEMORY_TO_MEMORY) && !self.is_cascade(0)
    }

    pub(super) fn is_cascade(&self, channel: u8) -> bool {
        self.channels[usize::from(channel & 3)].mode & Mode::CASCADE == Mode::CASCADE
    }

    /// The channels that may be served: lines that are not masked, and software requests, which no mask holds back.
    fn serviceable(&self) -> u8 {
        if self.command.contains(Command::DISABLE) {
            return 0;
        }
        self.requests() & !self.mask | self.software_requests
    }

    /// The channel that is served next: HRQ is active if there is one.
    pub(super) fn next_channel(&self) -> Option<u8> {
        let serviceable = self.serviceable();
        if let Some(channel) = self.active
            && (self.is_block(channel) || serviceable & 1 << channel != 0)
        {
            return Some(channel);
        }
        (1..=4)
            .map(|n| (self.lowest_priority + n) & 3)
            .find(|&channel| serviceable & 1 << channel != 0)
    }

    /// Whether the bus stays granted for the next unit.
    pub(super) fn keeps_bus(&self) -> bool {
        self.active.is_some() && self.active == self.next_channel()
    }

    /// Serves the next channel once.
    pub(super) fn serve(&mut self) -> Option<Service> {
        let channel = self.next_channel()?;
        let is_continued = self.active == Some(channel);
        if self.command.contains(Command::ROTATING_PRIORITY) {
            self.lowest_priority = channel;
        }
        if self.is_copy(channel) {
            return Some(self.copy());
        }
        if self.is_cascade(channel) {
            self.active = Some(channel);
            return Some(Service::Cascade { channel });
        }
        Some(self.unit(channel, is_continued))
    }

    /// The cascaded controller has given the bus back.
    pub(super) fn end_cascade(&mut self) {
        self.active = None;
    }

    /// What came over the data bus in the read half of a memory-to-memory transfer.
    pub(super) fn set_temporary(&mut self, value: u8) {
        self.temporary = value;
    }

    fn unit(&mut self, channel: u8, is_continued: bool) -> Service {
        let index = usize::from(channel);
        let mode = self.channels[index].mode;
        let address = self.channels[index].address;
        let states = self.states(address, is_continued);
        self.channels[index].step_address();
        let is_terminal_count = self.channels[index].step_count();
        if is_terminal_count {
            self.end_process(channel);
        }
        let goes_on = !mode.contains(Mode::SINGLE) && !is_terminal_count;
        self.active = goes_on.then_some(channel);
        Service::Unit {
            channel,
            direction: mode.direction(),
            address,
            is_terminal_count,
            states,
        }
    }

    /// S1 drives A8 to A15 into the latch; a service that goes on needs it only when they change.
    fn states(&mut self, address: u16, is_continued: bool) -> u32 {
        let page = (address >> 8) as u8;
        let is_latched = is_continued && page == self.latched_page;
        self.latched_page = page;
        let transfer = if self.command.contains(Command::COMPRESSED_TIMING) {
            2
        } else {
            3
        };
        transfer + u32::from(!is_latched)
    }

    /// Four states for each half; channel 1 counts.
    fn copy(&mut self) -> Service {
        let [source, destination] = [self.channels[0].address, self.channels[1].address];
        if !self.command.contains(Command::HOLD_CHANNEL_0_ADDRESS) {
            self.channels[0].step_address();
        }
        if self.channels[0].step_count() && self.channels[0].mode.contains(Mode::AUTOINITIALIZE) {
            self.channels[0].reload();
        }
        self.channels[1].step_address();
        let is_terminal_count = self.channels[1].step_count();
        if is_terminal_count {
            self.end_process(1);
            self.software_requests &= !1;
        }
        self.active = (!is_terminal_count).then_some(0);
        Service::Copy {
            source,
            destination,
            is_terminal_count,
            states: 8,
        }
    }

    /// EOP: the channel reloads or masks itself, and its request bit is cleared.
    fn end_process(&mut self, channel: u8) {
        let bit = 1 << channel;
        self.terminal_counts |= bit;
        self.software_requests &= !bit;
        let channel = &mut self.channels[usize::from(channel)];
        if channel.mode.contains(Mode::AUTOINITIALIZE) {
            channel.reload();
        } else {
            self.mask |= bit;
        }
    }
}

impl Mode {
    fn direction(self) -> Direction {
        match self & (Self::WRITE | Self::READ) {
            Self::WRITE => Direction::DeviceToMemory,
            Self::READ => Direction::MemoryToDevice,
            // Both bits together are illegal; neither strobe is then defined.
            _ => Direction::Verify,
        }
    }
}

impl Channel {
    fn step_address(&mut self) {
        self.address = if self.mode.contains(Mode::DECREMENT) {
            self.address.wrapping_sub(1)
        } else {
            self.address.wrapping_add(1)
        };
    }

    /// Terminal count: the count goes from 0 to FFFFh.
    fn step_count(&mut self) -> bool {
        let is_terminal_count = self.count == 0;
        self.count = self.count.wrapping_sub(1);
        is_terminal_count
    }

    fn reload(&mut self) {
        self.address = self.base_address;
        self.count = self.base_count;
    }
}
