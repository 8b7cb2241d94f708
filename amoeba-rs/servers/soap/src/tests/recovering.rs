//! Servers that come back, and servers that must not serve.

use super::lab::{Cut, Lab, empty_directory, identity};
use super::model::{Client, Model, Operation, file, lookup};
use crate::check::{Problem, check, compare};
use crate::engine::recovery::Next;
use crate::make::make;
use crate::{Engine, Outcome, World};
use alloc::vec;
use alloc::vec::Vec;
use proto::soap::peer::{Activity, Command};
use proto::soap::super_file::{BLOCK, CopyMode};
use proto::soap::{Failure, Status as Own};
use proto::standard::Status;

const UNAVAILABLE: Failure = Failure::Directory(Own::Unavailable);

/// Two servers, and a client who has made some directories with second copies.
fn begin(directories: usize) -> (Lab, Client, Model) {
    let mut lab = Lab::new(2, 40);
    let (mut client, mut model) = (Client(vec![lab.root]), Model::new());
    for _ in 0..directories {
        client.carry_out(&mut lab, 0, &Operation::Create);
        model.apply(&Operation::Create).expect("room");
    }
    lab.copy_files(0);
    lab.recover();
    (lab, client, model)
}

fn append(
    lab: &mut Lab,
    client: &mut Client,
    model: &mut Model,
    server: usize,
    place: usize,
    row: &'static str,
) {
    let operation = Operation::Append(place, row, 7);
    assert_eq!(client.carry_out(lab, server, &operation), Some(Ok(())));
    model.apply(&operation).expect("no such row");
}

fn mode(lab: &mut Lab, server: usize) -> CopyMode {
    lab.engine(server).table().commit().mode
}

fn same(lab: &mut Lab) {
    for server in 0..2 {
        lab.engine(server).settle();
    }
    let (mut one, mut other) = (lab.machine(0), lab.machine(1));
    assert_eq!(compare(&mut one, &mut other), Ok(vec![]));
}

/// A machine comes back, and a block of its super file cannot be read.
fn come_back_torn(lab: &mut Lab, server: usize, block: u32) -> Result<(), crate::table::Unusable> {
    lab.state.borrow_mut().unreadable[server].insert(block);
    lab.state.borrow_mut().is_on[server] = true;
    let engine = Engine::start(lab.machine(server), server)?;
    lab.engines[server] = Some(engine);
    lab.recover();
    Ok(())
}

#[test]
fn a_super_file_of_which_a_block_of_entries_cannot_be_read_becomes_a_copy_of_the_others() {
    for torn in 0..2 {
        for has_changed in [false, true] {
            let (mut lab, mut client, mut model) = begin(20);
            lab.switch_off(torn);
            if has_changed {
                append(&mut lab, &mut client, &mut model, 1 - torn, 17, "a");
            }
            come_back_torn(&mut lab, torn, 2).expect("the other one has everything");
            assert_eq!(client.read(&mut lab, torn).as_ref(), Ok(&model));
            assert_eq!([mode(&mut lab, 0), mode(&mut lab, 1)], [CopyMode::Two; 2]);
            assert!(lab.state.borrow().unreadable[torn].is_empty());
            same(&mut lab);
        }
    }
}

#[test]
fn when_both_come_back_the_one_that_can_read_its_super_file_begins() {
    for torn in 0..2 {
        let (mut lab, client, model) = begin(20);
        (0..2).for_each(|server| lab.switch_off(server));
        come_back_torn(&mut lab, torn, 1).expect("there is another one");
        assert_eq!(
            client.read(&mut lab, torn),
            Err(UNAVAILABLE),
            "it has nothing whole"
        );
        lab.switch_on(1 - torn);
        lab.recover();
        for server in 0..2 {
            assert_eq!(client.read(&mut lab, server).as_ref(), Ok(&model));
        }
        same(&mut lab);
    }
}

#[test]
fn a_super_file_with_an_unreadable_block_is_of_no_use_if_its_server_was_alone_or_if_it_is_the_commit_block_or_not_the_only_one()
 {
    let unusable = Err(crate::table::Unusable::Disk(Status::SystemError));
    let (mut lab, mut client, mut model) = begin(20);
    lab.switch_off(1);
    append(&mut lab, &mut client, &mut model, 0, 1, "a");
    lab.switch_off(0);
    assert_eq!(come_back_torn(&mut lab, 0, 2), unusable);
    let (mut lab, ..) = begin(20);
    lab.switch_off(0);
    assert_eq!(come_back_torn(&mut lab, 0, 0), unusable);
    lab.state.borrow_mut().unreadable[0].clear();
    lab.state.borrow_mut().unreadable[0].insert(1);
    assert_eq!(come_back_torn(&mut lab, 0, 2), unusable);
}

