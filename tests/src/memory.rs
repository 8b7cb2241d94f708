//! An observer that remembers, and what can be asked of it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use clock::{Instant, Span};
use machines::runtime::{Happening, Observer, RunEnd, Runtime, What};
use wire::{Frame, Record, StationId};

/// Remembers everything that happened.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// In the order in which it was told.
    pub happenings: Vec<Happening>,
    /// What each machine wrote to its console.
    consoles: BTreeMap<usize, Vec<u8>>,
    keeps_consoles_only: bool,
}

impl Observer for Memory {
    fn window(&mut self, _now: Instant, happenings: &[Happening]) -> ControlFlow<()> {
        for happening in happenings {
            if let What::Console { machine, byte } = happening.what {
                self.consoles.entry(machine).or_default().push(byte);
            }
        }
        if !self.keeps_consoles_only {
            self.happenings.extend_from_slice(happenings);
        }
        ControlFlow::Continue(())
    }
}

impl Memory {
    /// One for long runs, which has no [`Memory::happenings`] but consoles.
    #[must_use]
    pub fn of_consoles() -> Memory {
        Memory {
            keeps_consoles_only: true,
            ..Memory::default()
        }
    }

    /// How many machines stopped by themselves.
    #[must_use]
    pub fn stops(&self) -> usize {
        self.happenings
            .iter()
            .filter(|happening| matches!(happening.what, What::Stopped { .. }))
            .count()
    }

    /// The POST codes of `machine`, with their instants.
    #[must_use]
    pub fn posts(&self, machine: usize) -> Vec<(Instant, u8)> {
        self.happenings
            .iter()
            .filter_map(|happening| match happening.what {
                What::Post { machine: from, code } if from == machine => Some((happening.at, code)),
                _ => None,
            })
            .collect()
    }

    /// The POST codes of `machine`.
    #[must_use]
    pub fn codes(&self, machine: usize) -> Vec<u8> {
        self.posts(machine).into_iter().map(|(_, code)| code).collect()
    }

    /// What `machine` wrote to its console.
    #[must_use]
    pub fn console(&self, machine: usize) -> String {
        let bytes = self.consoles.get(&machine).map_or(&[][..], Vec::as_slice);
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// The frames that stations sent, with the instants at which they began, in the order of their ends.
    pub fn frames(&self) -> impl Iterator<Item = (Instant, StationId, &Frame)> {
        self.happenings
            .iter()
            .filter_map(|happening| match &happening.what {
                What::Wire {
                    record:
                        Record::Frame {
                            start,
                            station,
                            frame,
                            ..
                        },
                    ..
                } => Some((*start, *station, frame)),
                _ => None,
            })
    }

    /// These are lines of the console of `machine`, in any order.
    ///
    /// # Panics
    /// If one of them is not.
    pub fn assert_told(&self, machine: usize, lines: &[&str]) {
        let console = self.console(machine);
        for line in lines {
            let is_told = console.lines().any(|told| told.trim_end() == *line);
            assert!(is_told, "no line `{line}` on console {machine}: {console}");
        }
    }

    /// The kernel of `machine` was ready, and neither it nor a program says that something went wrong.
    ///
    /// # Panics
    /// If it is not so.
    pub fn assert_sound(&self, machine: usize) {
        let console = self.console(machine);
        assert!(console.contains("kernel ready"), "machine {machine}: {console}");
        for word in ["kernel stopped", "panicked", "FAILED"] {
            assert!(!console.contains(word), "machine {machine}: {console}");
        }
    }
}

/// Runs `runtime` for `span` of virtual time and returns what happened.
#[must_use]
pub fn run_for(runtime: &mut Runtime, span: Span, threads: usize) -> (RunEnd, Memory) {
    let mut memory = Memory::default();
    let end = runtime.run(runtime.now() + span, threads, &mut memory);
    (end, memory)
}

/// Runs `runtime` until this holds, but no longer than to `limit`; what happens is added to `memory`. It is asked first, and then
/// whenever a console has shown something.
pub fn run_until(
    runtime: &mut Runtime,
    memory: &mut Memory,
    limit: Instant,
    threads: usize,
    is_over: impl Fn(&Memory) -> bool,
) {
    if !is_over(memory) {
        runtime.run(limit, threads, &mut Until { memory, is_over });
    }
}

/// Ends the run when this holds.
struct Until<'a, IsOver> {
    memory: &'a mut Memory,
    is_over: IsOver,
}

impl<IsOver: Fn(&Memory) -> bool> Observer for Until<'_, IsOver> {
    fn window(&mut self, now: Instant, happenings: &[Happening]) -> ControlFlow<()> {
        let has_shown = happenings
            .iter()
            .any(|happening| matches!(happening.what, What::Console { .. }));
        self.memory.window(now, happenings)?;
        if has_shown && (self.is_over)(self.memory) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}
