//! The memory of processes: reaching it from the kernel, and mapping segments.

use super::{Event, Fetch, Mapping, Processes, ThreadId, Wait};
use crate::address_space::USER;
use crate::machine::Machine;
use crate::memory::PAGE;
use crate::segments::Pin;
use core::ops::Range;
use proto::capability::Capability;
use proto::process::SegmentKind;
use proto::process::server::right;
use proto::signal::Exception;
use proto::standard::Status;

/// The most mappings of a process.
pub const MOST_MAPPINGS: usize = 200;

/// A part of a process's memory, by its virtual address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserBuffer {
    /// First byte.
    pub address: u32,
    /// Bytes.
    pub length: u32,
}

impl UserBuffer {
    /// The part from `offset` on, at most `length` bytes.
    #[must_use]
    pub fn part(self, offset: u32, length: u32) -> UserBuffer {
        let offset = offset.min(self.length);
        UserBuffer {
            address: self.address.wrapping_add(offset),
            length: length.min(self.length - offset),
        }
    }
}

/// A part of a segment, whose memory stays where it is as long as this lives.
#[derive(Clone, Debug, Default)]
pub struct Pinned {
    /// Physical address of the first byte.
    pub start: u32,
    /// Bytes.
    pub length: u32,
    /// Nothing for no bytes.
    pin: Option<Pin>,
}

impl PartialEq for Pinned {
    fn eq(&self, other: &Pinned) -> bool {
        (self.start, self.length) == (other.start, other.length)
    }
}

impl Eq for Pinned {}

impl Pinned {
    /// Bytes of a segment at this physical address, which the pin keeps in its place.
    pub(crate) fn new(start: u32, length: u32, pin: Pin) -> Pinned {
        Pinned {
            start,
            length,
            pin: Some(pin),
        }
    }

    /// The part from `offset` on, at most `length` bytes.
    #[must_use]
    pub fn part(&self, offset: u32, length: u32) -> Pinned {
        let offset = offset.min(self.length);
        Pinned {
            start: self.start + offset,
            length: length.min(self.length - offset),
            pin: self.pin.clone(),
        }
    }
}

impl Mapping {
    /// Where in the segment a buffer lies, if all of it does and may be read, or written.
    fn holds(&self, buffer: UserBuffer, to_write: bool) -> Option<(&Mapping, u32)> {
        let offset = buffer.address.checked_sub(self.address)?;
        let fits = offset <= self.length && buffer.length <= self.length - offset;
        (fits && (!to_write || self.kind.is_writable())).then_some((self, offset))
    }
}

impl Processes {
    /// The physical address of a buffer, which must lie in one segment of the process, a writable one if asked. An
    /// empty buffer lies anywhere.
    pub(super) fn physical(&self, slot: u16, buffer: UserBuffer, to_write: bool) -> Option<u32> {
        if buffer.length == 0 {
            return Some(0);
        }
        let (mapping, offset) = self.place(slot, buffer, to_write)?;
        Some(mapping.start + offset)
    }

    /// The mapped segment that a buffer lies in, and where.
    pub(super) fn place(&self, slot: u16, buffer: UserBuffer, to_write: bool) -> Option<(&Mapping, u32)> {
        let process = self.process(slot);
        let last = process.mappings.get(usize::from(process.last_mapping.get()));
        let found = last
            .and_then(Option::as_ref)
            .and_then(|mapping| mapping.holds(buffer, to_write));
        if found.is_some() {
            return found;
        }
        (0..).zip(&process.mappings).find_map(|(number, mapping)| {
            let found = mapping.as_ref()?.holds(buffer, to_write)?;
            process.last_mapping.set(number);
            Some(found)
        })
    }

    /// Where a buffer is, for a transaction that uses it while other threads run; `None` if it is not the process's to read,
    /// or to write if asked.
    pub fn pinned(&self, slot: u16, buffer: UserBuffer, to_write: bool) -> Option<Pinned> {
        self.slots.get(usize::from(slot))?.as_ref()?;
        if buffer.length == 0 {
            return Some(Pinned::default());
        }
        let (mapping, offset) = self.place(slot, buffer, to_write)?;
        Some(Pinned {
            start: mapping.start + offset,
            length: buffer.length,
            pin: Some(self.segments.get(mapping.segment).pin()),
        })
    }

