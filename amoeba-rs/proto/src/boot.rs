//! The boot server: its commands, and the virtual disk from which it works.
//!
//! The disk begins with a header; all numbers have their most significant byte first:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `-boot-` and zeros |
//! | 8 | 16 | the boot server's executable file |
//! | 24 | 16 | the server's own capability; its port is the get-port |
//! | 40 | 4 | bytes of a block, as a power of two |
//! | 44 | 4 + 4 | the file of processes that were started: bytes, first block |
//! | 52 | 4 + 4 | the configuration: bytes, first block |
//! | 60 | 4 + 4 | the programs that the machine's kernel starts: bytes, first block; zeros if there are none |
//!
//! The file of programs begins with a list of four entries ([`Program`]) in 512 bytes, of which those behind the last one are zeros; the
//! programs' executable files follow, each at a multiple of 512 bytes:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | bytes of the executable file |
//! | 4 | 4 | where in the file of programs it begins |
//! | 8 | 120 | the program's name and arguments, with blanks between them, and zeros behind |
//!
//! Where the arguments of commands stand ([`crate::message`]):
//!
//! | command | request | reply |
//! |---|---|---|
//! | reinitialise, shut down | | |
//! | set output | data: a terminal's capability | |
//! | configure | data: a service's name; extra: 1 if it is to run, 0 if not | |
//! | control | extra: [`ControlOption`] | |

use crate::capability::{CAPABILITY_LENGTH, Capability, Rights};
use crate::{Error, array};

/// Bytes of the header.
pub const HEADER_LENGTH: usize = 68;
/// Bytes of the file of processes, unless somebody chooses another size.
pub const PROCESSES_LENGTH: u32 = 20 << 10;
/// The most bytes of a configuration.
pub const LONGEST_CONFIGURATION: u32 = 64 << 10;
/// Bytes of the list of programs.
pub const PROGRAMS_LENGTH: usize = 512;
/// Bytes of an entry of that list.
pub const PROGRAM_LENGTH: usize = 128;
/// The most programs.
pub const MOST_PROGRAMS: usize = PROGRAMS_LENGTH / PROGRAM_LENGTH;
/// The most bytes of a program's name and arguments.
pub const LONGEST_LINE: usize = PROGRAM_LENGTH - 8;
/// The number of the server's own object.
pub const SERVER_OBJECT: u32 = 0;
/// The right to all commands.
pub const ADMINISTER: Rights = Rights(0x80);

const MAGIC: [u8; 8] = *b"-boot-\0\0";

codes! {
    /// A command of the boot server.
    Command: u16 {
        /// Read the configuration again: what is new starts, what is no longer there ends.
        Reinitialise = 3600,
        /// End all services and the server itself.
        ShutDown = 3601,
        /// Tell on another terminal what happens.
        SetOutput = 3602,
        /// Have a service run or not.
        Configure = 3603,
        /// Change how much is told.
        Control = 3604,
    }
}

codes! {
    /// What [`Command::Control`] changes.
    ControlOption: u16 {
        /// Tell what fails and what starts.
        Quiet = 0,
        /// Tell every step.
        Verbose = 1,
    }
}

/// Where a file lies on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Its bytes.
    pub size: u32,
    /// Its first block.
    pub block: u32,
}

/// The beginning of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The boot server's executable file.
    pub binary: Capability,
    /// The get-port of the server and all rights on its own object.
    pub server: Capability,
    /// Bytes of a block, as a power of two.
    pub block_shift: u32,
    /// Where the capabilities of processes are kept.
    pub processes: Extent,
    /// The configuration, a text.
    pub configuration: Extent,
    /// What the machine's kernel starts; without bytes there is nothing.
    pub programs: Extent,
}

/// An entry of the list of programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program<'a> {
    /// Bytes of its executable file.
    pub size: u32,
    /// Where in the file of programs that begins: a multiple of [`PROGRAMS_LENGTH`].
    pub offset: u32,
    /// Its name and arguments.
    pub line: &'a str,
}

impl<'a> Program<'a> {
    /// Reads the list at the beginning of a file of so many bytes: its entries up to the first that is empty.
    ///
    /// # Errors
    /// [`Error::Truncated`]; [`Error::Length`] for a program that lies outside the file or over the list; [`Error::Check`] for a
    /// line that is no text.
    pub fn parse_list(list: &'a [u8], length: u32) -> Result<[Option<Program<'a>>; MOST_PROGRAMS], Error> {
        let list = list.get(..PROGRAMS_LENGTH).ok_or(Error::Truncated)?;
        let mut programs = [None; MOST_PROGRAMS];
        for (place, entry) in programs.iter_mut().zip(list.chunks_exact(PROGRAM_LENGTH)) {
            let number = |offset| array(entry, offset).map(u32::from_be_bytes);
            let (size, offset) = (number(0)?, number(4)?);
            if size == 0 {
                break;
            }
            let is_inside = offset.checked_add(size).is_some_and(|end| end <= length);
            if offset == 0 || !(offset as usize).is_multiple_of(PROGRAMS_LENGTH) || !is_inside {
                return Err(Error::Length);
            }
            let line = entry[8..].split(|byte| *byte == 0).next().unwrap_or_default();
            let line = core::str::from_utf8(line).map_err(|_| Error::Check)?;
            *place = Some(Program { size, offset, line });
        }
        Ok(programs)
    }

