//! The commands that every server understands, and the codes that it answers.
//!
//! Where their arguments stand ([`crate::message`] and [`crate::marshal`]):
//!
//! | command | request | reply |
//! |---|---|---|
//! | info, status | size: the client's room | data: the text; size: its whole length |
//! | restrict | offset: mask of rights | port and private part: the new capability |
//! | copy | data: capability of the original | port and private part: the copy |
//! | touch many | size: how many; data: their private parts | extra: how many were touched |
//! | get parameters | | data: a [`Parameter`] after the other |
//! | set parameters | data: name and value, two strings | |

use crate::Error;
use crate::marshal::{Reader, Writer};

codes! {
    /// A standard command.
    Command: u16 {
        /// Tell how the server fares.
        Monitor = 1000,
        /// Count the age of all objects up.
        Age = 1001,
        /// Copy an object to this server.
        Copy = 1002,
        /// Remove an object.
        Destroy = 1003,
        /// Describe an object in a line.
        Info = 1004,
        /// Make a capability with fewer rights.
        Restrict = 1005,
        /// Tell a server's figures.
        Status = 1006,
        /// Tell that an object is still in use.
        Touch = 1007,
        /// Read a server's settings.
        GetParameters = 1008,
        /// Change one of a server's settings.
        SetParameters = 1009,
        /// Touch several objects.
        TouchMany = 1010,
    }
}

codes! {
    /// How a standard command went, or why a transaction came to nothing (codes above -1000).
    Status: i16 {
        /// Well.
        Ok = 0,
        /// The transaction failed.
        RpcFailure = -1,
        /// Nobody listens on the port.
        RpcNotFound = -2,
        /// A bad address was given to a system call.
        RpcBadAddress = -3,
        /// The transaction was aborted.
        RpcAborted = -4,
        /// Try again.
        RpcTryAgain = -5,
        /// Bad command to the transaction layer.
        RpcBadCommand = -6,
        /// The other side is remote.
        RpcRemote = -7,
        /// A bad port.
        RpcBadPort = -8,
        /// Only untrusted networks lead there.
        RpcUnsafe = -9,
        /// The capability is not one of this server's.
        BadCapability = -1000,
        /// The server does not know the command.
        BadCommand = -1001,
        /// An argument is wrong.
        BadArgument = -1002,
        /// Not at this moment.
        NotNow = -1003,
        /// No room.
        NoSpace = -1004,
        /// The rights do not suffice.
        Denied = -1005,
        /// No memory.
        NoMemory = -1006,
        /// It exists already.
        Exists = -1007,
        /// There is no such thing.
        NotFound = -1008,
        /// The server's system failed.
        SystemError = -1009,
        /// Interrupted.
        Interrupted = -1010,
        /// The answer does not fit.
        Overflow = -1011,
        /// Not to be written.
        WriteProtected = -1012,
        /// No medium in the drive.
        NoMedium = -1013,
    }
}

codes! {
    /// Why an executable file could not be run.
    ExecStatus: i16 {
        /// There is no program.
        NoProgram = -1900,
        /// Its process descriptor was not found.
        DescriptorLookup = -1901,
        /// Its process descriptor could not be read.
        DescriptorRead = -1902,
        /// Its process descriptor is incomplete.
        DescriptorShort = -1903,
        /// Its process descriptor says a wrong size.
        DescriptorSize = -1904,
        /// There are no capabilities to give to it.
        NoCapabilities = -1905,
        /// No machine can run it.
        NoHost = -1906,
        /// A machine did not tell its address range.
        GetDefaults = -1907,
        /// No memory for the work.
        NoMemory = -1908,
        /// The arguments do not fit on the stack.
        StackOverflow = -1909,
        /// A segment could not be made.
        SegmentCreate = -1910,
        /// A segment could not be written.
        SegmentWrite = -1911,
    }
}

