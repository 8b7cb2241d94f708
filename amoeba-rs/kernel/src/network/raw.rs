//! Programs' calls of FLIP on their way to it and back.

use super::{Buffer, Network};
use crate::clock;
use kernel_core::flip::types::Interface;
use kernel_core::machine::Machine;
use kernel_core::process::{Processes, ThreadId, UserBuffer};
use kernel_core::rpc::Message;
use proto::raw_flip::{Block, LARGEST_MESSAGE, Operation};

impl Network {
    /// Begins what a thread asks FLIP for. What it sends is copied, for it may change its memory before all has gone.
    pub(super) fn raw_call(
        &mut self,
        processes: &Processes,
        machine: &impl Machine,
        id: ThreadId,
        block: &Block,
    ) {
        let now = clock::uptime();
        // An interface that is ended now must have been told everything.
        self.settle(now);
        let operation = Operation::from_code(block.operation);
        let sends = matches!(
            operation,
            Some(Operation::Broadcast | Operation::Multicast | Operation::Unicast)
        );
        let place = UserBuffer {
            address: block.buffer,
            length: block.length,
        };
        let data = if sends && block.length as usize <= LARGEST_MESSAGE {
            let bytes = processes.bytes(machine, id.process, place);
            bytes.map(|bytes| Message::foreign(Buffer::kernel(bytes.to_vec())))
        } else {
            None
        };
        self.raw.call(now, &mut self.flip, id, block, data);
    }

    /// Ends a program's call of FLIP; false if none has come to its end.
    pub(super) fn deliver_raw(&mut self, processes: &mut Processes, machine: &mut impl Machine) -> bool {
        let Some(done) = self.raw.poll() else {
            return false;
        };
        processes.complete_raw_flip(machine, done.thread, done.value, done.block.as_ref(), &done.data);
        processes.unblocked_by_packet(done.thread.process);
        true
    }

    /// Whether an interface is a program's.
    pub(super) fn is_raw(&self, interface: Interface) -> bool {
        self.interface != interface
    }
}
