//! FLIP, the fast local internet protocol: messages between addresses that belong to processes, not machines.
//!
//! * [`types`]: what FLIP and the protocols above it say to each other.
//! * [`packet`]: the buffers in which packets arrive.

pub mod packet;
pub mod types;
