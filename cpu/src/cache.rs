//! Decoded code, by frame of physical memory and code size. An instruction is decoded when it is first reached, together with
//! those behind it, and executes from here until its line of memory is written.
//!
//! What is cached never shows to the guest: neither in values nor in clocks. Instructions that straddle two frames and those
//! in device pages are not here (the same linear address may have another second frame next time); a small memo keeps
//! them decoded as long as their bytes are the same.

use iced_x86::FlowControl;

use crate::Bus;
use crate::core::Core;
use crate::decode::{LONGEST, decode};
use crate::exec::fetch::{block_within, is_in_two_blocks};
use crate::forms;
use crate::op::{Op, Step, Traits};
use crate::pair;

const FRAME_BYTES: usize = 4096;
/// Bytes in a line, of which [`Core::take_written_code`] speaks.
const LINE_BYTES: usize = 64;
/// A page starts over when it holds this many ops: rewriting code leaves dead ones behind. Few in tests, so that it happens there.
const MOST_OPS: usize = if cfg!(any(test, fuzzing)) { 64 } else { 8 * 1024 };
/// The cache starts over when it holds this many pages. Few in tests, too.
const MOST_PAGES: usize = if cfg!(any(test, fuzzing)) { 16 } else { 1024 };
/// Entries of the memo.
const MEMO: usize = 64;

/// The decoded code of one frame for one code size.
#[derive(Debug)]
pub(crate) struct CodePage<B: Bus> {
    /// Ops in the order of their addresses, as far as they were decoded together; each run ends with one of the form
    /// `END_OF_CODE`, and one of the form `BLOCK` stands before an instruction that holds the first byte of a block.
    pub(crate) steps: Vec<Step<B>>,
    /// For each byte of the frame: the index of the op that begins there; or 0, the place of an op that is never executed.
    starts: Box<[u16; FRAME_BYTES]>,
    /// Where the code behind the last op would begin.
    tail: usize,
    /// How many instructions `ops` has had: fewer than 2^16, for the page starts over before.
    count: u16,
}

/// All decoded code of a processor.
#[derive(Debug)]
pub(crate) struct DecodeCache<B: Bus> {
    /// Index into `pages` plus one, or 0, by frame and code size.
    slots: Vec<[u32; 2]>,
    pages: Vec<CodePage<B>>,
    /// The page of instructions that are decoded singly: nothing is ever in it.
    pub(crate) nowhere: CodePage<B>,
    memo: Vec<Option<Memo>>,
}

#[derive(Clone, Copy, Debug)]
struct Memo {
    bytes: [u8; LONGEST],
    is_32_bit: bool,
    op: Op,
}

impl<B: Bus> Default for DecodeCache<B> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            pages: Vec::new(),
            nowhere: CodePage::new(),
            memo: vec![None; MEMO],
        }
    }
}

impl<B: Bus> CodePage<B> {
    /// A page of which nothing is decoded.
    pub(crate) fn new() -> Self {
        Self {
            steps: vec![Step::of(Op::marker(forms::END_OF_CODE, FRAME_BYTES, 0))],
            starts: Box::new([0; FRAME_BYTES]),
            tail: FRAME_BYTES,
            count: 0,
        }
    }

    /// The index of the op at a byte of the frame, if it is decoded.
    #[inline(always)]
    pub(crate) fn find(&self, offset: u32) -> Option<usize> {
        match self.starts[offset as usize % FRAME_BYTES] {
            0 => None,
            start => Some(usize::from(start)),
        }
    }

    /// The op of an index that [`CodePage::find`] has told, and all from there on.
    #[inline(always)]
    pub(crate) fn steps_from(&self, index: usize) -> Option<(&Step<B>, &[Step<B>])> {
        let steps = self.steps.get(index..)?;
        Some((steps.first()?, steps))
    }

    /// Decodes from `start` to the next unconditional jump, known op or end of the frame. Returns the end.
    fn extend(&mut self, frame: &[u8], start: usize, is_32_bit: bool) -> usize {
        if self.steps.len() > MOST_OPS {
            *self = Self::new();
        }
        if self.tail == start {
            self.steps.pop();
        }
        let mut at = start;
        while at < FRAME_BYTES && self.starts[at] == 0 {
            let Ok(op) = decode(&frame[at..], is_32_bit) else {
                break;
            };
            self.push(at, op);
            at += usize::from(op.length);
            if is_last(&op) {
                break;
            }
        }
        self.steps
            .push(Step::of(Op::marker(forms::END_OF_CODE, at, self.count)));
        self.tail = at;
        at
    }

