//! Both servers update at the same time; messages cross, and are lost.

use super::lab::{Cut, Lab};
use super::model::{Client, Model, Operation};
use crate::check::compare;
use crate::engine::Unreachable;
use crate::{Message, Outcome};
use alloc::vec;
use alloc::vec::Vec;
use proto::soap::Failure;
use proto::standard::Status;

/// One server's client, its request, and where the question to the other server is.
enum Stage {
    Asks(Message),
    Answered(Result<Message, Unreachable>),
    /// What the client was told; `None` if the server is gone.
    Done(Option<Result<(), Failure>>),
}

/// What two clients were told.
type Results = [Option<Result<(), Failure>>; 2];

/// Two updates at once, whose messages move one at a time as `choices` say: true moves that of server 0. What is left when the
/// choices are at their end moves in turns. The power may go meanwhile.
fn cross(operations: [&Operation; 2], choices: &[bool], cut: Option<Cut>) -> (Lab, Client, Results) {
    let mut lab = Lab::new(2, 3);
    let mut client = Client(vec![lab.root]);
    client.carry_out(&mut lab, 0, &Operation::Create);
    lab.copy_files(0);
    lab.state.borrow_mut().writes = 0;
    lab.state.borrow_mut().cut = cut;
    let mut stages = [0, 1].map(|number| {
        let (header, data) = client.request(operations[number]);
        let outcome = lab.engines[number]
            .as_mut()
            .map(|engine| engine.request(&header, &data));
        stage(&mut lab, number, outcome)
    });
    let turns = (0..400).map(|turn| turn % 2 == 0);
    for choice in choices.iter().copied().chain(turns) {
        let number = usize::from(!choice);
        let done = Stage::Done(None);
        stages[number] = match core::mem::replace(&mut stages[number], done) {
            Stage::Asks(question) => {
                let answer = lab.engines[1 - number]
                    .as_mut()
                    .map(|engine| engine.peer_request(&question.header, &question.data));
                lab.notice();
                let is_there = lab.engines[1 - number].is_some();
                Stage::Answered(answer.filter(|_| is_there).ok_or(Unreachable))
            }
            Stage::Answered(answer) => {
                let outcome = lab.engines[number].as_mut().map(|engine| engine.answered(answer));
                stage(&mut lab, number, outcome)
            }
            Stage::Done(result) => Stage::Done(result),
        };
    }
    let results = stages.map(|stage| match stage {
        Stage::Done(result) => result,
        Stage::Asks(_) | Stage::Answered(_) => panic!("an update has not ended"),
    });
    (lab, client, results)
}

fn stage(lab: &mut Lab, number: usize, outcome: Option<Outcome>) -> Stage {
    lab.notice();
    match outcome.filter(|_| lab.engines[number].is_some()) {
        Some(Outcome::Ask(question) | Outcome::AskLater(question)) => Stage::Asks(question),
        Some(Outcome::Reply(reply)) => {
            lab.engine(number).settle();
            lab.notice();
            Stage::Done(Some(reply.result()))
        }
        Some(Outcome::Found(_)) => panic!("an update finds nothing"),
        None => Stage::Done(None),
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
        let (mut lab, client, results) = cross(operations, &order, None);
        assert_eq!(results, [Some(Ok(())); 2], "{order:?}");
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
        let (mut lab, client, results) = cross(operations, &order, None);
        let exists = Some(Err(Failure::Standard(Status::Exists)));
        let winner = results
            .iter()
            .position(|result| *result == Some(Ok(())))
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
        let (mut lab, _, results) = cross([&Operation::Create, &Operation::Create], &order, None);
        assert_eq!(results, [Some(Ok(())); 2], "{order:?}");
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
        let (mut lab, _, _) = cross(operations, &order, None);
        for server in 0..2 {
            lab.engine(server).settle();
        }
        let state = lab.state.borrow();
        let files: usize = state.stores.iter().map(|store| store.files.len()).sum();
        // Both directories had two copies, and each has one new file now.
        assert_eq!(files, 2, "{order:?}");
    }
}

/// What the directories may hold after two updates of which clients were told this.
fn possible(operations: [&Operation; 2], results: Results) -> Vec<Model> {
    let mut beginning = Model::new();
    beginning.apply(&Operation::Create).expect("room");
    let mut models = vec![beginning];
    for (operation, result) in operations.iter().zip(results) {
        let mut after = models.clone();
        after
            .iter_mut()
            .for_each(|model| model.apply(operation).expect("it can be done"));
        match result {
            Some(Ok(())) => models = after,
            // Whoever was refused knows that nothing has happened; whoever heard nothing does not.
            Some(Err(_)) => {}
            None => models.extend(after),
        }
    }
    models
}

