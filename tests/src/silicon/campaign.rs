//! Many cases: batches on both sides, failures shrunk to one instruction, and a report.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::ops::Range;

use super::case::{GENERAL, SEGMENTS};
use super::differences::{DIFFERENCES, How};
use super::finding::{Mismatch, Verdict, judge, judge_dead};
use super::generate::Generator;
use super::host::{self, Unavailable};
use super::layout::{CODE, descriptor};
use super::model::Model;
use super::undefined::decode;
use super::{Case, Outcome};

/// Cases that one helper process runs.
const BATCH: u64 = 4096;
/// Failures that are shrunk and printed; the rest is counted.
const MOST_SHRUNK: usize = 60;
/// INT 3, which ends every sequence.
const BREAKPOINT: u32 = 3;
/// TF, with which the helper's stub would be the first to trap.
const TRAP: u32 = 1 << 8;

/// A difference that nothing explains.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its number among the seed's cases.
    pub number: u64,
    /// The case, of one instruction where that was possible.
    pub case: Case,
    /// Both outcomes; of the silicon how the helper ended if it died of it.
    pub silicon: Result<Outcome, String>,
    /// None if it did not end.
    pub model: Option<Outcome>,
    /// What differs.
    pub mismatch: Mismatch,
}

/// What a campaign found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Cases that were run on both sides.
    pub cases: u64,
    /// Cases in which nothing differed.
    pub same: u64,
    /// Cases that were not compared, by entry of [`DIFFERENCES`].
    pub skipped: BTreeMap<usize, u64>,
    /// Cases that the model did not end: loops.
    pub endless: u64,
    /// Helper processes that died, whose case was run again.
    pub repeated: u64,
    /// Cases, by the vector that ended them on the silicon.
    pub vectors: BTreeMap<u32, u64>,
    /// Cases, by the mnemonic of their last instruction.
    pub mnemonics: BTreeMap<String, u64>,
    /// Failures in all.
    pub failed: u64,
    /// The first of them.
    pub failures: Vec<Failure>,
}

impl Report {
    /// Adds what another part of the campaign found.
    pub fn merge(&mut self, other: Self) {
        self.cases += other.cases;
        self.same += other.same;
        self.endless += other.endless;
        self.repeated += other.repeated;
        self.failed += other.failed;
        self.failures.extend(other.failures);
        for (key, count) in other.skipped {
            *self.skipped.entry(key).or_default() += count;
        }
        for (key, count) in other.vectors {
            *self.vectors.entry(key).or_default() += count;
        }
        for (key, count) in other.mnemonics {
            *self.mnemonics.entry(key).or_default() += count;
        }
    }

    /// Cases that were compared.
    #[must_use]
    pub fn compared(&self) -> u64 {
        self.same + self.failed
    }
}

/// Runs the cases with these numbers, on as many threads as the host has processors. `keep` sees every case in which nothing
/// differed, with what the silicon made of it.
///
/// # Errors
/// If no case can be run on silicon here.
///
/// # Panics
/// If a thread panics.
pub fn run(
    seed: u64,
    numbers: Range<u64>,
    keep: &(impl Fn(u64, &Case, &Outcome) + Sync),
) -> Result<Report, Unavailable> {
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    std::thread::scope(|scope| {
        let share = |thread| {
            let numbers = numbers.clone();
            scope.spawn(move || run_share(seed, numbers, thread, threads, keep))
        };
        let workers: Vec<_> = (0..threads).map(share).collect();
        let mut report = Report::default();
        for worker in workers {
            report.merge(worker.join().expect("a thread that did not panic")?);
        }
        Ok(report)
    })
}

/// Every `threads`th batch.
fn run_share(
    seed: u64,
    numbers: Range<u64>,
    thread: u64,
    threads: u64,
    keep: &impl Fn(u64, &Case, &Outcome),
) -> Result<Report, Unavailable> {
    let generator = Generator::new(seed);
    let mut model = Model::new();
    let mut report = Report::default();
    let mut start = numbers.start + thread * BATCH;
    while start < numbers.end {
        let end = (start + BATCH).min(numbers.end);
        run_batch(&generator, start..end, &mut model, &mut report, keep)?;
        start += threads * BATCH;
    }
    Ok(report)
}

