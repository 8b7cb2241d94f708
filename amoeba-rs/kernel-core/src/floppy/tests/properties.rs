//! Requests at random among disturbances, against a model of the disks.

use super::model::Floppy;
use super::{Bench, HIGH, pattern};
use crate::floppy::Failure;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proto::disk::SECTOR;

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(48))]
    #[test]
    fn any_requests_among_disturbances_end_as_a_model_says(
        steps in proptest::collection::vec((0_u8..10, 0_u32..2900, 1_u32..59, any::<u8>()), 1..16),
    ) {
        let mut bench = Bench::new([Some(HIGH), None], [Some(Floppy::new(2880, 1)), None]);
        let mut model = Some(Floppy::new(2880, 1).data);
        let mut is_protected = false;
        for (what, sector, count, seed) in steps {
            let sectors = model.as_ref().map_or(0, |data| (data.len() / SECTOR) as u32);
            let range = sector as usize * SECTOR..(sector + count) as usize * SECTOR;
            let expected = if sector + count > 2880 {
                Some(Failure::Beyond)
            } else if model.is_none() {
                Some(Failure::NoDrive)
            } else if sector + count > sectors {
                Some(Failure::Beyond)
            } else {
                None
            };
            match what {
                0..=3 => match (bench.read(0, sector, count), expected) {
                    (Err(why), expected) => prop_assert_eq!(Some(why), expected),
                    (Ok(data), None) => prop_assert!(model.as_ref().is_some_and(|model| data == model[range])),
                    (Ok(_), expected) => prop_assert_eq!(None, expected),
                },
                4..=6 => {
                    let data = pattern(count as usize, seed);
                    let expected = expected.or(is_protected.then_some(Failure::WriteProtected));
                    prop_assert_eq!(bench.write(0, sector, &data).err(), expected);
                    if let Some(model) = model.as_mut().filter(|_| expected.is_none()) {
                        model[range].copy_from_slice(&data);
                    }
                }
                7 => {
                    // Another disk, or none.
                    bench.with(|board| board.eject(0));
                    model = None;
                    if seed % 4 > 0 {
                        let mut disk = Floppy::new(if seed % 4 == 1 { 1440 } else { 2880 }, seed);
                        is_protected = seed % 8 > 5;
                        disk.is_write_protected = is_protected;
                        model = Some(disk.data.clone());
                        bench.with(|board| board.insert(0, disk));
                    }
                }
                8 => bench.with(|board| board.lost_interrupts = u32::from(seed % 4)),
                _ => bench.sleep(u64::from(seed) * 10),
            }
            if let Some(model) = &model {
                prop_assert!(bench.on_disk(0, 0, (model.len() / SECTOR) as u32) == *model);
            }
        }
    }
}