#[test]
fn with_one_server_off_lookups_and_updates_go_on_and_it_catches_up() {
    for off in 0..2 {
        let (mut lab, mut client, mut model) = begin(3);
        lab.switch_off(off);
        assert_eq!(client.read(&mut lab, 1 - off).as_ref(), Ok(&model));
        for (place, row) in [(0, "a"), (1, "b"), (3, "c"), (0, "d")] {
            append(&mut lab, &mut client, &mut model, 1 - off, place, row);
        }
        assert_eq!(mode(&mut lab, 1 - off), CopyMode::One);
        lab.switch_on(off);
        assert_eq!(client.read(&mut lab, off), Err(UNAVAILABLE));
        lab.recover();
        assert_eq!(client.read(&mut lab, off).as_ref(), Ok(&model));
        assert_eq!([mode(&mut lab, 0), mode(&mut lab, 1)], [CopyMode::Two; 2]);
        same(&mut lab);
        append(&mut lab, &mut client, &mut model, off, 2, "e");
        assert_eq!(client.read(&mut lab, 1 - off).as_ref(), Ok(&model));
    }
}

#[test]
fn a_server_that_was_alone_serves_at_once_and_the_other_one_only_after_it() {
    let (mut lab, mut client, mut model) = begin(1);
    lab.switch_off(1);
    append(&mut lab, &mut client, &mut model, 0, 0, "a");
    lab.copy_files(0);
    lab.switch_off(0);
    lab.switch_on(1);
    lab.recover();
    assert_eq!(lab.engine(1).activity(), Activity::Recovering);
    assert_eq!(client.read(&mut lab, 1), Err(UNAVAILABLE));
    let refused = client.carry_out(&mut lab, 1, &Operation::Append(0, "b", 1));
    assert_eq!(refused, Some(Err(UNAVAILABLE)));
    lab.switch_on(0);
    assert_eq!(lab.engine(0).activity(), Activity::Serving);
    assert_eq!(lookup(&mut lab, 0, &client.0[0].clone(), b"a"), Ok(file(7)));
    lab.recover();
    assert_eq!(client.read(&mut lab, 1), Ok(model));
    same(&mut lab);
}

#[test]
fn neither_of_two_that_kept_both_copies_serves_without_hearing_from_the_other() {
    let (mut lab, client, model) = begin(2);
    lab.switch_off(0);
    lab.switch_off(1);
    for alone in 0..2 {
        lab.switch_on(alone);
        lab.recover();
        assert_eq!(lab.engine(alone).activity(), Activity::Recovering);
        lab.switch_off(alone);
    }
    lab.switch_on(1);
    lab.switch_on(0);
    lab.recover();
    for server in 0..2 {
        assert_eq!(client.read(&mut lab, server).as_ref(), Ok(&model));
    }
}

#[test]
fn updates_while_a_server_copies_reach_it_too() {
    for pause in 1..6 {
        let (mut lab, mut client, mut model) = begin(300);
        lab.switch_off(1);
        append(&mut lab, &mut client, &mut model, 0, 0, "first");
        lab.switch_on(1);
        let rows = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
        let mut steps = 0;
        while lab.engine(1).activity() != Activity::Serving {
            let question = lab.engine(1).recovery_question().expect("it recovers");
            let answer = lab.ask(1, &question);
            lab.engine(1).recovery_answer(answer);
            steps += 1;
            assert!(steps < 60, "it never comes to an end");
            // A directory in a block that was copied long ago, and others behind it.
            if steps % pause == 0 && steps / pause <= rows.len() {
                append(
                    &mut lab,
                    &mut client,
                    &mut model,
                    0,
                    steps * 29 % 300,
                    rows[steps / pause - 1],
                );
            }
        }
        assert!(steps > 4);
        lab.recover();
        same(&mut lab);
        let told = client.read(&mut lab, 1);
        assert!(told.is_ok() && told == client.read(&mut lab, 0) && told == Ok(model));
    }
}

