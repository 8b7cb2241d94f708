//! Guest instructions per second, with clock accounting on: an integer mix in a loop on one 386/40.

use std::hint::black_box;

use clock::Span;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tests::{kernel, lab, pcs, run_for, runtime};

/// A loop of register arithmetic, loads, stores, a call and a branch, 20 instructions a turn.
const INTEGER_MIX: &[u8] = &[
    0xBC, 0x00, 0x00, 0x18, 0x00, // mov esp, 180000h
    0xBE, 0x00, 0x00, 0x14, 0x00, // mov esi, 140000h
    0x31, 0xC0, // xor eax, eax
    // turn:
    0x83, 0xC0, 0x07, // add eax, 7
    0x89, 0xC1, // mov ecx, eax
    0xC1, 0xE1, 0x03, // shl ecx, 3
    0x31, 0xC8, // xor eax, ecx
    0x81, 0xE1, 0xFC, 0x0F, 0x00, 0x00, // and ecx, 0FFCh
    0x8B, 0x14, 0x0E, // mov edx, [esi+ecx]
    0x01, 0xC2, // add edx, eax
    0x89, 0x14, 0x0E, // mov [esi+ecx], edx
    0x42, // inc edx
    0x0F, 0xB6, 0xDA, // movzx ebx, dl
    0x39, 0xD3, // cmp ebx, edx
    0x72, 0x01, // jb +1
    0x4B, // dec ebx
    0x53, // push ebx
    0x5F, // pop edi
    0xE8, 0x02, 0x00, 0x00, 0x00, // call leaf
    0xEB, 0xD2, // jmp turn
    // leaf:
    0x8D, 0x7C, 0xBF, 0x10, // lea edi, [edi+edi*4+10h]
    0xC3, // ret
];

fn integer_mix(criterion: &mut Criterion) {
    let lab = lab(&pcs(1, 1));
    let kernels = [kernel(INTEGER_MIX)];
    let span = Span::from_milliseconds(100);
    let mut probe = runtime(&lab, &kernels);
    let _ = run_for(&mut probe, span, 1);
    let instructions = probe.statistics().machines[0].instructions;

    let mut group = criterion.benchmark_group("cpu");
    group
        .throughput(Throughput::Elements(instructions))
        .sample_size(20);
    let mut machine = runtime(&lab, &kernels);
    group.bench_function("integer mix", |bencher| {
        bencher.iter(|| black_box(run_for(&mut machine, span, 1)))
    });
    group.finish();
}

criterion_group!(benches, integer_mix);
criterion_main!(benches);
