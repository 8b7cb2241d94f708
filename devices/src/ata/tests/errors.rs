//! Sectors that cannot be read and sectors that a drive does not have: how far a command gets, and what the registers then
//! show.

use super::*;

const READ_MULTIPLE: u8 = 0xC4;
const WRITE_MULTIPLE: u8 = 0xC5;
/// The address registers behind a count: sector 7 by LBA.
const SECTOR_7: [u8; 4] = [7, 0, 0, 0xE0];
/// The first sector that a drive of [`SECTORS`] sectors does not have.
const BEHIND_THE_END: [u8; 4] = [0x10, 0x27, 0, 0xE0];

/// A drive whose sector 7 was torn by a power cut.
fn torn() -> Rig {
    let mut rig = Rig::new();
    rig.lba(WRITE, 7, 1);
    rig.send(&[1; 512]);
    rig.pass(
        rig.bench
            .alarm
            .since(rig.bench.now)
            .saturating_sub(Span::from_microseconds(1)),
    );
    let Rig { ata, bench, media } = &mut rig;
    bench.call(|cx| ata.power_cut(TornSector::Unreadable, media, cx));
    bench.call(|cx| ata.power_on(media, cx));
    rig.pass(SPIN_UP);
    rig
}

impl Rig {
    /// READ and WRITE MULTIPLE move blocks of `sectors` sectors.
    fn set_multiple(&mut self, sectors: u8) {
        self.lba(0xC6, 0, sectors);
        assert_eq!(self.interrupt(), READY);
    }

    /// The command has ended with this error and these address registers, with `left` sectors left, and nothing follows.
    fn assert_failed(&mut self, error: u8, left: u8, address: [u8; 4]) {
        assert_eq!([self.read(0x1F7), self.read(0x1F1)], [FAILED, error]);
        let [number, low, high, head] = address;
        assert_eq!(self.address(), [left, number, low, high, head]);
        self.pass(Span::from_seconds(1));
        assert!(!self.bench.lines[14], "no interrupt follows");
        assert_eq!(self.read(0x3F6), FAILED);
    }
}

/// READ SECTORS in ATA-1: "DRQ is always set prior to data transfer regardless of the presence or absence of an error
/// condition"; the flawed data are in the sector buffer, and the command ends.
#[test]
fn a_sector_that_cannot_be_read_comes_with_err_beside_drq_and_ends_the_command() {
    for command in [READ, 0x21] {
        let mut rig = torn();
        rig.lba(command, 5, 5);
        for sector in 5..7 {
            assert_eq!(rig.interrupt(), ASKING);
            assert_eq!(rig.block(512), numbered(sector));
        }
        assert_eq!((rig.interrupt(), rig.read(0x1F1)), (FLAWED, 0x40));
        assert_eq!(rig.address(), [3, 7, 0, 0, 0xE0]);
        rig.block(510);
        assert_eq!(rig.read(0x1F7), FLAWED, "a word is left");
        rig.block(2);
        rig.assert_failed(0x40, 3, SECTOR_7);
    }
}

#[test]
fn the_place_of_a_sector_that_cannot_be_read_holds_neither_what_was_there_nor_what_was_written() {
    let mut rig = torn();
    rig.lba(READ, 7, 1);
    assert_eq!(rig.interrupt(), FLAWED);
    assert_eq!(rig.block(512), [0; 512]);
}

#[test]
fn a_command_drops_the_data_of_a_sector_that_cannot_be_read() {
    let mut rig = torn();
    rig.set_multiple(4);
    for (command, words) in [(READ, 0), (READ, 100), (READ_MULTIPLE, 0), (READ_MULTIPLE, 700)] {
        rig.lba(command, 7, 4);
        assert_eq!(rig.interrupt(), FLAWED);
        rig.block(2 * words);
        assert_eq!(rig.read(0x1F7), FLAWED);
        rig.lba(READ, 8, 1);
        assert_eq!(rig.read(0x1F7), 0x80);
        assert_eq!((rig.interrupt(), rig.read(0x1F1)), (ASKING, 0));
        assert_eq!(rig.block(512), numbered(8));
        assert_eq!(rig.read(0x1F7), READY);
    }
    rig.lba(READ, 7, 1);
    assert_eq!(rig.interrupt(), FLAWED);
    rig.lba(WRITE, 9, 1);
    rig.send(&[9; 512]);
    assert_eq!(rig.interrupt(), READY);
    assert_eq!(rig.ram()[9], [9; 512]);
}