    /// The bytes of the entry; [`Error::Length`] for a line that is too long or holds a zero byte.
    pub fn emit(&self) -> Result<[u8; PROGRAM_LENGTH], Error> {
        if self.line.len() > LONGEST_LINE || self.line.contains('\0') {
            return Err(Error::Length);
        }
        let mut bytes = [0; PROGRAM_LENGTH];
        bytes[..4].copy_from_slice(&self.size.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.offset.to_be_bytes());
        bytes[8..][..self.line.len()].copy_from_slice(self.line.as_bytes());
        Ok(bytes)
    }
}

impl Header {
    /// Reads a header.
    ///
    /// # Errors
    /// [`Error::Truncated`]; [`Error::Magic`] if the disk is no boot server's; [`Error::Length`] for blocks of a size that there is
    /// none of, a configuration that is too long, or files that lie over each other or over the header.
    pub fn parse(bytes: &[u8]) -> Result<Header, Error> {
        if array(bytes, 0)? != MAGIC {
            return Err(Error::Magic);
        }
        let number = |offset| array(bytes, offset).map(u32::from_be_bytes);
        let capability = |offset| array::<CAPABILITY_LENGTH>(bytes, offset);
        let extent = |offset| {
            Ok::<_, Error>(Extent {
                size: number(offset)?,
                block: number(offset + 4)?,
            })
        };
        let header = Header {
            binary: Capability::from_bytes(&capability(8)?),
            server: Capability::from_bytes(&capability(24)?),
            block_shift: number(40)?,
            processes: extent(44)?,
            configuration: extent(52)?,
            programs: extent(60)?,
        };
        header.check()?;
        Ok(header)
    }

    fn check(&self) -> Result<(), Error> {
        let files = self.files();
        let are_apart = files.iter().enumerate().all(|(place, one)| {
            let mut others = files[place + 1..].iter();
            others.all(|other| {
                one.is_empty() || other.is_empty() || one.end <= other.start || other.end <= one.start
            })
        });
        let is_good = (9..=31).contains(&self.block_shift)
            && self.configuration.size <= LONGEST_CONFIGURATION
            && self.processes.block > 0
            && self.configuration.block > 0
            && (self.programs.size == 0 || self.programs.block > 0)
            && are_apart;
        is_good.then_some(()).ok_or(Error::Length)
    }

    /// The blocks of all files.
    fn files(&self) -> [core::ops::Range<u64>; 3] {
        [self.processes, self.configuration, self.programs].map(|extent| self.blocks(extent))
    }

    /// The blocks of a file.
    pub fn blocks(&self, extent: Extent) -> core::ops::Range<u64> {
        let blocks = u64::from(extent.size).div_ceil(1_u64.checked_shl(self.block_shift).unwrap_or(1));
        let first = u64::from(extent.block);
        first..first + blocks
    }

    /// Where on a disk of so many blocks another configuration can be written that leaves header, processes and the present configuration
    /// alone: the header that leads to it. `None` if it is too long, or there is no room.
    pub fn with_configuration(&self, bytes: u32, blocks: u64) -> Option<Header> {
        let [processes, configuration, programs] = self.files();
        let taken = [0..1, processes, configuration, programs];
        let mut firsts = taken.each_ref().map(|blocks| blocks.end.max(1));
        firsts.sort_unstable();
        firsts.into_iter().find_map(|first| {
            let configuration = Extent {
                size: bytes,
                block: u32::try_from(first).ok()?,
            };
            let own = self.blocks(configuration);
            let is_free = |other: &core::ops::Range<u64>| own.end <= other.start || other.end <= own.start;
            let header = Header {
                configuration,
                ..*self
            };
            let fits = own.end <= blocks && taken.iter().all(is_free) && header.check().is_ok();
            fits.then_some(header)
        })
    }

    /// The bytes of the header.
    pub fn emit(&self) -> [u8; HEADER_LENGTH] {
        let mut bytes = [0; HEADER_LENGTH];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..24].copy_from_slice(&self.binary.emit());
        bytes[24..40].copy_from_slice(&self.server.emit());
        let numbers = [
            self.block_shift,
            self.processes.size,
            self.processes.block,
            self.configuration.size,
            self.configuration.block,
            self.programs.size,
            self.programs.block,
        ];
        for (place, number) in bytes[40..].chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::{
        Command, Extent, HEADER_LENGTH, Header, LONGEST_LINE, PROGRAM_LENGTH, PROGRAMS_LENGTH, Program,
    };
    use crate::Error;
    use crate::capability::{Capability, Port, Private};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    fn header() -> Header {
        let capability = |byte| Capability {
            port: Port([byte; 6]),
            private: Private::owner(2, Port([byte + 1; 6])),
        };
        Header {
            binary: capability(0x11),
            server: capability(0x33),
            block_shift: 9,
            processes: Extent { size: 1024, block: 1 },
            configuration: Extent {
                size: 0x0102,
                block: 3,
            },
            programs: Extent {
                size: 0x0203,
                block: 7,
            },
        }
    }

