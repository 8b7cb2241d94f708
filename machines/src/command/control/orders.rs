//! Carrying out what clients want, between windows of the lab.

use clock::{Instant, Span};
use serde_json::{Value, json};
use wire::StationId;

use super::consoles::Wait;
use super::protocol::{self, CableState, Letter, PowerState, Refusal, Request};
use super::server::{Client, Order};
use super::{Control, Goal, MachineState};
use crate::command::run::Counts;
use crate::command::seam::Laboratory;
use crate::command::time_text::parse_span;
use crate::folder::HostError;
use crate::keyboard_layout;
use crate::lab::{InputDevice, Lab};
use crate::line_search::{GrowingLine, compile};
use crate::machine::{PowerEvent, TornSector};
use crate::runtime::Deed;

/// The most that is typed at once.
const LONGEST_TEXT: usize = 64 * 1024;

/// What becomes of a letter.
enum Outcome {
    /// It is answered now.
    Answer(Value),
    /// It is answered later.
    Later,
}

impl Control {
    /// Carries out everything that is wanted by now.
    ///
    /// # Errors
    /// The host refuses to write `inputs.log`.
    pub(crate) fn attend(&mut self, lab: &Lab, laboratory: &mut dyn Laboratory) -> Result<(), HostError> {
        while let Some(order) = self.server.next() {
            match order {
                Order::Welcome(client) => {
                    client.tell(&greeting(lab));
                    self.clients.push(client);
                }
                Order::Farewell(client) => self.forget(&client),
                Order::Letter(client, Ok(letter)) => self.answer(lab, laboratory, &client, &letter)?,
                Order::Letter(client, Err(error)) => {
                    let refusal = Refusal::new("ctl::request", format!("this is no request: {error}"));
                    client.tell(&protocol::refusal(&Value::Null, &refusal));
                }
            }
        }
        Ok(())
    }

    /// What still came when the run had ended.
    pub(super) fn refuse_after_the_end(&mut self, order: Order) {
        match order {
            Order::Welcome(client) => self.clients.push(client),
            Order::Letter(client, Ok(letter)) => {
                let refusal = Refusal::new("ctl::ended", "the run has ended");
                client.tell(&protocol::refusal(&letter.id, &refusal));
            }
            Order::Letter(_, Err(_)) | Order::Farewell(_) => {}
        }
    }

    fn forget(&mut self, client: &Client) {
        self.clients.retain(|other| other.number != client.number);
        self.consoles.forget(client.number);
        client.dismiss();
        // Whoever wanted to stand there is gone; time stands still there all the same.
    }

    fn answer(
        &mut self,
        lab: &Lab,
        laboratory: &mut dyn Laboratory,
        client: &Client,
        letter: &Letter,
    ) -> Result<(), HostError> {
        let now = laboratory.now();
        let said = match self.carry_out(lab, laboratory, client, letter)? {
            Ok(Outcome::Answer(more)) => protocol::answer(&letter.id, now, more),
            Ok(Outcome::Later) => return Ok(()),
            Err(refusal) => protocol::refusal(&letter.id, &refusal),
        };
        client.tell(&said);
        Ok(())
    }

