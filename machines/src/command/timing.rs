//! Timing constants: how many rest on nothing yet, and all of them as a table for programs.

use std::collections::BTreeSet;

use super::describe::csv_field;
use crate::lab::{Lab, Source};

/// How many placeholders a lab rests on. A constant that several machines share counts once.
pub(crate) fn placeholders(lab: &Lab) -> usize {
    let constants = lab.machines.iter().flat_map(|machine| machine.timing.constants());
    let distinct: BTreeSet<(&str, u32, &str)> = constants
        .filter(|(_, _, constant)| constant.source == Source::Placeholder)
        .map(|(name, _, constant)| (name, constant.value, constant.note.as_str()))
        .collect();
    distinct.len()
}

/// Every constant of every machine.
pub(crate) fn table(lab: &Lab) -> String {
    let mut table = String::from("machine,constant,value,unit,source,note\n");
    for machine in &lab.machines {
        for (name, unit, constant) in machine.timing.constants() {
            let (machine, note) = (csv_field(&machine.name), csv_field(&constant.note));
            let (value, source) = (constant.value, constant.source.word());
            table += &format!("{machine},{name},{value},{unit},{source},{note}\n");
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::testing::sample_lab;
    use super::*;

    #[test]
    fn a_placeholder_that_two_machines_share_counts_once() {
        let lab = sample_lab();
        assert_eq!(lab.machines.len(), 2);
        assert_eq!(placeholders(&lab), lab.machines[0].placeholders());
    }

    #[test]
    fn the_timing_table_quotes_notes_with_commas() {
        let mut lab = sample_lab();
        lab.machines[0].timing.dram_read_wait.note = "board manual, not found".into();
        assert!(
            table(&lab).contains(",\"board manual, not found\"\n"),
            "{}",
            table(&lab)
        );
    }
}
