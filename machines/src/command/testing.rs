//! A laboratory without machines, for the command's tests: it plays a script.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use clock::{Instant, Rate, Span};
use parking_lot::Mutex;
use serde_json::json;

use super::arguments::{Colour, Format, OutputArguments};
use super::exit::Exit;
use super::run::{Host, Interrupt};
use super::seam::{CaptureHead, CaptureWriter, LabText, Laboratory, Loaded, LoadedImage, Refusal, Workshop};
use super::terminal::Terminal;
use super::{Order, carry_out};
use crate::lab::{
    Boot, Card, Constant, Expectation, Image, ImageSource, Lab, Machine, Segment, Source, Speed, Timing,
};
use crate::runtime::{
    CardStatistics, Happening, MachineStatistics, Observer, RunEnd, SegmentStatistics, Statistics, StopCause,
    StopReport, What,
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

/// A workshop whose laboratory plays a script.
pub(crate) struct Bench {
    pub(crate) lab: Lab,
    pub(crate) script: Vec<(u64, Act)>,
    pub(crate) interrupt: Interrupt,
    pub(crate) folder: tempfile::TempDir,
    /// If true, results depend on the number of threads.
    pub(crate) is_racy: bool,
    pub(crate) kernel: &'static [u8],
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            lab: sample_lab(),
            script: Vec::new(),
            interrupt: Interrupt::default(),
            folder: tempfile::tempdir().unwrap(),
            is_racy: false,
            kernel: b"kernel",
        }
    }

    /// Writes a file and says where.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        self.path(name)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
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
    let host = Host {
        workshop: bench,
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
                    end: wire::End::Good,
                },
            },
        }],
    };
    what.into_iter().map(|what| Happening { at, what }).collect()
}

impl Workshop for Bench {
    fn default_lab(&self) -> LabText {
        LabText {
            name: "builtin:sample".into(),
            text: "good".into(),
            folder: PathBuf::from("."),
        }
    }

    fn load(&self, text: &LabText, overrides: &[String]) -> Result<Loaded, Refusal> {
        if text.text != "good" {
            return Err(Refusal {
                count: 1,
                text: format!("lab::test\n  x wrong in {}", text.name),
                json: vec![json!({ "code": "lab::test", "message": "wrong" })],
            });
        }
        let mut lab = self.lab.clone();
        for setting in overrides {
            if let Some(description) = setting.strip_prefix("lab.description=") {
                lab.description = description.into();
            }
        }
        Ok(Loaded {
            lab,
            warnings: vec![],
        })
    }

    fn show(&self, lab: &Lab) -> String {
        format!(
            "[lab]\nname = \"{}\"\ndescription = \"{}\"\n",
            lab.name, lab.description
        )
    }

    fn show_timing(&self, lab: &Lab) -> String {
        format!("timing of {}\n", lab.name)
    }

    fn schema(&self) -> String {
        "{}".into()
    }

    fn builtin_image(&self, name: &str) -> Option<&'static [u8]> {
        (name == "kernel").then_some(self.kernel)
    }

    fn build(&self, lab: &Lab, images: &[LoadedImage]) -> Result<Box<dyn Laboratory>, String> {
        assert!(
            images
                .iter()
                .all(|image| image.bytes == Cow::Borrowed(self.kernel))
        );
        Ok(Box::new(Stage {
            lab: lab.clone(),
            script: self.happenings(),
            played: 0,
            now: Instant::START,
            threads: 0,
            is_racy: self.is_racy,
        }))
    }

    fn capture(&self, mut writer: Box<dyn Write>, head: &CaptureHead) -> io::Result<Box<dyn CaptureWriter>> {
        writeln!(writer, "{} {} {:?}", head.lab, head.segment, head.interfaces)?;
        Ok(Box::new(Tape(writer)))
    }
}

/// A capture as text.
struct Tape(Box<dyn Write>);

impl CaptureWriter for Tape {
    fn record(&mut self, record: &wire::Record) -> io::Result<()> {
        writeln!(self.0, "{}", record.at())
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.0.flush()
    }
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

/// Two PCs on a segment, each expected to be ready within 60 s, without a stop.
pub(crate) fn sample_lab() -> Lab {
    let expectation = |machine: usize| Expectation {
        machines: vec![machine],
        pattern: "kernel ready".into(),
        within: Span::from_seconds(60),
        is_absent: false,
    };
    Lab {
        name: "sample".into(),
        description: "two PCs".into(),
        seed: 1995,
        epoch_seconds: 0,
        stop: Some(Span::from_seconds(600)),
        speed: Speed::Max,
        segments: vec![Segment {
            name: "ether0".into(),
            settings: wire::Settings {
                kind: wire::Kind::TenBase2,
                model: wire::Model::CsmaCd,
                bit_rate: Rate::hertz(10_000_000),
                length_millimetres: 30_000,
            },
        }],
        machines: vec![machine(0), machine(1)],
        expectations: vec![expectation(0), expectation(1)],
        captures: vec![],
        images: vec![Image {
            name: "kernel".into(),
            source: ImageSource::Builtin("kernel".into()),
        }],
    }
}

fn machine(number: u8) -> Machine {
    Machine {
        name: format!("pc{number}"),
        memory_bytes: 4 << 20,
        cpu_clock: Rate::fraction(100_000_000, 3),
        isa_clock: Rate::hertz(8_000_000),
        post_port: 0x80,
        boot: Boot::Direct {
            image: 0,
            command_line: String::new(),
        },
        timing: timing(),
        cards: vec![Card {
            segment: 0,
            position_millimetres: 0,
            interface: format!("pc{number}/el0"),
            settings: ne2000::Settings {
                model: ne2000::Model::EtherLinkII,
                io_base: 0x280,
                memory_base: Some(0xCC000),
                interrupt: 3,
                station_address: [0x02, 0x60, 0x8c, 0, 0, number],
            },
        }],
    }
}

fn timing() -> Timing {
    let known = |value| Constant {
        value,
        source: Source::DataSheet,
        note: "a data sheet".into(),
    };
    Timing {
        isa_8bit: known(6),
        isa_16bit_memory: known(3),
        isa_16bit_io: known(3),
        isa_recovery: known(1),
        interrupt_acknowledge: known(3),
        cache_kilobytes: known(0),
        dram_read_wait: Constant {
            value: 1,
            source: Source::Placeholder,
            note: "board manual, not found".into(),
        },
        dram_write_wait: known(0),
    }
}
