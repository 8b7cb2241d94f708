extern crate std;

use super::{BLOCK, Input, Output, file};
use crate::Transactions;
use proptest::prelude::{any, prop_assert_eq, proptest};
use proto::capability::{Capability, Port, Private};
use proto::message::Header;
use proto::standard::{Command, Status};
use proto::{bullet, terminal};
use std::fmt::Write;
use std::vec;
use std::vec::Vec;

/// A server of one object, as its mark says: a file, a terminal or a fifo.
#[derive(Default)]
struct Object {
    mark: u8,
    contents: Vec<u8>,
    position: usize,
    /// How many bytes a read brings at most.
    portion: usize,
    written: Vec<Vec<u8>>,
    requests: usize,
}

impl Object {
    fn answer(&mut self, request: &Header, data: &[u8], room: &mut [u8]) -> Result<(Header, usize), Status> {
        let mut reply = Header::default();
        reply.set_status(Status::Ok);
        let write = terminal::Command::Write.code();
        let read = terminal::Command::Read.code();
        let wanted = usize::from(request.size).min(room.len());
        let length = match request.command {
            code if code == Command::Info.code() => {
                room[..1].copy_from_slice(&[self.mark]);
                reply.size = 20;
                1
            }
            code if code == write && self.mark != b'-' => {
                let length = data.len().min(self.portion);
                self.written.push(data[..length].to_vec());
                reply.size = length as u16;
                0
            }
            code if code == read && self.mark != b'-' => {
                let left = &self.contents[self.position..];
                let length = left.len().min(wanted).min(self.portion);
                room[..length].copy_from_slice(&left[..length]);
                self.position += length;
                reply.extra = u16::from(length == 0);
                length
            }
            code if code == bullet::Command::Size.code() && self.mark == b'-' => {
                reply.offset = self.contents.len() as i32;
                0
            }
            code if code == bullet::Command::Read.code() && self.mark == b'-' => {
                let left = self
                    .contents
                    .get(request.offset as usize..)
                    .ok_or(Status::BadArgument)?;
                let length = left.len().min(wanted);
                room[..length].copy_from_slice(&left[..length]);
                length
            }
            _ => return Err(Status::BadCommand),
        };
        Ok((reply, length))
    }
}

impl Transactions for Object {
    fn trans(&mut self, request: &Header, data: &[u8], room: &mut [u8]) -> Result<(Header, usize), Status> {
        self.requests += 1;
        self.answer(request, data, room)
    }

    fn getreq(&mut self, _port: Port, _data: &mut [u8]) -> Result<(Header, usize), Status> {
        Err(Status::RpcAborted)
    }

    fn putrep(&mut self, _reply: &Header, _data: &[u8]) {}
}

fn object(mark: u8, contents: &[u8], portion: usize) -> Object {
    Object {
        mark,
        contents: contents.to_vec(),
        portion,
        ..Object::default()
    }
}

fn capability() -> Capability {
    Capability {
        port: Port([1; 6]),
        private: Private::owner(1, Port([2; 6])),
    }
}

fn lines(object: &mut Object) -> Vec<Vec<u8>> {
    let mut input = Input::new(capability());
    let mut lines = Vec::new();
    let mut line = Vec::new();
    while input.read_line(object, &mut line) == Ok(true) {
        lines.push(core::mem::take(&mut line));
    }
    assert_eq!(line, b"");
    lines
}

#[test]
fn the_null_capability_is_empty_and_takes_everything_without_asking_anybody() {
    let mut nobody = object(0, b"", 0);
    let mut input = Input::new(Capability::NULL);
    assert_eq!(input.read_all(&mut nobody), Ok(vec![]));
    let mut output = Output::new(Capability::NULL);
    assert_eq!(output.write(&mut nobody, &[7; 3 * BLOCK]), Ok(()));
    assert_eq!(output.flush(&mut nobody), Ok(()));
    assert_eq!(nobody.requests, 0);
}

#[test]
fn a_file_is_not_written_to() {
    let mut object = object(b'-', b"old", 9);
    let mut output = Output::new(capability());
    assert_eq!(output.write(&mut object, b"new"), Ok(()));
    assert_eq!(output.flush(&mut object), Err(Status::WriteProtected));
}

#[test]
fn a_terminal_gets_lines_and_a_fifo_blocks() {
    let mut terminal = object(b'+', b"", BLOCK);
    let mut output = Output::new(capability());
    for text in ["one", " two\nthr", "ee\n", "four"] {
        write!(output.writer(&mut terminal), "{text}").unwrap();
    }
    assert_eq!(terminal.written, [&b"one two\nthr"[..], b"ee\n"]);
    output.flush(&mut terminal).unwrap();
    assert_eq!(terminal.written.len(), 3);

    let mut fifo = object(b'|', b"", 1 << 20);
    let mut output = Output::new(capability());
    for _ in 0..BLOCK {
        output.write(&mut fifo, b"x\n").unwrap();
    }
    assert_eq!(fifo.written.iter().map(Vec::len).collect::<Vec<_>>(), [BLOCK; 2]);
}

#[test]
fn the_end_of_a_terminals_input_is_read_once() {
    let mut terminal = object(b'+', b"line\n", 80);
    let mut input = Input::new(capability());
    assert_eq!(input.read_all(&mut terminal), Ok(b"line\n".to_vec()));
    let requests = terminal.requests;
    terminal.contents.extend(b"another reader's");
    assert_eq!(input.fill(&mut terminal), Ok(&b""[..]));
    assert_eq!(terminal.requests, requests);
}

proptest! {
    #[test]
    fn lines_are_what_stands_between_line_feeds(text: Vec<u8>, portion in 1..50_usize, is_file: bool) {
        let mut object = object(if is_file { b'-' } else { b'|' }, &text, portion);
        let expected: Vec<Vec<u8>> = text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        prop_assert_eq!(lines(&mut object), expected);
    }

    #[test]
    fn everything_arrives_in_its_order(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..3000), 0..20),
        portion in 1..20_000_usize, is_terminal: bool) {
        let mut object = object(if is_terminal { b'+' } else { b'|' }, &[], portion);
        let mut output = Output::new(capability());
        for piece in &pieces {
            output.write(&mut object, piece).unwrap();
        }
        output.flush(&mut object).unwrap();
        prop_assert_eq!(object.written.concat(), pieces.concat());
    }

    #[test]
    fn a_file_is_read_whole(length in 0..100_000_usize) {
        let contents: Vec<u8> = (0..length).map(|place| ((place * 7) ^ (place >> 8)) as u8).collect();
        let mut object = object(b'-', &contents, 0);
        prop_assert_eq!(Input::new(capability()).read_all(&mut object), Ok(contents.clone()));
        prop_assert_eq!(file(&mut object, &capability()), Ok(contents));
    }
}
