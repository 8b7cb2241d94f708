//! A laboratory without machines, for the command's tests: it plays a script.

use std::ffi::OsString;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clock::{Instant, Span};
use parking_lot::Mutex;

use super::arguments::{Colour, Format, OutputArguments};
use super::exit::Exit;
use super::run::{Host, Interrupt};
use super::seam::Laboratory;
use super::terminal::Terminal;
use super::{Order, carry_out};
use crate::image::ImageBytes;
use crate::lab::{Lab, LabSource, Machine, load};
use crate::machine::Whereabouts;
use crate::runtime::{
    CardStatistics, Deed, Happening, MachineStatistics, Observer, RunEnd, SegmentStatistics, Statistics,
    StopCause, StopReport, What,
};

const WINDOW: Span = Span::from_nanoseconds(57_600);

/// Two streams whose text can be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Screen {
    out: Buffer,
    err: Buffer,
}

#[derive(Clone, Debug, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Screen {
    pub(crate) fn terminal(&self, arguments: &OutputArguments) -> Terminal {
        Terminal::with_streams(Box::new(self.out.clone()), Box::new(self.err.clone()), arguments)
    }

    pub(crate) fn out(&self) -> String {
        self.out.text()
    }

    pub(crate) fn err(&self) -> String {
        self.err.text()
    }
}

pub(crate) fn output_arguments() -> OutputArguments {
    OutputArguments {
        format: Format::Human,
        quiet: 0,
        verbose: 0,
        color: Colour::Never,
    }
}

/// What happens at which microsecond.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// A machine prints.
    Say(usize, &'static str),
    /// A machine stops by itself.
    Stop(usize),
    /// A machine writes its POST port so many times.
    Post(usize, u32),
    /// A frame crosses the cable.
    Frame,
}

/// A folder, and a laboratory that plays a script.
pub(crate) struct Bench {
    pub(crate) script: Vec<(u64, Act)>,
    pub(crate) interrupt: Interrupt,
    pub(crate) folder: tempfile::TempDir,
    /// If true, results depend on the number of threads.
    pub(crate) is_racy: bool,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            script: Vec::new(),
            interrupt: Interrupt::default(),
            folder: tempfile::tempdir().unwrap(),
            is_racy: false,
        }
    }

    /// Writes a file and says where.
    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        self.path(name)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).unwrap()
    }

    fn happenings(&self) -> Vec<Happening> {
        self.script
            .iter()
            .flat_map(|(microseconds, act)| happenings(*microseconds, act))
            .collect()
    }
}

/// What the command does with these words: exit, standard output, standard error.
pub(crate) fn call(bench: &Bench, words: &[&str]) -> (Exit, String, String) {
    let words: Vec<OsString> = ["amlab"].iter().chain(words).map(OsString::from).collect();
    let flags: Vec<String> = words
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let order = Order::read(&words).unwrap();
    let build = |lab: &Lab, _: &[ImageBytes]| Ok(Box::new(Stage::new(bench, lab)) as Box<dyn Laboratory>);
    let host = Host {
        build: &build,
        flags: &flags,
        interrupt: bench.interrupt.clone(),
    };
    let screen = Screen::default();
    let exit = carry_out(&host, &order, &mut screen.terminal(&order.output));
    (exit, screen.out(), screen.err())
}

fn happenings(microseconds: u64, act: &Act) -> Vec<Happening> {
    let at = Instant::START + Span::from_microseconds(microseconds);
    let what = match act {
        Act::Say(machine, text) => {
            let byte = |byte| What::Console {
                machine: *machine,
                byte,
            };
            text.bytes().map(byte).collect()
        }
        Act::Stop(machine) => {
            let report = Box::new(StopReport {
                cause: StopCause::HaltedForGood,
                summary: "hlt with interrupts off, cs:eip 0008:c0012f3a".into(),
                text: "eax=00000000".into(),
            });
            vec![What::Stopped {
                machine: *machine,
                report,
            }]
        }
        Act::Post(machine, count) => {
            let post = |code: u32| What::Post {
                machine: *machine,
                code: code as u8,
            };
            (0..*count).map(post).collect()
        }
        Act::Frame => vec![What::Wire {
            segment: 0,
            record: wire::Record::Frame {
                start: at,
                station: wire::StationId(1),
                frame: wire::Frame::new(b"abcdef", wire::CheckSequence::Right),
                outcome: wire::Outcome {
                    collisions: 0,
                    deferred: false,
                    late: false,
                    end: wire::End::Good,
                },
            },
        }],
    };
    what.into_iter().map(|what| Happening { at, what }).collect()
}

/// Plays a script.
struct Stage {
    lab: Lab,
    script: Vec<Happening>,
    played: usize,
    now: Instant,
    threads: usize,
    is_racy: bool,
}

