//! The benchmark program on QEMU: an ISA PC with a 486, its instructions counted (`-icount shift=0`) as amlab counts clocks.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tests::benchmark::{Transcript, image};
use thiserror::Error;

use crate::Stamp;
use crate::clock::{Clock, Kind};

/// The longest silence before QEMU is taken for dead.
const PATIENCE: Duration = Duration::from_secs(120);

/// Why QEMU gives no figures.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(
        "QEMU is not there: {program} cannot be started ({source})\n\
         remedy: install the PC emulator, on Debian `apt-get install qemu-system-x86`, or say where it is with --qemu"
    )]
    Absent {
        /// What was to be started.
        program: PathBuf,
        /// Why it was not.
        source: io::Error,
    },
    #[error("cannot write the image for QEMU: {0}")]
    Image(io::Error),
    #[error("QEMU cannot be started or ended: {0}")]
    Process(io::Error),
    #[error("QEMU ended before the program did; it told:\n{0}")]
    Ended(String),
    #[error("QEMU has told nothing for {seconds} seconds; before that:\n{0}", seconds = PATIENCE.as_secs())]
    Silent(String),
}

/// QEMU's PC emulator, with the image in a file.
pub(crate) struct Qemu {
    program: PathBuf,
    version: String,
    folder: TempDir,
}

impl Qemu {
    /// Looks whether `program` can be started.
    pub(crate) fn find(program: &Path) -> Result<Qemu, Failure> {
        let output = Command::new(program).arg("--version").output();
        let output = output.map_err(|source| Failure::Absent {
            program: program.into(),
            source,
        })?;
        let text = String::from_utf8_lossy(&output.stdout);
        let folder = TempDir::new().map_err(Failure::Image)?;
        fs::write(folder.path().join("benchmark.elf"), image()).map_err(Failure::Image)?;
        Ok(Qemu {
            program: program.into(),
            version: text.lines().next().unwrap_or("QEMU of no version").into(),
            folder,
        })
    }

    /// What it calls itself.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Runs the program with these arguments to its end.
    pub(crate) fn run(&self, kind: Kind, arguments: &str) -> Result<Transcript<Stamp>, Failure> {
        let mut command = Command::new(&self.program);
        command
            .current_dir(self.folder.path())
            .args([
                "-nodefaults",
                "-M",
                "isapc",
                "-cpu",
                "486",
                "-m",
                "16",
                "-icount",
                "shift=0",
            ])
            .args(["-display", "none", "-serial", "stdio"])
            .args(["-kernel", "benchmark.elf", "-append", arguments])
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut process = Running(command.spawn().map_err(Failure::Process)?);
        let clock = Clock::for_process(kind, process.0.id());
        let pieces = listen(process.0.stdout.take().expect("its output is piped"), clock);
        let mut transcript = Transcript::default();
        while !transcript.is_over() {
            match pieces.recv_timeout(PATIENCE) {
                Ok((bytes, stamp)) => bytes.into_iter().for_each(|byte| transcript.take(byte, stamp)),
                Err(RecvTimeoutError::Disconnected) => return Err(Failure::Ended(transcript.text())),
                Err(RecvTimeoutError::Timeout) => return Err(Failure::Silent(transcript.text())),
            }
        }
        Ok(transcript)
    }
}

/// What arrives, with the moment of its arrival.
fn listen(mut output: ChildStdout, clock: Clock) -> Receiver<(Vec<u8>, Stamp)> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 256];
        while let Ok(length @ 1..) = output.read(&mut buffer) {
            if sender.send((buffer[..length].to_vec(), clock.now())).is_err() {
                break;
            }
        }
    });
    receiver
}

/// A process that ends with whoever holds it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