    /// The memory that contents from elsewhere go to; `None` if nobody waits for them any more.
    pub fn pinned_segment(&self, fetch: &Fetch) -> Option<Pinned> {
        if !self.is_wanted(fetch) {
            return None;
        }
        let segment = self.segments.get(fetch.segment);
        Some(Pinned {
            start: segment.start(),
            length: segment.length().min(fetch.length),
            pin: Some(segment.pin()),
        })
    }

    /// The bytes of a buffer; `None` if they are not the process's to read.
    pub fn bytes<'m>(&self, machine: &'m impl Machine, slot: u16, buffer: UserBuffer) -> Option<&'m [u8]> {
        let start = self.physical(slot, buffer, false)?;
        Some(if buffer.length == 0 {
            &[]
        } else {
            machine.memory(start, buffer.length)
        })
    }

    /// The bytes of a buffer; `None` if they are not the process's to write.
    pub fn bytes_mut<'m>(
        &self,
        machine: &'m mut impl Machine,
        slot: u16,
        buffer: UserBuffer,
    ) -> Option<&'m mut [u8]> {
        let start = self.physical(slot, buffer, true)?;
        Some(if buffer.length == 0 {
            &mut []
        } else {
            machine.memory_mut(start, buffer.length)
        })
    }

    /// Checks that a buffer is the process's.
    pub(super) fn check_buffer(
        &self,
        slot: u16,
        buffer: UserBuffer,
        to_write: bool,
    ) -> Result<(), Exception> {
        self.physical(slot, buffer, to_write)
            .map(|_| ())
            .ok_or(Exception::Argument)
    }

    /// Reads so many bytes of a process.
    pub(super) fn read<const N: usize>(
        &self,
        machine: &impl Machine,
        slot: u16,
        address: u32,
    ) -> Result<[u8; N], Exception> {
        let buffer = UserBuffer {
            address,
            length: N as u32,
        };
        let bytes = self.bytes(machine, slot, buffer).ok_or(Exception::Argument)?;
        bytes.try_into().map_err(|_| Exception::Argument)
    }

    /// Reads a word of a process.
    pub(super) fn read_word(
        &self,
        machine: &impl Machine,
        slot: u16,
        address: u32,
    ) -> Result<u32, Exception> {
        self.read(machine, slot, address).map(u32::from_le_bytes)
    }

    /// Writes bytes to a process.
    pub(super) fn write(
        &self,
        machine: &mut impl Machine,
        slot: u16,
        address: u32,
        data: &[u8],
    ) -> Result<(), Exception> {
        let buffer = UserBuffer {
            address,
            length: data.len() as u32,
        };
        let place = self.bytes_mut(machine, slot, buffer).ok_or(Exception::Argument)?;
        place.copy_from_slice(data);
        Ok(())
    }

    /// The pages that `length` bytes at `address` take, if users may have them.
    pub(super) fn pages(address: u32, length: u32) -> Result<Range<u32>, Status> {
        let end = address.checked_add(length).ok_or(Status::BadArgument)?;
        let is_inside = address >= USER.start && end <= USER.end;
        if length == 0 || !is_inside || !address.is_multiple_of(PAGE) {
            return Err(Status::BadArgument);
        }
        Ok(address..end.next_multiple_of(PAGE))
    }

    /// Whether a process maps something there, but for the mapping `except`.
    fn overlaps(&self, slot: u16, pages: &Range<u32>, except: Option<u16>) -> bool {
        let mappings = (0..).zip(&self.process(slot).mappings);
        mappings
            .filter(|(number, _)| Some(*number) != except)
            .any(|(_, mapping)| {
                mapping.as_ref().is_some_and(|mapping| {
                    let end = mapping.address + self.segments.get(mapping.segment).pages() * PAGE;
                    mapping.address < pages.end && pages.start < end
                })
            })
    }

    /// Maps a segment of this machine: the number of the mapping.
    ///
    /// # Errors
    /// [`Status::BadArgument`] for an address that is no user's or bits that contradict each other,
    /// [`Status::Exists`] if something is mapped there, [`Status::NoMemory`], [`Status::NoSpace`].
    pub(super) fn map(
        &mut self,
        machine: &mut impl Machine,
        slot: u16,
        segment: u16,
        address: u32,
        kind: SegmentKind,
        is_own: bool,
    ) -> Result<u16, Status> {
        let length = self.segments.get(segment).length();
        let pages = Self::pages(address, length)?;
        if !kind.contains(SegmentKind::READ_ONLY)
            || kind.contains(SegmentKind::GROWS_UP | SegmentKind::GROWS_DOWN)
        {
            return Err(Status::BadArgument);
        }
        if self.overlaps(slot, &pages, None) {
            return Err(Status::Exists);
        }
        let start = self.segments.get(segment).start();
        let process = self.process_mut(slot);
        let number = match process.mappings.iter().position(Option::is_none) {
            Some(number) => number,
            None if process.mappings.len() < MOST_MAPPINGS => process.mappings.len(),
            None => return Err(Status::NoSpace),
        };
        process
            .space
            .map(machine, pages, start, kind.is_writable())
            .map_err(|_| Status::NoMemory)?;
        if number == process.mappings.len() {
            process.mappings.push(None);
        }
        let kind = kind - (SegmentKind::IN_PLACE | SegmentKind::DESTROY_ORIGINAL);
        process.mappings[number] = Some(Mapping {
            segment,
            address,
            length,
            start,
            kind,
            is_own,
        });
        self.segments.hold(segment);
        Ok(number as u16)
    }

    /// Maps what a capability names, or `length` new bytes if it is null; of an object elsewhere the contents are
    /// still to come. `offset` is where the contents begin in the object. The number of the mapping.
    pub(super) fn map_object(
        &mut self,
        machine: &mut impl Machine,
        slot: u16,
        thread: Option<u16>,
        object: &proto::process::Segment,
    ) -> Result<(u16, bool), Status> {
        let proto::process::Segment {
            capability,
            offset,
            address,
            length,
            kind,
        } = *object;
        if capability == Capability::NULL {
            let number = self.map_new(machine, slot, address, length, kind)?;
            return Ok((number, false));
        }
        let Some((original, rights)) = self.segments.find(&capability)? else {
            let number = self.map_new(machine, slot, address, length, kind)?;
            let segment = self.mapping(slot, number).expect("just mapped").segment;
            let check = self.segments.get(segment).check();
            let process = slot;
            let fetch = Fetch {
                process,
                thread,
                segment,
                check,
                from: capability,
                offset,
                length,
                destroys: kind.contains(SegmentKind::DESTROY_ORIGINAL),
            };
            match thread {
                Some(_) => self.events.push_back(Event::Fetch(fetch)),
                None => self.process_mut(slot).fetches.push_back(fetch),
            }
            return Ok((number, true));
        };
        if !rights.include(right::READ) {
            return Err(Status::Denied);
        }
        let original_length = self.segments.get(original).length();
        if kind.contains(SegmentKind::IN_PLACE) {
            if kind.is_writable() && !rights.include(right::WRITE) {
                return Err(Status::Denied);
            }
            if offset != 0 || length != 0 && length != original_length {
                return Err(Status::BadArgument);
            }
            let number = self.map(machine, slot, original, address, kind, false)?;
            return Ok((number, false));
        }
        let destroys = kind.contains(SegmentKind::DESTROY_ORIGINAL);
        if destroys && !rights.include(right::DELETE) {
            return Err(Status::Denied);
        }
        let length = if length == 0 { original_length } else { length };
        let number = self.map_new(machine, slot, address, length, kind)?;
        let copy = self.mapping(slot, number).expect("just mapped").segment;
        let from = self.segments.get(original).start() + offset.min(original_length);
        let count = length.min(original_length.saturating_sub(offset));
        machine.copy(from, self.segments.get(copy).start(), count);
        if destroys {
            self.segments.destroy(machine, original);
        }
        Ok((number, false))
    }

    /// Makes a segment and maps it.
    fn map_new(
        &mut self,
        machine: &mut impl Machine,
        slot: u16,
        address: u32,
        length: u32,
        kind: SegmentKind,
    ) -> Result<u16, Status> {
        let segment = self.segments.create(machine, length)?;
        let mapped = self.map(machine, slot, segment, address, kind, true);
        if mapped.is_err() {
            self.segments.destroy(machine, segment);
        }
        mapped
    }

    /// A mapping of a process.
    pub(super) fn mapping(&self, slot: u16, number: u16) -> Option<Mapping> {
        *self.process(slot).mappings.get(usize::from(number))?
    }

    /// Takes a mapping out of the address space: what it was. The segment stays.
    pub(super) fn unmap(
        &mut self,
        machine: &mut impl Machine,
        slot: u16,
        number: u16,
    ) -> Result<Mapping, Status> {
        let mapping = self.mapping(slot, number).ok_or(Status::NotFound)?;
        let segment = self.segments.get(mapping.segment);
        let pages = mapping.address..mapping.address + segment.pages() * PAGE;
        let process = self.process_mut(slot);
        process.space.unmap(machine, pages);
        process.mappings[usize::from(number)] = None;
        Ok(mapping)
    }

    /// Changes the length of a mapped segment.
    ///
    /// # Errors
    /// [`Status::NotFound`], [`Status::Denied`] if the segment does not grow, [`Status::Exists`] if something is in
    /// the way, [`Status::BadArgument`] for a length that no segment there can have, [`Status::NoMemory`].
    pub(super) fn grow(
        &mut self,
        machine: &mut impl Machine,
        slot: u16,
        number: u16,
        length: u32,
    ) -> Result<(), Status> {
        let mapping = self.mapping(slot, number).ok_or(Status::NotFound)?;
        let down = mapping.kind.contains(SegmentKind::GROWS_DOWN);
        if !down && !mapping.kind.contains(SegmentKind::GROWS_UP) {
            return Err(Status::Denied);
        }
        let old = self.segments.get(mapping.segment).length();
        // A segment whose beginning moves must begin with a page all the same.
        let address = if down {
            let end = mapping.address + old;
            end.checked_sub(length).ok_or(Status::BadArgument)?
        } else {
            mapping.address
        };
        let pages = Self::pages(address, length)?;
        if self.overlaps(slot, &pages, Some(number)) {
            return Err(Status::Exists);
        }
        let old_pages = Self::pages(mapping.address, old)?;
        let space = &mut self.process_mut(slot).space;
        space
            .prepare(machine, pages.clone())
            .map_err(|_| Status::NoMemory)?;
        space.unmap(machine, old_pages.clone());
        let resized = self.segments.resize(machine, mapping.segment, length, down);
        let segment = self.segments.get(mapping.segment);
        let (start, kept) = (segment.start(), segment.length());
        let (pages, address) = match resized {
            Ok(()) => (pages, address),
            Err(_) => (old_pages, mapping.address),
        };
        let process = self.process_mut(slot);
        // The tables are there, so nothing can be short.
        let mapped = process
            .space
            .map(machine, pages, start, mapping.kind.is_writable());
        assert!(mapped.is_ok(), "page tables were prepared");
        process.mappings[usize::from(number)] = Some(Mapping {
            address,
            length: kept,
            start,
            ..mapping
        });
        if resized.is_ok() && down {
            self.move_mutexes(mapping.segment, length.wrapping_sub(old));
        }
        resized
    }

    /// Puts contents that have come into their segment, unless that is gone meanwhile.
    ///
    /// # Errors
    /// [`Status::NotFound`] if it is gone, [`Status::BadArgument`] if they do not lie within it.
    pub fn fill(
        &self,
        machine: &mut impl Machine,
        fetch: &Fetch,
        offset: u32,
        data: &[u8],
    ) -> Result<(), Status> {
        if !self.is_wanted(fetch) {
            return Err(Status::NotFound);
        }
        self.segments.write(machine, fetch.segment, offset, data)
    }

    /// Whether the segment is still the same one.
    fn is_wanted(&self, fetch: &Fetch) -> bool {
        self.segments.check(fetch.segment) == Some(fetch.check)
    }

    /// The contents of a segment have come, or not.
    pub fn fetched(&mut self, machine: &mut impl Machine, fetch: &Fetch, result: Result<(), Status>) {
        if !self.is_wanted(fetch) {
            return;
        }
        let Some(thread) = fetch.thread else {
            self.loaded(machine, fetch.process, result);
            return;
        };
        let id = ThreadId {
            process: fetch.process,
            thread,
        };
        let Some(Wait::Fetch { mapping }) = self.has(id).then(|| self.thread(id).wait.clone()).flatten()
        else {
            return;
        };
        let value = match result {
            Ok(()) => i32::from(mapping),
            Err(status) => {
                if let Ok(mapping) = self.unmap(machine, fetch.process, mapping) {
                    self.segments.destroy(machine, mapping.segment);
                    self.segments.let_go(machine, mapping.segment);
                }
                i32::from(status.code())
            }
        };
        self.wake(machine, id, value);
    }
}
