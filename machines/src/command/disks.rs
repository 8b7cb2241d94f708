//! `amlab mkdisk` and `amlab fsck`: disks with the file systems of Amoeba, made and looked over.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use amoeba_disks::{Report, SECTOR};
use serde_json::json;

use super::arguments::{Format, FsckArguments, MkdiskArguments};
use super::exit::Exit;
use super::failure::Failure;
use super::terminal::{Importance, Terminal};
use super::time_text::plural;
use crate::folder::HostError;
use crate::made_disk::{self, Error};
use crate::media::apply;

/// Bytes that are looked at together for whether they are all zeros, and then not written.
const CHUNK: usize = 128 * SECTOR;

fn failure(error: Error) -> Failure {
    match error {
        Error::Unreadable { path, source } => HostError::new("read", &path, source).into(),
        other => Failure::Usage {
            code: "disk::description",
            message: other.to_string(),
        },
    }
}

/// `amlab mkdisk`.
pub(crate) fn mkdisk(arguments: &MkdiskArguments, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let path = &arguments.description;
    let (disk, _) = made_disk::find(path, arguments.disk.as_deref()).map_err(failure)?;
    let image = made_disk::make(path, &disk).map_err(failure)?;
    let out = &arguments.image;
    write(out, &image).map_err(|reason| HostError::new("write", out, reason))?;
    let megabytes = image.len() >> 20;
    let line = format!("wrote {}: disk {disk}, {megabytes} MB", out.display());
    terminal.line(Importance::Result, &line);
    Ok(Exit::Good)
}

/// A file of those bytes, with holes where there are zeros.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = fs::File::create(path)?;
    file.set_len(bytes.len() as u64)?;
    for (place, chunk) in (0..).step_by(CHUNK).zip(bytes.chunks(CHUNK)) {
        if chunk.iter().any(|byte| *byte != 0) {
            file.write_all_at(chunk, place)?;
        }
    }
    Ok(())
}

/// `amlab fsck`.
pub(crate) fn fsck(arguments: &FsckArguments, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let mut disks: Vec<(String, Vec<u8>)> = Vec::new();
    for path in &arguments.images {
        if path.extension().is_some_and(|extension| extension == "toml") {
            let made = made_disk::make_all(path).map_err(failure)?;
            disks.extend(made.into_iter().map(|(name, image)| (name, image.to_vec())));
        } else {
            let bytes = fs::read(path).map_err(|reason| HostError::new("read", path, reason))?;
            disks.push((path.display().to_string(), bytes));
        }
    }
    if arguments.overlay.len() > disks.len() {
        return Err(Failure::Usage {
            code: "disk::overlay",
            message: format!(
                "there are {} and {}",
                plural(arguments.overlay.len(), "overlay"),
                plural(disks.len(), "disk")
            ),
        });
    }
    for (path, (_, image)) in arguments.overlay.iter().zip(&mut disks) {
        apply(path, image).map_err(|reason| HostError::new("read", path, reason))?;
    }
    let borrowed: Vec<(&str, &[u8])> = disks.iter().map(|(name, image)| (&**name, &**image)).collect();
    let report = amoeba_disks::check(&borrowed);
    tell(&report, terminal);
    Ok(if report.findings.is_empty() {
        Exit::Good
    } else {
        Exit::Missed
    })
}

