//! Cards of every kind on the board: two in one machine, the time of copy loops, and what a packet on its way costs.

use std::sync::Arc;

use clock::Span;
use iced_x86::IcedError;
use iced_x86::code_asm::{CodeAssembler, al, byte_ptr, dx, ecx, edi, edx, esi};
use machines::runtime::What;
use tests::{
    Memory, guest, handle, input, lab, lab_in, output, post, prepare_interrupts, run_for, runtime, sleep,
    start_card, transmit, two_kernels,
};
use wire::{Frame, Record};

/// One 386/40 `pc` with `cards`, which name segments ether0 and ether1, and other settings.
fn one_pc(settings: &str, cards: &str) -> String {
    format!(
        r#"
format = 1
[lab]
name = "cards"
[image.kernel]
path = "builtin:kernel"
[segment.ether0]
kind = "10base2"
length = "30m"
[segment.ether1]
kind = "10base2"
length = "50m"
[machine.pc]
memory = "2MB"
boot = {{ from = "direct", image = "kernel" }}
{settings}
{cards}
"#
    )
}

fn card(model: &str, segment: u8, io: u16, irq: u8, ram: &str) -> String {
    format!(
        "[[machine.pc.card]]\ntype = \"{model}\"\nsegment = \"ether{segment}\"\nio = {io:#x}\nirq = {irq}\n{ram}\n\
         mac = \"02:60:8c:00:0{segment}:01\"\n"
    )
}

const WINDOW: &str = "ram = 0xCC000";

fn run(text: &str, kernel: Arc<[u8]>, milliseconds: u64) -> Memory {
    let mut runtime = runtime(&lab(text), &[kernel]);
    run_for(&mut runtime, Span::from_milliseconds(milliseconds), 1).1
}

fn outputs(a: &mut CodeAssembler, base: u16, writes: &[(u16, u8)]) -> Result<(), IcedError> {
    writes
        .iter()
        .try_for_each(|(register, value)| output(a, base + register, *value))
}

/// Brings up the controller of a Novell card at `base`: ring from `start` to `stop`, every frame received.
fn start_novell(
    a: &mut CodeAssembler,
    base: u16,
    configuration: u8,
    [start, stop]: [u8; 2],
) -> Result<(), IcedError> {
    outputs(
        a,
        base,
        &[
            (0x0, 0x21),
            (0xE, configuration),
            (0xA, 0),
            (0xB, 0),
            (0xC, 0x1C),
            (0xD, 0),
            (0x1, start),
            (0x2, stop),
            (0x3, start),
            (0x7, 0xFF),
            (0xF, 0x3F),
            (0x0, 0x61),
            (0x7, start + 1),
            (0x0, 0x22),
        ],
    )
}

/// Begins remote DMA of `bytes` from or to card address `page` x 256: CR is 0Ah to read, 12h to write.
fn remote(a: &mut CodeAssembler, base: u16, page: u8, bytes: u16, command: u8) -> Result<(), IcedError> {
    let [low, high] = bytes.to_le_bytes();
    outputs(
        a,
        base,
        &[(0x8, 0), (0x9, page), (0xA, low), (0xB, high), (0x0, command)],
    )
}

/// Puts 60 bytes of `fill` at `at`.
fn fill(a: &mut CodeAssembler, at: u32, fill: u8) -> Result<(), IcedError> {
    a.mov(edi, at)?;
    a.mov(al, u32::from(fill))?;
    a.mov(ecx, 60)?;
    a.rep().stosb()
}

fn frames(memory: &Memory) -> Vec<(usize, Frame)> {
    let frame = |happening: &machines::runtime::Happening| match &happening.what {
        What::Wire {
            segment,
            record: Record::Frame { frame, .. },
        } => Some((*segment, frame.clone())),
        _ => None,
    };
    memory.happenings.iter().filter_map(frame).collect()
}

