//! The observer of a run: puts what happens into the run folder and onto the terminal, and ends the run.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use clock::Instant;

use super::echo::Echo;
use super::expectations::{Expectations, Verdict};
use super::pace::{Call, Pace};
use super::plan::EndRule;
use super::storm::{STORM, StormWatch};
use crate::command::captures::Captures;
use crate::command::control::Control;
use crate::command::seam::Laboratory;
use crate::command::terminal::{Importance, Paint, Terminal};
use crate::command::time_text::seconds;
use crate::folder::{CaptureRecord, ConsoleLog, Event, EventLog, HostError, RunFolder, SignRecord};
use crate::frame_text;
use crate::lab::{Lab, deed_word};
use crate::runtime::{Happening, Observer, ResetCause, StopCause, StopReport, What};

/// So many POST codes of a machine become events; a guest may write them without end.
const POSTS_KEPT: u64 = 4096;
/// So many frames of a segment that met faults become events; a rule may touch every frame.
const FAULTS_KEPT: u64 = 4096;
/// So many resets of a machine become events and lines; a ROM may bring them about without end.
const RESETS_KEPT: u64 = 64;

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndReason {
    /// Every expectation is decided.
    Expected,
    /// The virtual time of `--until` or of the lab's `stop`.
    Until,
    /// The host time of `--wall-limit`.
    WallLimit,
    /// Ctrl-C.
    Interrupted,
    /// Every machine has stopped by itself.
    AllStopped,
    /// Nothing will ever happen again, and nothing limits the run.
    Asleep,
    /// Someone who steers the lab has ended it.
    Quit,
    /// The host refused something.
    HostTrouble,
}

impl EndReason {
    /// Whether the run has come to it by itself, and could stay up.
    pub(crate) fn is_by_itself(self) -> bool {
        matches!(
            self,
            Self::Expected | Self::Until | Self::AllStopped | Self::Asleep
        )
    }

    /// As in `events.jsonl` and the manifest.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::Until => "until",
            Self::WallLimit => "wall-limit",
            Self::Interrupted => "interrupted",
            Self::AllStopped => "all-stopped",
            Self::Asleep => "asleep",
            Self::Quit => "quit",
            Self::HostTrouble => "host-trouble",
        }
    }
}

/// A machine that stopped by itself.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    /// Index in the lab.
    pub(crate) machine: usize,
    /// When.
    pub(crate) at: Instant,
    /// The stable code.
    pub(crate) code: &'static str,
    /// One line.
    pub(crate) summary: String,
    /// Where the registers are.
    pub(crate) report: PathBuf,
    /// It halted after the POST code that was expected of it: a program in a ROM has ended.
    pub(crate) is_expected: bool,
}

/// What a watcher works with.
pub(crate) struct Setting<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) folder: &'a RunFolder,
    pub(crate) terminal: &'a mut Terminal,
    pub(crate) end: EndRule,
    pub(crate) pace: Pace,
    pub(crate) captures: Captures,
    pub(crate) is_echoed: &'a [bool],
    pub(crate) expectations: Expectations,
    pub(crate) control: Control,
}

/// What is left of a watcher when the run has ended.
pub(crate) struct Findings {
    pub(crate) expectations: Expectations,
    pub(crate) stops: Vec<Stop>,
    pub(crate) elapsed: Duration,
    pub(crate) trouble: Option<HostError>,
}

/// Watches a run.
pub(crate) struct Watcher<'a> {
    setting: Setting<'a>,
    events: EventLog,
    consoles: Vec<ConsoleLog>,
    echoes: Vec<Option<Echo>>,
    storms: Vec<StormWatch>,
    posts: Vec<u64>,
    resets: Vec<u64>,
    /// Frames that met faults, for each segment.
    faults: Vec<u64>,
    stops: Vec<Stop>,
    name_width: usize,
    /// Progress is to be shown.
    is_progress_due: bool,
    reason: Option<EndReason>,
    trouble: Option<HostError>,
}

