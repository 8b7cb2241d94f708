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

/// What a whole lab counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// Virtual time since the start, in nanoseconds.
    pub virtual_nanoseconds: u64,
    /// In the order of the lab.
    pub machines: Vec<MachineStatistics>,
    /// In the order of the lab.
    pub segments: Vec<SegmentStatistics>,
}
