//! What the system server tells of the network and changes in it, and booting.

use super::Network;
use alloc::string::String;
use core::fmt::Write;
use kernel_core::flip::{Change, Conditions};
use kernel_core::machine::Milliseconds;
use kernel_core::servers::Kernel;
use proto::capability::Capability;
use proto::message::Header;
use proto::standard::Status;

/// What the machine does soon.
pub(crate) struct Restart {
    /// When: the reply to whoever asked for it goes first.
    pub(crate) due: Milliseconds,
    /// From which file, and with which command line; without one as after a reset.
    pub(crate) image: Option<(Capability, String)>,
}

/// How long replies get.
const GRACE: Milliseconds = 200;

impl Kernel for Network {
    fn report(&self, now: Milliseconds, letter: char, text: &mut String) {
        // A string takes everything.
        let _ = self.flip.report(now, letter, text);
        let _ = self.rpc.report(now, letter, text);
        if letter != 'e' {
            return;
        }
        for (card, network) in &self.cards {
            let counted = card.statistics();
            let _ = writeln!(
                text,
                "network {}  {}  {} received, {} transmitted, {} retried, {} overflows, {} restarts",
                network.number(),
                card.address(),
                counted.received,
                counted.transmitted,
                counted.retried,
                counted.overflows,
                counted.restarts
            );
        }
    }

    fn change_network(&mut self, number: u16, change: Change) -> Option<Conditions> {
        let mut networks = self.flip.networks();
        let network = networks.find(|network| network.number() == usize::from(number))?;
        self.flip.change(network, change)
    }

    fn notify(&mut self, _now: Milliseconds, header: &Header) {
        self.send_notice(header);
    }

    fn boot(&mut self, now: Milliseconds, image: Option<(Capability, String)>) -> Result<(), Status> {
        if self.restart.is_some() {
            return Err(Status::NotNow);
        }
        let due = now + GRACE;
        self.restart = Some(Restart { due, image });
        Ok(())
    }
}

impl Network {
    /// The file that is to be read now, and the command line of the kernel in it. Nothing else boots until [`Network::stay`].
    pub(crate) fn image_to_boot(&mut self, now: Milliseconds) -> Option<(Capability, String)> {
        let restart = self.restart.as_mut().filter(|restart| restart.due <= now)?;
        restart.due = Milliseconds::MAX;
        restart.image.take()
    }

    /// The machine does not boot after all.
    pub(crate) fn stay(&mut self) {
        self.restart = None;
    }
}
