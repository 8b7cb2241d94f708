//! The board behind the processor: address lines, CMOS, screen, POST port, the length of ISA accesses, reset.

use std::sync::Arc;

use clock::Span;
use iced_x86::code_asm::{al, byte_ptr, dword_ptr, dx, eax, ecx, edi, edx, esi};
use tests::{
    Memory, guest, guest_at, input, lab, output, pcs, post, run_for, runtime, sleep, start_card, transmit,
};

/// Runs one PC of `text` with `kernel` for `milliseconds` of virtual time.
fn run_lab(text: &str, kernel: Arc<[u8]>, milliseconds: u64) -> Memory {
    let mut runtime = runtime(&lab(text), &[kernel]);
    run_for(&mut runtime, Span::from_milliseconds(milliseconds), 1).1
}

fn run(kernel: Arc<[u8]>) -> Memory {
    run_lab(&pcs(1, 1), kernel, 20)
}

/// From the first POST code to the second.
fn between(memory: &Memory) -> Span {
    let posts = memory.posts(0);
    assert_eq!(posts.len(), 2, "{posts:?}");
    posts[1].0.since(posts[0].0)
}

#[test]
fn memory_above_1_mb_wraps_while_both_a20_gates_are_closed() {
    let low = byte_ptr(0x5000);
    let high = byte_ptr(0x10_5000);
    // Below 1 MB, for the gate closes over the guest's own code too.
    let memory = run(guest_at(0x2_0000, |a| {
        a.mov(low, 0x11)?;
        a.mov(high, 0x22)?;
        a.mov(al, low)?;
        post(a)?;
        output(a, 0x64, 0xD1)?;
        output(a, 0x60, 0xDD)?;
        a.mov(high, 0x33)?;
        a.mov(al, low)?;
        post(a)?;
        output(a, 0x92, 0x02)?;
        a.mov(al, high)?;
        post(a)?;
        output(a, 0x92, 0x00)?;
        a.mov(al, high)?;
        post(a)?;
        output(a, 0x64, 0xD1)?;
        output(a, 0x60, 0xDF)?;
        a.mov(al, high)?;
        post(a)?;
        sleep(a)
    }));
    assert_eq!(memory.codes(0), [0x11, 0x33, 0x22, 0x33, 0x22]);
}

#[test]
fn the_cmos_tells_base_and_extended_memory_in_kilobytes() {
    let memory = run(guest(|a| {
        for index in [0x15, 0x16, 0x17, 0x18, 0x30, 0x31] {
            output(a, 0x70, index)?;
            input(a, 0x71)?;
            post(a)?;
        }
        sleep(a)
    }));
    assert_eq!(memory.codes(0), [0x80, 0x02, 0x00, 0x04, 0x00, 0x04]);
}

#[test]
fn text_written_to_b8000h_appears_on_the_screen() {
    let kernel = guest(|a| {
        a.mov(dword_ptr(0xB_8000), 0x0765_0748)?;
        a.mov(dword_ptr(0xB_8004), 0x0779_0000 | 0x0700 | u32::from(b'l'))?;
        sleep(a)
    });
    let mut runtime = runtime(&lab(&pcs(1, 1)), &[kernel]);
    let _ = run_for(&mut runtime, Span::from_milliseconds(1), 1);
    assert_eq!(runtime.machines()[0].screen()[0].trim_end(), "Hely");
}

#[test]
fn the_post_port_is_a_setting() {
    let text = pcs(1, 1).replace("memory = \"2MB\"", "memory = \"2MB\"\npost_port = 0x84");
    let kernel = guest(|a| {
        output(a, 0x80, 1)?;
        output(a, 0x84, 2)?;
        sleep(a)
    });
    assert_eq!(run_lab(&text, kernel, 1).codes(0), [2]);
}

#[test]
fn com2_is_at_2f8h_where_it_is_fitted_and_nobody_hears_it() {
    let kernel = || {
        guest(|a| {
            output(a, 0x2FF, 0x5A)?;
            output(a, 0x2FC, 0x08)?;
            output(a, 0x2F9, 0x02)?;
            output(a, 0x2F8, b'2')?;
            output(a, 0x3FB, 0x03)?;
            output(a, 0x3F8, b'1')?;
            // Line 3 in the interrupt controller's requests; scratch, interrupt identification, modem status.
            output(a, 0x20, 0x0A)?;
            input(a, 0x20)?;
            a.and(al, 0x08)?;
            post(a)?;
            for port in [0x2FF, 0x2FA, 0x2FE] {
                input(a, port)?;
                post(a)?;
            }
            sleep(a)
        })
    };
    let card_elsewhere = pcs(1, 1).replace("irq = 3", "irq = 5");
    let two = card_elsewhere.replace("memory = \"2MB\"", "memory = \"2MB\"\nserial_ports = 2");
    for (text, codes) in [
        (two, [0x08, 0x5A, 0x02, 0x00]),
        (card_elsewhere, [0x00, 0xFF, 0xFF, 0xFF]),
    ] {
        let memory = run_lab(&text, kernel(), 10);
        assert_eq!(memory.codes(0), codes);
        assert_eq!(memory.console(0), "1");
    }
}

