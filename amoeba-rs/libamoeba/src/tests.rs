extern crate std;

use crate::server::{Request, Server, answer, serve};
use crate::{Transactions, standard};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proto::capability::{Capability, Port, Private, Rights};
use proto::message::Header;
use proto::one_way::one_way;
use proto::standard::Status;
use std::vec::Vec;

const GET_PORT: Port = Port([1, 2, 3, 4, 5, 6]);
const RANDOM: Port = Port([6, 5, 4, 3, 2, 1]);
const OBJECT: u32 = 7;
const WRITE: Rights = Rights(0x02);
/// A command of the server's own: gives back what came with the request.
const ECHO: u16 = 15_000;

/// A server of one object.
#[derive(Default)]
struct Single {
    touched: u32,
}

impl Server for Single {
    fn port(&self) -> Port {
        GET_PORT
    }

    fn random(&self, object: u32) -> Option<Port> {
        (object == OBJECT).then_some(RANDOM)
    }

    fn info(&self, _object: u32) -> &str {
        "* a single object"
    }

    fn touch(&mut self, _object: u32) {
        self.touched += 1;
    }

    fn command(
        &mut self,
        request: Request<'_>,
        reply: &mut Header,
        data: &mut [u8],
    ) -> Result<usize, Status> {
        if request.header.command != ECHO {
            return Err(Status::BadCommand);
        }
        if !request.rights.include(WRITE) {
            return Err(Status::Denied);
        }
        data[..request.data.len()].copy_from_slice(request.data);
        reply.extra = request.object as u16;
        Ok(request.data.len())
    }
}

/// A kernel in memory: a client's transactions go to one server, a server's requests come from a list.
#[derive(Default)]
struct Memory {
    server: Single,
    waiting: Vec<(Header, Vec<u8>)>,
    replies: Vec<(Header, Vec<u8>)>,
    transactions: u32,
}

impl Transactions for Memory {
    fn trans(
        &mut self,
        request: &Header,
        request_data: &[u8],
        reply_data: &mut [u8],
    ) -> Result<(Header, usize), Status> {
        self.transactions += 1;
        if request.port != one_way(GET_PORT) {
            return Err(Status::RpcNotFound);
        }
        Ok(answer(&mut self.server, request, request_data, reply_data))
    }

    fn getreq(&mut self, port: Port, data: &mut [u8]) -> Result<(Header, usize), Status> {
        assert_eq!(port, GET_PORT);
        let (header, sent) = self.waiting.pop().ok_or(Status::RpcAborted)?;
        let length = sent.len().min(data.len());
        data[..length].copy_from_slice(&sent[..length]);
        Ok((header, length))
    }

    fn putrep(&mut self, reply: &Header, data: &[u8]) {
        self.replies.push((*reply, data.to_vec()));
    }
}

fn owner() -> Capability {
    Capability {
        port: one_way(GET_PORT),
        private: Private::owner(OBJECT, RANDOM),
    }
}

#[test]
fn info_tells_the_servers_line() {
    let mut buffer = [0; 100];
    let length = standard::info(&mut Memory::default(), &owner(), &mut buffer);
    assert_eq!(
        length.map(|length| &buffer[..length]),
        Ok(&b"* a single object"[..])
    );
}

#[test]
fn info_into_a_small_buffer_is_an_overflow_with_the_beginning() {
    let mut buffer = [0; 8];
    assert_eq!(
        standard::info(&mut Memory::default(), &owner(), &mut buffer),
        Err(Status::Overflow)
    );
    assert_eq!(&buffer, b"* a sing");
}

#[test]
fn touch_reaches_the_server() {
    let mut kernel = Memory::default();
    assert_eq!(standard::touch(&mut kernel, &owner()), Ok(()));
    assert_eq!(kernel.server.touched, 1);
}

#[test]
fn an_object_that_does_not_exist_is_a_bad_capability() {
    let capability = Capability {
        private: Private::owner(OBJECT + 1, RANDOM),
        ..owner()
    };
    assert_eq!(
        standard::touch(&mut Memory::default(), &capability),
        Err(Status::BadCapability)
    );
}

