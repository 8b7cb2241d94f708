//! The lab of the paper: a server, a source, a destination and a third machine, on one Ethernet.

use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::str::FromStr;

use super::report::DEFAULT;
use super::series::{Mechanism, Workload};

/// Memory of a machine beyond the processes that move.
const REST_KBYTES: u32 = 2048;
/// What the machines have unless the processes need more.
const MEMORY_KBYTES: u32 = 8192;
/// The process that moves first, and is not counted: kernels and machines find each other with it.
pub(super) const FIRST: &str = "first";
/// Its size.
const FIRST_KBYTES: u32 = 32;
/// Station addresses, which differ in their last bytes.
pub(super) const STATIONS: [(&str, u8); 4] = [("server", 1), ("source", 2), ("destination", 3), ("third", 4)];

/// What is other than in the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhatIf {
    /// The scheduler that the paper tried: whoever was waiting for a FLIP packet goes first.
    Scheduler,
    /// NE2000 instead of 3C503.
    Ne2000,
    /// Eight credits instead of one.
    EightCredits,
    /// Another clock of the processors, in megahertz; the ISA bus keeps its own.
    Clock(u32),
    /// No external cache.
    NoCache,
}

impl FromStr for WhatIf {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "scheduler" => Ok(Self::Scheduler),
            "ne2000" => Ok(Self::Ne2000),
            "credits8" => Ok(Self::EightCredits),
            "no-cache" => Ok(Self::NoCache),
            _ => word
                .strip_prefix("clock=")
                .and_then(|clock| clock.parse().ok())
                .map(Self::Clock)
                .ok_or_else(|| "write scheduler, ne2000, credits8, no-cache, or clock= and megahertz".into()),
        }
    }
}

impl fmt::Display for WhatIf {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheduler => formatter.write_str("scheduler"),
            Self::Ne2000 => formatter.write_str("ne2000"),
            Self::EightCredits => formatter.write_str("credits8"),
            Self::Clock(megahertz) => write!(formatter, "clock={megahertz}"),
            Self::NoCache => formatter.write_str("no-cache"),
        }
    }
}

/// What all runs of a measurement have in common.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    /// What is other than in the paper.
    pub(super) what_if: Option<WhatIf>,
    /// Sizes of the processes in Kbytes, in the order in which they move.
    pub(super) sizes: Vec<u32>,
    /// The seed from which all phases follow.
    pub(super) seed: u64,
    /// Another kernel than the built-in one.
    pub(super) kernel: Option<PathBuf>,
}

impl Setup {
    /// `default`, or what is other than in the paper.
    pub(super) fn name(&self) -> String {
        self.what_if
            .map_or(DEFAULT.to_owned(), |what_if| what_if.to_string())
    }
}

/// One run of the lab: one migration of each size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trial {
    /// What the source is busy with.
    pub(super) workload: Workload,
    /// Who sees to the migrations.
    pub(super) mechanism: Mechanism,
    /// Which repetition it is, from 1.
    pub(super) repetition: u32,
}

impl fmt::Display for Trial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (workload, mechanism) = (self.workload.word(), self.mechanism.word());
        write!(
            formatter,
            "{workload}, {mechanism} level, repetition {}",
            self.repetition
        )
    }
}

/// Numbers that follow from a seed: SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// Any positive number, as lab files and programs take them.
const LARGEST: u64 = 1 << 62;

impl Trial {
    fn random(self, setup: &Setup) -> Random {
        let place =
            ((self.workload as u64) << 40) | ((self.mechanism as u64) << 32) | u64::from(self.repetition);
        // The first number mixes seed and place; those behind it are used.
        Random(Random(setup.seed.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ place).next())
    }

    /// Names of the processes that move, in their order, and their sizes in Kbytes.
    pub(super) fn processes(setup: &Setup) -> Vec<(String, u32)> {
        let first = (FIRST.to_owned(), FIRST_KBYTES);
        let others = setup.sizes.iter().map(|size| (format!("weight{size}"), *size));
        [first].into_iter().chain(others).collect()
    }

