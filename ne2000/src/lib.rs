//! The National DP8390 and the Ethernet cards built round it.
//!
//! A tour: a [`Card`] is what a machine plugs into its bus, made from [`Settings`] (which [`Model`], jumpers, connector,
//! station address, boot PROM). It answers ports, a memory window and DMA cycles, and acts on the machine through the
//! [`devices::Context`] lent for each call. Inside are the pure chip [`Dp8390`], the [`LocalMemory`] beside it, and
//! what the maker put round them: the gate array of 3Com's EtherLink II, which decodes the bus and leads the chip's
//! interrupt to the line that software selects, or the decoder of Novell's cards, which lead remote DMA to a port.
//!
//! To the cable the card speaks in [`wire::Request`]s and is answered in [`wire::Notice`]s. Nothing here has a timing
//! that is not in a data sheet or stated as chosen: [`DMA_TRANSFER`], the FIFO threshold and end-of-packet processing
//! decide when a transmitter is ready, how long after a frame's last bit its interrupt rises, and how long the host
//! waits for the memory.
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod card;
mod check_sequence;
mod dp8390;
mod etherlink2;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod novell;
mod settings;
#[cfg(any(test, fuzzing))]
mod slot;

pub use card::{BusCycle, Card, OpenWindow, Width};
pub use dp8390::{Counts, DMA_TRANSFER, Dp8390, LocalMemory, SHORTEST_FIFO_FILL};
pub use etherlink2::WINDOW_ACCESS;
pub use settings::{Connector, Model, Settings};
