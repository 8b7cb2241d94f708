//! `amlab verify`: repeats a run from its folder and checks that nothing differs.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use clock::Instant;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::arguments::{Format, VerifyArguments};
use super::captures::{self, OpenCapture};
use super::describe;
use super::exit::Exit;
use super::failure::Failure;
use super::host_clock::HostClock;
use super::images;
use super::run::{Counts, Host, Interrupt, trace_text};
use super::terminal::{Importance, Paint, Terminal};
use super::time_text::seconds;
use crate::folder::{CaptureRecord, HostError, InputLog, Manifest, OutcomeRecord, RunFolder};
use crate::image::ImageBytes;
use crate::lab::{Lab, LabSource};
use crate::runtime::{Deed, Happening, Observer, What};

/// A run as its folder tells it.
struct Recorded {
    folder: RunFolder,
    manifest: Manifest,
    outcome: OutcomeRecord,
    statistics: Value,
    lab: Lab,
    images: Vec<ImageBytes>,
    /// What was done from outside, and when.
    inputs: Vec<(Instant, Deed)>,
}

/// What came of one repetition.
struct Repetition {
    threads: usize,
    trace: String,
    /// The first thing that differs.
    difference: Option<String>,
    host_seconds: f64,
}

/// Repeats the run once with each number of threads.
pub(crate) fn verify(
    host: &Host,
    arguments: &VerifyArguments,
    terminal: &mut Terminal,
) -> Result<Exit, Failure> {
    let recorded = read(&arguments.run, terminal)?;
    let mut repetitions = Vec::new();
    let mut exit = Exit::Good;
    if let Some(difference) = changed_image(&recorded) {
        terminal.complain(&format!(
            "amlab: verify::image: {difference}; the run cannot be repeated"
        ));
        exit = Exit::Differs;
    } else {
        for threads in &arguments.threads {
            let Some(repetition) = repeat(host, &recorded, *threads)? else {
                exit = exit.max(Exit::Interrupted);
                break;
            };
            tell(&repetition, &recorded.outcome, terminal);
            if repetition.difference.is_some() {
                exit = exit.max(Exit::Differs);
            }
            repetitions.push(repetition);
        }
    }
    print(&arguments.run, exit, &repetitions, terminal);
    Ok(exit)
}

fn read(path: &Path, terminal: &mut Terminal) -> Result<Recorded, Failure> {
    let folder = RunFolder::open(path);
    let refused = |message: String| Failure::Usage {
        code: "verify::no-run",
        message,
    };
    if !folder.file("manifest.json").is_file() {
        return Err(refused(format!(
            "{} is no run folder: it has no manifest.json",
            path.display()
        )));
    }
    let manifest = Manifest::read(&folder)?;
    let Some(outcome) = manifest.outcome.clone() else {
        return Err(refused(format!(
            "the run in {} did not end; there is nothing to compare",
            path.display()
        )));
    };
    if manifest.version != env!("CARGO_PKG_VERSION") {
        terminal.warn(&format!(
            "amlab: verify::version: the run was made by amlab {}, this is {}",
            manifest.version,
            env!("CARGO_PKG_VERSION")
        ));
    }
    let source = LabSource::Text {
        name: folder.file("lab.toml").display().to_string(),
        text: folder.read("lab.toml")?,
        folder: manifest.lab.folder.clone(),
    };
    let mut lab = describe::load(source, &manifest.lab.overrides, terminal)?.lab;
    lab.seed = manifest.seed;
    let statistics = serde_json::from_str(&folder.read("stats.json")?)
        .map_err(|error| HostError::new("understand", &folder.file("stats.json"), error.into()))?;
    Ok(Recorded {
        images: images::load(&lab)?,
        inputs: InputLog::read(&folder, &lab)?,
        folder,
        manifest,
        outcome,
        statistics,
        lab,
    })
}

