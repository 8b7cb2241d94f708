//! The port cache and the history of transactions.

use super::card::Memory;
use super::lab::{Lab, request, thread};
use crate::rpc::ThreadId;
use crate::rpc::history::{History, Past};
use crate::rpc::limits::{CLIENTS, PORTS};
use crate::rpc::port_cache::{Place, PortCache};
use proptest::prelude::{any, prop_assert_eq, proptest};
use proto::capability::Port;
use proto::flip::Address;
use std::collections::BTreeSet;

const KERNEL: [u8; 8] = [4; 8];

fn port(number: u16) -> Port {
    let [low, high] = number.to_le_bytes();
    Port([1, 2, low, high, low ^ high, 3])
}

fn remote(number: u8) -> Place {
    Place::Remote {
        address: Address([number; 8]),
        round_trip: 10,
    }
}

fn local(number: u16) -> Place {
    Place::Local(thread(number))
}

#[test]
fn of_several_places_the_one_installed_last_is_used() {
    let mut ports = PortCache::new();
    for place in [remote(1), local(2), remote(3)] {
        ports.install(port(1), place);
    }
    assert_eq!(ports.find(port(1)), Some(remote(3)));
    ports.remove_remote(port(1), Address([3; 8]));
    assert_eq!(ports.find(port(1)), Some(local(2)));
    ports.remove_local(port(1), thread(2));
    assert_eq!(ports.find(port(1)), Some(remote(1)));
    assert_eq!(ports.find(port(2)), None);
}

#[test]
fn a_process_has_one_entry_a_port() {
    let mut ports = PortCache::new();
    ports.install(port(1), remote(1));
    ports.install(port(1), remote(1));
    ports.remove_remote(port(1), Address([1; 8]));
    assert_eq!(ports.find(port(1)), None);
}

#[test]
fn a_full_cache_gives_up_the_remote_entry_that_rested_longest() {
    let mut ports = PortCache::new();
    ports.install(port(77), remote(1));
    ports.install(port(78), remote(1));
    ports.age();
    ports.find(port(78));
    for number in 100..100 + PORTS as u16 - 1 {
        ports.install(port(number), remote(1));
    }
    assert!(!ports.knows(port(77)));
    let known = (0..1000).filter(|number| ports.knows(port(*number)));
    assert_eq!(known.count(), PORTS);
}

#[test]
fn threads_that_wait_are_never_given_up() {
    let mut ports = PortCache::new();
    for number in 0..2 * PORTS as u16 {
        ports.install(port(number), local(number));
    }
    ports.install(port(999), remote(1));
    assert_eq!(ports.find(port(0)), Some(local(0)));
    for _ in 0..100 {
        ports.age();
    }
    assert_eq!(ports.find(port(511)), Some(local(511)));
    assert_eq!(ports.find(port(999)), None);
}

#[test]
fn a_cache_three_quarters_full_loses_what_rested_long() {
    for (count, is_kept) in [(191, true), (192, false)] {
        let mut ports = PortCache::new();
        for number in 0..count {
            ports.install(port(number), remote(1));
        }
        for number in 1..count {
            ports.find(port(number));
        }
        ports.age();
        for number in 1..count {
            ports.find(port(number));
        }
        ports.age();
        assert_eq!(ports.knows(port(0)), is_kept, "{count} entries");
    }
}

#[test]
fn the_window_holds_five_hundred_and_twelve_transactions() {
    let mut history = History::new();
    history.execute(&KERNEL, 1000);
    history.execute(&KERNEL, 1511);
    assert_eq!(history.past(&KERNEL, 1000), Past::Executed);
    assert_eq!(history.past(&KERNEL, 1001), Past::New);
    history.execute(&KERNEL, 1513);
    assert_eq!(
        history.past(&KERNEL, 1001),
        Past::Executed,
        "older than the window"
    );
    assert_eq!(history.past(&KERNEL, 1002), Past::New);
    assert_eq!(history.past(&KERNEL, 1512), Past::New);
}

#[test]
fn transaction_numbers_wrap() {
    let mut history = History::new();
    history.execute(&KERNEL, u32::MAX);
    history.execute(&KERNEL, 1);
    assert_eq!(history.past(&KERNEL, u32::MAX), Past::Executed);
    assert_eq!(history.past(&KERNEL, 0), Past::New);
    history.execute(&KERNEL, 600);
    assert_eq!(history.past(&KERNEL, 0), Past::Executed);
}

#[test]
fn a_withdrawn_transaction_stays_withdrawn() {
    let mut history = History::new();
    history.withdraw(&KERNEL, 5);
    history.execute(&KERNEL, 6);
    assert_eq!(history.past(&KERNEL, 5), Past::Withdrawn);
    history.execute(&KERNEL, 6 + 512);
    assert_eq!(history.past(&KERNEL, 5 + 512), Past::New);
}

#[test]
fn the_client_that_asked_longest_ago_makes_room() {
    let mut history = History::new();
    let kernel = |number: usize| [number as u8, (number / 256) as u8, 0, 0, 0, 0, 0, 1];
    for number in 0..CLIENTS {
        history.execute(&kernel(number), 1);
    }
    history.age();
    for number in (0..CLIENTS).filter(|number| *number != 9) {
        history.execute(&kernel(number), 2);
    }
    history.execute(&kernel(CLIENTS), 1);
    assert_eq!(history.past(&kernel(9), 1), Past::New);
    let remembered = (0..=CLIENTS).filter(|number| history.past(&kernel(*number), 1) == Past::Executed);
    assert_eq!(remembered.count(), CLIENTS);
}

proptest! {
    #[test]
    fn nothing_in_the_window_is_new_twice(steps in proptest::collection::vec((0..40_u32, any::<bool>()), 1..400)) {
        let mut history = History::new();
        let mut seen = BTreeSet::new();
        let mut highest = 10_000;
        history.execute(&KERNEL, highest);
        seen.insert(highest);
        for (step, is_forward) in steps {
            let number = if is_forward { highest + step } else { highest - step * 6 };
            let expected = if seen.contains(&number) { Past::Executed } else { Past::New };
            prop_assert_eq!(history.past(&KERNEL, number), expected, "{}", number);
            history.execute(&KERNEL, number);
            seen.insert(number);
            highest = highest.max(number);
        }
    }
}

#[test]
fn delivery_of_a_request_removes_the_place_it_went_to() {
    let mut lab = Lab::new(1);
    lab.getreq(
        0,
        ThreadId {
            process: 0,
            thread: 4,
        },
    );
    let asked = request(1);
    assert!(lab.network.machines[0].rpc.ports.knows(asked.port));
    lab.trans(0, thread(0), asked, Memory::default());
    assert!(!lab.network.machines[0].rpc.ports.knows(asked.port));
}
