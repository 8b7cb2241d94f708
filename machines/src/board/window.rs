//! Bytes that a repeated instruction moves between memory and a card's memory window, one bus cycle after the other, while nothing else happens
//! on the board: no chip is due, no frame is announced to the card, and nobody hears of the reads.

use clock::Instant;
use cpu::{Bus as _, Cycle, DeviceMoves, Page};
use ne2000::Card;

use super::Board;
use super::isa::{Space, at_or_after};

impl Board {
    /// [`cpu::Bus::device_moves`]. It ends where a move could meet something.
    pub(super) fn window_moves(&mut self, moves: DeviceMoves) -> (u32, Cycle) {
        let address = self.gate(moves.device);
        let Some((index, offset)) = self.open_card(moves, address) else {
            return (0, 0);
        };
        let quiet_until = self.quiet_until(index);
        let taken = self.memory_cycle(address);
        let Some(mut window) = self.cards[index].open_window(offset, moves.count as u16) else {
            return (0, 0);
        };
        // The access to memory comes before the cycle on the bus.
        let longest_wait = Cycle::from(self.memory_timing.longest_wait());
        let quiet_cycles = at_or_after(self.processor_clock, quiet_until).saturating_sub(longest_wait);
        let until = moves.until.min(quiet_cycles);
        let (mut done, mut cycle) = (0, moves.begin);
        while done < moves.count && cycle < until {
            if moves.is_to_device {
                cycle += Cycle::from(self.memory_timing.wait(moves.memory + done, false));
            }
            let begin = self.processor_clock.instant(cycle);
            let slot = self.isa.cycle(begin, Space::Memory, taken, true);
            let held = window.access(begin);
            let end = self.isa.end(slot, held);
            cycle += moves.clocks + Cycle::from(self.isa.wait_states(cycle, end));
            if !moves.is_to_device {
                cycle += Cycle::from(self.memory_timing.wait(moves.memory + done, true));
            }
            done += 1;
        }
        let first = moves.memory as usize;
        let memory = &mut self.memory[first..first + done as usize];
        let bytes = &mut window.bytes()[..done as usize];
        if moves.is_to_device {
            bytes.copy_from_slice(memory);
        } else {
            memory.copy_from_slice(bytes);
        }
        (done, cycle - moves.begin)
    }

    /// The card whose window has the bytes from `address` on, and where in it, unless a ROM answers there or a card hears of their reads.
    fn open_card(&self, moves: DeviceMoves, address: u32) -> Option<(usize, u32)> {
        let is_watched = |card: &Card| {
            let watched = card.watched_address();
            watched.is_some_and(|watched| watched.wrapping_sub(address) < moves.count)
        };
        let is_device = self.page(moves.device >> 12) == Page::Device && self.rom_byte_at(address).is_none();
        if !is_device || self.cards.iter().any(is_watched) {
            return None;
        }
        self.card_window(address)
    }

    /// The first instant at which something may happen to a card, or anywhere else on the board.
    fn quiet_until(&self, card: usize) -> Instant {
        let announced = self.announcements[card].front();
        let announced = announced.map_or(Instant::NEVER, |notice| notice.at());
        self.settled.min(self.next_alarm()).min(announced)
    }
}

#[cfg(test)]
mod tests {
    use clock::Span;
    use cpu::Width;
    use proptest::prelude::*;
    use wire::{CheckSequence, Frame, Notice};

    use super::*;
    use crate::board::Roms;
    use crate::lab::{self, LabSource};
    use crate::media::Media;

    /// The card of the pair lab: its window and its ports.
    const WINDOW: u32 = 0xC_C000;
    const PORTS: u16 = 0x280;
    const GATE_ARRAY: u16 = 0x680;
    /// Where the bytes are in memory.
    const MEMORY: u32 = 0x2_0000;
    /// When the first move begins.
    const BEGIN: Cycle = 40_000;
    const STATION: [u8; 6] = [2, 0x60, 0x8C, 0, 0, 1];

