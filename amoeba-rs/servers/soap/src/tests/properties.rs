//! Random operations on servers that go and come back, beside the simple model.

use super::lab::Lab;
use super::model::{Client, Model, Operation};
use crate::check::{Problem, check, compare};
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;
use proto::soap::{Failure, Status as Own};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

#[derive(Clone, Debug)]
enum Event {
    Operation(usize, Operation),
    Off(usize),
    On(usize),
    Copies(usize),
}

fn name() -> impl Strategy<Value = &'static str> {
    (0..NAMES.len()).prop_map(|place| NAMES[place])
}

fn operation() -> impl Strategy<Value = Operation> {
    let place = 0..6_usize;
    let installed = (0..6_usize, name(), 0..20_u32, prop::option::of(0..20_u32));
    prop_oneof![
        2 => Just(Operation::Create),
        1 => place.clone().prop_map(Operation::Discard),
        8 => (place.clone(), name(), 0..20_u32).prop_map(|(place, name, file)| Operation::Append(place, name, file)),
        2 => (place.clone(), name(), 1..=255_u8).prop_map(|(place, name, low)| Operation::Masks(place, name, low)),
        3 => (place.clone(), name()).prop_map(|(place, name)| Operation::Delete(place, name)),
        2 => (place, name(), 0..20_u32).prop_map(|(place, name, file)| Operation::Replace(place, name, file)),
        3 => prop::collection::vec(installed, 1..4).prop_map(Operation::Install),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => (0..2_usize, operation()).prop_map(|(server, operation)| Event::Operation(server, operation)),
        1 => (0..2_usize).prop_map(Event::Off),
        2 => (0..2_usize).prop_map(Event::On),
        1 => (0..2_usize).prop_map(Event::Copies),
    ]
}

/// The operation, on directories that the client knows.
fn known(operation: &Operation, count: usize) -> Operation {
    let mut operation = operation.clone();
    match &mut operation {
        Operation::Create => {}
        Operation::Discard(place)
        | Operation::Append(place, ..)
        | Operation::Masks(place, ..)
        | Operation::Delete(place, _)
        | Operation::Replace(place, ..) => *place %= count,
        Operation::Install(list) => list.iter_mut().for_each(|(place, ..)| *place %= count),
    }
    operation
}

/// Has an operation done; what comes of it is what comes of it in the model, unless nobody serves.
fn step(
    lab: &mut Lab,
    client: &mut Client,
    model: &mut Model,
    server: usize,
    operation: &Operation,
) -> Result<bool, TestCaseError> {
    let operation = known(operation, client.0.len());
    match client.carry_out(lab, server, &operation) {
        None | Some(Err(Failure::Directory(Own::Unavailable))) => Ok(false),
        result => {
            prop_assert_eq!(result, Some(model.apply(&operation)), "{:?}", operation);
            Ok(true)
        }
    }
}

fn in_order(lab: &mut Lab) -> Result<(), TestCaseError> {
    for server in 0..2 {
        lab.engine(server).settle();
    }
    let (mut one, mut other) = (lab.machine(0), lab.machine(1));
    prop_assert_eq!(compare(&mut one, &mut other), Ok(vec![]));
    let (mut disk, mut files) = (lab.machine(1), lab.machine(1));
    let report = check(&mut disk, &mut files).expect("the super file can be used");
    let problems: Vec<Problem> = report.problems;
    prop_assert!(
        problems
            .iter()
            .all(|problem| matches!(problem, Problem::Unreached(_)))
    );
    Ok(())
}

proptest! {
    #[test]
    fn servers_that_go_and_come_back_do_what_the_model_does(events in prop::collection::vec(event(), 1..60)) {
        let mut lab = Lab::new(2, 3);
        let (mut client, mut model) = (Client(vec![lab.root]), Model::new());
        for event in &events {
            match event {
                Event::Operation(server, operation) => {
                    // What a machine alone has is lost to others while it is off, so copies are made at once.
                    if step(&mut lab, &mut client, &mut model, *server, operation)? {
                        lab.copy_files(*server);
                    }
                }
                Event::Off(server) => lab.switch_off(*server),
                Event::On(server) => {
                    if lab.engines[*server].is_none() {
                        lab.switch_on(*server);
                    }
                    lab.recover();
                    for server in 0..2 {
                        if let Some(engine) = &mut lab.engines[server] {
                            engine.begin_round();
                        }
                        lab.copy_files(server);
                    }
                }
                Event::Copies(server) => lab.copy_files(*server),
            }
        }
        for server in 0..2 {
            if lab.engines[server].is_none() {
                lab.switch_on(server);
            }
        }
        lab.recover();
        for server in 0..2 {
            let told = client.read(&mut lab, server);
            prop_assert_eq!(told.as_ref(), Ok(&model));
        }
        in_order(&mut lab)?;
    }

    #[test]
    fn whatever_part_of_the_messages_is_lost_the_servers_agree(
        operations in prop::collection::vec((0..2_usize, operation()), 1..40), lost in 0..900_u64,
    ) {
        let mut lab = Lab::new(2, 3);
        let (mut client, mut model) = (Client(vec![lab.root]), Model::new());
        for (server, operation) in &operations {
            lab.state.borrow_mut().lost = lost;
            step(&mut lab, &mut client, &mut model, *server, operation)?;
            lab.state.borrow_mut().lost = 0;
            lab.recover();
            for server in 0..2 {
                let told = client.read(&mut lab, server);
                prop_assert_eq!(told.as_ref(), Ok(&model));
            }
        }
        in_order(&mut lab)?;
    }

    #[test]
    fn any_request_is_answered(command in 2095..2135_u16, extra: u16, size: u16, data: Vec<u8>, object in 0..3_u32) {
        let mut lab = Lab::new(2, 3);
        let header = proto::message::Header {
            port: lab.root.port,
            private: if object == 0 { lab.server } else { lab.root }.private.emit(),
            command,
            extra,
            size,
            ..Default::default()
        };
        prop_assert!(lab.request(0, &header, &data).is_some());
        let question = lab.engine(0).tick_question();
        if let Some(mut question) = question {
            question.header.command = command;
            question.header.extra = extra;
            lab.engine(1).peer_request(&question.header, &data);
        }
    }

    #[test]
    fn any_bytes_are_a_directory_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(directory) = crate::directory::Directory::parse(&bytes) {
            prop_assert!(directory.columns().len() <= 4);
        }
    }
}