impl<'a> Watcher<'a> {
    /// Creates the files that grow during the run.
    pub(crate) fn new(setting: Setting<'a>) -> Result<Self, HostError> {
        let machines = &setting.lab.machines;
        let consoles = machines
            .iter()
            .map(|machine| ConsoleLog::create(setting.folder, &machine.name));
        let echoes = machines.iter().zip(setting.is_echoed);
        Ok(Self {
            events: EventLog::create(setting.folder)?,
            consoles: consoles.collect::<Result<_, _>>()?,
            echoes: echoes
                .map(|(machine, is_echoed)| is_echoed.then(|| Echo::new(&machine.name)))
                .collect(),
            storms: vec![StormWatch::default(); setting.lab.segments.len()],
            posts: vec![0; machines.len()],
            resets: vec![0; machines.len()],
            faults: vec![0; setting.lab.segments.len()],
            stops: Vec::new(),
            name_width: machines
                .iter()
                .map(|machine| machine.name.len())
                .max()
                .unwrap_or(0),
            is_progress_due: false,
            reason: None,
            trouble: None,
            setting,
        })
    }

    /// Why the watcher ended the run; `None` if it only wants progress to be shown, or did not end it.
    pub(crate) fn reason(&self) -> Option<EndReason> {
        self.reason
    }

    /// Why a run ended that reached its virtual time limit. That may be the last deadline of what was waited for.
    pub(crate) fn reason_at_limit(&mut self) -> EndReason {
        self.setting.expectations.finish(self.setting.end.limit);
        if self.setting.end.is_until_expected && self.setting.expectations.are_decided() {
            EndReason::Expected
        } else {
            EndReason::Until
        }
    }

    /// Carries out what those who steer the lab want, and waits while virtual time stands still. Says why, if the run ends here.
    pub(crate) fn attend(&mut self, laboratory: &mut dyn Laboratory) -> Option<EndReason> {
        loop {
            if let Err(trouble) = self.setting.control.attend(self.setting.lab, laboratory) {
                self.trouble = Some(trouble);
                return Some(EndReason::HostTrouble);
            }
            if self.setting.control.is_quitting() {
                return Some(EndReason::Quit);
            }
            if !self.setting.control.is_paused() {
                return None;
            }
            self.setting.terminal.clear_bottom_line();
            match self.setting.pace.stand_still() {
                Call::Interrupted => return Some(EndReason::Interrupted),
                Call::WallLimit => return Some(EndReason::WallLimit),
                Call::GoOn | Call::Progress | Call::Orders => {}
            }
        }
    }

    /// The run has come to an end of that kind at `now` and stays up: virtual time stands still until someone says more, and
    /// nothing that the lab does ends it any more.
    pub(crate) fn keep(&mut self, now: Instant, reason: EndReason) {
        self.reason = None;
        self.setting.end.is_until_expected = false;
        self.setting.end.limit = Instant::NEVER;
        self.setting.control.pause();
        let text = format!(
            "{}; steer it with amlab ctl, or end it with Ctrl-C",
            reason.word()
        );
        self.tell(now, "lab", Paint::Odd, Importance::Result, "kept:", &text);
    }

    /// What steers the lab.
    pub(crate) fn control(&mut self) -> &mut Control {
        &mut self.setting.control
    }

    /// Whether progress is to be shown now.
    pub(crate) fn take_progress(&mut self) -> bool {
        std::mem::take(&mut self.is_progress_due)
    }

