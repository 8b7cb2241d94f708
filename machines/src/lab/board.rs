//! What the board itself takes of an AT's addresses and interrupts, so that cards keep clear of it.

use std::ops::Range;

use super::model::Machine;

/// A range of addresses and who has it.
pub(super) type Taken = (Range<u64>, &'static str);

/// I/O ports of the board. Page registers without a channel, such as port 80h, are left to POST codes.
const PORTS: &[Taken] = &[
    (0x000..0x020, "the DMA controller"),
    (0x020..0x022, "the interrupt controller"),
    (0x040..0x044, "the timer"),
    (0x060..0x062, "the keyboard controller"),
    (0x064..0x065, "the keyboard controller"),
    (0x070..0x072, "the CMOS clock"),
    (0x081..0x084, "the DMA page registers"),
    (0x087..0x088, "the DMA page registers"),
    (0x089..0x08C, "the DMA page registers"),
    (0x08F..0x090, "the DMA page registers"),
    (0x092..0x093, "system control port A"),
    (0x0A0..0x0A2, "the second interrupt controller"),
    (0x0C0..0x0E0, "the second DMA controller"),
    (0x0F0..0x100, "the coprocessor"),
    (0x1F0..0x1F8, "the disk controller"),
    (0x3B0..0x3E0, "the VGA"),
    (0x3F0..0x3F8, "the floppy controller"),
    (0x3F8..0x400, "COM1"),
];

/// Ports of COM2, where it is fitted.
const SECOND_SERIAL: Taken = (0x2F8..0x300, "COM2");

/// Who has the first of the board's ports in `range`.
pub(super) fn owner_of_ports(range: &Range<u64>, machine: &Machine) -> Option<&'static str> {
    let second = machine.has_second_serial.then_some(&SECOND_SERIAL);
    let mut taken = PORTS.iter().chain(second);
    let (_, owner) = taken.find(|(ports, _)| range.start < ports.end && ports.start < range.end)?;
    Some(owner)
}

/// Who on the board has this interrupt controller's input.
pub(super) fn owner_of_interrupt(input: u8, machine: &Machine) -> Option<&'static str> {
    let second = machine.has_second_serial.then_some(&(3, "COM2"));
    let mut taken = INTERRUPTS.iter().chain(second);
    let (_, owner) = taken.find(|(taken, _)| *taken == input)?;
    Some(owner)
}

/// Memory below 1 MB that is not free for cards.
pub(super) const MEMORY: &[Taken] = &[
    (0x0_0000..0xA_0000, "conventional memory"),
    (0xA_0000..0xC_0000, "the VGA's memory"),
    (0xC_0000..0xC_8000, "the VGA's BIOS"),
    (0xF_0000..0x10_0000, "the board's BIOS"),
];

/// Where memory goes on above the adapters' area.
pub(super) const EXTENDED_MEMORY: u64 = 0x10_0000;

/// Interrupts of the board.
const INTERRUPTS: &[(u8, &str)] = &[
    (0, "the timer"),
    (1, "the keyboard"),
    (4, "COM1"),
    (6, "the floppy controller"),
    (8, "the CMOS clock"),
    (13, "the coprocessor"),
    (14, "the disk controller"),
];

/// The interrupt controller's input of a bus line: what was IRQ 2 on the PC is input 9 on an AT, whose input 2 is taken
/// by the second controller.
pub(super) const fn input_of(line: u8) -> u8 {
    if line == 2 { 9 } else { line }
}
