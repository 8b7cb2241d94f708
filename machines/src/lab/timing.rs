//! The timing constants of a board: names, units, ranges, and defaults with their sources.
//!
//! Defaults describe a 386DX board of about 1992 with an 8 MHz ISA bus. None of them is fitted to a result. The ISA
//! cycle lengths are those of an AT bus with default ready: an 8-bit access has four wait states and so 6 bus clocks.
//! A 16-bit access has one wait state and so 3 bus clocks; 0WS takes wait states away.

use super::model::{Constant, Machine, Source, Timing};

/// A timing constant as the format knows it.
pub(super) struct Description {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) unit: &'static str,
    pub(super) least: u32,
    pub(super) most: u32,
    pub(super) value: u32,
    pub(super) source: Source,
    pub(super) note: &'static str,
}

/// All timing constants, in the order of [`Timing`]'s fields.
pub(super) static CONSTANTS: [Description; 13] = [
    Description {
        name: "isa_8bit",
        about: "8-bit ISA access from one start to the next.",
        unit: "isa-cycle",
        least: 6,
        most: 9,
        value: 8,
        source: Source::Derived,
        note: "6 clocks of an 8-bit command with default ready, 1 to meet the bus clock, 1 between accesses; \
               86Box and PCem charge 8, IBMulator 8 to 10",
    },
    Description {
        name: "isa_8bit_zero_wait",
        about: "8-bit ISA access to a card that pulls 0WS, from one start to the next.",
        unit: "isa-cycle",
        least: 3,
        most: 9,
        value: 4,
        source: Source::Derived,
        note: "3 clocks of an 8-bit command with one wait state, 1 between accesses",
    },
    Description {
        name: "isa_16bit",
        about: "16-bit ISA memory access, from one start to the next.",
        unit: "isa-cycle",
        least: 3,
        most: 9,
        value: 4,
        source: Source::Derived,
        note: "3 clocks of a 16-bit command with one wait state, 1 between accesses: 0.25 us at 8 MHz",
    },
    Description {
        name: "isa_16bit_zero_wait",
        about: "16-bit ISA memory access to a card that pulls 0WS, from one start to the next.",
        unit: "isa-cycle",
        least: 2,
        most: 9,
        value: 3,
        source: Source::Derived,
        note: "2 clocks of a 16-bit memory command without wait states, 1 between accesses",
    },
    Description {
        name: "isa_recovery",
        about: "The end of each ISA access, during which the processor already runs on.",
        unit: "isa-cycle",
        least: 0,
        most: 2,
        value: 1,
        source: Source::Placeholder,
        note: "about 1 clock lies between two accesses; boards of the time guarantee none",
    },
    Description {
        name: "interrupt_acknowledge",
        about: "Each of the two interrupt acknowledge cycles.",
        unit: "isa-cycle",
        least: 2,
        most: 12,
        value: 6,
        source: Source::Placeholder,
        note: "taken as an 8-bit command with default ready; no board manual found yet",
    },
    Description {
        name: "cache_kilobytes",
        about: "Size of the external cache: 0 for none, or a power of two.",
        unit: "KB",
        least: 0,
        most: 1_024,
        value: 64,
        source: Source::Placeholder,
        note: "64 and 128 KB were usual on 386DX-40 boards; which one is the board's",
    },
    Description {
        name: "dram_read_wait",
        about: "Wait states of a cache miss, or of memory without a cache.",
        unit: "cycle",
        least: 0,
        most: 16,
        value: 5,
        source: Source::Derived,
        note: "7 clocks of a memory access at 40 MHz in 86Box's and PCem's machine tables, less the 2 of one \
               without wait states",
    },
    Description {
        name: "dram_write_wait",
        about: "Wait states of a posted write.",
        unit: "cycle",
        least: 0,
        most: 16,
        value: 0,
        source: Source::Placeholder,
        note: "the write buffer of a write-through cache takes a write at once; no board manual found yet",
    },
    Description {
        name: "rom_read",
        about: "A read of up to 32 bits from the BIOS ROM.",
        unit: "isa-cycle",
        least: 2,
        most: 36,
        value: 6,
        source: Source::Derived,
        note: "two 16-bit memory cycles of 3 clocks with default ready: a pair of EPROMs, as on the AT; a board \
               with one EPROM has four 8-bit cycles of 6",
    },
    Description {
        name: "isa_16bit_io",
        about: "16-bit ISA I/O access from one start to the next: the data port of a disk or an NE2000.",
        unit: "isa-cycle",
        least: 3,
        most: 9,
        value: 5,
        source: Source::Derived,
        note: "3 clocks of a 16-bit command with its one wait state, 1 to meet the bus clock, 1 between accesses, as \
               for 8 bits",
    },
    Description {
        name: "dma_handover",
        about: "What giving the bus to the DMA controller and taking it back adds to its own clocks.",
        unit: "isa-cycle",
        least: 0,
        most: 8,
        value: 2,
        source: Source::Derived,
        note: "one clock of the 8237A at half the bus clock, in which it sees HLDA; with the 10 clocks of a byte it \
               makes 1.5 us at 8 MHz, the upper end of what is told of AT boards",
    },
    Description {
        name: "isa_refresh",
        about: "What a refresh of memory takes of the ISA bus every 15.09 us; 0 where it is hidden.",
        unit: "isa-cycle",
        least: 0,
        most: 16,
        value: 0,
        source: Source::Placeholder,
        note: "boards with a cache refresh while nobody has the bus; others take 0.5 to 1 us, 4 to 8 clocks, which \
               would make a byte of a copy loop to a card 3 to 6 % longer than the 1 us that is told of them; no board \
               manual found yet",
    },
];

