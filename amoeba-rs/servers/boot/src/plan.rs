//! What is to be done next: which service is to start, to be looked at, to be ended. Time comes in as milliseconds since any
//! beginning.

use crate::configuration::{Configuration, Service};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use proto::capability::Capability;

/// How often in a row a service that was up may not answer before it is started anew.
pub const MOST_FAILURES: u32 = 3;
/// Milliseconds between two looks at a service that has just been started.
pub const EAGER: u64 = 500;

/// How a service fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It shall not run, and does not.
    Down,
    /// It waits for others, or for its next start.
    Waiting,
    /// It was started, and has not answered yet.
    Starting,
    /// It answers.
    Up,
    /// It shall end, or be started anew.
    Ending,
}

/// What is to be done. Each is answered by the call of the same name on the [`Plan`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start the service's program: [`Plan::started`].
    Start(usize),
    /// Ask the service, or else this process, whether it answers: [`Plan::polled`].
    Poll(usize, Option<Capability>),
    /// End this process of the service: [`Plan::stopped`].
    Stop(usize, Capability),
}

#[derive(Clone, Debug)]
struct Entry {
    service: Service,
    /// It shall run.
    is_wanted: bool,
    state: State,
    process: Option<Capability>,
    /// When it may be started.
    start: u64,
    /// When it is looked at next.
    poll: u64,
    /// When it must have answered.
    deadline: u64,
    failures: u32,
    starts: u32,
    /// Somebody is carrying an action of its out.
    is_busy: bool,
}

impl Entry {
    fn new(service: Service, now: u64) -> Entry {
        Entry {
            is_wanted: !service.is_down,
            state: State::Down,
            process: None,
            start: now,
            poll: now,
            deadline: now,
            failures: 0,
            starts: 0,
            is_busy: false,
            service,
        }
    }

    fn has_program(&self) -> bool {
        self.service.program.is_some()
    }

    /// It is not there any more.
    fn gone(&mut self) {
        self.process = None;
        self.state = if self.is_wanted {
            State::Waiting
        } else {
            State::Down
        };
    }
}

/// All services.
#[derive(Clone, Debug)]
pub struct Plan {
    entries: Vec<Entry>,
    is_ending: bool,
}

impl Plan {
    /// The services of a configuration, none of which runs as far as is known.
    pub fn new(configuration: &Configuration, now: u64) -> Plan {
        let mut plan = Plan {
            entries: Vec::new(),
            is_ending: false,
        };
        for service in &configuration.services {
            plan.add(Entry::new(service.clone(), now));
        }
        plan
    }

    fn add(&mut self, mut entry: Entry) {
        entry.gone();
        self.entries.push(entry);
    }

    /// Another configuration: services of the same name and with the same words go on; others end. `None` while actions are
    /// being carried out.
    pub fn reinitialise(&self, configuration: &Configuration, now: u64) -> Option<(Plan, Vec<Capability>)> {
        if self.entries.iter().any(|entry| entry.is_busy) {
            return None;
        }
        let mut plan = Plan::new(configuration, now);
        let mut ended = Vec::new();
        for old in &self.entries {
            let mut new = plan.entries.iter_mut();
            // The places of others that it waits for may have changed.
            let is_same = |new: &&mut Entry| {
                let mut service = old.service.clone();
                service.after.clone_from(&new.service.after);
                new.service == service
            };
            match new.find(is_same) {
                Some(new) => {
                    *new = Entry {
                        service: new.service.clone(),
                        ..old.clone()
                    };
                }
                None => ended.extend(old.process),
            }
        }
        Some((plan, ended))
    }

    /// What is to be done now; `None` if nothing is, before [`Plan::due`].
    pub fn next(&mut self, now: u64) -> Option<Action> {
        let action = (0..self.entries.len()).find_map(|place| self.action(place, now))?;
        let (Action::Start(place) | Action::Poll(place, _) | Action::Stop(place, _)) = action;
        self.entries[place].is_busy = true;
        Some(action)
    }