    fn push(&mut self, at: usize, op: Op) {
        if let Some(block) = block_within(at as u32, u32::from(op.length)) {
            self.steps.push(Step::of(Op {
                immediate: block,
                ..Op::marker(forms::BLOCK, at, self.count)
            }));
        }
        if let Some(before) = self.steps.last_mut()
            && let Some(pair) = pair::handler(&before.op, &op)
        {
            before.become_pair(pair);
        }
        self.starts[at] = self.steps.len() as u16;
        let mut traits = op.traits;
        traits.set(
            Traits::IN_TWO_BLOCKS,
            is_in_two_blocks(at as u32, u32::from(op.length)),
        );
        self.steps.push(Step::of(Op {
            end: (at + usize::from(op.length)) as u16,
            number: self.count,
            traits,
            ..op
        }));
        self.count += 1;
    }

    /// The index at which execution goes on that comes to an op in a straight line: of the beginning of its block, if it has
    /// that before it.
    pub(crate) fn straight_to(&self, index: usize) -> usize {
        match index.checked_sub(1) {
            Some(before) if self.steps[before].op.is_marker(forms::BLOCK) => before,
            _ => index,
        }
    }

    /// Drops the ops of which bytes lie in a line.
    fn drop_line(&mut self, line: usize) {
        for start in line.saturating_sub(LONGEST - 1)..line + LINE_BYTES {
            if let Some(index) = self.find(start as u32)
                && start + usize::from(self.steps[index].op.length) > line
            {
                let number = self.steps[index].op.number;
                let end = Step::of(Op::marker(forms::END_OF_CODE, start, number));
                let first = self.straight_to(index);
                self.steps[first..=index].fill(end);
                self.starts[start] = 0;
                if let Some(before) = self.steps[..first].last_mut() {
                    *before = Step::of(before.op);
                }
            }
        }
    }
}

/// Whether execution never goes on behind an op.
fn is_last(op: &Op) -> bool {
    matches!(
        forms::flow(op.handler),
        FlowControl::UnconditionalBranch
            | FlowControl::IndirectBranch
            | FlowControl::Return
            | FlowControl::Interrupt
            | FlowControl::Exception
    )
}

impl<B: Bus> DecodeCache<B> {
    /// A page by its number.
    #[inline(always)]
    pub(crate) fn page(&self, number: usize) -> &CodePage<B> {
        &self.pages[number]
    }

    /// The number of a frame's page.
    pub(crate) fn page_of(&mut self, core: &mut Core, frame: u32, is_32_bit: bool) -> usize {
        let frame = frame as usize;
        if self.slots.len() <= frame {
            self.slots.resize(frame + 1, [0; 2]);
        }
        if self.slots[frame][usize::from(is_32_bit)] == 0 {
            if self.pages.len() == MOST_PAGES {
                self.clear(core);
            }
            self.pages.push(CodePage::new());
            self.slots[frame][usize::from(is_32_bit)] = self.pages.len() as u32;
        }
        self.slots[frame][usize::from(is_32_bit)] as usize - 1
    }

    fn clear(&mut self, core: &mut Core) {
        for (frame, slot) in self.slots.iter_mut().enumerate() {
            if *slot != [0; 2] {
                core.unmark_code_frame(frame as u32);
                *slot = [0; 2];
            }
        }
        self.pages.clear();
    }

    /// Decodes the code at a byte of a frame, which is not decoded yet. Nothing comes of it when the first instruction does not
    /// end in the frame.
    pub(crate) fn decode(
        &mut self,
        core: &mut Core,
        bus: &mut B,
        number: usize,
        address: u32,
        is_32_bit: bool,
    ) -> Option<usize> {
        let start = address as usize % FRAME_BYTES;
        let frame = address as usize - start;
        let page = &mut self.pages[number];
        let end = page.extend(&bus.memory()[frame..frame + FRAME_BYTES], start, is_32_bit);
        core.mark_code(address, (end - start) as u32);
        page.find(start as u32)
    }

    /// Drops what was decoded from a line of memory.
    pub(crate) fn drop_line(&mut self, address: u32) {
        let address = address as usize;
        for number in self.slots.get(address / FRAME_BYTES).copied().unwrap_or_default() {
            if number != 0 {
                self.pages[number as usize - 1].drop_line(address % FRAME_BYTES);
            }
        }
    }

    /// Decodes a single instruction at a linear address, unless it was there before.
    pub(crate) fn decode_single(&mut self, bytes: &[u8], linear: u32, is_32_bit: bool) -> Option<Op> {
        let entry = &mut self.memo[linear as usize % MEMO];
        if let Some(memo) = entry {
            let length = usize::from(memo.op.length);
            if memo.is_32_bit == is_32_bit && bytes.len() >= length && memo.bytes[..length] == bytes[..length]
            {
                return Some(memo.op);
            }
        }
        let op = decode(bytes, is_32_bit).ok()?;
        let mut copy = [0; LONGEST];
        copy[..bytes.len()].copy_from_slice(bytes);
        *entry = Some(Memo {
            bytes: copy,
            is_32_bit,
            op,
        });
        Some(op)
    }
}