    /// A machine of the pair lab, its card showing its memory and listening, the last byte of a page of the window watched.
    fn board(refresh: u32) -> Board {
        let timing = format!(
            "[machine.pc]\ntiming.isa_refresh = {{ value = {refresh}, unit = \"isa-cycle\", source = \"derived: a test\" }}"
        );
        let source = LabSource::Text {
            name: "pair.toml".into(),
            text: include_str!("../../labs/pair.toml").replace("[machine.pc]", &timing),
            folder: "".into(),
        };
        let lab = lab::load(source, &[]).expect("a good lab file").lab;
        let mut board = Board::new(&lab.machines[0], 0, &Roms::default(), Media::default()).expect("a board");
        let now = Instant::START + Span::from_nanoseconds(1);
        let gate_array = [(0x6, 0x02), (0x5, 0x09), (0x8, 0x20)];
        // CCFFFh.
        let vectors = [(0xB, 0xCC), (0xC, 0xFF), (0xD, 0xF0)];
        for (offset, value) in gate_array.into_iter().chain(vectors) {
            board.write_port(now, GATE_ARRAY + offset, 1, value);
        }
        let station = (1..).zip(STATION.map(u32::from));
        let start = [
            (0x0, 0x21),
            (0xE, 0x48),
            (0xC, 0x00),
            (0xD, 0x00),
            (0x1, 0x26),
            (0x2, 0x40),
            (0x3, 0x26),
            (0xF, 0x01),
        ];
        let second_page = [(0x0, 0x61), (0x7, 0x27)];
        for (offset, value) in start
            .into_iter()
            .chain(second_page)
            .chain(station)
            .chain([(0x0, 0x22)])
        {
            board.write_port(now, PORTS + offset, 1, value);
        }
        let bytes = (0u32..0x1000).map(|at| (at * 7 + (at >> 8)) as u8);
        let first = MEMORY as usize;
        board.memory[first..first + 0x1000]
            .iter_mut()
            .zip(bytes)
            .for_each(|(place, byte)| *place = byte);
        board
    }

    fn moves(is_to_device: bool, offset: u32, count: u32) -> DeviceMoves {
        DeviceMoves {
            memory: MEMORY + offset / 2,
            device: WINDOW + offset,
            is_to_device,
            count,
            clocks: 4,
            begin: BEGIN,
            until: Cycle::MAX,
        }
    }

    /// The first of the moves, as the processor makes it; returns its cycles.
    fn single(board: &mut Board, moves: DeviceMoves) -> Cycle {
        let place = moves.memory as usize;
        let mut at = moves.begin;
        if moves.is_to_device {
            at += Cycle::from(board.memory_wait(moves.memory, false));
            let value = board.memory[place].into();
            at += Cycle::from(board.write(at, moves.device, Width::Byte, value));
        } else {
            let reply = board.read(at, moves.device, Width::Byte);
            at += Cycle::from(reply.wait);
            board.memory[place] = reply.value as u8;
            at += Cycle::from(board.memory_wait(moves.memory, true));
        }
        at + moves.clocks - moves.begin
    }

    /// All moves up to `until`, together where the board does them so if it is asked. Returns their end, and how many were made together.
    fn carry_out(board: &mut Board, mut moves: DeviceMoves, asks: bool) -> (Cycle, u32) {
        let mut together = 0;
        while moves.count > 0 && moves.begin < moves.until {
            let (mut done, mut cycles) = if asks { board.device_moves(moves) } else { (0, 0) };
            together += done;
            if done == 0 {
                (done, cycles) = (1, single(board, moves));
            }
            moves.memory += done;
            moves.device += done;
            moves.count -= done;
            moves.begin += cycles;
        }
        (moves.begin, together)
    }

    /// What of a board could have changed.
    fn rest(board: &Board) -> String {
        let Board {
            isa,
            agenda,
            inbox,
            announcements,
            interrupt_controllers,
            until,
            ..
        } = board;
        format!("{isa:?} {agenda:?} {inbox:?} {announcements:?} {interrupt_controllers:?} {until}")
    }