#[test]
fn a_server_that_has_copied_waits_for_an_update_that_it_refused_before() {
    let (mut lab, mut client, mut model) = begin(40);
    lab.switch_off(1);
    lab.switch_on(1);
    assert_eq!(mode(&mut lab, 0), CopyMode::Two);
    let step = |lab: &mut Lab| {
        let question = lab.engine(1).recovery_question().expect("it recovers");
        let answer = lab.ask(1, &question).expect("server 0 is on");
        lab.engine(1).recovery_answer(Ok(answer.clone()));
        answer.result()
    };
    assert_eq!(step(&mut lab), Ok(()));
    // The update is refused while server 1 copies, but server 0 has not heard that yet.
    let operation = Operation::Append(3, "row", 1);
    let (header, data) = client.request(&operation);
    let Outcome::Ask(question) = lab.engine(0).request(&header, &data) else {
        panic!("it must ask");
    };
    let refused = lab.engine(1).peer_request(&question.header, &question.data);
    while lab
        .engine(1)
        .recovery_question()
        .map(|question| question.header.command)
        != Some(Command::Copied.code())
    {
        assert_eq!(step(&mut lab), Ok(()));
    }
    assert_eq!(step(&mut lab), Err(Failure::Standard(Status::NotNow)));
    assert_eq!(lab.engine(1).activity(), Activity::Recovering);
    let outcome = lab.engine(0).answered(Ok(refused));
    assert_eq!(lab.finish(0, outcome).map(|reply| reply.result()), Some(Ok(())));
    model.apply(&operation).expect("no such row");
    assert_eq!(mode(&mut lab, 0), CopyMode::One);
    assert_eq!(step(&mut lab), Err(Failure::Directory(Own::Clash)));
    lab.recover();
    assert_eq!(client.read(&mut lab, 1).as_ref(), Ok(&model));
    append(&mut lab, &mut client, &mut model, 1, 0, "next");
    assert_eq!(client.read(&mut lab, 0), Ok(model));
    same(&mut lab);
}

#[test]
fn a_super_file_whose_copying_was_cut_short_is_never_served() {
    let (mut lab, mut client, mut model) = begin(40);
    lab.switch_off(1);
    for place in 0..40 {
        append(&mut lab, &mut client, &mut model, 0, place, "a");
    }
    lab.switch_on(1);
    {
        let mut state = lab.state.borrow_mut();
        state.cut = Some(Cut {
            at: state.writes + 3,
            is_done: true,
            is_everywhere: false,
            is_torn: false,
        });
    }
    lab.recover();
    assert!(lab.engines[1].is_none());
    lab.switch_off(0);
    lab.switch_on(1);
    lab.recover();
    assert_eq!(lab.engine(1).activity(), Activity::Recovering);
    let (mut disk, mut files) = (lab.machine(1), lab.machine(1));
    let report = check(&mut disk, &mut files).expect("the commit block is whole");
    assert!(report.problems.contains(&Problem::HalfCopied));
    lab.switch_on(0);
    lab.recover();
    same(&mut lab);
    assert_eq!(client.read(&mut lab, 1), Ok(model));
}

#[test]
fn of_two_servers_that_both_were_alone_server_1_gives_way() {
    let (mut lab, mut client, mut model) = begin(1);
    // Server 1 has the root at hand, whose old files are removed soon.
    assert_eq!(client.read(&mut lab, 1).as_ref(), Ok(&model));
    // Nothing gets through, so each believes that the other one has crashed.
    lab.state.borrow_mut().lost = 1000;
    append(&mut lab, &mut client, &mut model, 0, 0, "kept");
    assert_eq!(
        client.carry_out(&mut lab, 1, &Operation::Append(0, "given up", 2)),
        Some(Ok(()))
    );
    assert_eq!([mode(&mut lab, 0), mode(&mut lab, 1)], [CopyMode::One; 2]);
    lab.state.borrow_mut().lost = 0;
    lab.recover();
    for server in 0..2 {
        assert_eq!(client.read(&mut lab, server).as_ref(), Ok(&model));
    }
    same(&mut lab);
}

#[test]
fn a_server_that_was_left_behind_learns_it_when_it_asks_or_ticks() {
    for asks in [false, true] {
        let (mut lab, mut client, mut model) = begin(1);
        assert_eq!(client.read(&mut lab, 1).as_ref(), Ok(&model));
        lab.state.borrow_mut().lost = 1000;
        append(&mut lab, &mut client, &mut model, 0, 0, "row");
        lab.state.borrow_mut().lost = 0;
        if asks {
            let refused = client.carry_out(&mut lab, 1, &Operation::Append(0, "late", 2));
            assert_eq!(refused, Some(Err(UNAVAILABLE)));
        } else {
            lab.tick(1);
        }
        assert_eq!(lab.engine(1).activity(), Activity::Recovering);
        lab.recover();
        assert_eq!(client.read(&mut lab, 1), Ok(model));
    }
}

#[test]
fn a_server_whose_super_file_has_another_size_does_not_serve() {
    let (mut lab, mut client, mut model) = begin(1);
    lab.switch_off(1);
    append(&mut lab, &mut client, &mut model, 0, 0, "row");
    let mut chance = lab.machine(0);
    let (mut files, mut disk) = (lab.machine(0), lab.machine(1));
    let directories = [empty_directory()];
    let made = make(&identity(2), 39, &directories, (&mut files, 1), 1, || {
        chance.random().expect("there is always one")
    });
    lab.state.borrow_mut().is_on[1] = true;
    made.expect("room").write(&mut disk).expect("the disk is on");
    lab.switch_on(1);
    lab.recover();
    assert_eq!(lab.engine(1).activity(), Activity::Recovering);
    assert!(lab.engine(1).recovery_question().is_none());
    assert_eq!(client.read(&mut lab, 0), Ok(model));
}

