//! The workloads.

use crate::results;

/// Something that the benchmark program does over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// What compiled integer code does: loads, stores, comparisons, branches, register arithmetic, a call, a
    /// multiplication.
    IntegerMix,
    /// CRC-32 of 4 KB with a table of 256 words.
    Crc,
    /// The sieve of Eratosthenes over 8192 odd numbers, a byte each.
    Sieve,
    /// REP MOVSD of 16 pages, each to the page behind it.
    Copy,
    /// Three calls with parameters on the stack.
    Calls,
    /// A load of CR3, which changes 16 pages for others, and a read and a write in each of them.
    Pages,
    /// INT and IRET at privilege level 0.
    Interrupt,
    /// From privilege level 3 to 0 and back, with INT and IRET.
    RingInterrupt,
    /// From privilege level 3 to 0 and back, with CALL through a call gate and RETF.
    RingCall,
    /// The interrupt controller's mask, written and read.
    Ports,
    /// An interrupt of the timer, awaited in a loop of two instructions.
    Timer,
}

/// How much one turn of a workload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// So many instructions, exactly.
    Instructions(u32),
    /// So many bytes copied.
    Bytes(u32),
    /// One event: its instructions depend on the time that the machine takes.
    Event,
}

impl Workload {
    /// All of them.
    pub const ALL: [Workload; 11] = [
        Workload::IntegerMix,
        Workload::Crc,
        Workload::Sieve,
        Workload::Copy,
        Workload::Calls,
        Workload::Pages,
        Workload::Interrupt,
        Workload::RingInterrupt,
        Workload::RingCall,
        Workload::Ports,
        Workload::Timer,
    ];

    /// Its name on command lines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Workload::IntegerMix => "integer_mix",
            Workload::Crc => "crc",
            Workload::Sieve => "sieve",
            Workload::Copy => "copy",
            Workload::Calls => "calls",
            Workload::Pages => "pages",
            Workload::Interrupt => "interrupt",
            Workload::RingInterrupt => "ring_interrupt",
            Workload::RingCall => "ring_call",
            Workload::Ports => "ports",
            Workload::Timer => "timer",
        }
    }

    /// The workload of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Workload> {
        Workload::ALL.into_iter().find(|workload| workload.name() == name)
    }

    /// How much one turn is.
    #[must_use]
    pub fn turn(self) -> Turn {
        match self {
            Workload::IntegerMix => Turn::Instructions(100),
            Workload::Crc => Turn::Instructions(7 * results::CRC_BYTES as u32 + 8),
            Workload::Sieve => Turn::Instructions(results::SIEVE_INSTRUCTIONS),
            Workload::Copy => Turn::Bytes((results::COPIED_PAGES * results::COPIED_DWORDS * 4) as u32),
            Workload::Calls => Turn::Instructions(28),
            Workload::Pages => Turn::Instructions(3 * results::PAGES as u32 + 4),
            Workload::Interrupt | Workload::RingInterrupt | Workload::RingCall => Turn::Instructions(5),
            Workload::Ports => Turn::Instructions(8),
            Workload::Timer => Turn::Event,
        }
    }

    /// Turns where the command line does not say: a few milliseconds of a fast machine.
    #[must_use]
    pub fn usual_turns(self) -> u32 {
        match self {
            Workload::IntegerMix | Workload::Calls => 10_000,
            Workload::Crc | Workload::Sieve => 10,
            Workload::Copy | Workload::Timer => 100,
            Workload::Pages
            | Workload::Interrupt
            | Workload::RingInterrupt
            | Workload::RingCall
            | Workload::Ports => 1_000,
        }
    }

    /// What comes out of so many turns.
    #[must_use]
    pub fn result(self, turns: u32) -> u32 {
        match self {
            Workload::IntegerMix => results::integer_mix(turns),
            Workload::Crc => results::crc(turns),
            Workload::Sieve => results::sieve(turns),
            Workload::Copy => results::copied_checksum(results::word_of_page, turns),
            Workload::Calls => results::calls(turns),
            Workload::Pages => results::pages(turns),
            Workload::Interrupt | Workload::RingInterrupt | Workload::RingCall | Workload::Timer => {
                results::sum_up_to(turns)
            }
            Workload::Ports => results::masks(turns),
        }
    }
}