    /// The lab file. Machines are switched on at random instants within 100 ms, so that their clocks, sweeps and time slices lie anywhere
    /// to each other; `migrate` waits for random times too.
    pub(super) fn lab(self, setup: &Setup) -> String {
        let mut random = self.random(setup);
        let mut text = head(setup, random.below(LARGEST));
        for (name, number) in STATIONS {
            machine(&mut text, setup, name, number);
        }
        for (machine, after) in [("server", 0), ("destination", 0), ("third", 100_000)] {
            let microseconds = after + 1 + random.below(100_000);
            // Writing to a text cannot fail.
            let _ = write!(
                text,
                "[[fault]]\nkind = \"power-off\"\nmachine = \"{machine}\"\nfrom = \"0s\"\nuntil = \"{microseconds}us\"\n"
            );
        }
        for (program, arguments) in self.workload.programs() {
            module(&mut text, "source", program, arguments);
        }
        let mut names = String::new();
        for (name, size) in Self::processes(setup) {
            let _ = write!(text, "[image.{name}]\npath = \"builtin:weight\"\n");
            module(&mut text, "source", &name, &size.to_string());
            names += if names.is_empty() { "" } else { "," };
            names += &name;
        }
        let way = match self.mechanism {
            Mechanism::Kernel => "",
            Mechanism::User => "-u ",
        };
        let seed = random.below(LARGEST);
        let (from, to) = (address(STATIONS[1].1), address(STATIONS[2].1));
        module(
            &mut text,
            "third",
            "migrate",
            &format!("{way}-k -s {seed} {names} {from} {to}"),
        );
        text
    }
}

impl Workload {
    /// Programs of the source.
    const fn programs(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Idle => &[],
            Self::Compute => &[("spin", "")],
            Self::Rpc => &[("rpc_server", "pair 100"), ("rpc_client", "pair 0 4000000000")],
        }
    }
}

/// A station address of the lab.
pub(in crate::command::bench) fn address(number: u8) -> String {
    format!("02:60:8c:00:00:{number:02x}")
}

fn head(setup: &Setup, seed: u64) -> String {
    let kernel = setup
        .kernel
        .as_ref()
        .map_or("builtin:kernel".into(), |path| path.to_string_lossy());
    let mut text = format!(
        "format = 1\n[lab]\nname = \"bench-migration\"\nseed = {seed}\n[time]\nrtc = \"1995-05-30T09:00:00Z\"\n\
         [segment.ether0]\nkind = \"10base2\"\nlength = \"30m\"\n[image.kernel]\npath = {kernel:?}\n"
    );
    for program in ["migrate", "spin", "rpc_server", "rpc_client"] {
        // Writing to a text cannot fail.
        let _ = write!(text, "[image.{program}]\npath = \"builtin:{program}\"\n");
    }
    text
}

/// A 386/40 with an ISA bus of 8 MHz, or the server, a 386/33 with one of 8 1/3 MHz.
fn machine(text: &mut String, setup: &Setup, name: &str, number: u8) {
    let sum: u32 = setup.sizes.iter().sum::<u32>() + FIRST_KBYTES + REST_KBYTES;
    let memory = sum.next_power_of_two().max(MEMORY_KBYTES) / 1024;
    let (mut clock, isa) = if name == "server" {
        ("33MHz".to_owned(), "25/3MHz")
    } else {
        ("40MHz".to_owned(), "8MHz")
    };
    let mut card = "type = \"3c503\"\nio = 0x280\nram = 0xCC000";
    let (mut options, mut timing) = ("", "");
    match setup.what_if {
        None => {}
        Some(WhatIf::Scheduler) => options = " boost=1",
        Some(WhatIf::Ne2000) => card = "type = \"ne2000\"\nio = 0x300",
        Some(WhatIf::EightCredits) => options = " ring=8",
        Some(WhatIf::Clock(megahertz)) if name != "server" => clock = format!("{megahertz}MHz"),
        Some(WhatIf::Clock(_)) => {}
        Some(WhatIf::NoCache) => {
            timing = "timing.cache_kilobytes = { value = 0, unit = \"KB\", source = \"derived: a board without one\" }\n";
        }
    }
    // Writing to a text cannot fail.
    let _ = write!(
        text,
        "[machine.{name}]\nmemory = \"{memory}MB\"\ncpu = {{ model = \"386dx\", clock = \"{clock}\", fpu = \"none\" }}\n\
         isa = {{ clock = \"{isa}\" }}\nboot = {{ from = \"direct\", image = \"kernel\", args = \"peers=0{options}\" }}\n\
         nic = {{ mac = \"{}\" }}\n{timing}[[machine.{name}.card]]\nsegment = \"ether0\"\nirq = 3\n{card}\n",
        address(number)
    );
}

