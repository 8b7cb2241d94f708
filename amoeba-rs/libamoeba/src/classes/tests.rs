extern crate std;

use super::{boot, fifo, process, random, run, system, time};
use crate::Transactions;
use proto::capability::{Capability, Port, Private};
use proto::message::Header;
use proto::standard::Status;
use std::vec;
use std::vec::Vec;

/// A server that is a file of 40 000 bytes and answers everything else as it is told.
#[derive(Default)]
struct Script {
    requests: Vec<(Header, Vec<u8>)>,
    reply: Header,
    data: Vec<u8>,
}

const FILE_LENGTH: usize = 40_000;

fn byte(place: usize) -> u8 {
    (place / 7) as u8
}

impl Transactions for Script {
    fn trans(
        &mut self,
        request: &Header,
        request_data: &[u8],
        reply_data: &mut [u8],
    ) -> Result<(Header, usize), Status> {
        self.requests.push((*request, request_data.to_vec()));
        if request.command == proto::process::server::file::READ {
            let start = (request.offset as usize).min(FILE_LENGTH);
            let length = usize::from(request.size)
                .min(FILE_LENGTH - start)
                .min(reply_data.len());
            for (place, to) in (start..).zip(&mut reply_data[..length]) {
                *to = byte(place);
            }
            return Ok((Header::default(), length));
        }
        let length = self.data.len().min(reply_data.len());
        reply_data[..length].copy_from_slice(&self.data[..length]);
        Ok((self.reply, length))
    }

    fn getreq(&mut self, _port: Port, _data: &mut [u8]) -> Result<(Header, usize), Status> {
        Err(Status::RpcAborted)
    }

    fn putrep(&mut self, _reply: &Header, _data: &[u8]) {}
}

fn object() -> Capability {
    Capability {
        port: Port([4; 6]),
        private: Private::owner(9, Port([5; 6])),
    }
}

/// What a reply with a capability holds.
fn holding(capability: &Capability) -> Header {
    Header {
        port: capability.port,
        private: capability.private.emit(),
        ..Header::default()
    }
}

#[test]
fn a_request_names_its_object_command_and_arguments() {
    let mut script = Script::default();
    process::stun(&mut script, &object(), -3).unwrap();
    let expected = Header {
        command: 2300,
        offset: -3,
        ..holding(&object())
    };
    assert_eq!(script.requests, [(expected, vec![])]);
}

#[test]
fn a_capability_comes_in_the_replys_header() {
    let mut script = Script {
        reply: holding(&object()),
        ..Script::default()
    };
    assert_eq!(
        process::exec(&mut script, &Capability::NULL, b"descriptor"),
        Ok(object())
    );
    assert_eq!(script.requests[0].1, b"descriptor");
    assert_eq!(process::owner(&mut script, &object()), Ok(object()));
    assert_eq!(process::create_segment(&mut script, &object(), 77), Ok(object()));
    assert_eq!(script.requests[2].0.offset, 77);
    process::set_owner(&mut script, &object(), &object()).unwrap();
    assert_eq!(script.requests[3].1, object().emit());
}

#[test]
fn the_servers_status_is_the_callers_error() {
    let mut script = Script::default();
    script.reply.set_status(Status::Denied);
    assert_eq!(process::exec(&mut script, &object(), &[]), Err(Status::Denied));
    assert_eq!(time::get(&mut script, &object()), Err(Status::Denied));
    assert_eq!(
        random::fill(&mut script, &object(), &mut [0; 4]),
        Err(Status::Denied)
    );
}

#[test]
fn a_long_write_takes_requests_of_8192_bytes() {
    let mut script = Script::default();
    process::write_segment(&mut script, &object(), 100, &[1; 20_000]).unwrap();
    let sent: Vec<(i32, u16, usize)> = script
        .requests
        .iter()
        .map(|(header, data)| (header.offset, header.size, data.len()))
        .collect();
    assert_eq!(
        sent,
        [(100, 8192, 8192), (8292, 8192, 8192), (16_484, 3616, 3616)]
    );
}