impl Stage {
    fn new(bench: &Bench, lab: &Lab) -> Self {
        Self {
            lab: lab.clone(),
            script: bench.happenings(),
            played: 0,
            now: Instant::START,
            threads: 0,
            is_racy: bench.is_racy,
        }
    }

    /// The end of the window in which the next thing happens; without one, a second passes.
    fn next_window_end(&self) -> Instant {
        match self.script.get(self.played) {
            Some(next) => Instant::START + WINDOW * (next.at.since(Instant::START) / WINDOW + 1),
            None => self.now + Span::from_seconds(1),
        }
    }

    fn stopped(&self) -> usize {
        let is_stop = |happening: &&Happening| matches!(happening.what, What::Stopped { .. });
        self.script[..self.played].iter().filter(is_stop).count()
    }
}

impl Laboratory for Stage {
    fn keep_overlays(&mut self, _: &Path) -> Result<(), (String, io::Error)> {
        Ok(())
    }

    fn media_troubles(&self) -> Vec<String> {
        Vec::new()
    }

    fn run(&mut self, limit: Instant, threads: usize, observer: &mut dyn Observer) -> RunEnd {
        self.threads = threads;
        while self.now < limit {
            self.now = self.next_window_end().min(limit);
            let from = self.played;
            self.played += self.script[from..]
                .iter()
                .take_while(|next| next.at <= self.now)
                .count();
            let flow = observer.window(self.now, &self.script[from..self.played]);
            if flow == ControlFlow::Break(()) {
                return RunEnd::Observer;
            }
            if self.stopped() == self.lab.machines.len() {
                return RunEnd::AllStopped;
            }
        }
        RunEnd::Limit
    }

    fn whereabouts(&self) -> Vec<Whereabouts> {
        Vec::new()
    }

    fn inject(&mut self, deed: &Deed) -> Instant {
        self.inject_at(self.now, deed);
        self.now
    }

    /// Whoever is typed to says it again a window later.
    fn inject_at(&mut self, at: Instant, deed: &Deed) {
        let Deed::Type { machine, text, .. } = deed else {
            return;
        };
        let later = at + WINDOW;
        let place = self.script.partition_point(|next| next.at <= later);
        let said = text.iter().map(|byte| Happening {
            at: later,
            what: What::Console {
                machine: *machine,
                byte: *byte,
            },
        });
        self.script.splice(place..place, said);
    }

    fn screen(&self, machine: usize) -> Vec<String> {
        vec![format!("the screen of {}", self.lab.machines[machine].name)]
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn statistics(&self) -> Statistics {
        let machine = |machine: &Machine| MachineStatistics {
            name: machine.name.clone(),
            instructions: self.played as u64,
            cycles: 1000,
            halted_cycles: 250,
            interrupts: 7,
            cards: vec![CardStatistics {
                interface: machine.cards[0].interface.clone(),
                sent: 1,
                received: 2,
                missed: 0,
            }],
        };
        Statistics {
            virtual_nanoseconds: self.now.nanoseconds(),
            machines: self.lab.machines.iter().map(machine).collect(),
            generators: Vec::new(),
            segments: vec![SegmentStatistics {
                name: "ether0".into(),
                frames: 1204,
                bytes: 0,
                collisions: 7,
                busy_picoseconds: 0,
            }],
        }
    }

    fn trace_hash(&self) -> [u8; 32] {
        let threads = if self.is_racy { self.threads } else { 0 };
        let state = (self.lab.seed, self.played, self.now.picoseconds(), threads);
        *blake3::hash(format!("{state:?}").as_bytes()).as_bytes()
    }
}

/// Two PCs on a segment, each expected to be ready within 60 s.
pub(crate) const SAMPLE: &str = r#"
format = 1
[lab]
name = "sample"
seed = 1995
[time]
rtc = "1995-05-30T09:00:00Z"
stop = "600s"
[image.kernel]
path = "builtin:kernel"
[segment.ether0]
kind = "10base2"
length = "30m"
[machine.pc]
count = 2
memory = "4MB"
cpu = { model = "386dx", clock = "40MHz" }
boot = { from = "direct", image = "kernel" }
nic = { mac = "02:60:8c:00:00:01" }
[[machine.pc.card]]
type = "3c503"
segment = "ether0"
io = 0x280
irq = 3
ram = 0xCC000
[[expect]]
machine = "pc*"
console = 'kernel ready'
within = "60s"
"#;

/// What [`SAMPLE`] means.
pub(crate) fn sample_lab() -> Lab {
    let source = LabSource::Text {
        name: "sample.toml".into(),
        text: SAMPLE.into(),
        folder: PathBuf::new(),
    };
    load(source, &[]).unwrap_or_else(|errors| panic!("{errors}")).lab
}
