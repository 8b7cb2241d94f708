//! The measurements of remote procedure calls: which there are, the lab of each, and what its consoles say.

use std::fmt::{self, Write as _};
use std::path::Path;

use super::report::Row;
use super::usage;
use crate::command::arguments::{BenchCard, RpcArguments};
use crate::command::failure::Failure;
use crate::lab::Lab;

/// What a machine's console says when its client has ended, or cannot.
const END: [&str; 3] = ["rpc_client exited", "rpc_client: exception", "kernel stopped"];
/// The longest message of a transaction.
const LONGEST: u32 = 30_000;
/// Bytes of the headers in front of the data of a request or reply.
const HEADERS: u32 = 24 + 32;
/// Data of a FLIP fragment on Ethernet, in bytes.
const FRAGMENT: u32 = 1458;
/// The most pairs, whose servers have ports of their own.
const MOST_PAIRS: usize = 8;

/// Fragments on Ethernet of a message with so many bytes of data.
pub(super) fn fragments(bytes: u32) -> u32 {
    (bytes + HEADERS).div_ceil(FRAGMENT)
}

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    /// Nothing if client and server are on one machine.
    card: Option<BenchCard>,
    pairs: usize,
    request: u32,
    reply: u32,
    /// Transactions of each client.
    count: u32,
}

impl fmt::Display for Point {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pairs,
            request,
            reply,
            ..
        } = self;
        match self.card {
            Some(card) => write!(formatter, "{} remote, {pairs} pairs", card.word())?,
            None => formatter.write_str("local")?,
        }
        write!(formatter, ", {request} bytes there, {reply} back")
    }
}

/// Whether a machine's console has said so, to the end of the line.
pub(super) fn has_ended(console: &str) -> bool {
    let lines = console.rfind('\n').map_or("", |end| &console[..end]);
    END.iter().any(|end| lines.contains(end))
}

/// The measurements that the command line asks for.
pub(super) fn points(arguments: &RpcArguments) -> Result<Vec<Point>, Failure> {
    if let Some(bytes) = arguments.bytes.iter().find(|bytes| **bytes > LONGEST) {
        return Err(usage(format!(
            "--bytes {bytes}: a transaction carries {LONGEST} bytes at most"
        )));
    }
    if let Some(pairs) = arguments
        .pairs
        .iter()
        .find(|pairs| !(1..=MOST_PAIRS).contains(*pairs))
    {
        return Err(usage(format!(
            "--pairs {pairs}: there are 1 to {MOST_PAIRS} pairs"
        )));
    }
    let places = arguments
        .card
        .iter()
        .flat_map(|card| arguments.pairs.iter().map(|pairs| (Some(*card), *pairs)))
        .chain([(None, 1)]);
    let point = |card, pairs, bytes: u32| {
        let (request, reply) = if arguments.reply { (0, bytes) } else { (bytes, 0) };
        let count = match bytes {
            0..100 => 300,
            100..10_000 => 60,
            _ => 25,
        };
        Point {
            card,
            pairs,
            request,
            reply,
            count,
        }
    };
    Ok(places
        .flat_map(|(card, pairs)| {
            arguments
                .bytes
                .iter()
                .map(move |bytes| point(card, pairs, *bytes))
        })
        .collect())
}

const HEAD: &str = r#"
format = 1
[lab]
name = "bench-rpc"
seed = 1995
[time]
rtc = "1995-05-30T09:00:00Z"
[image.kernel]
path = KERNEL
[image.rpc_server]
path = "builtin:rpc_server"
[image.rpc_client]
path = "builtin:rpc_client"
[profile.pc]
memory = "4MB"
cpu = { model = "386dx", clock = "40MHz", fpu = "none" }
isa = { clock = "8MHz" }
boot = { from = "direct", image = "kernel", args = "peers=0" }
"#;

impl Point {
    /// Null transactions of a pair on one machine.
    pub(super) const NULL_PAIR: Self = Self {
        card: None,
        pairs: 1,
        request: 0,
        reply: 0,
        count: 300,
    };
    /// The longest requests, between two machines with 3C503.
    pub(super) const THROUGHPUT: Self = Self {
        card: Some(BenchCard::EtherLink2),
        pairs: 1,
        request: LONGEST,
        reply: 0,
        count: 25,
    };

    /// The longest replies, between two machines with that card.
    pub(super) const fn replies(card: BenchCard) -> Self {
        Self {
            card: Some(card),
            request: 0,
            reply: LONGEST,
            ..Self::THROUGHPUT
        }
    }