    fn action(&self, place: usize, now: u64) -> Option<Action> {
        let entry = &self.entries[place];
        if entry.is_busy {
            return None;
        }
        match (entry.state, entry.process) {
            (State::Down, _) => None,
            (State::Waiting, _) if !entry.is_wanted => None,
            (State::Waiting, _) if !entry.has_program() => {
                (now >= entry.poll).then_some(Action::Poll(place, None))
            }
            (State::Waiting, _) => {
                let can_start =
                    now >= entry.start && entry.service.after.iter().all(|&other| self.is_up(other));
                can_start.then_some(Action::Start(place))
            }
            (State::Ending, Some(process)) => {
                let can_stop = !(self.is_ending && self.is_needed(place));
                can_stop.then_some(Action::Stop(place, process))
            }
            (State::Ending, None) => None,
            (State::Starting | State::Up, process) => {
                (now >= entry.poll).then_some(Action::Poll(place, process))
            }
        }
    }

    /// Whether a service that runs, or is being started, was to start after this one.
    fn is_needed(&self, place: usize) -> bool {
        self.entries
            .iter()
            .any(|entry| (entry.process.is_some() || entry.is_busy) && entry.service.after.contains(&place))
    }

    /// When there is something to do at the latest, if nothing is told before.
    pub fn due(&self) -> u64 {
        let times = self.entries.iter().map(|entry| match entry.state {
            _ if entry.is_busy => u64::MAX,
            State::Down => u64::MAX,
            State::Waiting if entry.has_program() => entry.start,
            State::Waiting | State::Starting | State::Up => entry.poll,
            State::Ending => 0,
        });
        times.min().unwrap_or(u64::MAX)
    }

    /// A service was started, as this process, or could not be.
    pub fn started(&mut self, place: usize, now: u64, process: Option<Capability>) {
        let entry = &mut self.entries[place];
        entry.is_busy = false;
        entry.start = now + u64::from(entry.service.boot_rate);
        let Some(process) = process else {
            return;
        };
        entry.process = Some(process);
        entry.starts += 1;
        entry.failures = 0;
        entry.deadline = entry.start;
        entry.poll = now + EAGER.min(entry.service.poll_rate.into());
        entry.state = if entry.is_wanted {
            State::Starting
        } else {
            State::Ending
        };
    }

    /// A process of a service that an earlier boot server has started, and that still answers, goes on.
    pub fn adopt(&mut self, name: &str, now: u64, process: Capability) -> Option<usize> {
        let place = self.find(name)?;
        let entry = &mut self.entries[place];
        if entry.process.is_some() || !entry.has_program() || entry.is_busy {
            return None;
        }
        entry.process = Some(process);
        entry.state = State::Starting;
        entry.start = now + u64::from(entry.service.boot_rate);
        (entry.deadline, entry.poll) = (entry.start, now);
        if !entry.is_wanted {
            entry.state = State::Ending;
        }
        Some(place)
    }

    /// A service has answered, or not: whether it is up now and was not before.
    pub fn polled(&mut self, place: usize, now: u64, has_answered: bool) -> bool {
        let entry = &mut self.entries[place];
        entry.is_busy = false;
        let is_at_hand = matches!(entry.state, State::Starting | State::Up)
            || entry.state == State::Waiting && !entry.has_program() && entry.is_wanted;
        // It has ended while it was asked.
        if !is_at_hand {
            return false;
        }
        let rate = u64::from(entry.service.poll_rate);
        if has_answered {
            let is_new = entry.state != State::Up;
            entry.state = State::Up;
            entry.failures = 0;
            entry.poll = now + rate;
            return is_new;
        }
        entry.failures += 1;
        entry.poll = now
            + if entry.state == State::Up {
                rate
            } else {
                EAGER.min(rate)
            };
        let is_lost = match entry.state {
            State::Up => entry.failures >= MOST_FAILURES,
            _ => now >= entry.deadline,
        };
        if is_lost && entry.has_program() {
            entry.state = State::Ending;
        } else if is_lost {
            entry.state = State::Waiting;
        }
        false
    }