fn changed_image(recorded: &Recorded) -> Option<String> {
    let now = images::records(&recorded.lab, &recorded.images);
    if now.len() != recorded.manifest.images.len() {
        return Some("the lab has other images than the run had".into());
    }
    let changed = now
        .iter()
        .zip(&recorded.manifest.images)
        .find(|(now, then)| now.blake3 != then.blake3);
    changed.map(|(now, then)| {
        format!(
            "image `{}` ({}) has changed: b3:{} then, b3:{} now",
            now.name, now.source, then.blake3, now.blake3
        )
    })
}

/// Runs once more; `None` if interrupted.
fn repeat(host: &Host, recorded: &Recorded, threads: usize) -> Result<Option<Repetition>, Failure> {
    let clock = HostClock::start();
    let end = Instant::from_picoseconds(recorded.outcome.virtual_picoseconds);
    let mut laboratory = (host.build)(&recorded.lab, &recorded.images)?;
    for (at, deed) in &recorded.inputs {
        laboratory.inject_at(*at, deed);
    }
    let (mut replay, comparisons) = Replay::new(host, recorded)?;
    laboratory.run(end, threads, &mut replay);
    if replay.is_interrupted {
        return Ok(None);
    }
    replay.finish()?;
    let trace = trace_text(laboratory.trace_hash());
    let statistics = serde_json::to_value(Counts::new(&laboratory.statistics()))
        .expect("statistics are numbers and texts");
    let mut difference = None;
    if trace != recorded.outcome.trace {
        difference = Some(format!(
            "the trace hash is {trace}, it was {}",
            recorded.outcome.trace
        ));
    }
    let difference = difference
        .or_else(|| first_difference("stats.json", &recorded.statistics, &statistics))
        .or_else(|| comparisons.iter().find_map(Comparison::difference));
    Ok(Some(Repetition {
        threads,
        trace,
        difference,
        host_seconds: clock.elapsed().as_secs_f64(),
    }))
}

fn tell(repetition: &Repetition, outcome: &OutcomeRecord, terminal: &mut Terminal) {
    let verdict = match repetition.difference {
        None => terminal.painted(Paint::Good, "same   "),
        Some(_) => terminal.painted(Paint::Bad, "differs"),
    };
    let line = format!(
        "threads {:<3} {verdict}  {}...  {} virtual in {:.1} s",
        repetition.threads,
        &repetition.trace[..19],
        seconds(Instant::from_picoseconds(outcome.virtual_picoseconds)),
        repetition.host_seconds
    );
    terminal.line(Importance::Result, &line);
    if let Some(difference) = &repetition.difference {
        terminal.complain(&format!(
            "amlab: verify::differs: with {} threads, {difference}",
            repetition.threads
        ));
    }
}

fn print(run: &Path, exit: Exit, repetitions: &[Repetition], terminal: &mut Terminal) {
    match terminal.format() {
        Format::Human => {}
        Format::Json => {
            let row = |repetition: &Repetition| {
                json!({
                    "threads": repetition.threads,
                    "same": repetition.difference.is_none(),
                    "difference": repetition.difference,
                    "trace": repetition.trace,
                    "host_seconds": repetition.host_seconds,
                })
            };
            let rows: Vec<Value> = repetitions.iter().map(row).collect();
            let object = json!({
                "run": run,
                "same": exit == Exit::Good,
                "repetitions": rows,
                "exit_code": exit.code(),
            });
            terminal.result(&format!("{object:#}\n"));
        }
        Format::Csv => {
            let row = |repetition: &Repetition| {
                let difference = describe::csv_field(repetition.difference.as_deref().unwrap_or_default());
                let same = repetition.difference.is_none();
                format!(
                    "{},{same},{},{difference}\n",
                    repetition.threads, repetition.trace
                )
            };
            let rows: String = repetitions.iter().map(row).collect();
            terminal.result(&format!("threads,same,trace,difference\n{rows}"));
        }
    }
}

/// The first place at which two JSON values differ, in words.
fn first_difference(place: &str, then: &Value, now: &Value) -> Option<String> {
    match (then, now) {
        (Value::Object(then), Value::Object(now)) if then.keys().eq(now.keys()) => then
            .iter()
            .zip(now.values())
            .find_map(|((key, then), now)| first_difference(&format!("{place}: {key}"), then, now)),
        (Value::Array(then), Value::Array(now)) if then.len() == now.len() => then
            .iter()
            .zip(now)
            .enumerate()
            .find_map(|(index, (then, now))| first_difference(&format!("{place}[{index}]"), then, now)),
        (then, now) if then == now => None,
        (then, now) => Some(format!("{place} is {now}, it was {then}")),
    }
}