    /// The card, as in lab files.
    pub(super) fn card(&self) -> Option<&'static str> {
        self.card.map(BenchCard::word)
    }

    /// Transactions of each client.
    pub(super) fn transactions(&self) -> u32 {
        self.count
    }

    /// Fragments of the longer message of a transaction on Ethernet.
    pub(super) fn fragments(&self) -> u32 {
        fragments(self.request.max(self.reply))
    }

    /// The lab: 386/40 with an ISA bus of 8 MHz on 30 m of thin Ethernet.
    pub(super) fn lab(&self, kernel: Option<&Path>) -> String {
        let kernel = kernel.map_or("builtin:kernel".into(), |path| path.to_string_lossy());
        let mut text = HEAD.replace("KERNEL", &format!("{kernel:?}"));
        let Some(card) = self.card else {
            text += "[machine.client0]\nextends = \"pc\"\n";
            self.add_program(&mut text, "client0", true, 0);
            self.add_program(&mut text, "client0", false, 0);
            return text;
        };
        text += "[segment.ether0]\nkind = \"10base2\"\nlength = \"30m\"\n";
        for pair in 0..self.pairs {
            for (number, role) in [(2 * pair + 1, "server"), (2 * pair + 2, "client")] {
                let name = format!("{role}{pair}");
                let settings = card.settings();
                // Writing to a text cannot fail.
                let _ = write!(
                    text,
                    "[machine.{name}]\nextends = \"pc\"\nnic = {{ mac = \"02:60:8c:00:00:{number:02x}\" }}\n\
                     [[machine.{name}.card]]\ntype = \"{}\"\nsegment = \"ether0\"\nirq = 3\n{settings}\n",
                    card.word()
                );
                self.add_program(&mut text, &name, role == "server", pair);
            }
        }
        text
    }

    fn add_program(&self, text: &mut String, machine: &str, is_server: bool, pair: usize) {
        let (image, arguments) = if is_server {
            ("rpc_server", format!("perf{pair} {LONGEST}"))
        } else {
            let direction = if self.reply > 0 { "-r " } else { "" };
            let bytes = self.request.max(self.reply);
            (
                "rpc_client",
                format!("{direction}perf{pair} {bytes} {}", self.count),
            )
        };
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            "[[machine.{machine}.module]]\nimage = \"{image}\"\nargs = \"{arguments}\"\n"
        );
    }

    /// Indices of the machines with clients.
    pub(super) fn clients(&self, lab: &Lab) -> Vec<usize> {
        let machines = lab.machines.iter().enumerate();
        machines
            .filter(|(_, machine)| machine.name.starts_with("client"))
            .map(|(index, _)| index)
            .collect()
    }

    /// What the clients have told: the mean time of a transaction, and the sum of their rates. Or why there is none.
    pub(super) fn row(&self, consoles: &[String]) -> Result<Row, String> {
        let (mut milliseconds, mut rate) = (0.0, 0.0);
        for console in consoles {
            let seconds = seconds(console).ok_or_else(|| {
                let last = console.lines().rev().find(|line| line.contains("rpc_client"));
                last.unwrap_or("no client has ended").to_owned()
            })?;
            milliseconds += seconds * 1000.0 / f64::from(self.count) / consoles.len() as f64;
            rate += f64::from((self.request + self.reply) * self.count) / seconds / 1000.0;
        }
        Ok(Row {
            card: self.card.map_or("none", BenchCard::word),
            place: if self.card.is_some() { "remote" } else { "local" },
            pairs: self.pairs,
            request_bytes: self.request,
            reply_bytes: self.reply,
            milliseconds,
            kbytes_per_second: rate,
        })
    }
}

/// The seconds that a client that has ended well says it needed.
fn seconds(console: &str) -> Option<f64> {
    if !console.contains("rpc_client exited with status 0") {
        return None;
    }
    let mut lines = console.lines();
    let words = lines.find_map(|line| line.strip_prefix("rpc_client: ")?.strip_suffix(" seconds"))?;
    let seconds: f64 = words.rsplit(' ').next()?.parse().ok()?;
    (seconds > 0.0).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{LabSource, load};

    fn point(card: Option<BenchCard>, pairs: usize) -> Point {
        Point {
            card,
            pairs,
            request: 30_000,
            reply: 0,
            count: 20,
        }
    }

    #[test]
    fn every_card_and_number_of_pairs_has_a_good_lab() {
        let cards = [
            None,
            Some(BenchCard::EtherLink2),
            Some(BenchCard::Ne1000),
            Some(BenchCard::Ne2000),
        ];
        for (card, pairs) in cards.into_iter().zip([1, 5, 2, MOST_PAIRS]) {
            let point = point(card, pairs);
            let source = LabSource::Text {
                name: "bench".into(),
                text: point.lab(None),
                folder: "".into(),
            };
            let lab =
                load(source, &[]).unwrap_or_else(|errors| panic!("{}", errors.messages().render(false)));
            assert_eq!(point.clients(&lab.lab).len(), pairs);
        }
    }

    #[test]
    fn a_client_has_ended_when_its_last_line_is_whole() {
        assert!(!has_ended("rpc_client: 20 calls\nrpc_client exited with status"));
        assert!(has_ended(
            "rpc_client: 20 calls\nrpc_client exited with status 0\n"
        ));
        assert!(!has_ended("rpc_client: serving"));
    }

    #[test]
    fn pairs_add_their_rates_and_share_their_time() {
        let console = |seconds: &str| {
            format!(
                "rpc_client: 20 calls, 600000 bytes in {seconds} seconds\nrpc_client exited with status 0\n"
            )
        };
        let row = point(Some(BenchCard::EtherLink2), 2)
            .row(&[console("2.000"), console("4.000")])
            .unwrap();
        assert!((row.milliseconds - 150.0).abs() < 1e-9, "{row:?}");
        assert!((row.kbytes_per_second - 450.0).abs() < 1e-9, "{row:?}");
    }

    #[test]
    fn a_client_that_failed_is_no_row_but_its_last_word() {
        let console =
            "rpc_client: transaction 3: RpcFailure (-1)\nrpc_client exited with status 1\n".to_owned();
        let why = point(None, 1).row(&[console]).unwrap_err();
        assert_eq!(why, "rpc_client exited with status 1");
    }
}
