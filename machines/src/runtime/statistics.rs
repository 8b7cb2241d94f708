//! What a lab counted, for `stats.json` and the summary.

use serde::Serialize;

/// What one machine counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MachineStatistics {
    /// Its name.
    pub name: String,
    /// Instructions completed.
    pub instructions: u64,
    /// Processor cycles since power-on, halted ones included.
    pub cycles: u64,
    /// Processor cycles spent halted.
    pub halted_cycles: u64,
    /// Interrupts acknowledged.
    pub interrupts: u64,
    /// Each card's counts.
    pub cards: Vec<CardStatistics>,
}

/// What one card counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CardStatistics {
    /// Its interface's name.
    pub interface: String,
    /// Frames that the controller sent whole.
    pub sent: u64,
    /// Frames that the controller stored in its ring.
    pub received: u64,
    /// Frames that were meant for it and not stored.
    pub missed: u64,
}

/// What one segment counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SegmentStatistics {
    /// Its name.
    pub name: String,
    /// Frames sent whole.
    pub frames: u64,
    /// Their bytes, from destination address to check sequence.
    pub bytes: u64,
    /// Collisions.
    pub collisions: u64,
    /// Picoseconds during which the cable carried a signal.
    pub busy_picoseconds: u64,
}

/// What one traffic generator counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GeneratorStatistics {
    /// Its name.
    pub name: String,
    /// Frames that left whole.
    pub sent: u64,
    /// Their bytes, check sequence included.
    pub sent_bytes: u64,
    /// Frames that were given up after sixteen collisions.
    pub given_up: u64,
    /// Frames that left without a cable.
    pub without_carrier: u64,
    /// Collisions in all.
    pub collisions: u64,
    /// Intact frames to its address or to a group.
    pub received: u64,
    /// Their bytes, check sequence included.
    pub received_bytes: u64,
    /// Frames with a wrong check sequence that ended on a byte boundary.
    pub check_errors: u64,
    /// Frames with a wrong check sequence that did not.
    pub alignment_errors: u64,
}

/// What a whole lab counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// Virtual time since the start, in nanoseconds.
    pub virtual_nanoseconds: u64,
    /// In the order of the lab.
    pub machines: Vec<MachineStatistics>,
    /// In the order of the lab.
    pub generators: Vec<GeneratorStatistics>,
    /// In the order of the lab.
    pub segments: Vec<SegmentStatistics>,
}
