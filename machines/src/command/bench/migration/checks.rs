//! What was measured beside what was published, and whether it lies where it should.

use super::published::Published;
use super::series::{Mechanism, Series, Workload, find};
use crate::command::bench::limits::{Check, Figure};

/// Measurements of transactions that the comparison needs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Context {
    /// Null transactions a second of a pair on one machine.
    pub(super) null_per_second: Option<f64>,
    /// Kbytes (of 1000 bytes) a second of transactions of 30000 bytes.
    pub(super) throughput: Option<f64>,
}

/// Compares all published figures.
pub(super) fn compare(published: &Published, series: &[Series], context: &Context) -> Vec<Check> {
    let check = |figure: &Figure| Check::of(figure, measured(&figure.name, series, context));
    published.figures().iter().map(check).collect()
}

/// The measurement of that name and a note on it, by the guest's clock, as it was published.
fn measured(name: &str, series: &[Series], context: &Context) -> Option<(f64, String)> {
    let kernel = find(series, Workload::Idle, Mechanism::Kernel);
    let fit = || kernel?.guest_fit();
    let plain = |value| Some((value, String::new()));
    match name {
        "slope" => {
            let fit = fit()?;
            Some((fit.slope, format!("± {:.3}", fit.slope_error)))
        }
        "offset" => {
            let fit = fit()?;
            Some((fit.offset, format!("± {:.1}", fit.offset_error)))
        }
        "100-kbytes" => plain(fit()?.at(100.0)),
        "1-mbyte" => plain(fit()?.at(1024.0)),
        "throughput" => plain(context.throughput?),
        "null-transactions" => plain(context.null_per_second?),
        "kernel-spread" => kernel_spread(series),
        "user-minus-kernel-idle" => user_minus_kernel(series, Workload::Idle),
        "user-minus-kernel-compute" => user_minus_kernel(series, Workload::Compute),
        "user-minus-kernel-rpc" => user_minus_kernel(series, Workload::Rpc),
        "rpc-minus-idle" => {
            let rpc = find(series, Workload::Rpc, Mechanism::Kernel)?;
            plain(mean(&differences(rpc, kernel?))?)
        }
        _ => None,
    }
}

fn user_minus_kernel(series: &[Series], workload: Workload) -> Option<(f64, String)> {
    let user = find(series, workload, Mechanism::User)?;
    let differences = differences(user, find(series, workload, Mechanism::Kernel)?);
    let values = || differences.iter().map(|(_, difference)| *difference);
    let (least, most) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(f64::NEG_INFINITY, f64::max),
    );
    Some((mean(&differences)?, format!("{least:.0} to {most:.0} by size")))
}

/// By how much the means of one series lie above those of the other, by size.
fn differences(one: &Series, other: &Series) -> Vec<(u32, f64)> {
    let others = other.means();
    let difference = |mean: super::series::Mean| {
        let other = others.iter().find(|other| other.kbytes == mean.kbytes)?;
        Some((mean.kbytes, mean.guest.0 - other.guest.0))
    };
    one.means().into_iter().filter_map(difference).collect()
}

fn mean(differences: &[(u32, f64)]) -> Option<f64> {
    let sum: f64 = differences.iter().map(|(_, difference)| difference).sum();
    (!differences.is_empty()).then(|| sum / differences.len() as f64)
}

/// By how much the slowest of the kernel-level series is slower than the fastest, in percent, at the size where it is most.
fn kernel_spread(series: &[Series]) -> Option<(f64, String)> {
    let all: Vec<_> = [Workload::Idle, Workload::Compute, Workload::Rpc]
        .into_iter()
        .filter_map(|workload| Some((workload, find(series, workload, Mechanism::Kernel)?.means())))
        .collect();
    if all.len() < 2 {
        return None;
    }
    let sizes = all[0].1.iter().map(|mean| mean.kbytes);
    let spread = |kbytes| {
        let times = all.iter().filter_map(|(workload, means)| {
            let mean = means.iter().find(|mean| mean.kbytes == kbytes)?;
            Some((mean.guest.0, workload.word()))
        });
        let fastest = times.clone().min_by(|one, other| one.0.total_cmp(&other.0))?;
        let slowest = times.max_by(|one, other| one.0.total_cmp(&other.0))?;
        let percent = 100.0 * (slowest.0 / fastest.0 - 1.0);
        Some((
            percent,
            format!("{} over {} at {kbytes} Kbytes", slowest.1, fastest.1),
        ))
    };
    sizes
        .filter_map(spread)
        .max_by(|one, other| one.0.total_cmp(&other.0))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::series::tests::made_up;
    use super::*;
    use crate::command::bench::limits::{Verdict, are_good};

    /// Six series as the paper has them, the user-level ones so much slower.
    pub(in crate::command::bench::migration) fn as_published(above: u32) -> Vec<Series> {
        vec![
            made_up(Workload::Idle, Mechanism::Kernel, 50, 380),
            made_up(Workload::Idle, Mechanism::User, 50 + above, 380),
            made_up(Workload::Compute, Mechanism::Kernel, 50, 380),
            made_up(Workload::Compute, Mechanism::User, 50 + 5 * above, 380),
            made_up(Workload::Rpc, Mechanism::Kernel, 40, 380),
            made_up(Workload::Rpc, Mechanism::User, 40 + above, 380),
        ]
    }

    const CONTEXT: Context = Context {
        null_per_second: Some(600.0),
        throughput: Some(268.0),
    };

    fn value(checks: &[Check], name: &str) -> (f64, Verdict) {
        let check = checks.iter().find(|check| check.figure.name == name).unwrap();
        (check.value.unwrap(), check.verdict)
    }

    #[test]
    fn what_is_as_it_was_published_is_good() {
        let checks = compare(&Published::load(), &as_published(300), &CONTEXT);
        assert!(are_good(&checks), "{checks:?}");
        let (difference, verdict) = value(&checks, "user-minus-kernel-idle");
        assert!((difference - 300.0).abs() < 1e-9 && verdict == Verdict::Within);
        let (difference, verdict) = value(&checks, "rpc-minus-idle");
        assert!((difference + 10.0).abs() < 1e-9 && verdict == Verdict::Told);
        let (spread, _) = value(&checks, "kernel-spread");
        // At 32 Kbytes 170 and 180 ms in one series, 160 and 170 in another.
        assert!((spread - 100.0 * (175.0 / 165.0 - 1.0)).abs() < 1e-9, "{spread}");
        assert_eq!(value(&checks, "null-transactions").1, Verdict::Told);
    }

    #[test]
    fn what_is_not_says_by_how_much() {
        let checks = compare(&Published::load(), &as_published(20), &CONTEXT);
        assert!(!are_good(&checks));
        let (difference, verdict) = value(&checks, "user-minus-kernel-idle");
        assert!((difference - 20.0).abs() < 1e-9);
        assert_eq!(verdict, Verdict::Below(200.0 - difference));
        assert_eq!(
            checks.iter().filter(|check| !check.is_good()).count(),
            2,
            "{checks:?}"
        );
    }

    #[test]
    fn what_was_not_measured_is_neither_good_nor_bad() {
        let checks = compare(&Published::load(), &[], &Context::default());
        assert!(checks.iter().all(|check| check.verdict == Verdict::Missing));
        assert!(are_good(&checks));
    }
}
