//! Frames per second of host time through the wire: 24 stations that always have a frame of 1518 or of 64 bytes to
//! send, for one tenth of a virtual second.

use std::hint::black_box;

use clock::{Instant, Rate, Span};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wire::{CheckSequence, Frame, Kind, Model, Notice, Request, Segment, Settings, Settlement, StationId};

const STATIONS: u16 = 24;

/// Runs the segment from an empty cable; each station asks for its next frame as soon as it learns of the last one's
/// end. Returns the number of frames sent whole.
fn saturate(bytes: usize, span: Span) -> u64 {
    let settings = Settings {
        kind: Kind::TenBase2,
        model: Model::CsmaCd,
        bit_rate: Rate::hertz(10_000_000),
        length_millimetres: 30_000,
    };
    let frame = Frame::new(&vec![0x55; bytes - 4], CheckSequence::Right);
    let mut segment = Segment::new(&settings, 1995);
    for index in 0..u64::from(STATIONS) {
        segment.attach(index * 1_000);
    }
    let mut settlement = Settlement::default();
    let mut asking: Vec<(u16, Instant)> = (0..STATIONS).map(|station| (station, Instant::START)).collect();
    let mut now = Instant::START;
    while now < Instant::START + span {
        let end = now + segment.window();
        for (station, at) in asking.drain(..) {
            let ready = at + Span::from_microseconds(1);
            segment.request(
                StationId(station),
                Request::Transmit {
                    ready,
                    frame: frame.clone(),
                },
            );
        }
        segment.settle(end, &mut settlement);
        for (station, notice) in settlement.notices.drain(..) {
            if let Notice::Sent { at, .. } = notice {
                asking.push((station.0, at));
            }
        }
        settlement.records.clear();
        now = end;
    }
    segment.statistics().frames
}

fn frames(criterion: &mut Criterion) {
    let span = Span::from_milliseconds(100);
    let mut group = criterion.benchmark_group("wire");
    for bytes in [64, 1518] {
        group.throughput(Throughput::Elements(saturate(bytes, span)));
        group.bench_with_input(
            BenchmarkId::new("24 saturating stations", bytes),
            &bytes,
            |bencher, &bytes| {
                bencher.iter(|| black_box(saturate(bytes, span)));
            },
        );
    }
    group.finish();
}

criterion_group!(benches, frames);
criterion_main!(benches);