#[test]
fn a_port_nobody_listens_on_is_an_error_of_the_transaction() {
    let capability = Capability {
        port: Port([9; 6]),
        ..owner()
    };
    assert_eq!(
        standard::touch(&mut Memory::default(), &capability),
        Err(Status::RpcNotFound)
    );
}

#[test]
fn the_owner_restricts_without_asking_the_server() {
    let mut kernel = Memory::default();
    let restricted = standard::restrict(&mut kernel, &owner(), WRITE).unwrap();
    assert_eq!(
        (kernel.transactions, restricted.private.proven_rights(RANDOM)),
        (0, Some(WRITE))
    );
}

#[test]
fn a_command_of_the_servers_own_needs_the_right_that_the_server_asks_for() {
    let mut kernel = Memory::default();
    let mut reply_data = [0; 10];
    let mut echo = |capability: &Capability| {
        let request = standard::request(capability, ECHO);
        let (reply, length) = kernel.trans(&request, b"hello", &mut reply_data).unwrap();
        (reply.status(), reply.extra, length)
    };
    assert_eq!(echo(&owner()), (Some(Status::Ok), 7, 5));
    let restricted = Private::owner(OBJECT, RANDOM).restrict(Rights(!WRITE.0), RANDOM);
    assert_eq!(
        echo(&Capability {
            private: restricted,
            ..owner()
        }),
        (Some(Status::Denied), 0, 0)
    );
}

#[test]
fn standard_commands_that_a_server_does_not_know_are_refused() {
    let (reply, _) = answer(
        &mut Single::default(),
        &standard::request(&owner(), 1000),
        &[],
        &mut [],
    );
    assert_eq!(reply.status(), Some(Status::BadCommand));
}

#[test]
fn the_loop_answers_every_request_and_ends_when_waiting_is_aborted() {
    let mut kernel = Memory::default();
    for word in [&b"one"[..], b"two"] {
        kernel
            .waiting
            .insert(0, (standard::request(&owner(), ECHO), word.to_vec()));
    }
    let status = serve(&mut Single::default(), &mut kernel, &mut [0; 16], &mut [0; 16]);
    assert_eq!(status, Status::RpcAborted);
    let data: Vec<&[u8]> = kernel.replies.iter().map(|(_, data)| data.as_slice()).collect();
    assert_eq!(data, [b"one", b"two"]);
}

proptest! {
    #[test]
    fn the_server_restricts_for_those_who_cannot(first in 0..=254_u8, second: u8) {
        let mut kernel = Memory::default();
        let capability = standard::restrict(&mut kernel, &owner(), Rights(first)).unwrap();
        let restricted = standard::restrict(&mut kernel, &capability, Rights(second)).unwrap();
        prop_assert_eq!(kernel.transactions, 1);
        prop_assert_eq!(restricted.private.proven_rights(RANDOM), Some(Rights(first & second)));
    }

    #[test]
    fn a_forged_capability_is_refused_whatever_the_command(
        private in any::<[u8; 10]>(), command: u16, offset: i32, size: u16,
    ) {
        let header = Header { private, command, offset, size, ..Header::default() };
        let (reply, length) = answer(&mut Single::default(), &header, b"data", &mut [0; 100]);
        let is_real = Private::parse(&private).unwrap().proven_rights(RANDOM).is_some();
        prop_assert!(is_real || (reply.status(), length) == (Some(Status::BadCapability), 0));
    }
}

#[test]
fn a_name_of_up_to_six_characters_is_a_port() {
    assert_eq!(crate::named_port("perf"), Some(Port(*b"perf\0\0")));
    assert_eq!(crate::named_port("bullet"), Some(Port(*b"bullet")));
    for name in ["", "bullets"] {
        assert_eq!(crate::named_port(name), None);
    }
    let port = Port(*b"perf\0\0");
    assert_eq!(crate::put_port(port), proto::one_way::one_way(port));
    assert_ne!(crate::put_port(port), port);
}