    /// The process of a service has been told to end, or is gone: it is not waited for.
    pub fn stopped(&mut self, place: usize) {
        self.entries[place].is_busy = false;
        self.entries[place].gone();
    }

    /// A process has ended: the name of its service. One of a former start is nobody's.
    pub fn ended(&mut self, process: &Capability) -> Option<&str> {
        let entry = self.of_process(process)?;
        entry.gone();
        Some(&entry.service.name)
    }

    /// A process goes on as another one, on another machine: the name of its service, which fares as before. One of a former start is
    /// nobody's.
    pub fn moved(&mut self, process: &Capability, new: Capability) -> Option<&str> {
        let entry = self.of_process(process)?;
        entry.process = Some(new);
        Some(&entry.service.name)
    }

    fn of_process(&mut self, process: &Capability) -> Option<&mut Entry> {
        let is_it = |entry: &&mut Entry| {
            entry.process.is_some_and(|own| {
                own.port == process.port && own.private.object() == process.private.object()
            })
        };
        self.entries.iter_mut().find(is_it)
    }

    /// Whether a service is being started: a process that is nobody's may be its.
    pub fn is_starting(&self) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| entry.is_busy && entry.process.is_none() && entry.has_program())
    }

    /// Has a service run, or not; false if there is none of that name.
    pub fn configure(&mut self, name: &str, is_wanted: bool, now: u64) -> bool {
        let Some(place) = self.find(name) else {
            return false;
        };
        let entry = &mut self.entries[place];
        entry.is_wanted = is_wanted && !self.is_ending;
        match entry.state {
            State::Down if entry.is_wanted => {
                entry.state = State::Waiting;
                entry.poll = now;
            }
            State::Waiting if !entry.is_wanted => entry.state = State::Down,
            State::Starting | State::Up if !entry.is_wanted => {
                entry.state = if entry.process.is_some() {
                    State::Ending
                } else {
                    State::Down
                };
            }
            _ => {}
        }
        true
    }

    /// Has everything end, each service before those that it was to start after.
    pub fn shut_down(&mut self, now: u64) {
        self.is_ending = true;
        let names: Vec<String> = self
            .entries
            .iter()
            .map(|entry| entry.service.name.clone())
            .collect();
        for name in names {
            self.configure(&name, false, now);
        }
    }

    /// Whether everything has ended after [`Plan::shut_down`].
    pub fn is_over(&self) -> bool {
        self.is_ending
            && self
                .entries
                .iter()
                .all(|entry| entry.state == State::Down && !entry.is_busy)
    }

    /// Whether all services that shall run do.
    pub fn is_ready(&self) -> bool {
        !self.is_ending
            && self
                .entries
                .iter()
                .all(|entry| !entry.is_wanted || entry.state == State::Up)
    }

    fn is_up(&self, place: usize) -> bool {
        self.entries[place].state == State::Up
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.service.name == name)
    }

    /// A service.
    pub fn service(&self, place: usize) -> &Service {
        &self.entries[place].service
    }

    /// How a service fares.
    pub fn state(&self, name: &str) -> Option<State> {
        self.find(name).map(|place| self.entries[place].state)
    }

    /// The processes that run, by the names of their services.
    pub fn processes(&self) -> impl Iterator<Item = (&str, Capability)> {
        self.entries
            .iter()
            .filter_map(|entry| Some((entry.service.name.as_str(), entry.process?)))
    }

    /// A line for each service: name, state, how often it was started.
    pub fn report(&self) -> String {
        let lines = self.entries.iter().map(|entry| {
            let state = match entry.state {
                State::Down => "down",
                State::Waiting => "waiting",
                State::Starting => "starting",
                State::Up => "up",
                State::Ending => "ending",
            };
            format!("{:<16} {state:<8} {} starts\n", entry.service.name, entry.starts)
        });
        lines.collect()
    }
}
