//! Floppies: whole ones by `floppy:nn`, and virtual disks of their labels.

use super::kernel::{Kernel, blocks, part, pattern};
use crate::floppy::tests::model::{Floppy, Shared as Board};
use devices::FloppyDriveKind;
use proto::disk::server::{Command, Control};
use proto::disk::{Label, SECTOR};
use proto::message::Header;
use proto::standard::Status;

/// A disk with a label of a virtual disk 7, of 100 sectors behind 17 others.
fn labelled(seed: u8) -> Floppy {
    let mut disk = Floppy::new(2880, seed);
    let mut label = Label::EMPTY;
    label.parts[0] = part(7, 18, 100, 0, 1);
    let first = disk.data.first_chunk_mut::<SECTOR>().expect("a sector");
    label.emit(first);
    disk
}

/// A kernel with two drives, and this disk in the first.
fn kernel(disk: Option<Floppy>) -> Kernel {
    let board = Board::new([Some(FloppyDriveKind::Inch3High); 2]);
    if let Some(disk) = disk {
        board.0.borrow_mut().insert(0, disk);
    }
    Kernel::with([None, None], Some(board))
}

fn size(kernel: &mut Kernel, name: &str) -> Result<i32, Status> {
    let disk = kernel.disk(name);
    let reply = kernel.ask(&disk, Command::Size.code(), blocks(9, 0, 0), &[]);
    reply.map(|reply| reply.header.offset)
}

fn exchange(kernel: &Kernel, disk: Option<Floppy>) -> Option<Floppy> {
    let mut board = kernel.floppies.as_ref().expect("floppies").0.borrow_mut();
    let old = board.eject(0);
    if let Some(disk) = disk {
        board.insert(0, disk);
    }
    old
}

#[test]
fn each_floppy_drive_is_published_and_so_are_the_disks_of_a_label() {
    let mut kernel = kernel(Some(labelled(1)));
    assert_eq!(kernel.names(), ["floppy:00", "floppy:01", "vdisk:07"]);
    assert_eq!(
        kernel.printed(),
        "floppy 0: 1.44 MB, a disk of 2880 sectors\nfloppy 1: 1.44 MB, no disk that can be read\n\
         vdisk:07: 100 sectors in 1 piece\n"
    );
    let (whole, part) = (kernel.disk("floppy:00"), kernel.disk("vdisk:07"));
    let data = pattern(3 * SECTOR, 4);
    kernel.write(&part, 9, 20, 3, &data).unwrap();
    assert_eq!(kernel.read(&whole, 9, 38, 3), Ok(data));
    assert_eq!(size(&mut kernel, "vdisk:07"), Ok(100));
}

#[test]
fn what_is_in_a_drive_is_found_out_when_it_is_asked() {
    let mut kernel = kernel(None);
    assert_eq!(size(&mut kernel, "floppy:00"), Err(Status::NoMedium));
    let whole = kernel.disk("floppy:00");
    assert_eq!(kernel.read(&whole, 9, 0, 1), Err(Status::NoMedium));
    for sectors in [1440, 2880] {
        exchange(&kernel, Some(Floppy::new(sectors, 3)));
        assert_eq!(size(&mut kernel, "floppy:00"), Ok(sectors as i32));
        assert!(kernel.read(&whole, 9, sectors as i32 - 1, 1).is_ok());
        assert_eq!(
            kernel.read(&whole, 9, sectors as i32, 1),
            Err(Status::BadArgument)
        );
        let shape = kernel
            .ask(&whole, Command::GetGeometry.code(), Header::default(), &[])
            .unwrap();
        assert_eq!(shape.data[10], if sectors == 2880 { 18 } else { 9 });
    }
}

#[test]
fn nothing_that_is_meant_for_one_floppy_goes_to_another() {
    let mut kernel = kernel(Some(labelled(1)));
    let part = kernel.disk("vdisk:07");
    let other = Floppy::new(2880, 9);
    let before = other.data.clone();
    let first = exchange(&kernel, Some(other));
    let data = pattern(SECTOR, 4);
    assert_eq!(kernel.write(&part, 9, 0, 1, &data), Err(Status::NoMedium));
    assert_eq!(kernel.read(&part, 9, 0, 1), Err(Status::NoMedium));
    let other = exchange(&kernel, first).expect("a disk");
    assert!(other.data == before);
    kernel.write(&part, 9, 0, 1, &data).unwrap();
    assert_eq!(kernel.read(&part, 9, 0, 1), Ok(data));
}

#[test]
fn a_protected_floppy_says_so_and_a_whole_one_is_formatted() {
    let mut disk = labelled(1);
    disk.is_write_protected = true;
    let mut kernel = kernel(Some(disk));
    let (whole, part) = (kernel.disk("floppy:00"), kernel.disk("vdisk:07"));
    let data = pattern(SECTOR, 4);
    assert_eq!(kernel.write(&part, 9, 0, 1, &data), Err(Status::WriteProtected));
    let control = |kernel: &mut Kernel, disk, what: Control| {
        kernel
            .ask(disk, Command::Control.code(), blocks(0, 0, what.code()), &[])
            .map(drop)
    };
    assert_eq!(
        control(&mut kernel, &whole, Control::Format),
        Err(Status::WriteProtected)
    );
    assert_eq!(
        control(&mut kernel, &part, Control::Format),
        Err(Status::BadCommand)
    );
    assert_eq!(
        control(&mut kernel, &whole, Control::Eject),
        Err(Status::BadCommand)
    );
    exchange(&kernel, Some(labelled(2)));
    assert_eq!(control(&mut kernel, &whole, Control::Format), Ok(()));
    assert!(
        kernel
            .read(&whole, 9, 0, 58)
            .is_ok_and(|data| data.iter().all(|byte| *byte == 0xf6))
    );
    assert_eq!(
        kernel.read(&part, 9, 0, 1),
        Err(Status::NoMedium),
        "its label is gone"
    );
}
