//! Machines that are switched off, processes that end, threads that give up.

use super::card::{Memory, Told};
use super::disturbances::{acquainted, begin, end, lose};
use super::lab::{Lab, reply, request, thread};
use crate::flip::types::Milliseconds;
use crate::rpc::limits;
use proto::standard::Status;

#[test]
fn a_server_switched_off_at_work_is_noticed_within_two_hundred_seconds() {
    let mut lab = acquainted();
    begin(&mut lab);
    lab.wait_for_request();
    lab.run(1500);
    lab.network.power_off(1);
    let start = lab.now();
    let (error, time) = end(&mut lab, start);
    assert_eq!(error, Status::RpcNotFound);
    assert!(
        (180_000..limits::LONGEST_SILENCE + 1000 + limits::LOCATE_TIMEOUT).contains(&time),
        "{time}"
    );
}

#[test]
fn a_server_behind_a_cut_cable_is_a_failure_when_flip_does_not_know_better() {
    let mut lab = acquainted();
    begin(&mut lab);
    lab.wait_for_request();
    lab.run(1500);
    lose(&mut lab, true);
    let start = lab.now();
    let (error, time) = end(&mut lab, start);
    assert_eq!(error, Status::RpcFailure);
    assert!((180_000..limits::LONGEST_SILENCE).contains(&time), "{time}");
}

#[test]
fn a_server_switched_off_before_the_request_is_not_found() {
    let mut lab = acquainted();
    lab.network.power_off(1);
    let start = begin(&mut lab);
    let (error, time) = end(&mut lab, start);
    assert_eq!(error, Status::RpcNotFound);
    assert!(
        time <= limits::longest_search(limits::LOCATE_TIMEOUT) + limits::LOCATE_TIMEOUT,
        "{time}"
    );
}

#[test]
fn a_client_switched_off_does_not_hold_its_server() {
    let mut lab = acquainted();
    begin(&mut lab);
    lab.wait_for_request();
    lab.network.power_off(0);
    lab.putrep(1, thread(0), reply(2), Memory::default());
    let start = lab.now();
    assert!(matches!(lab.wait(), (1, Told::Replied { .. })));
    let flip = 10 * limits::LOCATE_TIMEOUT;
    assert!(
        lab.now() - start <= limits::LONGEST_REPLY + flip,
        "{}",
        lab.now() - start
    );
}

#[test]
fn a_client_learns_at_once_that_its_server_has_ended() {
    let mut lab = acquainted();
    begin(&mut lab);
    lab.wait_for_request();
    lab.end_process(1, 0);
    assert_eq!(lab.told.remove(0).2, Told::Ended { process: 0 });
    let start = lab.now();
    assert_eq!(end(&mut lab, start), (Status::RpcFailure, 1));
}

#[test]
fn a_client_that_missed_it_is_told_when_it_enquires() {
    let mut lab = acquainted();
    begin(&mut lab);
    lab.wait_for_request();
    lab.run(1500);
    lose(&mut lab, true);
    lab.end_process(1, 0);
    lab.told.clear();
    lab.run(10);
    lose(&mut lab, false);
    let start = lab.now();
    let (error, time) = end(&mut lab, start);
    assert_eq!(error, Status::RpcFailure);
    assert!(time <= 20_020, "{time}");
}

#[test]
fn the_address_of_a_departed_server_is_given_up_in_the_end() {
    let mut lab = acquainted();
    begin(&mut lab);
    lab.wait_for_request();
    lab.end_process(1, 0);
    let registered = |lab: &Lab| lab.network.machines[1].card.endpoints.iter().flatten().count();
    assert_eq!(registered(&lab), 2);
    lab.run(limits::LINGER + 10);
    assert_eq!(registered(&lab), 1);
}

#[test]
fn a_server_that_gives_a_request_up_fails_the_transaction() {
    let mut lab = acquainted();
    begin(&mut lab);
    lab.wait_for_request();
    let now = lab.now();
    let machine = &mut lab.network.machines[1];
    machine.rpc.cleanup(now, &mut machine.card, thread(0));
    assert_eq!(lab.wait_for_reply().0, Err(Status::RpcFailure));
    lab.getreq(1, thread(0));
}

