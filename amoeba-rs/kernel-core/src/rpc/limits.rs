//! Every time, count and size of the protocol in one place (times in milliseconds).

use crate::flip::types::Milliseconds;

/// How often the kernel looks at the timers: [`Rpc::sweep`](super::Rpc::sweep).
pub const SWEEP: Milliseconds = 10;
/// Tries before a thread gives up.
pub const RETRIES: u8 = 10;
/// With so many tries left what FLIP knows of the other side's place is no longer believed, and a client that is
/// refused looks for another server.
pub const FIRST_LOCATE: u8 = 5;

/// How long a process that has moved to another machine is looked for there before it counts as gone.
pub const MOVED_TIMEOUT: Milliseconds = LOCATE_INTERVAL / 2;
/// How often it is followed without a word of it.
pub const MOVES: u8 = 200;

/// Pause between two LOCATE broadcasts; the pauses after the last of [`LOCATE_HOPS`] double each time.
pub const LOCATE_INTERVAL: Milliseconds = 100;
/// How far the LOCATE broadcasts go, one after the other; the last is repeated.
pub const LOCATE_HOPS: [u16; 5] = [1, 3, 7, 15, 25];
/// How long a thread's transactions look for a server that takes the request, unless `timeout` changes it.
pub const LOCATE_TIMEOUT: Milliseconds = LOCATE_INTERVAL * 2 * 26;

/// What a client waits beyond the round trip before it asks whether its request has arrived.
pub const REQUEST_PAUSE: Milliseconds = 1000;
/// How long a client waits for a reply before it asks whether the server still works on it.
pub const ENQUIRE_PAUSE: Milliseconds = 20_000;
/// A server waits so many round trips before it asks whether its reply has arrived.
pub const REPLY_ROUND_TRIPS: Milliseconds = 16;
/// The shortest such wait.
pub const SHORTEST_REPLY_PAUSE: Milliseconds = 11;
/// The longest such wait.
pub const LONGEST_REPLY_PAUSE: Milliseconds = 30_000;
/// A message of several fragments is given up when none has come for so long.
pub const REASSEMBLY: Milliseconds = 4000;

/// Round trip that is assumed when none could be measured.
pub const SHORTEST_ROUND_TRIP: u16 = 10;
/// Longer round trips count as this one.
pub const LONGEST_ROUND_TRIP: u16 = 1000;

/// Entries of the port cache.
pub const PORTS: usize = 256;
/// Pause between two ageings of the port cache.
pub const PORT_SWEEP: Milliseconds = 20_000;
/// Client kernels whose transactions are remembered.
pub const CLIENTS: usize = 200;
/// Transactions of each that are remembered.
pub const WINDOW: u32 = 512;
/// Pause between two ageings of the remembered client kernels.
pub const CLIENT_SWEEP: Milliseconds = 600_000;

/// Threads of a process that can carry out transactions.
pub const THREADS: u16 = 256;
/// How long the address of a process that has ended is kept at most, so that its clients and servers are told: longer than
/// a client waits between two enquiries.
pub const LINGER: Milliseconds = 30_000;
/// Addresses that are kept so.
pub const LINGERING: usize = 32;
/// Gaps that a message under reassembly may have at a time.
pub const GAPS: usize = 16;

/// The longest time that a client goes without a server that took its request, when its transactions look for
/// one `locate_timeout` milliseconds long and FLIP needs no time: the search, one wait that began before it was over, and
/// all silences.
pub const fn longest_search(locate_timeout: Milliseconds) -> Milliseconds {
    let wait = LONGEST_ROUND_TRIP as Milliseconds + REQUEST_PAUSE + SWEEP;
    locate_timeout + (RETRIES as Milliseconds + 2) * wait
}

/// The longest time after the last sign of life of a server in which its client learns that it is gone.
pub const LONGEST_SILENCE: Milliseconds =
    REASSEMBLY + (RETRIES as Milliseconds + 1) * (ENQUIRE_PAUSE + SWEEP);

/// The longest time that a reply waits for a client that is gone.
pub const LONGEST_REPLY: Milliseconds = (RETRIES as Milliseconds + 1) * (LONGEST_REPLY_PAUSE + SWEEP);

/// Pause before a server asks whether its reply has arrived, for a client that measured this round trip.
pub(super) fn reply_pause(round_trip: u16) -> Milliseconds {
    (Milliseconds::from(round_trip) * REPLY_ROUND_TRIPS).clamp(SHORTEST_REPLY_PAUSE, LONGEST_REPLY_PAUSE)
}

/// How long a server that misses the acknowledgement of its reply may ask for it, as far as an address is kept for that.
pub(super) fn longest_asking(round_trip: u16) -> Milliseconds {
    let pause = reply_pause(round_trip) + SWEEP;
    LINGER.min((Milliseconds::from(RETRIES) + 1) * pause)
}

/// Pause before a client asks whether its request has arrived.
pub(super) fn request_pause(round_trip: u16) -> Milliseconds {
    Milliseconds::from(round_trip) + REQUEST_PAUSE
}

/// A measured time as a round trip.
pub(super) fn round_trip(measured: Milliseconds) -> u16 {
    match measured {
        0 => SHORTEST_ROUND_TRIP,
        _ => measured.min(Milliseconds::from(LONGEST_ROUND_TRIP)) as u16,
    }
}
