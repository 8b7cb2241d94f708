//! System calls: what a thread asks the kernel for. A bad argument is an exception of the thread's.

use super::{
    DEFAULT_TIMEOUT, Event, MOST_THREADS, Processes, Receive, Thread, ThreadId, Transaction, UserBuffer,
    Wait, registers,
};
use crate::machine::{Machine, Milliseconds};
use proto::ByteOrder;
use proto::capability::{CAPABILITY_LENGTH, Capability};
use proto::message::{self, Header, LARGEST_BUFFER};
use proto::process::{KernelState, Segment, SegmentKind};
use proto::signal::{Exception, HANDLER_LENGTH, MOST_HANDLERS};
use proto::standard::Status;
use proto::system_call::{Call, PRIORITIES, VECTORS};

/// What becomes of a call.
enum Outcome {
    /// It gives this value.
    Value(i32),
    /// The thread waits, has other registers, or is no more.
    Nothing,
}

/// The result of a call: what becomes of it, or what exception it is.
type Result<T> = core::result::Result<T, Exception>;

/// The arguments in registers.
#[derive(Clone, Copy)]
struct Arguments {
    ebx: u32,
    ecx: u32,
    edx: u32,
    edi: u32,
}

fn status(result: core::result::Result<i32, Status>) -> Outcome {
    Outcome::Value(result.unwrap_or_else(|status| i32::from(status.code())))
}

impl Processes {
    /// A thread that was running has trapped, and its frame says why: a system call or an exception.
    pub fn trap(&mut self, machine: &mut impl Machine, id: ThreadId, now: Milliseconds) {
        let frame = self.frame(id);
        let (vector, number) = (frame.trap, frame.esi);
        let arguments = Arguments {
            ebx: frame.ebx,
            ecx: frame.ecx,
            edx: frame.edx,
            edi: frame.edi,
        };
        let vector = u8::try_from(vector).unwrap_or(u8::MAX);
        if !VECTORS.contains(&vector) {
            if let Some(exception) = Exception::of_trap(u32::from(vector)) {
                self.raise_exception(machine, id, exception);
            }
            return;
        }
        let outcome = match Call::of_trap(vector, number) {
            Some(call) => self.call(machine, id, call, arguments, now),
            None => Err(Exception::SystemCall),
        };
        match outcome {
            Ok(Outcome::Value(value)) => self.thread_mut(id).frame.eax = value.cast_unsigned(),
            Ok(Outcome::Nothing) => {}
            Err(exception) => {
                self.thread_mut(id).frame.eax = i32::from(Status::RpcFailure.code()).cast_unsigned();
                self.raise_exception(machine, id, exception);
            }
        }
    }

    fn call(
        &mut self,
        machine: &mut impl Machine,
        id: ThreadId,
        call: Call,
        arguments: Arguments,
        now: Milliseconds,
    ) -> Result<Outcome> {
        match call {
            Call::GetRequest
            | Call::LongGetRequest
            | Call::PutReply
            | Call::LongPutReply
            | Call::Trans
            | Call::LongTrans
            | Call::Timeout
            | Call::Cleanup => self.transaction_call(machine, id, call, arguments),
            Call::SegmentMap | Call::SegmentUnmap | Call::SegmentGrow => {
                self.segment_call(machine, id, call, arguments)
            }
            Call::SetVector | Call::Raise | Call::SignalReturn => {
                self.signal_call(machine, id, call, arguments)
            }
            Call::GetInfo => self.get_info(machine, id.process, arguments),
            Call::RawFlip => {
                self.raw_flip(machine, id, arguments.ebx)?;
                Ok(Outcome::Nothing)
            }
            Call::Profile => {
                let Arguments { ebx, ecx, edx, edi } = arguments;
                let buffer = UserBuffer {
                    address: ebx,
                    length: ecx,
                };
                self.set_profile(id.process, buffer, edx, edi)?;
                Ok(Outcome::Value(0))
            }
            _ => self.thread_call(machine, id, call, arguments, now),
        }
    }

