//! A PC and what is fitted in it.

use super::quoted;

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
    /// More lines of its table.
    settings: String,
    /// Text of further tables.
    more: String,
    /// The programs and their arguments.
    programs: Vec<(String, String)>,
    drives: Vec<Drive>,
}

/// A drive of a PC.
#[derive(Clone, Debug)]
struct Drive {
    /// The word for it in lab files.
    kind: &'static str,
    /// Without one it is empty.
    image: Option<Image>,
}

/// What is in a drive.
#[derive(Clone, Debug)]
pub(super) struct Image {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    /// What becomes of what is written, as in lab files.
    pub(super) access: String,
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
            settings: String::new(),
            more: String::new(),
            programs: Vec::new(),
            drives: Vec::new(),
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

    /// With a disk behind those before it, which holds these bytes and keeps what is written: `Stage::disk`.
    #[must_use]
    pub fn disk(self, name: &str, bytes: Vec<u8>) -> Pc {
        self.drive("disk", Some((name, bytes, "direct")))
    }

    /// With a floppy drive behind those before it, and a floppy with these bytes in it; `access` is `direct` or `readonly`.
    #[must_use]
    pub fn floppy(self, name: &str, bytes: Vec<u8>, access: &str) -> Pc {
        self.drive("floppy", Some((name, bytes, access)))
    }

    /// With an empty floppy drive behind those before it.
    #[must_use]
    pub fn empty_floppy_drive(self) -> Pc {
        self.drive("floppy", None)
    }

    fn drive(mut self, kind: &'static str, image: Option<(&str, Vec<u8>, &str)>) -> Pc {
        let image = image.map(|(name, bytes, access)| Image {
            name: name.to_owned(),
            bytes,
            access: access.to_owned(),
        });
        self.drives.push(Drive { kind, image });
        self
    }

    pub(super) fn images(&self) -> impl Iterator<Item = &Image> {
        self.drives.iter().filter_map(|drive| drive.image.as_ref())
    }

    /// With this line in its table of the lab file.
    #[must_use]
    pub fn setting(mut self, line: &str) -> Pc {
        self.settings += line;
        self.settings += "\n";
        self
    }

    pub(super) fn program_names(&self) -> impl Iterator<Item = &str> {
        self.programs.iter().map(|(name, _)| name.as_str())
    }

    /// The machine's tables, in place `place`, counted from 1.
    pub(super) fn text(&self, place: usize) -> String {
        let station = self.station.map_or(place, usize::from);
        let name = &self.name;
        let mut text = format!(
            "[machine.{name}]\nmemory = \"{}MB\"\n\
             cpu = {{ model = \"386dx\", clock = \"{}MHz\", fpu = \"none\" }}\n\
             boot = {{ from = \"direct\", image = \"kernel\", args = {} }}\n{}",
            self.memory,
            self.clock,
            quoted(format!("peers=0 {}", self.options).trim_end()),
            self.settings
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
        for Drive { kind, image } in &self.drives {
            text += &format!("[[machine.{name}.{kind}]]\n");
            if let Some(Image { name, .. }) = image {
                text += &format!("image = \"{name}\"\n");
            }
        }
        text + &self.more
    }
}
