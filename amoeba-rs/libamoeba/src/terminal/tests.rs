extern crate std;

use super::{Read, drain, flow, flush, read, read_within, send_break, set_settings, settings, write};
use crate::Transactions;
use proto::capability::{Capability, Port, Private};
use proto::marshal::Writer;
use proto::message::Header;
use proto::standard::Status;
use proto::terminal::{Flow, Queue, Settings, When};
use std::vec;
use std::vec::Vec;

/// A terminal that takes 20000 bytes at a time, and answers everything else as it is told.
#[derive(Default)]
struct Script {
    requests: Vec<(Header, Vec<u8>)>,
    reply: Header,
    data: Vec<u8>,
}

impl Transactions for Script {
    fn trans(&mut self, request: &Header, data: &[u8], reply: &mut [u8]) -> Result<(Header, usize), Status> {
        self.requests.push((*request, data.to_vec()));
        if request.command == 4053 {
            let size = data.len().min(20_000) as u16;
            return Ok((Header { size, ..self.reply }, 0));
        }
        let length = self.data.len().min(reply.len());
        reply[..length].copy_from_slice(&self.data[..length]);
        Ok((self.reply, length))
    }

    fn getreq(&mut self, _port: Port, _data: &mut [u8]) -> Result<(Header, usize), Status> {
        Err(Status::RpcAborted)
    }

    fn putrep(&mut self, _reply: &Header, _data: &[u8]) {}
}

const TERMINAL: Capability = Capability {
    port: Port([4; 6]),
    private: Private::NULL,
};

#[test]
fn a_read_asks_for_as_much_as_there_is_room_for_and_tells_the_end() {
    let mut script = Script {
        data: b"line\n".to_vec(),
        ..Script::default()
    };
    let mut buffer = [0; 20];
    let got = read(&mut script, &TERMINAL, &mut buffer);
    assert_eq!(
        got,
        Ok(Read {
            length: 5,
            is_end: false
        })
    );
    script.data.clear();
    script.reply.extra = 1;
    let end = read_within(&mut script, &TERMINAL, 300, &mut [0; 40_000]);
    assert_eq!(
        end,
        Ok(Read {
            length: 0,
            is_end: true
        })
    );
    let asked: Vec<_> = script
        .requests
        .iter()
        .map(|(header, _)| (header.command, header.offset, header.size))
        .collect();
    assert_eq!(asked, [(4052, 0, 20), (4060, 300, 30_000)]);
}

#[test]
fn what_was_not_taken_is_written_again() {
    let mut script = Script::default();
    write(&mut script, &TERMINAL, &[7; 45_000]).unwrap();
    let lengths: Vec<_> = script.requests.iter().map(|(_, data)| data.len()).collect();
    assert_eq!(lengths, [30_000, 25_000, 5_000]);
    script.reply.set_status(Status::Interrupted);
    assert_eq!(write(&mut script, &TERMINAL, b"x"), Err(Status::Interrupted));
}

#[test]
fn settings_travel_in_both_directions() {
    let mut bytes = vec![0; Settings::LENGTH];
    Settings::USUAL.emit(&mut Writer::new(&mut bytes)).unwrap();
    let mut script = Script {
        data: bytes.clone(),
        ..Script::default()
    };
    assert_eq!(settings(&mut script, &TERMINAL), Ok(Settings::USUAL));
    set_settings(&mut script, &TERMINAL, When::Flushed, &Settings::USUAL).unwrap();
    drain(&mut script, &TERMINAL).unwrap();
    flush(&mut script, &TERMINAL, Queue::Both).unwrap();
    flow(&mut script, &TERMINAL, Flow::StopInput).unwrap();
    send_break(&mut script, &TERMINAL, 500).unwrap();
    let asked: Vec<_> = script.requests[1..]
        .iter()
        .map(|(header, data)| (header.command, header.extra, header.offset, data.len()))
        .collect();
    let length = Settings::LENGTH;
    let expected = [
        (3201, 2, 0, length),
        (3203, 0, 0, 0),
        (3204, 2, 0, 0),
        (3205, 2, 0, 0),
        (3202, 0, 500, 0),
    ];
    assert_eq!(asked, expected);
    script.data.truncate(3);
    assert_eq!(settings(&mut script, &TERMINAL), Err(Status::SystemError));
}
