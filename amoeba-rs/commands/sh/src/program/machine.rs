//! What the shell needs of the system, by transactions.

use super::processes;
use super::streams::{self, End as ChannelEnd, Place, WrittenFile};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use libamoeba::classes::{bullet, fifo, process, random};
use libamoeba::directory::{self, Names};
use libamoeba::owner::Owner;
use libamoeba::stream::{self, Input, Kind};
use libamoeba::system::{Kernel, calls, interrupts, thread};
use libamoeba::{explain, standard, terminal};
use proto::capability::{Capability, Port};
use proto::capability_set::CapabilitySet;
use proto::soap::Failure as DirectoryFailure;
use proto::standard::{ObjectMark, Status};
use shell::World;
use shell::world::{End, Failure, How, Process, Start};

/// How long servers are looked for, in milliseconds.
const LOCATE: u32 = 5000;
/// Milliseconds after which drafts of files are kept from growing too old.
const REFRESH: u32 = 60_000;
const STACK: usize = 8192;
/// A stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// An object that was there before.
    Given(Capability),
    /// An end of a pipe of the fifo server.
    Fifo(Capability),
    /// An end of a channel of this shell.
    Own(usize, ChannelEnd),
}

impl Stream {
    pub(super) fn capability(self) -> Capability {
        match self {
            Stream::Given(capability) | Stream::Fifo(capability) => capability,
            Stream::Own(channel, end) => streams::capability(channel, end),
        }
    }
}

/// Closes a stream.
pub(super) fn close(stream: Stream) -> Result<(), String> {
    match stream {
        Stream::Given(_) => Ok(()),
        // One that is gone is closed.
        Stream::Fifo(end) => {
            let _ = fifo::close(&mut Kernel, &end);
            Ok(())
        }
        Stream::Own(channel, end) => streams::close(channel, end),
    }
}

/// What a person is told of a failure.
fn told(failure: impl Into<DirectoryFailure>) -> String {
    explain(failure).to_string()
}

/// The system as a program sees it.
pub(super) struct Machine {
    pub(super) capabilities: Vec<(String, Capability)>,
    pub(super) names: Option<Names>,
    /// Streams of which something was read.
    inputs: Vec<(Capability, Input)>,
    listener: Port,
}

impl Machine {
    pub(super) fn new(capabilities: Vec<(String, Capability)>) -> Result<Machine, String> {
        calls::timeout(LOCATE);
        let find = |name: &str| {
            let found = capabilities.iter().find(|(own, _)| own == name);
            found.map(|(_, value)| *value)
        };
        let names = Names::from_environment(find);
        let random = find("RANDOM").ok_or("there is no RANDOM")?;
        let mut ports = [Port::NULL; 5];
        for port in &mut ports {
            let filled = random::fill(&mut Kernel, &random, &mut port.0);
            filled.map_err(|status| format!("RANDOM: {}", told(status)))?;
        }
        let [owner, check, channels, secret, listener] = ports;
        let signals = find("SIGNALS");
        let refresh = || loop {
            calls::sleep(REFRESH);
            streams::refresh();
        };
        let are_served = processes::own(Owner::new(owner, check))
            && streams::serve(channels, secret)
            && interrupts::listen(listener)
            && thread::spawn(STACK, refresh);
        if !are_served {
            return Err("no room for threads".to_string());
        }
        if let Some(signals) = signals {
            // Without it the shell is stunned like other programs.
            let _ = terminal::set_interrupt(&mut Kernel, &signals, &interrupts::capability(listener));
        }
        Ok(Machine {
            capabilities,
            names,
            inputs: Vec::new(),
            listener,
        })
    }

    /// Has the terminal tell this shell of interrupts.
    pub(super) fn listen(&mut self, terminal: &Capability) {
        let listener = interrupts::capability(self.listener);
        // Without it there are no interrupts.
        let _ = terminal::set_interrupt(&mut Kernel, terminal, &listener);
    }

    fn lookup(&self, path: &str) -> Result<CapabilitySet, DirectoryFailure> {
        let names = self.names.as_ref().ok_or(Status::NotFound)?;
        names.lookup(&mut Kernel, path.as_bytes())
    }

    fn object(&self, path: &str) -> Result<Capability, DirectoryFailure> {
        let set = self.lookup(path)?;
        Ok(directory::object(&mut Kernel, &set)?)
    }

