//! Which host is chosen.

use super::hosts::{IDLE, Lab, SPARC, busy, program};
use crate::host::PATIENCE;
use crate::suitability::Figures;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proto::process::I80386;
use proto::run::Status as Own;
use proto::standard::Status;
use std::vec;
use std::vec::Vec;

#[test]
fn the_idle_host_is_chosen_until_it_has_as_much_to_do_as_the_others() {
    let mut lab = Lab::new(&[I80386; 3]);
    lab.hosts = vec![Some(busy(2)), Some(IDLE), Some(busy(2))];
    assert_eq!(lab.place(), Ok(1));
    assert_eq!(lab.place(), Ok(1));
    // Two programs were placed since it told how it fares: now all have two.
    let mut found: Vec<u8> = (0..3).map(|_| lab.place().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, [0, 1, 2]);
}

#[test]
fn hosts_that_are_as_good_are_chosen_by_chance() {
    let mut lab = Lab::new(&[I80386; 3]);
    lab.hosts = vec![
        Some(IDLE),
        Some(Figures { speed: 280, ..IDLE }),
        Some(Figures { speed: 200, ..IDLE }),
    ];
    let mut counts = [0; 3];
    for _ in 0..400 {
        // What is placed does not last.
        lab.now += 5000;
        counts[usize::from(lab.place().unwrap())] += 1;
    }
    assert!(counts[0] > 150 && counts[1] > 150, "{counts:?}");
    assert_eq!(counts[2], 0);
}

#[test]
fn a_host_on_which_programs_were_placed_is_asked_what_has_become_of_them() {
    let mut lab = Lab::new(&[I80386; 2]);
    lab.hosts[0] = Some(busy(1));
    for _ in 0..50 {
        // The program before has ended.
        lab.now += 1000;
        assert_eq!(lab.place(), Ok(1));
    }
    assert!(lab.asked >= 50);
}

#[test]
fn a_host_that_is_off_is_not_chosen_and_comes_back() {
    let mut lab = Lab::new(&[I80386; 2]);
    lab.poll();
    lab.hosts[0] = None;
    // Its figures are still new, and then they are not.
    for _ in 0..20 {
        lab.now += 1000;
        assert_eq!(lab.place(), Ok(1));
    }
    lab.hosts = vec![None; 2];
    lab.now += 1000;
    assert_eq!(lab.place(), Err(Own::HostsDown.into()));
    lab.hosts[0] = Some(IDLE);
    lab.now += 10_000;
    lab.poll();
    assert_eq!(lab.place(), Ok(0));
}

#[test]
fn a_host_that_does_not_answer_for_a_while_is_not_chosen_and_nobody_waits_for_it_longer() {
    let mut lab = Lab::new(&[I80386; 2]);
    lab.hosts[0] = Some(busy(1));
    assert_eq!(lab.place(), Ok(1));
    lab.now += 3000;
    // Somebody begins to ask the idle host, and is not told anything.
    let poll = core::iter::from_fn(|| lab.engine.next_poll(true, lab.now)).find(|poll| poll.host == 1);
    let began = lab.now;
    lab.engine.answered(0, lab.now, Ok(lab.answer_of(0).unwrap()));
    assert_eq!(lab.place(), Ok(0));
    assert_eq!(lab.now - began, PATIENCE);
    let before = lab.now;
    assert_eq!(lab.place(), Ok(0));
    assert_eq!(lab.now, before);
    lab.engine
        .answered(poll.unwrap().host, lab.now, Ok(lab.answer_of(1).unwrap()));
    assert_eq!(lab.place(), Ok(1));
}

#[test]
fn without_a_host_the_reason_is_told() {
    let mut lab = Lab::new(&[]);
    assert_eq!(lab.place(), Err(Own::NoPoolDirectory.into()));
    let mut lab = Lab::new(&[I80386, SPARC]);
    let other = [program(*b"mc68000\0", 4096)];
    assert_eq!(lab.find(&other), Err(Own::BadArchitecture.into()));
    let large = [program(I80386, (2 << 20) + 1)];
    assert_eq!(lab.find(&large), Err(Own::NoHost.into()));
    lab.hosts[0] = None;
    lab.now += 5000;
    lab.poll();
    assert_eq!(lab.find(&large), Err(Own::HostsDown.into()));
}