    /// A frame for the card whose start delimiter ends `nanoseconds` after the first move begins.
    fn post_frame(board: &mut Board, nanoseconds: u64, length: u64) {
        let mut bytes = vec![0x55; length as usize];
        bytes[..6].copy_from_slice(&STATION);
        let frame = Frame::new(&bytes, CheckSequence::Right);
        let begin = board.processor_clock.instant(BEGIN) + Span::from_nanoseconds(nanoseconds);
        let arriving = Notice::Arriving {
            at: begin + Span::from_nanoseconds(51_200),
            begin,
            frame: frame.clone(),
        };
        let received = Notice::Received {
            at: begin + Span::from_nanoseconds(800 * (length + 4)),
            begin,
            frame,
        };
        board.post_notice(0, arriving);
        board.post_notice(0, received);
    }

    /// Runs up to the first move, with so many cycles to go from there, and what lies outside known for some more.
    fn come_to_begin(board: &mut Board, cycles: Cycle, beyond: Cycle) {
        let clock = board.processor_clock;
        board.set_end(
            clock.instant(BEGIN + cycles),
            clock.instant(BEGIN + cycles + beyond),
        );
        board.ring_alarms(clock.instant(BEGIN));
    }

    #[test]
    fn bytes_for_a_card_at_rest_are_all_moved_together() {
        for is_to_device in [true, false] {
            let mut board = board(5);
            come_to_begin(&mut board, 100_000, 0);
            let until = board.until();
            let moves = DeviceMoves {
                until,
                ..moves(is_to_device, 0x100, 200)
            };
            let (end, together) = carry_out(&mut board, moves, true);
            assert_eq!(together, 200);
            // 8 clocks of 125 ns for each, and the refreshes.
            assert!((200 * 40..200 * 44).contains(&(end - BEGIN)), "{}", end - BEGIN);
        }
    }

    #[test]
    fn a_read_that_a_card_watches_for_is_not_made_together_with_others() {
        let mut board = board(0);
        come_to_begin(&mut board, 100_000, 0);
        assert!(board.cards[0].watched_address().is_some());
        assert_eq!(board.device_moves(moves(false, 0xFF0, 0x10)), (0, 0));
        assert_eq!(board.device_moves(moves(false, 0xFF0, 0x0F)).0, 0x0F);
    }

    #[test]
    fn what_is_no_memory_of_a_card_is_left_to_single_accesses() {
        let mut board = board(0);
        come_to_begin(&mut board, 100_000, 0);
        // The screen, nothing at all, memory, and a window that shows the boot PROM.
        for device in [0xB_8000, 0xD_0000, 0x3_0000] {
            let moves = DeviceMoves {
                device,
                ..moves(true, 0, 16)
            };
            assert_eq!(board.device_moves(moves), (0, 0), "{device:X}");
        }
        let now = board.processor_clock.instant(BEGIN);
        board.write_port(now, GATE_ARRAY + 5, 1, 0);
        assert_eq!(board.device_moves(moves(false, 0, 16)), (0, 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn moves_made_together_come_to_what_single_ones_come_to(
            refresh in prop::sample::select(vec![0u32, 5]),
            is_to_device: bool,
            offset in 0u32..0xE00,
            count in 1u32..0x200,
            frames in prop::collection::vec((0u64..300_000, 60u64..400), 0..3),
            cycles in 100u64..30_000,
            beyond in 1u64..200,
        ) {
            let mut singly = board(refresh);
            let mut from = 0;
            for (after, length) in frames {
                post_frame(&mut singly, from + after, length);
                from += after + 800 * (length + 40);
            }
            come_to_begin(&mut singly, cycles, beyond);
            let mut together = singly.clone();
            let moves = DeviceMoves { until: BEGIN + cycles, ..moves(is_to_device, offset, count) };
            let (single_end, none) = carry_out(&mut singly, moves, false);
            let (end, _) = carry_out(&mut together, moves, true);
            prop_assert_eq!(none, 0);
            prop_assert_eq!(end, single_end);
            prop_assert_eq!(rest(&together), rest(&singly));
            prop_assert!(together.cards == singly.cards);
            prop_assert!(together.memory == singly.memory);
        }
    }
}
