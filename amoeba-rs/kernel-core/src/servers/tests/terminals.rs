//! Terminals as clients use them: who waits, for what, and how that ends.

use super::{Kernel, capability, offset, ok, size, weak};
use crate::servers::terminal::{RIGHT_CONTROL, RIGHT_READ, RIGHT_WRITE};
use crate::servers::{Answer, Reply, Ticket};
use proto::capability::{Capability, Port, Private, Rights};
use proto::marshal::{Reader, Writer};
use proto::message::Header;
use proto::standard::Status;
use proto::terminal::{
    Command, ControlFlags, Flow, LocalFlags, Notice, Queue, Settings, SettingsCommand, Signal, When,
    WindowSize,
};
use std::vec::Vec;

impl Kernel {
    /// Sends a request to the terminal; the answer if there is one at once.
    fn begin(
        &mut self,
        ticket: u32,
        command: u16,
        fields: Header,
        data: &[u8],
    ) -> Option<Result<Reply, Status>> {
        let terminal = self.terminal;
        let header = Header {
            port: terminal.port,
            private: terminal.private.emit(),
            command,
            ..fields
        };
        let (servers, mut world) = self.world();
        match servers.answer(&mut world, Ticket(ticket), &header, data)? {
            Answer::Now(reply) => Some(match reply.header.status() {
                Some(Status::Ok) => Ok(reply),
                status => Err(status.unwrap()),
            }),
            Answer::Later => None,
        }
    }

    fn read(&mut self, ticket: u32) -> Option<Result<Reply, Status>> {
        self.begin(ticket, Command::Read.code(), size(100), &[])
    }

    fn write(&mut self, ticket: u32, text: &[u8]) -> Option<Result<Reply, Status>> {
        self.begin(ticket, Command::Write.code(), size(text.len() as u16), text)
    }

    /// Lets devices work: the answers that are there then.
    fn answers(&mut self) -> Vec<(u32, Result<Reply, Status>)> {
        let (servers, mut world) = self.world();
        servers.work(&mut world);
        let mut answers = Vec::new();
        while let Some((ticket, reply)) = servers.next_answer(&mut world) {
            let outcome = match reply.header.status() {
                Some(Status::Ok) => Ok(reply),
                status => Err(status.unwrap()),
            };
            answers.push((ticket.0, outcome));
        }
        answers
    }
}

fn text(reply: &Reply) -> (&[u8], u16) {
    assert_eq!(usize::from(reply.header.size), reply.data.len());
    (&reply.data, reply.header.extra)
}

fn settings(settings: &Settings) -> Vec<u8> {
    let mut bytes = [0; Settings::LENGTH];
    settings.emit(&mut Writer::new(&mut bytes)).unwrap();
    bytes.to_vec()
}

fn extra(extra: u16) -> Header {
    Header {
        extra,
        ..Header::default()
    }
}

#[test]
fn readers_get_lines_in_their_order() {
    let mut kernel = Kernel::new();
    assert_eq!(kernel.read(1), None);
    assert_eq!(kernel.read(2), None);
    assert_eq!(kernel.answers(), []);
    kernel.line.type_in(b"one\rtwo\rthree\r\x04");
    let answers = kernel.answers();
    let got: Vec<_> = answers
        .iter()
        .map(|(ticket, answer)| (*ticket, text(answer.as_ref().unwrap())))
        .collect();
    assert_eq!(got, [(1, (&b"one\n"[..], 0)), (2, (&b"two\n"[..], 0))]);
    assert_eq!(kernel.line.sent(), b"one\r\ntwo\r\nthree\r\n");
    let status = kernel.begin(3, Command::Status.code(), size(0), &[]).unwrap();
    assert_eq!(status.unwrap().header.offset, 6);
    let third = kernel.read(4).unwrap().unwrap();
    assert_eq!(text(&third), (&b"three\n"[..], 0));
    let end = kernel.read(5).unwrap().unwrap();
    assert_eq!(text(&end), (&b""[..], 1), "the end of the file");
}

#[test]
fn a_timed_read_is_over_without_a_line() {
    let mut kernel = Kernel::new();
    let timed = Header {
        offset: 300,
        ..size(10)
    };
    assert_eq!(kernel.begin(1, Command::TimedRead.code(), timed, &[]), None);
    assert_eq!(kernel.servers.due(), kernel.now + 300);
    kernel.line.type_in(b"half");
    kernel.now += 299;
    assert_eq!(kernel.answers(), []);
    kernel.now += 1;
    assert_eq!(kernel.answers(), [(1, Ok(Reply::data(Vec::new())))]);
    assert_eq!(kernel.servers.due(), u64::MAX);
    let negative = kernel.begin(2, Command::TimedRead.code(), offset(-1), &[]);
    assert_eq!(negative, Some(Err(Status::BadArgument)));
}

