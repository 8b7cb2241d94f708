//! `amlab bench`: measures what programs on the lab's machines need in virtual time, and sets it beside what was published.
//! Nothing is measured on the host, so figures are the same on every one.

mod report;
mod rpc;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use clock::{Instant, Span};

use self::report::Report;
use self::rpc::Point;
use super::arguments::RpcArguments;
use super::exit::Exit;
use super::failure::Failure;
use super::images;
use super::run::Host;
use super::terminal::{Importance, Terminal};
use crate::folder::HostError;
use crate::lab::{self, LabSource};
use crate::runtime::{Happening, Observer, What};

/// Longer than any of the measurements takes in virtual time.
const LIMIT: Span = Span::from_milliseconds(300_000);

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
        match measure(host, point, arguments.threads)? {
            Ok(row) => report.rows.push(row),
            Err(why) => {
                terminal.complain(&format!("amlab: {point}: {why}"));
                exit = Exit::Missed;
            }
        }
    }
    terminal.clear_bottom_line();
    write(&arguments.out, &report)?;
    report.print(terminal);
    terminal.line(
        Importance::Detail,
        &format!(
            "written: rpc.csv, rpc.json and rpc.svg in {}",
            arguments.out.display()
        ),
    );
    Ok(exit)
}

fn write(folder: &Path, report: &Report) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|reason| HostError::new("make folder", folder, reason))?;
    let files = [
        ("rpc.csv", report.csv()),
        ("rpc.json", format!("{:#}\n", report.json())),
        ("rpc.svg", report.svg()),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|reason| HostError::new("write", &path, reason))?;
    }
    Ok(())
}

/// Runs the lab of a measurement until all its clients have ended: the row, or why there is none.
fn measure(host: &Host, point: &Point, threads: usize) -> Result<Result<report::Row, String>, Failure> {
    let name = String::from("bench");
    let source = LabSource::Text {
        name: name.clone(),
        text: point.lab(),
        folder: "".into(),
    };
    let loaded = lab::load(source, &[]).map_err(|errors| Failure::Lab { name, errors })?;
    let images = images::load(&loaded.lab)?;
    let mut laboratory = (host.build)(&loaded.lab, &images)?;
    let clients = point.clients(&loaded.lab);
    let mut consoles = Consoles {
        texts: vec![Vec::new(); loaded.lab.machines.len()],
        clients,
    };
    laboratory.run(Instant::START + LIMIT, threads, &mut consoles);
    Ok(point.row(&consoles.client_texts()))
}

/// What machines write, until the clients have ended.
struct Consoles {
    texts: Vec<Vec<u8>>,
    /// Indices of the clients' machines.
    clients: Vec<usize>,
}

impl Consoles {
    fn client_texts(&self) -> Vec<String> {
        let text = |client: &usize| String::from_utf8_lossy(&self.texts[*client]).into_owned();
        self.clients.iter().map(text).collect()
    }
}

impl Observer for Consoles {
    fn window(&mut self, _now: Instant, happenings: &[Happening]) -> ControlFlow<()> {
        let mut has_line = false;
        for happening in happenings {
            if let What::Console { machine, byte } = happening.what {
                self.texts[machine].push(byte);
                has_line |= byte == b'\n';
            }
        }
        if has_line && self.client_texts().iter().all(|text| rpc::has_ended(text)) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}
