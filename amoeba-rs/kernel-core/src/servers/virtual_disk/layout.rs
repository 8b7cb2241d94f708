//! Virtual disks and the pieces of drives that they are made of.

use super::drives::floppy_number;
use super::labels::Labelled;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use proto::capability::{Capability, Port, Private, Rights};
use proto::disk::label::PARTS;
use proto::disk::{Part, server};

/// Objects from this one on are whole drives.
pub(super) const FIRST_DRIVE: u32 = 0xff_ff00;

/// Sectors of a drive that lie one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) drive: usize,
    pub(super) first: u32,
    pub(super) count: u32,
}

impl From<Piece> for server::Piece {
    fn from(piece: Piece) -> server::Piece {
        server::Piece {
            unit: piece.drive as u32,
            first: piece.first,
            count: piece.count,
        }
    }
}

/// A virtual disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VirtualDisk {
    pub(super) object: u32,
    pub(super) check: Port,
    pub(super) name: String,
    pub(super) pieces: Vec<Piece>,
}

impl VirtualDisk {
    /// A whole drive, by its number; of a floppy drive as many sectors as a disk can have there.
    pub(super) fn of_drive(drive: usize, sectors: u32, check: Port) -> VirtualDisk {
        let piece = Piece {
            drive,
            first: 0,
            count: sectors,
        };
        VirtualDisk {
            object: FIRST_DRIVE + drive as u32,
            check,
            name: match floppy_number(drive) {
                Some(number) => format!("floppy:{number:02}"),
                None => format!("bootp:{drive:02}"),
            },
            pieces: vec![piece],
        }
    }

    fn labelled(object: u32, check: Port, pieces: Vec<Piece>) -> VirtualDisk {
        VirtualDisk {
            object,
            check,
            name: format!("vdisk:{object:02}"),
            pieces,
        }
    }

    /// The capability with all rights, of the server on this put-port.
    pub(super) fn capability(&self, port: Port) -> Capability {
        Capability {
            port,
            private: Private::owner(self.object, self.check),
        }
    }

    /// The drive, if it is a floppy drive as a whole: which disk there is has to be looked at each time.
    pub(super) fn floppy_drive(&self) -> Option<usize> {
        let drive = self.pieces.first()?.drive;
        (self.is_drive() && floppy_number(drive).is_some()).then_some(drive)
    }

    /// Whether it is a whole drive.
    pub(super) fn is_drive(&self) -> bool {
        self.object >= FIRST_DRIVE
    }

    /// Sectors of the virtual disk.
    pub(super) fn sectors(&self) -> u64 {
        self.pieces.iter().map(|piece| u64::from(piece.count)).sum()
    }

    /// Where `count` sectors from `first` on are; what lies beyond the end is left out.
    pub(super) fn locate(&self, first: u64, count: u64) -> impl Iterator<Item = Piece> {
        let mut start = 0;
        self.pieces.iter().filter_map(move |piece| {
            let end = start + u64::from(piece.count);
            let (from, to) = (first.max(start), (first + count).min(end));
            let part = (from < to).then(|| Piece {
                drive: piece.drive,
                first: piece.first + (from - start) as u32,
                count: (to - from) as u32,
            });
            start = end;
            part
        })
    }
}

/// Why a virtual disk in a label is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Complaint {
    /// A part goes beyond its partition.
    Beyond,
    /// Its capability lacks rights, so nobody knows its secret, or its number is one of a drive's.
    Capability,
    /// Two virtual disks have the same number.
    Number,
    /// It has no capability, but should be one of several pieces.
    Nameless,
    /// Its pieces are not all there, or some are there twice.
    Pieces,
}

impl Complaint {
    pub(super) fn text(self) -> &'static str {
        match self {
            Complaint::Beyond => "goes beyond its partition",
            Complaint::Capability => "has a capability that cannot be used",
            Complaint::Number => "has the number of another one",
            Complaint::Nameless => "has pieces without a capability",
            Complaint::Pieces => "is not complete",
        }
    }
}

/// The pieces of a virtual disk that have been found.
struct Group {
    private: Private,
    parts: Vec<(Part, Piece)>,
}

