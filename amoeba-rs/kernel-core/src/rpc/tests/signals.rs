//! Signals to threads that wait.

use super::card::{Memory, Told};
use super::disturbances::{acquainted, begin, lose};
use super::lab::{Lab, pattern, reply, request, thread};
use proto::capability::Port;
use proto::message::Header;
use proto::one_way::one_way;
use proto::rpc::{Flags, Kind};
use proto::standard::Status;

#[test]
fn signals_abort_who_has_no_server_yet() {
    let mut lab = Lab::new(1);
    lab.trans(0, thread(0), request(1), Memory::default());
    lab.signal(0, thread(0));
    assert_eq!(lab.wait_for_reply().0, Err(Status::RpcAborted));
    lab.getreq_on(0, thread(1), Port([3; 6]), 0);
    lab.signal(0, thread(1));
    let (_, told) = lab.wait();
    assert!(matches!(
        told,
        Told::Request {
            outcome: Err(Status::RpcAborted),
            ..
        }
    ));
    let unknown = Header {
        port: one_way(Port([3; 6])),
        ..request(1)
    };
    lab.trans(0, thread(2), unknown, Memory::default());
    lab.run(50);
    assert!(lab.told.is_empty(), "nobody listens any more");
}

#[test]
fn a_signal_goes_with_an_enquiry_to_the_server_at_work() {
    let mut lab = acquainted();
    begin(&mut lab);
    lab.wait_for_request();
    lab.messages();
    lab.signal(0, thread(0));
    let (machine, told) = lab.wait();
    assert_eq!((machine, told), (1, Told::Signal { thread: thread(0) }));
    lab.run(10);
    let (header, _) = lab.network.trace[0];
    assert_eq!((header.kind, header.flags), (Kind::Enquire, Flags::SIGNAL));
    assert_eq!(lab.kinds(), [Kind::Enquire, Kind::Alive]);
    lab.putrep(1, thread(0), reply(4), Memory::default());
    assert_eq!(lab.wait_for_reply().0, Ok((reply(4), 0)));
}

#[test]
fn a_lost_signal_is_passed_on_later() {
    let mut lab = acquainted();
    begin(&mut lab);
    lab.wait_for_request();
    lose(&mut lab, true);
    lab.signal(0, thread(0));
    lab.run(5);
    lose(&mut lab, false);
    let start = lab.now();
    assert_eq!(lab.wait(), (1, Told::Signal { thread: thread(0) }));
    assert!(lab.now() - start < 2100, "{}", lab.now() - start);
}

#[test]
fn a_signal_reaches_a_server_of_the_same_machine() {
    let mut lab = Lab::new(1);
    lab.getreq(0, thread(0));
    lab.trans(0, thread(1), request(1), Memory::default());
    lab.wait_for_request();
    lab.signal(0, thread(1));
    assert_eq!(lab.wait(), (0, Told::Signal { thread: thread(0) }));
}

#[test]
fn a_signal_that_was_lost_while_the_server_worked_is_repeated_after_a_second() {
    let mut lab = acquainted();
    lab.trans(0, thread(0), request(1), pattern(3000));
    lab.wait_for_request();
    lab.run(10);
    lose(&mut lab, true);
    lab.signal(0, thread(0));
    lab.run(5);
    lose(&mut lab, false);
    let start = lab.now();
    assert_eq!(lab.wait(), (1, Told::Signal { thread: thread(0) }));
    assert!(
        (990..1030).contains(&(lab.now() - start)),
        "{}",
        lab.now() - start
    );
}