#[test]
fn a_long_read_goes_on_until_the_end() {
    let mut script = Script::default();
    let mut data = vec![0; 50_000];
    assert_eq!(
        process::read(&mut script, &object(), 10, &mut data),
        Ok(FILE_LENGTH - 10)
    );
    assert!((10..FILE_LENGTH).all(|place| data[place - 10] == byte(place)));
    assert_eq!(script.requests.len(), 2);
    assert_eq!(process::read(&mut script, &object(), 50_000, &mut data), Ok(0));
}

#[test]
fn numbers_come_in_the_fields_that_the_servers_use() {
    let mut script = Script {
        reply: Header {
            offset: 801_824_400,
            size: 250,
            extra: 1,
            ..Header::default()
        },
        ..Script::default()
    };
    let now = time::Time {
        seconds: 801_824_400,
        milliseconds: 250,
        is_summer: true,
    };
    assert_eq!(time::get(&mut script, &object()), Ok(now));
    time::set(&mut script, &object(), &now).unwrap();
    let (set, _) = &script.requests[1];
    assert_eq!(
        (set.command, set.offset, set.size, set.extra),
        (2401, 801_824_400, 250, 1)
    );
    let load = process::load(&mut script, &object()).unwrap();
    assert_eq!((load.speed, load.load, load.free), (1, 250, 801_824_400));
    assert_eq!(process::size(&mut script, &object()), Ok(801_824_400));
}

#[test]
fn random_bytes_come_by_1024_and_never_too_few() {
    let mut script = Script {
        data: vec![3; 1024],
        ..Script::default()
    };
    let mut bytes = [0; 2000];
    random::fill(&mut script, &object(), &mut bytes).unwrap();
    assert_eq!(bytes, [3; 2000]);
    assert_eq!(script.requests.len(), 2);
    script.data = vec![3; 10];
    assert_eq!(
        random::fill(&mut script, &object(), &mut bytes),
        Err(Status::SystemError)
    );
}

#[test]
fn figures_are_asked_for_by_their_letter() {
    let mut script = Script {
        data: b"7 seconds up\n".to_vec(),
        reply: Header {
            offset: 12,
            ..Header::default()
        },
        ..Script::default()
    };
    let mut text = [0; 100];
    assert_eq!(
        system::statistics(&mut script, &object(), b'u', &mut text),
        Ok(13)
    );
    assert_eq!(
        (script.requests[0].0.command, script.requests[0].0.extra),
        (2501, u16::from(b'u'))
    );
    assert_eq!(
        system::print_buffer(&mut script, &object(), &mut text),
        Ok((13, 12))
    );
}

#[test]
fn a_network_is_changed_by_numbers_of_which_minus_one_leaves_things_alone() {
    let mut script = Script {
        data: vec![10, 0, 20, 0, 1, 0, 0, 0],
        ..Script::default()
    };
    let conditions = system::control_network(&mut script, &object(), 2, None, Some(20), Some(true), None);
    let expected = system::Conditions {
        delay: 10,
        loss: 20,
        is_on: true,
        is_trusted: false,
    };
    assert_eq!(conditions, Ok(expected));
    assert_eq!(script.requests[0].1, [2, 0, 0xff, 0xff, 20, 0, 1, 0, 0xff, 0xff]);
}

#[test]
fn booting_and_reserving_send_what_the_system_server_reads() {
    let mut script = Script::default();
    system::boot(&mut script, &object(), Some((&object(), "slice=50"))).unwrap();
    system::boot(&mut script, &object(), None).unwrap();
    let checks = [1, 2, 3].map(|number| Port([number; 6]));
    system::reserve(&mut script, &object(), 60, Some(checks)).unwrap();
    system::reserve(&mut script, &object(), 0, None).unwrap();
    let with_line = [&object().emit()[..], b"slice=50\0"].concat();
    assert_eq!(script.requests[0].1, with_line);
    assert_eq!(script.requests[1].1, [0; 17]);
    assert_eq!(
        (script.requests[2].0.command, script.requests[2].0.offset),
        (2505, 60)
    );
    assert_eq!(script.requests[2].1, checks.map(|check| check.0).concat());
    assert_eq!(script.requests[3].1, [0; 18]);
    let long = "x".repeat(256);
    let result = system::boot(&mut script, &object(), Some((&object(), &long)));
    assert_eq!(result, Err(Status::BadArgument));
}

