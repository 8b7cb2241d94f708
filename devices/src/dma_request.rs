//! A DMA request pin.

use crate::{Context, Effect};

/// A pin that drives one DMA request line and tells the board only about its edges.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DmaRequestLine {
    channel: u8,
    is_asserted: bool,
}

impl DmaRequestLine {
    /// A pin on DRQ `channel` (0 to 3, 5 to 7), low.
    pub(crate) const fn new(channel: u8) -> Self {
        assert!(channel < 8 && channel != 4, "an AT has DRQ 0 to 3 and 5 to 7");
        Self {
            channel,
            is_asserted: false,
        }
    }

    pub(crate) fn drive(&mut self, is_asserted: bool, cx: &mut Context<'_>) {
        if self.is_asserted != is_asserted {
            self.is_asserted = is_asserted;
            cx.emit(Effect::DmaRequest {
                channel: self.channel,
                asserted: is_asserted,
            });
        }
    }
}
