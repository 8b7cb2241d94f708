//! Facts of the IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem".

use clock::Span;
use proptest::prelude::{any, proptest};

use super::*;
use crate::bench::{Bench, Step, any_step};

/// The text page B8000h, from A0000h.
const TEXT: u32 = 0x1_8000;

fn print(vga: &mut Vga, row: u32, column: u32, text: &[u8]) {
    for (index, &code) in (0..).zip(text) {
        let offset = TEXT + 2 * (row * 80 + column + index);
        vga.memory_write(offset, code);
        vga.memory_write(offset + 1, 0x1F);
    }
}

fn set(vga: &mut Vga, port: u16, index: u8, value: u8) {
    vga.write(port, index);
    vga.write(port + 1, value);
}

fn status(vga: &mut Vga, now: Instant) -> u8 {
    vga.read(0x3DA, &Context::new(now, &mut Vec::new()))
}

fn read(vga: &mut Vga, port: u16) -> u8 {
    vga.read(port, &Context::new(Instant::START, &mut Vec::new()))
}

#[test]
fn text_at_b8000h_is_on_the_screen() {
    let mut vga = Vga::new();
    print(&mut vga, 0, 0, b"kernel ready");
    print(&mut vga, 24, 70, b"  0123456789");
    let screen = vga.screen();
    assert_eq!(screen[0], "kernel ready");
    assert_eq!(screen[24], format!("{}01234567", " ".repeat(72)));
    assert!(screen[1..24].iter().all(String::is_empty));
}

#[test]
fn text_reads_back_with_its_attributes() {
    let mut vga = Vga::new();
    print(&mut vga, 3, 5, b"x");
    let offset = TEXT + 2 * (3 * 80 + 5);
    assert_eq!(
        [vga.memory_read(offset), vga.memory_read(offset + 1)],
        [b'x', 0x1F]
    );
}

#[test]
fn only_the_window_that_the_memory_map_opens_answers() {
    let mut vga = Vga::new();
    for (map, first, last) in [
        (0x0E, 0x1_8000, 0x1_FFFF),
        (0x0A, 0x1_0000, 0x1_7FFF),
        (0x06, 0, 0xFFFF),
    ] {
        set(&mut vga, 0x3CE, 6, map);
        for offset in (0..0x2_0000).step_by(0x800) {
            vga.memory_write(offset, 0x55);
            let is_open = (first..=last).contains(&offset);
            assert_eq!(
                vga.memory_read(offset),
                if is_open { 0x55 } else { 0xFF },
                "{map:x} {offset:x}"
            );
        }
    }
    set(&mut vga, 0x3CE, 6, 0x0E);
    vga.write(0x3C2, 0x65);
    assert_eq!(vga.memory_read(TEXT), 0xFF);
}

#[test]
fn the_start_address_scrolls_by_characters() {
    let mut vga = Vga::new();
    print(&mut vga, 1, 0, b"second");
    set(&mut vga, 0x3D4, 0x0D, 80);
    assert_eq!(vga.screen()[0], "second");
}

#[test]
fn the_cursor_location_counts_characters_from_the_start_of_memory() {
    let mut vga = Vga::new();
    assert_eq!(vga.cursor(), Some((0, 0)));
    let [high, low] = (3 * 80 + 7u16).to_be_bytes();
    set(&mut vga, 0x3D4, 0x0E, high);
    set(&mut vga, 0x3D4, 0x0F, low);
    assert_eq!(vga.cursor(), Some((3, 7)));
    set(&mut vga, 0x3D4, 0x0D, 80);
    assert_eq!(vga.cursor(), Some((2, 7)));
    set(&mut vga, 0x3D4, 0x0A, 0x20);
    assert_eq!(vga.cursor(), None);
}

#[test]
fn code_page_437_becomes_unicode() {
    let mut vga = Vga::new();
    print(
        &mut vga,
        0,
        0,
        &[0x01, 0x7F, 0x80, 0xC9, 0xDB, 0xE1, 0xFE, 0x00, 0xFF],
    );
    assert_eq!(vga.screen()[0], "☺⌂Ç╔█ß■");
}

