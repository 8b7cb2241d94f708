//! The segments of this machine: contiguous memory with a capability of its own, mapped by processes or by nobody.

use crate::machine::Machine;
use crate::memory::PAGE;
use crate::process::Pinned;
use alloc::rc::Rc;
use alloc::vec::Vec;
use proto::capability::{Capability, Port, Private, Rights};
use proto::process::server::Object;
use proto::standard::Status;

/// The most segments of a machine.
pub const MOST: usize = 1024;

/// What keeps a segment's memory where it is. Whoever hands a part of it to a transaction holds one until nobody reads or
/// writes that part any more.
pub type Pin = Rc<()>;

/// A segment.
#[derive(Debug, PartialEq, Eq)]
pub struct Segment {
    /// Physical address.
    start: u32,
    /// Bytes.
    length: u32,
    check: Port,
    /// Mappings of it.
    users: u32,
    /// Whether it goes with its last mapping; nobody can name it any more.
    is_doomed: bool,
    pin: Pin,
}

impl Segment {
    /// Physical address of the first byte.
    pub const fn start(&self) -> u32 {
        self.start
    }

    /// Bytes.
    pub const fn length(&self) -> u32 {
        self.length
    }

    /// The number that protects its capability.
    pub const fn check(&self) -> Port {
        self.check
    }

    /// Pages that it takes.
    pub const fn pages(&self) -> u32 {
        self.length.div_ceil(PAGE)
    }

    /// Keeps the memory where it is, and the segment's, as long as the pin lives.
    pub fn pin(&self) -> Pin {
        Rc::clone(&self.pin)
    }

    fn is_pinned(&self) -> bool {
        Rc::strong_count(&self.pin) > 1
    }
}

/// All segments.
#[derive(Debug)]
pub struct Segments {
    port: Port,
    list: Vec<Option<Segment>>,
    /// Segments that nobody names or maps, and that were pinned when that became so.
    lingering: Vec<u16>,
}

impl Segments {
    /// No segments yet; their capabilities will name the server at the put-port `port`.
    pub const fn new(port: Port) -> Segments {
        Segments {
            port,
            list: Vec::new(),
            lingering: Vec::new(),
        }
    }

    /// Makes a segment of `length` zero bytes: its number.
    ///
    /// # Errors
    /// [`Status::BadArgument`] for length 0, [`Status::NoMemory`], [`Status::NoSpace`] if there are too many.
    pub fn create(&mut self, machine: &mut impl Machine, length: u32) -> Result<u16, Status> {
        if length == 0 {
            return Err(Status::BadArgument);
        }
        self.collect(machine);
        let place = match self.list.iter().position(Option::is_none) {
            Some(place) => place,
            None if self.list.len() < MOST => self.list.len(),
            None => return Err(Status::NoSpace),
        };
        let pages = length.div_ceil(PAGE);
        let start = machine.allocate(pages).ok_or(Status::NoMemory)?;
        machine.clear(start, pages * PAGE);
        if place == self.list.len() {
            self.list.push(None);
        }
        self.list[place] = Some(Segment {
            start,
            length,
            check: machine.random_port(),
            users: 0,
            is_doomed: false,
            pin: Rc::new(()),
        });
        Ok(place as u16)
    }

    /// The segment of that number.
    ///
    /// # Panics
    /// If there is none.
    pub fn get(&self, number: u16) -> &Segment {
        self.list[usize::from(number)]
            .as_ref()
            .expect("a segment that is there")
    }

    fn get_mut(&mut self, number: u16) -> &mut Segment {
        self.list[usize::from(number)]
            .as_mut()
            .expect("a segment that is there")
    }

    /// Numbers of all segments.
    pub fn numbers(&self) -> impl Iterator<Item = u16> {
        (0..)
            .zip(&self.list)
            .filter(|(_, segment)| segment.is_some())
            .map(|(number, _)| number)
    }

    /// The number that protects a segment's capability; `None` if there is no such segment.
    pub fn check(&self, number: u16) -> Option<Port> {
        let segment = self.list.get(usize::from(number))?.as_ref()?;
        (!segment.is_doomed).then_some(segment.check)
    }

