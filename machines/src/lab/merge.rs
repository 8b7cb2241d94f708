//! `extends`: a machine's settings are added to those of its profile, and those to the profile that it extends.

use super::check::suggestion;
use super::code::Code;
use super::document::{Entry, Node, Table, Value};
use super::messages::{Place, Problem};

/// A `[machine.NAME]` with all that it inherits.
pub(super) struct Template<'a> {
    pub(super) name: &'a str,
    pub(super) place: Place,
    /// So many machines, if `count` was given.
    pub(super) count: Option<u32>,
    pub(super) settings: Table,
    /// False if a profile is missing, so that what seems to be missing here may be in it.
    pub(super) is_complete: bool,
}

/// All machine tables with what they inherit, in the order of the file.
pub(super) fn templates<'a>(root: &'a Table, problems: &mut Vec<Problem>) -> Vec<Template<'a>> {
    for profile in root.children("profile") {
        report_cycle(root, profile, problems);
    }
    let mut templates = Vec::new();
    for machine in root.children("machine") {
        let Some(own) = machine.node.table() else {
            continue;
        };
        let mut settings = Table::default();
        let (ancestors, is_complete) = lineage(root, own, problems);
        for ancestor in ancestors.into_iter().rev() {
            merge(&mut settings, ancestor);
        }
        let count = own.get("count").and_then(Node::integer);
        templates.push(Template {
            name: &machine.key,
            place: machine.key_place,
            count: count.and_then(|count| u32::try_from(count).ok()),
            settings,
            is_complete,
        });
    }
    templates
}

/// The table itself, its profile, that one's profile and so on; ends where a circle would close. False if one of them
/// cannot be found.
fn lineage<'a>(root: &'a Table, own: &'a Table, problems: &mut Vec<Problem>) -> (Vec<&'a Table>, bool) {
    let mut tables = vec![own];
    let mut names = Vec::new();
    let mut table = own;
    while let Some(extends) = table.get("extends")
        && let Some(name) = extends.text()
    {
        if names.contains(&name) {
            break;
        }
        names.push(name);
        match root.at(&["profile", name]) {
            Some(profile) => match profile.table() {
                Some(next) => table = next,
                None => return (tables, false),
            },
            None => {
                problems.push(unknown_profile(root, name, extends.place));
                return (tables, false);
            }
        }
        tables.push(table);
    }
    (tables, true)
}

fn unknown_profile(root: &Table, name: &str, place: Place) -> Problem {
    let names: Vec<&str> = root
        .children("profile")
        .iter()
        .map(|entry| entry.key.as_str())
        .collect();
    Problem::new(Code::UnknownProfile, format!("there is no profile `{name}`"))
        .at(place, "unknown profile")
        .help(suggestion(name, &names))
}

/// Reports what a profile extends: that it is unknown, or a circle in which this profile is the first of the file.
fn report_cycle(root: &Table, first: &Entry, problems: &mut Vec<Problem>) {
    let mut members: Vec<(&Entry, Place)> = Vec::new();
    let mut entry = first;
    loop {
        let Some((name, place)) = extends_of(entry) else {
            return;
        };
        members.push((entry, place));
        let Some(next) = root
            .children("profile")
            .iter()
            .find(|profile| profile.key == name)
        else {
            if members.len() == 1 {
                problems.push(unknown_profile(root, name, place));
            }
            return;
        };
        if next.key == first.key {
            break;
        }
        if members.iter().any(|(member, _)| member.key == next.key) {
            return;
        }
        entry = next;
    }
    if members
        .iter()
        .any(|(member, _)| member.key_place < first.key_place)
    {
        return;
    }
    let mut problem = Problem::new(Code::ExtendsCycle, "profiles extend one another in a circle");
    for (member, place) in members {
        problem = problem.at(place, format!("`{}` extends this", member.key));
    }
    problems.push(problem.help("take one of these `extends` out"));
}

/// The profile that a profile extends, and where it says so.
fn extends_of(profile: &Entry) -> Option<(&str, Place)> {
    let extends = profile.node.table()?.get("extends")?;
    Some((extends.text()?, extends.place))
}

/// Lists of parts, which machines add to those of their profile.
fn adds_up(key: &str) -> bool {
    matches!(key, "card" | "disk" | "floppy" | "module" | "rom")
}

/// Adds the fields of `child` to `settings`: tables key by key, cards to cards, and everything else replaces.
fn merge(settings: &mut Table, child: &Table) {
    for entry in &child.entries {
        if matches!(entry.key.as_str(), "extends" | "count") {
            continue;
        }
        let Some(known) = settings.entries.iter_mut().find(|known| known.key == entry.key) else {
            settings.entries.push(entry.clone());
            continue;
        };
        match (&mut known.node.value, &entry.node.value) {
            (Value::Table(settings), Value::Table(child)) => {
                merge(settings, child);
                known.key_place = entry.key_place;
            }
            (Value::List(parts), Value::List(more)) if adds_up(&entry.key) && !more.is_empty() => {
                parts.extend_from_slice(more);
            }
            _ => *known = entry.clone(),
        }
    }
}
