//! What a run found, in every form: the summary for people, JSON and CSV for programs, JUnit for CI.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use clock::Instant;
use serde_json::{Value, json};

use super::counts::Counts;
use super::expectations::{Verdict, Watch};
use super::plan::Plan;
use super::progress::{busy_percent, factor, nanoseconds_as_seconds};
use super::watcher::{EndReason, Stop};
use crate::command::describe::csv_field;
use crate::command::exit::Exit;
use crate::command::terminal::{Importance, Terminal};
use crate::command::time_text::{grouped, plural, seconds};
use crate::folder::junit;
use crate::lab::{Access, Boot, Lab, Machine, Sign};
use crate::runtime::Statistics;

/// What a run found.
pub(crate) struct Report<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) folder: &'a Path,
    pub(crate) reason: EndReason,
    pub(crate) end: Instant,
    pub(crate) elapsed: Duration,
    pub(crate) watches: &'a [Watch],
    pub(crate) stops: &'a [Stop],
    pub(crate) statistics: &'a Statistics,
    pub(crate) trace: String,
}

/// What is about to be run.
pub(crate) fn announce(plan: &Plan, folder: &Path, terminal: &mut Terminal) {
    let lab = &plan.lab;
    let placeholders = match plan.placeholders {
        0 => String::new(),
        count => format!("   {}", plural(count, "placeholder timing constant")),
    };
    let generators = match lab.generators.len() {
        0 => String::new(),
        count => format!("   {}", plural(count, "traffic generator")),
    };
    let head = format!(
        "lab      {}   {}{generators}   seed {}   {}{placeholders}",
        lab.name,
        plural(lab.machines.len(), "machine"),
        lab.seed,
        plural(plan.threads, "thread")
    );
    terminal.line(Importance::Detail, &head);
    terminal.line(Importance::Result, &format!("folder   {}", folder.display()));
    let width = lab
        .machines
        .iter()
        .map(|machine| machine.name.len())
        .max()
        .unwrap_or(0);
    for machine in &lab.machines {
        terminal.line(Importance::Detail, &machine_line(lab, machine, width));
    }
}

fn machine_line(lab: &Lab, machine: &Machine, width: usize) -> String {
    let megahertz = (machine.cpu_clock.whole_hertz() + 500_000) / 1_000_000;
    let memory = match machine.memory_bytes {
        bytes if bytes.is_multiple_of(1 << 20) => format!("{} MB", bytes >> 20),
        bytes => format!("{} KB", bytes >> 10),
    };
    let mut line = format!("  {:<width$}  386/{megahertz}   {memory:>5}", machine.name);
    for card in &machine.cards {
        let address: Vec<String> = card
            .settings
            .station_address
            .map(|byte| format!("{byte:02x}"))
            .into();
        let model = card.settings.model.name();
        let _ = write!(line, "   {model} {}", address.join(":"));
    }
    for (what, image) in media(machine) {
        let image = &lab.images[image];
        let access = match image.access {
            Access::ReadOnly => "readonly",
            Access::Overlay => "overlay",
            Access::Direct => "direct",
        };
        let _ = write!(line, "   {what} {} ({access})", image.name);
    }
    match &machine.boot {
        Boot::Direct { image, .. } => {
            let image = &lab.images[*image].name;
            let _ = write!(line, "   {image} put into memory (its boot time means nothing)");
        }
        Boot::Bios { image, .. } => {
            let _ = write!(line, "   starts in the ROM {}", lab.images[*image].name);
        }
    }
    line
}

/// What is in its drives, with the images' numbers.
fn media(machine: &Machine) -> impl Iterator<Item = (&'static str, usize)> {
    let floppies = machine
        .floppies
        .iter()
        .flatten()
        .filter_map(|floppy| floppy.image);
    let disks = machine.disks.iter().flatten().map(|disk| disk.image);
    let floppies = floppies.map(|image| ("floppy", image));
    floppies.chain(disks.map(|image| ("disk", image)))
}

