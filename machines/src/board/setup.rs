//! CMOS RAM as the setup program of an AT leaves it: what is fitted.
//!
//! Sources: IBM PC AT Technical Reference, "CMOS RAM address map", for 0Eh to 31h. For what came later, the map in Ralf
//! Brown's interrupt list: 1Bh to 2Ch, where BIOSes with a user-defined drive type have its shape; 34h, memory above 16 MB
//! in 64 KB; 38h to 3Dh as the BIOS of Bochs has them, translation of disks and the order of boot devices. Other BIOSes
//! do not look there.

use devices::{FloppyDriveKind, Geometry};

use crate::lab::{self, Boot, BootOrder};

/// Memory below the VGA's window; the lab file allows no less.
const BASE_KILOBYTES: u16 = 640;
/// Drive type 15: the real one is in a byte of its own.
const EXTENDED_TYPE: u8 = 0xF;
/// The drive type that the user defines.
const USER_TYPE: u8 = 47;
/// Equipment: the display's BIOS finds it out by itself (EGA, VGA).
const DISPLAY_WITH_BIOS: u8 = 0x00;
/// More cylinders than this need translation: INT 13h has ten bits.
const BIOS_CYLINDERS: u32 = 1024;
/// Control byte: more than eight heads.
const MANY_HEADS: u8 = 0x08;

/// The bytes that differ from 0, by their addresses.
pub(super) fn bytes(machine: &lab::Machine) -> Vec<(u8, u8)> {
    let mut bytes = memory(machine.memory_bytes);
    bytes.extend(floppies(machine));
    bytes.extend(disks(machine));
    let order = match machine.boot {
        Boot::Bios { order, .. } => order,
        Boot::Direct { .. } => BootOrder::default(),
    };
    bytes.extend(boot(machine, order));
    bytes
}

/// 15h to 18h and 30h to 31h: base and extended memory in KB; 34h and 35h: what lies above 16 MB in 64 KB.
fn memory(memory_bytes: u32) -> Vec<(u8, u8)> {
    let extended = (memory_bytes >> 10).saturating_sub(1024).min(0xFFFF) as u16;
    let above_16_mb = memory_bytes.saturating_sub(16 << 20) >> 16;
    let words = [
        (0x15, BASE_KILOBYTES),
        (0x17, extended),
        (0x30, extended),
        (0x34, above_16_mb as u16),
    ];
    words
        .into_iter()
        .flat_map(|(index, word)| pair(index, word))
        .collect()
}

fn pair(index: u8, word: u16) -> [(u8, u8); 2] {
    let [low, high] = word.to_le_bytes();
    [(index, low), (index + 1, high)]
}

/// 10h: the types of drives A and B; 14h: how many there are.
fn floppies(machine: &lab::Machine) -> [(u8, u8); 2] {
    let [first, second] = machine.floppies.map(|floppy| {
        floppy.map_or(0, |floppy| match floppy.kind {
            FloppyDriveKind::Inch5Double => 1,
            FloppyDriveKind::Inch5High => 2,
            FloppyDriveKind::Inch3Double => 3,
            FloppyDriveKind::Inch3High => 4,
        })
    });
    let equipment = match machine.floppies.iter().flatten().count() {
        0 => DISPLAY_WITH_BIOS,
        count => DISPLAY_WITH_BIOS | 1 | (count as u8 - 1) << 6,
    };
    [(0x10, first << 4 | second), (0x14, equipment)]
}

/// 12h: the types of disks 0 and 1; 19h and 1Ah: their extended types; 1Bh to 2Ch: their shapes.
fn disks(machine: &lab::Machine) -> Vec<(u8, u8)> {
    let mut bytes = Vec::new();
    let mut types = 0;
    for (number, disk) in (0..).zip(&machine.disks) {
        let Some(disk) = disk else { continue };
        types |= EXTENDED_TYPE << (4 - 4 * number);
        bytes.push((0x19 + number, USER_TYPE));
        bytes.extend((0x1B + 9 * number..).zip(shape(disk.geometry)));
    }
    bytes.push((0x12, types));
    bytes
}

/// Cylinders, heads, precompensation (none), control byte, landing zone, sectors a track.
fn shape(geometry: Geometry) -> [u8; 9] {
    let [low, high] = (geometry.cylinders as u16).to_le_bytes();
    let heads = geometry.heads as u8;
    let control = if heads > 8 { MANY_HEADS } else { 0 };
    let sectors = geometry.sectors_per_track as u8;
    [low, high, heads, 0xFF, 0xFF, control, low, high, sectors]
}

/// 2Dh bit 5: the floppy is tried first; 3Dh: the first and the second boot device, 1 a floppy and 2 a disk; 39h: two
/// bits for each disk, 1 for those that need logical block addresses.
fn boot(machine: &lab::Machine, order: BootOrder) -> [(u8, u8); 3] {
    const FLOPPY: u8 = 1;
    const DISK: u8 = 2;
    let floppy = machine.floppies[0].map(|_| FLOPPY);
    let disk = machine.disks[0].map(|_| DISK);
    let devices = match order {
        BootOrder::FloppyFirst => [floppy, disk],
        BootOrder::DiskFirst => [disk, floppy],
    };
    let mut present = devices.into_iter().flatten();
    let first = present.next().unwrap_or(0);
    let order = first | present.next().unwrap_or(0) << 4;
    let translation = |drive: usize| {
        let is_large = machine.disks[drive].is_some_and(|disk| disk.geometry.cylinders > BIOS_CYLINDERS);
        u8::from(is_large) << (2 * drive)
    };
    [
        (0x2D, u8::from(first == FLOPPY) << 5),
        (0x39, translation(0) | translation(1)),
        (0x3D, order),
    ]
}