    fn thread_call(
        &mut self,
        machine: &mut impl Machine,
        id: ThreadId,
        call: Call,
        Arguments { ebx, ecx, edx, .. }: Arguments,
        now: Milliseconds,
    ) -> Result<Outcome> {
        let value = match call {
            Call::ExitThread => {
                self.end_thread(machine, id);
                return Ok(Outcome::Nothing);
            }
            Call::ExitProcess => {
                self.exit(machine, id.process, ebx.cast_signed());
                return Ok(Outcome::Nothing);
            }
            Call::Await => {
                let until = now + u64::from(ebx);
                self.block(id, Wait::Sleep { until });
                return Ok(Outcome::Nothing);
            }
            Call::MutexLock => match self.lock(machine, id, ebx, ecx.cast_signed(), now)? {
                Some(value) => value,
                None => return Ok(Outcome::Nothing),
            },
            Call::MutexUnlock => {
                self.unlock(machine, id.process, ebx)?;
                0
            }
            Call::ThreadSwitch => {
                self.process_mut(id.process).yield_turn();
                0
            }
            Call::NewThread => self.new_thread(id.process, ebx, ecx, edx),
            Call::GetLocal => self.thread(id).kernel.local.cast_signed(),
            Call::Milliseconds => (now as u32).cast_signed(),
            Call::MaximumPriority => PRIORITIES.cast_signed() - 1,
            Call::SetPriority => self.set_priority(machine, id, ebx, ecx)?,
            Call::EnablePreemption => {
                self.process_mut(id.process).is_preemptive = true;
                0
            }
            _ => 0,
        };
        Ok(Outcome::Value(value))
    }

    fn end_thread(&mut self, machine: &mut impl Machine, id: ThreadId) {
        if self.thread(id).is_serving {
            self.events.push_back(Event::GiveUp(id));
        }
        let process = self.process_mut(id.process);
        process.ready.retain(|ready| *ready != id.thread);
        process.threads[usize::from(id.thread)] = None;
        if process.threads.iter().all(Option::is_none) {
            self.exit(machine, id.process, 0);
        }
    }

    fn new_thread(&mut self, slot: u16, counter: u32, stack: u32, local: u32) -> i32 {
        if self.thread_count() == MOST_THREADS {
            return -1;
        }
        let kernel = KernelState {
            local,
            ..KernelState::default()
        };
        let thread = Thread::new(registers::start(counter, stack), kernel);
        let threads = &mut self.process_mut(slot).threads;
        let number = threads.iter().position(Option::is_none).unwrap_or(threads.len());
        if number == threads.len() {
            threads.push(None);
        }
        threads[number] = Some(thread);
        let id = ThreadId {
            process: slot,
            thread: number as u16,
        };
        self.make_ready(id, false);
        0
    }

    fn set_priority(
        &mut self,
        machine: &mut impl Machine,
        id: ThreadId,
        priority: u32,
        former: u32,
    ) -> Result<i32> {
        if priority >= PRIORITIES {
            return Ok(-1);
        }
        if former != 0 {
            let old = self.thread(id).priority;
            self.write(machine, id.process, former, &old.to_le_bytes())?;
        }
        self.thread_mut(id).priority = priority;
        Ok(0)
    }

    fn get_info(&mut self, machine: &mut impl Machine, slot: u16, arguments: Arguments) -> Result<Outcome> {
        let Arguments { ebx, ecx, edx, .. } = arguments;
        let own = self.capability(slot).emit();
        let descriptor = self.describe(slot);
        let fits = descriptor.len() <= edx as usize;
        if ecx != 0 && fits {
            let place = UserBuffer {
                address: ecx,
                length: descriptor.len() as u32,
            };
            self.check_buffer(slot, place, true)?;
        }
        if ebx != 0 {
            self.write(machine, slot, ebx, &own)?;
        }
        if ecx != 0 && !fits {
            return Ok(Outcome::Value(-1));
        }
        if ecx != 0 {
            self.write(machine, slot, ecx, &descriptor)?;
        }
        Ok(Outcome::Value(descriptor.len() as i32))
    }