#[test]
fn a_server_that_has_moved_is_looked_for_again() {
    let mut lab = acquainted();
    lab.end_process(1, 0);
    lab.told.clear();
    lab.network.start_process(1, 0);
    lab.getreq(1, thread(0));
    begin(&mut lab);
    lab.wait_for_request();
    lab.putrep(1, thread(0), reply(2), Memory::default());
    assert_eq!(lab.wait_for_reply().0, Ok((reply(2), 0)));
}

#[test]
fn a_refused_request_is_not_offered_to_others_when_its_server_vanishes() {
    let mut lab = acquainted();
    lab.trans(2, thread(0), request(9), Memory::default());
    lab.wait_for_request();
    begin(&mut lab);
    // The first refusal has come; a copy of the request may still arrive where it was refused.
    lab.run(2);
    lab.network.power_off(1);
    lab.getreq(2, thread(1));
    let start = lab.now();
    let (error, time) = end(&mut lab, start);
    assert_eq!(error, Status::RpcNotFound);
    let flip = Milliseconds::from(limits::RETRIES) * limits::LOCATE_TIMEOUT;
    assert!(time < limits::longest_search(5200) + flip, "{time}");
}

#[test]
fn a_process_that_refused_requests_says_that_it_has_ended() {
    let mut lab = acquainted();
    lab.trans(2, thread(0), request(9), Memory::default());
    lab.wait_for_request();
    begin(&mut lab);
    lab.run(2);
    lab.end_process(1, 0);
    lab.getreq(2, thread(1));
    assert_eq!(lab.told.remove(0).2, Told::Ended { process: 0 });
    let served = lab.wait_for_reply().0;
    assert_eq!(served, Err(Status::RpcFailure));
    let (machine, ..) = lab.wait_for_request();
    assert_eq!(machine, 2);
}

#[test]
fn a_reply_frees_a_server_whose_client_was_aborted() {
    let mut lab = acquainted();
    begin(&mut lab);
    lab.wait_for_request();
    let now = lab.now();
    let machine = &mut lab.network.machines[0];
    machine.rpc.abort(now, &mut machine.card, thread(0));
    assert_eq!(lab.wait_for_reply().0, Err(Status::RpcAborted));
    lab.run(5);
    lab.putrep(1, thread(0), reply(2), Memory::default());
    assert!(matches!(lab.told[0], (_, 1, Told::Replied { .. })));
}

#[test]
fn a_server_learns_that_a_client_that_has_ended_got_its_reply() {
    let mut lab = acquainted();
    begin(&mut lab);
    lab.wait_for_request();
    lab.putrep(1, thread(0), reply(2), Memory::default());
    // The reply is on its way; the acknowledgement is lost.
    lose(&mut lab, true);
    assert_eq!(lab.wait_for_reply().0, Ok((reply(2), 0)));
    lose(&mut lab, false);
    lab.end_process(0, 0);
    assert_eq!(lab.told.remove(0).2, Told::Ended { process: 0 });
    let start = lab.now();
    assert!(matches!(lab.wait(), (1, Told::Replied { .. })));
    let pause = Milliseconds::from(limits::SHORTEST_ROUND_TRIP) * limits::REPLY_ROUND_TRIPS;
    let time = lab.now() - start;
    assert!(
        (limits::SHORTEST_REPLY_PAUSE..=pause + limits::SWEEP).contains(&time),
        "{time}"
    );
}

#[test]
fn the_address_of_a_departed_client_is_kept_no_longer_than_its_server_asks() {
    let mut lab = acquainted();
    lab.end_process(0, 0);
    let registered = |lab: &Lab| lab.network.machines[0].card.endpoints.iter().flatten().count();
    assert_eq!(registered(&lab), 2);
    let question =
        limits::REPLY_ROUND_TRIPS * Milliseconds::from(limits::SHORTEST_ROUND_TRIP) + limits::SWEEP;
    lab.run((Milliseconds::from(limits::RETRIES) + 1) * question + limits::SWEEP);
    assert_eq!(registered(&lab), 1);
}