fn tell(report: &Report, terminal: &mut Terminal) {
    let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    match terminal.format() {
        Format::Human => {
            for line in &report.contents {
                terminal.line(Importance::Result, line);
            }
            for line in &findings {
                terminal.line(Importance::Result, line);
            }
            let count = match findings.len() {
                0 => "nothing is wrong".to_owned(),
                number => plural(number, "finding"),
            };
            terminal.line(Importance::Result, &count);
        }
        Format::Json => {
            let value = json!({ "contents": report.contents, "findings": findings });
            terminal.result(&format!("{value:#}\n"));
        }
        Format::Csv => {
            let rows = report.findings.iter().map(|finding| {
                let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
                format!("{},{}\n", quoted(&finding.place), quoted(&finding.what))
            });
            terminal.result(&format!("place,finding\n{}", rows.collect::<String>()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Screen, output_arguments};
    use super::*;
    use std::path::PathBuf;

    const DESCRIPTION: &str = r#"
format = 1
seed = 1
[disk.a]
size = "8MB"
bullet = { vdisk = 1 }
soap = { vdisk = 2, blocks = 9 }
[[file]]
name = "/kernel"
from = "builtin:kernel"
"#;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("disk.toml"), DESCRIPTION).unwrap();
        folder
    }

    fn made(folder: &Path) -> (Result<Exit, Failure>, String) {
        let screen = Screen::default();
        let arguments = MkdiskArguments {
            description: folder.join("disk.toml"),
            image: folder.join("disk.img"),
            disk: None,
        };
        let exit = mkdisk(&arguments, &mut screen.terminal(&output_arguments()));
        (exit, screen.out())
    }

    fn checked(images: &[PathBuf], overlay: &[PathBuf]) -> (Exit, String) {
        let screen = Screen::default();
        let arguments = FsckArguments {
            images: images.into(),
            overlay: overlay.into(),
        };
        let exit = fsck(&arguments, &mut screen.terminal(&output_arguments())).unwrap();
        (exit, screen.out())
    }

    #[test]
    fn a_disk_that_was_made_is_good_as_a_file_and_from_its_description() {
        let folder = folder();
        let (exit, text) = made(folder.path());
        assert_eq!(exit.unwrap(), Exit::Good);
        assert!(text.contains("disk a, 7 MB"), "{text}");
        for name in ["disk.img", "disk.toml"] {
            let (exit, text) = checked(&[folder.path().join(name)], &[]);
            assert_eq!(exit, Exit::Good, "{text}");
            assert!(
                text.contains("Bullet, ") && text.contains("nothing is wrong"),
                "{text}"
            );
        }
        let image = fs::read(folder.path().join("disk.img")).unwrap();
        let bytes = made_disk::make(&folder.path().join("disk.toml"), "a").unwrap();
        assert!(image == *bytes);
    }

    #[test]
    fn what_is_wrong_with_a_disk_is_said_and_is_no_success() {
        let folder = folder();
        made(folder.path()).0.unwrap();
        let image = folder.path().join("disk.img");
        let mut bytes = fs::read(&image).unwrap();
        bytes[63 * SECTOR + 300] ^= 1;
        fs::write(&image, bytes).unwrap();
        let (exit, text) = checked(std::slice::from_ref(&image), &[]);
        assert_eq!(exit, Exit::Missed);
        assert!(text.contains("no label") && text.contains("1 finding"), "{text}");
    }

    #[test]
    fn an_overlay_counts_for_what_it_holds() {
        let folder = folder();
        made(folder.path()).0.unwrap();
        let image = folder.path().join("disk.img");
        let length = fs::metadata(&image).unwrap().len() as usize;
        let sectors = length / SECTOR;
        // Sector 63, the label's, was written with zeros, and nothing else.
        let mut overlay = vec![0; length + sectors.div_ceil(8)];
        overlay[length + 7] = 0x80;
        let path = folder.path().join("server-disk0.overlay");
        fs::write(&path, &overlay).unwrap();
        let (exit, text) = checked(std::slice::from_ref(&image), std::slice::from_ref(&path));
        assert_eq!(exit, Exit::Missed, "{text}");
        overlay[length + 7] = 0;
        fs::write(&path, &overlay).unwrap();
        let (exit, text) = checked(std::slice::from_ref(&image), std::slice::from_ref(&path));
        assert_eq!(exit, Exit::Good, "{text}");
    }

    #[test]
    fn a_description_that_cannot_be_is_bad_input() {
        let folder = folder();
        fs::write(
            folder.path().join("disk.toml"),
            DESCRIPTION.replace("8MB", "504KB"),
        )
        .unwrap();
        let failure = made(folder.path()).0.unwrap_err();
        assert_eq!(failure.exit(), Exit::BadInput);
        assert!(
            failure.to_string().contains("has no room for /kernel"),
            "{failure}"
        );
        fs::remove_file(folder.path().join("disk.toml")).unwrap();
        assert_eq!(made(folder.path()).0.unwrap_err().exit(), Exit::HostTrouble);
    }
}