    fn carry_out(
        &mut self,
        lab: &Lab,
        laboratory: &mut dyn Laboratory,
        client: &Client,
        letter: &Letter,
    ) -> Result<Result<Outcome, Refusal>, HostError> {
        let deeds = match deeds(lab, &letter.request) {
            Ok(Some(deeds)) => deeds,
            Ok(None) => return Ok(self.without_deed(lab, laboratory, client, letter)),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut last = laboratory.now();
        for deed in deeds {
            last = laboratory.inject(&deed);
            self.inputs.append(last, &deed, lab)?;
            if let Deed::Type { machine, .. } = deed {
                self.consoles.typed(machine);
            }
        }
        let done = json!({ "done_at_ns": last.nanoseconds() });
        Ok(Ok(Outcome::Answer(done)))
    }

    /// What is not done to the lab itself.
    fn without_deed(
        &mut self,
        lab: &Lab,
        laboratory: &dyn Laboratory,
        client: &Client,
        letter: &Letter,
    ) -> Result<Outcome, Refusal> {
        let now = laboratory.now();
        let answer = match &letter.request {
            Request::Status => self.status(lab, laboratory),
            Request::Pause => {
                self.interrupt_goal();
                self.is_paused = true;
                json!({ "state": "paused" })
            }
            Request::Resume => {
                self.is_paused = false;
                json!({ "state": "running" })
            }
            Request::Step { span } => return self.go_to(now + time(span)?, now, client, letter),
            Request::Until { time: text } => {
                return self.go_to(Instant::START + time(text)?, now, client, letter);
            }
            Request::Wait {
                machine,
                pattern,
                within,
            } => return self.wait(lab, now, client, letter, (machine, pattern, within.as_deref())),
            Request::Stats => {
                let statistics = laboratory.statistics();
                let counts = serde_json::to_value(Counts::new(&statistics));
                json!({ "stats": counts.expect("statistics hold only texts and numbers") })
            }
            Request::Attach { machine } => {
                let machine = number_of(lab, machine)?;
                client.tell(&protocol::answer(&letter.id, now, json!({ "number": machine })));
                self.consoles.attach(machine, client.clone());
                return Ok(Outcome::Later);
            }
            Request::Screen { machine } => {
                let machine = number_of(lab, machine)?;
                json!({ "lines": laboratory.screen(machine) })
            }
            Request::Quit => {
                self.is_quitting = true;
                Value::Null
            }
            Request::Type { .. } | Request::Power { .. } | Request::Cable { .. } => Value::Null,
        };
        Ok(Outcome::Answer(answer))
    }

    fn status(&self, lab: &Lab, laboratory: &dyn Laboratory) -> Value {
        let statistics = laboratory.statistics();
        let counts = serde_json::to_value(Counts::new(&statistics)).unwrap_or_default();
        let machine = |number: usize| {
            let state = match self.machines[number] {
                MachineState::Running => "running",
                MachineState::Stopped => "stopped",
                MachineState::Off => "off",
            };
            let busy = &counts["machines"][number]["busy_percent"];
            json!({ "name": lab.machines[number].name, "state": state, "busy_percent": busy })
        };
        let machines: Vec<Value> = (0..lab.machines.len()).map(machine).collect();
        let state = if self.is_paused { "paused" } else { "running" };
        json!({ "lab": lab.name, "state": state, "machines": machines })
    }

    /// Whoever wanted virtual time to stand still somewhere else is told that it does not come to that.
    fn interrupt_goal(&mut self) {
        if let Some(goal) = self.goal.take() {
            let refusal = Refusal::new("ctl::interrupted", "someone else steers the lab");
            goal.client.tell(&protocol::refusal(&goal.id, &refusal));
        }
    }

    fn go_to(
        &mut self,
        at: Instant,
        now: Instant,
        client: &Client,
        letter: &Letter,
    ) -> Result<Outcome, Refusal> {
        if at <= now {
            return Err(Refusal::new("ctl::past", "virtual time is there already"));
        }
        self.interrupt_goal();
        self.is_paused = false;
        self.goal = Some(Goal {
            at,
            client: client.clone(),
            id: letter.id.clone(),
        });
        Ok(Outcome::Later)
    }

    fn wait(
        &mut self,
        lab: &Lab,
        now: Instant,
        client: &Client,
        letter: &Letter,
        (machine, pattern, within): (&str, &str, Option<&str>),
    ) -> Result<Outcome, Refusal> {
        let machine = number_of(lab, machine)?;
        let regex = compile(pattern).map_err(|error| {
            Refusal::new(
                "ctl::pattern",
                format!("`{pattern}` is no regular expression: {error}"),
            )
        })?;
        let deadline = match within {
            Some(within) => now + time(within)?,
            None => Instant::NEVER,
        };
        let wait = Wait {
            machine,
            regex,
            deadline,
            client: client.clone(),
            id: letter.id.clone(),
            line: GrowingLine::default(),
        };
        self.consoles.wait(now, wait);
        Ok(Outcome::Later)
    }
}

/// What the lab says to whoever comes.
fn greeting(lab: &Lab) -> Value {
    let machines: Vec<&str> = lab.machines.iter().map(|machine| machine.name.as_str()).collect();
    json!({ "amlab": env!("CARGO_PKG_VERSION"), "lab": lab.name, "machines": machines })
}

/// What is to be done to the lab for a request; `None` if it is no such request.
fn deeds(lab: &Lab, request: &Request) -> Result<Option<Vec<Deed>>, Refusal> {
    let deeds = match request {
        Request::Type {
            machine,
            text,
            bytes,
            device,
        } => vec![Deed::Type {
            machine: number_of(lab, machine)?,
            device: *device,
            text: typed(text, bytes, *device)?,
        }],
        Request::Power { machine, state } => {
            let machine = number_of(lab, machine)?;
            vec![match state {
                PowerState::Off => Deed::Power {
                    machine,
                    event: PowerEvent::Off(TornSector::Unreadable),
                },
                PowerState::On => Deed::Power {
                    machine,
                    event: PowerEvent::On,
                },
                PowerState::Reset => Deed::Reset { machine },
            }]
        }
        Request::Cable { station, state } => {
            let is_in = *state == CableState::In;
            let deed = |(segment, station)| Deed::Cable {
                segment,
                station,
                is_in,
            };
            stations(lab, station)?.into_iter().map(deed).collect()
        }
        _ => return Ok(None),
    };
    Ok(Some(deeds))
}

fn typed(text: &str, bytes: &str, device: InputDevice) -> Result<Vec<u8>, Refusal> {
    let refused = |message: &str| Err(Refusal::new("ctl::text", message));
    let typed = match (text, bytes) {
        ("", "") => return refused("there is nothing to type"),
        (text, "") => text.as_bytes().to_vec(),
        ("", bytes) => match protocol::to_bytes(bytes) {
            Some(bytes) => bytes,
            None => return refused("`bytes` has a character for each byte, U+0000 to U+00FF"),
        },
        _ => return refused("give `text` or `bytes`, not both"),
    };
    if typed.len() > LONGEST_TEXT {
        return refused("no more than 65536 bytes are typed at once");
    }
    if device == InputDevice::Keyboard && keyboard_layout::strokes(&typed).is_err() {
        return refused("the keyboard has no key for some of this");
    }
    Ok(typed)
}

fn time(text: &str) -> Result<Span, Refusal> {
    parse_span(text).map_err(|error| Refusal::new("ctl::time", format!("`{text}` is no time: {error}")))
}

fn number_of(lab: &Lab, name: &str) -> Result<usize, Refusal> {
    let mut machines = lab.machines.iter();
    machines.position(|machine| machine.name == name).ok_or_else(|| {
        let names: Vec<&str> = lab.machines.iter().map(|machine| machine.name.as_str()).collect();
        let message = format!("there is no machine `{name}`; there is {}", names.join(", "));
        Refusal::new("ctl::unknown-machine", message)
    })
}

/// The stations of that name: a machine's, or one interface.
fn stations(lab: &Lab, name: &str) -> Result<Vec<(usize, StationId)>, Refusal> {
    let mut found = Vec::new();
    for segment in 0..lab.segments.len() {
        let names = lab.station_names(segment);
        let is_meant = |interface: &str| interface == name || interface.split('/').next() == Some(name);
        let stations = (0..).map(StationId).zip(names);
        found.extend(
            stations
                .filter(|(_, interface)| is_meant(interface))
                .map(|(station, _)| (segment, station)),
        );
    }
    if found.is_empty() {
        let message = format!("no cable has a station `{name}`");
        return Err(Refusal::new("ctl::unknown-station", message));
    }
    Ok(found)
}
