//! The search for disk labels: in the first sector of each drive, or else of each Amoeba partition in its table.

use super::layout::Piece;
use crate::ata::{Channel, DRIVES, Ports, RequestId};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use proto::disk::{Label, PartitionTable};

/// A label, and the partition or drive that it describes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Labelled {
    pub(super) place: Piece,
    pub(super) label: Label,
}

/// How far the search is.
#[derive(Clone, Debug, Default)]
pub(super) struct Search {
    has_begun: bool,
    /// Where to look, if there is something.
    places: VecDeque<Piece>,
    /// Where a look is under way.
    current: Option<(RequestId, Piece)>,
    pub(super) found: Vec<Labelled>,
    /// First sectors that could not be read.
    pub(super) unreadable: Vec<Piece>,
    pub(super) is_over: bool,
}

impl Search {
    /// Goes on. Of the requests that end, only those of the search are its concern: `result` is one of them, if one has.
    pub(super) fn advance<P: Ports>(&mut self, channel: &mut Channel<P>) {
        if self.is_over || self.current.is_some() || !channel.is_ready() {
            return;
        }
        if !core::mem::replace(&mut self.has_begun, true) {
            let drives = (0..DRIVES).filter_map(|drive| {
                let count = channel.drive(drive)?.sectors;
                Some(Piece {
                    drive,
                    first: 0,
                    count,
                })
            });
            self.places = drives.collect();
        }
        while let Some(place) = self.places.pop_front() {
            if let Ok(id) = channel.read(place.drive, place.first, 1) {
                self.current = Some((id, place));
                return;
            }
            self.unreadable.push(place);
        }
        self.is_over = true;
    }

    /// Takes the answer to a look; false if the request is none of the search's.
    pub(super) fn take(&mut self, id: RequestId, sector: Option<&[u8]>) -> bool {
        let Some((_, place)) = self.current.take_if(|(current, _)| *current == id) else {
            return false;
        };
        match sector {
            Some(sector) => self.inspect(place, sector),
            None => self.unreadable.push(place),
        }
        true
    }

    fn inspect(&mut self, place: Piece, sector: &[u8]) {
        if let Ok(label) = Label::parse(sector) {
            self.found.push(Labelled { place, label });
            return;
        }
        // Partitions have no tables of their own.
        if place.first != 0 {
            return;
        }
        let Ok(table) = PartitionTable::parse(sector) else {
            return;
        };
        for partition in table.amoeba().filter(|partition| partition.first > 0) {
            let end = (partition.first + partition.sectors).min(place.count);
            if let Some(count) = end.checked_sub(partition.first).filter(|count| *count > 0) {
                self.places.push_back(Piece {
                    drive: place.drive,
                    first: partition.first,
                    count,
                });
            }
        }
    }
}
