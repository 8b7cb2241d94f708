//! What the shell needs of the system. Tests bring a system of their own.

use alloc::string::String;
use alloc::vec::Vec;

/// A process that the shell has started, by a number of its own.
pub type Process = u32;

/// How a process has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this status.
    Exit(i32),
    /// By an exception of this number, which is negative.
    Exception(i32),
    /// It was stunned with this code.
    Stun(i32),
    /// Its machine does not answer any more.
    Lost,
}

impl End {
    /// What `$?` is after it: exceptions and stuns are above 128, as signals are elsewhere.
    pub const fn status(self) -> i32 {
        match self {
            End::Exit(status) => status & 0xff,
            End::Exception(number) => 128 + (number.unsigned_abs() as i32 & 0x7f),
            End::Stun(code) => 128 + (code.unsigned_abs() as i32 & 0x7f),
            End::Lost => 255,
        }
    }
}

/// How something is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// To be read.
    Read,
    /// To be written, from the beginning.
    Write,
    /// To be written behind what is there.
    Append,
}

/// Input, output and errors of a command.
pub type Streams<S> = [S; 3];

/// A program that is to be started.
#[derive(Clone, Debug)]
pub struct Start<'a, S> {
    /// Its name and its arguments.
    pub words: &'a [String],
    /// Exported variables, `NAME=value`.
    pub environment: &'a [String],
    /// Where its file is looked for, if its name has no slash.
    pub path: &'a str,
    /// Its streams.
    pub streams: Streams<S>,
    /// Streams that are closed when it has ended.
    pub closed: &'a [S],
    /// The commands for a shell like this one, which is started in place of the program of that name.
    pub script: Option<&'a str>,
}

/// Why a program was not started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There is no such program.
    NotFound,
    /// It could not be run.
    NotRun(String),
}

/// The system.
pub trait World {
    /// A stream that can be given to a program.
    type Stream: Copy + core::fmt::Debug;

    /// A stream that is empty and takes everything.
    fn null(&self) -> Self::Stream;

    /// Starts a program.
    ///
    /// # Errors
    /// Why it does not run.
    fn start(&mut self, start: &Start<'_, Self::Stream>) -> Result<Process, Failure>;

    /// Waits for the ends of all these processes. If the terminal's interrupt comes meanwhile, it goes to all of them. They are then
    /// forgotten.
    fn wait(&mut self, processes: &[Process]) -> Vec<End>;

    /// How a process has ended, if it has. It is then forgotten.
    fn ended(&mut self, process: Process) -> Option<End>;

    /// Whether the terminal's interrupt has come since the last time this was asked.
    fn is_interrupted(&mut self) -> bool;

    /// Has the terminal's interrupt be nothing, for this shell and for those for which it waits, or something again.
    fn ignore_interrupts(&mut self, is_ignored: bool);

    /// Stuns a process.
    ///
    /// # Errors
    /// Why that does not go.
    fn stun(&mut self, process: Process, code: i32) -> Result<(), String>;

    /// Opens the object at a path.
    ///
    /// # Errors
    /// Why that does not go.
    fn open(&mut self, path: &str, how: How) -> Result<Self::Stream, String>;

    /// A stream that holds a text.
    ///
    /// # Errors
    /// Why there is none.
    fn text(&mut self, text: &str) -> Result<Self::Stream, String>;

    /// Both ends of a pipe: what is read, and what is written.
    ///
    /// # Errors
    /// Why there is none.
    fn pipe(&mut self) -> Result<[Self::Stream; 2], String>;

    /// A stream that collects what is written to it.
    ///
    /// # Errors
    /// Why there is none.
    fn collector(&mut self) -> Result<Self::Stream, String>;

    /// What a collector holds, which is closed.
    fn collected(&mut self, stream: Self::Stream) -> String;

    /// Closes a stream that was opened.
    ///
    /// # Errors
    /// Why what was written to it is lost.
    fn close(&mut self, stream: Self::Stream) -> Result<(), String>;

    /// Writes.
    ///
    /// # Errors
    /// Why that does not go.
    fn write(&mut self, stream: Self::Stream, text: &str) -> Result<(), String>;

    /// The next line, without its line feed; `None` at the end.
    ///
    /// # Errors
    /// Why that does not go.
    fn read_line(&mut self, stream: Self::Stream) -> Result<Option<String>, String>;

    /// The whole text of a file.
    ///
    /// # Errors
    /// Why that does not go.
    fn read_file(&mut self, path: &str) -> Result<String, String>;

    /// Has relative paths begin at another directory.
    ///
    /// # Errors
    /// Why that does not go.
    fn change_directory(&mut self, path: &str) -> Result<(), String>;

    /// The names in a directory, empty for the working directory; nothing if it cannot be read.
    fn names(&mut self, directory: &str) -> Vec<String>;

    /// The mark that tells what the object at a path is, if there is one.
    fn mark(&mut self, path: &str) -> Option<u8>;

    /// The size of the file at a path.
    fn size(&mut self, path: &str) -> Option<u32>;
}