impl Report<'_> {
    /// The exit code that all this amounts to.
    pub(crate) fn exit(&self) -> Exit {
        let is_open = |watch: &Watch| watch.verdict == Verdict::Open && !watch.is_absent;
        let mut exit = match self.reason {
            EndReason::Expected | EndReason::AllStopped => Exit::Good,
            EndReason::Until | EndReason::Asleep | EndReason::Quit if !self.watches.iter().any(is_open) => {
                Exit::Good
            }
            EndReason::Until | EndReason::Asleep | EndReason::Quit | EndReason::WallLimit => Exit::TimeLimit,
            EndReason::Interrupted => Exit::Interrupted,
            EndReason::HostTrouble => Exit::HostTrouble,
        };
        if self
            .watches
            .iter()
            .any(|watch| matches!(watch.verdict, Verdict::Missed(..)))
        {
            exit = exit.max(Exit::Missed);
        }
        if self.bad_stops().next().is_some() {
            exit = exit.max(Exit::GuestStopped);
        }
        exit
    }

    /// Machines that should have gone on.
    fn bad_stops(&self) -> impl Iterator<Item = &Stop> {
        self.stops.iter().filter(|stop| !stop.is_expected)
    }

    /// Prints the result, in the terminal's format, and what went wrong.
    pub(crate) fn print(&self, exit: Exit, terminal: &mut Terminal) {
        use crate::command::arguments::Format;
        match terminal.format() {
            Format::Human => self.summarise(terminal),
            Format::Json => terminal.result(&format!("{:#}\n", self.json(exit))),
            Format::Csv => terminal.result(&self.csv()),
        }
        for stop in self.bad_stops() {
            terminal.complain(&format!(
                "{} {} at {}, {}; registers in {}",
                stop.code,
                self.machine(stop.machine),
                seconds(stop.at),
                stop.summary,
                stop.report.display()
            ));
        }
        let count = |is: fn(&Verdict) -> bool| self.watches.iter().filter(|watch| is(&watch.verdict)).count();
        let missed = count(|verdict| matches!(verdict, Verdict::Missed(..)));
        if missed > 0 {
            let what = plural(missed, "expectation");
            terminal.complain(&format!("amlab: {what} missed; see {}", self.place("expect.xml")));
        }
        if exit == Exit::TimeLimit {
            let open = plural(count(|verdict| *verdict == Verdict::Open), "expectation");
            terminal.complain(&format!("amlab: {} with {open} still open", self.because()));
        }
    }

    fn summarise(&self, terminal: &mut Terminal) {
        if self.reason != EndReason::Expected {
            terminal.line(Importance::Result, &format!("end      {}", self.because()));
        }
        let host_seconds = self.elapsed.as_secs_f64();
        let virtual_seconds = nanoseconds_as_seconds(self.end.nanoseconds());
        let sum = |count: fn(&crate::runtime::SegmentStatistics) -> u64| -> u64 {
            self.statistics.segments.iter().map(count).sum()
        };
        let done = format!(
            "done     {} virtual in {host_seconds:.1} s   {} real time   {} frames, {} collisions",
            seconds(self.end),
            factor(virtual_seconds, host_seconds),
            grouped(sum(|segment| segment.frames)),
            grouped(sum(|segment| segment.collisions))
        );
        terminal.line(Importance::Result, &done);
        let short = &self.trace[..self.trace.len().min(19)];
        let trace = format!("trace    {short}...  (same on every host and thread count)");
        terminal.line(Importance::Result, &trace);
    }

    fn because(&self) -> &'static str {
        match self.reason {
            EndReason::Expected => "every expectation is decided",
            EndReason::Until => "the end time was reached",
            EndReason::WallLimit => "the host time limit ran out",
            EndReason::Interrupted => "interrupted",
            EndReason::AllStopped => "every machine has stopped",
            EndReason::Asleep => "every machine sleeps, and nothing will wake one",
            EndReason::Quit => "it was ended from outside",
            EndReason::HostTrouble => "the host refused to go on",
        }
    }

    fn machine(&self, index: usize) -> &str {
        &self.plan.lab.machines[index].name
    }

    fn place(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// The same facts as one JSON object.
    pub(crate) fn json(&self, exit: Exit) -> Value {
        let stop = |stop: &Stop| {
            json!({
                "machine": self.machine(stop.machine),
                "at_ns": stop.at.nanoseconds(),
                "code": stop.code,
                "summary": stop.summary,
                "report": stop.report,
                "expected": stop.is_expected,
            })
        };
        json!({
            "lab": self.plan.lab.name,
            "folder": self.folder,
            "seed": self.plan.lab.seed,
            "threads": self.plan.threads,
            "placeholder_timing_constants": self.plan.placeholders,
            "expectations": self.watches.iter().map(|watch| self.expectation(watch)).collect::<Vec<_>>(),
            "stops": self.stops.iter().map(stop).collect::<Vec<_>>(),
            "end": self.reason.word(),
            "virtual_ns": self.end.nanoseconds(),
            "host_seconds": self.elapsed.as_secs_f64(),
            "statistics": Counts::new(self.statistics),
            "trace": self.trace,
            "exit_code": exit.code(),
        })
    }

    fn expectation(&self, watch: &Watch) -> Value {
        let (result, at, reason) = match watch.verdict {
            Verdict::Open => ("open", None, None),
            Verdict::Met(at) => ("met", Some(at), None),
            Verdict::Missed(at, miss) => ("missed", Some(at), Some(miss.to_string())),
        };
        let mut object = json!({
            "machine": self.machine(watch.machine),
            "absent": watch.is_absent,
            "within_ns": watch.within.nanoseconds(),
            "result": result,
            "at_ns": at.map(Instant::nanoseconds),
            "reason": reason,
        });
        match &watch.sign {
            Sign::Console(pattern) => object["pattern"] = json!(pattern),
            Sign::Post(code) => object["post"] = json!(code),
        }
        object
    }

    /// What every machine counted, as a table.
    pub(crate) fn csv(&self) -> String {
        let mut table = String::from(
            "machine,instructions,cycles,halted_cycles,busy_percent,interrupts,sent,received,missed\n",
        );
        for machine in &self.statistics.machines {
            let sum = |count: fn(&crate::runtime::CardStatistics) -> u64| -> u64 {
                machine.cards.iter().map(count).sum()
            };
            let _ = writeln!(
                table,
                "{},{},{},{},{},{},{},{},{}",
                csv_field(&machine.name),
                machine.instructions,
                machine.cycles,
                machine.halted_cycles,
                busy_percent(machine.cycles, machine.halted_cycles),
                machine.interrupts,
                sum(|card| card.sent),
                sum(|card| card.received),
                sum(|card| card.missed)
            );
        }
        table
    }

    /// The test cases of `expect.xml`.
    pub(crate) fn junit(&self) -> String {
        let expectation = |watch: &Watch| {
            let open = format!("undecided: {}", self.because());
            let (at, verdict) = match watch.verdict {
                Verdict::Open => (self.end, junit::Verdict::Skipped(open)),
                Verdict::Met(at) => (at, junit::Verdict::Good),
                Verdict::Missed(at, miss) => (at, junit::Verdict::Failed(miss.to_string())),
            };
            let absent = if watch.is_absent { "no " } else { "" };
            junit::Case {
                machine: self.machine(watch.machine).into(),
                name: format!("{absent}{}", watch.text()),
                at,
                verdict,
            }
        };
        let stop = |stop: &Stop| junit::Case {
            machine: self.machine(stop.machine).into(),
            name: "does not stop by itself".into(),
            at: stop.at,
            verdict: junit::Verdict::Error(format!("{}: {}", stop.code, stop.summary)),
        };
        let cases: Vec<_> = self
            .watches
            .iter()
            .map(expectation)
            .chain(self.bad_stops().map(stop))
            .collect();
        junit::document(&self.plan.lab.name, self.end, &cases)
    }
}
