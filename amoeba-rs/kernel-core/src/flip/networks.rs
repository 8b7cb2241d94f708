//! The networks of a kernel, what they cost and whether they are trusted; and what is counted.

use super::link::Link;
use super::types::Milliseconds;

/// Index of the network within the machine.
pub(super) const LOCAL: u8 = 0;
/// Hops that the network within the machine costs.
const LOCAL_WEIGHT: u16 = 0;
/// Hops that an Ethernet costs.
pub(super) const ETHERNET_WEIGHT: u16 = 3;
/// Broadcasts that are taken from a network within one [`BROADCAST_PERIOD`].
const BROADCASTS: u32 = 100;
const BROADCAST_PERIOD: Milliseconds = 1000;

/// A network.
#[derive(Debug)]
pub(super) struct NetworkRow {
    /// Its Ethernet; none within the machine.
    pub(super) link: Option<Link>,
    pub(super) weight: u16,
    pub(super) trusted: bool,
    pub(super) enabled: bool,
    /// How late packets come from it, in milliseconds.
    pub(super) delay: u16,
    /// How many of a hundred packets do not come from it.
    pub(super) loss: u8,
    /// Broadcasts since `period`.
    broadcasts: u32,
    period: Milliseconds,
}

impl NetworkRow {
    pub(super) fn local() -> NetworkRow {
        NetworkRow::new(None, LOCAL_WEIGHT)
    }

    pub(super) fn ethernet(link: Link) -> NetworkRow {
        NetworkRow::new(Some(link), ETHERNET_WEIGHT)
    }

    fn new(link: Option<Link>, weight: u16) -> NetworkRow {
        NetworkRow {
            link,
            weight,
            trusted: true,
            enabled: true,
            delay: 0,
            loss: 0,
            broadcasts: 0,
            period: 0,
        }
    }

    /// Counts a broadcast; says whether it is one too many.
    pub(super) fn is_flooded(&mut self, now: Milliseconds) -> bool {
        if now.saturating_sub(self.period) >= BROADCAST_PERIOD {
            self.period = now;
            self.broadcasts = 0;
        }
        self.broadcasts = self.broadcasts.saturating_add(1);
        self.broadcasts > BROADCASTS
    }
}

macro_rules! statistics {
    ($($(#[$attribute:meta])* $name:ident,)*) => {
        /// Packets and frames, counted since the kernel started.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Statistics {
            $($(#[$attribute])* pub $name: u32,)*
        }

        impl Statistics {
            /// What was counted, and how often.
            pub fn each(&self, mut tell: impl FnMut(&'static str, u32)) {
                $(tell(stringify!($name), self.$name);)*
            }
        }
    };
}

statistics! {
    /// Frames from cards.
    frames_received,
    /// Frames to cards.
    frames_sent,
    /// Frames of other protocols, or for other stations.
    not_for_us,
    /// Frames whose headers make no sense.
    malformed,
    /// Frames that found no free buffer.
    no_buffer,
    /// Packets and messages that found no room in a queue.
    no_room,
    /// Routes that found no room in the routing table.
    no_route_room,
    /// Packets that have made too many hops.
    too_many_hops,
    /// Broadcasts that were seen before.
    seen_before,
    /// Broadcasts beyond what is taken from a network within a second.
    flooded,
    /// Packets whose source or destination is null or impossible.
    bad_address,
    /// Packets for which there is no way.
    no_way,
    /// Fragments of NOTHERE, UNTRUSTED and BUSY that were made here.
    turned_back,
    /// Packets that went from one network to another.
    forwarded,
    /// Packets that were lost on purpose.
    lost,
    /// LOCATEs that were answered here.
    answered,
    /// LOCATEs that were sent for own messages.
    located,
    /// Own messages that were given up.
    given_up,
    /// Packets that were given up because a neighbour gave no credits.
    no_credit,
}
