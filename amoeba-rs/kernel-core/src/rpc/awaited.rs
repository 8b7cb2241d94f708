//! A client's side when the reply comes.

use super::arrival::Fragment;
use super::assembly::{Assembly, write};
use super::limits::longest_asking;
use super::message::{Buffer, HEAD_LENGTH, Payload};
use super::thread::{Marks, Phase};
use super::{Rpc, ThreadId};
use crate::flip::types::{Below, Milliseconds, SendFlags};
use proto::flip::Address;
use proto::message;
use proto::rpc::{self, Header, Kind};

impl<D: Payload> Rpc<D> {
    /// REPLY, whole or the first fragment of it.
    pub(super) fn reply(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        id: ThreadId,
        fragment: &Fragment,
        header: &Header,
        bytes: &[u8],
    ) {
        let order = header.flags.byte_order();
        let Ok(user) = message::Header::parse(&bytes[rpc::LENGTH..], order) else {
            return;
        };
        let Some(transaction) = self
            .thread_mut(id)
            .and_then(|thread| thread.transaction_with(fragment.from, header))
        else {
            // The acknowledgement was lost, or the client does not wait any more.
            self.acknowledge_reply(now, below, id, fragment.from, header);
            return;
        };
        if bytes.len() as u32 == fragment.total {
            write(0, bytes, &mut transaction.reply);
            let length = (fragment.total - HEAD_LENGTH as u32).min(transaction.reply.length());
            self.acknowledge_reply(now, below, id, fragment.from, header);
            self.counters.replies = self.counters.replies.wrapping_add(1);
            self.end_transaction(id, Ok((user, length)));
            return;
        }
        if transaction
            .assembly
            .as_ref()
            .is_some_and(|known| known.is_of(fragment.from, fragment.message, fragment.total))
        {
            return;
        }
        let mut assembly = Assembly::new(fragment.from, fragment.message, *header, user, fragment.total);
        assembly.take(now, 0, bytes, &mut transaction.reply);
        transaction.phase = Phase::Waiting;
        transaction.marks.remove(Marks::ENQUIRED);
        transaction.deadline = assembly.deadline;
        let deadline = assembly.deadline;
        transaction.assembly = Some(assembly);
        self.set_due(deadline);
        self.note_assembly(id);
    }

    /// RECEIVED, flag REPLY: did the reply arrive?
    pub(super) fn asked_about_reply(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        id: ThreadId,
        from: Address,
        header: &Header,
    ) {
        let is_missing = self
            .thread_mut(id)
            .and_then(|thread| thread.transaction_with(from, header))
            .is_some();
        if !is_missing {
            self.acknowledge_reply(now, below, id, from, header);
            return;
        }
        self.drop_reply_assembly(id);
        self.server_has_it(now, below, id, from, header);
        let mut refusal = self.header(Kind::Refuse, header.transaction, header.source, id.thread);
        refusal.kernel = header.kernel;
        self.control_from(now, below, id.process, from, &refusal, SendFlags::empty());
    }

    /// What has come of a reply is of no use.
    pub(super) fn drop_reply_assembly(&mut self, id: ThreadId) {
        if let Some(transaction) = self.transaction_mut(id)
            && transaction.assembly.take().is_some()
        {
            self.counters.incomplete = self.counters.incomplete.wrapping_add(1);
            self.forget_assembly(id);
        }
    }

    /// Tells a server that the reply is here. The server asks for it if that is lost.
    pub(super) fn acknowledge_reply(
        &mut self,
        now: Milliseconds,
        below: &mut impl Below<D>,
        id: ThreadId,
        from: Address,
        header: &Header,
    ) {
        let transaction = self
            .thread_mut(id)
            .and_then(|thread| thread.transaction_with(from, header));
        if let Some(round_trip) = transaction.map(|transaction| transaction.round_trip)
            && let Some(process) = self.process_mut(id.process)
        {
            process.is_asked_for(now, longest_asking(round_trip));
        }
        let mut acknowledgement =
            self.header(Kind::Acknowledge, header.transaction, header.source, id.thread);
        acknowledgement.kernel = header.kernel;
        self.control_from(now, below, id.process, from, &acknowledgement, SendFlags::empty());
    }
}
