//! No guest can panic or hang the host: random code, random port accesses and random frames on two PCs that share a
//! cable.

use clock::Span;
use proptest::prelude::*;
use tests::{kernel, lab, pcs, run_for, runtime};

/// `MOV DX, port; MOV AL, value; OUT DX, AL`.
fn output(code: &mut Vec<u8>, port: u16, value: u8) {
    code.extend_from_slice(&[0x66, 0xBA]);
    code.extend_from_slice(&port.to_le_bytes());
    code.extend_from_slice(&[0xB0, value, 0xEE]);
}

/// `MOV DX, port; IN AL, DX`.
fn input(code: &mut Vec<u8>, port: u16) {
    code.extend_from_slice(&[0x66, 0xBA]);
    code.extend_from_slice(&port.to_le_bytes());
    code.push(0xEC);
}

/// Ports of every chip and of the card, and a few where nothing is.
fn port() -> impl Strategy<Value = u16> {
    prop_oneof![
        Just(0x20u16),
        Just(0x21),
        Just(0xA0),
        Just(0xA1),
        0x40u16..0x44,
        Just(0x60),
        Just(0x61),
        Just(0x64),
        Just(0x70),
        Just(0x71),
        Just(0x80),
        Just(0x92),
        0x3B0u16..0x3E0,
        0x3F8u16..0x400,
        0x280u16..0x290,
        0x680u16..0x690,
        any::<u16>(),
    ]
}

/// Brings the card up as a driver does, so that what follows meets a card that sends and receives.
fn start_card(code: &mut Vec<u8>) {
    let writes = [
        (0x686, 0x03),
        (0x686, 0x02),
        (0x685, 0x49),
        (0x680, 0x26),
        (0x681, 0x40),
        (0x688, 0x20),
        (0x280, 0x21),
        (0x28E, 0x48),
        (0x28A, 0x00),
        (0x28B, 0x00),
        (0x28C, 0x1C),
        (0x28D, 0x00),
        (0x281, 0x26),
        (0x282, 0x40),
        (0x283, 0x26),
        (0x287, 0xFF),
        (0x28F, 0x3F),
        (0x280, 0x61),
        (0x287, 0x27),
        (0x280, 0x22),
        (0x284, 0x20),
        (0x285, 0x40),
        (0x286, 0x00),
        (0x280, 0x26),
    ];
    for (port, value) in writes {
        output(code, port, value);
    }
}

/// Runs two PCs with `code` for two virtual milliseconds: that they come back at all is the test, and that time passed.
fn survives(code: &[u8]) {
    let mut runtime = runtime(&lab(&pcs(2, 1)), &[kernel(code)]);
    let (_, memory) = run_for(&mut runtime, Span::from_milliseconds(2), 1);
    let all_stopped = runtime.machines().len() == memory.stops();
    assert!(
        all_stopped || runtime.now().nanoseconds() == 2_000_000,
        "time stands at {}",
        runtime.now()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_code_neither_panics_nor_hangs_the_host(code in prop::collection::vec(any::<u8>(), 1..600)) {
        survives(&code);
    }

    #[test]
    fn random_port_accesses_neither_panic_nor_hang_the_host(
        accesses in prop::collection::vec((port(), any::<u8>(), any::<bool>()), 1..300),
    ) {
        let mut code = Vec::new();
        start_card(&mut code);
        for (port, value, is_write) in accesses {
            if is_write { output(&mut code, port, value) } else { input(&mut code, port) }
        }
        code.extend_from_slice(&[0xEB, 0xFE]);
        survives(&code);
    }

    #[test]
    fn random_frames_neither_panic_nor_hang_the_host(
        frames in prop::collection::vec((0u8..8, any::<u8>(), any::<u8>(), any::<u8>()), 1..12),
    ) {
        let mut code = Vec::new();
        start_card(&mut code);
        for (high, low, page, fill) in frames {
            // MOV EDI, CC000h; MOV ECX, 2000h; MOV AL, fill; STOSB of some bytes is enough to vary the frame.
            code.extend_from_slice(&[0xBF, 0x00, 0xC0, 0x0C, 0x00, 0xB9, 0x20, 0x00, 0x00, 0x00, 0xB0, fill, 0xF3, 0xAA]);
            for (port, value) in [(0x284, page), (0x285, low), (0x286, high), (0x280, 0x26)] {
                output(&mut code, port, value);
            }
            // Waits some 100 us: MOV ECX, 400; LOOP $.
            code.extend_from_slice(&[0xB9, 0x90, 0x01, 0x00, 0x00, 0xE2, 0xFE]);
        }
        code.extend_from_slice(&[0xEB, 0xFE]);
        survives(&code);
    }
}