    #[test]
    fn a_header_has_these_bytes() {
        let bytes = header().emit();
        assert_eq!(bytes[..14], *b"-boot-\0\0\x11\x11\x11\x11\x11\x11");
        assert_eq!(bytes[14..24], [2, 0, 0, 0xff, 0x12, 0x12, 0x12, 0x12, 0x12, 0x12]);
        assert_eq!(
            bytes[40..],
            [
                0, 0, 0, 9, 0, 0, 4, 0, 0, 0, 0, 1, 0, 0, 1, 2, 0, 0, 0, 3, 0, 0, 2, 3, 0, 0, 0, 7
            ]
        );
        assert_eq!(Header::parse(&bytes), Ok(header()));
        assert_eq!(Header::parse(&bytes[..HEADER_LENGTH - 1]), Err(Error::Truncated));
    }

    #[test]
    fn files_that_lie_over_each_other_are_refused() {
        let refused = |change: fn(&mut Header)| {
            let mut header = header();
            change(&mut header);
            Header::parse(&header.emit()) == Err(Error::Length)
        };
        assert!(!refused(|_| {}));
        assert!(refused(|header| header.processes.size = 1025));
        assert!(refused(|header| header.configuration.block = 2));
        assert!(refused(|header| header.configuration.block = 0));
        assert!(refused(|header| header.programs.block = 0));
        assert!(refused(|header| header.programs.block = 3));
        assert!(!refused(|header| header.programs = Extent::default()));
        assert!(refused(|header| header.block_shift = 8));
        assert!(refused(|header| header.block_shift = 32));
        assert!(refused(|header| header.configuration.size = 65537));
    }

    #[test]
    fn another_configuration_is_written_beside_the_present_one() {
        // Header, two blocks of processes, one of the configuration.
        let first = header();
        let second = first
            .with_configuration(1025, 7)
            .expect("three blocks are free before the programs");
        assert_eq!(second.configuration, Extent { size: 1025, block: 4 });
        let third = second
            .with_configuration(512, 7)
            .expect("the first one's block is free");
        assert_eq!(third.configuration, Extent { size: 512, block: 3 });
        assert_eq!(second.with_configuration(513, 7), None);
        assert_eq!(first.with_configuration(1025, 6), None);
        let behind = first
            .with_configuration(1537, 13)
            .expect("four blocks behind them");
        assert_eq!(behind.configuration, Extent { size: 1537, block: 9 });
        assert_eq!(first.with_configuration(65537, 1000), None);
        assert_eq!(
            (second.processes, second.server, second.binary),
            (first.processes, first.server, first.binary)
        );
    }

    #[test]
    fn a_list_of_programs_says_where_each_lies_and_what_it_is_told() {
        let program = Program {
            size: 700,
            offset: 1024,
            line: "bullet -c 1024 vdisk:01",
        };
        let mut list = [0; PROGRAMS_LENGTH];
        assert_eq!(Program::parse_list(&list, 2000), Ok([None; 4]));
        list[..PROGRAM_LENGTH].copy_from_slice(&program.emit().unwrap());
        assert_eq!(list[..16], *b"\0\0\x02\xbc\0\0\x04\0bullet -");
        assert_eq!(
            Program::parse_list(&list, 1724),
            Ok([Some(program), None, None, None])
        );
        assert_eq!(
            Program::parse_list(&list, 1723),
            Err(Error::Length),
            "beyond the file"
        );
        assert_eq!(Program::parse_list(&list[1..], 1724), Err(Error::Truncated));
        for (offset, expected) in [
            (0, Error::Length),
            (513, Error::Length),
            (u32::MAX - 511, Error::Length),
        ] {
            list[..PROGRAM_LENGTH].copy_from_slice(&Program { offset, ..program }.emit().unwrap());
            assert_eq!(Program::parse_list(&list, 1724), Err(expected));
        }
        let long = ["x"; LONGEST_LINE].concat();
        assert!(
            Program {
                line: &long,
                ..program
            }
            .emit()
            .is_ok()
        );
        let longer = long + "x";
        assert_eq!(
            Program {
                line: &longer,
                ..program
            }
            .emit(),
            Err(Error::Length)
        );
    }

    #[test]
    fn commands_are_3600_to_3604() {
        assert!(Command::ALL.iter().map(|command| command.code()).eq(3600..=3604));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_header_or_refused(mut bytes in any::<[u8; HEADER_LENGTH]>(), is_magic: bool) {
            if is_magic {
                bytes[..8].copy_from_slice(b"-boot-\0\0");
            }
            if let Ok(header) = Header::parse(&bytes) {
                prop_assert_eq!(header.emit(), bytes);
            }
        }
    }
}