    /// The capability with all rights.
    ///
    /// # Panics
    /// If there is no such segment.
    pub fn capability(&self, number: u16) -> Capability {
        Capability {
            port: self.port,
            private: Private::owner(Object::Segment(number).number(), self.get(number).check),
        }
    }

    /// The segment of this machine that a capability names, and the rights that it proves; `None` if it names an
    /// object of another server.
    ///
    /// # Errors
    /// [`Status::BadCapability`] if it names this server and is no good.
    pub fn find(&self, capability: &Capability) -> Result<Option<(u16, Rights)>, Status> {
        if capability.port != self.port {
            return Ok(None);
        }
        let private = &capability.private;
        let Some(Object::Segment(number)) = Object::from_number(private.object()) else {
            return Err(Status::BadCapability);
        };
        let check = self.check(number).ok_or(Status::BadCapability)?;
        let rights = private.proven_rights(check).ok_or(Status::BadCapability)?;
        Ok(Some((number, rights)))
    }

    /// Counts one more mapping.
    pub fn hold(&mut self, number: u16) {
        self.get_mut(number).users += 1;
    }

    /// Counts one mapping less.
    pub fn let_go(&mut self, machine: &mut impl Machine, number: u16) {
        let segment = self.get_mut(number);
        segment.users -= 1;
        if segment.users == 0 && segment.is_doomed {
            self.remove(machine, number);
        }
    }

    /// Destroys a segment: nobody can name it any more, and its memory is free once nobody maps it.
    pub fn destroy(&mut self, machine: &mut impl Machine, number: u16) {
        let segment = self.get_mut(number);
        segment.is_doomed = true;
        if segment.users == 0 {
            self.remove(machine, number);
        }
    }

    /// Frees the memory of segments that are gone and of which the last pin is.
    pub fn collect(&mut self, machine: &mut impl Machine) {
        for number in core::mem::take(&mut self.lingering) {
            self.remove(machine, number);
        }
    }

    /// Whether [`Segments::collect`] may have something to free.
    pub(crate) fn has_lingering(&self) -> bool {
        !self.lingering.is_empty()
    }

    fn remove(&mut self, machine: &mut impl Machine, number: u16) {
        let segment = self.list[usize::from(number)].as_ref();
        if segment.is_some_and(Segment::is_pinned) {
            self.lingering.push(number);
            return;
        }
        if let Some(segment) = self.list[usize::from(number)].take() {
            machine.release(segment.start, segment.pages());
        }
    }

    /// Changes the length of a segment; bytes are added or taken away at its end, or at its beginning if
    /// `at_beginning`. Its memory may move.
    ///
    /// # Errors
    /// [`Status::NoMemory`], [`Status::BadArgument`] for length 0, [`Status::NotNow`] if more than one process maps it, or if
    /// a transaction uses memory of it that would move or go.
    pub fn resize(
        &mut self,
        machine: &mut impl Machine,
        number: u16,
        length: u32,
        at_beginning: bool,
    ) -> Result<(), Status> {
        let segment = self.get_mut(number);
        if length == 0 {
            return Err(Status::BadArgument);
        }
        if segment.users > 1 {
            return Err(Status::NotNow);
        }
        let (old, new) = (segment.pages(), length.div_ceil(PAGE));
        let is_pinned = segment.is_pinned();
        if is_pinned && new < old {
            return Err(Status::NotNow);
        }
        let stays = !at_beginning && (new <= old || machine.extend(segment.start + old * PAGE, new - old));
        if stays {
            let kept = segment.length.min(length);
            machine.clear(segment.start + kept, new * PAGE - kept);
            if new < old {
                machine.release(segment.start + new * PAGE, old - new);
            }
            segment.length = length;
            return Ok(());
        }
        if is_pinned {
            return Err(Status::NotNow);
        }
        let start = machine.allocate(new).ok_or(Status::NoMemory)?;
        machine.clear(start, new * PAGE);
        let kept = segment.length.min(length);
        let shift = |whole: u32| if at_beginning { whole - kept } else { 0 };
        machine.copy(segment.start + shift(segment.length), start + shift(length), kept);
        machine.release(segment.start, old);
        (segment.start, segment.length) = (start, length);
        Ok(())
    }

