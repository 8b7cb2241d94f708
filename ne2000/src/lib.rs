//! The National DP8390 and the Ethernet cards built round it.
//!
//! A tour: a [`Card`] is what a machine plugs into its bus, made from [`Settings`] (which [`Model`], jumpers, station
//! address). It answers ports and a memory window, and acts on the machine through the [`devices::Context`] lent for
//! each call. Inside are the pure chip [`Dp8390`], the [`LocalMemory`] beside it, and the gate array of the 3Com
//! EtherLink II, which decodes the bus and leads the chip's interrupt to the line that software selects.
//!
//! To the cable the card speaks in [`wire::Request`]s and is answered in [`wire::Notice`]s. Nothing here has a timing
//! that is not in a data sheet: [`DMA_TRANSFER`] and the FIFO threshold decide when a transmitter is ready and how
//! long after a frame's last bit its interrupt rises.
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod card;
mod check_sequence;
mod dp8390;
mod etherlink2;
mod settings;
#[cfg(test)]
mod slot;

pub use card::Card;
pub use dp8390::{Counts, DMA_TRANSFER, Dp8390, LocalMemory, SHORTEST_FIFO_FILL};
pub use settings::{Model, Settings};
