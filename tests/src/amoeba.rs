//! Labs of PCs that run `amoeba-rs`. A test says what is special about its machines, switches them on as often as it wishes, and
//! reads their consoles.
//!
//! A machine's place in the lab, counted from 0, is its number in [`Memory`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use clock::Span;
use machines::image::ImageBytes;
use machines::lab::Lab;
use machines::runtime::Runtime;
use tempfile::TempDir;

use crate::{Memory, lab_in, run_for};

/// A network card with its usual jumpers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Card {
    /// A 3C503.
    EtherLink,
    /// An NE1000.
    Ne1000,
    /// An NE2000.
    Ne2000,
}

impl Card {
    fn settings(self) -> &'static str {
        match self {
            Card::EtherLink => "type = \"3c503\"\nio = 0x280\nirq = 3\nram = 0xCC000",
            Card::Ne1000 => "type = \"ne1000\"\nio = 0x300\nirq = 3",
            Card::Ne2000 => "type = \"ne2000\"\nio = 0x300\nirq = 5",
        }
    }
}

/// A 386/40 with 4 Mbytes and an EtherLink card at the first cable.
#[derive(Clone, Debug)]
pub struct Pc {
    name: String,
    /// In Mbytes.
    memory: u32,
    /// Of the processor, in MHz.
    clock: u32,
    options: String,
    /// The last byte of the station address; without it the machine's place in the lab, counted from 1.
    station: Option<u8>,
    card: Option<Card>,
    cable: String,
    /// Text of further tables.
    more: String,
    /// The programs and their arguments.
    programs: Vec<(String, String)>,
    /// The images of its drives and their bytes.
    disks: Vec<(String, Vec<u8>)>,
}

impl Pc {
    /// A PC of this name.
    #[must_use]
    pub fn new(name: &str) -> Pc {
        Pc {
            name: name.to_owned(),
            memory: 4,
            clock: 40,
            options: String::new(),
            station: None,
            card: Some(Card::EtherLink),
            cable: "ether0".to_owned(),
            more: String::new(),
            programs: Vec::new(),
            disks: Vec::new(),
        }
    }

    /// With so many Mbytes of memory.
    #[must_use]
    pub fn memory(mut self, megabytes: u32) -> Pc {
        self.memory = megabytes;
        self
    }

    /// With a processor at so many MHz.
    #[must_use]
    pub fn clock(mut self, megahertz: u32) -> Pc {
        self.clock = megahertz;
        self
    }

    /// With these words on its kernel's command line, behind `peers=0`.
    #[must_use]
    pub fn options(mut self, words: &str) -> Pc {
        words.clone_into(&mut self.options);
        self
    }

    /// With a station address that ends so: `02:60:8c:00:00:xx`.
    #[must_use]
    pub fn station(mut self, last_byte: u8) -> Pc {
        self.station = Some(last_byte);
        self
    }

    /// With another card.
    #[must_use]
    pub fn card(mut self, card: Card) -> Pc {
        self.card = Some(card);
        self
    }

    /// Without a card.
    #[must_use]
    pub fn without_card(mut self) -> Pc {
        self.card = None;
        self
    }

    /// At another cable.
    #[must_use]
    pub fn cable(mut self, cable: &str) -> Pc {
        cable.clone_into(&mut self.cable);
        self
    }

    /// With a further card, at that cable and with the station address that ends so.
    #[must_use]
    pub fn second_card(mut self, card: Card, cable: &str, last_byte: u8) -> Pc {
        self.more += &format!(
            "[[machine.{}.card]]\nsegment = \"{cable}\"\nmac = \"02:60:8c:00:00:{last_byte:02x}\"\n{}\n",
            self.name,
            card.settings()
        );
        self
    }

    /// With a program that its kernel starts behind those before it.
    #[must_use]
    pub fn program(mut self, name: &str, arguments: impl Into<String>) -> Pc {
        self.programs.push((name.to_owned(), arguments.into()));
        self
    }

    /// With several programs.
    #[must_use]
    pub fn programs<Name: AsRef<str>, Arguments: Into<String>>(
        self,
        programs: impl IntoIterator<Item = (Name, Arguments)>,
    ) -> Pc {
        programs
            .into_iter()
            .fold(self, |pc, (name, arguments)| pc.program(name.as_ref(), arguments))
    }

    /// With a drive behind those before it, which holds these bytes and keeps what is written: [`Stage::disk`].
    #[must_use]
    pub fn disk(mut self, name: &str, bytes: Vec<u8>) -> Pc {
        self.disks.push((name.to_owned(), bytes));
        self
    }

    /// The machine's tables, in place `place`, counted from 1.
    fn text(&self, place: usize) -> String {
        let station = self.station.map_or(place, usize::from);
        let name = &self.name;
        let mut text = format!(
            "[machine.{name}]\nmemory = \"{}MB\"\n\
             cpu = {{ model = \"386dx\", clock = \"{}MHz\", fpu = \"none\" }}\n\
             boot = {{ from = \"direct\", image = \"kernel\", args = {} }}\n",
            self.memory,
            self.clock,
            quoted(format!("peers=0 {}", self.options).trim_end())
        );
        if let Some(card) = self.card {
            let (cable, settings) = (&self.cable, card.settings());
            text += &format!("nic = {{ mac = \"02:60:8c:00:00:{station:02x}\" }}\n");
            text += &format!("[[machine.{name}.card]]\nsegment = \"{cable}\"\n{settings}\n");
        }
        for (image, arguments) in &self.programs {
            let arguments = quoted(arguments);
            text += &format!("[[machine.{name}.module]]\nimage = \"{image}\"\nargs = {arguments}\n");
        }
        for (image, _) in &self.disks {
            text += &format!("[[machine.{name}.disk]]\nimage = \"{image}\"\n");
        }
        text + &self.more
    }
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            // Writing to a text cannot fail.
            character if character.is_control() => drop(write!(quoted, "\\u{:04X}", u32::from(character))),
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
        let programs = self.pcs.iter().flat_map(|pc| &pc.programs);
        let images: BTreeSet<&str> = programs
            .map(|(name, _)| name.as_str())
            .chain(["kernel"])
            .collect();
        for name in images {
            let builtin = self.builtin.get(name).map_or(name, String::as_str);
            text += &format!("[image.{name}]\npath = \"builtin:{builtin}\"\n");
        }
        for (name, _) in self.pcs.iter().flat_map(|pc| &pc.disks) {
            text += &format!("[image.{name}]\npath = \"{name}.img\"\naccess = \"direct\"\n");
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
        for (name, bytes) in self.pcs.iter().flat_map(|pc| &pc.disks) {
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
