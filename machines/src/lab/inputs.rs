//! What the lab file types: `[[input]]`.

use clock::{Instant, Span};

use super::code::Code;
use super::document::{Node, Table};
use super::messages::Problem;
use super::model::{Input, InputDevice, InputTime, Lab};
use super::resolve::{check_stop, check_times, named_machines, quantity_of, text_of};
use super::units::{Dimension, show_time};
use crate::keyboard_layout;

/// From a text to what is typed after it, unless the file says otherwise.
const USUAL_DELAY: Span = Span::from_milliseconds(10);

/// Less than this is not possible: a text is known a little after it was shown.
const LEAST_DELAY: Span = Span::from_milliseconds(1);

/// Adds all inputs to a lab whose machines are known.
pub(super) fn inputs(root: &Table, lab: &mut Lab, problems: &mut Vec<Problem>) {
    for node in root.get("input").map_or(&[][..], Node::list) {
        let Some(table) = node.table() else { continue };
        let device = match text_of(table, &["device"]) {
            "keyboard" => InputDevice::Keyboard,
            _ => InputDevice::Com1,
        };
        check_text(table, device, problems);
        check_times(table, &["delay"], problems);
        let input = Input {
            machines: named_machines(root, table, lab, problems),
            time: time(node, table, lab, problems),
            device,
            text: text_of(table, &["text"]).to_owned(),
        };
        lab.inputs.push(input);
    }
}

/// There is something to type, and the keyboard has keys for it.
fn check_text(table: &Table, device: InputDevice, problems: &mut Vec<Problem>) {
    let Some((text, place)) = table
        .get("text")
        .and_then(|node| Some((node.text()?, node.place)))
    else {
        return;
    };
    if text.is_empty() {
        problems.push(
            Problem::new(Code::Input, "this input types nothing")
                .at(place, "no text")
                .help("the Enter key is \"\\n\""),
        );
    }
    if device == InputDevice::Keyboard
        && let Err(offset) = keyboard_layout::strokes(text.as_bytes())
    {
        let character = text[text.floor_char_boundary(offset)..]
            .chars()
            .next()
            .unwrap_or(' ');
        problems.push(
            Problem::new(
                Code::Input,
                format!("no key types `{}`", character.escape_debug()),
            )
            .at(place, "not on an American keyboard")
            .help("it has the characters of ASCII, Control with letters, arrows, Home, End and Delete"),
        );
    }
}

/// When it is typed: said in exactly one way.
fn time(node: &Node, table: &Table, lab: &Lab, problems: &mut Vec<Problem>) -> InputTime {
    match (table.entry("at"), table.entry("after")) {
        (None, None) => problems.push(
            Problem::new(Code::MissingField, "an input needs `at` or `after`")
                .at(node.place, "nothing says when to type")
                .help("give `at = \"2s\"`, or `after = 'login: '`"),
        ),
        (Some(at), Some(after)) => problems.push(
            Problem::new(Code::Input, "this input has two times")
                .at(at.key_place, "a time")
                .at(after.key_place, "and a text to wait for")
                .help("make two inputs of them, each with its own [[input]]"),
        ),
        (Some(_), None) => {
            if let Some(delay) = table.entry("delay") {
                problems.push(
                    Problem::new(Code::Input, "`delay` belongs to `after`")
                        .at(delay.key_place, "does not belong here")
                        .help("add it to `at`"),
                );
            }
        }
        (None, Some(_)) => {}
    }
    if let Some((at, place)) = quantity_of(table, &["at"], Dimension::Time) {
        let message = "the run has stopped when this is typed";
        check_stop(Code::LateInput, message, (at.span(), place), lab, problems);
        return InputTime::At(Instant::START + at.span());
    }
    let delay = quantity_of(table, &["delay"], Dimension::Time);
    if let Some((_, place)) = delay.filter(|(delay, _)| delay.span() < LEAST_DELAY) {
        problems.push(
            Problem::new(Code::OutOfRange, "nobody types so soon after a text")
                .at(place, "too short")
                .help(format!("the least is {}", show_time(LEAST_DELAY))),
        );
    }
    InputTime::After {
        pattern: text_of(table, &["after"]).to_owned(),
        delay: delay.map_or(USUAL_DELAY, |(delay, _)| delay.span()),
    }
}