codes! {
    /// The first command of each kind of server; it has the hundred from there on, and their negatives as its errors.
    Base: u16 {
        /// Errors of transactions.
        Reserved = 1,
        /// Standard commands.
        Standard = 1000,
        /// Bullet file server.
        Bullet = 2000,
        /// SOAP directory server.
        Soap = 2100,
        /// Virtual disk.
        VirtualDisk = 2200,
        /// Processes and segments.
        Process = 2300,
        /// Time of day.
        TimeOfDay = 2400,
        /// The system itself.
        System = 2500,
        /// Random numbers.
        Random = 2600,
        /// Old directory server.
        OldDirectory = 2700,
        /// Sessions.
        Session = 2800,
        /// Ethernet hook.
        EthernetHook = 2900,
        /// Choice of machines.
        Run = 3000,
        /// Virtual circuits.
        VirtualCircuit = 3100,
        /// Settings of terminals.
        Termios = 3200,
        /// Tapes.
        Tape = 3300,
        /// X.
        X = 3400,
        /// Hardware of X.
        XHardware = 3500,
        /// Boot server.
        Boot = 3600,
        /// Mail.
        Mail = 3700,
        /// Internet protocols.
        Internet = 3800,
        /// Swiss army knife.
        SwissArmyKnife = 3900,
        /// Terminals and files.
        Terminal = 4000,
        /// Profiles of kernels.
        Profile = 4100,
        /// First-in, first-out queues.
        Fifo = 4200,
    }
}

codes! {
    /// The first character of what [`Command::Info`] tells: what kind of object it is.
    ObjectMark: u8 {
        /// A terminal.
        Terminal = b'+',
        /// A file.
        File = b'-',
        /// A directory.
        Directory = b'/',
        /// The directory of a kernel.
        KernelDirectory = b'%',
        /// A disk.
        Disk = b'@',
        /// A process.
        Process = b'!',
        /// A pipe.
        Pipe = b'|',
        /// Random numbers.
        Random = b'?',
    }
}

/// One of a server's settings, as [`Command::GetParameters`] tells it: four strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// How it is called.
    pub name: &'a [u8],
    /// What its values are.
    pub kind: &'a [u8],
    /// What it does.
    pub description: &'a [u8],
    /// What it is.
    pub value: &'a [u8],
}

impl<'a> Parameter<'a> {
    /// Reads a setting.
    pub fn parse(reader: &mut Reader<'a>) -> Result<Parameter<'a>, Error> {
        Ok(Parameter {
            name: reader.string()?,
            kind: reader.string()?,
            description: reader.string()?,
            value: reader.string()?,
        })
    }

    /// Writes the setting.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Error> {
        [self.name, self.kind, self.description, self.value]
            .iter()
            .try_for_each(|string| writer.string(string))
    }
}

impl core::fmt::Display for Status {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "{self:?} ({})", self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::{Base, Command, ExecStatus, ObjectMark, Parameter, Status};
    use crate::marshal::{Reader, Writer};

    #[test]
    fn every_code_leads_back_to_its_name() {
        for command in Command::ALL {
            assert_eq!(Command::from_code(command.code()), Some(*command));
        }
        for status in Status::ALL {
            assert_eq!(Status::from_code(status.code()), Some(*status));
        }
        for mark in ObjectMark::ALL {
            assert_eq!(ObjectMark::from_code(mark.code()), Some(*mark));
        }
    }

    #[test]
    fn errors_of_executables_lie_between_1900_and_1911() {
        let codes = ExecStatus::ALL.iter().map(|status| status.code());
        assert!(codes.eq((-1911..=-1900).rev()));
    }

    #[test]
    fn servers_have_a_hundred_commands_each() {
        let all = Base::ALL.windows(2);
        assert!(all.clone().count() == 24);
        for pair in all {
            assert!(pair[1].code() - pair[0].code() >= 100 && pair[1].code() % 100 == 0);
        }
    }

    #[test]
    fn a_parameter_is_four_strings() {
        let parameter = Parameter {
            name: b"slice",
            kind: b"integer",
            description: b"time",
            value: b"ten",
        };
        let mut buffer = [0xee; 40];
        let mut writer = Writer::new(&mut buffer);
        parameter.emit(&mut writer).unwrap();
        let length = writer.length();
        assert_eq!(&buffer[..length], b"slice\0integer\0time\0ten\0");
        assert_eq!(Parameter::parse(&mut Reader::new(&buffer)), Ok(parameter));
    }

    #[test]
    fn standard_commands_end_at_1010() {
        assert_eq!(Command::from_code(1010), Some(Command::TouchMany));
        assert_eq!(Command::from_code(1011), None);
    }
}