    fn signal_call(
        &mut self,
        machine: &mut impl Machine,
        id: ThreadId,
        call: Call,
        Arguments { ebx, ecx, .. }: Arguments,
    ) -> Result<Outcome> {
        match call {
            Call::SetVector => {
                if ecx > MOST_HANDLERS {
                    return Err(Exception::Argument);
                }
                let vector = UserBuffer {
                    address: ebx,
                    length: ecx * HANDLER_LENGTH as u32,
                };
                self.check_buffer(id.process, vector, false)?;
                let kernel = &mut self.thread_mut(id).kernel;
                (kernel.vector, kernel.vector_length) = (ebx, ecx);
                Ok(Outcome::Value(0))
            }
            Call::Raise => {
                let signal = ebx.cast_signed();
                if signal <= 0 {
                    return Err(Exception::Argument);
                }
                self.thread_mut(id).frame.eax = 0;
                self.raise(machine, id.process, signal);
                Ok(Outcome::Nothing)
            }
            _ => {
                self.return_from_signal(machine, id, ebx)?;
                Ok(Outcome::Nothing)
            }
        }
    }

    fn segment_call(
        &mut self,
        machine: &mut impl Machine,
        id: ThreadId,
        call: Call,
        Arguments { ebx, ecx, edx, edi }: Arguments,
    ) -> Result<Outcome> {
        let slot = id.process;
        let number = u16::try_from(ebx).unwrap_or(u16::MAX);
        Ok(match call {
            Call::SegmentMap => {
                let capability = self.read::<CAPABILITY_LENGTH>(machine, slot, ebx)?;
                let object = Segment {
                    capability: Capability::from_bytes(&capability),
                    offset: 0,
                    address: ecx,
                    length: edx,
                    kind: SegmentKind::from_bits_retain(edi) & !SegmentKind::SYSTEM,
                };
                match self.map_object(machine, slot, Some(id.thread), &object) {
                    Ok((mapping, true)) => {
                        self.block(id, Wait::Fetch { mapping });
                        Outcome::Nothing
                    }
                    Ok((mapping, false)) => Outcome::Value(i32::from(mapping)),
                    Err(error) => status(Err(error)),
                }
            }
            Call::SegmentUnmap => {
                if ecx != 0 {
                    let place = UserBuffer {
                        address: ecx,
                        length: CAPABILITY_LENGTH as u32,
                    };
                    self.check_buffer(slot, place, true)?;
                }
                status(self.unmap_segment(machine, slot, number, ecx))
            }
            _ => status(self.grow(machine, slot, number, ecx).map(|()| 0)),
        })
    }

    fn unmap_segment(
        &mut self,
        machine: &mut impl Machine,
        slot: u16,
        number: u16,
        place: u32,
    ) -> core::result::Result<i32, Status> {
        let mapping = self.unmap(machine, slot, number)?;
        if place != 0 {
            let capability = self.segments.capability(mapping.segment).emit();
            // The place may have been in the very segment.
            if self.write(machine, slot, place, &capability).is_err() {
                self.segments.destroy(machine, mapping.segment);
            }
        } else if mapping.is_own {
            self.segments.destroy(machine, mapping.segment);
        }
        self.segments.let_go(machine, mapping.segment);
        Ok(0)
    }

    fn transaction_call(
        &mut self,
        machine: &mut impl Machine,
        id: ThreadId,
        call: Call,
        arguments: Arguments,
    ) -> Result<Outcome> {
        let Arguments { ebx, ecx, edx, .. } = arguments;
        let is_long = matches!(call, Call::LongGetRequest | Call::LongPutReply | Call::LongTrans);
        let buffer = UserBuffer {
            address: ecx,
            length: edx,
        };
        match call {
            Call::Timeout => {
                let kernel = &mut self.thread_mut(id).kernel;
                let former = if kernel.timeout == 0 {
                    DEFAULT_TIMEOUT
                } else {
                    kernel.timeout
                };
                kernel.timeout = ebx;
                return Ok(Outcome::Value(former.cast_signed()));
            }
            Call::Cleanup => {
                if core::mem::take(&mut self.thread_mut(id).is_serving) {
                    self.events.push_back(Event::GiveUp(id));
                }
                return Ok(Outcome::Value(0));
            }
            Call::GetRequest | Call::LongGetRequest => {
                check_length(buffer, is_long)?;
                self.get_request(machine, id, ebx, buffer)?;
            }
            Call::PutReply | Call::LongPutReply => {
                check_length(buffer, is_long)?;
                self.put_reply(machine, id, ebx, buffer)?;
            }
            _ => self.trans(machine, id, arguments, is_long)?,
        }
        Ok(Outcome::Nothing)
    }

    fn header(&self, machine: &impl Machine, slot: u16, address: u32) -> Result<Header> {
        let bytes = self.read::<{ message::LENGTH }>(machine, slot, address)?;
        Header::parse(&bytes, ByteOrder::Little).map_err(|_| Exception::Argument)
    }

