//! The file of processes.

use crate::processes::{emit, parse};
use proptest::prelude::{prop_assert_eq, proptest};
use proto::capability::{Capability, Port, Private};
use std::string::{String, ToString};
use std::vec::Vec;

fn process(number: u32) -> Capability {
    Capability {
        port: Port([1, 2, 3, 4, 5, 6]),
        private: Private::owner(number, Port([7; 6])),
    }
}

#[test]
fn a_file_has_these_bytes() {
    let bytes = emit([("soap", process(3))].into_iter(), 64).expect("room");
    assert_eq!(bytes[..13], *b"\x01\0soap\0\x01\x02\x03\x04\x05\x06");
    assert_eq!(bytes[13..23], [3, 0, 0, 0xff, 7, 7, 7, 7, 7, 7]);
    assert_eq!(bytes[23..], [0; 41]);
    assert_eq!(parse(&bytes), [("soap".to_string(), process(3))]);
    assert_eq!(emit([("soap", process(3))].into_iter(), 22), None);
    assert_eq!(parse(&bytes[..22]), []);
    assert_eq!(parse(&[]), []);
}

proptest! {
    #[test]
    fn processes_read_back(names in proptest::collection::vec("[a-z]{0,20}", 0..20)) {
        let all: Vec<(String, Capability)> = names.into_iter().zip((0..).map(process)).collect();
        let bytes = emit(all.iter().map(|(name, process)| (name.as_str(), *process)), 1024);
        prop_assert_eq!(parse(&bytes.expect("room")), all);
    }

    #[test]
    fn any_bytes_are_some_processes(bytes: Vec<u8>) {
        parse(&bytes);
    }
}
