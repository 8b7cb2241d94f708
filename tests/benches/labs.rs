//! Host time of whole labs: 48 machines that are idle, taking a timer interrupt every 10 ms, 48 that all compute, and 24 stations
//! that always have a frame to send.

use std::hint::black_box;

use clock::Span;
use criterion::{Criterion, criterion_group, criterion_main};
use machines::runtime::Runtime;
use tests::crowds::Work;
use tests::{build, lab, run_for};

const MACHINES: usize = 48;

/// Measures a virtual time span of a lab with one thread and with two.
fn measure(criterion: &mut Criterion, name: &str, begun: impl Fn() -> Runtime, span: Span) {
    let mut group = criterion.benchmark_group("lab");
    group.sample_size(10);
    for threads in [1, 2] {
        let mut runtime = begun();
        group.bench_function(format!("{name}, {threads} threads"), |bencher| {
            bencher.iter(|| black_box(run_for(&mut runtime, span, threads)));
        });
    }
    group.finish();
}

fn idle(criterion: &mut Criterion) {
    let name = format!("{MACHINES} idle machines, 1 virtual second");
    measure(
        criterion,
        &name,
        || Work::Idle.begun(MACHINES),
        Span::from_seconds(1),
    );
}

fn computing(criterion: &mut Criterion) {
    let name = format!("{MACHINES} computing machines, 0.1 virtual seconds");
    let begun = || Work::Computing.begun(MACHINES);
    measure(criterion, &name, begun, Span::from_milliseconds(100));
}

/// Nothing of this runs beside anything else: a cable is one thread's work.
fn saturating(criterion: &mut Criterion) {
    let text = "format = 1\n[lab]\nname = \"stations\"\nseed = 1\n\
                [segment.ether0]\nkind = \"10base5\"\nlength = \"500m\"\n\
                [traffic.station]\nsegment = \"ether0\"\ncount = 24\nmac = \"02:60:8c:00:00:01\"\nlength = 64\n";
    let name = "24 saturating stations, 64-byte frames, 1 virtual second";
    measure(criterion, name, || build(&lab(text)), Span::from_seconds(1));
}

criterion_group!(benches, idle, computing, saturating);
criterion_main!(benches);
