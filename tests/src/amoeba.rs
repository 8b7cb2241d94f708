//! Labs of PCs that run `amoeba-rs`. A test says what is special about its machines, switches them on as often as it wishes, and
//! reads their consoles.
//!
//! A machine's place in the lab, counted from 0, is its number in [`Memory`].

mod pc;

use std::collections::{BTreeMap, BTreeSet};

use clock::Span;
use machines::image::ImageBytes;
use machines::lab::Lab;
use machines::runtime::Runtime;
use tempfile::TempDir;

use self::pc::Image;
use crate::{Memory, lab_in, run_for};

pub use self::pc::{Card, Pc};

/// A string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            character if character.is_control() => quoted += &format!("\\u{:04X}", u32::from(character)),
            character => quoted.push(character),
        }
    }
    quoted + "\""
}

/// PCs on a cable of 10BASE2, `ether0`, at 9 o'clock on 30 May 1995.
#[derive(Clone, Debug)]
pub struct Laboratory {
    seed: u64,
    /// Of the cable, in metres.
    length: u32,
    pcs: Vec<Pc>,
    /// Programs that are built in under other names.
    builtin: BTreeMap<String, String>,
    more: String,
}

impl Laboratory {
    /// One of these PCs.
    #[must_use]
    pub fn new(pcs: impl IntoIterator<Item = Pc>) -> Laboratory {
        Laboratory {
            seed: 1,
            length: 30,
            pcs: pcs.into_iter().collect(),
            builtin: BTreeMap::new(),
            more: String::new(),
        }
    }

    /// With another seed than 1.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Laboratory {
        self.seed = seed;
        self
    }

    /// With so many metres of cable; 30 if nothing is said.
    #[must_use]
    pub fn length(mut self, metres: u32) -> Laboratory {
        self.length = metres;
        self
    }

    /// With the built-in program `builtin` under another name.
    #[must_use]
    pub fn rename(mut self, builtin: &str, name: &str) -> Laboratory {
        self.builtin.insert(name.to_owned(), builtin.to_owned());
        self
    }

    /// With these tables of a lab file.
    #[must_use]
    pub fn tables(mut self, text: &str) -> Laboratory {
        self.more += text;
        self.more += "\n";
        self
    }

    /// With a machine that has no power from one instant on, such as `6s`, and again from another on, if that is said.
    #[must_use]
    pub fn power_off<'a>(self, machine: &str, from: &str, until: impl Into<Option<&'a str>>) -> Laboratory {
        let until = until.into();
        let until = until.map_or_else(String::new, |until| format!("until = \"{until}\"\n"));
        self.tables(&format!(
            "[[fault]]\nkind = \"power-off\"\nmachine = \"{machine}\"\nfrom = \"{from}\"\n{until}"
        ))
    }

    /// With somebody who types `text` on a device of a machine, `com1` or `keyboard`, so long after it has shown what the regular
    /// expression `after` matches.
    #[must_use]
    pub fn types(self, machine: &str, device: &str, after: &str, delay: Span, text: &str) -> Laboratory {
        let (after, text) = (quoted(after), quoted(text));
        let delay = delay.picoseconds() / 1_000_000;
        self.tables(&format!(
            "[[input]]\nmachine = \"{machine}\"\ndevice = \"{device}\"\nafter = {after}\ndelay = \"{delay}us\"\ntext = {text}"
        ))
    }

    /// The lab file.
    fn text(&self) -> String {
        let mut text = format!(
            "format = 1\n[lab]\nname = \"test\"\nseed = {}\n[time]\nrtc = \"1995-05-30T09:00:00Z\"\n\
             [segment.ether0]\nkind = \"10base2\"\nlength = \"{}m\"\n",
            self.seed, self.length
        );
        let programs = self.pcs.iter().flat_map(Pc::program_names);
        let images: BTreeSet<&str> = programs.chain(["kernel"]).collect();
        for name in images {
            let builtin = self.builtin.get(name).map_or(name, String::as_str);
            text += &format!("[image.{name}]\npath = \"builtin:{builtin}\"\n");
        }
        for Image { name, access, .. } in self.pcs.iter().flat_map(Pc::images) {
            text += &format!("[image.{name}]\npath = \"{name}.img\"\naccess = \"{access}\"\n");
        }
        for (place, pc) in (1..).zip(&self.pcs) {
            text += &pc.text(place);
        }
        text + &self.more
    }

    /// The lab with its images, off.
    ///
    /// # Panics
    /// If it has an error, a program is not built in, or the host has no room for the disks.
    #[must_use]
    pub fn stage(&self) -> Stage {
        let folder = tempfile::tempdir().expect("a folder");
        for Image { name, bytes, .. } in self.pcs.iter().flat_map(Pc::images) {
            std::fs::write(folder.path().join(format!("{name}.img")), bytes).expect("room for a disk");
        }
        let lab = lab_in(folder.path(), &self.text());
        let images = machines::image::load_all(&lab).expect("images that are there");
        Stage { folder, lab, images }
    }

    /// What happens in the first so much virtual time, in which nothing goes wrong: [`Memory::assert_sound`].
    ///
    /// # Panics
    /// As [`Laboratory::stage`], and if something goes wrong.
    #[must_use]
    pub fn run(&self, span: Span) -> Memory {
        self.stage().run(span)
    }
}

/// A lab that can be switched on again and again; what its drives keep stays.
#[derive(Debug)]
pub struct Stage {
    /// Where the drives are.
    folder: TempDir,
    lab: Lab,
    images: Vec<ImageBytes>,
}

impl Stage {
    /// The lab, switched on.
    ///
    /// # Panics
    /// If it cannot be built.
    #[must_use]
    pub fn start(&self) -> Runtime {
        Runtime::build(&self.lab, &self.images).expect("a lab that can be built")
    }

    /// As [`Laboratory::run`].
    ///
    /// # Panics
    /// As there.
    #[must_use]
    pub fn run(&self, span: Span) -> Memory {
        let memory = run_for(&mut self.start(), span, 1).1;
        for machine in 0..self.lab.machines.len() {
            memory.assert_sound(machine);
        }
        memory
    }

    /// What is on a drive now.
    ///
    /// # Panics
    /// If there is none of this name.
    #[must_use]
    pub fn disk(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(format!("{name}.img"))).expect("a drive of this name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_its_quotation() {
        let arguments = "say \"a\\b\"\tor \u{3}";
        let lab = Laboratory::new([Pc::new("pc").program("spin", arguments)])
            .stage()
            .lab;
        assert_eq!(lab.machines[0].name, "pc");
        let machines::lab::Boot::Direct { modules, .. } = &lab.machines[0].boot else {
            panic!("a kernel from the loader");
        };
        assert_eq!(modules[0].arguments, arguments);
    }
}
