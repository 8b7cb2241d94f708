//! Every format that crosses a wire, a disk or a system call, as plain values.
//!
//! A tour, from the cable inwards:
//!
//! * [`ethernet`]: station addresses and the 14-byte header of every frame.
//! * [`fragment_control`]: the two bytes that come first in an Ethernet frame of Amoeba, for flow control.
//! * [`flip`]: the 40-byte header of a FLIP packet.
//! * [`rpc`]: the 24-byte header by which kernels carry out a transaction.
//! * [`message`]: the 32-byte header that users see, in requests and replies.
//! * [`capability`]: ports, rights and capabilities; [`capability_text`]: the same in writing; [`one_way`]: the function that protects both.
//! * [`marshal`]: values in the buffers of requests and replies; [`capability_set`]: capabilities of one object.
//! * [`standard`]: the commands that every server understands, and the codes that they answer.
//! * [`soap`]: the directory server, its directories and its disks.
//! * [`bullet`]: the file server, and how files lie on a disk.
//! * [`process`]: descriptors of processes, and the server that runs them.
//! * [`disk`]: what is on disks, and the server of virtual disks.
//! * [`boot`]: the boot server and its disk.
//! * [`system_call`] and [`signal`]: what passes between a program and its kernel; [`raw_flip`]: FLIP for programs.
//! * [`terminal`]: commands and settings of terminals; [`fifo`]: pipes.
//! * [`run`]: the server that chooses machines for programs.
//! * [`mark`]: what programs that measure leave on the cable.
//! * [`exchange`]: the numbered test frames with which two kernels try out their network.
//!
//! Formats follow one pattern: a value (`Header`, `Frame`) with `parse`, which checks what it reads and
//! says what is wrong in an [`Error`], and `emit`, which writes exactly what `parse` reads.
//! Integers are in the order that their document names; FLIP and RPC carry a flag for it ([`ByteOrder`]).

#![no_std]
#![forbid(unsafe_code)]

/// An enumeration whose variants have fixed codes on the wire, with the way back from the code.
macro_rules! codes {
    (
        $(#[$attribute:meta])*
        $name:ident: $integer:ty {
            $($(#[$variant_attribute:meta])* $variant:ident = $code:literal,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr($integer)]
        pub enum $name {
            $($(#[$variant_attribute])* $variant = $code,)*
        }

        impl $name {
            /// All of them, by code.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The one with this code.
            pub const fn from_code(code: $integer) -> Option<$name> {
                match code {
                    $($code => Some($name::$variant),)*
                    _ => None,
                }
            }

            /// Its code.
            pub const fn code(self) -> $integer {
                self as $integer
            }
        }
    };
}

/// Why a request to a server with errors of its own failed: `Failure`, of the module's `Status` or a standard one.
macro_rules! own_failure {
    ($(#[$attribute:meta])* $own:ident) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Failure {
            /// A standard code.
            Standard(standard::Status),
            /// One of the server's own.
            $own(Status),
        }

        impl Failure {
            /// The code in a reply.
            pub const fn code(self) -> i16 {
                match self {
                    Failure::Standard(status) => status.code(),
                    Failure::$own(status) => status.code(),
                }
            }

            /// What a reply's code means for the caller; a code that nobody knows is a fault of the server.
            pub fn check(code: i16) -> Result<(), Failure> {
                match (standard::Status::from_code(code), Status::from_code(code)) {
                    (Some(standard::Status::Ok), _) => Ok(()),
                    (Some(status), _) => Err(Failure::Standard(status)),
                    (None, Some(status)) => Err(Failure::$own(status)),
                    (None, None) => Err(Failure::Standard(standard::Status::SystemError)),
                }
            }
        }

        impl From<standard::Status> for Failure {
            fn from(status: standard::Status) -> Failure {
                Failure::Standard(status)
            }
        }

        impl From<Status> for Failure {
            fn from(status: Status) -> Failure {
                Failure::$own(status)
            }
        }

        impl core::fmt::Display for Failure {
            fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self {
                    Failure::Standard(status) => write!(formatter, "{status}"),
                    Failure::$own(status) => write!(formatter, "{status:?} ({})", status.code()),
                }
            }
        }

        impl core::error::Error for Failure {}
    };
}

pub mod boot;
pub mod bullet;
pub mod capability;
pub mod capability_set;
pub mod capability_text;
pub mod disk;
pub mod ethernet;
pub mod exchange;
pub mod fifo;
pub mod flip;
pub mod fragment_control;
pub mod mark;
pub mod marshal;
pub mod message;
pub mod one_way;
mod order;
pub mod process;
pub mod raw_flip;
pub mod rpc;
pub mod run;
pub mod signal;
pub mod soap;
pub mod standard;
pub mod system_call;
pub mod terminal;

pub use order::ByteOrder;

/// Why bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Fewer bytes than the format needs.
    Truncated,
    /// A version that is not spoken here.
    Version(u8),
    /// A packet type that does not exist.
    Kind(u8),
    /// A protocol that does not exist.
    Protocol(u32),
    /// The magic number is another one.
    Magic,
    /// A length that does not agree with the bytes that are there.
    Length,
    /// The check does not agree with the payload.
    Check,
}

impl core::fmt::Display for Error {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Error::Truncated => write!(formatter, "too short"),
            Error::Version(version) => write!(formatter, "version {version} is unknown"),
            Error::Kind(kind) => write!(formatter, "packet type {kind} is unknown"),
            Error::Protocol(protocol) => write!(formatter, "protocol {protocol} is unknown"),
            Error::Magic => write!(formatter, "wrong magic number"),
            Error::Length => write!(formatter, "length and bytes disagree"),
            Error::Check => write!(formatter, "check and payload disagree"),
        }
    }
}

impl core::error::Error for Error {}

/// The first `N` bytes at `offset`, or [`Error::Truncated`].
fn array<const N: usize>(bytes: &[u8], offset: usize) -> Result<[u8; N], Error> {
    bytes
        .get(offset..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .ok_or(Error::Truncated)
}
