//! The gate array's own transfers between card memory and the data FIFO, which the host empties or fills by programmed
//! I/O or through a DMA channel.
//!
//! The drivers say: DPRDY means that eight bytes may be moved, and DQTR is the number of bytes in a burst of DMA. What
//! they leave open is chosen here: the FIFO has 16 bytes, two such halves, and the gate array moves a byte (on the
//! 16-bit card a word) between it and memory in the time of a local DMA transfer, when local DMA lets it. The host may
//! end a transfer at once; what it has given is stored.
//!
//! The bytes themselves are read and written when the host moves them; nobody can tell the difference, because the
//! memory belongs to the transfer meanwhile.

use clock::{Instant, Span};

use crate::dp8390::{DMA_TRANSFER, Dp8390};

/// Bytes in the FIFO.
const FIFO: u8 = 16;

/// Bytes that may be moved when DPRDY is set.
const HALF: u8 = FIFO / 2;

/// A transfer that CTRL.START has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transfer {
    is_to_card: bool,
    /// Bytes that the gate array moves at once.
    width: u8,
    /// Bytes in the FIFO.
    filled: u8,
    /// When the gate array's transfer under way is done.
    moving_until: Option<Instant>,
    /// Bytes left of the burst for which DRQ is up.
    burst_left: u8,
    /// The DMA controller has said that its count is over.
    is_over: bool,
}

impl Transfer {
    pub(super) fn new(is_to_card: bool, width: u8, now: Instant, controller: &mut Dp8390) -> Self {
        let mut transfer = Self {
            is_to_card,
            width,
            filled: 0,
            moving_until: None,
            burst_left: 0,
            is_over: false,
        };
        transfer.begin_move(now, controller);
        transfer
    }

    pub(super) fn is_to_card(&self) -> bool {
        self.is_to_card
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Bytes that the host may move.
    fn available(&self) -> u8 {
        if self.is_to_card {
            FIFO - self.filled
        } else {
            self.filled
        }
    }

    /// DPRDY.
    pub(super) fn is_ready(&self) -> bool {
        self.available() >= HALF
    }

    /// The level of DRQ, where a burst has `burst` bytes (0, and more than the FIFO has, are half a FIFO).
    pub(super) fn requests(&self, burst: u8) -> bool {
        !self.is_over && (self.burst_left > 0 || self.available() >= burst_bytes(burst))
    }

    /// When the FIFO's contents change next by themselves.
    pub(super) fn next_event(&self) -> Instant {
        self.moving_until.unwrap_or(Instant::NEVER)
    }

    /// Lets the gate array work until `now`.
    pub(super) fn advance(&mut self, now: Instant, controller: &mut Dp8390) {
        while let Some(done) = self.moving_until.filter(|done| *done <= now) {
            if self.is_to_card {
                self.filled = self.filled.saturating_sub(self.width);
            } else {
                self.filled += self.width;
            }
            self.begin_move(done, controller);
        }
    }

    /// The host moves a byte; false if the FIFO has none, or no room for one.
    pub(super) fn host_moves(&mut self, now: Instant, controller: &mut Dp8390) -> bool {
        if self.available() == 0 {
            return false;
        }
        if self.is_to_card {
            self.filled += 1;
        } else {
            self.filled -= 1;
        }
        if self.moving_until.is_none() {
            self.begin_move(now, controller);
        }
        true
    }

    /// The same in a DMA cycle.
    pub(super) fn dma_moves(
        &mut self,
        burst: u8,
        is_terminal_count: bool,
        now: Instant,
        controller: &mut Dp8390,
    ) -> bool {
        if self.burst_left == 0 {
            self.burst_left = burst_bytes(burst);
        }
        self.burst_left -= 1;
        let has_moved = self.host_moves(now, controller);
        if is_terminal_count {
            self.is_over = true;
            self.burst_left = 0;
        }
        has_moved
    }

    /// The gate array's next transfer, if the FIFO has room for it or something for it to take.
    fn begin_move(&mut self, at: Instant, controller: &mut Dp8390) {
        let has_work = if self.is_to_card {
            self.filled > 0
        } else {
            self.filled + self.width <= FIFO
        };
        self.moving_until = has_work.then(|| {
            let wait: Span = controller.access_memory(at, DMA_TRANSFER);
            at + wait + DMA_TRANSFER
        });
    }
}

fn burst_bytes(burst: u8) -> u8 {
    match burst {
        1..=FIFO => burst,
        _ => HALF,
    }
}
