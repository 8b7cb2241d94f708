//! The process and segment server: its commands, and how it numbers objects.

use crate::capability::Rights;

codes! {
    /// A command of the process server.
    Command: u16 {
        /// Stop a process; the header's offset is the stun code.
        Stun = 2300,
        /// Tell who is told when a process stops.
        GetOwner = 2301,
        /// Change who is told when a process stops.
        SetOwner = 2302,
        /// Start a process from a descriptor.
        Exec = 2303,
        /// Tell the range of user pages and the size of a page.
        GetDefaults = 2304,
        /// Tell speed, load and free memory.
        GetLoad = 2305,
        /// Make a segment; the header's offset is its size.
        SegmentCreate = 2306,
        /// Write to a segment.
        SegmentWrite = 2307,
        /// From the kernel to a process's owner: the process has stopped.
        Checkpoint = 2308,
        /// Give a process a comment.
        SetComment = 2309,
        /// Read a process's comment.
        GetComment = 2310,
        /// To the owner of a process: it goes on as another process. The request's data are the process's capability as it was, and
        /// as it is.
        SwapProcess = 2311,
        /// Tell speed, load and free memory, and change the capability that allows processes to be started.
        SecureGetLoad = 2312,
        /// Take a process to another machine, whose server's capability comes with the request; the reply's header names the
        /// process there. (This and those that follow are this project's own.)
        Migrate = 2320,
        /// Stop a process so that it can be taken to another machine by a migration server, whose capability comes with the request. That
        /// is told by a checkpoint.
        MigrationStun = 2321,
        /// Take a process over from another machine; it waits to be started. The reply's header names it.
        MigrationExec = 2322,
        /// Let a process run that was taken over: it is gone from where it was.
        MigrationStart = 2323,
        /// Tell what became of a departure, in the header's extra field.
        MigrationState = 2324,
        /// Answer as soon as a process that was taken over runs.
        MigrationWait = 2325,
    }
}

codes! {
    /// Why a process stopped, in the header's extra field.
    Cause: u16 {
        /// It ended; the detail is its exit status.
        Normal = 0,
        /// It was stunned; the detail is the stun code.
        Stunned = 1,
        /// It made an exception that it did not catch; the detail is the exception's number, which is negative.
        Exception = 2,
    }
}

codes! {
    /// What has become of a departure.
    Departure: u16 {
        /// The process may go on where it was.
        Open = 0,
        /// The process is gone; it goes on where it was taken to.
        Gone = 1,
    }
}

/// The commands of a file server to which segments answer too.
pub mod file {
    /// Read: from the header's offset, as many bytes as its size.
    pub const READ: u16 = 2006;
    /// Tell the size, in the header's offset.
    pub const SIZE: u16 = 2007;
}

/// The most bytes in a request to the server, and so of a descriptor that it starts.
pub const LARGEST_REQUEST: usize = 8192;
/// The most characters of a process's comment.
pub const LONGEST_COMMENT: usize = 31;
/// Bytes of a page, as a power of two.
pub const PAGE_SHIFT: u16 = 12;
/// User pages: first, and the one behind the last. All but the kernel's own can be mapped.
pub const USER_PAGES: core::ops::Range<u32> = 0..0x8_0000;

/// The number of the server's own object.
pub const SERVER_OBJECT: u32 = 0;
const PROCESS: u32 = (b'P' as u32) << 16;
const SEGMENT: u32 = (b'S' as u32) << 16;
const DEPARTURE: u32 = (b'M' as u32) << 16;

/// What an object number of this server means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// The server itself.
    Server,
    /// The process in this slot.
    Process(u16),
    /// The segment of this number.
    Segment(u16),
    /// The departure of a process, by its number.
    Departure(u16),
}

impl Object {
    /// What `number` means, if anything.
    pub const fn from_number(number: u32) -> Option<Object> {
        match number & 0xff_0000 {
            PROCESS => Some(Object::Process(number as u16)),
            SEGMENT => Some(Object::Segment(number as u16)),
            DEPARTURE => Some(Object::Departure(number as u16)),
            _ if number == SERVER_OBJECT => Some(Object::Server),
            _ => None,
        }
    }

    /// The object's number.
    pub const fn number(self) -> u32 {
        match self {
            Object::Server => SERVER_OBJECT,
            Object::Process(slot) => PROCESS | slot as u32,
            Object::Segment(number) => SEGMENT | number as u32,
            Object::Departure(number) => DEPARTURE | number as u32,
        }
    }
}

/// Rights on processes and segments.
pub mod right {
    use super::Rights;

    /// Read a segment.
    pub const READ: Rights = Rights(0x01);
    /// Write a segment.
    pub const WRITE: Rights = Rights(0x02);
    /// Make segments.
    pub const CREATE: Rights = Rights(0x04);
    /// Destroy a segment.
    pub const DELETE: Rights = Rights(0x08);
    /// Start processes.
    pub const EXEC: Rights = Rights(0x10);
    /// What the capability that is given out with a machine's figures allows: to start a process, with segments for it.
    pub const START: Rights = Rights(EXEC.0 | CREATE.0);
    /// Stun a process, read and change its owner and its comment.
    pub const KILL: Rights = Rights(0x20);
}

#[cfg(test)]
mod tests {
    use super::Object;

    #[test]
    fn objects_are_numbered_by_their_letter() {
        assert_eq!(Object::Process(3).number(), 0x50_0003);
        assert_eq!(Object::Segment(0x1234).number(), 0x53_1234);
        for object in [
            Object::Server,
            Object::Process(31),
            Object::Segment(65_535),
            Object::Departure(9),
        ] {
            assert_eq!(Object::from_number(object.number()), Some(object));
        }
        for number in [1, 0x51_0000, 0xff_ffff] {
            assert_eq!(Object::from_number(number), None);
        }
    }
}