#[test]
fn a_screen_that_is_off_or_shows_graphics_has_no_text() {
    for (port, index, value) in [(0x3C4, 1, 0x20), (0x3CE, 6, 0x0F), (0x3D4, 0x17, 0x23)] {
        let mut vga = Vga::new();
        print(&mut vga, 0, 0, b"text");
        set(&mut vga, port, index, value);
        assert_eq!(vga.screen()[0], "");
        assert_eq!(vga.cursor(), None);
    }
}

#[test]
fn seventy_frames_of_400_shown_lines_take_998_764_us() {
    let mut vga = Vga::new();
    let [mut retraces, mut blankings] = [0, 0];
    let mut last = 0;
    // A character takes 318 ns.
    for nanoseconds in (0..998_764_000).step_by(300) {
        let now = status(&mut vga, Instant::START + Span::from_nanoseconds(nanoseconds));
        retraces += u32::from(now & 8 > last & 8);
        blankings += u32::from(now & 1 > last & 1);
        last = now;
    }
    assert_eq!([retraces, blankings], [70, 70 * 400]);
    let end = Instant::START + Span::from_microseconds(998_765);
    assert_eq!([last & 1, status(&mut vga, end) & 1], [1, 0]);
}

#[test]
fn the_vertical_retrace_lasts_two_lines_from_line_412() {
    let mut vga = Vga::new();
    let at = |line: u64| DOT_CLOCK_28_MHZ.instant(line * 900);
    let tick = Span::from_picoseconds(1);
    assert_eq!(status(&mut vga, at(412) - tick), 0x01);
    assert_eq!(status(&mut vga, at(412)), 0x09);
    assert_eq!(status(&mut vga, at(414) - tick), 0x09);
    assert_eq!(status(&mut vga, at(414)), 0x01);
    assert_eq!(status(&mut vga, at(449)), 0x00);
}

#[test]
fn reading_input_status_1_makes_3c0h_expect_an_address() {
    let mut vga = Vga::new();
    vga.write(0x3C0, 0x30);
    read(&mut vga, 0x3DA);
    vga.write(0x3C0, 0x31);
    vga.write(0x3C0, 0x05);
    assert_eq!([read(&mut vga, 0x3C0), read(&mut vga, 0x3C1)], [0x31, 0x05]);
}

#[test]
fn the_palette_can_be_written_only_while_the_display_does_not_use_it() {
    let mut vga = Vga::new();
    for (address, expected) in [(0x21, 0x01), (0x01, 0x3A)] {
        read(&mut vga, 0x3DA);
        vga.write(0x3C0, address);
        vga.write(0x3C0, 0x3A);
        assert_eq!(read(&mut vga, 0x3C1), expected);
    }
}

#[test]
fn the_crt_controller_moves_to_3b4h_with_the_miscellaneous_output_register() {
    let mut vga = Vga::new();
    assert_eq!(read(&mut vga, 0x3B5), 0xFF);
    vga.write(0x3C2, 0x66);
    vga.write(0x3B4, 1);
    assert_eq!([read(&mut vga, 0x3B5), read(&mut vga, 0x3D5)], [0x4F, 0xFF]);
    assert_eq!(read(&mut vga, 0x3CC), 0x66);
}

#[test]
fn protected_crt_registers_keep_all_but_line_compare_bit_8() {
    let mut vga = Vga::new();
    for (index, value, expected) in [(0, 0, 0x5F), (7, 0x00, 0x0F), (9, 0x0F, 0x0F)] {
        set(&mut vga, 0x3D4, index, value);
        assert_eq!(read(&mut vga, 0x3D5), expected);
    }
    set(&mut vga, 0x3D4, 0x11, 0x0E);
    set(&mut vga, 0x3D4, 0, 0x2D);
    assert_eq!(read(&mut vga, 0x3D5), 0x2D);
}

