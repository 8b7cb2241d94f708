//! The faults of a lab, handed to the cables and machines that they concern before the lab runs: all of them are known
//! from the start, so nothing of it depends on windows.

use std::collections::BTreeMap;

use clock::Instant;
use devices::TornSector;
use wire::{FaultRule, StationId};

use super::{Cable, seed_for};
use crate::lab::{FaultKind, Lab};
use crate::machine::{Machine, Origin, PowerEvent, Switch};

/// From when until when something is so.
type Windows = Vec<(Instant, Instant)>;

/// Hands out the lab's faults. Every station is attached; nothing has run.
pub(super) fn prepare(lab: &Lab, cables: &mut [Cable], machines: &mut [Machine]) {
    let mut unplugged: BTreeMap<(usize, StationId), Windows> = BTreeMap::new();
    let mut unpowered: BTreeMap<usize, Windows> = BTreeMap::new();
    let mut torn_sectors: BTreeMap<usize, TornSector> = BTreeMap::new();
    for (number, fault) in (1..).zip(&lab.faults) {
        let window = (fault.from, fault.until);
        match &fault.kind {
            FaultKind::Frames(frames) => cables[frames.segment].segment.add_fault(FaultRule {
                name: fault.name.clone(),
                from: fault.from,
                until: fault.until,
                matcher: frames.matcher.clone(),
                turns: frames.turns,
                chance: frames.chance,
                place: frames.place,
                deed: frames.deed,
                seed: frames.seed.unwrap_or_else(|| seed_for(lab.seed, RULES, number)),
            }),
            FaultKind::Partition {
                segment: index,
                position_millimetres,
            } => cables[*index]
                .segment
                .cut(*position_millimetres, fault.from, fault.until),
            FaultKind::Unplug { stations } => {
                for station in stations {
                    unplugged.entry(*station).or_default().push(window);
                }
            }
            FaultKind::PowerOff { machines, torn } => {
                for machine in machines {
                    unpowered.entry(*machine).or_default().push(window);
                    torn_sectors.entry(*machine).or_insert(*torn);
                }
            }
            FaultKind::Reset { machines: pressed } => {
                for machine in pressed {
                    machines[*machine].schedule(fault.from, Origin::Lab, Switch::Reset);
                }
            }
        }
    }
    for ((index, station), windows) in unplugged {
        for (from, until) in joined(windows) {
            cables[index].segment.unplug(station, from);
            if until < Instant::NEVER {
                cables[index].segment.plug(station, until);
            }
        }
    }
    for (machine, windows) in unpowered {
        for (from, until) in joined(windows) {
            let off = PowerEvent::Off(torn_sectors[&machine]);
            machines[machine].schedule(from, Origin::Lab, Switch::Power(off));
            if until < Instant::NEVER {
                machines[machine].schedule(until, Origin::Lab, Switch::Power(PowerEvent::On));
            }
        }
    }
}

/// Tells the seeds of fault rules from those of traffic generators.
const RULES: u64 = 0x6661_756C_7400_0000;

/// Windows that overlap or touch made one, in order.
fn joined(mut windows: Windows) -> Windows {
    windows.sort_unstable();
    let mut joined: Windows = Vec::new();
    for (from, until) in windows {
        match joined.last_mut() {
            Some((_, end)) if from <= *end => *end = until.max(*end),
            _ => joined.push((from, until)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_that_overlap_or_touch_are_one() {
        let at = Instant::from_picoseconds;
        let windows = [(5, 9), (1, 3), (3, 4), (6, 7), (20, 30)].map(|(from, until)| (at(from), at(until)));
        let joined = joined(windows.to_vec());
        assert_eq!(
            joined,
            [(1, 4), (5, 9), (20, 30)].map(|(from, until)| (at(from), at(until)))
        );
    }
}
