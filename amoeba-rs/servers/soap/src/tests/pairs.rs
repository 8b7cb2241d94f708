//! Both servers update at the same time; messages cross, and are lost.

use super::lab::Lab;
use super::model::{Client, Model, Operation};
use crate::check::compare;
use crate::{Message, Outcome};
use alloc::vec;
use alloc::vec::Vec;
use proto::soap::Failure;
use proto::standard::Status;

/// One server's client, its request, and where the question to the other server is.
enum Stage {
    Asks(Message),
    Answered(Message),
    Done(Result<(), Failure>),
}

/// Two updates at once, whose messages move one at a time as `choices` say: true moves that of server 0. What is left when the
/// choices are at their end moves in turns.
fn cross(operations: [&Operation; 2], choices: &[bool]) -> (Lab, Client, [Result<(), Failure>; 2]) {
    let mut lab = Lab::new(2, 3);
    let mut client = Client(vec![lab.root]);
    client.carry_out(&mut lab, 0, &Operation::Create);
    let mut stages = [0, 1].map(|number| {
        let (header, data) = client.request(operations[number]);
        let outcome = lab.engine(number).request(&header, &data);
        stage(&mut lab, number, outcome)
    });
    let turns = (0..400).map(|turn| turn % 2 == 0);
    for choice in choices.iter().copied().chain(turns) {
        let number = usize::from(!choice);
        let next = match &stages[number] {
            Stage::Asks(question) => {
                let answer = lab
                    .engine(1 - number)
                    .peer_request(&question.header, &question.data);
                Stage::Answered(answer)
            }
            Stage::Answered(answer) => {
                let outcome = lab.engine(number).answered(Ok(answer.clone()));
                stage(&mut lab, number, outcome)
            }
            Stage::Done(result) => Stage::Done(*result),
        };
        stages[number] = next;
    }
    let results = stages.map(|stage| match stage {
        Stage::Done(result) => result,
        Stage::Asks(_) | Stage::Answered(_) => panic!("an update has not ended"),
    });
    (lab, client, results)
}

fn stage(lab: &mut Lab, number: usize, outcome: Outcome) -> Stage {
    match outcome {
        Outcome::Ask(question) | Outcome::AskLater(question) => Stage::Asks(question),
        Outcome::Reply(reply) => {
            lab.engine(number).settle();
            Stage::Done(reply.result())
        }
        Outcome::Found(_) => panic!("an update finds nothing"),
    }
}

fn same_super_files(lab: &Lab) {
    let (mut one, mut other) = (lab.machine(0), lab.machine(1));
    assert_eq!(compare(&mut one, &mut other), Ok(vec![]));
}

/// Every order in which the first nine messages can move.
fn orders() -> impl Iterator<Item = Vec<bool>> {
    (0..1_u32 << 9).map(|bits| (0..9).map(|place| bits >> place & 1 == 1).collect())
}

#[test]
fn updates_that_cross_both_happen_in_whatever_order_messages_move() {
    let operations = [&Operation::Append(0, "zero", 1), &Operation::Append(0, "one", 2)];
    let mut expected = Model::new();
    expected.apply(&Operation::Create).expect("room");
    operations
        .iter()
        .for_each(|operation| expected.apply(operation).expect("no such row"));
    for order in orders() {
        let (mut lab, client, results) = cross(operations, &order);
        assert_eq!(results, [Ok(()), Ok(())], "{order:?}");
        for server in 0..2 {
            assert_eq!(client.read(&mut lab, server).as_ref(), Ok(&expected), "{order:?}");
        }
        same_super_files(&lab);
    }
}

#[test]
fn of_two_that_append_the_same_name_one_is_told_that_it_exists() {
    let operations = [&Operation::Append(0, "same", 1), &Operation::Append(0, "same", 2)];
    for order in orders() {
        let (mut lab, client, results) = cross(operations, &order);
        let exists = Err(Failure::Standard(Status::Exists));
        let winner = results
            .iter()
            .position(|result| *result == Ok(()))
            .expect("one appends");
        assert_eq!(results[1 - winner], exists, "{order:?}");
        let mut expected = Model::new();
        for operation in [&Operation::Create, operations[winner]] {
            expected.apply(operation).expect("it can be done");
        }
        assert_eq!(client.read(&mut lab, 1), Ok(expected), "{order:?}");
        same_super_files(&lab);
    }
}

