//! How much of the kernel programs get by `rawflip`. FLIP itself has 400 addresses, 200 messages and 80 packets; what programs
//! cannot take is left for transactions.

/// Interfaces of a process.
pub const INTERFACES_OF_PROCESS: usize = 8;
/// Addresses of all programs together; an interface has 100 at most, as FLIP says.
pub const ADDRESSES: usize = 150;
/// Messages of a process that FLIP has not done with, and their bytes.
pub const SENT_BY_PROCESS: (usize, usize) = (16, 60_000);
/// The same of all processes together.
pub const SENT: (usize, usize) = (64, 120_000);
/// Upcalls of an interface that wait for a thread.
pub const UPCALLS: usize = 32;
/// Packets in upcalls that wait, of all interfaces together.
pub const PACKETS: usize = 24;
/// Bytes of the same machine's messages in upcalls that wait, of all interfaces together.
pub const LOCAL_BYTES: usize = 120_000;