#[test]
fn a_writer_waits_for_room_and_others_behind_it() {
    let mut kernel = Kernel::new();
    kernel.line.0.borrow_mut().room = Some(0);
    assert_eq!(kernel.write(1, b"short"), None);
    let long = [b'x'; 6000];
    assert_eq!(kernel.write(2, &long), None);
    assert_eq!(kernel.write(3, b"third"), None);
    assert_eq!(kernel.begin(4, SettingsCommand::Drain.code(), size(0), &[]), None);
    assert_eq!(kernel.answers(), []);
    kernel.line.0.borrow_mut().room = Some(4500);
    assert_eq!(kernel.answers(), [(1, Ok(written(5)))]);
    kernel.line.0.borrow_mut().room = None;
    kernel.line.0.borrow_mut().is_busy = true;
    let passed_on = [(2, Ok(written(6000))), (3, Ok(written(5)))];
    assert_eq!(kernel.answers(), passed_on, "not all has left the line");
    kernel.line.0.borrow_mut().is_busy = false;
    assert_eq!(kernel.answers(), [(4, Ok(ok()))]);
    let sent = kernel.line.sent();
    assert_eq!(sent.len(), 6010);
    assert!(sent.starts_with(b"shortxxx") && sent.ends_with(b"xxxthird"));
}

fn written(length: u16) -> Reply {
    let mut reply = Reply::default();
    reply.header.size = length;
    reply
}

#[test]
fn a_signal_or_the_end_of_a_client_ends_its_wait_and_no_others() {
    let mut kernel = Kernel::new();
    kernel.line.0.borrow_mut().room = Some(0);
    assert_eq!(kernel.read(1), None);
    assert_eq!(kernel.read(2), None);
    assert_eq!(kernel.read(3), None);
    assert_eq!(kernel.write(4, &[b'x'; 3000]), None);
    assert_eq!(kernel.write(5, &[b'y'; 3000]), None);
    for ticket in [2, 4, 5, 99] {
        kernel.servers.interrupt(Ticket(ticket));
    }
    kernel.servers.abandon(Ticket(1));
    let interrupted = Err(Status::Interrupted);
    let part = Ok(written(2048));
    assert_eq!(
        kernel.answers(),
        [(2, interrupted.clone()), (4, part), (5, interrupted)]
    );
    kernel.line.0.borrow_mut().room = None;
    kernel.line.type_in(b"line\n");
    assert_eq!(kernel.answers(), [(3, Ok(Reply::data(b"line\n".to_vec())))]);
}

#[test]
fn typed_signals_are_told_to_whoever_wants_to_know() {
    let mut kernel = Kernel::new();
    kernel.line.type_in(b"\x03");
    kernel.answers();
    assert_eq!(kernel.surroundings.notices, [], "nobody");
    let listener = Capability {
        port: Port([9; 6]),
        private: Private::owner(5, Port([8; 6])),
    };
    let set = |kernel: &mut Kernel, data: &[u8]| kernel.begin(1, Command::SetInterrupt.code(), size(0), data);
    assert_eq!(set(&mut kernel, &listener.emit()), Some(Ok(ok())));
    assert_eq!(set(&mut kernel, &[0; 15]), Some(Err(Status::BadArgument)));
    kernel.line.type_in(b"\x03\x1c\x1a");
    kernel.answers();
    let told: Vec<_> = kernel
        .surroundings
        .notices
        .iter()
        .map(|header| (header.port, header.private, header.command, header.extra))
        .collect();
    let expected = [
        (Notice::SettingsInterrupt, Signal::Interrupt),
        (Notice::Signal, Signal::Quit),
        (Notice::Signal, Signal::Suspend),
    ]
    .map(|(notice, signal)| {
        (
            listener.port,
            listener.private.emit(),
            notice.code(),
            signal.code(),
        )
    });
    assert_eq!(told, expected);
    assert_eq!(set(&mut kernel, &Capability::NULL.emit()), Some(Ok(ok())));
    kernel.line.type_in(b"\x03");
    kernel.answers();
    assert_eq!(kernel.surroundings.notices.len(), 3);
}

