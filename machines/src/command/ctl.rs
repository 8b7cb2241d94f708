//! `amlab ctl`: one request to a running lab, and the connection that `amlab console` uses too.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use clock::Instant;
use serde_json::Value;

use super::arguments::{CtlArguments, CtlWord, Format};
use super::control::SOCKET;
use super::control::protocol::{Letter, Request, to_text};
use super::exit::Exit;
use super::failure::Failure;
use super::run::RUNS;
use super::terminal::{Importance, Terminal};
use super::time_text::seconds;
use crate::folder::{HostError, typed_bytes};
use crate::lab::InputDevice;

/// The connection to a running lab.
pub(crate) struct Link {
    path: PathBuf,
    reader: BufReader<UnixStream>,
    writer: UnixStream,
}

impl Link {
    /// To the lab whose run folder is `run`, or of that name in `runs`.
    pub(crate) fn connect(run: &Path) -> Result<Self, Failure> {
        let near = run.join(SOCKET);
        let path = if near.exists() {
            near
        } else {
            Path::new(RUNS).join(run).join(SOCKET)
        };
        let stream = UnixStream::connect(&path).map_err(|_| Failure::Usage {
            code: "ctl::no-run",
            message: format!(
                "no lab runs in {}; name the run folder of one that does",
                run.display()
            ),
        })?;
        let writer = stream
            .try_clone()
            .map_err(|reason| HostError::new("use", &path, reason))?;
        let mut link = Self {
            path,
            reader: BufReader::new(stream),
            writer,
        };
        link.hear()?;
        Ok(link)
    }

    /// Says what is wanted.
    pub(crate) fn say(&mut self, request: Request) -> Result<(), HostError> {
        say(&mut self.writer, request).map_err(|reason| HostError::new("write to", &self.path, reason))
    }

    /// The next line that the lab says; `None` if it has ended.
    pub(crate) fn hear(&mut self) -> Result<Option<Value>, HostError> {
        let mut line = String::new();
        let heard = self.reader.read_line(&mut line);
        match heard {
            // An end without farewell is an end all the same.
            Err(error) if error.kind() != io::ErrorKind::InvalidData => Ok(None),
            Ok(0) => Ok(None),
            Ok(_) => serde_json::from_str(&line)
                .map(Some)
                .map_err(|error| HostError::new("understand", &self.path, error.into())),
            Err(error) => Err(HostError::new("understand", &self.path, error)),
        }
    }

    /// Another end to say things at.
    pub(crate) fn writer(&self) -> Result<UnixStream, HostError> {
        let refused = |reason| HostError::new("use", &self.path, reason);
        self.writer.try_clone().map_err(refused)
    }

    /// Asks for one thing and hears its answer.
    pub(crate) fn ask(&mut self, request: Request) -> Result<Option<Value>, HostError> {
        self.say(request)?;
        loop {
            match self.hear()? {
                Some(line) if line["ok"].is_null() => {}
                answer => return Ok(answer),
            }
        }
    }
}

/// Says what is wanted at an end of a connection.
pub(crate) fn say(writer: &mut UnixStream, request: Request) -> io::Result<()> {
    let letter = Letter {
        id: Value::Null,
        request,
    };
    let line = serde_json::to_string(&letter).expect("a request holds only texts");
    writer.write_all((line + "\n").as_bytes())
}

/// Asks a running lab for one thing.
pub(crate) fn ctl(arguments: &CtlArguments, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let request = request(&arguments.word)?;
    let mut link = Link::connect(&arguments.run)?;
    let Some(answer) = link.ask(request)? else {
        terminal.complain("amlab: ctl::ended: the run has ended");
        return Ok(Exit::Missed);
    };
    if terminal.format() == Format::Json {
        terminal.result(&format!("{answer:#}\n"));
    }
    if answer["ok"] != true {
        let text = |field: &str| answer[field].as_str().unwrap_or_default().to_owned();
        let code = text("code");
        terminal.complain(&format!("amlab: {code}: {}", text("message")));
        return Ok(exit_of(&code));
    }
    if terminal.format() != Format::Json {
        print(&answer, terminal);
    }
    Ok(Exit::Good)
}

/// The exit code for a request that came to nothing.
fn exit_of(code: &str) -> Exit {
    match code {
        "ctl::timeout" => Exit::TimeLimit,
        "ctl::stopped" => Exit::GuestStopped,
        "ctl::ended" | "ctl::interrupted" => Exit::Missed,
        _ => Exit::BadInput,
    }
}

fn request(word: &CtlWord) -> Result<Request, Failure> {
    Ok(match word.clone() {
        CtlWord::Status => Request::Status,
        CtlWord::Pause => Request::Pause,
        CtlWord::Resume => Request::Resume,
        CtlWord::Step { span } => Request::Step { span },
        CtlWord::Until { time } => Request::Until { time },
        CtlWord::Type {
            machine,
            text,
            keyboard,
        } => {
            let bytes = typed_bytes(&text).ok_or_else(|| Failure::Usage {
                code: "ctl::text",
                message: "after a \\ comes n, r, t, e, another \\ or \", or x and two digits".into(),
            })?;
            Request::Type {
                machine,
                text: String::new(),
                bytes: to_text(&bytes),
                device: if keyboard {
                    InputDevice::Keyboard
                } else {
                    InputDevice::Com1
                },
            }
        }
        CtlWord::Wait {
            machine,
            pattern,
            within,
        } => Request::Wait {
            machine,
            pattern,
            within,
        },
        CtlWord::Power { machine, state } => Request::Power { machine, state },
        CtlWord::Cable { station, state } => Request::Cable { station, state },
        CtlWord::Screen { machine } => Request::Screen { machine },
        CtlWord::Stats => Request::Stats,
        CtlWord::Quit => Request::Quit,
    })
}

fn print(answer: &Value, terminal: &mut Terminal) {
    let nanoseconds = answer["done_at_ns"].as_u64().or(answer["at_ns"].as_u64());
    let at = seconds(Instant::from_picoseconds(nanoseconds.unwrap_or_default() * 1_000));
    if answer["stats"].is_object() {
        terminal.result(&format!("{:#}\n", answer["stats"]));
        return;
    }
    if let Some(lines) = answer["lines"].as_array() {
        let lines: Vec<&str> = lines
            .iter()
            .filter_map(Value::as_str)
            .map(str::trim_end)
            .collect();
        terminal.result(&format!("{}\n", lines.join("\n").trim_end()));
        return;
    }
    let state = answer["state"].as_str().unwrap_or("done");
    terminal.line(Importance::Result, &format!("{at:>12}  {state}"));
    for machine in answer["machines"].as_array().into_iter().flatten() {
        let text = |field: &str| machine[field].as_str().unwrap_or_default().to_owned();
        let busy = &machine["busy_percent"];
        let line = format!("  {:<16} {:<8} {busy:>3}%", text("name"), text("state"));
        terminal.line(Importance::Result, line.trim_end());
    }
}
