//! What a chip may do to the world: effects leave through the context that the board lends for the call, and time
//! comes in through it.

use clock::{Instant, Span};

/// Lent to a chip for one access or wake-up. It knows the virtual time and collects what the chip does outside
/// itself; the board carries the effects out, in order, when the call returns.
#[derive(Debug)]
pub struct Context<'a> {
    now: Instant,
    ready_after: Span,
    effects: &'a mut Vec<Effect>,
}

/// Something that a chip does outside itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The chip drives its interrupt request line (0 to 15, as the AT numbers them) high or low.
    InterruptRequest {
        /// IRQ number, 0 to 15.
        line: u8,
        /// Whether the line is high.
        asserted: bool,
    },
    /// The chip drives its DMA request line (DRQ 0 to 3 and 5 to 7, as the AT numbers them) high or low.
    DmaRequest {
        /// DMA channel, 0 to 7 without 4.
        channel: u8,
        /// Whether the line is high.
        asserted: bool,
    },
    /// The chip wants to be woken then, in place of the alarm it had; [`Instant::NEVER`] takes the alarm away.
    Wake(Instant),
    /// The gate of counter 2 of the 8254, driven by port 61h bit 0.
    Timer2Gate(bool),
    /// The A20 gate as the 8042's output port wants it.
    KeyboardA20(bool),
    /// The A20 gate as port 92h wants it.
    FastA20(bool),
    /// A pulse on the processor's reset pin.
    ResetProcessor,
    /// Whether NMI is masked (port 70h bit 7).
    NmiMasked(bool),
    /// A character has left a serial port's transmitter.
    SerialOutput(u8),
}

impl<'a> Context<'a> {
    /// A context for one call at `now`; effects are appended to `effects`.
    pub fn new(now: Instant, effects: &'a mut Vec<Effect>) -> Self {
        Self {
            now,
            ready_after: Span::ZERO,
            effects,
        }
    }

    /// The virtual time of the access.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Does something outside the chip.
    pub fn emit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Holds IOCHRDY low for `span`: the bus cycle ends that much later than its default length.
    pub fn hold_ready(&mut self, span: Span) {
        self.ready_after = self.ready_after + span;
    }

    /// How long the access was stretched by [`Context::hold_ready`].
    #[must_use]
    pub fn ready_after(&self) -> Span {
        self.ready_after
    }
}