#[test]
fn a_host_is_found_by_descriptors_one_behind_the_other() {
    let mut script = Script::default();
    script.reply.extra = 1;
    script.data = [&b"pool2"[..], &[0; 11], &object().emit()].concat();
    let choice = run::find_host(&mut script, &object(), &[b"first", b"second"]).unwrap();
    assert_eq!(
        (choice.name(), choice.index, choice.host),
        (&b"pool2"[..], 1, object())
    );
    let expected = Header {
        command: 3001,
        extra: 2,
        size: 11,
        ..holding(&object())
    };
    assert_eq!(script.requests, [(expected, b"firstsecond".to_vec())]);
    // A server that chooses what it was not given.
    script.reply.extra = 2;
    let wrong = run::find_host(&mut script, &object(), &[b"first", b"second"]);
    assert_eq!(wrong, Err(Status::SystemError.into()));
    script.reply.command = (-3005_i16).cast_unsigned();
    let down = run::find_host(&mut script, &object(), &[b"first"]);
    assert_eq!(down, Err(proto::run::Status::HostsDown.into()));
    for none in [&[][..], &[&[0; 6001][..]]] {
        let refused = run::find_host(&mut script, &object(), none);
        assert_eq!(refused, Err(Status::BadArgument.into()));
    }
}

#[test]
fn a_pipe_is_a_fifo_with_two_ends() {
    let mut script = Script {
        reply: holding(&object()),
        ..Script::default()
    };
    let ends = fifo::pipe(&mut script, &object()).unwrap();
    assert_eq!(ends, [object(); 2]);
    let asked: Vec<_> = script
        .requests
        .iter()
        .map(|(header, _)| (header.command, header.extra))
        .collect();
    assert_eq!(asked, [(4200, 1), (4201, 1 | 4), (4201, 2 | 4)]);
}

#[test]
fn a_write_to_a_pipe_goes_on_where_it_was_cut_off() {
    let mut script = Script::default();
    script.reply.size = 2;
    fifo::write(&mut script, &object(), b"bytes.").unwrap();
    let sent: Vec<_> = script
        .requests
        .iter()
        .map(|(header, data)| (header.command, data.as_slice()))
        .collect();
    assert_eq!(sent, [(4053, &b"bytes."[..]), (4053, b"tes."), (4053, b"s.")]);
    script.reply.set_status(Status::Denied);
    assert_eq!(
        fifo::write(&mut script, &object(), b"x"),
        Err(Status::Denied.into())
    );
    script.reply.command = (-4201_i16).cast_unsigned();
    let broken = fifo::write(&mut script, &object(), b"x");
    assert_eq!(broken, Err(proto::fifo::Status::NoReader.into()));
}

#[test]
fn the_boot_server_is_told_what_to_do() {
    use proto::boot::ControlOption;
    let mut script = Script::default();
    let server = object();
    let terminal = Capability {
        port: Port([7; 6]),
        private: Private::owner(1, Port([8; 6])),
    };
    boot::reinitialise(&mut script, &server).unwrap();
    boot::shut_down(&mut script, &server).unwrap();
    boot::set_output(&mut script, &server, &terminal).unwrap();
    boot::configure(&mut script, &server, "soap", true).unwrap();
    boot::configure(&mut script, &server, "soap", false).unwrap();
    boot::control(&mut script, &server, ControlOption::Verbose).unwrap();
    let asked: Vec<_> = script
        .requests
        .iter()
        .map(|(header, data)| {
            assert_eq!((header.port, usize::from(header.size)), (server.port, data.len()));
            (header.command, header.extra, data.as_slice())
        })
        .collect();
    let terminal = terminal.emit();
    assert_eq!(
        asked,
        [
            (3600, 0, &[][..]),
            (3601, 0, &[]),
            (3602, 0, &terminal),
            (3603, 1, b"soap"),
            (3603, 0, b"soap"),
            (3604, 1, &[]),
        ]
    );
    script.reply.set_status(Status::NotFound);
    let unknown = boot::configure(&mut script, &server, "names", true);
    assert_eq!(unknown, Err(Status::NotFound));
}