    /// Host time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.setting.pace.elapsed()
    }

    /// For progress.
    pub(crate) fn terminal(&mut self) -> &mut Terminal {
        self.setting.terminal
    }

    /// The run ended at `now`: completes and closes every file, even if one fails.
    pub(crate) fn finish(
        mut self,
        now: Instant,
        reason: EndReason,
        captures: &mut [CaptureRecord],
    ) -> Findings {
        let elapsed = self.elapsed();
        self.setting.terminal.clear_bottom_line();
        for echo in self.echoes.iter_mut().flatten() {
            if let Some(line) = echo.rest() {
                self.setting.terminal.console(&line);
            }
        }
        self.setting.expectations.finish(now);
        let mut outcomes = vec![
            self.tell_news(),
            self.log_the_end(now, reason),
            self.events.finish(),
            self.setting.control.finish(),
        ];
        outcomes.extend(self.consoles.iter_mut().map(ConsoleLog::finish));
        outcomes.push(self.setting.captures.finish(captures));
        let late = outcomes.into_iter().find_map(Result::err);
        Findings {
            expectations: self.setting.expectations,
            stops: self.stops,
            elapsed,
            trouble: self.trouble.or(late),
        }
    }

    fn log_the_end(&mut self, now: Instant, reason: EndReason) -> Result<(), HostError> {
        let counts = self.posts.iter().zip(&self.resets);
        for (machine, (posts, resets)) in self.setting.lab.machines.iter().zip(counts) {
            let machine = machine.name.as_str();
            if let Some(count @ 1..) = posts.checked_sub(POSTS_KEPT) {
                self.events.append(now, &Event::PostOmitted { machine, count })?;
            }
            if let Some(count @ 1..) = resets.checked_sub(RESETS_KEPT) {
                self.events.append(now, &Event::ResetOmitted { machine, count })?;
            }
        }
        for (segment, faults) in self.setting.lab.segments.iter().zip(&self.faults) {
            if let Some(count @ 1..) = faults.checked_sub(FAULTS_KEPT) {
                let segment = segment.name.as_str();
                self.events
                    .append(now, &Event::FrameFaultOmitted { segment, count })?;
            }
        }
        self.events.append(
            now,
            &Event::End {
                reason: reason.word(),
            },
        )
    }

    fn take_in(&mut self, now: Instant, happenings: &[Happening]) -> Result<(), HostError> {
        for happening in happenings {
            let at = happening.at;
            self.setting.control.take_in(happening);
            self.setting.expectations.advance(at);
            self.tell_news()?;
            match &happening.what {
                What::Console { machine, byte } => self.console(at, *machine, *byte)?,
                What::Post { machine, code } => self.post(at, *machine, *code)?,
                What::Reset { machine, cause } => self.reset(at, *machine, *cause)?,
                What::Power { machine, is_on } => self.power(at, *machine, *is_on)?,
                What::Stopped { machine, report } => self.stopped(at, *machine, report)?,
                What::Wire { segment, record } => self.wire(*segment, record)?,
            }
        }
        self.setting.control.advance(now);
        self.setting.expectations.advance(now);
        self.tell_news()
    }

    fn console(&mut self, at: Instant, machine: usize, byte: u8) -> Result<(), HostError> {
        self.consoles[machine].byte(at, byte)?;
        if let Some(line) = self.echoes[machine].as_mut().and_then(|echo| echo.byte(byte)) {
            self.setting.terminal.console(&line);
        }
        self.setting.expectations.byte(at, machine, byte);
        self.tell_news()
    }

    fn post(&mut self, at: Instant, machine: usize, code: u8) -> Result<(), HostError> {
        self.posts[machine] += 1;
        if self.posts[machine] <= POSTS_KEPT {
            let name = &self.setting.lab.machines[machine].name;
            log::info!(target: "post", "{at} {name} {code:02x}");
            self.events.append(at, &Event::Post { machine: name, code })?;
        }
        self.setting.expectations.post(at, machine, code);
        self.tell_news()
    }

    fn reset(&mut self, at: Instant, machine: usize, cause: ResetCause) -> Result<(), HostError> {
        self.resets[machine] += 1;
        if self.resets[machine] > RESETS_KEPT {
            return Ok(());
        }
        let name = self.setting.lab.machines[machine].name.clone();
        let cause = cause.word();
        self.events.append(
            at,
            &Event::Reset {
                machine: &name,
                cause,
            },
        )?;
        self.tell(at, &name, Paint::Odd, Importance::Detail, "reset:", cause);
        Ok(())
    }

    fn stopped(&mut self, at: Instant, machine: usize, report: &StopReport) -> Result<(), HostError> {
        let earlier = self.stops.iter().filter(|stop| stop.machine == machine).count();
        let number = u32::try_from(earlier + 1).unwrap_or(u32::MAX);
        let name = self.setting.lab.machines[machine].name.clone();
        let code = report.cause.code();
        let head = format!("{code} {name} at {at}, {}\n\n", report.summary);
        let path = self
            .setting
            .folder
            .write_fault(&name, number, &(head + &report.text))?;
        let place = path
            .strip_prefix(self.setting.folder.path())
            .unwrap_or(&path)
            .display()
            .to_string();
        let (summary, report_place) = (report.summary.as_str(), place.as_str());
        let is_halt = report.cause == StopCause::HaltedForGood;
        let is_expected = is_halt && self.setting.expectations.has_ended_well(machine);
        let event = Event::GuestStop {
            machine: &name,
            code,
            summary,
            report: report_place,
            expected: is_expected,
        };
        self.events.append(at, &event)?;
        if is_expected {
            self.tell(at, &name, Paint::Good, Importance::Detail, "ended:", summary);
        } else {
            self.tell(at, &name, Paint::Bad, Importance::Result, "stopped:", summary);
        }
        self.stops.push(Stop {
            machine,
            at,
            code,
            summary: summary.into(),
            report: path,
            is_expected,
        });
        self.setting.expectations.stopped(at, machine);
        self.tell_news()
    }

    fn power(&mut self, at: Instant, machine: usize, is_on: bool) -> Result<(), HostError> {
        let name = self.setting.lab.machines[machine].name.clone();
        let event = Event::Power {
            machine: &name,
            on: is_on,
        };
        self.events.append(at, &event)?;
        let text = if is_on { "on" } else { "off" };
        self.tell(at, &name, Paint::Odd, Importance::Detail, "power:", text);
        Ok(())
    }

    fn wire(&mut self, segment: usize, record: &wire::Record) -> Result<(), HostError> {
        self.setting.captures.record(segment, record)?;
        match record {
            wire::Record::Collision { at, .. } if self.storms[segment].collision(*at) => {
                self.storm(segment, *at)
            }
            wire::Record::Frame {
                start,
                station,
                frame,
                outcome,
            } => {
                let name = &self.setting.lab.segments[segment].name;
                log::debug!(target: "wire", "{start} {name} {}", frame_text::describe(frame.bytes()));
                self.frame(segment, *start, *station, outcome.end)
            }
            wire::Record::Fault { .. } => self.frame_fault(segment, record),
            wire::Record::Cable { at, change } => self.cable(segment, *at, *change),
            _ => Ok(()),
        }
    }

    fn storm(&mut self, segment: usize, at: Instant) -> Result<(), HostError> {
        let name = self.setting.lab.segments[segment].name.clone();
        let event = Event::CollisionStorm {
            segment: &name,
            collisions: STORM,
        };
        self.events.append(at, &event)?;
        let text = format!("{STORM} collisions within a tenth of a second");
        self.tell(
            at,
            &name,
            Paint::Odd,
            Importance::Detail,
            "collision storm:",
            &text,
        );
        Ok(())
    }

    fn frame(
        &mut self,
        segment: usize,
        start: Instant,
        station: wire::StationId,
        end: wire::End,
    ) -> Result<(), HostError> {
        let reason = match end {
            wire::End::Good => return Ok(()),
            wire::End::TooManyCollisions => "sixteen attempts collided",
            wire::End::CarrierLost => "the station is off the cable",
        };
        let event = Event::FrameLost {
            segment: &self.setting.lab.segments[segment].name,
            interface: self.interface(segment, station),
            reason,
        };
        self.events.append(start, &event)
    }

    fn frame_fault(&mut self, segment: usize, record: &wire::Record) -> Result<(), HostError> {
        let wire::Record::Fault {
            start,
            station,
            rule,
            deed,
            receivers,
            ..
        } = record
        else {
            return Ok(());
        };
        self.faults[segment] += 1;
        if self.faults[segment] > FAULTS_KEPT {
            return Ok(());
        }
        let lab = self.setting.lab;
        let names = lab.station_names(segment);
        let event = Event::FrameFault {
            segment: &lab.segments[segment].name,
            fault: rule,
            kind: deed_word(deed),
            interface: names[usize::from(station.0)],
            receivers: receivers
                .iter()
                .map(|receiver| names[usize::from(receiver.0)])
                .collect(),
        };
        self.events.append(*start, &event)
    }

    fn cable(&mut self, segment: usize, at: Instant, change: wire::CableChange) -> Result<(), HostError> {
        let lab = self.setting.lab;
        let name = lab.segments[segment].name.as_str();
        let names = lab.station_names(segment);
        let (event, word, text) = match change {
            wire::CableChange::Unplugged(station) => {
                let interface = names[usize::from(station.0)];
                let event = Event::Unplugged {
                    segment: name,
                    interface,
                };
                (event, "unplugged:", interface.to_owned())
            }
            wire::CableChange::Plugged(station) => {
                let interface = names[usize::from(station.0)];
                let event = Event::Plugged {
                    segment: name,
                    interface,
                };
                (event, "plugged:", interface.to_owned())
            }
            wire::CableChange::Cut(position_mm) => {
                let event = Event::Cut {
                    segment: name,
                    position_mm,
                };
                (event, "cut:", format!("at {position_mm} mm"))
            }
            wire::CableChange::Joined(position_mm) => {
                let event = Event::Joined {
                    segment: name,
                    position_mm,
                };
                (event, "joined:", format!("at {position_mm} mm"))
            }
        };
        self.events.append(at, &event)?;
        self.tell(at, name, Paint::Odd, Importance::Detail, word, &text);
        Ok(())
    }

    fn interface(&self, segment: usize, station: wire::StationId) -> &'a str {
        self.setting.lab.station_names(segment)[usize::from(station.0)]
    }

    /// Expectations decided since the last call.
    fn tell_news(&mut self) -> Result<(), HostError> {
        for index in self.setting.expectations.take_news() {
            let watch = self.setting.expectations.watches()[index].clone();
            let machine = self.setting.lab.machines[watch.machine].name.clone();
            let (sign, absent) = (SignRecord::from(&watch.sign), watch.is_absent);
            let shown = if absent {
                format!("no {}", watch.text())
            } else {
                watch.text()
            };
            match watch.verdict {
                Verdict::Open => {}
                Verdict::Met(at) => {
                    self.events.append(
                        at,
                        &Event::Met {
                            machine: &machine,
                            sign,
                            absent,
                        },
                    )?;
                    self.tell(at, &machine, Paint::Good, Importance::Detail, "met:", &shown);
                }
                Verdict::Missed(at, miss) => {
                    let reason = &miss.to_string();
                    self.events.append(
                        at,
                        &Event::Missed {
                            machine: &machine,
                            sign,
                            absent,
                            reason,
                        },
                    )?;
                    let text = format!("{shown} ({reason})");
                    self.tell(at, &machine, Paint::Bad, Importance::Result, "missed:", &text);
                }
            }
        }
        Ok(())
    }

    fn tell(&mut self, at: Instant, who: &str, paint: Paint, importance: Importance, word: &str, text: &str) {
        let word = self.setting.terminal.painted(paint, word);
        let width = self.name_width;
        let line = format!("{:>12}  {who:<width$}  {word} {text}", seconds(at));
        self.setting.terminal.line(importance, &line);
    }

    fn decide(&mut self, now: Instant) -> ControlFlow<()> {
        if self.setting.end.is_until_expected && self.setting.expectations.are_decided() {
            return self.end(EndReason::Expected);
        }
        match self.setting.pace.reached(now) {
            Call::GoOn => ControlFlow::Continue(()),
            Call::Progress => {
                self.is_progress_due = true;
                ControlFlow::Break(())
            }
            Call::Orders => ControlFlow::Break(()),
            Call::WallLimit => self.end(EndReason::WallLimit),
            Call::Interrupted => self.end(EndReason::Interrupted),
        }
    }

    fn end(&mut self, reason: EndReason) -> ControlFlow<()> {
        self.reason = Some(reason);
        ControlFlow::Break(())
    }
}

impl Observer for Watcher<'_> {
    fn window(&mut self, now: Instant, happenings: &[Happening]) -> ControlFlow<()> {
        match self.take_in(now, happenings) {
            Ok(()) => self.decide(now),
            Err(trouble) => {
                self.trouble = Some(trouble);
                self.end(EndReason::HostTrouble)
            }
        }
    }
}
