//! What the drives do for firmware that never waits behind a write.

use super::*;

/// A drive that assists, its interrupt disabled.
fn polled() -> Rig {
    let mut rig = Rig::new();
    rig.ata = rig.ata.assist_firmware();
    rig.write(0x3F6, 0x02);
    rig
}

#[test]
fn without_the_interrupt_a_write_ends_for_the_host_with_its_last_word() {
    let mut rig = polled();
    rig.lba(WRITE, 500, 3);
    for (value, status) in [(1, ASKING), (2, ASKING), (3, READY)] {
        rig.send(&[value; 512]);
        assert_eq!(rig.read(0x1F7), status, "sector {value}");
    }
    assert_eq!(
        rig.ram()[500..503],
        [500, 501, 502].map(numbered),
        "the disk turns"
    );
    rig.pass(Span::from_milliseconds(100));
    assert_eq!(rig.ram()[500..503], [[1; 512], [2; 512], [3; 512]]);
}

#[test]
fn with_the_interrupt_a_write_ends_with_its_last_sector() {
    let mut rig = polled();
    rig.write(0x3F6, 0x00);
    rig.lba(WRITE, 500, 1);
    rig.send(&[1; 512]);
    assert_eq!(rig.read(0x3F6), 0x80);
    assert_eq!(rig.interrupt(), READY);
    assert_eq!(rig.ram()[500], [1; 512]);
}

#[test]
fn the_next_command_waits_for_what_was_written() {
    let mut rig = polled();
    rig.lba(WRITE, 9_000, 1);
    rig.send(&[1; 512]);
    assert_eq!(rig.read(0x1F7), READY);
    rig.lba(WRITE, 100, 1);
    assert_eq!(rig.read(0x1F7), 0x80);
    while rig.read(0x1F7) == 0x80 {
        assert_eq!(rig.ram()[9_000], numbered(9_000));
        rig.pass(rig.bench.alarm.since(rig.bench.now));
    }
    assert_eq!((rig.read(0x1F7), rig.ram()[9_000]), (ASKING, [1; 512]));
}

#[test]
fn a_reset_waits_for_what_was_written() {
    let mut rig = polled();
    rig.lba(WRITE, 9_000, 2);
    rig.send(&[1; 1024]);
    rig.write(0x3F6, 0x06);
    rig.pass(Span::from_microseconds(10));
    rig.write(0x3F6, 0x02);
    assert_eq!(rig.read(0x1F7), 0x80);
    rig.pass(Span::from_milliseconds(100));
    assert_eq!(rig.read(0x1F7), READY);
    assert_eq!(rig.ram()[9_000..9_002], [[1; 512]; 2]);
}

#[test]
fn a_power_cut_leaves_the_sectors_that_have_not_passed_as_they_were() {
    let mut rig = polled();
    rig.lba(WRITE, 9_000, 2);
    rig.send(&[1; 1024]);
    let Rig { ata, bench, media } = &mut rig;
    bench.call(|cx| ata.power_cut(TornSector::Old, media, cx));
    rig.pass(Span::from_milliseconds(100));
    assert_eq!(rig.ram()[9_000..9_002], [9_000, 9_001].map(numbered));
}

#[test]
fn a_write_over_the_end_of_the_drive_fails_before_the_sector_that_is_not_there() {
    let mut rig = polled();
    rig.lba(WRITE, SECTORS - 1, 2);
    rig.send(&[1; 512]);
    assert_eq!((rig.read(0x1F7), rig.read(0x1F1)), (FAILED, 0x10));
    rig.pass(Span::from_milliseconds(100));
    assert_eq!(rig.ram()[SECTORS as usize - 1], [1; 512]);
}

#[test]
fn write_multiple_over_the_end_of_the_drive_fails_with_the_last_word_of_its_block() {
    let mut rig = polled();
    rig.lba(0xC6, 0, 4);
    rig.pass(Span::from_milliseconds(1));
    rig.lba(0xC5, SECTORS - 6, 8);
    for status in [ASKING, FAILED] {
        assert_eq!(rig.read(0x1F7), ASKING);
        rig.send(&[1; 4 * 512]);
        assert_eq!(rig.read(0x1F7), status);
    }
    assert_eq!(rig.read(0x1F1), 0x10);
    assert_eq!(rig.address(), [2, 0x10, 0x27, 0, 0xE0]);
    rig.pass(Span::from_milliseconds(100));
    assert_eq!(rig.ram()[SECTORS as usize - 6..], [[1; 512]; 6]);
}

/// The BIOS of Bochs (`rombios.c`, `ata_cmd_data_in`) leaves the data of a block with ERR where they are.
#[test]
fn without_the_interrupt_the_command_after_an_error_with_data_begins_as_any_other() {
    let mut rig = polled();
    rig.lba(0xC6, 0, 4);
    rig.pass(Span::from_milliseconds(1));
    rig.lba(0xC4, SECTORS - 2, 4);
    rig.pass(Span::from_milliseconds(100));
    assert_eq!((rig.read(0x1F7), rig.read(0x1F1)), (FLAWED, 0x10));
    rig.lba(READ, 3, 1);
    assert_eq!(rig.read(0x1F7), 0x80);
    rig.pass(Span::from_milliseconds(100));
    assert_eq!(rig.read(0x1F7), ASKING);
    assert_eq!(rig.block(512), numbered(3));
    assert_eq!(rig.read(0x1F7), READY);
}