    /// A server by its name among the capabilities, or the default of its kind.
    pub(super) fn server(&self, name: &str, kind: &str) -> Option<Capability> {
        let given = self.capabilities.iter().find(|(own, _)| own == name);
        let given = given.map(|(_, value)| *value);
        given.or_else(|| self.object(&format!("/profile/cap/{kind}/default")).ok())
    }

    /// The file of a program.
    pub(super) fn find(&self, name: &str, path: &str) -> Result<Capability, Failure> {
        if name.contains('/') {
            return self.object(name).map_err(|failure| match failure {
                DirectoryFailure::Standard(Status::NotFound) => Failure::NotFound,
                failure => Failure::NotRun(told(failure)),
            });
        }
        for directory in path.split(':') {
            let place = if directory.is_empty() {
                name.to_string()
            } else {
                format!("{directory}/{name}")
            };
            match self.object(&place) {
                Ok(file) => return Ok(file),
                Err(DirectoryFailure::Standard(Status::NotFound)) => {}
                Err(failure) => return Err(Failure::NotRun(told(failure))),
            }
        }
        Err(Failure::NotFound)
    }

    /// Where a file will be that is written, and what is there now.
    fn place(&self, path: &str) -> Result<(Place, Option<Capability>), DirectoryFailure> {
        let names = self.names.as_ref().ok_or(Status::NotFound)?;
        let (directory, name) = names.parent(&mut Kernel, path.as_bytes())?;
        let before = match self.lookup(path) {
            Ok(set) => set.members().next().map(|member| member.capability),
            Err(DirectoryFailure::Standard(Status::NotFound)) => None,
            Err(failure) => return Err(failure),
        };
        let place = Place {
            directory,
            name: name.to_vec(),
            exists: before.is_some(),
            path: path.to_string(),
        };
        Ok((place, before))
    }

    fn open_to_write(&mut self, path: &str, is_append: bool) -> Result<Stream, String> {
        let (place, before) = self.place(path).map_err(told)?;
        let kind = before.map(|before| Kind::of(&mut Kernel, &before));
        let file = match (before, kind) {
            (Some(_), Some(Err(status))) => return Err(told(status)),
            // What is no file takes what is written.
            (Some(before), Some(Ok(kind))) if kind != Kind::File => {
                return match self.mark_of(&before) {
                    Some(mark) if mark == ObjectMark::Directory.code() => Err("is a directory".to_string()),
                    _ => Ok(Stream::Given(before)),
                };
            }
            (Some(before), _) if is_append => {
                let size = bullet::size(&mut Kernel, &before).map_err(told)?;
                WrittenFile::behind(place, before, size)
            }
            _ => {
                let server = self
                    .server("BULLET", "bulletsvr")
                    .ok_or("there is no file server")?;
                WrittenFile::new(place, server)
            }
        };
        Ok(Stream::Own(streams::file(file), ChannelEnd::Writer))
    }

    fn mark_of(&self, object: &Capability) -> Option<u8> {
        let mut mark = [0];
        match standard::info(&mut Kernel, object, &mut mark) {
            Ok(_) | Err(Status::Overflow) => Some(mark[0]),
            Err(_) => None,
        }
    }
}

impl World for Machine {
    type Stream = Stream;

    fn null(&self) -> Stream {
        Stream::Given(Capability::NULL)
    }

    fn start(&mut self, start: &Start<'_, Stream>) -> Result<Process, Failure> {
        let name = if start.script.is_some() {
            "sh"
        } else {
            &start.words[0]
        };
        let file = self.find(name, start.path)?;
        self.start_file(start, &file, start.words)
    }

    fn wait(&mut self, processes: &[Process]) -> Vec<End> {
        processes::wait(processes)
    }

    fn ended(&mut self, process: Process) -> Option<End> {
        processes::ended(process)
    }

    fn is_interrupted(&mut self) -> bool {
        interrupts::take()
    }

    fn ignore_interrupts(&mut self, is_ignored: bool) {
        interrupts::ignore(is_ignored);
    }

    fn stun(&mut self, process: Process, code: i32) -> Result<(), String> {
        let capability = processes::capability(process).ok_or("it has ended")?;
        process::stun(&mut Kernel, &capability, code).map_err(told)
    }