#[test]
fn directories_that_are_made_at_once_get_different_numbers() {
    for order in orders() {
        let (mut lab, _, results) = cross([&Operation::Create, &Operation::Create], &order);
        assert_eq!(results, [Ok(()), Ok(())], "{order:?}");
        for server in 0..2 {
            assert_eq!(lab.engine(server).table().directories().count(), 4, "{order:?}");
        }
        same_super_files(&lab);
    }
}

#[test]
fn files_of_updates_that_were_planned_anew_are_removed() {
    let operations = [&Operation::Append(0, "zero", 1), &Operation::Append(1, "one", 2)];
    for order in orders() {
        let (mut lab, _, _) = cross(operations, &order);
        for server in 0..2 {
            lab.engine(server).settle();
        }
        let state = lab.state.borrow();
        let files: usize = state.stores.iter().map(|store| store.files.len()).sum();
        // The root was made with two copies, and each directory has one new file now.
        assert_eq!(files, 2, "{order:?}");
    }
}

/// An update of server `number` while the messages that `losses` tells are lost: bit 2n is the question of try n, bit 2n + 1
/// the answer to it.
fn update_with_losses(number: usize, losses: u32) -> (Lab, Client) {
    let mut lab = Lab::new(2, 3);
    let mut client = Client(vec![lab.root]);
    client.carry_out(&mut lab, 0, &Operation::Create);
    let (header, data) = client.request(&Operation::Append(0, "row", 1));
    let mut outcome = lab.engine(number).request(&header, &data);
    while let Outcome::Ask(question) | Outcome::AskLater(question) = outcome {
        let mut answer = Err(crate::engine::Unreachable);
        for attempt in 0..3 {
            if losses >> (2 * attempt) & 1 == 1 {
                continue;
            }
            let reply = lab
                .engine(1 - number)
                .peer_request(&question.header, &question.data);
            if losses >> (2 * attempt + 1) & 1 == 0 {
                answer = Ok(reply);
                break;
            }
        }
        outcome = lab.engine(number).answered(answer);
    }
    assert_eq!(
        outcome,
        Outcome::Reply(Message::status(Ok(()))),
        "{number} {losses:b}"
    );
    (lab, client)
}

#[test]
fn whatever_messages_of_an_update_are_lost_it_happens_once() {
    let mut expected = Model::new();
    for operation in [Operation::Create, Operation::Append(0, "row", 1)] {
        expected.apply(&operation).expect("it can be done");
    }
    for number in 0..2 {
        for losses in 0..64 {
            let (mut lab, client) = update_with_losses(number, losses);
            lab.engine(number).settle();
            assert_eq!(client.read(&mut lab, number).as_ref(), Ok(&expected));
            lab.recover();
            for server in 0..2 {
                assert_eq!(
                    client.read(&mut lab, server).as_ref(),
                    Ok(&expected),
                    "{losses:b}"
                );
                lab.engine(server).settle();
            }
            same_super_files(&lab);
        }
    }
}

#[test]
fn a_second_update_of_the_same_server_is_not_now() {
    let mut lab = Lab::new(2, 3);
    let client = Client(vec![lab.root]);
    let (header, data) = client.request(&Operation::Append(0, "row", 1));
    let first = lab.engine(0).request(&header, &data);
    assert!(matches!(first, Outcome::Ask(_)) && lab.engine(0).is_busy());
    let second = lab.engine(0).request(&header, &data);
    assert_eq!(
        second,
        Outcome::Reply(Message::status(Err(Status::NotNow.into())))
    );
    assert_eq!(lab.finish(0, first).map(|reply| reply.result()), Some(Ok(())));
}
