use super::{GET_RANDOM, MOST_BYTES, Random};
use libamoeba::server::answer;
use libamoeba::standard;
use proto::capability::{Capability, Port, Rights};
use proto::message::Header;
use proto::standard::Status;

const CHECK: Port = Port([3; 6]);

fn server() -> Random {
    Random::new(Port([1; 6]), CHECK, Port([2; 6]))
}

fn ask(server: &mut Random, capability: &Capability, size: u16, data: &mut [u8]) -> (Option<Status>, usize) {
    let header = Header {
        size,
        ..standard::request(capability, GET_RANDOM)
    };
    let (reply, length) = answer(server, &header, &[], data);
    (reply.status(), length)
}

#[test]
fn as_many_bytes_come_as_were_asked_for() {
    let mut server = server();
    let capability = server.capability();
    let mut data = [0; MOST_BYTES];
    for size in [0, 1, 6, 7, 1024] {
        assert_eq!(
            ask(&mut server, &capability, size, &mut data),
            (Some(Status::Ok), usize::from(size))
        );
    }
}

#[test]
fn no_two_requests_bring_the_same_bytes() {
    let mut server = server();
    let capability = server.capability();
    let (mut first, mut second) = ([0; 32], [0; 32]);
    ask(&mut server, &capability, 32, &mut first);
    ask(&mut server, &capability, 32, &mut second);
    assert_ne!(first, second);
}

#[test]
fn every_value_of_a_byte_comes() {
    let mut server = server();
    let capability = server.capability();
    let mut data = [0; MOST_BYTES];
    let mut seen = [false; 256];
    for _ in 0..8 {
        ask(&mut server, &capability, 1024, &mut data);
        data.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    }
    assert!(seen.iter().all(|seen| *seen));
}

#[test]
fn more_than_1024_bytes_are_a_bad_argument() {
    let mut server = server();
    let capability = server.capability();
    assert_eq!(
        ask(&mut server, &capability, 1025, &mut [0; 2048]),
        (Some(Status::BadArgument), 0)
    );
}

#[test]
fn without_the_right_to_read_nothing_comes() {
    let mut server = server();
    let owner = server.capability();
    let capability = Capability {
        private: owner.private.restrict(Rights(0xfe), CHECK),
        ..owner
    };
    assert_eq!(
        ask(&mut server, &capability, 8, &mut [0; 8]),
        (Some(Status::Denied), 0)
    );
}
