//! The script: every way in which files and directories change, over two file servers. Each request is told before it is made, and its
//! answer when it has come:
//!
//! ```text
//! asks file 3 900
//! done
//! asks append bin ls ff:02:04: 3
//! fails RpcFailure (-1)
//! ```
//!
//! What needs something that a request before it failed to make is left out.

use crate::contents::contents;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use core::fmt::Display;
use libamoeba::classes::bullet;
use libamoeba::system::{Kernel, calls};
use libamoeba::{directory, println, standard};
use proto::bullet::Commit;
use proto::capability::{Capability, Rights};
use proto::capability_set::{CapabilitySet, Member};
use proto::soap::wire::Installation;
use proto::soap::{Failure, Masks, USUAL_COLUMNS};

/// The name of the script's first directory, in the root.
pub(crate) const BEGINNING: &str = "base";
/// Its name in what is told of requests that concern the root.
const ROOT: &str = "/";
const MASKS: Masks = [Rights::ALL, Rights(0x02), Rights(0x04), Rights(0)];
const OTHER_MASKS: Masks = [Rights::ALL, Rights(0x03), Rights(0), Rights(0)];
/// Milliseconds after which directory servers have made second copies of files, so that the script goes on from there.
const COPIES: u32 = 6000;

/// What the program knows of.
pub(crate) struct Known {
    pub(crate) stores: [Capability; 2],
    /// Files by their numbers, those too that were destroyed.
    pub(crate) files: BTreeMap<u8, Capability>,
    directories: BTreeMap<&'static str, CapabilitySet>,
}

/// What a row leads to.
struct Target {
    set: CapabilitySet,
    /// As it is told.
    text: String,
}

impl Known {
    pub(crate) fn new(root: CapabilitySet, stores: [Capability; 2]) -> Known {
        Known {
            stores,
            files: BTreeMap::new(),
            directories: BTreeMap::from([(ROOT, root)]),
        }
    }

    /// A row for some files with the same contents.
    fn files(&self, numbers: &[u8]) -> Option<Target> {
        let mut set = CapabilitySet::default();
        let mut text = String::new();
        for number in numbers {
            let member = Member {
                capability: *self.files.get(number)?,
                is_current: true,
            };
            set.add(member).ok()?;
            // A copy has the contents of the first one.
            text += &format!(" {}", numbers[0]);
        }
        Some(Target { set, text })
    }

    fn directory(&self, name: &str) -> Option<Target> {
        Some(Target {
            set: *self.directories.get(name)?,
            text: " directory".into(),
        })
    }
}

/// Tells a request, makes it and tells its answer.
fn ask<T, E: Display>(what: &str, action: impl FnOnce() -> Result<T, E>) -> Option<T> {
    println!("asks {what}");
    match action() {
        Ok(value) => {
            println!("done");
            Some(value)
        }
        Err(failure) => {
            println!("fails {failure}");
            None
        }
    }
}

fn masks_text(masks: &Masks) -> String {
    format!("{:02x}:{:02x}:{:02x}:", masks[0].0, masks[1].0, masks[2].0)
}

/// Requests to file servers.
impl Known {
    /// Makes a file that is safe when the answer comes.
    fn file(&mut self, number: u8, store: usize, length: usize) {
        let data = contents(number, length);
        let made = ask(&format!("file {number} {length}"), || {
            bullet::create(&mut Kernel, &self.stores[store], &data, Commit::all())
        });
        self.files.extend(made.map(|file| (number, file)));
    }

    /// Makes a file in pieces: a draft that is added to and taken from. Only the last answer makes it safe.
    fn edited(&mut self, number: u8, store: usize, length: usize) {
        let data = contents(number, length);
        let (third, two_thirds) = (length / 3, length / 3 * 2);
        let made = ask(&format!("file {number} {length}"), || {
            let kernel = &mut Kernel;
            let first = [&data[..third], b"to be taken away", &data[two_thirds..]].concat();
            let draft = bullet::create(kernel, &self.stores[store], &first, Commit::empty())?;
            bullet::insert(
                kernel,
                &draft,
                third as u32,
                &data[third..two_thirds],
                Commit::empty(),
            )?;
            bullet::delete(kernel, &draft, two_thirds as u32, 16, Commit::empty())?;
            bullet::commit(kernel, &draft, true)
        });
        self.files.extend(made.map(|file| (number, file)));
    }

    /// Has a file server copy a file: file `number` with the contents of file `original`.
    fn copy(&mut self, number: u8, store: usize, original: u8) {
        let Some(file) = self.files.get(&original) else {
            return;
        };
        let made = ask(&format!("copy {number} {original}"), || {
            standard::copy(&mut Kernel, &self.stores[store], file)
        });
        self.files.extend(made.map(|file| (number, file)));
    }