impl Source {
    /// All sources.
    pub(super) const ALL: [Self; 4] = [Self::Measured, Self::DataSheet, Self::Derived, Self::Placeholder];

    /// The word that a lab file says before the colon.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::DataSheet => "data sheet",
            Self::Derived => "derived",
            Self::Placeholder => "placeholder",
        }
    }

    /// Reads `data sheet: Intel 231746, page 3`.
    pub(super) fn parse(text: &str) -> Option<(Self, &str)> {
        let (word, note) = text.split_once(':')?;
        let source = Self::ALL.into_iter().find(|source| source.word() == word)?;
        let note = note.trim();
        (!note.is_empty()).then_some((source, note))
    }
}

impl Timing {
    /// All constants with their names and units, in the order of the fields.
    #[must_use]
    pub fn constants(&self) -> [(&'static str, &'static str, &Constant); CONSTANTS.len()] {
        let values = [
            &self.isa_8bit,
            &self.isa_8bit_zero_wait,
            &self.isa_16bit,
            &self.isa_16bit_zero_wait,
            &self.isa_recovery,
            &self.interrupt_acknowledge,
            &self.cache_kilobytes,
            &self.dram_read_wait,
            &self.dram_write_wait,
            &self.rom_read,
            &self.isa_16bit_io,
            &self.dma_handover,
            &self.isa_refresh,
        ];
        std::array::from_fn(|index| (CONSTANTS[index].name, CONSTANTS[index].unit, values[index]))
    }

    /// The constant of that name.
    pub(super) fn constant_mut(&mut self, name: &str) -> Option<&mut Constant> {
        match name {
            "isa_8bit" => Some(&mut self.isa_8bit),
            "isa_8bit_zero_wait" => Some(&mut self.isa_8bit_zero_wait),
            "isa_16bit" => Some(&mut self.isa_16bit),
            "isa_16bit_zero_wait" => Some(&mut self.isa_16bit_zero_wait),
            "isa_recovery" => Some(&mut self.isa_recovery),
            "interrupt_acknowledge" => Some(&mut self.interrupt_acknowledge),
            "cache_kilobytes" => Some(&mut self.cache_kilobytes),
            "dram_read_wait" => Some(&mut self.dram_read_wait),
            "dram_write_wait" => Some(&mut self.dram_write_wait),
            "rom_read" => Some(&mut self.rom_read),
            "isa_16bit_io" => Some(&mut self.isa_16bit_io),
            "dma_handover" => Some(&mut self.dma_handover),
            "isa_refresh" => Some(&mut self.isa_refresh),
            _ => None,
        }
    }
}

/// The constants of a board about which a lab file says nothing.
impl Default for Timing {
    fn default() -> Self {
        let [
            isa_8bit,
            isa_8bit_zero_wait,
            isa_16bit,
            isa_16bit_zero_wait,
            isa_recovery,
            interrupt_acknowledge,
            cache_kilobytes,
            dram_read_wait,
            dram_write_wait,
            rom_read,
            isa_16bit_io,
            dma_handover,
            isa_refresh,
        ] = std::array::from_fn(|index| Constant {
            value: CONSTANTS[index].value,
            source: CONSTANTS[index].source,
            note: CONSTANTS[index].note.to_owned(),
        });
        Self {
            isa_8bit,
            isa_8bit_zero_wait,
            isa_16bit,
            isa_16bit_zero_wait,
            isa_recovery,
            interrupt_acknowledge,
            cache_kilobytes,
            dram_read_wait,
            dram_write_wait,
            rom_read,
            isa_16bit_io,
            dma_handover,
            isa_refresh,
        }
    }
}

impl Machine {
    /// How many of its timing constants are placeholders.
    #[must_use]
    pub fn placeholders(&self) -> usize {
        self.timing
            .constants()
            .iter()
            .filter(|(_, _, constant)| constant.source == Source::Placeholder)
            .count()
    }
}
