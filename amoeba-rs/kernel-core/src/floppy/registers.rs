//! The registers of the controller and of DMA channel 2, the commands, and the bits that the driver uses (NEC uPD765A data sheet;
//! Intel 82077AA data sheet, 290166, sections 2.1, 5 and 6; Intel 8237A data sheet; IBM PC/AT Technical Reference, section 1).

use bitflags::bitflags;

/// Ports.
pub(super) mod port {
    pub(crate) const DIGITAL_OUTPUT: u16 = 0x3f2;
    pub(crate) const MAIN_STATUS: u16 = 0x3f4;
    pub(crate) const DATA: u16 = 0x3f5;
    /// DIR, reading. Bits 0 to 6 belong to the fixed disk's controller.
    pub(crate) const DIGITAL_INPUT: u16 = 0x3f7;
    /// CCR, writing.
    pub(crate) const RATE: u16 = 0x3f7;

    pub(crate) const DMA_ADDRESS: u16 = 0x04;
    pub(crate) const DMA_COUNT: u16 = 0x05;
    pub(crate) const DMA_MASK: u16 = 0x0a;
    pub(crate) const DMA_MODE: u16 = 0x0b;
    /// Any write has the low byte of an address or count come next.
    pub(crate) const DMA_CLEAR_FLIP_FLOP: u16 = 0x0c;
    pub(crate) const DMA_PAGE: u16 = 0x81;
    /// Of the controller through which that of channels 0 to 3 gets the bus.
    pub(crate) const HIGH_DMA_MASK: u16 = 0xd4;
    pub(crate) const HIGH_DMA_MODE: u16 = 0xd6;
}

/// What is written to the mask and mode registers of the 8237 for channel 2.
pub(super) mod dma {
    pub(crate) const MASK: u8 = 0x06;
    pub(crate) const UNMASK: u8 = 0x02;
    /// Channel 4 is the other controller's.
    pub(crate) const CASCADE: u8 = 0xc0;
    pub(crate) const UNMASK_CASCADE: u8 = 0x00;
    /// Single transfers from the device to memory.
    pub(crate) const TO_MEMORY: u8 = 0x46;
    /// Single transfers from memory to the device.
    pub(crate) const FROM_MEMORY: u8 = 0x4a;
}

/// Commands.
pub(super) mod command {
    pub(crate) const SPECIFY: u8 = 0x03;
    pub(crate) const RECALIBRATE: u8 = 0x07;
    pub(crate) const SENSE_INTERRUPT: u8 = 0x08;
    pub(crate) const SEEK: u8 = 0x0f;
    pub(crate) const VERSION: u8 = 0x10;
    pub(crate) const CONFIGURE: u8 = 0x13;
    /// READ ID in MFM.
    pub(crate) const READ_ID: u8 = 0x4a;
    /// FORMAT TRACK in MFM.
    pub(crate) const FORMAT: u8 = 0x4d;
    /// WRITE DATA in MFM, from head 0 on to head 1.
    pub(crate) const WRITE: u8 = 0xc5;
    /// READ DATA in MFM, from head 0 on to head 1.
    pub(crate) const READ: u8 = 0xc6;
}

bitflags! {
    /// DOR.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct DigitalOutput: u8 {
        const DRIVE_1 = 0x01;
        const NOT_RESET = 0x04;
        /// Lets the interrupt and the DMA request out.
        const GATE = 0x08;
        const MOTOR_0 = 0x10;
        const MOTOR_1 = 0x20;
    }

    /// MSR.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct MainStatus: u8 {
        /// A command is in its execution or result phase.
        const BUSY = 0x10;
        /// DIO.
        const TO_HOST = 0x40;
        /// RQM.
        const REQUEST = 0x80;
    }

    /// ST0. Bits 0 and 1 are the drive.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Status0: u8 {
        const EQUIPMENT_CHECK = 0x10;
        const SEEK_END = 0x20;
        const ABNORMAL = 0x40;
        /// With [`Status0::ABNORMAL`]: the drive has become ready or not ready.
        const INVALID = 0x80;
    }

    /// ST1.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Status1: u8 {
        const NOT_WRITABLE = 0x02;
    }
}

/// DIR: the selected drive's change line. A disk has been put in or taken out since the last step pulse with a disk in.
pub(super) const DISK_CHANGED: u8 = 0x80;

/// What VERSION answers if the controller knows CONFIGURE.
pub(super) const ENHANCED: u8 = 0x90;
/// The second parameter of CONFIGURE: a FIFO of sixteen bytes that asks when it is half full or half empty.
pub(super) const FIFO: u8 = 0x07;
/// N of a sector of 512 bytes.
pub(super) const SIZE_512: u8 = 2;
