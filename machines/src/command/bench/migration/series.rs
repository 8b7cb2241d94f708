//! What is measured: series of migrations, each with a workload at the source and a mechanism.

use clap::ValueEnum;
use clock::Span;

use super::fit::{Fit, spread};

/// What the source is busy with besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Workload {
    /// Nothing.
    Idle,
    /// A process that computes for ever.
    Compute,
    /// Two processes that carry out null transactions with each other as fast as they can.
    Rpc,
}

/// Who sees to a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Mechanism {
    /// The process servers in the kernels.
    Kernel,
    /// A process on a third machine.
    User,
}

impl Workload {
    /// What tables and files call it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Compute => "compute",
            Self::Rpc => "rpc",
        }
    }
}

impl Mechanism {
    /// What tables and files call it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::User => "user",
        }
    }
}

/// One migration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measurement {
    /// Size of the process.
    pub(super) kbytes: u32,
    /// Which repetition it was, from 1.
    pub(super) repetition: u32,
    /// Milliseconds by the clock of the machine that asked for it.
    pub(super) guest: u32,
    /// From the first bit of the first request to the last bit of the last reply.
    pub(super) lab: Span,
    /// Frames on the cable in that time.
    pub(super) frames: usize,
    /// Collisions in that time.
    pub(super) collisions: usize,
}

impl Measurement {
    /// The exact time in milliseconds.
    pub(super) fn lab_milliseconds(&self) -> f64 {
        self.lab.picoseconds() as f64 / 1e9
    }
}

/// All migrations with one workload and one mechanism.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    /// What the source is busy with.
    pub(super) workload: Workload,
    /// Who sees to it.
    pub(super) mechanism: Mechanism,
    /// By repetition, then size.
    pub(super) points: Vec<Measurement>,
}

/// Means of one size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mean {
    /// Size of the processes.
    pub(super) kbytes: u32,
    /// Mean and standard deviation by the guest's clock, in milliseconds.
    pub(super) guest: (f64, f64),
    /// Mean and standard deviation of the exact times, in milliseconds.
    pub(super) lab: (f64, f64),
}

impl Series {
    /// The line through all points, by the guest's clock.
    pub(super) fn guest_fit(&self) -> Option<Fit> {
        self.fit(|point| f64::from(point.guest))
    }

    /// The line through all points, by exact time.
    pub(super) fn lab_fit(&self) -> Option<Fit> {
        self.fit(Measurement::lab_milliseconds)
    }

    fn fit(&self, milliseconds: impl Fn(&Measurement) -> f64) -> Option<Fit> {
        let points = self.points.iter();
        let points: Vec<(f64, f64)> = points
            .map(|point| (f64::from(point.kbytes), milliseconds(point)))
            .collect();
        Fit::of(&points)
    }

    /// The means, by size.
    pub(super) fn means(&self) -> Vec<Mean> {
        let mut sizes: Vec<u32> = self.points.iter().map(|point| point.kbytes).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let mean = |kbytes| {
            let of_size = self.points.iter().filter(|point| point.kbytes == kbytes);
            let (guest, lab): (Vec<f64>, Vec<f64>) = of_size
                .map(|point| (f64::from(point.guest), point.lab_milliseconds()))
                .unzip();
            Mean {
                kbytes,
                guest: spread(&guest),
                lab: spread(&lab),
            }
        };
        sizes.into_iter().map(mean).collect()
    }
}

/// The series of these, if it was measured.
pub(super) fn find(series: &[Series], workload: Workload, mechanism: Mechanism) -> Option<&Series> {
    series
        .iter()
        .find(|series| series.workload == workload && series.mechanism == mechanism)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Migrations whose guest clock shows `offset` and `slope` a Kbyte, to 10 ms, in two repetitions; the exact time is 3 ms less.
    pub(in crate::command::bench::migration) fn made_up(
        workload: Workload,
        mechanism: Mechanism,
        offset: u32,
        slope_percent: u32,
    ) -> Series {
        let point = |kbytes: u32, repetition: u32| {
            let time = (offset + kbytes * slope_percent / 100 + 10 * (repetition - 1)) / 10 * 10;
            Measurement {
                kbytes,
                repetition,
                guest: time,
                lab: Span::from_milliseconds(u64::from(time - 3)),
                frames: kbytes as usize,
                collisions: 0,
            }
        };
        let points = (1..=2).flat_map(|repetition| [32, 256, 2048].map(|kbytes| point(kbytes, repetition)));
        Series {
            workload,
            mechanism,
            points: points.collect(),
        }
    }

    #[test]
    fn means_are_those_of_all_repetitions_of_a_size() {
        let series = made_up(Workload::Idle, Mechanism::Kernel, 50, 380);
        let means = series.means();
        let sizes: Vec<u32> = means.iter().map(|mean| mean.kbytes).collect();
        assert_eq!(sizes, [32, 256, 2048]);
        let (mean, deviation) = means[0].guest;
        assert!((mean - 175.0).abs() < 1e-9, "{mean}");
        assert!((deviation - 50_f64.sqrt()).abs() < 1e-9, "{deviation}");
        assert!((means[0].lab.0 - 172.0).abs() < 1e-9);
    }

    #[test]
    fn both_clocks_have_a_line() {
        let series = made_up(Workload::Idle, Mechanism::Kernel, 50, 380);
        let (guest, lab) = (series.guest_fit().unwrap(), series.lab_fit().unwrap());
        assert!((guest.slope - 3.8).abs() < 0.01, "{guest:?}");
        assert!((guest.offset - lab.offset - 3.0).abs() < 1e-6, "{lab:?}");
        assert!(find(std::slice::from_ref(&series), Workload::Idle, Mechanism::User).is_none());
    }
}