/// A lab whose 8-bit ISA accesses take so many bus clocks.
fn with_isa_clocks(clocks: u32) -> String {
    let timing = format!(
        "timing = {{ isa_8bit = {{ value = {clocks}, unit = \"isa-cycle\", source = \"measured: a test\" }} }}"
    );
    pcs(1, 1).replace("memory = \"2MB\"", &format!("memory = \"2MB\"\n{timing}"))
}

#[test]
fn port_accesses_take_as_many_bus_clocks_as_the_lab_says() {
    for (clocks, microseconds) in [(6, 750), (8, 1000), (9, 1125)] {
        let kernel = guest(|a| {
            a.mov(edx, 0x61)?;
            post(a)?;
            for _ in 0..999 {
                a.in_(al, dx)?;
            }
            post(a)?;
            sleep(a)
        });
        let memory = run_lab(&with_isa_clocks(clocks), kernel, 5);
        let times: Vec<_> = memory.posts(0);
        // Thousand accesses from the start of one OUT to that of the other; each waits for the same bus clock edges.
        let took = times[1].0.since(times[0].0).nanoseconds();
        assert!(
            took.abs_diff(microseconds * 1000) <= 125,
            "{clocks} clocks: {took} ns"
        );
    }
}

#[test]
fn rep_movsb_from_the_card_takes_one_isa_access_a_byte() {
    for (clocks, nanoseconds) in [(6, 750), (8, 1000), (9, 1125)] {
        let kernel = guest(|a| {
            start_card(a)?;
            a.mov(esi, 0xC_C000)?;
            a.mov(edi, 0x14_0000)?;
            a.mov(ecx, 2000)?;
            a.cld()?;
            post(a)?;
            a.rep().movsb()?;
            post(a)?;
            sleep(a)
        });
        let took = between(&run_lab(&with_isa_clocks(clocks), kernel, 5)).nanoseconds();
        // And the first POST itself, and the set-up of REP MOVSB.
        assert!(
            (2000 * nanoseconds..2002 * nanoseconds).contains(&took),
            "{clocks} clocks: {took} ns"
        );
    }
}

#[test]
fn a_dword_read_from_the_card_is_four_isa_cycles() {
    let kernel = guest(|a| {
        a.mov(esi, 0xC_C000)?;
        post(a)?;
        for _ in 0..100 {
            a.mov(eax, dword_ptr(esi))?;
        }
        post(a)?;
        sleep(a)
    });
    let took = between(&run(kernel)).nanoseconds();
    // A hundred times 26 bus clocks, and those of the first POST.
    assert!((326_000..=326_250).contains(&took), "{took} ns");
}

/// Counts its boots in memory, tells what the card's interrupt configuration and port 92h look like, starts the card with a
/// transmission on its way and the timer's interrupt waiting, and resets itself by writing `value` to `port`. After the third
/// boot it sleeps.
fn resets_itself(port: u16, value: u8) -> Arc<[u8]> {
    guest(|a| {
        a.mov(ecx, eax)?;
        a.inc(byte_ptr(0x18_0000))?;
        a.mov(al, byte_ptr(0x18_0000))?;
        post(a)?;
        a.mov(eax, ecx)?;
        post(a)?;
        input(a, 0x688)?;
        post(a)?;
        input(a, 0x92)?;
        post(a)?;
        let mut stay = a.create_label();
        a.cmp(byte_ptr(0x18_0000), 3)?;
        a.je(stay)?;
        start_card(a)?;
        transmit(a, 1000)?;
        output(a, port, value)?;
        a.hlt()?;
        a.set_label(&mut stay)?;
        output(a, 0x21, 0xFF)?;
        sleep(a)
    })
}

#[test]
fn a_processor_reset_boots_the_kernel_again_with_quiet_cards_and_memory_kept() {
    for (port, value) in [(0x64, 0xFE), (0x92, 0x01)] {
        let mut runtime = runtime(&lab(&pcs(1, 1)), &[resets_itself(port, value)]);
        let (_, memory) = run_for(&mut runtime, Span::from_milliseconds(10), 1);
        let boot = |number| [number, 0x02, 0x00, 0x00];
        assert_eq!(memory.codes(0), [boot(1), boot(2), boot(3)].concat(), "{port:x}h");
        let statistics = runtime.statistics();
        assert_eq!(
            statistics.segments[0].frames, 0,
            "a frame that is cut short is no frame"
        );
        assert_eq!(statistics.machines[0].cards[0].sent, 0);
        assert_eq!(statistics.machines[0].interrupts, 0);
    }
}

#[test]
fn a_machine_that_resets_itself_for_ever_does_not_hold_up_the_lab() {
    for (port, value) in [(0x64, 0xFE), (0x92, 0x01)] {
        let mut runtime = runtime(&lab(&pcs(2, 1)), &[guest(|a| output(a, port, value))]);
        let (_, memory) = run_for(&mut runtime, Span::from_milliseconds(5), 2);
        assert_eq!(runtime.now().nanoseconds(), 5_000_000);
        assert_eq!(memory.stops(), 0);
        assert!(runtime.statistics().machines[0].instructions > 3 * 2500);
    }
}
