//! Programs on made-up disks.

use super::{BootUser, News, Wanted};
use proptest::prelude::{any, proptest};
use proto::boot::{Extent, HEADER_LENGTH, Header, PROGRAM_LENGTH, Program};
use proto::capability::{Capability, Port, Private};
use proto::disk::SECTOR;
use proto::standard::Status;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

const FIRST: usize = 3;

fn disk(number: u32) -> (String, Capability) {
    let capability = Capability {
        port: Port([1; 6]),
        private: Private::owner(number, Port([2; 6])),
    };
    (std::format!("vdisk:{number:02}"), capability)
}

fn header(shift: u32) -> Header {
    Header {
        binary: Capability::NULL,
        server: Capability::NULL,
        block_shift: shift,
        processes: Extent { size: 0, block: 1 },
        configuration: Extent { size: 0, block: 1 },
        programs: Extent::default(),
    }
}

/// A disk with these programs, each of which is as many bytes as are said.
fn image(programs: &[(&str, usize)]) -> Vec<u8> {
    let mut list = vec![0; SECTOR];
    let mut files = Vec::new();
    for (place, (line, size)) in programs.iter().enumerate() {
        let program = Program {
            size: *size as u32,
            offset: (SECTOR + files.len()) as u32,
            line,
        };
        list[place * PROGRAM_LENGTH..][..PROGRAM_LENGTH].copy_from_slice(&program.emit().unwrap());
        files.extend((0..*size).map(|byte| byte as u8 ^ place as u8));
        files.resize(files.len().next_multiple_of(SECTOR), 0);
    }
    let mut header = header(9);
    header.programs = Extent {
        size: (SECTOR + files.len()) as u32,
        block: FIRST as u32,
    };
    let mut bytes = vec![0; FIRST * SECTOR];
    bytes[..HEADER_LENGTH].copy_from_slice(&header.emit());
    [bytes, list, files].concat()
}

fn read<'a>(disks: &'a [Vec<u8>], wanted: &Wanted) -> Result<&'a [u8], Status> {
    let bytes = &disks[wanted.disk.private.object() as usize];
    let start = wanted.first as usize * SECTOR;
    let end = start + wanted.count as usize * SECTOR;
    bytes.get(start..end).ok_or(Status::BadArgument)
}

/// Everything that comes of these disks, and how often something was read.
fn boot(disks: &[Vec<u8>]) -> (Vec<News>, usize) {
    let mut boot = BootUser::new((0..disks.len() as u32).map(disk));
    let (mut news, mut reads) = (Vec::new(), 0);
    while let Some(wanted) = boot.wanted() {
        assert!((1..=58).contains(&wanted.count), "{wanted:?}");
        news.extend(boot.took(read(disks, &wanted)));
        reads += 1;
    }
    (news, reads)
}

fn program(line: &str, place: u8, size: usize) -> News {
    News::Program(
        line.to_string(),
        (0..size).map(|byte| byte as u8 ^ place).collect(),
    )
}

fn trouble(disk: &str, why: &str) -> News {
    News::Trouble(disk.to_string(), why.to_string())
}

#[test]
fn the_programs_of_the_first_disk_that_has_some_are_read_whole_in_their_order() {
    let mut without = vec![0; SECTOR];
    without[..HEADER_LENGTH].copy_from_slice(&header(12).emit());
    let lines = [("bullet -c 1024 vdisk:01", 100_000), ("boot", 512), ("idle", 1)];
    let disks = [vec![0; SECTOR], without, image(&lines), image(&[("other", 5)])];
    let (news, reads) = boot(&disks);
    let expected = [
        program(lines[0].0, 0, 100_000),
        program("boot", 1, 512),
        program("idle", 2, 1),
    ];
    assert_eq!(news, expected);
    // Three beginnings, a list, 196 sectors of which 58 are read at a time, and two.
    assert_eq!(reads, 3 + 1 + 4 + 2);
}

#[test]
fn a_disk_whose_beginning_cannot_be_read_or_leads_nowhere_is_passed_over() {
    let whole = image(&[("first", 600)]);
    let mut huge = whole.clone();
    let mut header = Header::parse(&huge).unwrap();
    header.programs.block = u32::MAX;
    huge[..HEADER_LENGTH].copy_from_slice(&header.emit());
    let (news, _) = boot(&[Vec::new(), huge, whole]);
    let status = Status::BadArgument;
    let expected = [
        trouble("vdisk:00", &std::format!("{status}")),
        program("first", 0, 600),
    ];
    assert_eq!(news, expected);
}

#[test]
fn behind_programs_that_cannot_be_read_there_is_nothing() {
    let whole = image(&[("first", 600), ("second", 600)]);
    let unreadable = whole[..FIRST * SECTOR].to_vec();
    let cut = whole[..whole.len() - SECTOR].to_vec();
    let mut lying = whole.clone();
    // The second program begins in the middle of a sector.
    lying[FIRST * SECTOR + PROGRAM_LENGTH + 7] = 1;
    let status = Status::BadArgument;
    let listed = std::format!("the list of programs: {status}");
    for (disk, expected) in [
        (unreadable, vec![trouble("vdisk:00", &listed)]),
        (
            lying,
            vec![trouble(
                "vdisk:00",
                "the list of programs: length and bytes disagree",
            )],
        ),
        (
            cut,
            vec![
                program("first", 0, 600),
                trouble("vdisk:00", &std::format!("second: {status}")),
            ],
        ),
    ] {
        assert_eq!(boot(&[disk, whole.clone()]).0, expected);
    }
}

#[test]
fn a_program_of_which_nothing_comes_is_no_program() {
    let mut boot = BootUser::new([disk(0)]);
    let whole = image(&[("first", 600)]);
    assert_eq!(boot.took(Ok(&whole[..SECTOR])), None);
    assert_eq!(boot.took(Ok(&whole[FIRST * SECTOR..][..SECTOR])), None);
    let why = std::format!("first: {}", Status::SystemError);
    assert_eq!(boot.took(Ok(&[])), Some(trouble("vdisk:00", &why)));
    assert_eq!(boot.wanted(), None);
}

proptest! {
    #[test]
    fn any_list_is_read_to_its_end(list in proptest::collection::vec(any::<u8>(), SECTOR), size: u32) {
        let mut boot = BootUser::new([disk(0)]);
        let mut header = header(9);
        header.programs = Extent { size: size.max(1), block: 3 };
        let mut sector = [0; SECTOR];
        sector[..HEADER_LENGTH].copy_from_slice(&header.emit());
        boot.took(Ok(&sector));
        if boot.wanted().is_some() {
            boot.took(Ok(&list));
        }
        while boot.wanted().is_some() {
            boot.took(Err(Status::SystemError));
        }
    }
}
