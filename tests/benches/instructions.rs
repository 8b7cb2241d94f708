//! Guest instructions per second, with clock accounting on: an integer mix in a loop on one 386/40.

use std::hint::black_box;

use clock::Span;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use iced_x86::IcedError;
use iced_x86::code_asm::{CodeAssembler, dl, eax, ebx, ecx, edi, edx, esi, esp, ptr};
use tests::{guest, lab, pcs, run_for, runtime};

/// A loop of register arithmetic, loads, stores, a call and a branch, 20 instructions a turn (19 when the branch is
/// taken).
fn integer_mix_loop(a: &mut CodeAssembler) -> Result<(), IcedError> {
    let (mut turn, mut skip, mut leaf) = (a.create_label(), a.create_label(), a.create_label());
    a.mov(esp, 0x18_0000)?;
    a.mov(esi, 0x14_0000)?;
    a.xor(eax, eax)?;
    a.set_label(&mut turn)?;
    a.add(eax, 7)?;
    a.mov(ecx, eax)?;
    a.shl(ecx, 3)?;
    a.xor(eax, ecx)?;
    a.and(ecx, 0xFFC)?;
    a.mov(edx, ptr(esi + ecx))?;
    a.add(edx, eax)?;
    a.mov(ptr(esi + ecx), edx)?;
    a.inc(edx)?;
    a.movzx(ebx, dl)?;
    a.cmp(ebx, edx)?;
    a.jb(skip)?;
    a.dec(ebx)?;
    a.set_label(&mut skip)?;
    a.push(ebx)?;
    a.pop(edi)?;
    a.call(leaf)?;
    a.lea(ebx, ptr(edi + 1))?;
    a.jmp(turn)?;
    a.set_label(&mut leaf)?;
    a.lea(edi, ptr(edi + edi * 4 + 0x10))?;
    a.ret()
}

fn integer_mix(criterion: &mut Criterion) {
    let lab = lab(&pcs(1, 1));
    let kernels = [guest(integer_mix_loop)];
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
