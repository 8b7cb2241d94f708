//! The workloads of the benchmark program on one 386/40, with clock accounting on: instructions, bytes or events a second of
//! host time, from the line that tells a workload's beginning to the line that tells its end.

#![expect(clippy::disallowed_types, reason = "host time is what a bench measures")]

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tests::benchmark::{arguments, machine, run_until};
use workloads::{Run, Turn, Workload};

/// Host time of so many turns.
fn time(workload: Workload, turns: u32) -> Duration {
    let mut machine = machine(&arguments(&[Run { workload, turns }]));
    let _ = run_until(&mut machine, &["begin"], |_| ());
    let start = Instant::now();
    let _ = run_until(&mut machine, &["end"], |_| ());
    start.elapsed()
}

fn workloads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cpu");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    for workload in Workload::ALL {
        // As many turns as the program runs by itself make one iteration.
        let turns = workload.usual_turns();
        let amount = match workload.turn() {
            Turn::Instructions(instructions) => {
                Throughput::Elements(u64::from(instructions) * u64::from(turns))
            }
            Turn::Bytes(bytes) => Throughput::Bytes(u64::from(bytes) * u64::from(turns)),
            Turn::Event => Throughput::Elements(turns.into()),
        };
        group.throughput(amount);
        group.bench_function(workload.name(), |bencher| {
            bencher.iter_custom(|iterations| {
                let turns = iterations * u64::from(turns);
                time(workload, u32::try_from(turns).expect("a bench of some seconds"))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, workloads);
criterion_main!(benches);
