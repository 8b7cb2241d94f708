//! Timing constants as a list: how many are placeholders, and `show --timing` for programs.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::lab::{Constant, Lab, Source, Timing};

/// One timing constant of one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ConstantRow<'a> {
    pub(crate) machine: &'a str,
    pub(crate) constant: &'static str,
    pub(crate) value: u32,
    pub(crate) source: &'static str,
    pub(crate) note: &'a str,
}

/// Every constant of every machine, in the order of the lab.
pub(crate) fn rows(lab: &Lab) -> Vec<ConstantRow<'_>> {
    lab.machines
        .iter()
        .flat_map(|machine| constants(&machine.timing).map(|(name, constant)| (machine, name, constant)))
        .map(|(machine, constant_name, constant)| ConstantRow {
            machine: &machine.name,
            constant: constant_name,
            value: constant.value,
            source: source_name(constant.source),
            note: &constant.note,
        })
        .collect()
}

/// How many placeholders a lab rests on. A constant that several machines share counts once.
pub(crate) fn placeholders(lab: &Lab) -> usize {
    let distinct: BTreeSet<(&str, u32, &str)> = lab
        .machines
        .iter()
        .flat_map(|machine| constants(&machine.timing))
        .filter(|(_, constant)| constant.source == Source::Placeholder)
        .map(|(name, constant)| (name, constant.value, constant.note.as_str()))
        .collect();
    distinct.len()
}

fn constants(timing: &Timing) -> [(&'static str, &Constant); 8] {
    let Timing {
        isa_8bit,
        isa_16bit_memory,
        isa_16bit_io,
        isa_recovery,
        interrupt_acknowledge,
        cache_kilobytes,
        dram_read_wait,
        dram_write_wait,
    } = timing;
    [
        ("isa_8bit", isa_8bit),
        ("isa_16bit_memory", isa_16bit_memory),
        ("isa_16bit_io", isa_16bit_io),
        ("isa_recovery", isa_recovery),
        ("interrupt_acknowledge", interrupt_acknowledge),
        ("cache_kilobytes", cache_kilobytes),
        ("dram_read_wait", dram_read_wait),
        ("dram_write_wait", dram_write_wait),
    ]
}

fn source_name(source: Source) -> &'static str {
    match source {
        Source::Measured => "measured",
        Source::DataSheet => "data sheet",
        Source::Derived => "derived",
        Source::Placeholder => "placeholder",
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::sample_lab;
    use super::*;

    #[test]
    fn a_placeholder_that_two_machines_share_counts_once() {
        let lab = sample_lab();
        assert_eq!(lab.machines.len(), 2);
        assert_eq!(placeholders(&lab), 1);
    }

    #[test]
    fn every_constant_of_every_machine_is_a_row() {
        assert_eq!(rows(&sample_lab()).len(), 16);
    }
}