#[test]
fn a_reset_drops_the_data_of_a_sector_that_cannot_be_read() {
    let mut rig = torn();
    rig.lba(READ, 7, 1);
    assert_eq!(rig.interrupt(), FLAWED);
    rig.write(0x3F6, 0x04);
    rig.pass(Span::from_microseconds(10));
    rig.write(0x3F6, 0x00);
    rig.pass(COMMAND_OVERHEAD);
    assert_eq!([rig.read(0x1F7), rig.read(0x1F1)], [READY, 0x01]);
}

/// READ VERIFY in ATA-1: as READ, "except that DRQ is never set, and no data is transferred to the host".
#[test]
fn a_verify_ends_at_a_sector_that_cannot_be_read_and_has_no_data() {
    let mut rig = torn();
    rig.lba(VERIFY, 5, 5);
    assert_eq!(rig.interrupt(), FAILED);
    rig.assert_failed(0x40, 3, SECTOR_7);
}

#[test]
fn a_sector_that_cannot_be_read_is_healed_by_writing_it() {
    let mut rig = torn();
    rig.lba(WRITE, 7, 1);
    rig.send(&[9; 512]);
    assert_eq!(rig.interrupt(), READY);
    rig.lba(READ, 7, 1);
    assert_eq!(rig.interrupt(), ASKING);
    assert_eq!(rig.block(512), [9; 512]);
}

/// READ MULTIPLE in ATA-1: "disk errors encountered … are posted at the beginning of the block or partial block transfer,
/// but DRQ is still set and the data transfer takes place as it normally would, including transfer of corrupted data, if
/// any"; an error that was not corrected stops the command after the block.
#[test]
fn read_multiple_announces_an_error_at_the_beginning_of_its_block_and_moves_the_whole_block() {
    // Sector 7 is the last, a middle, and the first one of its block, or in a last block that is a part of one.
    for (first, count, block) in [
        (0, 12, 4),
        (1, 12, 4),
        (3, 12, 4),
        (3, 6, 4),
        (0, 0, 8),
        (7, 1, 8),
    ] {
        let mut rig = torn();
        rig.set_multiple(block);
        rig.lba(READ_MULTIPLE, first, count);
        let end = first + if count == 0 { 256 } else { u32::from(count) };
        let mut sector = first;
        loop {
            let next = (sector + u32::from(block)).min(end);
            let mut expected: Vec<_> = (sector..next).map(numbered).collect();
            if let Some(flawed) = (sector..next).position(|sector| sector == 7) {
                expected[flawed] = [0; 512];
                let left = (end - 7) as u8;
                assert_eq!((rig.interrupt(), rig.read(0x1F1)), (FLAWED, 0x40));
                assert_eq!(rig.address(), [left, 7, 0, 0, 0xE0]);
                assert_eq!(rig.block(512 * expected.len()), expected.concat());
                rig.assert_failed(0x40, left, SECTOR_7);
                break;
            }
            assert_eq!((rig.interrupt(), rig.read(0x1F1)), (ASKING, 0));
            assert_eq!(rig.block(512 * expected.len()), expected.concat());
            sector = next;
        }
    }
}

#[test]
fn what_follows_a_block_with_an_error_can_be_read_by_the_next_command() {
    let mut rig = torn();
    rig.set_multiple(4);
    rig.lba(READ_MULTIPLE, 6, 4);
    assert_eq!(rig.interrupt(), FLAWED);
    rig.block(4 * 512);
    for sector in [6, 8, 9, 10] {
        rig.timed_read(sector);
    }
}

#[test]
fn an_address_that_the_drive_does_not_have_is_not_found() {
    for address in [[9, 0, 1], [0, 0, 0], [0, 0, 64]] {
        let mut rig = Rig::new();
        rig.chs(READ, address, 1);
        assert_eq!((rig.interrupt(), rig.read(0x1F1)), (FAILED, 0x10));
    }
    for command in [READ, WRITE, VERIFY, 0x70] {
        let mut rig = Rig::new();
        rig.lba(command, SECTORS, 1);
        assert_eq!((rig.interrupt(), rig.read(0x1F1)), (FAILED, 0x10));
    }
}

#[test]
fn a_read_over_the_end_of_the_drive_gives_what_is_there_and_names_the_first_sector_that_is_not() {
    let mut rig = Rig::new();
    rig.lba(READ, SECTORS - 1, 2);
    assert_eq!(rig.interrupt(), ASKING);
    assert_eq!(rig.block(512), numbered(SECTORS - 1));
    assert_eq!(rig.interrupt(), FAILED);
    rig.assert_failed(0x10, 1, BEHIND_THE_END);
}

