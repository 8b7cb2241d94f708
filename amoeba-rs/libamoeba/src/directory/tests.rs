use super::path::{Names, components};
use super::{every_copy, first_answer, list, object};
use crate::Transactions;
use alloc::vec;
use alloc::vec::Vec;
use proto::capability::{Capability, Port, Private};
use proto::capability_set::{CapabilitySet, Member};
use proto::message::Header;
use proto::soap::{Command, Failure, Status as Own};
use proto::standard::Status;

fn capability(number: u8) -> Capability {
    Capability {
        port: Port([number; 6]),
        private: Private::owner(number.into(), Port([7; 6])),
    }
}

fn two() -> CapabilitySet {
    let mut set = CapabilitySet::single(capability(1));
    let member = Member {
        capability: capability(2),
        is_current: true,
    };
    set.add(member).expect("room for eight");
    set
}

/// Status, the header's extra field and data of a reply, or why there is none.
type Answer = Result<(i16, u16, Vec<u8>), Status>;

/// A kernel whose servers answer from a list of what they said, and which notes the ports that were asked.
#[derive(Default)]
struct Script {
    answers: Vec<Answer>,
    asked: Vec<(u8, u16)>,
}

impl Transactions for Script {
    fn trans(
        &mut self,
        request: &Header,
        _request_data: &[u8],
        reply_data: &mut [u8],
    ) -> Result<(Header, usize), Status> {
        self.asked.push((request.port.0[0], request.command));
        let (status, extra, data) = self.answers.remove(0)?;
        reply_data[..data.len()].copy_from_slice(&data);
        let header = Header {
            command: status.cast_unsigned(),
            extra,
            ..Header::default()
        };
        Ok((header, data.len()))
    }

    fn getreq(&mut self, _port: Port, _data: &mut [u8]) -> Result<(Header, usize), Status> {
        Err(Status::RpcAborted)
    }

    fn putrep(&mut self, _reply: &Header, _data: &[u8]) {}
}

fn ports(script: &Script) -> Vec<u8> {
    script.asked.iter().map(|(port, _)| *port).collect()
}

#[test]
fn dots_are_worked_out_on_the_path_itself() {
    for (path, expected) in [
        (&b"a/b"[..], Some(vec![&b"a"[..], b"b"])),
        (b"/a/./b//", Some(vec![b"a", b"b"])),
        (b"a/../b", Some(vec![b"b"])),
        (b"a/b/../../c/.", Some(vec![b"c"])),
        (b"/../a", Some(vec![b"a"])),
        (b"..a/...", Some(vec![b"..a", b"..."])),
        (b"", Some(vec![])),
        (b"/", Some(vec![])),
        (b"..", None),
        (b"a/../..", None),
    ] {
        assert_eq!(components(path), expected, "{}", path.escape_ascii());
    }
}

#[test]
fn the_working_directory_is_the_root_unless_there_is_one() {
    let names = Names::from_environment(|name| (name == "ROOT").then(|| capability(1)));
    let names = names.expect("there is a root");
    assert_eq!(names.work, names.root);
    let both = Names::from_environment(|name| Some(capability(if name == "WORK" { 2 } else { 1 })));
    let both = both.expect("there is a root");
    assert_eq!(
        both.lookup(&mut Script::default(), b"."),
        Ok(CapabilitySet::single(capability(2)))
    );
    assert_eq!(both.lookup(&mut Script::default(), b"/"), Ok(both.root));
    assert_eq!(Names::from_environment(|_| None), None);
}

#[test]
fn reading_goes_on_to_the_next_server_and_round_three_times() {
    let mut script = Script {
        answers: vec![
            Err(Status::RpcFailure),
            Ok((-2101, 0, vec![])),
            Err(Status::RpcNotFound),
        ],
        asked: vec![],
    };
    script.answers.push(Ok((0, 0, vec![1, 0, 0, 0, b'o', 0])));
    let listing = list(&mut script, &two()).expect("the fourth answers");
    assert_eq!(listing.columns, [b"o"]);
    assert_eq!(ports(&script), [1, 2, 1, 2]);
    let mut script = Script {
        answers: vec![Err(Status::RpcNotFound); 6],
        asked: vec![],
    };
    assert_eq!(list(&mut script, &two()), Err(Status::RpcNotFound.into()));
    assert_eq!(ports(&script), [1, 2, 1, 2, 1, 2]);
}

