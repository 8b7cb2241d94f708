//! `amlab bench`: measures what programs on the lab's machines need in virtual time, and sets it beside what was published.
//! Nothing is measured on the host, so figures are the same on every one.

mod breakdown;
pub(super) mod files;
mod limits;
pub(super) mod migration;
mod plot;
mod pool;
mod report;
mod rpc;
mod traffic;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use clock::{Instant, Span};
use serde_json::Value;

use self::breakdown::{Breakdown, Measured};
use self::report::Report;
use self::rpc::Point;
use super::arguments::{Format, RpcArguments};
use super::exit::Exit;
use super::failure::Failure;
use super::run::Host;
use super::terminal::{Importance, Terminal};
use super::{images, seam};
use crate::folder::HostError;
use crate::image::ImageBytes;
use crate::lab::{self, Lab, LabSource};
use crate::runtime::{Happening, Observer, What};
use wire::Record;

/// Longer than any of the measurements takes in virtual time.
const LIMIT: Span = Span::from_milliseconds(300_000);
/// What the kernel writes before a client on the same machine begins.
const CLIENT_STARTS: &[u8] = b"started rpc_client";
/// What a client writes first, at its end.
const RESULT_BEGINS: &[u8] = b"rpc_client: ";

/// `amlab bench rpc`.
pub(crate) fn rpc(host: &Host, arguments: &RpcArguments, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let points = rpc::points(arguments)?;
    let mut report = Report::default();
    let mut exit = Exit::Good;
    for point in &points {
        if host.interrupt.is_raised() {
            return Ok(Exit::Interrupted);
        }
        terminal.progress(&point.to_string());
        let (row, breakdown) = measure(host, point, arguments)?;
        if let Some(breakdown) = breakdown {
            let text = breakdown.text(point.transactions(), point.fragments());
            terminal.line(Importance::Result, &format!("{point}\n{text}"));
        }
        match row {
            Ok(row) => report.rows.push(row),
            Err(why) => {
                terminal.complain(&format!("amlab: {point}: {why}"));
                exit = Exit::Missed;
            }
        }
    }
    terminal.clear_bottom_line();
    let forms = Forms {
        text: report.table(),
        csv: report.csv(),
        json: report.json(),
        svg: report.svg(),
    };
    forms.deliver("rpc", &arguments.common.out, terminal)?;
    Ok(exit)
}

/// A value of the command line that cannot be.
fn usage(message: String) -> Failure {
    Failure::Usage {
        code: "bench::value",
        message,
    }
}

/// The exit code: that of the runs, or that a measurement lies outside its limits.
fn conclude(exit: Exit, is_good: bool) -> Exit {
    if is_good { exit } else { exit.max(Exit::Missed) }
}

/// What was measured, in all its forms.
struct Forms {
    /// For people.
    text: String,
    /// For programs.
    csv: String,
    json: Value,
    /// A figure.
    svg: String,
}

impl Forms {
    /// Writes `NAME.csv`, `NAME.json` and `NAME.svg` into a folder and prints what the command line asks for.
    fn deliver(self, name: &str, folder: &Path, terminal: &mut Terminal) -> Result<(), Failure> {
        let json = format!("{:#}\n", self.json);
        fs::create_dir_all(folder).map_err(|reason| HostError::new("make folder", folder, reason))?;
        for (form, text) in [("csv", &self.csv), ("json", &json), ("svg", &self.svg)] {
            let path = folder.join(format!("{name}.{form}"));
            fs::write(&path, text).map_err(|reason| HostError::new("write", &path, reason))?;
        }
        match terminal.format() {
            Format::Human => terminal.line(Importance::Result, self.text.trim_end()),
            Format::Json => terminal.result(&json),
            Format::Csv => terminal.result(&self.csv),
        }
        let written = format!(
            "written: {name}.csv, {name}.json and {name}.svg in {}",
            folder.display()
        );
        terminal.line(Importance::Detail, &written);
        Ok(())
    }
}