#[test]
fn settings_change_at_once_or_after_the_output() {
    let mut kernel = Kernel::new();
    let get = |kernel: &mut Kernel| {
        let reply = kernel.begin(1, SettingsCommand::GetAttributes.code(), size(0), &[]);
        Settings::parse(&mut Reader::new(&reply.unwrap().unwrap().data)).unwrap()
    };
    let set = |kernel: &mut Kernel, ticket, when: u16, new: &Settings| {
        kernel.begin(
            ticket,
            SettingsCommand::SetAttributes.code(),
            extra(when),
            &settings(new),
        )
    };
    assert_eq!(get(&mut kernel), Settings::USUAL);
    let mut new = Settings::USUAL;
    new.local -= LocalFlags::ECHO;
    assert_eq!(set(&mut kernel, 2, When::Now.code(), &new), Some(Ok(ok())));
    assert_eq!(get(&mut kernel), new);
    assert!(kernel.line.0.borrow().formats.is_empty(), "the line is as it was");
    kernel.line.0.borrow_mut().room = Some(0);
    kernel.write(3, b"text");
    kernel.line.type_in(b"typed before\n");
    let mut slow = new;
    slow.speed = 9600;
    assert_eq!(set(&mut kernel, 4, When::Flushed.code(), &slow), None);
    assert_eq!(kernel.answers(), []);
    kernel.line.0.borrow_mut().room = None;
    assert_eq!(kernel.answers(), [(3, Ok(written(4))), (4, Ok(ok()))]);
    assert_eq!(kernel.line.0.borrow().formats, [(9600, new.control)]);
    assert_eq!(kernel.read(5), None, "what was typed is forgotten");
    for (when, wrong) in [(3, slow), (0, Settings { speed: 7, ..slow })] {
        assert_eq!(set(&mut kernel, 6, when, &wrong), Some(Err(Status::BadArgument)));
    }
    assert_eq!(get(&mut kernel), slow);
}

#[test]
fn a_break_lasts_as_long_as_was_said_once_all_output_has_gone() {
    let mut kernel = Kernel::new();
    kernel.line.0.borrow_mut().room = Some(0);
    kernel.write(1, b"text");
    let send_break = SettingsCommand::SendBreak.code();
    assert_eq!(kernel.begin(2, send_break, offset(0), &[]), None);
    assert_eq!(kernel.write(3, b"behind"), None);
    kernel.answers();
    assert!(kernel.line.0.borrow().breaks.is_empty());
    kernel.line.0.borrow_mut().room = None;
    assert_eq!(kernel.answers(), [(1, Ok(written(4)))]);
    assert_eq!(kernel.line.0.borrow().breaks, [true]);
    assert_eq!(kernel.servers.due(), kernel.now + 250);
    kernel.now += 250;
    assert_eq!(kernel.answers(), [(2, Ok(ok())), (3, Ok(written(6)))]);
    assert_eq!(kernel.line.0.borrow().breaks, [true, false]);
    assert_eq!(kernel.line.sent(), b"textbehind");
    assert_eq!(kernel.begin(4, send_break, offset(100), &[]), None);
    kernel.servers.abandon(Ticket(4));
    assert_eq!(kernel.line.0.borrow().breaks, [true, false, true, false]);
    let long = kernel.begin(5, send_break, offset(60_000), &[]);
    assert_eq!(long, Some(Err(Status::BadArgument)));
}

#[test]
fn output_stops_and_is_forgotten_by_command() {
    let mut kernel = Kernel::new();
    let flow = |kernel: &mut Kernel, flow: Flow| {
        let answer = kernel.begin(1, SettingsCommand::Flow.code(), extra(flow.code()), &[]);
        assert_eq!(answer, Some(Ok(ok())));
    };
    flow(&mut kernel, Flow::StopOutput);
    kernel.write(2, b"lost");
    let flush = kernel.begin(3, SettingsCommand::Flush.code(), extra(Queue::Output.code()), &[]);
    assert_eq!(flush, Some(Ok(ok())));
    kernel.write(4, b"kept");
    kernel.answers();
    assert_eq!(kernel.line.sent(), b"");
    flow(&mut kernel, Flow::StartOutput);
    assert_eq!(kernel.line.sent(), b"kept");
    flow(&mut kernel, Flow::StopInput);
    flow(&mut kernel, Flow::StartInput);
    assert_eq!(kernel.line.sent(), b"kept\x13\x11");
    for command in [SettingsCommand::Flow, SettingsCommand::Flush] {
        let wrong = kernel.begin(5, command.code(), extra(9), &[]);
        assert_eq!(wrong, Some(Err(Status::BadArgument)));
    }
}

