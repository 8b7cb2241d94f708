//! Requests at random against a model of the drives.

use super::kernel::{Kernel, blocks, pattern, two};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proto::capability::{Capability, Rights};
use proto::disk::SECTOR;
use proto::disk::server::LARGEST_TRANSFER;
use proto::standard::Status;
use std::vec::Vec;

proptest! {
    #[test]
    fn any_request_does_what_a_model_says(
        requests in proptest::collection::vec(
            (0_usize..4, 2200_u16..2208, 0_u16..14, -2_i32..200, 0_u16..70, 0_usize..3, any::<u8>(), any::<u8>()),
            1..25,
        ),
    ) {
        let mut kernel = Kernel::new(two());
        // Sector by sector, where each disk is.
        let places: [Vec<(usize, u32)>; 4] = [
            (0..800).map(|sector| (0, sector)).collect(),
            (0..400).map(|sector| (1, sector)).collect(),
            (41..341).map(|sector| (0, sector)).collect(),
            (440..490).map(|sector| (0, sector)).chain((8..108).map(|sector| (1, sector))).collect(),
        ];
        let mut model = [kernel.on_drive(0, 0, 800), kernel.on_drive(1, 0, 400)];
        let names = kernel.names();
        for (disk, command, size, first, count, wrong, rights, seed) in requests {
            let capability = kernel.disk(&names[disk]);
            let rights = Rights(if wrong == 1 { rights } else { 0xff });
            let capability = Capability {
                private: capability.private.restrict(rights, capability.private.check),
                ..capability
            };
            let length = usize::from(count) << size;
            let data = pattern(if wrong == 2 { length / 2 } else { length.min(LARGEST_TRANSFER + 1) }, seed.into());
            let result = kernel.ask(&capability, command, blocks(size, first, count), &data);
            let sectors = length / SECTOR;
            let start = i64::from(first) << size >> 9;
            let is_good = size >= 9 && count > 0 && first >= 0 && length <= LARGEST_TRANSFER
                && start + sectors as i64 <= places[disk].len() as i64;
            let extent = || places[disk][start as usize..][..sectors].iter().enumerate();
            match command {
                2202 if rights.0 & 2 == 0 => prop_assert_eq!(result, Err(Status::Denied)),
                2204 if rights.0 & 4 == 0 => prop_assert_eq!(result, Err(Status::Denied)),
                2206 if rights.0 & 8 == 0 => prop_assert_eq!(result, Err(Status::Denied)),
                2202 | 2204 if !is_good => prop_assert_eq!(result, Err(Status::BadArgument)),
                2202 => {
                    let read = result.unwrap().data;
                    prop_assert_eq!(read.len(), length);
                    for (number, (drive, sector)) in extent() {
                        let place = *sector as usize * SECTOR;
                        prop_assert!(read[number * SECTOR..][..SECTOR] == model[*drive][place..][..SECTOR]);
                    }
                }
                2204 if data.len() != length => prop_assert_eq!(result, Err(Status::BadArgument)),
                2204 => {
                    prop_assert!(result.is_ok());
                    for (number, (drive, sector)) in extent() {
                        let place = *sector as usize * SECTOR;
                        model[*drive][place..][..SECTOR].copy_from_slice(&data[number * SECTOR..][..SECTOR]);
                    }
                }
                2203 => prop_assert_eq!(result.is_ok(), size >= 9),
                2201 | 2205 => prop_assert!(result.is_ok()),
                _ => prop_assert!(result.is_err()),
            }
        }
        prop_assert!(kernel.on_drive(0, 0, 800) == model[0]);
        prop_assert!(kernel.on_drive(1, 0, 400) == model[1]);
    }
}
