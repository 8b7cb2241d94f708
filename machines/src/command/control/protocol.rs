//! What is said over the control socket: lines of JSON, one object each.
//!
//! A client says what to [`do`](Request), with an `id` of its own if it likes, and gets one answer, `{"ok": true, ...}` with the virtual
//! time `at_ns`, or `{"ok": false, "code": ..., "message": ...}`, with the same `id`. Before that the lab greets it, and a client that is
//! attached to a console gets `{"event": "console", "machine": ..., "bytes": ...}` at any time. Bytes are written as text with one
//! character (U+0000 to U+00FF) for each.

use clock::Instant;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::lab::InputDevice;

/// What a client wants. Times are written as on the command line, such as `1.5s`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(crate) enum Request {
    /// Where the lab is and what its machines do.
    Status,
    /// Virtual time stands still from now on.
    Pause,
    /// It goes on.
    Resume,
    /// It goes on for so long, then stands still. The answer comes then.
    Step {
        /// How long.
        span: String,
    },
    /// It goes on until then, then stands still. The answer comes then.
    Until {
        /// Virtual time since the lab was switched on.
        time: String,
    },
    /// Types on a machine.
    Type {
        /// Its name.
        machine: String,
        /// What, in UTF-8.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        text: String,
        /// What, in bytes, in place of `text`.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        bytes: String,
        /// On what.
        #[serde(default)]
        device: InputDevice,
    },
    /// Answers when a machine has printed a text since the last `type` to it, or since what the last `wait` found.
    Wait {
        /// Its name.
        machine: String,
        /// A regular expression that a line matches.
        pattern: String,
        /// Virtual time from now on; without it for ever.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within: Option<String>,
    },
    /// Switches a machine.
    Power {
        /// Its name.
        machine: String,
        /// How.
        state: PowerState,
    },
    /// Takes a machine's cards off their cables, or puts them back.
    Cable {
        /// The machine's name, or that of one interface.
        station: String,
        /// Which.
        state: CableState,
    },
    /// What the lab has counted, as in `stats.json`.
    Stats,
    /// From now on this client is told what a machine prints, and what it printed last.
    Attach {
        /// Its name.
        machine: String,
    },
    /// The text on a machine's VGA screen.
    Screen {
        /// Its name.
        machine: String,
    },
    /// The run ends.
    Quit,
}

/// What is done to a machine's switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PowerState {
    /// The power fails; a sector that is being written becomes unreadable.
    Off,
    /// It comes back.
    On,
    /// The reset button is pressed.
    Reset,
}

/// Where a station is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CableState {
    /// Off its cable.
    Out,
    /// On its cable.
    In,
}

/// A request as it comes over the socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Letter {
    /// Given back with the answer.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(crate) id: Value,
    /// What is wanted.
    #[serde(flatten)]
    pub(crate) request: Request,
}

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The stable code, such as `ctl::unknown-machine`.
    pub(crate) code: &'static str,
    /// For people.
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// The answer to the letter of that `id`: at `now`, with the fields of `more`.
pub(crate) fn answer(id: &Value, now: Instant, more: Value) -> Value {
    let mut answer = json!({ "ok": true, "at_ns": now.nanoseconds() });
    if let (Some(fields), Value::Object(more)) = (answer.as_object_mut(), more) {
        fields.extend(more);
    }
    with_id(answer, id)
}

/// The answer that nothing came of the letter of that `id`.
pub(crate) fn refusal(id: &Value, refusal: &Refusal) -> Value {
    let answer = json!({ "ok": false, "code": refusal.code, "message": refusal.message });
    with_id(answer, id)
}

fn with_id(mut answer: Value, id: &Value) -> Value {
    if !id.is_null() {
        answer["id"] = id.clone();
    }
    answer
}

/// Bytes as text with a character for each.
pub(crate) fn to_text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The bytes of such a text; `None` if a character is none.
pub(crate) fn to_bytes(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(c).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_one_flat_object() {
        let letter: Letter =
            serde_json::from_str(r#"{"do":"type","id":7,"machine":"pc","text":"ls\n","device":"keyboard"}"#)
                .unwrap();
        assert_eq!(letter.id, 7);
        let request = Request::Type {
            machine: "pc".into(),
            text: "ls\n".into(),
            bytes: String::new(),
            device: InputDevice::Keyboard,
        };
        assert_eq!(letter.request, request);
        assert_eq!(
            serde_json::to_string(&letter).unwrap(),
            r#"{"id":7,"do":"type","machine":"pc","text":"ls\n","device":"keyboard"}"#
        );
    }

    #[test]
    fn every_byte_survives_as_text() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(to_bytes(&to_text(&bytes)), Some(bytes));
        assert_eq!(to_bytes("\u{100}"), None);
    }

    #[test]
    fn answers_carry_the_letter_s_id_and_the_virtual_time() {
        let now = Instant::from_picoseconds(5_000_000);
        assert_eq!(
            answer(&json!("a"), now, json!({ "state": "paused" })).to_string(),
            r#"{"at_ns":5000,"id":"a","ok":true,"state":"paused"}"#
        );
        let none = refusal(&Value::Null, &Refusal::new("ctl::x", "no"));
        assert_eq!(none.to_string(), r#"{"code":"ctl::x","message":"no","ok":false}"#);
    }
}
