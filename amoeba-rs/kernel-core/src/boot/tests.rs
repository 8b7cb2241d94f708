use super::image::Part;
use super::{Boot, Failure, HEAD, Image, Unfit};
use crate::machine::Machine;
use crate::machine::testing::TestMachine;
use crate::memory::PAGE;
use crate::multiboot::{INFORMATION_LENGTH, Information};
use crate::segments::Segments;
use proptest::prelude::{any, prop_assert, proptest};
use proto::capability::{Capability, Port};
use proto::message::LARGEST_BUFFER;
use std::ops::Range;
use std::string::ToString;
use std::vec;
use std::vec::Vec;

/// Where images of the tests may lie.
const ROOM: Range<u32> = 0x1_0000..0x4_0000;
const ADDRESS: u32 = 0x1_8000;
const ENTRY: u32 = ADDRESS + 0x20;
const BODY: u32 = 0x1000;
/// Bytes of the first part, more than one message holds.
const LENGTH: u32 = 35_000;

/// A file with parts of code and data, the second of which is longer in memory than in the file.
fn file() -> Vec<u8> {
    let mut file = vec![0; (BODY + LENGTH + 100) as usize];
    let mut put = |offset: usize, words: &[u32]| {
        for (place, word) in (offset..).step_by(4).zip(words) {
            file[place..place + 4].copy_from_slice(&word.to_le_bytes());
        }
    };
    // Type and machine, version, entry, program headers, no section headers, flags, sizes, count.
    put(16, &[0x0003_0002, 1, ENTRY, 52, 0, 0, 0x0020_0034, 0x0000_0003]);
    let data = ADDRESS + 0xa000;
    put(52, &[1, BODY + LENGTH, data, data, 100, 6000, 6, 4096]);
    put(84, &[0x6474_e551, 0, 0, 0, 0, 0, 6, 0]);
    put(116, &[1, BODY, ADDRESS, ADDRESS, LENGTH, LENGTH, 5, 4096]);
    put(BODY as usize, &[0x1bad_b002, 3, 0xe452_4ffb]);
    file[..7].copy_from_slice(b"\x7fELF\x01\x01\x01");
    for (place, byte) in file[BODY as usize + 12..].iter_mut().enumerate() {
        *byte = (place % 251) as u8;
    }
    file
}

fn parse(file: &[u8]) -> Result<Image, Unfit> {
    Image::parse(&file[..HEAD as usize], ROOM)
}

fn changed(offset: usize, bytes: &[u8]) -> Result<Image, Unfit> {
    let mut file = file();
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
    parse(&file)
}

#[test]
fn an_image_has_the_parts_that_its_headers_say_in_their_order() {
    let image = parse(&file()).unwrap();
    assert_eq!(image.entry, ENTRY);
    let code = Part {
        offset: BODY,
        length: LENGTH,
        address: ADDRESS,
        size: LENGTH,
    };
    let data = Part {
        offset: BODY + LENGTH,
        length: 100,
        address: ADDRESS + 0xa000,
        size: 6000,
    };
    assert_eq!(image.parts, [code, data]);
    assert_eq!(image.area(), ADDRESS..ADDRESS + 0xa000 + 6000);
}

#[test]
fn what_is_no_kernel_is_refused_with_the_reason() {
    let at = BODY as usize;
    for (offset, bytes, unfit) in [
        (0, &b"MZ"[..], Unfit::NotElf),
        (16, &[3], Unfit::NotElf),
        (18, &[62], Unfit::NotElf),
        (42, &[31], Unfit::Headers),
        (44, &[17], Unfit::Headers),
        (28, &[0xff; 4], Unfit::Headers),
        (at, b"\0", Unfit::NoHeader),
        (at + 8, b"\0", Unfit::NoHeader),
        (at + 4, &[7, 0, 0, 0, 0xf7], Unfit::Demands(4)),
        (24, &[0, 0, 1, 0], Unfit::Entry(0x1_0000)),
    ] {
        let image = changed(offset, bytes);
        assert_eq!(image, Err(unfit), "{offset}");
        assert!(!unfit.to_string().is_empty());
    }
}

#[test]
fn parts_that_contradict_themselves_or_overlap_are_refused() {
    let code = 116;
    for (offset, value) in [
        // More bytes in the file than in memory, beyond the end of all addresses, over the other part.
        (code + 20, LENGTH - 1),
        (code + 12, u32::MAX - 10),
        (code + 4, u32::MAX - 10),
        (code + 12, ADDRESS + 0x9000),
        // No part at all.
        (44, 0),
    ] {
        assert_eq!(
            changed(offset, &value.to_le_bytes()),
            Err(Unfit::Headers),
            "{offset}"
        );
    }
}

#[test]
fn an_image_that_is_not_all_in_memory_is_refused() {
    // The second part ends a page behind the room.
    let size = ROOM.end - (ADDRESS + 0xa000) + PAGE;
    let area = Unfit::Room {
        start: ADDRESS,
        end: ROOM.end + PAGE,
    };
    assert_eq!(changed(52 + 20, &size.to_le_bytes()), Err(area));
    let file = file();
    let image = Image::parse(&file[..HEAD as usize], ADDRESS + 1..ROOM.end);
    assert!(matches!(image, Err(Unfit::Room { .. })));
}

