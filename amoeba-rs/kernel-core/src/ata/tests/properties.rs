//! Requests at random, on drives that err at random, against a model of what must be on the disks.

use super::{Bench, Drive};
use crate::ata::{Failure, Ports};
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proto::disk::SECTOR;
use std::cell::Cell;
use std::rc::Rc;
use std::vec::Vec;

/// A channel whose every register reads at random.
struct Noise {
    bytes: Vec<u8>,
    place: Rc<Cell<usize>>,
}

impl Noise {
    fn next(&mut self) -> u8 {
        let place = self.place.get();
        self.place.set(place + 1);
        self.bytes[place % self.bytes.len()]
    }
}

impl Ports for Noise {
    fn read(&mut self, _port: u16) -> u8 {
        self.next()
    }

    fn write(&mut self, _port: u16, _value: u8) {}

    fn read_words(&mut self, _port: u16, to: &mut [u8]) {
        to.fill_with(|| self.next());
    }

    fn write_words(&mut self, _port: u16, _from: &[u8]) {}
}

proptest! {
    #[test]
    fn reads_give_what_was_written_last_whatever_the_drives_do(
        has_lba: [bool; 2],
        multiple: [u8; 2],
        early: bool,
        has_interrupts: bool,
        requests in vec((0_usize..2, 0_u32..400, 1_u32..60, any::<bool>(), any::<u8>(), 0_u32..4, 0_u32..60), 1..30),
    ) {
        let drives = [0, 1].map(|number| {
            let mut drive = Drive::new(400);
            drive.has_lba = has_lba[number];
            drive.multiple = multiple[number] % 20;
            drive.ends_blocks_early = early;
            Some(drive)
        });
        let mut model = drives.each_ref().map(|drive| drive.as_ref().unwrap().disk.clone());
        let mut bench = Bench::new(drives);
        bench.has_interrupts = has_interrupts;
        for (number, sector, count, is_write, value, trouble, place) in requests {
            match trouble {
                1 => bench.with(number, |drive| {
                    drive.bad.insert(sector + place, 1 + u32::from(value) % 4);
                }),
                2 if place < 6 => bench.with(number, |drive| drive.silences = 1),
                _ => {}
            }
            let range = sector as usize * SECTOR..(sector + count) as usize * SECTOR;
            let is_there = sector + count <= 400;
            if is_write {
                let data: Vec<u8> = (0..range.len()).map(|at| value ^ (at / 5) as u8).collect();
                let result = bench.write(number, sector, &data);
                prop_assert_eq!(result, if is_there { Ok(()) } else { Err(Failure::Beyond) });
                if is_there {
                    model[number][range].copy_from_slice(&data);
                }
            } else if is_there {
                let read = bench.read(number, sector, count);
                prop_assert!(read.as_deref() == Ok(&model[number][range]), "{} {}", sector, count);
            } else {
                prop_assert_eq!(bench.read(number, sector, count), Err(Failure::Beyond));
            }
        }
        for (number, model) in model.iter().enumerate() {
            prop_assert!(bench.with(number, |drive| drive.disk == *model));
        }
    }

    #[test]
    fn registers_full_of_nonsense_do_no_harm(
        bytes in vec(any::<u8>(), 1..3000),
        requests in vec((0_usize..3, any::<u32>(), 0_u32..300), 0..10),
    ) {
        let noise = Noise { bytes, place: Rc::default() };
        let place = noise.place.clone();
        let mut channel = crate::ata::Channel::start(noise, 0);
        for (number, (drive, sector, count)) in (1..).zip(requests) {
            let _ = channel.read(drive, sector, count);
            let _ = channel.write(drive, sector % 1000, std::vec![0; (count as usize % 20) * SECTOR]);
            channel.work(number * 3000);
            while channel.next_done().is_some() {}
        }
        for tick in 0..2000 {
            channel.work(50_000 + tick * 1000);
        }
        prop_assert!(place.get() > 0);
    }
}