#[test]
fn of_one_program_for_two_architectures_the_host_runs_its_own() {
    let mut lab = Lab::new(&[I80386, SPARC]);
    lab.hosts[0] = Some(busy(3));
    let both = [program(I80386, 4096), program(SPARC, 4096)];
    let choice = lab.find(&both).unwrap();
    assert_eq!((choice.index, choice.name()), (1, &b"pool1"[..]));
    lab.hosts[1] = None;
    lab.now += 5000;
    let choice = lab.find(&both).unwrap();
    assert_eq!((choice.index, choice.name()), (0, &b"pool0"[..]));
}

#[test]
fn an_architecture_can_be_preferred() {
    let mut lab = Lab::new(&[I80386, SPARC]);
    let set = |lab: &mut Lab, data: &[u8]| {
        let command = proto::standard::Command::SetParameters.code();
        lab.ask(proto::run::right::ADMIN, command, 0, data).map(drop)
    };
    set(&mut lab, b"PREF.i80386\x00200\0").unwrap();
    let both = [program(SPARC, 4096), program(I80386, 4096)];
    for _ in 0..20 {
        lab.now += 5000;
        assert_eq!(lab.find(&both).unwrap().index, 1);
    }
    set(&mut lab, b"EQUIVPERC\x00100\0").unwrap();
    let mut indexes: Vec<u16> = (0..20).map(|_| lab.find(&both).unwrap().index).collect();
    indexes.sort_unstable();
    indexes.dedup();
    assert_eq!(indexes, [0, 1]);
    for (data, error) in [
        (&b"EQUIVPERC\x00101\0"[..], Status::BadArgument),
        (b"EQUIVPERC\0many\0", Status::BadArgument),
        (b"MEMTRUNC\x000\0", Status::BadArgument),
        (b"PREF.longarchitecture\x001\0", Status::BadArgument),
        (b"COLOUR\x001\0", Status::NotFound),
        (b"MEMTRUNC\0", Status::BadArgument),
    ] {
        assert_eq!(set(&mut lab, data), Err(error.into()));
    }
}

proptest! {
    /// Whatever happens to hosts, a program goes to one that is up and has the memory, and there is an answer if there is such a one.
    #[test]
    fn programs_go_to_hosts_that_are_up_and_have_the_memory(
        steps in proptest::collection::vec((any::<u8>(), 0_u32..5, 0_u32..64, 0_u32..4000, any::<bool>()), 1..60),
    ) {
        let mut lab = Lab::new(&[I80386; 4]);
        for (choice, threads, pages, pause, is_off) in steps {
            lab.now = lab.now.wrapping_add(pause);
            let number = usize::from(choice % 4);
            lab.hosts[number] = (!is_off).then_some(Figures { free: pages << 12, ..busy(threads) });
            if choice > 0x80 {
                lab.poll();
            }
            let former = lab.hosts.clone();
            let found = lab.find(&[program(I80386, 30 << 12)]);
            if let Ok(choice) = found {
                let host = usize::from(choice.host.port.0[0] - 0x80);
                let known = lab.engine.hosts()[host].answer.unwrap().figures;
                prop_assert!(known.free >= 30 << 12);
                // What it told is not older than a second.
                if pause >= 1000 {
                    prop_assert_eq!(former[host], Some(known));
                }
            } else {
                lab.now = lab.now.wrapping_add(10_000);
                lab.poll();
                let again = lab.find(&[program(I80386, 30 << 12)]);
                let would_do = |figures: &Figures| figures.free >= 30 << 12;
                prop_assert_eq!(again.is_ok(), lab.hosts.iter().flatten().any(would_do));
            }
        }
    }
}
