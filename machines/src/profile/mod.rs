//! Where the time of processors goes: what each of them does is looked at many times, at random instants, and counted.
//!
//! A lab that is left at a limit goes on as if it had never been left, so looking changes nothing and takes no virtual time. The
//! instants lie half the mean interval to one and a half of it apart, so that they do not keep step with anything in the lab.
//! What is counted is a share of time; with n looks the error of a share s is the root of s (1 - s) / n.

mod symbols;

pub use symbols::Symbols;

use std::collections::BTreeMap;

use clock::Span;

use crate::machine::{Activity, Whereabouts};

/// What a processor's time is spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// It waits.
    Idle,
    /// Copying into a card.
    CopyToDevice,
    /// Copying out of a card.
    CopyFromDevice,
    /// Copying and filling within memory, by string instructions.
    Copy,
    /// Accesses to I/O ports: registers of cards, the interrupt controllers, the clock.
    Ports,
    /// The rest of the drivers of cards.
    Driver,
    /// FLIP.
    Flip,
    /// Transactions.
    Rpc,
    /// Processes, threads and their memory.
    Processes,
    /// What brings cards, FLIP, transactions and threads together.
    Network,
    /// The rest of the kernel: traps, its main loop, its servers.
    Kernel,
    /// Programs.
    Programs,
}

impl Work {
    /// What tables call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::CopyToDevice => "copy into the card",
            Self::CopyFromDevice => "copy out of the card",
            Self::Copy => "copy in memory",
            Self::Ports => "ports",
            Self::Driver => "driver",
            Self::Flip => "FLIP",
            Self::Rpc => "transactions",
            Self::Processes => "processes",
            Self::Network => "network",
            Self::Kernel => "rest of the kernel",
            Self::Programs => "programs",
        }
    }

    /// What a function of the kernel belongs to.
    fn of_function(name: &str) -> Self {
        const MODULES: [(&str, Work); 7] = [
            ("kernel_core::etherlink::", Work::Driver),
            ("kernel_core::flip::", Work::Flip),
            ("kernel_core::rpc::", Work::Rpc),
            ("kernel_core::process::", Work::Processes),
            ("kernel::user::", Work::Processes),
            ("kernel::paging::", Work::Processes),
            ("kernel::network::", Work::Network),
        ];
        let found = MODULES.iter().find(|(module, _)| name.starts_with(module));
        found.map_or(Self::Kernel, |(_, work)| *work)
    }
}

/// What was seen of one machine.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    symbols: Symbols,
    works: BTreeMap<Work, u64>,
    functions: BTreeMap<String, u64>,
    looks: u64,
}

impl Profile {
    /// Nothing yet, of a machine whose kernel has these functions.
    #[must_use]
    pub fn new(symbols: Symbols) -> Self {
        Self {
            symbols,
            ..Self::default()
        }
    }

    /// Counts what a processor was doing at an instant.
    pub fn count(&mut self, seen: &Whereabouts) {
        self.looks += 1;
        let function = (seen.privilege == 0).then(|| self.symbols.at(seen.eip)).flatten();
        let work = match seen.activity {
            Activity::Idle => Work::Idle,
            Activity::CopyToDevice => Work::CopyToDevice,
            Activity::CopyFromDevice => Work::CopyFromDevice,
            Activity::Copy if seen.privilege == 0 => Work::Copy,
            Activity::Port => Work::Ports,
            Activity::Copy | Activity::Code if seen.privilege > 0 => Work::Programs,
            Activity::Copy | Activity::Code => function.map_or(Work::Kernel, Work::of_function),
        };
        *self.works.entry(work).or_default() += 1;
        if work != Work::Idle {
            let what = match seen.activity {
                Activity::Port => ": ports",
                Activity::Copy | Activity::CopyFromDevice | Activity::CopyToDevice => ": copy",
                Activity::Idle | Activity::Code => "",
            };
            let name = match function {
                _ if seen.privilege > 0 => "a program",
                Some(name) => name,
                None => "assembly",
            };
            *self.functions.entry(format!("{name}{what}")).or_default() += 1;
        }
    }

    /// How often the machine was looked at.
    #[must_use]
    pub fn looks(&self) -> u64 {
        self.looks
    }

    /// The share of time of each kind of work that was seen, in a fixed order.
    pub fn shares(&self) -> impl Iterator<Item = (Work, f64)> {
        let looks = self.looks.max(1) as f64;
        self.works
            .iter()
            .map(move |(work, count)| (*work, *count as f64 / looks))
    }

    /// The functions with the largest shares of time.
    #[must_use]
    pub fn functions(&self) -> Vec<(&str, f64)> {
        let looks = self.looks.max(1) as f64;
        let all = self.functions.iter();
        let mut all: Vec<(&str, f64)> = all
            .map(|(name, count)| (&**name, *count as f64 / looks))
            .collect();
        all.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        all
    }
}

/// Random spans between looks.
#[derive(Clone, Debug)]
pub struct Looks {
    mean: Span,
    random: u64,
}

impl Looks {
    /// Spans with this mean.
    #[must_use]
    pub fn every(mean: Span) -> Self {
        Self { mean, random: 1 }
    }

    /// The span to the next look: half the mean to one and a half of it.
    pub fn next_span(&mut self) -> Span {
        // Knuth's generator for MMIX; its upper bits are good.
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mean = self.mean.picoseconds();
        Span::from_picoseconds(mean / 2 + (self.random >> 32) * mean / (1 << 32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(activity: Activity, privilege: u8) -> Whereabouts {
        Whereabouts {
            activity,
            eip: 0,
            privilege,
        }
    }

    #[test]
    fn shares_add_up_to_one() {
        let mut profile = Profile::default();
        for activity in [Activity::Idle, Activity::Idle, Activity::Port, Activity::Code] {
            profile.count(&seen(activity, 0));
        }
        profile.count(&seen(Activity::Copy, 3));
        let shares: Vec<_> = profile.shares().collect();
        assert_eq!(
            shares,
            [
                (Work::Idle, 0.4),
                (Work::Ports, 0.2),
                (Work::Kernel, 0.2),
                (Work::Programs, 0.2)
            ]
        );
        assert_eq!(profile.functions().len(), 3);
    }

    #[test]
    fn looks_are_half_the_mean_to_one_and_a_half_of_it_apart() {
        let mean = Span::from_microseconds(20);
        let mut looks = Looks::every(mean);
        let spans: Vec<u64> = (0..10_000).map(|_| looks.next_span().picoseconds()).collect();
        assert!(spans.iter().all(|span| (10_000_000..30_000_000).contains(span)));
        let sum: u64 = spans.iter().sum();
        assert!((190_000_000_000..210_000_000_000).contains(&sum), "{sum}");
    }

    #[test]
    fn functions_belong_to_what_their_module_does() {
        assert_eq!(Work::of_function("kernel_core::flip::switch"), Work::Flip);
        assert_eq!(Work::of_function("kernel::traps::dispatch"), Work::Kernel);
    }
}
