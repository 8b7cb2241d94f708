//! Second copies, lost copies, and directories that grow too old.

use super::lab::Lab;
use super::model::{Client, Model, Operation, header};
use crate::check::check;
use alloc::vec;
use alloc::vec::Vec;
use proto::message::Header;
use proto::soap::{Command, LIFETIME};
use proto::standard;

fn begin() -> (Lab, Client) {
    let mut lab = Lab::new(2, 3);
    let mut client = Client(vec![lab.root]);
    for place in 1..=14 {
        client.carry_out(&mut lab, place % 2, &Operation::Create);
        client.carry_out(&mut lab, place % 2, &Operation::Append(place, "row", 1));
    }
    (lab, client)
}

/// How many directories have one copy only, after a look at everything.
fn single(lab: &Lab) -> usize {
    let (mut disk, mut files) = (lab.machine(0), lab.machine(0));
    let report = check(&mut disk, &mut files).expect("the super file can be used");
    assert!(
        report
            .problems
            .iter()
            .all(|problem| matches!(problem, crate::check::Problem::Unreached(_))),
        "{:?}",
        report.problems
    );
    report.single
}

#[test]
fn every_file_gets_a_second_copy_in_time_and_old_ones_go() {
    let (mut lab, client) = begin();
    assert_eq!(single(&lab), 14);
    let before = client.read(&mut lab, 0).expect("it serves");
    lab.copy_files(1);
    assert_eq!(single(&lab), 0);
    assert_eq!(client.read(&mut lab, 0), Ok(before));
    for server in 0..2 {
        lab.engine(server).settle();
    }
    let state = lab.state.borrow();
    assert_eq!(state.stores.each_ref().map(|store| store.files.len()), [15, 15]);
}

#[test]
fn a_copy_that_its_store_has_lost_is_made_again() {
    let (mut lab, client) = begin();
    lab.copy_files(0);
    let before = client.read(&mut lab, 0).expect("it serves");
    {
        let mut state = lab.state.borrow_mut();
        let some: Vec<u32> = state.stores[0].files.keys().copied().step_by(2).collect();
        some.iter()
            .for_each(|file| drop(state.stores[0].files.remove(file)));
    }
    // The other store's copy is read meanwhile.
    lab.switch_off(0);
    lab.switch_on(0);
    lab.recover();
    assert_eq!(client.read(&mut lab, 0).as_ref(), Ok(&before));
    lab.engine(1).begin_touching();
    while lab.engine(1).touch_files() {}
    lab.copy_files(1);
    assert_eq!(single(&lab), 0);
    assert_eq!(client.read(&mut lab, 1), Ok(before));
}

#[test]
fn while_a_store_is_away_files_have_one_copy_and_get_the_other_when_it_is_back() {
    let (mut lab, mut client) = begin();
    lab.copy_files(0);
    lab.state.borrow_mut().store_listens[0] = false;
    for server in 0..2 {
        let operation = Operation::Append(1 + server, "new", 2);
        assert_eq!(client.carry_out(&mut lab, server, &operation), Some(Ok(())));
    }
    let sequence = lab.engine(0).table().commit().sequence;
    lab.copy_files(0);
    assert_eq!(lab.engine(0).table().commit().sequence, sequence);
    lab.state.borrow_mut().store_listens[0] = true;
    lab.engine(0).begin_round();
    lab.copy_files(0);
    assert_eq!(single(&lab), 0);
}

#[test]
fn with_both_stores_away_updates_are_refused_and_change_nothing() {
    let (mut lab, mut client) = begin();
    let before = client.read(&mut lab, 0).expect("it serves");
    lab.state.borrow_mut().store_listens = [false; 2];
    let operation = Operation::Append(1, "new", 2);
    let refused = client.carry_out(&mut lab, 0, &operation);
    assert_eq!(refused, Some(Err(proto::soap::Status::Unavailable.into())));
    lab.state.borrow_mut().store_listens = [true; 2];
    assert_eq!(client.read(&mut lab, 0), Ok(before));
}

#[test]
fn all_files_are_touched_once_a_round() {
    let (mut lab, _) = begin();
    lab.copy_files(0);
    assert!(!lab.engine(0).touch_files());
    count_older(&mut lab);
    let mut rounds = 0;
    while lab.engine(0).touch_files() {
        rounds += 1;
    }
    assert_eq!(rounds, 1);
    let touched = lab.state.borrow().stores.each_ref().map(|store| store.touched);
    assert_eq!(touched, [15, 15]);
}

/// Everything is counted older once, as a client of server 0 asks.
fn count_older(lab: &mut Lab) {
    let request = Header {
        command: standard::Command::Age.code(),
        ..header(&lab.server, Command::List)
    };
    let reply = lab.request(0, &request, &[]).expect("the server is on");
    assert_eq!(reply.result(), Ok(()));
    while let Some(question) = lab.engine(0).errand() {
        let answer = lab.ask(0, &question).expect("the other server is on");
        assert_eq!(answer.result(), Ok(()));
    }
}

/// What is too old goes.
fn expire(lab: &mut Lab) {
    for _ in 0..4 {
        let Some((old, question)) = lab.engine(0).expiring() else {
            return;
        };
        let lives = question.map(|question| lab.ask(0, &question));
        let outcome = lab.engine(0).expire(&old, lives);
        lab.finish(0, outcome);
    }
}

#[test]
fn a_directory_that_nobody_touches_48_times_goes() {
    let (mut lab, client) = begin();
    let used = [0, 3, 5];
    for age in 0..2 * LIFETIME {
        count_older(&mut lab);
        expire(&mut lab);
        for place in used {
            // Touched now and then, on either server.
            if age % 40 == 39 {
                let request = Header {
                    command: standard::Command::Touch.code(),
                    ..header(&client.0[place], Command::List)
                };
                let reply = lab.request(place % 2, &request, &[]);
                assert_eq!(reply.map(|reply| reply.result()), Some(Ok(())));
            }
        }
        let left = lab.engine(1).table().directories().count();
        assert_eq!(left, if age < LIFETIME - 1 { 15 } else { 3 }, "{age}");
    }
    let told = client.read(&mut lab, 1).expect("it serves");
    let there = (0..15).filter(|place| told.0[*place].is_some());
    assert!(there.eq(used));
}

#[test]
fn nothing_goes_without_the_other_servers_word() {
    let (mut lab, client) = begin();
    for _ in 0..LIFETIME {
        count_older(&mut lab);
    }
    let (old, question) = lab.engine(0).expiring().expect("all are old");
    assert_eq!(old.len(), 11);
    assert!(question.is_some());
    let outcome = lab.engine(0).expire(&old, Some(Err(crate::engine::Unreachable)));
    lab.finish(0, outcome);
    let told: Model = client.read(&mut lab, 0).expect("it serves");
    assert!(told.0.iter().all(Option::is_some));
}

#[test]
fn several_directories_are_touched_at_once() {
    let (mut lab, client) = begin();
    let mut data: Vec<u8> = client
        .0
        .iter()
        .flat_map(|directory| directory.private.emit())
        .collect();
    data[8] ^= 1;
    let request = Header {
        command: standard::Command::TouchMany.code(),
        size: client.0.len() as u16,
        ..header(&client.0[0], Command::List)
    };
    // The capability in the header is looked at as well.
    let reply = lab.request(0, &request, &data).expect("the server is on");
    assert_eq!((reply.result(), reply.header.extra), (Ok(()), 14));
}
