//! The last stretches of straight-line code that were executed, for a crash report, and the disassembler for it.

use iced_x86::{Decoder, DecoderOptions, Formatter, NasmFormatter};

/// How many stretches are kept.
pub(crate) const STRETCHES: usize = 16;

/// Code that was executed from one jump to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// Linear address of its first instruction.
    pub linear: u32,
    /// CS at the time.
    pub selector: u16,
    /// EIP of its first instruction.
    pub start: u32,
    /// EIP behind its last instruction (of an unfinished one: where it faulted or stands).
    pub end: u32,
    /// The code is 32-bit code.
    pub is_32_bit: bool,
}

/// The code segment that a stretch lies in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Context {
    /// Base address of CS.
    pub(crate) base: u32,
    /// CS.
    pub(crate) selector: u16,
    /// The code is 32-bit code.
    pub(crate) is_32_bit: bool,
}

/// A jump: where it was left from, and where it went.
#[derive(Clone, Copy, Debug, Default)]
struct Leap {
    from: u32,
    to: u32,
}

/// A ring of stretches. It starts over at a restore: it is a help, not part of the processor. A jump inside a segment writes
/// little, for there are many.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trail {
    /// The way into each stretch, by its number: it lies between the end of the stretch before and its own beginning.
    ring: [Leap; STRETCHES],
    /// The number of the current stretch, or the last one if none is open.
    entered: usize,
    /// Where the last stretch ended, if none is open.
    end: u32,
    /// The segments of the stretches, each with the number of the first stretch in it.
    contexts: [(usize, Context); STRETCHES],
    context: usize,
    is_open: bool,
}

impl Trail {
    /// A stretch begins at `eip`.
    #[inline]
    pub(crate) fn enter(&mut self, eip: u32, context: Context) {
        self.jump(self.end, eip);
        if self.contexts[self.context].1 != context {
            self.context = (self.context + 1) % STRETCHES;
            self.contexts[self.context] = (self.entered, context);
        }
        self.is_open = true;
    }

    /// The current stretch ends before `from`, and the next one, in whatever segment, begins at `to`.
    #[inline(always)]
    pub(crate) fn pass(&mut self, from: u32, to: u32, context: Context) {
        self.jump(from, to);
        self.context = (self.context + 1) % STRETCHES;
        self.contexts[self.context] = (self.entered, context);
    }

    /// The current stretch ends before `from`, and the next one in the same segment begins at `to`.
    #[inline(always)]
    pub(crate) fn jump(&mut self, from: u32, to: u32) {
        self.entered = self.entered.wrapping_add(1);
        self.ring[self.entered % STRETCHES] = Leap { from, to };
    }

    /// The segment of a stretch.
    fn context_of(&self, number: usize) -> Context {
        let newest_first = (0..STRETCHES).map(|back| (self.context + STRETCHES - back) % STRETCHES);
        let mut since = newest_first.map(|index| self.contexts[index]);
        since
            .find(|(since, _)| *since <= number)
            .map_or_else(Context::default, |(_, context)| context)
    }

    /// The current stretch ends before `eip`.
    #[inline(always)]
    pub(crate) fn leave(&mut self, eip: u32) {
        self.end = eip;
        self.is_open = false;
    }

    /// [`Trail::leave`], unless no stretch is under way.
    #[inline]
    pub(crate) fn leave_if_open(&mut self, eip: u32) {
        if self.is_open {
            self.leave(eip);
        }
    }

    /// Whether a stretch is under way.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Oldest first; the last one is under way if the processor is running.
    pub(crate) fn list(&self) -> Vec<Stretch> {
        let leap = |number: usize| self.ring[number % STRETCHES];
        let kept = self.entered.min(STRETCHES);
        (0..kept)
            .rev()
            .map(|back| {
                let number = self.entered - back;
                let end = if back == 0 {
                    self.end
                } else {
                    leap(number + 1).from
                };
                let (start, context) = (leap(number).to, self.context_of(number));
                Stretch {
                    linear: context.base.wrapping_add(start),
                    selector: context.selector,
                    start,
                    end,
                    is_32_bit: context.is_32_bit,
                }
            })
            .collect()
    }
}

/// The first instruction in `bytes` as text, in the notation of NASM, and its length in bytes (at least 1);
/// `(bad)` where there is none.
#[must_use]
pub fn disassemble(bytes: &[u8], eip: u32, is_32_bit: bool) -> (String, u32) {
    let bitness = if is_32_bit { 32 } else { 16 };
    let mut decoder = Decoder::with_ip(bitness, bytes, u64::from(eip), DecoderOptions::MOV_TR);
    let instruction = decoder.decode();
    let mut text = String::new();
    NasmFormatter::new().format(&instruction, &mut text);
    (text, (instruction.len() as u32).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instruction_is_written_with_its_branch_target() {
        assert_eq!(
            disassemble(&[0xEB, 0xFE], 0x1000, true),
            ("jmp short 00001000h".into(), 2)
        );
        assert_eq!(
            disassemble(&[0x8B, 0x45, 0x08], 0, true),
            ("mov eax,[ebp+8]".into(), 3)
        );
        assert_eq!(disassemble(&[0x0F], 0, true), ("(bad)".into(), 1));
    }

    #[test]
    fn the_trail_keeps_the_last_sixteen_stretches_in_order() {
        let mut trail = Trail::default();
        for number in 0..20 {
            trail.enter(number, Context::default());
            trail.leave(number + 1);
        }
        let starts: Vec<u32> = trail.list().iter().map(|stretch| stretch.start).collect();
        assert_eq!(starts, (4..20).collect::<Vec<_>>());
    }
}