/// Puts the virtual disks of all labels together. `secret` gives numbers that nobody can guess, for those that have none.
pub(super) fn assemble(
    labels: &[Labelled],
    mut secret: impl FnMut() -> Port,
) -> (Vec<VirtualDisk>, Vec<(u32, Complaint)>) {
    let (mut groups, mut nameless): (Vec<Group>, Vec<Piece>) = (Vec::new(), Vec::new());
    let mut complaints = Vec::new();
    for (place, part) in labels.iter().flat_map(|labelled| {
        let parts = labelled.label.parts.iter().filter(|part| part.blocks > 0);
        parts.map(move |part| (labelled.place, *part))
    }) {
        let private = part.capability.private;
        let object = private.object();
        let end = part.first.checked_add(part.blocks);
        if end.is_none_or(|end| end > place.count) {
            complaints.push((object, Complaint::Beyond));
            continue;
        }
        let piece = Piece {
            drive: place.drive,
            first: place.first + part.first,
            count: part.blocks,
        };
        if object == 0 && part.pieces > 1 {
            complaints.push((object, Complaint::Nameless));
        } else if object == 0 {
            nameless.push(piece);
        } else if private.rights != Rights::ALL || object >= FIRST_DRIVE {
            complaints.push((object, Complaint::Capability));
        } else if let Some(group) = groups.iter_mut().find(|group| group.private == private) {
            group.parts.push((part, piece));
        } else {
            let parts = vec![(part, piece)];
            groups.push(Group { private, parts });
        }
    }
    let mut disks: Vec<VirtualDisk> = Vec::new();
    for Group { private, parts } in groups {
        let object = private.object();
        if disks.iter().any(|disk| disk.object == object) {
            complaints.push((object, Complaint::Number));
            continue;
        }
        match in_order(parts) {
            Some(pieces) => {
                let check = if private.check == Port::NULL {
                    secret()
                } else {
                    private.check
                };
                disks.push(VirtualDisk::labelled(object, check, pieces));
            }
            None => complaints.push((object, Complaint::Pieces)),
        }
    }
    for piece in nameless {
        let is_free = |object: &u32| disks.iter().all(|disk| disk.object != *object);
        if let Some(object) = (1..FIRST_DRIVE).find(is_free) {
            disks.push(VirtualDisk::labelled(object, secret(), vec![piece]));
        }
    }
    disks.sort_by_key(|disk| disk.object);
    (disks, complaints)
}

/// The pieces in their order, if they are all there: numbered one behind the other, from 0 or from 1.
fn in_order(mut parts: Vec<(Part, Piece)>) -> Option<Vec<Piece>> {
    parts.sort_by_key(|(part, _)| part.piece);
    let (first, _) = *parts.first()?;
    let pieces = usize::from(first.pieces.max(1));
    let is_numbered = (first.piece..)
        .zip(&parts)
        .all(|(number, (part, _))| part.piece == number && part.pieces == first.pieces);
    let is_complete = parts.len() == pieces && pieces <= PARTS && first.piece <= 1 && is_numbered;
    is_complete.then(|| parts.into_iter().map(|(_, piece)| piece).collect())
}

#[cfg(test)]
mod tests {
    use super::super::labels::Labelled;
    use super::{Complaint, FIRST_DRIVE, Piece, VirtualDisk, assemble};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use proto::capability::{Capability, Port, Private, Rights};
    use proto::disk::{Label, Part};
    use std::vec;
    use std::vec::Vec;

    const SECRET: Port = Port([7; 6]);

    fn piece(drive: usize, first: u32, count: u32) -> Piece {
        Piece { drive, first, count }
    }

    fn part(object: u32, first: u32, blocks: u32, piece: u16, pieces: u16) -> Part {
        let private = match object {
            0 => Private::NULL,
            _ => Private::owner(object, SECRET),
        };
        Part {
            first,
            blocks,
            piece,
            pieces,
            capability: Capability {
                port: Port::NULL,
                private,
            },
        }
    }

    /// A label of 1000 sectors at sector 50 of a drive.
    fn labelled(drive: usize, parts: &[Part]) -> Labelled {
        let mut label = Label::EMPTY;
        label.parts[..parts.len()].copy_from_slice(parts);
        Labelled {
            place: piece(drive, 50, 1000),
            label,
        }
    }

    fn put_together(labels: &[Labelled]) -> (Vec<VirtualDisk>, Vec<(u32, Complaint)>) {
        assemble(labels, || Port([9; 6]))
    }

    #[test]
    fn pieces_of_several_drives_are_one_disk_in_their_order() {
        for base in [0, 1] {
            let labels = [
                labelled(0, &[part(5, 1, 100, base + 2, 3), part(2, 200, 10, 0, 1)]),
                labelled(1, &[part(5, 300, 30, base, 3), part(5, 400, 40, base + 1, 3)]),
            ];
            let (disks, complaints) = put_together(&labels);
            assert_eq!(complaints, []);
            assert_eq!(disks[0].pieces, [piece(0, 250, 10)]);
            assert_eq!(
                disks[1].pieces,
                [piece(1, 350, 30), piece(1, 450, 40), piece(0, 51, 100)]
            );
            assert_eq!((disks[1].sectors(), &*disks[1].name), (170, "vdisk:05"));
            assert_eq!(disks[1].check, SECRET);
            let located: Vec<Piece> = disks[1].locate(25, 50).collect();
            assert_eq!(located, [piece(1, 375, 5), piece(1, 450, 40), piece(0, 51, 5)]);
        }
    }

