//! Tables and counts as text, a line for each row, for whoever looks after the machine.

use super::link::Link;
use super::location::Location;
use super::types::{Data, Milliseconds};
use super::{Flip, LOCAL, PACKETS};
use core::fmt::{self, Display, Formatter, Write};
use proto::ethernet;

/// The letters of [`Flip::report`], and what they mean.
pub const LETTERS: [(char, &str); 8] = [
    ('E', "flow control of Ethernets"),
    ('F', "routing table"),
    ('I', "interfaces and their addresses"),
    ('N', "networks"),
    ('S', "sweeps"),
    ('f', "fragmentation"),
    ('i', "messages under way"),
    ('n', "packets counted"),
];

/// A place, as it reads on its network.
struct Place(u8, Location);

impl Display for Place {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if self.0 == LOCAL {
            let (interface, endpoint) = self.1.endpoint();
            write!(formatter, "interface {} endpoint {}", interface.0, endpoint.0)
        } else {
            ethernet::Address(self.1.0).fmt(formatter)
        }
    }
}

/// A FLIP address in hexadecimal digits.
struct Digits([u8; 8]);

impl Display for Digits {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl<D: Data + Clone> Flip<D> {
    /// Writes what a letter of [`LETTERS`] stands for; nothing for any other.
    ///
    /// # Errors
    /// Those of `text`.
    pub fn report(&self, now: Milliseconds, letter: char, text: &mut impl Write) -> fmt::Result {
        match letter {
            'E' => self.report_flow_control(text),
            'F' => self.table.each_row(|address, route, idle| {
                let (network, hops, counts) = (route.network, route.hops, route.counts);
                let place = Place(network, route.location);
                writeln!(
                    text,
                    "{}  network {network}  {place}  {hops} hops  {}/{} places  {idle} sweeps idle",
                    Digits(address.0),
                    counts.trusted,
                    counts.locations
                )
            }),
            'I' => self.interfaces.each(|interface, endpoint, address, is_busy| {
                let busy = if is_busy { "  busy" } else { "" };
                writeln!(text, "{interface:3} {endpoint:3}  {}{busy}", Digits(address.0))
            }),
            'N' => self.report_networks(text),
            'S' => writeln!(text, "next sweep in {} ms", self.next_sweep().saturating_sub(now)),
            'f' => self.report_buffers(text),
            'i' => self.messages.iter().try_for_each(|(_, message)| {
                writeln!(
                    text,
                    "interface {} message {}  {:?}  {} to {}  {} bytes",
                    message.interface.0,
                    message.id.0,
                    message.kind,
                    Digits(message.source.0),
                    Digits(message.to.0),
                    message.total
                )
            }),
            'n' => {
                let mut result = Ok(());
                self.statistics().each(|name, count| {
                    let line = writeln!(text, "{count:10}  {}", Words(name));
                    result = core::mem::replace(&mut result, Ok(())).and(line);
                });
                result
            }
            _ => Ok(()),
        }
    }

    fn report_networks(&self, text: &mut impl Write) -> fmt::Result {
        for (number, row) in self.networks.iter().enumerate() {
            write!(text, "{number}  {} hops  ", row.weight)?;
            match &row.link {
                Some(link) => write!(text, "Ethernet {}", link.station)?,
                None => write!(text, "within the machine")?,
            }
            writeln!(
                text,
                "  delay {} ms  loss {}%  {}  {}",
                row.delay,
                row.loss,
                if row.enabled { "on" } else { "off" },
                if row.trusted { "trusted" } else { "untrusted" }
            )?;
        }
        Ok(())
    }

    fn report_flow_control(&self, text: &mut impl Write) -> fmt::Result {
        let links = self.networks.iter().zip(0..);
        let mut links = links.filter_map(|(row, number)| Some((row.link.as_ref()?, number)));
        links.try_for_each(|(link, number): (&Link, usize)| {
            link.each_neighbour(|location, flow| {
                let station = ethernet::Address(location.0);
                writeln!(
                    text,
                    "network {number}  {station}  credits {} of {}  owed {}  held {}",
                    flow.credits, flow.limit, flow.owed, flow.held
                )
            })
        })
    }

    fn report_buffers(&self, text: &mut impl Write) -> fmt::Result {
        writeln!(text, "{} of {PACKETS} buffers free", self.free_packets())?;
        for (number, row) in self.networks.iter().enumerate() {
            if let Some(link) = &row.link {
                let (items, waiting) = (link.queued(), link.buffers());
                writeln!(
                    text,
                    "network {number}  {items} queued, {waiting} of them in buffers"
                )?;
            }
        }
        writeln!(text, "{} bytes a fragment", super::FRAGMENT)
    }
}

/// A name with spaces between its words.
struct Words(&'static str);

impl Display for Words {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let mut words = self.0.split('_');
        formatter.write_str(words.next().unwrap_or_default())?;
        words.try_for_each(|word| write!(formatter, " {word}"))
    }
}
