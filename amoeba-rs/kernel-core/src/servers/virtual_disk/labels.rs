//! The search for disk labels: in the first sector of each drive, or else of each Amoeba partition in its table. Floppies have no
//! partitions.

use super::drives::{DRIVES, Drives, Id, floppy_number};
use super::layout::Piece;
use crate::ata::{self, Direction};
use crate::floppy::{self, Wanted};
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
    current: Option<(Id, Piece)>,
    pub(super) found: Vec<Labelled>,
    /// First sectors that could not be read.
    pub(super) unreadable: Vec<Piece>,
    pub(super) is_over: bool,
}

impl Search {
    /// Goes on to the next place, unless a look is under way.
    pub(super) fn advance<P: ata::Ports, F: floppy::Ports>(&mut self, drives: &mut Drives<P, F>) {
        if self.is_over || self.current.is_some() || !drives.is_ready() {
            return;
        }
        if !core::mem::replace(&mut self.has_begun, true) {
            let places = (0..DRIVES).filter_map(|drive| {
                let count = drives.sectors(drive)?;
                Some(Piece {
                    drive,
                    first: 0,
                    count,
                })
            });
            self.places = places.collect();
        }
        while let Some(place) = self.places.pop_front() {
            let sector = (place.first, 1);
            if let Ok(id) = drives.transfer(Direction::Read, place.drive, sector, &[], Wanted::Any) {
                self.current = Some((id, place));
                return;
            }
            self.unreadable.push(place);
        }
        self.is_over = true;
    }

    /// Takes the answer to a look: its place; `None` if the request is none of the search's.
    pub(super) fn take(&mut self, id: Id, sector: Option<&[u8]>) -> Option<Piece> {
        let (_, place) = self.current.take_if(|(current, _)| *current == id)?;
        match sector {
            Some(sector) => self.inspect(place, sector),
            None => self.unreadable.push(place),
        }
        Some(place)
    }

    fn inspect(&mut self, place: Piece, sector: &[u8]) {
        if let Ok(label) = Label::parse(sector) {
            self.found.push(Labelled { place, label });
            return;
        }
        // Partitions have no tables of their own.
        if place.first != 0 || floppy_number(place.drive).is_some() {
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
