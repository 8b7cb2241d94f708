//! Disks that are not as they should be.

use super::{ONE, made_from, sources};
use crate::{Report, check, layout};
use proptest::prelude::{ProptestConfig, proptest};
use std::sync::OnceLock;

fn image() -> Vec<u8> {
    static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
    let image = IMAGE.get_or_init(|| {
        let (_, mut images) = made_from(ONE, &sources()).expect("good disks");
        images.remove("server").expect("the disk")
    });
    image.clone()
}

fn report(image: &[u8]) -> Report {
    check(&[("server", image)])
}

/// What is found when a virtual disk has been changed.
fn found(object: u32, change: impl FnOnce(&mut [u8])) -> Vec<String> {
    let mut image = image();
    let (disks, _) = layout::read(&image);
    let disk = disks
        .iter()
        .find(|disk| disk.object == object)
        .expect("the virtual disk");
    change(&mut image[disk.bytes()]);
    report(&image).findings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_new_disk_is_good() {
    let report = report(&image());
    assert_eq!(report.findings, []);
    let lines: Vec<&str> = report.contents.iter().map(String::as_str).collect();
    let [bullet, soap, boot] = lines[..] else {
        panic!("{lines:?}")
    };
    assert!(bullet.starts_with("server, vdisk:01: Bullet, "), "{bullet}");
    assert!(soap.starts_with("server, vdisk:02: Soap, "), "{soap}");
    assert_eq!(boot, "server, vdisk:03: boot server, configuration of 2 lines");
}

#[test]
fn an_image_without_a_label_is_no_disk() {
    let mut image = image();
    image[63 * 512 + 504] ^= 1;
    let report = report(&image);
    assert_eq!(report.findings.len(), 1);
    assert_eq!(
        report.findings[0].to_string(),
        "server: no label: wrong magic number"
    );
    assert_eq!(check(&[("short", &[0; 100])]).findings.len(), 1);
}

#[test]
fn an_image_that_was_cut_off_is_noticed() {
    let image = image();
    let report = report(&image[..image.len() / 2]);
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.what == "vdisk:01 goes beyond its partition")
    );
}

#[test]
fn a_bad_inode_and_the_names_that_lead_to_it_are_found() {
    // The first file is the kernel's; its random number changes.
    let found = found(1, |bytes| bytes[512 + 16 + 8] ^= 1);
    assert_eq!(
        found,
        ["server, vdisk:02: directory 10: row `at386` leads to file 1: BadCapability (-1000)"]
    );
}

#[test]
fn a_file_system_that_is_none_takes_its_directories_along() {
    let found = found(1, |bytes| bytes[5] ^= 1);
    assert!(
        found[0].starts_with("server, vdisk:01: no Bullet file system"),
        "{found:?}"
    );
    assert!(found.len() > 20);
    assert!(
        found[1..].iter().all(|text| text.contains("cannot be read")),
        "{found:?}"
    );
}

#[test]
fn a_bad_header_of_the_boot_server_is_found() {
    let found = found(3, |bytes| bytes[43] = 40);
    assert_eq!(
        found,
        ["server, vdisk:03: the boot server's header: length and bytes disagree"]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn whatever_a_disk_holds_it_is_looked_over(changes: Vec<(u32, u8)>) {
        let mut image = image();
        // Most changes go where numbers are: label, super file, inodes and directories.
        let length = image.len().min(1 << 19) as u32;
        for (place, value) in changes {
            image[63 * 512 + (place % length) as usize] = value;
        }
        report(&image);
    }
}