/// As any error of READ MULTIPLE: with the block in which it is.
#[test]
fn read_multiple_over_the_end_of_the_drive_gives_what_is_there_in_a_whole_block() {
    let mut rig = Rig::new();
    rig.set_multiple(4);
    rig.lba(READ_MULTIPLE, SECTORS - 6, 9);
    assert_eq!(rig.interrupt(), ASKING);
    let expected: Vec<_> = (SECTORS - 6..SECTORS - 2).flat_map(numbered).collect();
    assert_eq!(rig.block(4 * 512), expected);
    assert_eq!((rig.interrupt(), rig.read(0x1F1)), (FLAWED, 0x10));
    assert_eq!(rig.address(), [3, 0x10, 0x27, 0, 0xE0]);
    let expected = [numbered(SECTORS - 2), numbered(SECTORS - 1), [0; 512], [0; 512]];
    assert_eq!(rig.block(4 * 512), expected.concat());
    rig.assert_failed(0x10, 3, BEHIND_THE_END);
}

#[test]
fn read_multiple_up_to_the_end_of_the_drive_has_no_data_for_a_block_of_which_nothing_is_there() {
    let mut rig = Rig::new();
    rig.set_multiple(4);
    rig.lba(READ_MULTIPLE, SECTORS - 4, 8);
    assert_eq!(rig.interrupt(), ASKING);
    rig.block(4 * 512);
    assert_eq!(rig.interrupt(), FAILED);
    rig.assert_failed(0x10, 4, BEHIND_THE_END);
}

#[test]
fn a_write_over_the_end_of_the_drive_writes_what_is_there_and_names_the_first_sector_that_is_not() {
    let mut rig = Rig::new();
    rig.lba(WRITE, SECTORS - 2, 3);
    rig.send(&[1; 512]);
    assert_eq!(rig.interrupt(), ASKING);
    rig.send(&[2; 512]);
    assert_eq!(rig.interrupt(), FAILED);
    assert_eq!(rig.ram()[SECTORS as usize - 2..], [[1; 512], [2; 512]]);
    rig.assert_failed(0x10, 1, BEHIND_THE_END);
}

/// WRITE MULTIPLE in ATA-1: errors "are posted after the attempted disk write of the block or partial block transferred. The
/// write command ends with the sector in error, even if it was in the middle of a block. Subsequent blocks are not
/// transferred".
#[test]
fn write_multiple_over_the_end_of_the_drive_takes_whole_blocks_and_writes_what_is_there() {
    // The end is in the first block, in the second, and between them.
    for (there, count) in [(2, 8), (3, 4), (1, 0), (6, 9), (4, 8)] {
        let mut rig = Rig::new();
        rig.set_multiple(4);
        let first = SECTORS - there;
        rig.lba(WRITE_MULTIPLE, first, count);
        let blocks = there.div_ceil(4);
        for block in 0..blocks {
            if block > 0 {
                assert_eq!(rig.interrupt(), ASKING);
            }
            assert_eq!(rig.read(0x3F6), ASKING, "{there} of {count}");
            let data: Vec<_> = (0..4).flat_map(|n| [(10 * block + n + 1) as u8; 512]).collect();
            rig.send(&data[..data.len() - 2]);
            assert_eq!(rig.read(0x3F6), ASKING, "the whole block is taken");
            rig.send(&data[data.len() - 2..]);
        }
        assert_eq!(rig.interrupt(), FAILED);
        for n in 0..there {
            let value = (10 * (n / 4) + n % 4 + 1) as u8;
            assert_eq!(
                rig.ram()[(first + n) as usize],
                [value; 512],
                "{there} of {count}"
            );
        }
        assert_eq!(rig.ram()[first as usize - 1], numbered(first - 1));
        rig.assert_failed(0x10, count.wrapping_sub(there as u8), BEHIND_THE_END);
    }
}

#[test]
fn write_multiple_fails_only_when_the_sectors_that_are_there_have_passed_under_the_head() {
    let mut rig = Rig::new();
    rig.set_multiple(4);
    rig.lba(WRITE_MULTIPLE, SECTORS - 2, 4);
    rig.send(&[1; 4 * 512]);
    let mut writes = 0;
    while let Some(write) = rig.ata.next_write() {
        assert_eq!(write.sector, SECTORS - 2 + writes);
        assert_eq!(rig.read(0x3F6), 0x80);
        rig.pass(write.end.since(rig.bench.now));
        writes += 1;
    }
    assert_eq!((writes, rig.interrupt()), (2, FAILED));
}
