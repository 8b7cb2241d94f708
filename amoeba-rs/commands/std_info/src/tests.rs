extern crate std;

use super::std_info;
use libamoeba::Transactions;
use libamoeba::server::answer;
use proto::capability::{Capability, Port};
use proto::message::Header;
use proto::standard::Status;
use random::Random;
use std::string::String;

/// A kernel on which the random server runs and nothing else.
struct Kernel(Random);

impl Transactions for Kernel {
    fn trans(&mut self, request: &Header, data: &[u8], reply: &mut [u8]) -> Result<(Header, usize), Status> {
        if request.port == self.0.capability().port {
            Ok(answer(&mut self.0, request, data, reply))
        } else {
            Err(Status::RpcNotFound)
        }
    }

    fn getreq(&mut self, _port: Port, _data: &mut [u8]) -> Result<(Header, usize), Status> {
        Err(Status::RpcAborted)
    }

    fn putrep(&mut self, _reply: &Header, _data: &[u8]) {}
}

fn printed(change: impl FnOnce(&mut Capability)) -> (bool, String) {
    let server = Random::new(Port([1; 6]), Port([2; 6]), Port([3; 6]));
    let mut capability = server.capability();
    change(&mut capability);
    let mut output = String::new();
    let told = std_info(&mut Kernel(server), &capability, &mut output).expect("a string takes everything");
    (told, output)
}

#[test]
fn the_line_of_the_server_is_printed() {
    assert_eq!(printed(|_| {}), (true, "? random number server\n".into()));
}

#[test]
fn a_bad_capability_is_told_by_name() {
    let expected = (false, "std_info: BadCapability (-1000)\n".into());
    assert_eq!(
        printed(|capability| capability.private.check = Port([9; 6])),
        expected
    );
}

#[test]
fn a_server_that_does_not_run_is_told_by_name() {
    assert_eq!(
        printed(|capability| capability.port = Port([9; 6])).1,
        "std_info: RpcNotFound (-2)\n"
    );
}