#[test]
fn every_copy_has_its_turn_and_those_that_are_gone_are_missed_only_if_all_are() {
    let (gone, off, denied) = (Status::BadCapability, Status::RpcNotFound, Status::Denied);
    for (answers, expected) in [
        ([Ok(()), Ok(())], Ok(())),
        ([Err(gone), Ok(())], Ok(())),
        ([Ok(()), Err(gone)], Ok(())),
        ([Err(gone), Err(gone)], Err(gone)),
        ([Err(off), Ok(())], Err(off)),
        ([Err(gone), Err(off)], Err(off)),
        ([Err(denied), Err(off)], Err(denied)),
    ] {
        let (mut left, mut asked) = (answers.to_vec(), vec![]);
        let result = every_copy(&two(), |copy| {
            asked.push(*copy);
            left.remove(0)
        });
        assert_eq!((result, asked), (expected, vec![capability(1), capability(2)]));
    }
    assert_eq!(
        every_copy(&CapabilitySet::default(), |_| Ok(())),
        Err(Status::NotFound)
    );
}

#[test]
fn a_change_goes_to_another_server_only_if_the_first_has_surely_not_made_it() {
    for (answer, expected) in [
        (
            Err(Status::RpcNotFound),
            Err(Failure::Standard(Status::RpcNotFound)),
        ),
        (Ok((Own::Unavailable.code(), 0, vec![])), Ok(())),
        (Ok((Status::NotNow.code(), 0, vec![])), Ok(())),
        (
            Err(Status::RpcFailure),
            Err(Failure::Standard(Status::RpcFailure)),
        ),
        (
            Ok((Status::Denied.code(), 0, vec![])),
            Err(Failure::Standard(Status::Denied)),
        ),
    ] {
        let mut script = Script {
            answers: vec![answer, Ok((0, 0, vec![]))],
            asked: vec![],
        };
        assert_eq!(super::delete(&mut script, &two(), b"row"), expected);
        let count = if expected.is_ok() { 2 } else { 1 };
        assert_eq!(
            script.asked,
            [(1, Command::Delete.code()), (2, Command::Delete.code())][..count]
        );
    }
}

#[test]
fn a_change_that_is_always_refused_is_tried_three_times() {
    let mut script = Script {
        answers: vec![Ok((Status::NotNow.code(), 0, vec![])); 6],
        asked: vec![],
    };
    assert_eq!(
        super::delete(&mut script, &two(), b"row"),
        Err(Status::NotNow.into())
    );
    assert_eq!(ports(&script), [1, 2, 1, 2, 1, 2]);
}

#[test]
fn an_empty_set_leads_to_nobody() {
    let none = CapabilitySet::default();
    let bad = Err(Failure::Standard(Status::BadCapability));
    assert_eq!(list(&mut Script::default(), &none).map(drop), bad);
    assert_eq!(super::delete(&mut Script::default(), &none, b"row"), bad);
    assert_eq!(first_answer(&none, |_| Ok(())), bad);
}

#[test]
fn a_list_that_goes_back_comes_to_an_end() {
    let mut script = Script {
        answers: vec![
            Ok((0, 5, vec![1, 0, 0, 0, b'o', 0])),
            Ok((0, 5, vec![1, 0, 0, 0, b'o', 0])),
        ],
        asked: vec![],
    };
    assert!(list(&mut script, &two()).is_ok());
    assert_eq!(script.asked.len(), 2);
}

#[test]
fn a_server_that_resolves_nothing_is_at_fault() {
    let names = Names {
        root: two(),
        work: two(),
    };
    for rest in [&b"a/b\0"[..], b"a/b/c\0"] {
        let mut answer = rest.to_vec();
        answer.extend([0; 4]);
        let mut script = Script {
            answers: vec![Ok((0, 0, answer))],
            asked: vec![],
        };
        assert_eq!(names.lookup(&mut script, b"a/b"), Err(Status::SystemError.into()));
    }
}

#[test]
fn of_copies_the_first_is_taken_whose_server_knows_it() {
    let take = |set: &CapabilitySet, answers: Vec<Answer>| {
        let mut script = Script {
            answers,
            ..Script::default()
        };
        (object(&mut script, set), script.asked)
    };
    let (info, there) = (1004, || Ok((0, 0, vec![b'-'])));
    let one = CapabilitySet::single(capability(1));
    assert_eq!(take(&one, vec![]), (Ok(capability(1)), vec![]), "nobody is asked");
    assert_eq!(take(&two(), vec![there()]), (Ok(capability(1)), vec![(1, info)]));
    let both = vec![(1, info), (2, info)];
    for why in [
        Err(Status::RpcNotFound),
        Ok((Status::BadCapability.code(), 0, vec![])),
    ] {
        let (found, asked) = take(&two(), vec![why.clone(), there()]);
        assert_eq!((found, &asked), (Ok(capability(2)), &both));
        let (found, asked) = take(&two(), vec![why, Err(Status::RpcFailure)]);
        assert_eq!((found, &asked), (Ok(capability(1)), &both));
    }
    let empty = CapabilitySet::default();
    assert_eq!(take(&empty, vec![]), (Err(Status::NotFound), vec![]));
}
