//! What a lab counted, as `stats.json` and the JSON summary have it.

use serde::Serialize;

use super::progress::busy_percent;
use crate::runtime::{GeneratorStatistics, MachineStatistics, SegmentStatistics, Statistics};

/// The runtime's counts, and what people want to know of them at a glance.
#[derive(Serialize)]
pub(crate) struct Counts<'a> {
    virtual_nanoseconds: u64,
    machines: Vec<MachineCounts<'a>>,
    /// Labs without generators say nothing of them.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    generators: &'a [GeneratorStatistics],
    segments: &'a [SegmentStatistics],
}

#[derive(Serialize)]
struct MachineCounts<'a> {
    #[serde(flatten)]
    counted: &'a MachineStatistics,
    /// Share of the cycles in which the machine did not wait in HLT.
    busy_percent: u64,
}

impl<'a> Counts<'a> {
    /// Those of `statistics`.
    pub(crate) fn new(statistics: &'a Statistics) -> Self {
        let machine = |counted: &'a MachineStatistics| MachineCounts {
            counted,
            busy_percent: busy_percent(counted.cycles, counted.halted_cycles),
        };
        Self {
            virtual_nanoseconds: statistics.virtual_nanoseconds,
            machines: statistics.machines.iter().map(machine).collect(),
            generators: &statistics.generators,
            segments: &statistics.segments,
        }
    }
}