    fn open(&mut self, path: &str, how: How) -> Result<Stream, String> {
        match how {
            How::Read => Ok(Stream::Given(self.object(path).map_err(told)?)),
            How::Write => self.open_to_write(path, false),
            How::Append => self.open_to_write(path, true),
        }
    }

    fn text(&mut self, text: &str) -> Result<Stream, String> {
        Ok(Stream::Own(streams::text(text.as_bytes()), ChannelEnd::Reader))
    }

    fn pipe(&mut self) -> Result<[Stream; 2], String> {
        if let Some(server) = self.server("FIFO", "fifosvr")
            && let Ok(ends) = fifo::pipe(&mut Kernel, &server)
        {
            return Ok(ends.map(Stream::Fifo));
        }
        let channel = streams::pipe();
        Ok([ChannelEnd::Reader, ChannelEnd::Writer].map(|end| Stream::Own(channel, end)))
    }

    fn collector(&mut self) -> Result<Stream, String> {
        Ok(Stream::Own(streams::collector(), ChannelEnd::Writer))
    }

    fn collected(&mut self, stream: Stream) -> String {
        match stream {
            Stream::Own(channel, _) => String::from_utf8_lossy(&streams::collected(channel)).into_owned(),
            _ => String::new(),
        }
    }

    fn close(&mut self, stream: Stream) -> Result<(), String> {
        let capability = stream.capability();
        self.inputs.retain(|(own, _)| *own != capability);
        close(stream)
    }

    fn write(&mut self, stream: Stream, text: &str) -> Result<(), String> {
        let capability = stream.capability();
        if capability == Capability::NULL {
            return Ok(());
        }
        stream::write(&mut Kernel, &capability, text.as_bytes()).map_err(told)
    }

    fn read_line(&mut self, stream: Stream) -> Result<Option<String>, String> {
        let capability = stream.capability();
        let place = match self.inputs.iter().position(|(own, _)| *own == capability) {
            Some(place) => place,
            None => {
                self.inputs.push((capability, Input::new(capability)));
                self.inputs.len() - 1
            }
        };
        let mut line = Vec::new();
        match self.inputs[place].1.read_line(&mut Kernel, &mut line) {
            Ok(false) => {
                // More may come from a terminal after its end was typed.
                self.inputs.remove(place);
                Ok(None)
            }
            Ok(true) => {
                if line.last() == Some(&b'\n') {
                    line.pop();
                }
                Ok(Some(String::from_utf8_lossy(&line).into_owned()))
            }
            Err(status) => {
                self.inputs.remove(place);
                Err(told(status))
            }
        }
    }

    fn read_file(&mut self, path: &str) -> Result<String, String> {
        let file = self.object(path).map_err(told)?;
        let contents = stream::file(&mut Kernel, &file).map_err(told)?;
        Ok(String::from_utf8_lossy(&contents).into_owned())
    }

    fn change_directory(&mut self, path: &str) -> Result<(), String> {
        let set = self.lookup(path).map_err(told)?;
        // Only a directory can be listed, or at least is asked for its columns.
        directory::list(&mut Kernel, &set).map_err(|failure| match failure {
            DirectoryFailure::Standard(Status::BadCommand | Status::BadCapability) => {
                "is no directory".to_string()
            }
            failure => told(failure),
        })?;
        if let Some(names) = &mut self.names {
            names.work = set;
        }
        Ok(())
    }

    fn names(&mut self, directory: &str) -> Vec<String> {
        let Some(names) = &self.names else {
            return Vec::new();
        };
        let set = if directory.is_empty() {
            Ok(names.work)
        } else {
            self.lookup(directory)
        };
        let listing = set.and_then(|set| directory::list(&mut Kernel, &set));
        let rows = listing.map(|listing| listing.rows).unwrap_or_default();
        rows.iter()
            .map(|(name, _)| String::from_utf8_lossy(name).into_owned())
            .collect()
    }

    fn mark(&mut self, path: &str) -> Option<u8> {
        let object = self.object(path).ok()?;
        self.mark_of(&object)
    }

    fn size(&mut self, path: &str) -> Option<u32> {
        let object = self.object(path).ok()?;
        bullet::size(&mut Kernel, &object).ok()
    }
}