/// A program that the loader brings.
pub(in crate::command::bench) fn module(text: &mut String, machine: &str, image: &str, arguments: &str) {
    // Writing to a text cannot fail.
    let _ = write!(
        text,
        "[[machine.{machine}.module]]\nimage = \"{image}\"\nargs = \"{arguments}\"\n"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{LabSource, load};

    const ALL: [WhatIf; 5] = [
        WhatIf::Scheduler,
        WhatIf::Ne2000,
        WhatIf::EightCredits,
        WhatIf::Clock(33),
        WhatIf::NoCache,
    ];

    fn setup(what_if: Option<WhatIf>) -> Setup {
        Setup {
            what_if,
            sizes: vec![32, 2048],
            seed: 1995,
            kernel: None,
        }
    }

    const TRIAL: Trial = Trial {
        workload: Workload::Rpc,
        mechanism: Mechanism::User,
        repetition: 3,
    };

    #[test]
    fn every_workload_mechanism_and_change_has_a_good_lab() {
        for what_if in [None].into_iter().chain(ALL.map(Some)) {
            for workload in [Workload::Idle, Workload::Compute, Workload::Rpc] {
                for mechanism in [Mechanism::Kernel, Mechanism::User] {
                    let trial = Trial {
                        workload,
                        mechanism,
                        ..TRIAL
                    };
                    let source = LabSource::Text {
                        name: "bench".into(),
                        text: trial.lab(&setup(what_if)),
                        folder: "".into(),
                    };
                    let loaded = load(source, &[])
                        .unwrap_or_else(|errors| panic!("{}", errors.messages().render(false)));
                    let names: Vec<&str> = loaded.lab.machines.iter().map(|machine| &*machine.name).collect();
                    assert_eq!(names, STATIONS.map(|(name, _)| name));
                }
            }
        }
    }

    #[test]
    fn a_change_is_read_as_it_is_written() {
        for what_if in ALL {
            assert_eq!(what_if.to_string().parse(), Ok(what_if));
        }
        assert!("clock=fast".parse::<WhatIf>().is_err());
        assert!("cache".parse::<WhatIf>().is_err());
    }

    #[test]
    fn repetitions_differ_by_seed_and_the_same_one_is_the_same() {
        let setup = setup(None);
        let other = Trial {
            repetition: 4,
            ..TRIAL
        };
        assert_eq!(TRIAL.lab(&setup), TRIAL.lab(&setup));
        assert_ne!(TRIAL.lab(&setup), other.lab(&setup));
        assert_ne!(
            TRIAL.lab(&setup),
            TRIAL.lab(&Setup {
                seed: 7,
                ..setup.clone()
            })
        );
    }

    #[test]
    fn machines_have_memory_for_all_processes() {
        let large = Setup {
            sizes: vec![8000, 1000],
            ..setup(None)
        };
        assert!(TRIAL.lab(&large).contains("memory = \"16MB\""));
        assert!(TRIAL.lab(&setup(None)).contains("memory = \"8MB\""));
    }
}