#[test]
fn registers_that_do_not_exist_read_ffh() {
    let mut vga = Vga::new();
    for (port, index) in [(0x3D4, 0x19), (0x3C4, 5), (0x3CE, 9)] {
        set(&mut vga, port, index, 0);
        assert_eq!(read(&mut vga, port + 1), 0xFF);
    }
}

#[test]
fn the_dac_takes_three_components_of_six_bits_and_steps_on() {
    let mut vga = Vga::new();
    for (port, value) in [(0x3C8, 5), (0x3C9, 0xFF), (0x3C9, 2), (0x3C9, 3), (0x3C9, 4)] {
        vga.write(port, value);
    }
    assert_eq!(read(&mut vga, 0x3C7), 0);
    vga.write(0x3C7, 5);
    assert_eq!([0; 4].map(|_| read(&mut vga, 0x3C9)), [0x3F, 2, 3, 4]);
    assert_eq!(read(&mut vga, 0x3C7), 3);
}

#[test]
fn brown_is_the_dark_yellow_with_half_the_green() {
    let vga = Vga::new();
    let brown = usize::from(attribute::MODE_3[6]);
    assert_eq!(vga.palette.colours[brown], [42, 21, 0]);
}

/// Maps of 64 KiB at A0000h, addressed one by one, as a BIOS loads fonts.
/// "Video Subsystem Enable".
#[test]
fn a_disabled_vga_answers_at_3c3h_alone() {
    let mut vga = Vga::new();
    vga.write(0x3C3, 0);
    vga.memory_write(0x1_8000, b'A');
    for port in (0x3B0..=0x3DF).filter(|&port| port != 0x3C3) {
        assert_eq!(read(&mut vga, port), 0xFF, "port {port:#x}");
    }
    assert_eq!(vga.memory_read(0x1_8000), 0xFF);
    assert_eq!(read(&mut vga, 0x3C3), 0);
    vga.write(0x3C3, 1);
    assert_eq!(vga.memory_read(0x1_8000), b' ');
}

/// What a video BIOS writes to set a text mode reads back: sequencer, CRT controller, graphics and attribute controller.
#[test]
fn every_register_of_a_text_mode_reads_back() {
    let mut vga = Vga::new();
    set(&mut vga, 0x3D4, 0x11, 0x0E);
    for (port, last) in [(0x3C4, 4), (0x3D4, 0x18), (0x3CE, 8)] {
        for index in 0..=last {
            let value = match (port, index) {
                (0x3D4, 0x11) => 0x0E,
                (0x3D4, _) => 0xA5 ^ index,
                _ => 0x01,
            };
            set(&mut vga, port, index, value);
            assert_eq!(
                read(&mut vga, port + 1) | 0x01,
                value | 0x01,
                "{port:#x} index {index}"
            );
        }
    }
    for index in 0..0x15 {
        read(&mut vga, 0x3DA);
        vga.write(0x3C0, index);
        vga.write(0x3C0, 0x05);
        assert_eq!(read(&mut vga, 0x3C1), 0x05, "attribute {index}");
    }
    vga.write(0x3C2, 0xE3);
    assert_eq!(read(&mut vga, 0x3CC), 0xE3);
    vga.write(0x3DA, 0x02);
    assert_eq!(read(&mut vga, 0x3CA), 0x02);
}

fn planar() -> Vga {
    let mut vga = Vga::new();
    set(&mut vga, 0x3C4, 4, 0x06);
    set(&mut vga, 0x3CE, 5, 0x00);
    set(&mut vga, 0x3CE, 6, 0x04);
    vga
}

#[test]
fn map_2_takes_a_font_without_touching_the_text() {
    let mut vga = planar();
    set(&mut vga, 0x3C4, 2, 0x04);
    vga.memory_write(1, 0x7E);
    set(&mut vga, 0x3CE, 4, 2);
    assert_eq!(vga.memory_read(1), 0x7E);
    set(&mut vga, 0x3CE, 4, 0);
    assert_eq!(vga.memory_read(1), b' ');
}