    #[test]
    fn what_has_no_capability_gets_the_first_free_number() {
        let labels = [labelled(
            0,
            &[part(0, 1, 10, 0, 1), part(1, 11, 10, 0, 1), part(0, 21, 10, 0, 0)],
        )];
        let (disks, complaints) = put_together(&labels);
        assert_eq!(complaints, []);
        let found: Vec<_> = disks.iter().map(|disk| (disk.object, disk.check)).collect();
        assert_eq!(found, [(1, SECRET), (2, Port([9; 6])), (3, Port([9; 6]))]);
    }

    #[test]
    fn disks_that_cannot_be_used_are_told() {
        let mut weak = part(4, 1, 10, 0, 1);
        weak.capability.private.rights = Rights(0x7f);
        let mut other = part(6, 30, 10, 0, 1);
        other.capability.private.check = Port([1; 6]);
        let cases: [(&[Part], u32, Complaint); 11] = [
            (&[part(3, 991, 10, 0, 1)], 3, Complaint::Beyond),
            (&[part(3, u32::MAX, 10, 0, 1)], 3, Complaint::Beyond),
            (&[weak], 4, Complaint::Capability),
            (
                &[part(FIRST_DRIVE, 1, 10, 0, 1)],
                FIRST_DRIVE,
                Complaint::Capability,
            ),
            (&[part(6, 20, 10, 0, 1), other], 6, Complaint::Number),
            (&[part(0, 1, 10, 0, 2)], 0, Complaint::Nameless),
            (&[part(8, 1, 10, 1, 2)], 8, Complaint::Pieces),
            (
                &[part(8, 1, 10, 0, 2), part(8, 20, 10, 0, 2)],
                8,
                Complaint::Pieces,
            ),
            (
                &[part(8, 1, 10, 0, 2), part(8, 20, 10, 1, 3)],
                8,
                Complaint::Pieces,
            ),
            (
                &[part(8, 1, 10, 2, 2), part(8, 20, 10, 3, 2)],
                8,
                Complaint::Pieces,
            ),
            (&[part(8, 1, 10, 0, 9)], 8, Complaint::Pieces),
        ];
        for (parts, object, complaint) in cases {
            let (_, complaints) = put_together(&[labelled(0, parts)]);
            assert_eq!(complaints, [(object, complaint)], "{parts:?}");
            assert!(!complaint.text().is_empty());
        }
    }

    proptest! {
        #[test]
        fn any_label_gives_disks_within_its_partition(
            fields in proptest::collection::vec((0_u32..4, 0_u32..1200, 0_u32..600, 0_u16..4, 0_u16..4), 8),
            first in 0_u64..3000,
            count in 0_u64..3000,
            drives: bool,
        ) {
            let parts: Vec<Part> = fields.iter().map(|(a, b, c, d, e)| part(*a, *b, *c, *d, *e)).collect();
            let mut labels = vec![labelled(0, &parts[..4])];
            labels.push(labelled(usize::from(drives), &parts[4..]));
            let (disks, _) = put_together(&labels);
            for disk in &disks {
                prop_assert!(disk.pieces.iter().all(|piece| piece.first >= 50 && piece.first + piece.count <= 1050));
                prop_assert_eq!(disks.iter().filter(|other| other.object == disk.object).count(), 1);
                let sectors: u64 = disk.locate(first, count).map(|piece| u64::from(piece.count)).sum();
                prop_assert_eq!(sectors, (first + count).min(disk.sectors()).saturating_sub(first));
                let all: Vec<_> = disk.locate(0, disk.sectors()).collect();
                prop_assert_eq!(&all, &disk.pieces);
            }
        }

        #[test]
        fn any_bytes_in_a_label_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 512)) {
            let mut bytes = bytes;
            bytes[504..508].copy_from_slice(&[0xa0, 0xeb, 0x30, 0x0a]);
            let fold = bytes.chunks(2).fold([0; 2], |sum: [u8; 2], pair| [sum[0] ^ pair[0], sum[1] ^ pair[1]]);
            bytes[510] ^= fold[0];
            bytes[511] ^= fold[1];
            let label = Label::parse(&bytes).unwrap();
            let place = piece(0, 1 << 27, 1 << 27);
            for disk in put_together(&[Labelled { place, label }]).0 {
                prop_assert!(disk.sectors() <= 8 << 27);
            }
        }
    }
}
