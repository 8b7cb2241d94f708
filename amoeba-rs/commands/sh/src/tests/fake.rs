//! A system in memory. Programs run to their end when they are started, and pipes hold everything.

use crate::shell::Shell;
use crate::text::Text;
use crate::world::{End, Failure, How, Process, Start, World};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::format;
use std::rc::Rc;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

#[derive(Default, Debug)]
struct Stream {
    text: String,
    read: usize,
    /// The file that gets the text when the stream is closed.
    file: Option<String>,
    is_closed: bool,
}

#[derive(Default, Debug)]
pub(super) struct State {
    streams: Vec<Stream>,
    pub(super) files: BTreeMap<String, String>,
    ends: Vec<Option<End>>,
    work: String,
    /// The interrupt comes when this many more programs have been started.
    pub(super) interrupt_after: Option<usize>,
    is_interrupted: bool,
    is_ignored: bool,
    pub(super) started: Vec<String>,
    status: i32,
}

/// The system, of which shells in shells share one.
#[derive(Clone, Debug)]
pub(super) struct Fake(pub(super) Rc<RefCell<State>>);

const STREAMS: [usize; 3] = [1, 2, 3];

impl Fake {
    pub(super) fn new() -> Fake {
        let fake = Fake(Rc::default());
        fake.0
            .borrow_mut()
            .streams
            .extend((0..4).map(|_| Stream::default()));
        for (name, text) in [
            ("/etc/a.txt", "apple\n"),
            ("/etc/b.txt", "banana\n"),
            ("/etc/c", "cherry\n"),
            ("/etc/.d", ""),
        ] {
            fake.file(name, text);
        }
        fake
    }

    pub(super) fn file(&self, path: &str, text: &str) {
        self.0.borrow_mut().files.insert(path.into(), text.into());
    }

    pub(super) fn contents(&self, path: &str) -> Option<String> {
        self.0.borrow().files.get(path).cloned()
    }

    /// Streams that were opened and are not closed.
    pub(super) fn open_streams(&self) -> usize {
        self.0.borrow().streams[4..]
            .iter()
            .filter(|stream| !stream.is_closed)
            .count()
    }

    pub(super) fn input(&self, text: &str) {
        self.0.borrow_mut().streams[STREAMS[0]].text += text;
    }

    pub(super) fn take(&self) -> (String, String, i32) {
        let mut state = self.0.borrow_mut();
        let output = core::mem::take(&mut state.streams[STREAMS[1]].text);
        let errors = core::mem::take(&mut state.streams[STREAMS[2]].text);
        (output, errors, state.status)
    }

    pub(super) fn run(&self, text: &str, arguments: &[String]) {
        let environment = ["HOME=/home", "PWD=/", "PATH=/bin"];
        let mut shell = Shell::new(self.clone(), ("sh", arguments), STREAMS, environment.into_iter());
        let status = run_lines(&mut shell, text);
        self.0.borrow_mut().status = status;
    }

    fn whole(&self, path: &str) -> String {
        crate::builtins::whole_path(&self.0.borrow().work, path)
    }

    /// What a program does with its input: its output and its status.
    fn program(&self, words: &[String], input: &mut dyn FnMut() -> String) -> Option<(String, End)> {
        let name = words[0].rsplit('/').next()?;
        let rest = &words[1..];
        let exit = |status| End::Exit(status);
        Some(match name {
            "args" => (
                rest.iter().map(|word| format!("<{word}>")).collect::<String>() + "\n",
                exit(0),
            ),
            "cat" if rest.is_empty() => (input(), exit(0)),
            "cat" => {
                let files: Option<Vec<String>> =
                    rest.iter().map(|path| self.contents(&self.whole(path))).collect();
                files.map_or((String::new(), exit(1)), |files| (files.concat(), exit(0)))
            }
            "upper" => (input().to_uppercase(), exit(0)),
            "count" => (format!("{}\n", input().lines().count()), exit(0)),
            "fail" => (String::new(), exit(rest[0].parse().unwrap_or(1))),
            "fault" => (String::new(), End::Exception(-9)),
            _ => return None,
        })
    }
}

fn run_lines(shell: &mut Shell<Fake>, text: &str) -> i32 {
    let mut lines = Text::default();
    for line in text.lines() {
        let ended = match lines.line(line) {
            Ok(Some(list)) => shell.run(&list),
            Ok(None) => None,
            Err(error) => {
                shell.complain(&error.to_string());
                Some(2)
            }
        };
        if let Some(status) = ended {
            return shell.finish(status);
        }
    }
    if lines.is_open() {
        shell.complain("unexpected end");
        return shell.finish(2);
    }
    let status = shell.status();
    shell.finish(status)
}

impl World for Fake {
    type Stream = usize;

    fn null(&self) -> usize {
        0
    }

