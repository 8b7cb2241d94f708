//! The commands that every server understands, and the codes that it answers.

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

impl core::fmt::Display for Status {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "{self:?} ({})", self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, Status};

    #[test]
    fn every_code_leads_back_to_its_name() {
        for command in Command::ALL {
            assert_eq!(Command::from_code(command.code()), Some(*command));
        }
        for status in Status::ALL {
            assert_eq!(Status::from_code(status.code()), Some(*status));
        }
    }

    #[test]
    fn standard_commands_end_at_1010() {
        assert_eq!(Command::from_code(1010), Some(Command::TouchMany));
        assert_eq!(Command::from_code(1011), None);
    }
}