fn run_batch(
    generator: &Generator,
    numbers: Range<u64>,
    model: &mut Model,
    report: &mut Report,
    keep: &impl Fn(u64, &Case, &Outcome),
) -> Result<(), Unavailable> {
    let mut cases = Vec::new();
    let mut expected = Vec::new();
    for number in numbers {
        let case = generator.case(number);
        match model.run(&case) {
            Some(outcome) => {
                cases.push(case);
                expected.push((number, outcome));
            }
            None => report.endless += 1,
        }
    }
    let runs = host::run(&cases)?;
    report.repeated += runs.repeated;
    for ((case, (number, model_outcome)), silicon) in cases.into_iter().zip(expected).zip(runs.outcomes) {
        report.cases += 1;
        note_kind(report, &case, silicon.as_ref().ok());
        match judge_run(&case, &silicon, Some(&model_outcome), model) {
            Ok(Verdict::Same) => {
                report.same += 1;
                if let Ok(silicon) = &silicon {
                    keep(number, &case, silicon);
                }
            }
            Ok(Verdict::Skipped(entry)) => *report.skipped.entry(entry).or_default() += 1,
            Err(mismatch) => {
                report.failed += 1;
                if report.failures.len() < MOST_SHRUNK {
                    let failure = Failure {
                        number,
                        case,
                        silicon,
                        model: Some(model_outcome),
                        mismatch,
                    };
                    report.failures.push(shrink(failure, model)?);
                }
            }
        }
    }
    Ok(())
}

fn note_kind(report: &mut Report, case: &Case, silicon: Option<&Outcome>) {
    if let Some(silicon) = silicon {
        *report.vectors.entry(silicon.vector).or_default() += 1;
    }
    if let Some(last) = case.instructions.last() {
        let mnemonic = decode(last, 0, case.is_32_bit()).mnemonic();
        *report
            .mnemonics
            .entry(format!("{mnemonic:?}").to_lowercase())
            .or_default() += 1;
    }
}

fn judge_run(
    case: &Case,
    silicon: &Result<Outcome, String>,
    outcome: Option<&Outcome>,
    model: &mut Model,
) -> Result<Verdict, Mismatch> {
    match (silicon, outcome) {
        (_, None) => Err(vec!["the model does not end".into()]),
        (Ok(silicon), Some(outcome)) => judge(case, silicon, outcome, model),
        (Err(end), Some(outcome)) => {
            judge_dead(case, outcome, model).ok_or_else(|| vec![format!("the helper process {end}")])
        }
    }
}

/// Runs one case on both sides.
///
/// # Errors
/// If no case can be run on silicon here.
pub fn try_case(
    case: &Case,
    model: &mut Model,
) -> Result<(Result<Outcome, String>, Option<Outcome>), Unavailable> {
    let mut runs = host::run(std::slice::from_ref(case))?;
    let silicon = runs.outcomes.pop().expect("as many outcomes as cases");
    Ok((silicon, model.run(case)))
}

/// Looks for one instruction that fails: the last of the shortest beginning of the sequence that does, from the state in front of
/// it. Where it needs those before it (a shadow, a single step), they stay.
fn shrink(failure: Failure, model: &mut Model) -> Result<Failure, Unavailable> {
    let mut smallest = failure;
    for count in 1..smallest.case.instructions.len() {
        let mut case = smallest.case.clone();
        case.instructions.truncate(count);
        if let Some(found) = failing(&smallest, case, model)? {
            smallest = found;
            break;
        }
    }
    let mut prefix = smallest.case.clone();
    let Some(last) = prefix.instructions.pop() else {
        return Ok(smallest);
    };
    if prefix.instructions.is_empty() {
        return Ok(smallest);
    }
    let (Ok(silicon), _) = try_case(&prefix, model)? else {
        return Ok(smallest);
    };
    let Some(alone) = case_behind(&prefix, &silicon, last) else {
        return Ok(smallest);
    };
    Ok(failing(&smallest, alone, model)?.unwrap_or(smallest))
}

fn failing(old: &Failure, case: Case, model: &mut Model) -> Result<Option<Failure>, Unavailable> {
    let (silicon, outcome) = try_case(&case, model)?;
    let verdict = judge_run(&case, &silicon, outcome.as_ref(), model);
    Ok(verdict.err().map(|mismatch| Failure {
        number: old.number,
        case,
        silicon,
        model: outcome,
        mismatch,
    }))
}

