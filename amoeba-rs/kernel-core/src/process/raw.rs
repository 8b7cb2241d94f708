//! Two calls that reach beyond processes: `rawflip`, which is carried out by [`raw_flip`](crate::raw_flip), and `profil`, which
//! counts where a process spends its time.

use super::{Event, Processes, ThreadId, UserBuffer, Wait};
use crate::machine::Machine;
use proto::raw_flip::{self, Block, Operation, Outcome, Upcall};
use proto::signal::Exception;

/// Where the time of a process is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    buffer: UserBuffer,
    offset: u32,
    /// Bytes of the buffer for 65536 bytes of code.
    scale: u32,
}

impl Profile {
    /// The counter for the instruction at `counter`, if the buffer has it.
    fn place(&self, counter: u32) -> Option<UserBuffer> {
        let distance = u64::from(counter.checked_sub(self.offset)?);
        let place = (distance * u64::from(self.scale) / 65_536) & !1;
        let place = u32::try_from(place).ok()?;
        let end = place.checked_add(2)?;
        (end <= self.buffer.length).then(|| self.buffer.part(place, 2))
    }
}

impl Processes {
    /// `rawflip`: the thread waits, if only for a moment.
    pub(super) fn raw_flip(
        &mut self,
        machine: &impl Machine,
        id: ThreadId,
        address: u32,
    ) -> Result<(), Exception> {
        let bytes = self.read::<{ raw_flip::LENGTH }>(machine, id.process, address)?;
        let block = Block::parse(&bytes).map_err(|_| Exception::Argument)?;
        let place = UserBuffer {
            address,
            length: raw_flip::LENGTH as u32,
        };
        self.check_buffer(id.process, place, true)?;
        let data = UserBuffer {
            address: block.buffer,
            length: block.length,
        };
        let operation = Operation::from_code(block.operation);
        let is_upcall = operation == Some(Operation::Upcall);
        let has_data = matches!(
            operation,
            Some(Operation::Upcall | Operation::Broadcast | Operation::Multicast | Operation::Unicast)
        );
        if has_data {
            self.check_buffer(id.process, data, is_upcall)?;
        }
        self.block(
            id,
            Wait::RawFlip {
                block: address,
                data,
                is_upcall,
            },
        );
        self.events.push_back(Event::RawFlip(id, block));
        Ok(())
    }

    /// What a call gives that a stop or a signal ends.
    pub(super) const fn aborted_raw_flip(is_upcall: bool) -> i32 {
        if is_upcall {
            Upcall::Aborted.code()
        } else {
            Outcome::Fail.code()
        }
    }

    /// A thread's call of FLIP has ended: what it gives, what its block becomes, and what goes into its buffer.
    pub fn complete_raw_flip(
        &mut self,
        machine: &mut impl Machine,
        id: ThreadId,
        value: i32,
        block: Option<&Block>,
        bytes: &[u8],
    ) {
        if !self.has(id) {
            return;
        }
        let Some(Wait::RawFlip {
            block: place, data, ..
        }) = self.thread(id).wait
        else {
            return;
        };
        let written = block.map_or(Ok(()), |block| {
            let block = Block {
                buffer: data.address,
                ..*block
            };
            self.write(machine, id.process, data.address, bytes)?;
            self.write(machine, id.process, place, &block.emit())
        });
        self.wake(machine, id, value);
        // The places were good when the call began; another thread has unmapped them.
        if written.is_err() && self.has(id) && self.process(id.process).phase == super::Phase::Running {
            self.raise_exception(machine, id, Exception::Argument);
        }
    }

    /// `profil`.
    pub(super) fn set_profile(
        &mut self,
        slot: u16,
        buffer: UserBuffer,
        offset: u32,
        scale: u32,
    ) -> Result<(), Exception> {
        let profile = if scale == 0 {
            None
        } else {
            self.check_buffer(slot, buffer, true)?;
            Some(Profile {
                buffer,
                offset,
                scale,
            })
        };
        self.process_mut(slot).profile = profile;
        Ok(())
    }

    /// The clock has ticked while a thread ran.
    pub fn tick(&mut self, machine: &mut impl Machine, id: ThreadId) {
        let Some(profile) = self.process(id.process).profile else {
            return;
        };
        // What has been unmapped meanwhile is no longer counted in.
        if let Some(place) = profile.place(self.frame(id).eip)
            && let Some(bytes) = self.bytes_mut(machine, id.process, place)
            && let Some(count) = bytes.first_chunk_mut::<2>()
        {
            *count = u16::from_le_bytes(*count).saturating_add(1).to_le_bytes();
        }
    }
}