#[test]
fn a_server_whose_disk_fails_stops_and_the_other_goes_on() {
    for failing in 0..2 {
        let (mut lab, mut client, mut model) = begin(1);
        lab.state.borrow_mut().disk_fails[failing] = true;
        let refused = client.carry_out(&mut lab, failing, &Operation::Append(0, "lost?", 1));
        assert_eq!(refused, Some(Err(UNAVAILABLE)));
        assert_eq!(client.read(&mut lab, failing), Err(UNAVAILABLE));
        assert!(lab.engine(failing).recovery_question().is_none());
        // The other server had been asked before, and has it.
        model
            .apply(&Operation::Append(0, "lost?", 1))
            .expect("a new name");
        append(&mut lab, &mut client, &mut model, 1 - failing, 0, "row");
        assert_eq!(mode(&mut lab, 1 - failing), CopyMode::One);
        lab.switch_off(failing);
        lab.state.borrow_mut().disk_fails[failing] = false;
        lab.switch_on(failing);
        lab.recover();
        assert_eq!(client.read(&mut lab, failing), Ok(model));
        same(&mut lab);
    }
}

#[test]
fn a_server_that_shuts_down_tells_its_partner() {
    let (mut lab, mut client, mut model) = begin(1);
    let question = lab.engine(0).shut_down().expect("there is a partner");
    assert_eq!(lab.ask(0, &question).map(|answer| answer.result()), Ok(Ok(())));
    assert_eq!(client.read(&mut lab, 0), Err(UNAVAILABLE));
    assert_eq!(mode(&mut lab, 1), CopyMode::One);
    lab.switch_off(0);
    append(&mut lab, &mut client, &mut model, 1, 0, "row");
    lab.switch_on(0);
    lab.recover();
    assert_eq!(client.read(&mut lab, 0), Ok(model));
    same(&mut lab);
}

#[test]
fn a_server_without_a_partner_serves_alone_for_ever() {
    let mut lab = Lab::new(1, 3);
    let mut client = Client(vec![lab.root]);
    let engine = lab.engine(0);
    assert!(engine.recovery_question().is_none() && engine.tick_question().is_none());
    assert_eq!(
        client.carry_out(&mut lab, 0, &Operation::Append(0, "a", 1)),
        Some(Ok(()))
    );
    lab.switch_off(0);
    lab.switch_on(0);
    assert_eq!(lookup(&mut lab, 0, &client.0[0].clone(), b"a"), Ok(file(1)));
}

#[test]
fn a_disk_that_is_no_super_file_is_told_so() {
    let mut lab = Lab::new(1, 3);
    lab.switch_off(0);
    lab.state.borrow_mut().disks[0][0] = [0; BLOCK];
    let error = Engine::start(lab.machine(0), 0).err().expect("no magic number");
    assert_eq!(
        alloc::format!("{error}"),
        "the commit block of the super file: wrong magic number"
    );
    // A disk that ends too early.
    let mut lab = Lab::new(1, 9);
    lab.switch_off(0);
    lab.state.borrow_mut().disks[0].truncate(5);
    let error = Engine::start(lab.machine(0), 0)
        .err()
        .expect("blocks are missing");
    assert!(alloc::format!("{error}").starts_with("the disk of the super file: BadArgument"));
}

#[test]
fn any_answers_to_a_recovering_server_leave_it_without_harm() {
    let (mut lab, _, _) = begin(1);
    lab.switch_off(1);
    lab.switch_on(1);
    let mut random = lab.machine(0);
    for round in 0..2000_u32 {
        let mut answer = crate::Message::status(Ok(()));
        answer.header.offset = i32::from(random.random().expect("there is always one").0[0]);
        answer.header.extra = u16::from(random.random().expect("there is always one").0[0] % 3);
        answer.header.size = u16::from(random.random().expect("there is always one").0[0] % 4);
        let length = usize::from(random.random().expect("there is always one").0[0]);
        answer.data = (0..length)
            .map(|_| random.random().expect("there is always one").0[0] % 4)
            .collect::<Vec<u8>>();
        let next = lab.engine(1).recovery_answer(Ok(answer));
        assert!(matches!(next, Next::Now | Next::Later));
        if lab.engine(1).recovery_question().is_none() || round % 50 == 0 {
            lab.switch_off(1);
            lab.switch_on(1);
        }
    }
}