/// The case that begins where `prefix` ended; none if it did not end at its end, or changed too much to say it.
fn case_behind(prefix: &Case, outcome: &Outcome, instruction: Vec<u8>) -> Option<Case> {
    let end = prefix.eip.wrapping_add(prefix.code().len() as u32);
    let is_all_listed = outcome.listed().len() == outcome.changed as usize;
    let is_simple = outcome.vector == BREAKPOINT
        && outcome.flags & TRAP == 0
        && outcome.eip == end.wrapping_add(1)
        && outcome.segments[1] == prefix.segments[1]
        && is_all_listed;
    let mut pokes = prefix.pokes.clone();
    for change in outcome.listed() {
        pokes.retain(|(at, _)| *at != change.0);
        pokes.push(*change);
    }
    is_simple.then(|| Case {
        general: outcome.general,
        eip: end,
        flags: outcome.flags,
        segments: outcome.segments,
        pokes,
        instructions: vec![instruction],
        ..prefix.clone()
    })
}

impl Display for Case {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let mut at = self.eip;
        for bytes in &self.instructions {
            let (text, _) = cpu::disassemble(bytes, at, self.is_32_bit());
            let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            writeln!(out, "  {at:08X}  {:24} {text}", hex.join(" "))?;
            at = at.wrapping_add(bytes.len() as u32);
        }
        for (name, value) in GENERAL.iter().zip(self.general) {
            write!(out, "  {name}={value:08X}")?;
        }
        writeln!(out, "  flags={:08X}  image {}", self.flags, self.image)?;
        for (name, selector) in SEGMENTS.iter().zip(self.segments) {
            match descriptor(selector) {
                Some(found) => {
                    let (base, limit, access) = (found.base, found.limit_bytes(), found.access());
                    writeln!(
                        out,
                        "  {name}={selector:04X} base {base:08X} limit {limit:08X} access {access:04X}"
                    )?;
                }
                None => writeln!(out, "  {name}={selector:04X}")?,
            }
        }
        writeln!(out, "  pokes {:X?}, code page at {CODE:08X}", self.pokes)
    }
}

impl Display for Failure {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "case {}:", self.number)?;
        write!(out, "{}", self.case)?;
        let model = self.model.as_ref().ok_or("does not end");
        let silicon = self.silicon.as_ref().map_err(String::as_str);
        for (name, outcome) in [("silicon", silicon), ("model", model)] {
            match outcome {
                Ok(found) => writeln!(
                    out,
                    "  {name}: vector {} code {:X} address {:08X} eip {:08X} flags {:08X} general {:08X?} segments {:04X?} changed {} {:X?}",
                    found.vector,
                    found.error_code,
                    found.address,
                    found.eip,
                    found.flags,
                    found.general,
                    found.segments,
                    found.changed,
                    found.listed()
                )?,
                Err(end) => writeln!(out, "  {name}: {end}")?,
            }
        }
        self.mismatch
            .iter()
            .try_for_each(|line| writeln!(out, "  * {line}"))
    }
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(out, "{failure}")?;
        }
        let row = |count: u64, name: &str| format!("{count:>10}  {name}");
        writeln!(out, "{}", row(self.cases, "cases run on silicon and model"))?;
        writeln!(out, "{}", row(self.same, "the same"))?;
        writeln!(out, "{}", row(self.failed, "different"))?;
        writeln!(out, "{}", row(self.endless, "not run: endless"))?;
        writeln!(
            out,
            "{}",
            row(self.repeated, "run again: the helper process died")
        )?;
        for (number, difference) in DIFFERENCES.iter().enumerate() {
            if matches!(difference.how, How::Skipped(_)) {
                let count = self.skipped.get(&number).copied().unwrap_or(0);
                let name = format!("not compared: {} ({})", difference.name, difference.reason);
                writeln!(out, "{}", row(count, &name))?;
            }
        }
        for (vector, count) in &self.vectors {
            writeln!(out, "{}", row(*count, &format!("ended with vector {vector}")))?;
        }
        Ok(())
    }
}
