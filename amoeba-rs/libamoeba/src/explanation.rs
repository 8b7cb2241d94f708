//! What people are told of errors.

use core::fmt;
use proto::soap;
use proto::standard::Status;

/// An error in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation(soap::Failure);

/// An error in words, as they stand behind the name of what was tried.
pub fn explain(failure: impl Into<soap::Failure>) -> Explanation {
    Explanation(failure.into())
}

const fn words(status: Status) -> &'static str {
    match status {
        Status::Ok => "no error",
        Status::RpcFailure => "the server has failed",
        Status::RpcNotFound => "the server does not answer",
        Status::RpcBadAddress => "bad address",
        Status::RpcAborted | Status::Interrupted => "interrupted",
        Status::RpcTryAgain | Status::NotNow => "not at this moment",
        Status::RpcBadCommand | Status::BadCommand => "cannot do this",
        Status::RpcRemote => "is on another machine",
        Status::RpcBadPort => "bad port",
        Status::RpcUnsafe => "only untrusted networks lead there",
        Status::BadCapability => "bad capability",
        Status::BadArgument => "bad argument",
        Status::NoSpace => "no space",
        Status::Denied => "permission denied",
        Status::NoMemory => "no memory",
        Status::Exists => "exists already",
        Status::NotFound => "not found",
        Status::SystemError => "system error",
        Status::Overflow => "too long",
        Status::WriteProtected => "write-protected",
        Status::NoMedium => "no medium",
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            soap::Failure::Standard(status) => words(status),
            soap::Failure::Directory(soap::Status::Unavailable) => "the directory server is not ready",
            soap::Failure::Directory(soap::Status::NotEmpty) => "is not empty",
            soap::Failure::Directory(soap::Status::Unreachable) => "cannot be reached",
            soap::Failure::Directory(soap::Status::Clash) => "has changed meanwhile",
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::explain;
    use proto::soap;
    use proto::standard::Status;
    use std::string::ToString;

    #[test]
    fn errors_are_told_in_words() {
        assert_eq!(explain(Status::NotFound).to_string(), "not found");
        assert_eq!(explain(soap::Status::NotEmpty).to_string(), "is not empty");
        for status in Status::ALL {
            let told = explain(*status).to_string();
            assert!(
                !told.is_empty()
                    && told.chars().all(|character| character == ' '
                        || character == '-'
                        || character.is_ascii_lowercase()),
                "{told}"
            );
        }
    }
}