    /// Makes a file without safety, and has the file server bring everything to the disk.
    fn synchronised(&mut self, number: u8, store: usize, length: usize) {
        let data = contents(number, length);
        let made = ask(&format!("file {number} {length}"), || {
            let kernel = &mut Kernel;
            let file = bullet::create(kernel, &self.stores[store], &data, Commit::COMMIT)?;
            bullet::sync(kernel, &self.stores[store])?;
            Ok::<_, proto::standard::Status>(file)
        });
        self.files.extend(made.map(|file| (number, file)));
    }

    fn destroy(&mut self, number: u8) {
        if let Some(file) = self.files.get(&number) {
            ask(&format!("destroy {number}"), || {
                standard::destroy(&mut Kernel, file)
            });
        }
    }
}

/// Requests to directory servers.
impl Known {
    /// Makes a directory, to which nothing leads yet.
    fn make(&mut self, name: &'static str) {
        let root = self.directories[ROOT];
        let made = ask(&format!("make {name}"), || {
            directory::create(&mut Kernel, &root, &USUAL_COLUMNS, false)
        });
        self.directories
            .extend(made.map(|made| (name, CapabilitySet::single(made))));
    }

    /// Something with a directory, if it was made.
    fn change(
        &self,
        what: &str,
        name: &str,
        action: impl FnOnce(&CapabilitySet) -> Result<(), Failure>,
    ) -> bool {
        let Some(directory) = self.directories.get(name) else {
            return false;
        };
        ask(what, || action(directory)).is_some()
    }

    fn append(&self, name: &str, row: &str, target: Option<Target>) {
        let Some(target) = target else { return };
        let what = format!("append {name} {row} {}{}", masks_text(&MASKS), target.text);
        self.change(&what, name, |directory| {
            directory::append(&mut Kernel, directory, row.as_bytes(), &target.set, &MASKS)
        });
    }

    /// Has a row lead elsewhere: whether that is certain.
    fn replace(&self, name: &str, row: &str, target: Option<Target>) -> bool {
        let Some(target) = target else { return false };
        self.change(
            &format!("replace {name} {row}{}", target.text),
            name,
            |directory| directory::replace(&mut Kernel, directory, row.as_bytes(), &target.set),
        )
    }

    fn change_masks(&self, name: &str, row: &str) {
        let what = format!("masks {name} {row} {}", masks_text(&OTHER_MASKS));
        self.change(&what, name, |directory| {
            directory::change_masks(&mut Kernel, directory, row.as_bytes(), &OTHER_MASKS)
        });
    }

    /// Removes a row: whether that is certain.
    fn delete(&self, name: &str, row: &str) -> bool {
        self.change(&format!("delete {name} {row}"), name, |directory| {
            directory::delete(&mut Kernel, directory, row.as_bytes())
        })
    }

    fn discard(&self, name: &str) {
        self.change(&format!("discard {name}"), name, |directory| {
            directory::discard(&mut Kernel, directory)
        });
    }

    /// Changes rows of several directories, all or none: for each the directory, the row and the file.
    fn install(&self, changes: &[(&'static str, &'static str, u8)]) {
        let mut what = String::from("install");
        let mut rows = alloc::vec::Vec::new();
        for (name, row, file) in changes {
            let (Some(directory), Some(target)) = (self.directories.get(name), self.files(&[*file])) else {
                return;
            };
            what += &format!(" {name} {row}{}", target.text);
            rows.push(Installation {
                directory: *directory,
                name: row.as_bytes(),
                set: target.set,
                old: Capability::NULL,
            });
        }
        ask(&what, || directory::install(&mut Kernel, &rows));
    }
}

/// Carries the script out.
pub(crate) fn run(known: &mut Known) {
    known.make(BEGINNING);
    known.append(ROOT, BEGINNING, known.directory(BEGINNING));
    known.file(1, 0, 300);
    known.append(BEGINNING, "passwd", known.files(&[1]));
    known.make("bin");
    known.append(BEGINNING, "bin", known.directory("bin"));
    known.file(2, 1, 2500);
    known.append("bin", "ls", known.files(&[2]));
    calls::sleep(COPIES);
    known.edited(3, 0, 900);
    known.copy(4, 1, 3);
    known.append(BEGINNING, "group", known.files(&[3, 4]));
    known.synchronised(5, 1, 700);
    known.install(&[(BEGINNING, "passwd", 5), ("bin", "ls", 1)]);
    known.change_masks(BEGINNING, "passwd");
    if known.replace(BEGINNING, "group", known.files(&[1])) {
        known.destroy(4);
    }
    calls::sleep(COPIES);
    if known.delete("bin", "ls") {
        known.destroy(2);
    }
    if known.delete(BEGINNING, "bin") {
        known.discard("bin");
    }
    known.file(6, 0, 1500);
    known.append(BEGINNING, "motd", known.files(&[6]));
}
