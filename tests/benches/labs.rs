//! Host time of whole labs of 48 machines: idle ones, which take a timer interrupt every 10 ms and have nothing else to do, and ones
//! that all compute.

use std::hint::black_box;

use clock::Span;
use criterion::{Criterion, criterion_group, criterion_main};
use machines::runtime::Runtime;
use tests::{lab, pcs, run_for};

const MACHINES: usize = 48;

/// A lab whose machines have come up, each with `line` on its console.
fn booted(text: &str, line: &str) -> Runtime {
    let lab = lab(text);
    let images = machines::image::load_all(&lab).expect("the built-in images");
    let mut runtime = Runtime::build(&lab, &images).expect("a lab that can be built");
    let (_, booted) = run_for(&mut runtime, Span::from_seconds(2), 1);
    let console = booted.console(MACHINES - 1);
    assert!(console.contains(line), "{console}");
    runtime
}

/// Measures a virtual time span of a lab with one thread and with two.
fn measure(criterion: &mut Criterion, name: &str, text: &str, line: &str, span: Span) {
    let mut group = criterion.benchmark_group("lab");
    group.sample_size(10);
    for threads in [1, 2] {
        let mut runtime = booted(text, line);
        group.bench_function(format!("{name}, {threads} threads"), |bencher| {
            bencher.iter(|| black_box(run_for(&mut runtime, span, threads)));
        });
    }
    group.finish();
}

fn idle(criterion: &mut Criterion) {
    // No peers to look for: the kernels come up and halt until their next timer interrupt.
    let text = pcs(MACHINES, 1).replace("image = \"kernel\" }", "image = \"kernel\", args = \"peers=0\" }");
    let name = format!("{MACHINES} idle machines, 1 virtual second");
    measure(criterion, &name, &text, "kernel ready", Span::from_seconds(1));
}

fn computing(criterion: &mut Criterion) {
    let text = pcs(MACHINES, 1)
        .replace("builtin:kernel", "builtin:benchmark")
        .replace(
            "image = \"kernel\" }",
            "image = \"kernel\", args = \"run=integer_mix turns=4000000000\" }",
        );
    let name = format!("{MACHINES} computing machines, 0.1 virtual seconds");
    measure(
        criterion,
        &name,
        &text,
        "begin integer_mix",
        Span::from_microseconds(100_000),
    );
}

criterion_group!(benches, idle, computing);
criterion_main!(benches);