/// Runs the lab of a measurement until all its clients have ended: the row, or why there is none, and where the time went if
/// that is asked for.
fn measure(
    host: &Host,
    point: &Point,
    arguments: &RpcArguments,
) -> Result<(Result<report::Row, String>, Option<Breakdown>), Failure> {
    let Prepared { lab, images } = prepare(point.lab(arguments.common.kernel.as_deref()))?;
    let mut laboratory = (host.build)(&lab, &images)?;
    let mut consoles = Consoles::of(point, &lab);
    let (limit, threads) = (Instant::START + LIMIT, arguments.common.threads.unwrap_or(1));
    let mut breakdown = arguments.breakdown.then(|| Breakdown::new(&lab, &images));
    match &mut breakdown {
        Some(breakdown) => breakdown.run(&mut *laboratory, limit, threads, &mut consoles),
        None => {
            laboratory.run(limit, threads, &mut consoles);
        }
    }
    Ok((point.row(&consoles.client_texts()), breakdown))
}

/// Runs the lab of a measurement without looking at its processors: the row, or why there is none.
fn transactions(point: &Point, kernel: Option<&Path>) -> Result<Result<report::Row, String>, Failure> {
    let Prepared { lab, images } = prepare(point.lab(kernel))?;
    let mut consoles = Consoles::of(point, &lab);
    seam::build(&lab, &images)?.run(Instant::START + LIMIT, 1, &mut consoles);
    Ok(point.row(&consoles.client_texts()))
}

/// A lab that can be built.
struct Prepared {
    lab: Lab,
    images: Vec<ImageBytes>,
}

/// Of a lab file that this program has written.
fn prepare(text: String) -> Result<Prepared, Failure> {
    let name = String::from("bench");
    let source = LabSource::Text {
        name: name.clone(),
        text,
        folder: "".into(),
    };
    let lab = lab::load(source, &[])
        .map_err(|errors| Failure::Lab { name, errors })?
        .lab;
    let images = images::load(&lab)?;
    Ok(Prepared { lab, images })
}

/// What machines write, until the clients have ended.
struct Consoles {
    texts: Vec<Vec<u8>>,
    /// Indices of the clients' machines.
    clients: Vec<usize>,
    /// They are several machines.
    is_remote: bool,
    /// When the first transaction began: the first frame for a single station, or on one machine the client's start.
    begin: Option<Instant>,
    /// When the first client wrote its result.
    end: Option<Instant>,
}

impl Measured for Consoles {
    fn stretch(&self) -> (Option<Instant>, Option<Instant>) {
        (self.begin, self.end)
    }
}

impl Consoles {
    fn of(point: &Point, lab: &Lab) -> Self {
        Self {
            texts: vec![Vec::new(); lab.machines.len()],
            clients: point.clients(lab),
            is_remote: lab.machines.len() > 1,
            begin: None,
            end: None,
        }
    }

    fn client_texts(&self) -> Vec<String> {
        let text = |client: &usize| String::from_utf8_lossy(&self.texts[*client]).into_owned();
        self.clients.iter().map(text).collect()
    }

    /// Looks at what a machine has just written.
    fn look_for_stretch(&mut self, machine: usize, at: Instant) {
        let text = &self.texts[machine];
        if !self.is_remote && text.ends_with(CLIENT_STARTS) {
            self.begin.get_or_insert(at);
        }
        if text.ends_with(RESULT_BEGINS) {
            self.end.get_or_insert(at);
        }
    }
}

impl Observer for Consoles {
    fn window(&mut self, _now: Instant, happenings: &[Happening]) -> ControlFlow<()> {
        let mut has_line = false;
        for happening in happenings {
            match &happening.what {
                What::Console { machine, byte } => {
                    self.texts[*machine].push(*byte);
                    has_line |= *byte == b'\n';
                    self.look_for_stretch(*machine, happening.at);
                }
                What::Wire {
                    record: Record::Frame { frame, .. },
                    ..
                } if frame.destination().is_some_and(|station| station[0] & 1 == 0) => {
                    self.begin.get_or_insert(happening.at);
                }
                _ => {}
            }
        }
        if has_line && self.client_texts().iter().all(|text| rpc::has_ended(text)) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}
