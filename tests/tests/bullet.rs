//! The Bullet file server on whole machines: a program elsewhere uses it, its disk is good afterwards, and a disk that is none is refused.

use clock::Span;
use tests::amoeba::{Laboratory, Pc};
use tests::labelled_disk::{FILE_SYSTEM, file_server};

/// A machine with a Bullet server on this disk.
fn server(disk: Vec<u8>) -> Pc {
    Pc::new("server")
        .memory(8)
        .disk("disk", disk)
        .program("bullet", "vdisk:01")
}

#[test]
fn a_program_elsewhere_makes_reads_and_destroys_files() {
    let client = Pc::new("client").program("bullet_test", "bullet secret");
    let stage = Laboratory::new([server(file_server(&[])), client]).stage();
    let memory = stage.run(Span::from_seconds(12));
    let lines = [
        "bullet: inodes free 124",
        "bullet: inodes used 0",
        "bullet: blocks free 3995",
        "bullet: serving",
    ];
    memory.assert_told(0, &lines);
    memory.assert_told(1, &["TEST OK", "bullet_test exited with status 0"]);
    let disk = stage.disk("disk");
    let report = amoeba_disks::check(&[("disk", &disk)]);
    assert_eq!(report.findings, []);
    let contents = "disk, vdisk:01: Bullet, 0 files of 124, 0 blocks of 3995 used";
    assert_eq!(report.contents, [contents]);
    // Contents have been written, though their files are destroyed.
    let data = &disk[FILE_SYSTEM][5 * 512..];
    assert!(data.iter().any(|byte| *byte != 0));
}

#[test]
fn a_disk_without_a_file_system_is_not_served() {
    let mut disk = file_server(&[]);
    disk[FILE_SYSTEM.start] ^= 1;
    let stage = Laboratory::new([server(disk.clone())]).stage();
    let memory = stage.run(Span::from_seconds(3));
    let lines = [
        "bullet: no Bullet file system: wrong magic number",
        "bullet: not started",
        "bullet exited with status 1",
    ];
    memory.assert_told(0, &lines);
    assert!(stage.disk("disk") == disk);
}
