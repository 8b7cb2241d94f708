//! How far a run is: virtual time, speed, how busy each machine and the wire are.

use std::time::Duration;

use clock::Instant;

use crate::command::time_text::seconds;
use crate::runtime::{MachineStatistics, SegmentStatistics, Statistics};

/// Widest line where no terminal says otherwise.
const PLAIN_WIDTH: usize = 160;

/// What was counted when progress was last shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    before: Statistics,
    elapsed_before: Duration,
}

impl Progress {
    /// The line for what happened since the last one; machines are summed up where they would not fit into `width`.
    pub(crate) fn line(&mut self, now: &Statistics, elapsed: Duration, width: Option<usize>) -> String {
        let virtual_seconds =
            nanoseconds_as_seconds(now.virtual_nanoseconds - self.before.virtual_nanoseconds);
        let host_seconds = elapsed.saturating_sub(self.elapsed_before).as_secs_f64();
        let at = Instant::from_picoseconds(now.virtual_nanoseconds.saturating_mul(1000));
        let head = format!("{:>12}  {}", seconds(at), factor(virtual_seconds, host_seconds));
        let tail = wire(&self.before.segments, &now.segments, virtual_seconds);
        let machines = busy(&self.before.machines, &now.machines);
        let room = width
            .unwrap_or(PLAIN_WIDTH)
            .saturating_sub(head.len() + tail.len() + 6);
        let every: Vec<String> = machines
            .iter()
            .map(|(name, percent)| format!("{name} {percent}%"))
            .collect();
        let every = every.join("  ");
        let list = if every.len() <= room {
            every
        } else {
            summed_up(&machines)
        };
        self.before = now.clone();
        self.elapsed_before = elapsed;
        format!("{head}  [{list}]  {tail}")
    }
}

/// How many times faster than real time, as `2.9x`.
pub(crate) fn factor(virtual_seconds: f64, host_seconds: f64) -> String {
    let factor = if host_seconds > 0.0 {
        virtual_seconds / host_seconds
    } else {
        0.0
    };
    if factor < 100.0 {
        format!("{factor:.1}x")
    } else {
        format!("{factor:.0}x")
    }
}

/// Nanoseconds as seconds, for people.
pub(crate) fn nanoseconds_as_seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

/// Share of a machine's cycles in which it did not wait in HLT, in percent.
pub(crate) fn busy_percent(cycles: u64, halted_cycles: u64) -> u64 {
    let busy = u128::from(cycles.saturating_sub(halted_cycles));
    u64::try_from((busy * 100 + u128::from(cycles) / 2) / u128::from(cycles).max(1)).unwrap_or(100)
}

fn busy<'a>(before: &[MachineStatistics], now: &'a [MachineStatistics]) -> Vec<(&'a str, u64)> {
    let nothing = MachineStatistics::default();
    let percent = |(index, machine): (usize, &'a MachineStatistics)| {
        let before = before.get(index).unwrap_or(&nothing);
        let cycles = machine.cycles.saturating_sub(before.cycles);
        let halted = machine.halted_cycles.saturating_sub(before.halted_cycles);
        (machine.name.as_str(), busy_percent(cycles, halted))
    };
    now.iter().enumerate().map(percent).collect()
}

fn summed_up(machines: &[(&str, u64)]) -> String {
    let sum: u64 = machines.iter().map(|(_, percent)| percent).sum();
    let mean = sum / (machines.len() as u64).max(1);
    let busiest = machines.iter().rev().max_by_key(|(_, percent)| percent);
    let busiest = busiest.map_or_else(String::new, |(name, percent)| format!(", most {name} {percent}%"));
    format!("{} machines {mean}%{busiest}", machines.len())
}

/// The wires: how busy the busiest was, and what all carried.
fn wire(before: &[SegmentStatistics], now: &[SegmentStatistics], virtual_seconds: f64) -> String {
    let nothing = SegmentStatistics::default();
    let (mut busiest, mut frames, mut collisions) = (0, 0, 0);
    for (index, segment) in now.iter().enumerate() {
        let before = before.get(index).unwrap_or(&nothing);
        busiest = busiest.max(segment.busy_picoseconds.saturating_sub(before.busy_picoseconds));
        frames += segment.frames.saturating_sub(before.frames);
        collisions += segment.collisions.saturating_sub(before.collisions);
    }
    let a_second = |count: f64| {
        if virtual_seconds > 0.0 {
            count / virtual_seconds
        } else {
            0.0
        }
    };
    format!(
        "wire {:.0}%  {:.0} fr/s  {:.1} coll/s",
        a_second(busiest as f64 / 1e12) * 100.0,
        a_second(frames as f64),
        a_second(collisions as f64)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics(
        machines: &[(&str, u64, u64)],
        segment: (u64, u64, u64),
        virtual_nanoseconds: u64,
    ) -> Statistics {
        let machine = |(name, cycles, halted_cycles): &(&str, u64, u64)| MachineStatistics {
            name: (*name).into(),
            cycles: *cycles,
            halted_cycles: *halted_cycles,
            ..MachineStatistics::default()
        };
        Statistics {
            generators: Vec::new(),
            virtual_nanoseconds,
            machines: machines.iter().map(machine).collect(),
            segments: vec![SegmentStatistics {
                name: "ether0".into(),
                busy_picoseconds: segment.0,
                frames: segment.1,
                collisions: segment.2,
                bytes: 0,
            }],
        }
    }

    #[test]
    fn a_line_tells_what_happened_since_the_last_one() {
        let mut progress = Progress::default();
        let first = statistics(
            &[("server", 100, 100), ("pool0", 100, 0)],
            (0, 5, 0),
            1_000_000_000,
        );
        progress.line(&first, Duration::from_secs(1), None);
        let second = statistics(
            &[("server", 1100, 790), ("pool0", 1100, 120)],
            (460_000_000_000, 825, 4),
            3_000_000_000,
        );
        assert_eq!(
            progress.line(&second, Duration::from_secs(2), None),
            "     3.000 s  2.0x  [server 31%  pool0 88%]  wire 23%  410 fr/s  2.0 coll/s"
        );
    }

    #[test]
    fn machines_are_summed_up_where_they_do_not_fit() {
        let now = statistics(
            &[("pool0", 100, 90), ("pool1", 100, 50), ("pool2", 100, 100)],
            (0, 0, 0),
            1,
        );
        let line = Progress::default().line(&now, Duration::from_secs(1), Some(70));
        assert!(line.contains("[3 machines 20%, most pool1 50%]"), "{line}");
    }

    #[test]
    fn a_machine_that_has_not_run_yet_is_not_busy() {
        assert_eq!(busy_percent(0, 0), 0);
        assert_eq!(busy_percent(1000, 4), 100);
    }
}
