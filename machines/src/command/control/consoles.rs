//! What machines print, for those who wait for a text or are attached to a console.

use std::collections::VecDeque;

use clock::Instant;
use regex_automata::meta::Regex;
use serde_json::{Value, json};

use super::protocol::{self, Refusal};
use super::server::Client;
use crate::line_search::GrowingLine;

/// So many of the last bytes of each console are kept for those who begin to wait.
const KEPT: usize = 64 * 1024;
/// So many of the last bytes are shown to whoever attaches.
const SHOWN: usize = 4 * 1024;

/// The consoles of a lab.
#[derive(Debug)]
pub(super) struct Consoles {
    consoles: Vec<Console>,
    waits: Vec<Wait>,
    viewers: Vec<Viewer>,
}

/// The end of what a machine has printed.
#[derive(Clone, Debug, Default)]
struct Console {
    text: VecDeque<u8>,
    /// So many bytes of `text` lie before what the next wait looks at.
    seen: usize,
}

/// Someone who waits for a text.
#[derive(Debug)]
pub(super) struct Wait {
    /// Index of the machine in the lab.
    pub(super) machine: usize,
    /// The text.
    pub(super) regex: Regex,
    /// When waiting ends.
    pub(super) deadline: Instant,
    /// Who.
    pub(super) client: Client,
    /// The letter's.
    pub(super) id: Value,
    /// What it looks at.
    pub(super) line: GrowingLine,
}

impl Wait {
    fn refuse(&self, code: &'static str, message: &str) {
        let refusal = Refusal::new(code, message);
        self.client.tell(&protocol::refusal(&self.id, &refusal));
    }
}

/// Someone attached to a console.
#[derive(Debug)]
struct Viewer {
    machine: usize,
    client: Client,
    news: Vec<u8>,
}

impl Console {
    fn push(&mut self, byte: u8) {
        if self.text.len() == KEPT {
            self.text.pop_front();
            self.seen = self.seen.saturating_sub(1);
        }
        self.text.push_back(byte);
    }
}

impl Consoles {
    /// For so many machines.
    pub(super) fn new(machines: usize) -> Self {
        Self {
            consoles: vec![Console::default(); machines],
            waits: Vec::new(),
            viewers: Vec::new(),
        }
    }

    /// A machine printed `byte` at `at`.
    pub(super) fn byte(&mut self, at: Instant, machine: usize, byte: u8) {
        let console = &mut self.consoles[machine];
        console.push(byte);
        self.waits.retain_mut(|wait| {
            let is_found = wait.machine == machine && wait.line.push(byte) && wait.line.shows(&wait.regex);
            if is_found {
                console.seen = console.text.len();
                wait.client.tell(&protocol::answer(&wait.id, at, Value::Null));
            }
            !is_found
        });
        for viewer in &mut self.viewers {
            if viewer.machine == machine {
                viewer.news.push(byte);
            }
        }
    }

    /// A machine stopped by itself: nothing more will come of it.
    pub(super) fn stopped(&mut self, machine: usize) {
        self.end_waits(
            |wait| wait.machine == machine,
            "ctl::stopped",
            "the machine has stopped",
        );
    }

    /// Virtual time has reached `now`.
    pub(super) fn advance(&mut self, now: Instant) {
        if !self.waits.is_empty() {
            let message = "the time of the wait is over";
            self.end_waits(|wait| wait.deadline < now, "ctl::timeout", message);
        }
        for viewer in &mut self.viewers {
            if !viewer.news.is_empty() {
                let news = std::mem::take(&mut viewer.news);
                tell_text(&viewer.client, viewer.machine, &news);
            }
        }
    }

    /// The run has ended.
    pub(super) fn finish(&mut self) {
        self.end_waits(|_| true, "ctl::ended", "the run has ended");
    }

    fn end_waits(&mut self, is_over: impl Fn(&Wait) -> bool, code: &'static str, message: &str) {
        self.waits.retain(|wait| {
            let is_over = is_over(wait);
            if is_over {
                wait.refuse(code, message);
            }
            !is_over
        });
    }

    /// Something is typed on a machine: waits look at what comes after it.
    pub(super) fn typed(&mut self, machine: usize) {
        let console = &mut self.consoles[machine];
        console.seen = console.text.len();
    }

    /// Begins to wait, unless the text has come already.
    pub(super) fn wait(&mut self, now: Instant, mut wait: Wait) {
        let console = &mut self.consoles[wait.machine];
        let mut rest = console.text.range(console.seen..);
        let found = rest.position(|byte| wait.line.push(*byte) && wait.line.shows(&wait.regex));
        match found {
            Some(place) => {
                console.seen += place + 1;
                wait.client.tell(&protocol::answer(&wait.id, now, Value::Null));
            }
            None => self.waits.push(wait),
        }
    }

    /// Attaches someone to a console.
    pub(super) fn attach(&mut self, machine: usize, client: Client) {
        let text = &self.consoles[machine].text;
        let last: Vec<u8> = text.range(text.len().saturating_sub(SHOWN)..).copied().collect();
        if !last.is_empty() {
            tell_text(&client, machine, &last);
        }
        self.viewers.push(Viewer {
            machine,
            client,
            news: Vec::new(),
        });
    }

    /// Someone has gone.
    pub(super) fn forget(&mut self, client: u64) {
        self.waits.retain(|wait| wait.client.number != client);
        self.viewers.retain(|viewer| viewer.client.number != client);
    }
}

fn tell_text(client: &Client, machine: usize, text: &[u8]) {
    let text = protocol::to_text(text);
    client.tell(&json!({ "event": "console", "number": machine, "bytes": text }));
}
