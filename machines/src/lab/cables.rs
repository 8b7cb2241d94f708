//! Cables: where each station taps its segment, and whether the segment can bear it.

use super::code::Code;
use super::document::Table;
use super::messages::{Place, Problem};
use super::model::Lab;
use super::units::show_length;

/// A station.
pub(super) enum Who {
    /// A card of a machine.
    Card { machine: usize, card: usize },
    /// A traffic generator.
    Generator(usize),
}

/// A station that is to be put on a cable.
pub(super) struct Attachment {
    pub(super) segment: usize,
    pub(super) who: Who,
    /// Which of its `count` it is.
    pub(super) index: u64,
    /// The tap that the lab file gives, for the first of the `count`.
    pub(super) tap: Option<(u64, Place)>,
    /// Where the station is in the lab file.
    pub(super) place: Place,
}

/// The least distance between taps, in millimetres (IEEE 802.3 clauses 8.6.2 and 10.7.2).
const fn spacing(kind: wire::Kind) -> u64 {
    match kind {
        wire::Kind::TenBase5 => 2_500,
        wire::Kind::TenBase2 => 500,
    }
}

/// The most stations on a segment (the same clauses).
const fn most_stations(kind: wire::Kind) -> usize {
    match kind {
        wire::Kind::TenBase5 => 100,
        wire::Kind::TenBase2 => 30,
    }
}

/// Gives every station its place on its cable: the one that the lab file says, or the next at the least spacing.
pub(super) fn lay_cables(
    root: &Table,
    lab: &mut Lab,
    attachments: &[Attachment],
    problems: &mut Vec<Problem>,
) {
    for segment in 0..lab.segments.len() {
        let stations: Vec<&Attachment> = attachments
            .iter()
            .filter(|attachment| attachment.segment == segment)
            .collect();
        let settings = lab.segments[segment].settings.clone();
        let entry = &root.children("segment")[segment];
        let length_place = entry
            .node
            .table()
            .and_then(|table| table.get("length"))
            .map_or(entry.key_place, |node| node.place);
        let most = most_stations(settings.kind);
        if stations.len() > most {
            problems.push(
                Problem::new(
                    Code::TooManyStations,
                    format!("`{}` has {} stations", entry.key, stations.len()),
                )
                .at(entry.key_place, format!("its standard allows {most}"))
                .help("use several segments, or 10base5, which takes 100"),
            );
        }
        let taps = place_taps(&stations, &settings);
        report_ends(&stations, &taps, &settings, length_place, problems);
        report_close(&stations, &taps, &settings, problems);
        for (station, tap) in stations.iter().zip(taps) {
            match station.who {
                Who::Card { machine, card } => {
                    lab.machines[machine].cards[card].position_millimetres = tap;
                }
                Who::Generator(index) => lab.generators[index].position_millimetres = tap,
            }
        }
    }
}

fn place_taps(stations: &[&Attachment], settings: &wire::Settings) -> Vec<u64> {
    let spacing = spacing(settings.kind);
    (0_u64..)
        .zip(stations)
        .map(|(order, station)| match station.tap {
            Some((tap, _)) => tap.saturating_add(station.index * spacing),
            None => order * spacing,
        })
        .collect()
}

/// One message a place: the machines of a `count` share theirs.
fn report_ends(
    stations: &[&Attachment],
    taps: &[u64],
    settings: &wire::Settings,
    length_place: Place,
    problems: &mut Vec<Problem>,
) {
    let mut reported: Vec<Place> = Vec::new();
    for (station, &tap) in stations.iter().zip(taps) {
        let place = station.tap.map_or(station.place, |(_, place)| place);
        if tap <= settings.length_millimetres || reported.contains(&place) {
            continue;
        }
        reported.push(place);
        problems.push(
            Problem::new(Code::TapBeyondEnd, "a tap lies beyond the end of its cable")
                .at(place, format!("the tap is at {}", show_length(tap)))
                .at(
                    length_place,
                    format!("the cable is {} long", show_length(settings.length_millimetres)),
                )
                .help("make the cable longer, or move the tap"),
        );
    }
}

fn report_close(
    stations: &[&Attachment],
    taps: &[u64],
    settings: &wire::Settings,
    problems: &mut Vec<Problem>,
) {
    let least = spacing(settings.kind);
    let mut sorted: Vec<(u64, Place)> = taps
        .iter()
        .zip(stations)
        .map(|(&tap, station)| (tap, station.tap.map_or(station.place, |(_, place)| place)))
        .collect();
    sorted.sort_unstable();
    let mut reported: Vec<(Place, Place)> = Vec::new();
    for pair in sorted.windows(2) {
        let [(near, a), (far, b)] = [pair[0], pair[1]];
        if far - near >= least || reported.contains(&(a, b)) {
            continue;
        }
        reported.push((a, b));
        let mut problem = Problem::new(Code::TapsTooClose, "two taps are closer than the standard allows")
            .at(a, format!("a tap at {}", show_length(near)));
        if a != b {
            problem = problem.at(b, format!("a tap at {}", show_length(far)));
        }
        problems.push(problem.help(format!("leave at least {} between taps", show_length(least))));
    }
}
