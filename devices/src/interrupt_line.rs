//! An interrupt request pin.

use crate::{Context, Effect};

/// A pin that drives one interrupt request line and tells the board only about its edges.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct InterruptLine {
    line: u8,
    is_asserted: bool,
}

impl InterruptLine {
    /// A pin on IRQ `line` (0 to 15), low.
    pub(crate) const fn new(line: u8) -> Self {
        assert!(line < 16, "an AT has IRQ 0 to 15");
        Self {
            line,
            is_asserted: false,
        }
    }

    pub(crate) fn drive(&mut self, is_asserted: bool, cx: &mut Context<'_>) {
        if self.is_asserted != is_asserted {
            self.is_asserted = is_asserted;
            cx.emit(Effect::InterruptRequest {
                line: self.line,
                asserted: is_asserted,
            });
        }
    }
}