    fn start(&mut self, start: &Start<'_, usize>) -> Result<Process, Failure> {
        {
            let mut state = self.0.borrow_mut();
            state.started.push(start.words.join(" "));
            if let Some(left) = &mut state.interrupt_after {
                *left = left.saturating_sub(1);
                state.is_interrupted |= state.interrupt_after == Some(0) && !state.is_ignored;
            }
        }
        let end = if let Some(text) = start.script {
            let environment = start.environment.iter().map(String::as_str);
            let words = (start.words[0].as_str(), &start.words[1..]);
            let mut shell = Shell::new(self.clone(), words, start.streams, environment);
            let work = self.0.borrow().work.clone();
            let status = run_lines(&mut shell, text);
            self.0.borrow_mut().work = work;
            End::Exit(status)
        } else {
            let directories = start.path.split(':');
            let is_there = start.words[0].contains('/') || directories.into_iter().any(|path| path == "/bin");
            let world = self.clone();
            let stream = start.streams[0];
            let mut input = || {
                let mut state = world.0.borrow_mut();
                let stream = &mut state.streams[stream];
                let text = stream.text[stream.read..].to_string();
                stream.read = stream.text.len();
                text
            };
            let result = if is_there {
                self.program(start.words, &mut input)
            } else {
                None
            };
            let Some((output, end)) = result else {
                return Err(Failure::NotFound);
            };
            self.write(start.streams[1], &output).map_err(Failure::NotRun)?;
            end
        };
        for stream in start.closed {
            self.close(*stream).map_err(Failure::NotRun)?;
        }
        let mut state = self.0.borrow_mut();
        state.ends.push(Some(end));
        Ok(state.ends.len() as Process)
    }

    fn wait(&mut self, processes: &[Process]) -> Vec<End> {
        let mut state = self.0.borrow_mut();
        let mut take = |process: &Process| state.ends[*process as usize - 1].take();
        processes
            .iter()
            .map(|process| take(process).unwrap_or(End::Lost))
            .collect()
    }

    fn ended(&mut self, process: Process) -> Option<End> {
        self.0.borrow_mut().ends[process as usize - 1].take()
    }

    fn is_interrupted(&mut self) -> bool {
        let mut state = self.0.borrow_mut();
        let is_interrupted = core::mem::take(&mut state.is_interrupted);
        if is_interrupted {
            state.interrupt_after = None;
        }
        is_interrupted
    }

    fn ignore_interrupts(&mut self, is_ignored: bool) {
        self.0.borrow_mut().is_ignored = is_ignored;
    }

    fn stun(&mut self, _process: Process, _code: i32) -> Result<(), String> {
        Err("it has ended".into())
    }

    fn open(&mut self, path: &str, how: How) -> Result<usize, String> {
        let path = self.whole(path);
        let before = self.contents(&path);
        let (text, file) = match how {
            How::Read => (before.ok_or("not found")?, None),
            How::Write => (String::new(), Some(path)),
            How::Append => (before.unwrap_or_default(), Some(path)),
        };
        let mut state = self.0.borrow_mut();
        state.streams.push(Stream {
            text,
            file,
            ..Stream::default()
        });
        Ok(state.streams.len() - 1)
    }

    fn text(&mut self, text: &str) -> Result<usize, String> {
        let mut state = self.0.borrow_mut();
        state.streams.push(Stream {
            text: text.into(),
            ..Stream::default()
        });
        Ok(state.streams.len() - 1)
    }

    fn pipe(&mut self) -> Result<[usize; 2], String> {
        let stream = self.text("")?;
        // Both ends are the same here, and closed twice.
        Ok([stream; 2])
    }

    fn collector(&mut self) -> Result<usize, String> {
        self.text("")
    }

    fn collected(&mut self, stream: usize) -> String {
        let mut state = self.0.borrow_mut();
        state.streams[stream].is_closed = true;
        core::mem::take(&mut state.streams[stream].text)
    }

    fn close(&mut self, stream: usize) -> Result<(), String> {
        let mut state = self.0.borrow_mut();
        state.streams[stream].is_closed = true;
        let (file, text) = (
            state.streams[stream].file.take(),
            state.streams[stream].text.clone(),
        );
        match file {
            Some(path) if path.starts_with("/locked") => return Err(format!("{path}: permission denied")),
            Some(path) => _ = state.files.insert(path, text),
            None => {}
        }
        Ok(())
    }

    fn write(&mut self, stream: usize, text: &str) -> Result<(), String> {
        if stream != 0 {
            self.0.borrow_mut().streams[stream].text += text;
        }
        Ok(())
    }

    fn read_line(&mut self, stream: usize) -> Result<Option<String>, String> {
        let mut state = self.0.borrow_mut();
        let stream = &mut state.streams[stream];
        let rest = &stream.text[stream.read..];
        let Some(line) = rest.split_inclusive('\n').next() else {
            return Ok(None);
        };
        let text = line.trim_end_matches('\n').to_string();
        stream.read += line.len();
        Ok(Some(text))
    }

    fn read_file(&mut self, path: &str) -> Result<String, String> {
        self.contents(&self.whole(path)).ok_or_else(|| "not found".into())
    }

    fn change_directory(&mut self, path: &str) -> Result<(), String> {
        let prefix = format!("{}/", path.trim_end_matches('/'));
        let is_there = self.0.borrow().files.keys().any(|name| name.starts_with(&prefix));
        if !is_there {
            return Err("not found".into());
        }
        self.0.borrow_mut().work = path.into();
        Ok(())
    }

    fn names(&mut self, directory: &str) -> Vec<String> {
        let prefix = format!("{}/", self.whole(directory).trim_end_matches('/'));
        let mut names = vec![];
        for path in self.0.borrow().files.keys() {
            let name = path.strip_prefix(&prefix).and_then(|rest| rest.split('/').next());
            if let Some(name) = name.filter(|name| !names.contains(&name.to_string())) {
                names.push(name.to_string());
            }
        }
        names
    }

    fn mark(&mut self, path: &str) -> Option<u8> {
        let whole = self.whole(path);
        if self.contents(&whole).is_some() {
            return Some(b'-');
        }
        (!self.names(&whole).is_empty()).then_some(b'/')
    }

    fn size(&mut self, path: &str) -> Option<u32> {
        Some(self.contents(&self.whole(path))?.len() as u32)
    }
}