#[test]
fn a_machine_with_two_cards_sends_on_both_cables_and_hears_of_each_by_its_own_interrupt() {
    let kernel = guest(|a| {
        prepare_interrupts(a, 1 << 3 | 1 << 5)?;
        for (vector, code, status, end) in [(0x0B, 0x33, 0x287, 0x20), (0x0D, 0x55, 0x307, 0x20)] {
            handle(a, vector, |a| {
                output(a, 0x80, code)?;
                input(a, status)?;
                post(a)?;
                output(a, status, 0xFF)?;
                output(a, end, 0x20)?;
                a.iretd()
            })?;
        }
        start_card(a)?;
        fill(a, 0xC_C000, 0x11)?;
        start_novell(a, 0x300, 0x49, [0x46, 0x80])?;
        fill(a, 0x18_0000, 0x22)?;
        remote(a, 0x300, 0x40, 60, 0x12)?;
        a.mov(esi, 0x18_0000)?;
        a.mov(edx, 0x310)?;
        a.mov(ecx, 30)?;
        a.rep().outsw()?;
        outputs(a, 0x300, &[(7, 0x40), (4, 0x40), (5, 60), (6, 0), (0, 0x26)])?;
        a.sti()?;
        for _ in 0..200 {
            a.in_(al, 0x61)?;
        }
        transmit(a, 60)?;
        sleep(a)
    });
    let cards = card("3c503", 0, 0x280, 3, WINDOW) + &card("ne2000", 1, 0x300, 5, "");
    let memory = run(&one_pc("", &cards), kernel, 20);
    let bytes = |fill: u8| vec![fill; 60];
    let sent: Vec<_> = frames(&memory)
        .iter()
        .map(|(segment, frame)| (*segment, frame.bytes().to_vec()))
        .collect();
    assert_eq!(sent, [(1, bytes(0x22)), (0, bytes(0x11))]);
    assert_eq!(memory.codes(0), [0x55, 0x02, 0x33, 0x02]);
}

/// Where loops have their memory.
const MEMORY: u32 = 0x18_0000;

/// A loop of `count` units, made by a guest that brings its card up with `prepare` and then has its memory in the cache.
fn timed(
    text: &str,
    prepare: impl Fn(&mut CodeAssembler) -> Result<(), IcedError>,
    count: u32,
    body: impl Fn(&mut CodeAssembler) -> Result<(), IcedError>,
) -> u64 {
    let kernel = guest(|a| {
        prepare(a)?;
        a.mov(esi, MEMORY)?;
        a.mov(ecx, 1_000)?;
        a.rep().lodsd()?;
        a.mov(ecx, count)?;
        a.mov(esi, 0xC_C000)?;
        a.mov(edi, MEMORY)?;
        a.mov(al, 1)?;
        post(a)?;
        a.mov(edx, 0x310)?;
        body(a)?;
        post(a)?;
        sleep(a)
    });
    let memory = run(text, kernel, 20);
    let posts = memory.posts(0);
    assert_eq!(posts.len(), 2, "{posts:?}");
    posts[1].0.since(posts[0].0).nanoseconds()
}

/// Nanoseconds a byte: what a thousand more of them cost.
fn nanoseconds_a_byte(
    text: &str,
    prepare: impl Fn(&mut CodeAssembler) -> Result<(), IcedError>,
    bytes_a_unit: u32,
    body: impl Fn(&mut CodeAssembler) -> Result<(), IcedError>,
) -> u64 {
    let of = |bytes: u32| timed(text, &prepare, bytes / bytes_a_unit, &body);
    (of(1_400) - of(400)) / 1_000
}

#[test]
fn a_copy_loop_over_the_3c503s_window_takes_seven_or_eight_bus_clocks_a_byte() {
    for (clocks, expected) in [(8, 1_000), (7, 875)] {
        let settings = format!(
            "timing = {{ isa_8bit = {{ value = {clocks}, unit = \"isa-cycle\", source = \"derived: a test\" }} }}"
        );
        let text = one_pc(&settings, &card("3c503", 0, 0x280, 3, WINDOW));
        let read = nanoseconds_a_byte(&text, start_card, 1, |a| a.rep().movsb());
        assert_eq!(read, expected);
        let write = nanoseconds_a_byte(&text, start_card, 1, |a| {
            a.xchg(esi, edi)?;
            a.rep().movsb()
        });
        assert_eq!(write, expected);
    }
}

#[test]
fn words_and_dwords_over_the_8_bit_window_pay_the_gap_between_accesses_once() {
    // 6 clocks of each cycle's command, and 1 or 2 between accesses.
    for (clocks, word, dword) in [(7, 812, 781), (8, 875, 812)] {
        let settings = format!(
            "timing = {{ isa_8bit = {{ value = {clocks}, unit = \"isa-cycle\", source = \"derived: a test\" }} }}"
        );
        let text = one_pc(&settings, &card("3c503", 0, 0x280, 3, WINDOW));
        assert_eq!(
            nanoseconds_a_byte(&text, start_card, 2, |a| a.rep().movsw()),
            word
        );
        assert_eq!(
            nanoseconds_a_byte(&text, start_card, 4, |a| a.rep().movsd()),
            dword
        );
    }
}