    /// The bytes at `offset`, at most `length` of them: fewer at the end, none behind it.
    pub fn read<'m>(&self, machine: &'m impl Machine, number: u16, offset: u32, length: u32) -> &'m [u8] {
        let segment = self.get(number);
        let offset = offset.min(segment.length);
        machine.memory(segment.start + offset, length.min(segment.length - offset))
    }

    /// Up to `length` bytes from `offset` on, as they are when they are used: as many as there are.
    pub fn pinned(&self, number: u16, offset: u32, length: u32) -> Pinned {
        let segment = self.get(number);
        let offset = offset.min(segment.length);
        let length = length.min(segment.length - offset);
        Pinned::new(segment.start + offset, length, segment.pin())
    }

    /// Writes bytes at `offset`.
    ///
    /// # Errors
    /// [`Status::BadArgument`] if they do not lie within the segment; then nothing is written.
    pub fn write(
        &self,
        machine: &mut impl Machine,
        number: u16,
        offset: u32,
        data: &[u8],
    ) -> Result<(), Status> {
        let segment = self.get(number);
        let length = u32::try_from(data.len()).map_err(|_| Status::BadArgument)?;
        let end = offset.checked_add(length).ok_or(Status::BadArgument)?;
        if end > segment.length {
            return Err(Status::BadArgument);
        }
        machine
            .memory_mut(segment.start + offset, length)
            .copy_from_slice(data);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Segments;
    use crate::machine::Machine;
    use crate::machine::testing::TestMachine;
    use crate::memory::PAGE;
    use proto::capability::{Capability, Port, Rights};
    use proto::standard::Status;

    const SERVER: Port = Port([1; 6]);

    #[test]
    fn a_new_segment_holds_zeros_and_nothing_of_what_was_there() {
        let mut machine = TestMachine::new(4);
        let mut segments = Segments::new(SERVER);
        let number = segments.create(&mut machine, PAGE + 1).unwrap();
        assert!(
            segments
                .read(&machine, number, 0, u32::MAX)
                .iter()
                .all(|byte| *byte == 0)
        );
        let start = segments.get(number).start();
        assert!(machine.memory(start, 2 * PAGE).iter().all(|byte| *byte == 0));
    }

    #[test]
    fn reading_ends_with_the_segment_and_writing_does_not_go_beyond_it() {
        let mut machine = TestMachine::new(4);
        let mut segments = Segments::new(SERVER);
        let number = segments.create(&mut machine, 10).unwrap();
        assert_eq!(segments.write(&mut machine, number, 8, b"ab"), Ok(()));
        assert_eq!(segments.read(&machine, number, 7, 100), b"\0ab");
        assert_eq!(segments.read(&machine, number, 11, 100), b"");
        for (offset, data) in [(9, &b"ab"[..]), (11, b""), (u32::MAX, b"ab")] {
            let written = segments.write(&mut machine, number, offset, data);
            assert_eq!(written, Err(Status::BadArgument));
        }
    }

    #[test]
    fn a_capability_leads_to_its_segment_and_proves_its_rights() {
        let mut machine = TestMachine::new(4);
        let mut segments = Segments::new(SERVER);
        let number = segments.create(&mut machine, 10).unwrap();
        let capability = segments.capability(number);
        assert_eq!(segments.find(&capability), Ok(Some((number, Rights::ALL))));
        let other = Capability {
            port: Port([2; 6]),
            ..capability
        };
        assert_eq!(segments.find(&other), Ok(None));
        let mut forged = capability;
        forged.private.check.0[0] ^= 1;
        assert_eq!(segments.find(&forged), Err(Status::BadCapability));
        segments.destroy(&mut machine, number);
        assert_eq!(segments.find(&capability), Err(Status::BadCapability));
    }

    #[test]
    fn a_destroyed_segment_stays_in_memory_while_it_is_mapped() {
        let mut machine = TestMachine::new(4);
        let mut segments = Segments::new(SERVER);
        let number = segments.create(&mut machine, 10).unwrap();
        let capability = segments.capability(number);
        segments.hold(number);
        segments.destroy(&mut machine, number);
        assert_eq!(machine.free_pages(), 3);
        assert_eq!(segments.find(&capability), Err(Status::BadCapability));
        segments.let_go(&mut machine, number);
        assert_eq!(machine.free_pages(), 4);
    }

    #[test]
    fn memory_that_a_transaction_uses_neither_moves_nor_goes() {
        let mut machine = TestMachine::new(4);
        let mut segments = Segments::new(SERVER);
        let number = segments.create(&mut machine, PAGE).unwrap();
        let next = segments.create(&mut machine, PAGE).unwrap();
        let pin = segments.get(number).pin();
        for (length, at_beginning) in [(2 * PAGE, false), (2 * PAGE, true)] {
            let resized = segments.resize(&mut machine, number, length, at_beginning);
            assert_eq!(resized, Err(Status::NotNow));
        }
        segments.resize(&mut machine, next, 2 * PAGE, false).unwrap();
        let other = segments.get(next).pin();
        assert_eq!(
            segments.resize(&mut machine, next, PAGE, false),
            Err(Status::NotNow)
        );
        drop(other);
        let capability = segments.capability(number);
        segments.destroy(&mut machine, number);
        assert_eq!(segments.find(&capability), Err(Status::BadCapability));
        segments.collect(&mut machine);
        assert_eq!(machine.free_pages(), 1);
        drop(pin);
        segments.collect(&mut machine);
        assert_eq!(machine.free_pages(), 2);
    }

    #[test]
    fn growing_keeps_the_contents_at_either_end() {
        for at_beginning in [false, true] {
            let mut machine = TestMachine::new(8);
            let mut segments = Segments::new(SERVER);
            let number = segments.create(&mut machine, PAGE).unwrap();
            let neighbour = segments.create(&mut machine, PAGE).unwrap();
            segments.write(&mut machine, number, 0, b"begin").unwrap();
            segments.write(&mut machine, number, PAGE - 3, b"end").unwrap();
            segments
                .resize(&mut machine, number, 3 * PAGE, at_beginning)
                .unwrap();
            let shift = if at_beginning { 2 * PAGE } else { 0 };
            assert_eq!(segments.read(&machine, number, shift, 5), b"begin");
            let end = if at_beginning { &b"end"[..] } else { b"end\0" };
            assert_eq!(segments.read(&machine, number, shift + PAGE - 3, 4), end);
            let zeros = segments.read(&machine, number, if at_beginning { 0 } else { PAGE }, 2 * PAGE);
            assert!(zeros.iter().all(|byte| *byte == 0));
            assert_eq!(machine.free_pages(), 4);
            segments.destroy(&mut machine, neighbour);
            segments.destroy(&mut machine, number);
            assert_eq!(machine.free_pages(), 8);
        }
    }

    #[test]
    fn a_segment_that_shrinks_and_grows_again_has_zeros_there() {
        let mut machine = TestMachine::new(8);
        let mut segments = Segments::new(SERVER);
        let number = segments.create(&mut machine, 2 * PAGE).unwrap();
        segments.write(&mut machine, number, 90, &[7; 20]).unwrap();
        segments.resize(&mut machine, number, 100, false).unwrap();
        assert_eq!(machine.free_pages(), 7);
        segments.resize(&mut machine, number, 2 * PAGE, false).unwrap();
        assert_eq!(segments.read(&machine, number, 98, 4), [7, 7, 0, 0]);
        assert_eq!(machine.free_pages(), 6);
    }

    #[test]
    fn without_memory_there_is_no_segment_and_none_is_lost() {
        let mut machine = TestMachine::new(2);
        let mut segments = Segments::new(SERVER);
        assert_eq!(segments.create(&mut machine, 3 * PAGE), Err(Status::NoMemory));
        assert_eq!(segments.create(&mut machine, 0), Err(Status::BadArgument));
        let number = segments.create(&mut machine, PAGE).unwrap();
        assert_eq!(
            segments.resize(&mut machine, number, 3 * PAGE, false),
            Err(Status::NoMemory)
        );
        assert_eq!(segments.get(number).length(), PAGE);
    }
}
