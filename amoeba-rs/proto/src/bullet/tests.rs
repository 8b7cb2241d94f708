use super::disk::{Geometry, INODE_LENGTH, Inode, InodeFlags, SECTOR, Superblock};
use super::{Command, Commit, LARGEST_PIECE, emit_length, parse_length};
use crate::Error;
use crate::capability::{Capability, Port, Private};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

fn superblock() -> Superblock {
    Superblock {
        geometry: Geometry {
            block_shift: 10,
            inodes: 100,
            blocks: 0x0102,
        },
        capability: Capability {
            port: Port([1, 2, 3, 4, 5, 6]),
            private: Private::owner(0, Port([7, 8, 9, 10, 11, 12])),
        },
    }
}

#[test]
fn a_superblock_has_these_bytes() {
    let sector = superblock().emit();
    let expected = [
        0x70, 0xbd, 0xce, 0x21, 0, 0, 0, 10, 0, 0, 0, 100, 0, 0, 1, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 0, 0, 0,
        0xff, 7, 8, 9, 10, 11, 12,
    ];
    assert_eq!(sector[..36], expected);
    assert_eq!(sector[38..], [0; SECTOR - 38]);
    let sum = sector
        .chunks(2)
        .fold([0, 0], |sum, word| [sum[0] ^ word[0], sum[1] ^ word[1]]);
    assert_eq!(sum, [0, 0]);
    assert_eq!(Superblock::parse(&sector), Ok(superblock()));
}

#[test]
fn every_changed_bit_of_a_superblock_is_seen() {
    let sector = superblock().emit();
    for bit in 0..SECTOR * 8 {
        let mut changed = sector;
        changed[bit / 8] ^= 1 << (bit % 8);
        let expected = if bit < 32 { Error::Magic } else { Error::Check };
        assert_eq!(Superblock::parse(&changed), Err(expected), "bit {bit}");
    }
}

#[test]
fn numbers_that_do_not_agree_are_refused() {
    let refused = |change: fn(&mut Geometry)| {
        let mut superblock = superblock();
        change(&mut superblock.geometry);
        Superblock::parse(&superblock.emit()) == Err(Error::Length)
    };
    assert!(refused(|geometry| geometry.block_shift = 8));
    assert!(refused(|geometry| geometry.block_shift = 32));
    assert!(refused(|geometry| geometry.inodes = 1));
    assert!(refused(|geometry| geometry.inodes = (1 << 24) + 1));
    assert!(refused(|geometry| geometry.blocks = 2));
    assert!(!refused(|geometry| geometry.blocks = 3));
    let mut sector = superblock().emit();
    // A top of the inodes that is one too high, with a check that agrees.
    sector[19] ^= 1;
    sector[37] ^= 1;
    assert_eq!(Superblock::parse(&sector), Err(Error::Length));
}

#[test]
fn an_inode_has_these_bytes() {
    let inode = Inode {
        address: 0x0102_0304,
        size: 0x0506_0708,
        random: Port([9, 10, 11, 12, 13, 14]),
        lifetime: 24,
        flags: InodeFlags::ALLOCATED | InodeFlags::INTENT,
    };
    let expected = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 24, 0x41];
    assert_eq!(inode.emit(), expected);
    assert_eq!(Inode::parse(&expected[..15]), Err(Error::Truncated));
    assert_eq!(Inode::FREE.emit(), [0; 16]);
}

#[test]
fn inodes_lie_from_block_1_on_and_files_behind_them() {
    let geometry = superblock().geometry;
    assert_eq!((geometry.inode_top(), geometry.first_data()), (2, 3));
    assert_eq!((geometry.inode_sectors(), geometry.inode_sector(3)), (4, 5));
    assert_eq!((geometry.sector(3), geometry.sectors()), (6, 516));
    assert_eq!(
        [0, 1, 1024, 1025].map(|bytes| geometry.blocks_of(bytes)),
        [0, 1, 1, 2]
    );
}

#[test]
fn commands_run_from_2001_to_2009() {
    assert!(Command::ALL.iter().map(|command| command.code()).eq(2001..=2009));
    assert_eq!((Commit::COMMIT.bits(), Commit::SAFETY.bits()), (1, 2));
    assert_eq!(LARGEST_PIECE, 29_768);
}

#[test]
fn a_length_is_not_negative() {
    assert_eq!(emit_length(0x0102), Ok([2, 1, 0, 0]));
    assert_eq!(emit_length(1 << 31), Err(Error::Length));
    assert_eq!(parse_length(&[2, 1, 0, 0]), Ok(0x0102));
    assert_eq!(parse_length(&[0xff; 4]), Err(Error::Length));
    assert_eq!(parse_length(&[0; 3]), Err(Error::Truncated));
}

proptest! {
    #[test]
    fn an_inode_reads_back(bytes in any::<[u8; INODE_LENGTH]>()) {
        prop_assert_eq!(Inode::parse(&bytes).map(|inode| inode.emit()), Ok(bytes));
    }

    #[test]
    fn any_layout_that_is_good_reads_back(block_shift in 9_u32..=31, inodes in 2_u32..=1 << 24, blocks: u32) {
        let superblock = Superblock {
            geometry: Geometry { block_shift, inodes, blocks },
            ..superblock()
        };
        if superblock.geometry.check().is_ok() {
            prop_assert_eq!(Superblock::parse(&superblock.emit()), Ok(superblock));
            prop_assert!(superblock.geometry.inode_sector(superblock.geometry.inode_sectors()) <= superblock.geometry.sector(superblock.geometry.first_data()));
        }
    }
}