/// Watches a repetition: only the captures matter.
struct Replay {
    captures: Vec<OpenCapture>,
    interrupt: Interrupt,
    is_interrupted: bool,
    trouble: Option<HostError>,
}

impl Replay {
    fn new(host: &Host, recorded: &Recorded) -> Result<(Self, Vec<Comparison>), Failure> {
        let (mut open, mut comparisons) = (Vec::new(), Vec::new());
        for record in &recorded.manifest.captures {
            let comparison = Comparison::new(&recorded.folder, record);
            let plan = captures::replan(&recorded.lab, record)?;
            let writer = Box::new(comparison.clone());
            open.push(OpenCapture::begin(&recorded.lab, &plan, &record.file, writer)?);
            comparisons.push(comparison);
        }
        let replay = Self {
            captures: open,
            interrupt: host.interrupt.clone(),
            is_interrupted: false,
            trouble: None,
        };
        Ok((replay, comparisons))
    }

    fn finish(self) -> Result<(), HostError> {
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        self.captures.into_iter().try_for_each(OpenCapture::finish)
    }
}

impl Observer for Replay {
    fn window(&mut self, _: Instant, happenings: &[Happening]) -> ControlFlow<()> {
        for happening in happenings {
            if let What::Wire { segment, record } = &happening.what {
                let mut captures = self.captures.iter_mut();
                if let Err(trouble) = captures.try_for_each(|capture| capture.record(*segment, record)) {
                    self.trouble = Some(trouble);
                    return ControlFlow::Break(());
                }
            }
        }
        self.is_interrupted = self.interrupt.is_raised();
        if self.is_interrupted {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// A writer that compares what it is given with a file, and keeps none of it.
#[derive(Clone)]
struct Comparison {
    record: CaptureRecord,
    state: Arc<Mutex<Compared>>,
}

struct Compared {
    /// The file, as far as it was not compared yet; absent if it was moved away.
    original: Option<BufReader<File>>,
    length: u64,
    hasher: blake3::Hasher,
    first_difference: Option<u64>,
}

impl Comparison {
    fn new(folder: &RunFolder, record: &CaptureRecord) -> Self {
        let original = File::open(folder.path().join(&record.file))
            .ok()
            .map(BufReader::new);
        Self {
            record: record.clone(),
            state: Arc::new(Mutex::new(Compared {
                original,
                length: 0,
                hasher: blake3::Hasher::new(),
                first_difference: None,
            })),
        }
    }

    /// What differs, once everything was written.
    fn difference(&self) -> Option<String> {
        let mut state = self.state.lock();
        let file = self.record.file.display();
        if state.first_difference.is_none() && state.has_more() {
            state.first_difference = Some(state.length);
        }
        if let Some(offset) = state.first_difference {
            return Some(format!("{file} differs at byte {offset}"));
        }
        let now = state.hasher.finalize().to_hex().to_string();
        let then = self.record.blake3.as_ref()?;
        (now != *then).then(|| format!("{file} has the hash b3:{now}, it was b3:{then}"))
    }
}

impl Compared {
    fn has_more(&mut self) -> bool {
        let Some(original) = &mut self.original else {
            return false;
        };
        original.bytes().next().is_some()
    }

    fn compare(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(original) = &mut self.original else {
            return Ok(());
        };
        let mut then = Vec::with_capacity(bytes.len());
        original.take(bytes.len() as u64).read_to_end(&mut then)?;
        if self.first_difference.is_none() && then != bytes {
            let same = then
                .iter()
                .zip(bytes)
                .take_while(|(then, now)| then == now)
                .count();
            self.first_difference = Some(self.length + same as u64);
        }
        Ok(())
    }
}

impl Write for Comparison {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state.lock();
        state.compare(bytes)?;
        state.hasher.update(bytes);
        state.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