/// Reads a file as a server gives it, at most so many bytes at a time.
fn read(
    boot: &mut Boot,
    machine: &mut TestMachine,
    segments: &mut Segments,
    file: &[u8],
    most: u32,
) -> Result<(), Failure> {
    while let Some(wanted) = boot.wanted(segments) {
        assert!(wanted.length > 0 && wanted.length <= LARGEST_BUFFER as u32);
        let rest = file.get(wanted.offset as usize..).unwrap_or_default();
        let got = &rest[..rest.len().min(wanted.length.min(most) as usize)];
        match wanted.place {
            None => boot.take_head(machine, segments, got)?,
            Some(place) => {
                assert_eq!(place.length, wanted.length);
                machine
                    .memory_mut(place.start, got.len() as u32)
                    .copy_from_slice(got);
                boot.took(got.len() as u32)?;
            }
        }
    }
    Ok(())
}

fn boot() -> Boot {
    Boot::new(Capability::NULL, "kernel slice=50".into(), ROOM)
}

#[test]
fn an_image_is_put_together_outside_its_own_place() {
    let file = file();
    for most in [HEAD, 30_000] {
        let mut machine = TestMachine::new(0x60);
        let mut segments = Segments::new(Port([1; 6]));
        let mut boot = boot();
        read(&mut boot, &mut machine, &mut segments, &file, most).unwrap();
        let start = boot.start(&mut machine, &segments).unwrap();
        assert_eq!(
            (start.destination, start.length, start.entry),
            (ADDRESS, 0xc000, ENTRY)
        );
        let end = start.room + PAGE;
        assert!(start.source >= ADDRESS + start.length || end <= ADDRESS);
        assert!(start.room == start.source + start.length && start.information >= start.room + PAGE / 2);
        let image = machine.memory(start.source, start.length);
        let body = &file[BODY as usize..];
        assert!(image[..LENGTH as usize] == body[..LENGTH as usize]);
        assert!(image[0xa000..0xa000 + 100] == body[LENGTH as usize..][..100]);
        let between = image[LENGTH as usize..0xa000].iter();
        assert!(between.chain(&image[0xa000 + 100..]).all(|byte| *byte == 0));
        let bytes = machine.memory(start.information, INFORMATION_LENGTH as u32);
        let information = Information::parse(bytes.try_into().unwrap());
        let line = machine.memory(information.command_line.unwrap(), 16);
        assert_eq!(line, b"kernel slice=50\0");
        assert_eq!(information.modules, None);
    }
}

#[test]
fn without_memory_beside_its_place_nothing_is_kept() {
    let file = file();
    // The free memory is what the image itself will take, or less.
    for pages in [0x18 + 0xc, 0x18 + 5, 8] {
        let mut machine = TestMachine::new(pages);
        let free = machine.free_pages();
        let mut segments = Segments::new(Port([1; 6]));
        // Below the image something is in use.
        let used = segments.create(&mut machine, 6 * PAGE).unwrap();
        let mut boot = boot();
        let result = read(&mut boot, &mut machine, &mut segments, &file, HEAD);
        let is_possible = pages - 6 >= 0xd && pages >= 0x18;
        assert_eq!(result.is_ok(), is_possible, "{pages}");
        if !is_possible {
            assert_eq!(result, Err(Failure::Memory(0xd000)));
        }
        boot.give_up(&mut machine, &mut segments);
        segments.destroy(&mut machine, used);
        assert_eq!(machine.free_pages(), free);
    }
}

#[test]
fn a_file_that_ends_too_early_gives_its_memory_back() {
    let file = file();
    let mut machine = TestMachine::new(0x60);
    let mut segments = Segments::new(Port([1; 6]));
    for end in [BODY as usize + 20_000, file.len() - 1] {
        let mut boot = boot();
        let result = read(&mut boot, &mut machine, &mut segments, &file[..end], 30_000);
        assert_eq!(result, Err(Failure::Short));
        boot.give_up(&mut machine, &mut segments);
        assert_eq!(machine.free_pages(), 0x60);
    }
    let mut empty = boot();
    let result = read(&mut empty, &mut machine, &mut segments, &[], 30_000);
    assert_eq!(result, Err(Failure::Unfit(Unfit::NotElf)));
}

proptest! {
    #[test]
    fn no_file_makes_reading_its_headers_panic(
        changes in proptest::collection::vec((0_usize..200, any::<u8>()), 0..12),
        header in proptest::collection::vec((0_usize..12, any::<u8>()), 0..3),
    ) {
        let mut file = file();
        for (place, byte) in changes {
            file[place] = byte;
        }
        for (place, byte) in header {
            file[BODY as usize + place] = byte;
        }
        if let Ok(image) = parse(&file) {
            prop_assert!(image.area().start >= ROOM.start && image.area().end <= ROOM.end);
        }
    }
}