#[test]
fn a_copy_loop_over_the_16_bit_window_takes_a_quarter_of_a_microsecond_a_byte_by_words() {
    let text = one_pc("", &card("3c503-16", 0, 0x280, 3, WINDOW));
    let words = nanoseconds_a_byte(&text, start_card, 2, |a| a.rep().movsw());
    assert_eq!(words, 250);
    let dwords = nanoseconds_a_byte(&text, start_card, 4, |a| a.rep().movsd());
    assert_eq!(dwords, 218, "two cycles of 3 and 4 clocks each");
    let bytes = nanoseconds_a_byte(&text, start_card, 1, |a| a.rep().movsb());
    assert_eq!(bytes, 500, "a byte takes as long as a word");
}

#[test]
fn remote_dma_of_an_ne1000_takes_seven_or_eight_bus_clocks_a_byte() {
    let text = one_pc("", &card("ne1000", 0, 0x300, 3, ""));
    let read = |a: &mut CodeAssembler| {
        start_novell(a, 0x300, 0x48, [0x26, 0x40])?;
        remote(a, 0x300, 0x20, 4_000, 0x0A)
    };
    assert_eq!(nanoseconds_a_byte(&text, read, 1, |a| a.rep().insb()), 1_000);
    let write = |a: &mut CodeAssembler| {
        start_novell(a, 0x300, 0x48, [0x26, 0x40])?;
        remote(a, 0x300, 0x20, 4_000, 0x12)
    };
    assert_eq!(
        nanoseconds_a_byte(&text, write, 1, |a| {
            a.xchg(esi, edi)?;
            a.rep().outsb()
        }),
        1_000
    );
}

#[test]
fn remote_dma_of_an_ne2000_takes_a_quarter_of_a_microsecond_a_byte() {
    let text = one_pc("", &card("ne2000", 0, 0x300, 3, ""));
    let read = |a: &mut CodeAssembler| {
        start_novell(a, 0x300, 0x49, [0x46, 0x80])?;
        remote(a, 0x300, 0x40, 8_000, 0x0A)
    };
    let time = nanoseconds_a_byte(&text, read, 2, |a| a.rep().insw());
    assert!((250..=312).contains(&time), "{time}");
    let write = |a: &mut CodeAssembler| {
        start_novell(a, 0x300, 0x49, [0x46, 0x80])?;
        remote(a, 0x300, 0x40, 8_000, 0x12)
    };
    let time = nanoseconds_a_byte(&text, write, 2, |a| {
        a.xchg(esi, edi)?;
        a.rep().outsw()
    });
    assert!((250..=312).contains(&time), "{time}");
}

#[test]
fn an_8_bit_register_is_read_in_an_8_bit_cycle_beside_a_16_bit_data_port() {
    let text = one_pc("", &card("ne2000", 0, 0x300, 3, ""));
    let prepare = |a: &mut CodeAssembler| start_novell(a, 0x300, 0x49, [0x46, 0x80]);
    let reads = |a: &mut CodeAssembler| {
        let mut again = a.create_label();
        a.mov(edx, 0x303)?;
        a.set_label(&mut again)?;
        a.in_(al, dx)?;
        a.dec(ecx)?;
        a.jne(again)
    };
    let time = nanoseconds_a_byte(&text, prepare, 1, reads);
    assert!((1_000..1_500).contains(&time), "{time}");
}

#[test]
fn a_boot_prom_is_read_in_its_window_until_the_driver_shows_memory_there() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("boot.rom"), [0x55, 0xAA, 0x10, 0xCB]).expect("a file");
    let cards = card("3c503", 0, 0x280, 3, WINDOW)
        + "prom = { image = \"prom\" }\n"
        + &card("ne1000", 1, 0x300, 5, "ram = 0xC8000")
        + "prom = { image = \"prom\" }\n";
    let text = one_pc("", &cards) + "[image.prom]\npath = \"boot.rom\"\n";
    let lab = lab_in(folder.path(), &text);
    let kernel = guest(|a| {
        for address in [0xC_C000, 0xC_C001, 0xC_DFFE, 0xC_8000, 0xC_8003, 0xC_8004_u32] {
            a.mov(al, byte_ptr(address))?;
            post(a)?;
        }
        start_card(a)?;
        a.mov(byte_ptr(0xC_C000), 0x77)?;
        a.mov(al, byte_ptr(0xC_C000))?;
        post(a)?;
        sleep(a)
    });
    let images: Vec<Arc<[u8]>> = vec![kernel, Arc::from([0x55, 0xAA, 0x10, 0xCB])];
    let mut runtime = runtime(&lab, &images);
    let (_, memory) = run_for(&mut runtime, Span::from_milliseconds(5), 1);
    assert_eq!(memory.codes(0), [0x55, 0xAA, 0x04, 0x55, 0xCB, 0xFF, 0x77]);
}

