//! What is measured: operations on files of one size.

use clock::Span;

/// What is done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// It is made, and is on the disk when the server answers.
    Create,
    /// It is read for the first time after it has gone from the server's cache.
    Cold,
    /// It is read once more.
    Cached,
    /// It is destroyed.
    Delete,
    /// It is made, and in the server's cache when the server answers.
    Commit,
    /// None: as many bytes come in transactions with a server that does nothing else.
    Transactions,
}

impl Operation {
    /// All, in the order in which they are measured.
    pub(super) const ALL: [Self; 6] = [
        Self::Create,
        Self::Cold,
        Self::Cached,
        Self::Delete,
        Self::Commit,
        Self::Transactions,
    ];

    /// What the program on the lab's machine, tables and files call it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Cold => "cold",
            Self::Cached => "cached",
            Self::Delete => "delete",
            Self::Commit => "commit",
            Self::Transactions => "transactions",
        }
    }

    /// Whether the contents of the file go over the cable.
    pub(super) const fn moves_contents(self) -> bool {
        !matches!(self, Self::Delete)
    }
}

/// So many times the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measurement {
    /// Size of the files.
    pub(super) bytes: u32,
    /// What was done.
    pub(super) operation: Operation,
    /// How many files there were.
    pub(super) count: u32,
    /// Milliseconds by the clock of the machine that asks, for all of them.
    pub(super) guest: u32,
    /// For all of them, from the first bit of the first request to that of the next one behind the last.
    pub(super) lab: Span,
}

impl Measurement {
    /// Exact milliseconds for one file.
    pub(super) fn milliseconds(&self) -> f64 {
        self.lab.picoseconds() as f64 / 1e9 / f64::from(self.count)
    }

    /// Thousand bytes a second, if they go over the cable.
    pub(super) fn rate(&self) -> Option<f64> {
        let is_rate = self.operation.moves_contents();
        is_rate.then(|| f64::from(self.bytes) / self.milliseconds())
    }
}

/// All measurements with one card.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// The card in both machines, as in lab files.
    pub(super) card: &'static str,
    /// In their order; at the end transactions of the most bytes.
    pub(super) measurements: Vec<Measurement>,
    /// Thousand bytes a second of transactions of 30000 bytes as `amlab bench rpc` measures them.
    pub(super) bench_rpc: Option<f64>,
}

impl Series {
    /// The sizes of files, in their order.
    pub(super) fn sizes(&self) -> Vec<u32> {
        let created = self
            .measurements
            .iter()
            .filter(|measurement| measurement.operation == Operation::Create);
        created.map(|measurement| measurement.bytes).collect()
    }

    /// A measurement.
    pub(super) fn find(&self, bytes: u32, operation: Operation) -> Option<&Measurement> {
        self.measurements
            .iter()
            .find(|measurement| measurement.bytes == bytes && measurement.operation == operation)
    }

    /// Thousand bytes a second of transactions of the most bytes, in the same lab.
    pub(super) fn limit(&self) -> Option<f64> {
        self.measurements.last()?.rate()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Measurements of one size: what each operation takes for each of two files, in milliseconds.
    fn of_size(bytes: u32, times: [u64; 6]) -> impl Iterator<Item = Measurement> {
        Operation::ALL
            .into_iter()
            .zip(times)
            .map(move |(operation, milliseconds)| Measurement {
                bytes,
                operation,
                count: 2,
                guest: 2 * milliseconds as u32,
                lab: Span::from_milliseconds(2 * milliseconds),
            })
    }

    /// Files of 4096 bytes and 1 Mbyte, the latter read at so many Kbytes a second; transactions have 300.
    pub(in crate::command::bench::files) fn made_up(card: &'static str, rate: u64) -> Series {
        let small = of_size(4096, [90, 40, 20, 10, 30, 16]);
        let time = (1 << 20) / rate;
        let large = of_size(1 << 20, [6000, 5000, time, 20, 4500, 3495]);
        let last = Measurement {
            bytes: 30_000,
            operation: Operation::Transactions,
            count: 25,
            guest: 2500,
            lab: Span::from_milliseconds(2500),
        };
        Series {
            card,
            measurements: small.chain(large).chain([last]).collect(),
            bench_rpc: Some(290.0),
        }
    }

    #[test]
    fn a_rate_is_thousand_bytes_a_second_and_destroying_has_none() {
        let series = made_up("3c503", 262);
        let rate = |operation| series.find(4096, operation).unwrap().rate();
        assert!((rate(Operation::Cached).unwrap() - 204.8).abs() < 1e-9);
        assert_eq!(rate(Operation::Delete), None);
        assert!((series.limit().unwrap() - 300.0).abs() < 1e-9);
        assert_eq!(series.sizes(), [4096, 1 << 20]);
    }
}