    fn get_request(
        &mut self,
        machine: &impl Machine,
        id: ThreadId,
        header: u32,
        data: UserBuffer,
    ) -> Result<()> {
        if self.thread(id).is_serving {
            return Err(Exception::SystemCall);
        }
        let port = self.header(machine, id.process, header)?.port;
        self.check_buffer(id.process, header_place(header), true)?;
        self.check_buffer(id.process, data, true)?;
        let receive = Receive { port, header, data };
        self.block(id, Wait::Request(receive.clone()));
        self.events.push_back(Event::Request(id, receive));
        Ok(())
    }

    fn put_reply(
        &mut self,
        machine: &impl Machine,
        id: ThreadId,
        header: u32,
        data: UserBuffer,
    ) -> Result<()> {
        if !self.thread(id).is_serving {
            return Err(Exception::SystemCall);
        }
        let header = self.header(machine, id.process, header)?;
        self.check_buffer(id.process, data, false)?;
        self.thread_mut(id).is_serving = false;
        self.block(id, Wait::Reply(header, data));
        self.events.push_back(Event::Reply(id, header, data));
        Ok(())
    }

    fn trans(
        &mut self,
        machine: &impl Machine,
        id: ThreadId,
        arguments: Arguments,
        is_long: bool,
    ) -> Result<()> {
        let Arguments { ebx, ecx, edx, edi } = arguments;
        let slot = id.process;
        let more = self.read::<12>(machine, slot, edi)?;
        let (words, _) = more.as_chunks();
        let [reply_header, address, length] = [words[0], words[1], words[2]].map(u32::from_le_bytes);
        let reply = UserBuffer { address, length };
        let request = UserBuffer {
            address: ecx,
            length: edx,
        };
        check_length(request, is_long)?;
        check_length(reply, is_long)?;
        let header = self.header(machine, slot, ebx)?;
        self.check_buffer(slot, request, false)?;
        self.check_buffer(slot, header_place(reply_header), true)?;
        self.check_buffer(slot, reply, true)?;
        let timeout = match self.thread(id).kernel.timeout {
            0 => DEFAULT_TIMEOUT,
            timeout => timeout,
        };
        let transaction = Transaction {
            header,
            request,
            reply_header,
            reply,
            timeout,
        };
        self.block(id, Wait::Transaction(transaction.clone()));
        self.events.push_back(Event::Transaction(id, transaction));
        Ok(())
    }

    /// A thread's transaction, request or reply has come to an end: the header that goes to the thread, and how many
    /// bytes came with it, or why nothing came. The bytes are in the thread's buffer already.
    pub fn complete(
        &mut self,
        machine: &mut impl Machine,
        id: ThreadId,
        result: core::result::Result<(Header, u32), Status>,
    ) {
        if !self.has(id) {
            return;
        }
        let place = match &self.thread(id).wait {
            Some(Wait::Transaction(transaction)) => Some(transaction.reply_header),
            Some(Wait::Request(receive)) => Some(receive.header),
            Some(Wait::Reply(..)) => None,
            _ => return,
        };
        let is_request = matches!(self.thread(id).wait, Some(Wait::Request(_)));
        let mut is_lost = false;
        let value = match (result, place) {
            (Ok((header, length)), Some(place)) => {
                let written = self.write(machine, id.process, place, &header.emit(ByteOrder::Little));
                self.thread_mut(id).is_serving |= is_request;
                is_lost = written.is_err();
                length.cast_signed()
            }
            (Err(error), Some(_)) => i32::from(error.code()),
            (_, None) => 0,
        };
        self.wake(machine, id, value);
        // The place was good when the call began; another thread has unmapped it.
        if is_lost && self.has(id) && self.process(id.process).phase == super::Phase::Running {
            self.raise_exception(machine, id, Exception::Argument);
        }
    }
}

fn header_place(address: u32) -> UserBuffer {
    UserBuffer {
        address,
        length: message::LENGTH as u32,
    }
}

fn check_length(buffer: UserBuffer, is_long: bool) -> Result<()> {
    if is_long || buffer.length as usize <= LARGEST_BUFFER {
        Ok(())
    } else {
        Err(Exception::SystemCall)
    }
}
