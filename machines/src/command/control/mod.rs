//! Steering a lab while it runs: the socket, what clients want, and what comes of it.
//!
//! A tour: [`server`] hears clients; [`protocol`] is what is said; [`orders`] carries out what they want, between windows of the lab;
//! [`consoles`] remembers what machines print for those who wait for it. Whatever is done to the lab goes through
//! [`Laboratory::inject`](super::seam::Laboratory::inject) and into `inputs.log`, so that the run can be repeated.

mod consoles;
mod orders;
pub(crate) mod protocol;
mod server;

use clock::Instant;
use serde_json::{Value, json};

use self::consoles::Consoles;
use self::protocol::Refusal;
use self::server::Client;
pub(crate) use self::server::{Bell, Server};
use crate::folder::{HostError, InputLog, RunFolder};
use crate::lab::Lab;
use crate::runtime::{Happening, What};

/// The name of the socket in the run folder.
pub(crate) const SOCKET: &str = "control.sock";

/// What steers a run.
#[derive(Debug)]
pub(crate) struct Control {
    server: Server,
    consoles: Consoles,
    inputs: InputLog,
    machines: Vec<MachineState>,
    /// Everyone at the socket.
    clients: Vec<Client>,
    goal: Option<Goal>,
    is_paused: bool,
    is_quitting: bool,
}

/// What a machine does, as far as only its happenings tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MachineState {
    Running,
    Stopped,
    Off,
}

/// Where virtual time shall stand still next.
#[derive(Debug)]
struct Goal {
    at: Instant,
    client: Client,
    id: Value,
}

impl Control {
    /// For a run of `lab` that leaves `folder`. It begins paused if `is_paused`.
    ///
    /// # Errors
    /// The host refuses `inputs.log`.
    pub(crate) fn new(
        lab: &Lab,
        folder: &RunFolder,
        server: Server,
        is_paused: bool,
    ) -> Result<Self, HostError> {
        Ok(Self {
            server,
            consoles: Consoles::new(lab.machines.len()),
            inputs: InputLog::append_to(folder)?,
            machines: vec![MachineState::Running; lab.machines.len()],
            clients: Vec::new(),
            goal: None,
            is_paused,
            is_quitting: false,
        })
    }

    /// Tells that someone wants something.
    pub(crate) fn bell(&self) -> Bell {
        self.server.bell()
    }

    /// Whether virtual time stands still.
    pub(crate) fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Virtual time stands still from now on.
    pub(crate) fn pause(&mut self) {
        self.is_paused = true;
    }

    /// Whether the run shall end.
    pub(crate) fn is_quitting(&self) -> bool {
        self.is_quitting
    }

    /// Where virtual time shall stand still next; [`Instant::NEVER`] for nowhere.
    pub(crate) fn goal(&self) -> Instant {
        self.goal.as_ref().map_or(Instant::NEVER, |goal| goal.at)
    }

    /// The goal has been reached, or the run has come to its end before: time stands still at `now`, and whoever wanted the
    /// goal is told.
    pub(crate) fn reach_goal(&mut self, now: Instant) {
        if let Some(goal) = self.goal.take() {
            self.is_paused = true;
            goal.client
                .tell(&protocol::answer(&goal.id, now, json!({ "state": "paused" })));
        }
    }

    /// Something happened.
    pub(crate) fn take_in(&mut self, happening: &Happening) {
        match happening.what {
            What::Console { machine, byte } => self.consoles.byte(happening.at, machine, byte),
            What::Stopped { machine, .. } => {
                self.machines[machine] = MachineState::Stopped;
                self.consoles.stopped(machine);
            }
            What::Power { machine, is_on } => {
                self.machines[machine] = if is_on {
                    MachineState::Running
                } else {
                    MachineState::Off
                };
            }
            What::Reset { machine, .. } => self.machines[machine] = MachineState::Running,
            What::Post { .. } | What::Wire { .. } => {}
        }
    }

    /// Virtual time has reached `now`, and all that happened before has been taken in.
    pub(crate) fn advance(&mut self, now: Instant) {
        self.consoles.advance(now);
    }

    /// The run has ended: everyone is told, and `inputs.log` is complete.
    ///
    /// # Errors
    /// The host refuses the file.
    pub(crate) fn finish(&mut self) -> Result<(), HostError> {
        self.consoles.finish();
        if let Some(goal) = self.goal.take() {
            let refusal = Refusal::new("ctl::ended", "the run has ended before that time");
            goal.client.tell(&protocol::refusal(&goal.id, &refusal));
        }
        while let Some(order) = self.server.next() {
            self.refuse_after_the_end(order);
        }
        for client in &self.clients {
            client.tell(&json!({ "event": "end" }));
            client.dismiss();
        }
        self.inputs.finish()
    }
}

#[cfg(test)]
mod tests;