#[test]
fn the_last_byte_of_the_address_space_is_read_beside_a_card_that_watches_for_reads() {
    let text = one_pc("", &card("3c503", 0, 0x280, 3, WINDOW));
    let kernel = guest(|a| {
        start_card(a)?;
        a.mov(al, byte_ptr(0xFFFF_FFFF_u32))?;
        post(a)?;
        sleep(a)
    });
    let mut runtime = runtime(&lab(&text), &[kernel]);
    let (_, memory) = run_for(&mut runtime, Span::from_milliseconds(5), 1);
    assert_eq!(memory.codes(0), [0xFF], "nothing answers there");
}

/// Copies a hundred bytes out of its window, over and over, and tells after each turn. With `sends` it first has its
/// card send a frame of 1514 bytes.
fn copies(sends: bool) -> Arc<[u8]> {
    guest(|a| {
        let mut again = a.create_label();
        start_card(a)?;
        if sends {
            for _ in 0..200 {
                a.in_(al, 0x61)?;
            }
            transmit(a, 1514)?;
        }
        a.set_label(&mut again)?;
        a.mov(esi, 0xC_C800)?;
        a.mov(edi, 0x18_0000)?;
        a.mov(ecx, 100)?;
        a.rep().movsb()?;
        post(a)?;
        a.jmp(again)
    })
}

#[test]
fn window_accesses_wait_for_local_dma_while_a_frame_is_on_the_wire() {
    let mut runtime = two_kernels(copies(true), copies(false));
    let (_, memory) = run_for(&mut runtime, Span::from_milliseconds(4), 1);
    let (start, end) = memory
        .happenings
        .iter()
        .find_map(|happening| match &happening.what {
            What::Wire {
                record: Record::Frame { start, frame, .. },
                ..
            } => Some((
                *start,
                *start + Span::from_nanoseconds(800) * (8 + frame.length()),
            )),
            _ => None,
        })
        .expect("a frame of zeros");
    for machine in 0..2 {
        let posts = memory.posts(machine);
        let turns = posts.windows(2).map(|pair| (pair[0].0, pair[1].0));
        let mean = |is_meant: &dyn Fn(u64, u64) -> bool| {
            let spans: Vec<u64> = turns
                .clone()
                .filter(|(from, until)| is_meant(from.nanoseconds(), until.nanoseconds()))
                .map(|(from, until)| until.since(from).nanoseconds())
                .collect();
            assert!(spans.len() > 5, "{}", spans.len());
            spans.iter().sum::<u64>() / spans.len() as u64
        };
        let (start, end) = (start.nanoseconds(), end.nanoseconds());
        let quiet = mean(&|from, _| from > end + 10_000);
        let busy = mean(&|from, until| from > start + 60_000 && until < end);
        let wait = busy.saturating_sub(quiet) / 100;
        assert!(
            (100..=400).contains(&wait),
            "machine {machine}: {wait} ns an access"
        );
    }
}

#[test]
fn cards_of_one_machine_count_for_themselves() {
    let text = one_pc(
        "",
        &(card("3c503", 0, 0x280, 3, WINDOW) + &card("3c503", 1, 0x2A0, 5, "")),
    );
    let kernel = guest(|a| {
        start_card(a)?;
        transmit(a, 60)?;
        sleep(a)
    });
    let mut runtime = runtime(&lab(&text), &[kernel]);
    let _ = run_for(&mut runtime, Span::from_milliseconds(5), 1);
    let statistics = runtime.statistics();
    let counted: Vec<_> = statistics.machines[0]
        .cards
        .iter()
        .map(|card| (card.interface.as_str(), card.sent))
        .collect();
    assert_eq!(counted, [("pc/el0", 1), ("pc/el1", 0)]);
    let frames: Vec<u64> = statistics.segments.iter().map(|segment| segment.frames).collect();
    assert_eq!(frames, [1, 0]);
}