#[test]
fn a_window_has_the_size_that_was_set_and_a_change_is_told() {
    let mut kernel = Kernel::new();
    let listener = kernel.system;
    kernel.begin(1, Command::SetInterrupt.code(), size(0), &listener.emit());
    let window = [40, 0, 100, 0, 1, 0, 2, 0];
    for _ in 0..2 {
        let set = kernel.begin(2, SettingsCommand::SetWindowSize.code(), size(8), &window);
        assert_eq!(set, Some(Ok(ok())));
    }
    let get = kernel.begin(3, SettingsCommand::GetWindowSize.code(), size(0), &[]);
    let reply = get.unwrap().unwrap();
    let size = WindowSize::parse(&mut Reader::new(&reply.data)).unwrap();
    assert_eq!((size.rows, size.columns), (40, 100));
    let told: Vec<_> = kernel
        .surroundings
        .notices
        .iter()
        .map(|header| header.command)
        .collect();
    assert_eq!(told, [Notice::WindowSize.code()]);
}

#[test]
fn a_line_without_a_carrier_is_hung_up_unless_it_is_local() {
    let mut kernel = Kernel::new();
    kernel.line.0.borrow_mut().is_hung_up = true;
    assert_eq!(kernel.read(1), None);
    assert_eq!(kernel.answers(), []);
    let mut modem = Settings::USUAL;
    modem.control -= ControlFlags::LOCAL;
    kernel.begin(
        2,
        SettingsCommand::SetAttributes.code(),
        extra(0),
        &settings(&modem),
    );
    let answers = kernel.answers();
    assert_eq!(answers[0].0, 1);
    assert_eq!(text(answers[0].1.as_ref().unwrap()), (&b""[..], 1));
    let status = kernel.begin(3, Command::Status.code(), size(0), &[]).unwrap();
    assert_eq!(status.unwrap().header.extra, 1);
}

#[test]
fn every_command_takes_its_right_and_files_make_no_terminals() {
    let mut kernel = Kernel::new();
    let terminal = kernel.terminal;
    let without = |rights: Rights| weak(&terminal, Rights(!rights.0));
    let cases = [
        (RIGHT_READ, Command::Read.code()),
        (RIGHT_READ, Command::TimedRead.code()),
        (RIGHT_WRITE, Command::Write.code()),
        (RIGHT_CONTROL, Command::SetInterrupt.code()),
        (RIGHT_CONTROL, SettingsCommand::SetAttributes.code()),
        (RIGHT_CONTROL, SettingsCommand::SendBreak.code()),
        (RIGHT_CONTROL, SettingsCommand::Drain.code()),
        (RIGHT_CONTROL, SettingsCommand::Flush.code()),
        (RIGHT_CONTROL, SettingsCommand::Flow.code()),
        (RIGHT_CONTROL, SettingsCommand::SetWindowSize.code()),
    ];
    for (right, command) in cases {
        let answer = kernel.ask(&without(right), command, size(0), &[]);
        assert_eq!(answer, Err(Status::Denied), "{command}");
    }
    for command in [Command::Create, Command::Link, Command::Control, Command::Copy] {
        let answer = kernel.ask(&terminal, command.code(), size(0), &[]);
        assert_eq!(answer, Err(Status::BadCommand), "{command:?}");
    }
    let close = kernel.ask(&terminal, Command::Close.code(), size(0), &[]);
    assert_eq!(close, Ok(ok()));
    let restricted = kernel.ask(&terminal, 1005, offset(3), &[]).unwrap();
    assert_eq!(capability(&restricted), weak(&terminal, Rights(3)));
}

#[test]
fn more_than_64_readers_are_too_many() {
    let mut kernel = Kernel::new();
    for ticket in 0..64 {
        assert_eq!(kernel.read(ticket), None);
    }
    assert_eq!(kernel.read(64), Some(Err(Status::NotNow)));
}

#[test]
fn who_waits_for_the_last_character_to_go_has_the_line_looked_at_in_the_next_tick_and_others_do_not() {
    let mut kernel = Kernel::new();
    kernel.line.0.borrow_mut().room = Some(0);
    assert_eq!(kernel.read(1), None);
    assert_eq!(kernel.write(2, b"text"), None);
    kernel.answers();
    assert_eq!(kernel.servers.due(), u64::MAX, "both wait for an interrupt");
    assert_eq!(kernel.begin(3, SettingsCommand::Drain.code(), size(0), &[]), None);
    kernel.line.0.borrow_mut().room = None;
    kernel.line.0.borrow_mut().is_busy = true;
    assert_eq!(kernel.answers(), [(2, Ok(written(4)))]);
    for _ in 0..3 {
        assert_eq!(kernel.servers.due(), kernel.now + 10);
        kernel.now += 10;
        assert_eq!(kernel.answers(), []);
    }
    kernel.line.0.borrow_mut().is_busy = false;
    assert_eq!(kernel.answers(), [(3, Ok(ok()))]);
    assert_eq!(kernel.servers.due(), u64::MAX);
}
