//! Host time per virtual second of an idle lab: 48 machines that run the kernel, have nothing to do and take a timer
//! interrupt every 10 ms.

use std::hint::black_box;

use clock::{Instant, Span};
use criterion::{Criterion, criterion_group, criterion_main};
use machines::runtime::Runtime;
use tests::{lab, pcs, run_for};

fn idle(criterion: &mut Criterion) {
    // No peers to look for: the kernels come up and halt until their next timer interrupt.
    let text = pcs(48, 1).replace("image = \"kernel\" }", "image = \"kernel\", args = \"peers=0\" }");
    let lab = lab(&text);
    let images = machines::image::load_all(&lab).expect("the built-in kernel");
    let mut group = criterion.benchmark_group("lab");
    group.sample_size(10);
    for threads in [1, 2] {
        let mut runtime = Runtime::build(&lab, &images).expect("a lab that can be built");
        let (_, booted) = run_for(&mut runtime, Span::from_seconds(2), threads);
        assert!(
            booted.console(47).contains("kernel ready"),
            "{}",
            booted.console(47)
        );
        assert!(runtime.now() > Instant::START);
        group.bench_function(
            format!("48 idle machines, 1 virtual second, {threads} threads"),
            |bencher| {
                bencher.iter(|| black_box(run_for(&mut runtime, Span::from_seconds(1), threads)));
            },
        );
    }
    group.finish();
}

criterion_group!(benches, idle);
criterion_main!(benches);
