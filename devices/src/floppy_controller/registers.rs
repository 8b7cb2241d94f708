//! The registers of the controller, bit by bit (Intel 82077AA data sheet, section 2.1 and section 6.1 "Status Register
//! Encoding").

use bitflags::bitflags;

bitflags! {
    /// DOR, 3F2h.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct DigitalOutput: u8 {
        const DRIVE_SELECT = 0x03;
        /// Clear: the controller is held in reset.
        const NOT_RESET = 0x04;
        /// DMAGATE: lets the interrupt and the DMA request out.
        const GATE = 0x08;
        const MOTOR_0 = 0x10;
        const MOTOR_1 = 0x20;
        const MOTOR_2 = 0x40;
        const MOTOR_3 = 0x80;
    }
}

impl DigitalOutput {
    /// The drive that hears the controller: it is selected and its motor bit is set.
    pub(super) fn selected(self) -> Option<usize> {
        let drive = (self & Self::DRIVE_SELECT).bits();
        (self.bits() & Self::MOTOR_0.bits() << drive != 0).then_some(usize::from(drive))
    }

    pub(super) fn runs_motor(self, drive: usize) -> bool {
        self.bits() & Self::MOTOR_0.bits() << drive != 0
    }
}

bitflags! {
    /// DSR, write only at 3F4h. The data rate in its two low bits is that of CCR.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct DataRateSelect: u8 {
        const RATE = 0x03;
        const POWER_DOWN = 0x40;
        /// Resets the controller and clears itself.
        const RESET = 0x80;
    }
}

bitflags! {
    /// MSR, 3F4h. Bits 0 to 3 say which drives seek.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct MainStatus: u8 {
        const COMMAND_BUSY = 0x10;
        /// The execution phase moves its data by program.
        const NON_DMA = 0x20;
        /// The next byte goes to the host.
        const DIRECTION_TO_HOST = 0x40;
        /// RQM.
        const REQUEST = 0x80;
    }
}

/// DIR, 3F7h: the selected drive's disk change line. The other bits belong to the fixed disk's controller.
pub(super) const DISK_CHANGED: u8 = 0x80;

bitflags! {
    /// ST0. Bits 0 and 1 are the drive.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct Status0: u8 {
        const HEAD = 0x04;
        const EQUIPMENT_CHECK = 0x10;
        const SEEK_END = 0x20;
        /// Interrupt code 01.
        const ABNORMAL = 0x40;
        /// Interrupt code 10.
        const INVALID = 0x80;
        /// Interrupt code 11.
        const POLLED = 0xC0;
    }
}

bitflags! {
    /// ST1.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct Status1: u8 {
        /// MA.
        const MISSING_ADDRESS_MARK = 0x01;
        /// NW.
        const NOT_WRITABLE = 0x02;
        /// ND.
        const NO_DATA = 0x04;
        /// OR.
        const OVERRUN = 0x10;
        /// DE.
        const DATA_ERROR = 0x20;
        /// EN.
        const END_OF_CYLINDER = 0x80;
    }
}

bitflags! {
    /// ST2. No medium here has a bad cylinder (FFh) or a missing data address mark.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct Status2: u8 {
        /// SN.
        const SCAN_NOT_SATISFIED = 0x04;
        /// SH.
        const SCAN_EQUAL_HIT = 0x08;
        /// WC.
        const WRONG_CYLINDER = 0x10;
        /// DD.
        const DATA_ERROR_IN_DATA = 0x20;
        /// CM.
        const CONTROL_MARK = 0x40;
    }
}

bitflags! {
    /// ST3. Bits 0 and 1 are the drive.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct Status3: u8 {
        const HEAD = 0x04;
        /// Always set, as is the ready bit: the chip has no such pins.
        const TWO_SIDED = 0x08;
        const TRACK_0 = 0x10;
        const READY = 0x20;
        const WRITE_PROTECTED = 0x40;
    }
}

bitflags! {
    /// The second parameter of CONFIGURE.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(super) struct Configuration: u8 {
        /// FIFOTHR: threshold less 1.
        const THRESHOLD = 0x0F;
        const POLLING_DISABLED = 0x10;
        const FIFO_DISABLED = 0x20;
        const IMPLIED_SEEK = 0x40;
    }
}