#[test]
fn power_that_goes_at_any_write_of_updates_that_cross_leaves_each_done_or_not() {
    let operations = [&Operation::Append(0, "zero", 1), &Operation::Append(1, "one", 2)];
    for order in orders().step_by(9) {
        for at in 1.. {
            let mut went = false;
            for variant in 0..4 {
                let cut = Cut {
                    at,
                    is_done: variant % 2 == 0,
                    is_everywhere: variant / 2 == 0,
                    is_torn: false,
                };
                let (mut lab, client, results) = cross(operations, &order, Some(cut));
                went |= lab.state.borrow().is_on != [true; 2];
                lab.state.borrow_mut().cut = None;
                for number in 0..2 {
                    if lab.engines[number].is_none() {
                        lab.switch_on(number);
                    }
                }
                lab.recover();
                let told = client.read(&mut lab, 0).expect("it serves");
                assert_eq!(client.read(&mut lab, 1).as_ref(), Ok(&told), "{cut:?} {order:?}");
                let possible = possible(operations, results);
                assert!(
                    possible.contains(&told),
                    "{cut:?} {order:?} {results:?}: {told:?}"
                );
                for server in 0..2 {
                    lab.engine(server).settle();
                }
                same_super_files(&lab);
            }
            if !went {
                assert!(at > 8, "{at}");
                break;
            }
        }
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
        let mut answer = Err(Unreachable);
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

#[test]
fn a_partner_that_stays_busy_is_not_waited_for_for_ever() {
    let mut lab = Lab::new(2, 3);
    let client = Client(vec![lab.root]);
    let (header, data) = client.request(&Operation::Append(0, "row", 1));
    let first = lab.engine(0).request(&header, &data);
    assert!(matches!(first, Outcome::Ask(_)));
    // Server 0 never asks, so it stays busy.
    let mut outcome = lab.engine(1).request(&header, &data);
    let mut rounds = 0;
    while let Outcome::Ask(question) | Outcome::AskLater(question) = outcome {
        let answer = lab.engine(0).peer_request(&question.header, &question.data);
        outcome = lab.engine(1).answered(Ok(answer));
        rounds += 1;
    }
    assert_eq!(rounds, 101);
    assert_eq!(
        outcome,
        Outcome::Reply(Message::status(Err(Status::NotNow.into())))
    );
    assert_eq!(lab.state.borrow().stores[1].files.len(), 1);
    assert_eq!(lab.finish(0, first).map(|reply| reply.result()), Some(Ok(())));
}

/// A machine with a server and its store fails right behind an update, of whose file there is one copy.
#[test]
fn what_was_changed_on_a_machine_that_fails_goes_on_at_the_other_server() {
    for failing in 0..2 {
        let mut lab = Lab::new(2, 3);
        let mut client = Client(vec![lab.root]);
        let append = |name| Operation::Append(0, name, 5);
        assert_eq!(client.carry_out(&mut lab, failing, &append("a")), Some(Ok(())));
        // The other one's thread has put its reply, and settles.
        lab.engine(1 - failing).settle();
        lab.switch_off(failing);
        let left = 1 - failing;
        assert_eq!(client.carry_out(&mut lab, left, &append("b")), Some(Ok(())));
        lab.copy_files(left);
        let rows = client.read(&mut lab, left).expect("the directories").0[0].clone();
        assert_eq!(rows.map(|rows| rows.len()), Some(2));
        // It comes back, and has both.
        lab.switch_on(failing);
        lab.recover();
        lab.copy_files(left);
        let rows = client.read(&mut lab, failing).expect("the directories").0[0].clone();
        assert_eq!(rows.map(|rows| rows.len()), Some(2), "server {failing}");
    }
}

/// The only copy of a file is on a store that is away: another one is made of what is at hand.
#[test]
fn a_copy_is_made_of_a_directory_at_hand() {
    let mut lab = Lab::new(2, 3);
    let mut client = Client(vec![lab.root]);
    assert_eq!(
        client.carry_out(&mut lab, 0, &Operation::Append(0, "a", 5)),
        Some(Ok(()))
    );
    lab.engine(1).settle();
    lab.switch_off(0);
    // Somebody else's update has the server notice that it is alone.
    assert_eq!(client.carry_out(&mut lab, 1, &Operation::Create), Some(Ok(())));
    lab.copy_files(1);
    let root = lab.root.private.object();
    let pair = lab.engine(1).table().pair(root).expect("the root");
    assert_eq!(
        pair.copies().count(),
        2,
        "there is one on the server's own store now"
    );
    lab.switch_off(1);
    lab.switch_on(1);
    let rows = client.read(&mut lab, 1).expect("the directories").0[0].clone();
    assert_eq!(rows.map(|rows| rows.len()), Some(1));
}
