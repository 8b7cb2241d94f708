//! A fault, written out as a lab file says it.

use std::fmt::{Result, Write};

use clock::Instant;
use devices::TornSector;
use wire::{CheckSequence, Deed, Place, StationId, Turns};

use super::mac;
use super::model::{Fault, FaultKind, FrameFault, Lab};
use super::show::quoted;
use super::units::{show_length, show_time};

/// Writes one `[[fault]]`.
pub(super) fn write(out: &mut String, lab: &Lab, fault: &Fault) -> Result {
    writeln!(out, "\n[[fault]]\nname = \"{}\"", fault.name)?;
    writeln!(out, "kind = \"{}\"", word(&fault.kind))?;
    let time = |instant: Instant| show_time(instant.since(Instant::START));
    writeln!(out, "from = \"{}\"", time(fault.from))?;
    if fault.until != Instant::NEVER {
        writeln!(out, "until = \"{}\"", time(fault.until))?;
    }
    match &fault.kind {
        FaultKind::Frames(frames) => write_frames(out, lab, frames),
        FaultKind::Partition {
            segment,
            position_millimetres,
        } => {
            let segment = &lab.segments[*segment].name;
            let at = show_length(*position_millimetres);
            writeln!(out, "segment = \"{segment}\"\nat = \"{at}\"")
        }
        FaultKind::Unplug { stations } => {
            let name = |(segment, station): &(usize, StationId)| station_name(lab, *segment, *station);
            let names: Vec<String> = stations.iter().map(name).collect();
            writeln!(out, "station = [{}]", names.join(", "))
        }
        FaultKind::PowerOff { machines, torn } => {
            let sector = match torn {
                TornSector::Old => "old",
                TornSector::New => "new",
                TornSector::Unreadable => "unreadable",
            };
            write_machines(out, lab, machines)?;
            writeln!(out, "sector = \"{sector}\"")
        }
        FaultKind::Reset { machines } => write_machines(out, lab, machines),
    }
}

fn write_machines(out: &mut String, lab: &Lab, machines: &[usize]) -> Result {
    let name = |machine: &usize| quoted(&lab.machines[*machine].name);
    let names: Vec<String> = machines.iter().map(name).collect();
    writeln!(out, "machine = [{}]", names.join(", "))
}

/// The word of a fault's kind.
const fn word(kind: &FaultKind) -> &'static str {
    match kind {
        FaultKind::Frames(frames) => deed_word(&frames.deed),
        FaultKind::Partition { .. } => "partition",
        FaultKind::Unplug { .. } => "unplug",
        FaultKind::PowerOff { .. } => "power-off",
        FaultKind::Reset { .. } => "reset",
    }
}

/// The word of what a rule does to a frame.
#[must_use]
pub const fn deed_word(deed: &Deed) -> &'static str {
    match deed {
        Deed::Lose => "loss",
        Deed::FlipBits { .. } => "bit-errors",
        Deed::Misalign { .. } => "misalignment",
        Deed::Truncate { .. } => "truncation",
        Deed::Delay { .. } => "delay",
        Deed::Duplicate { .. } => "duplication",
        Deed::Reorder { .. } => "reordering",
    }
}

fn station_name(lab: &Lab, segment: usize, station: StationId) -> String {
    quoted(lab.station_names(segment)[usize::from(station.0)])
}

fn write_frames(out: &mut String, lab: &Lab, fault: &FrameFault) -> Result {
    writeln!(out, "segment = \"{}\"", lab.segments[fault.segment].name)?;
    let matcher = &fault.matcher;
    for (field, stations) in [("sender", &matcher.senders), ("receiver", &matcher.receivers)] {
        if let Some(stations) = stations {
            let name = |station: &StationId| station_name(lab, fault.segment, *station);
            let names: Vec<String> = stations.iter().map(name).collect();
            writeln!(out, "{field} = [{}]", names.join(", "))?;
        }
    }
    if let Some(ethertype) = matcher.ethertype {
        writeln!(out, "ethertype = {ethertype:#06x}")?;
    }
    for (field, address) in [("source", matcher.source), ("destination", matcher.destination)] {
        if let Some(address) = address {
            writeln!(out, "{field} = \"{}\"", mac::show(address))?;
        }
    }
    match fault.turns {
        Turns::Every => {}
        Turns::Only(number) => writeln!(out, "nth = {number}")?,
        Turns::EachNth(step) => writeln!(out, "every = {step}")?,
    }
    let millionths = fault.chance.millionths();
    writeln!(
        out,
        "chance = \"{}.{:03}%\"",
        millionths / 10_000,
        millionths % 10_000 / 10
    )?;
    let place = match fault.place {
        Place::Cable => "cable",
        Place::Receiver => "receiver",
    };
    writeln!(out, "place = \"{place}\"")?;
    if let Some(seed) = fault.seed {
        writeln!(out, "seed = {seed}")?;
    }
    write_deed(out, fault.deed)
}

fn write_deed(out: &mut String, deed: Deed) -> Result {
    match deed {
        Deed::Lose => Ok(()),
        Deed::FlipBits { count, check } => {
            let fcs = match check {
                CheckSequence::Right => "right",
                CheckSequence::Wrong => "wrong",
            };
            writeln!(out, "bits = {count}\nfcs = \"{fcs}\"")
        }
        Deed::Misalign { dribble_bits } => writeln!(out, "dribble_bits = {dribble_bits}"),
        Deed::Truncate { length } => writeln!(out, "length = {length}"),
        Deed::Delay { least, most } => {
            let (least, most) = (show_time(least), show_time(most));
            writeln!(out, "least = \"{least}\"\nmost = \"{most}\"")
        }
        Deed::Duplicate { copies, apart } => {
            writeln!(out, "copies = {copies}\napart = \"{}\"", show_time(apart))
        }
        Deed::Reorder { behind, at_most } => {
            writeln!(out, "behind = {behind}\nat_most = \"{}\"", show_time(at_most))
        }
    }
}