#[test]
fn the_bit_mask_keeps_bits_of_the_latches() {
    let mut vga = planar();
    set(&mut vga, 0x3C4, 2, 0x0F);
    vga.memory_write(9, 0xF0);
    vga.memory_read(9);
    set(&mut vga, 0x3CE, 8, 0x3C);
    vga.memory_write(9, 0x0F);
    assert_eq!(vga.memory_read(9), 0xCC);
}

#[test]
fn write_mode_1_copies_the_latches() {
    let mut vga = planar();
    set(&mut vga, 0x3C4, 2, 0x0F);
    set(&mut vga, 0x3CE, 1, 0x0F);
    set(&mut vga, 0x3CE, 0, 0x05);
    vga.memory_write(1, 0);
    set(&mut vga, 0x3CE, 5, 0x01);
    vga.memory_read(1);
    vga.memory_write(2, 0);
    assert_eq!(vga.memory.at(2), [0xFF, 0, 0xFF, 0]);
}

#[test]
fn write_mode_2_spreads_the_data_bits_over_the_maps() {
    let mut vga = planar();
    set(&mut vga, 0x3C4, 2, 0x0F);
    set(&mut vga, 0x3CE, 5, 0x02);
    vga.memory_write(3, 0x06);
    assert_eq!(vga.memory.at(3), [0, 0xFF, 0xFF, 0]);
}

#[test]
fn write_mode_3_masks_the_set_reset_colour_with_the_data() {
    let mut vga = planar();
    set(&mut vga, 0x3C4, 2, 0x0F);
    vga.memory_write(4, 0x00);
    vga.memory_read(4);
    set(&mut vga, 0x3CE, 0, 0x01);
    set(&mut vga, 0x3CE, 5, 0x03);
    vga.memory_write(4, 0x18);
    assert_eq!(vga.memory.at(4), [0x18, 0, 0, 0]);
}

#[test]
fn read_mode_1_compares_the_maps_that_matter() {
    let mut vga = planar();
    set(&mut vga, 0x3C4, 2, 0x01);
    vga.memory_write(5, 0xA5);
    set(&mut vga, 0x3CE, 5, 0x08);
    set(&mut vga, 0x3CE, 2, 0x01);
    set(&mut vga, 0x3CE, 7, 0x01);
    assert_eq!(vga.memory_read(5), 0xA5);
    set(&mut vga, 0x3CE, 7, 0x00);
    assert_eq!(vga.memory_read(5), 0xFF);
}

#[test]
fn chain_4_selects_the_map_by_the_two_low_address_bits() {
    let mut vga = planar();
    set(&mut vga, 0x3C4, 2, 0x0F);
    set(&mut vga, 0x3C4, 4, 0x0E);
    for offset in 0..4 {
        vga.memory_write(8 + offset, offset as u8 + 1);
    }
    assert_eq!(vga.memory.at(8), [1, 2, 3, 4]);
    assert_eq!(vga.memory_read(10), 3);
}

proptest! {
    #[test]
    fn no_sequence_of_accesses_breaks_the_screen(
        steps in proptest::collection::vec((any::<u32>(), any_step(0x3B0, 0x3DF)), 0..200),
    ) {
        let mut vga = Vga::new();
        let mut bench = Bench::new();
        for (address, step) in steps {
            match step {
                Step::Read(port) => {
                    let value = bench.call(|cx| vga.read(port, cx));
                    assert!(vga.register(port).is_some() || value == 0xFF);
                }
                Step::Write(port, value) => vga.write(port, value),
                Step::Poke(value) => {
                    let offset = address % 0x2_0000;
                    vga.memory_write(offset, value);
                    vga.memory_read(if value % 2 == 0 { offset } else { address });
                }
                Step::Pass(span) | Step::Jump(span, _) => bench.now += span,
            }
            if let Some((row, column)) = vga.cursor() {
                assert!(row < 25 && usize::from(column) < vga.columns());
            }
        }
        assert!(bench.log.is_empty(), "a VGA has no effects");
        let width = vga.columns();
        assert!(vga.screen().iter().all(|line| line.chars().count() <= width && !line.ends_with(' ')));
    }
}
