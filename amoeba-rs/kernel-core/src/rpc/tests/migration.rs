//! Processes that go to other machines in the middle of their transactions, and back.

use super::over_flip::{LARGE_RING, SMALL_RING};
use super::travellers::{CLIENT, Call, SERVER, World};
use crate::rpc::limits::{LOCATE_TIMEOUT, WINDOW};
use proptest::prelude::{any, prop_assert, proptest};
use proto::exchange::xorshift;

/// Processes leave at every millisecond of a transaction: all calls succeed, and each is executed once.
fn leave_at_every_moment(which: usize, ring: u16, places: (usize, usize), sizes: (usize, usize)) {
    for to in 0..4 {
        for moment in 0.. {
            let mut world = World::new(ring, places, sizes);
            world.begin();
            world.run(1);
            for _ in 0..moment {
                world.step();
            }
            let is_late = world.outcomes.len() > 2;
            world.leave(which, to, 30);
            world.run(6);
            assert_eq!(world.failures(), [], "{to} {moment}");
            world.check();
            if is_late {
                break;
            }
        }
    }
}

#[test]
fn a_server_leaves_at_any_moment_of_a_short_call() {
    leave_at_every_moment(SERVER, SMALL_RING, (0, 1), (0, 0));
}

#[test]
fn a_server_leaves_at_any_moment_of_a_long_call() {
    for (ring, sizes) in [
        (SMALL_RING, (8000, 0)),
        (LARGE_RING, (0, 20_000)),
        (LARGE_RING, (20_000, 0)),
    ] {
        leave_at_every_moment(SERVER, ring, (0, 1), sizes);
    }
}

#[test]
fn a_client_leaves_at_any_moment() {
    for (ring, sizes) in [
        (SMALL_RING, (0, 0)),
        (SMALL_RING, (0, 8000)),
        (LARGE_RING, (20_000, 0)),
    ] {
        leave_at_every_moment(CLIENT, ring, (0, 1), sizes);
    }
}

#[test]
fn partners_of_one_machine_part_at_any_moment() {
    for which in [CLIENT, SERVER] {
        leave_at_every_moment(which, SMALL_RING, (2, 2), (100, 100));
    }
}

#[test]
fn a_server_is_found_while_it_is_on_its_way_however_long_that_takes() {
    for to in [1, 2] {
        let mut world = World::new(SMALL_RING, (0, 1), (0, 0));
        world.processes[SERVER].call = Call::Request;
        world.call(SERVER, None);
        world.step();
        world.leave(SERVER, to, LOCATE_TIMEOUT + 3000);
        world.begin_client(CLIENT);
        world.run(2);
        assert_eq!(world.failures(), [], "{to}");
        world.check();
    }
}

/// A number from 0 to below `most`.
fn chance(random: &mut u32, most: u64) -> u64 {
    *random = xorshift(*random);
    u64::from(*random) % most
}

/// What a cable does to frames: percents that are lost and that come twice, and the longest time that one takes.
type Faults = (u32, u32, u32);

const GOOD: Faults = (0, 0, 1);

fn disturb(world: &mut World, (lost, doubled, slowest): Faults) {
    let cable = &mut world.cable;
    (cable.lost_percent, cable.doubled_percent, cable.slowest) = (lost, doubled, slowest);
}

/// A server and one of its clients go to and fro without a pause for so many journeys together; another client stays.
/// Each is at rest for less than `rest` milliseconds, and away for less than `way`.
fn go_back_to_back(
    seed: u32,
    journeys: usize,
    sizes: (usize, usize),
    rest: u64,
    way: u64,
    faults: Faults,
) -> World {
    let mut world = World::new(SMALL_RING, (3, 0), sizes);
    (world.overlap, world.reads) = (4, 25);
    world.cable.random = seed;
    disturb(&mut world, faults);
    let third = world.start(2);
    world.begin();
    world.begin_client(third);
    let mut random = seed;
    let between = [[3, 1], [0, 1]];
    // When each leaves next, if it does not wait for its arrival.
    let mut departures = [Some(50), Some(60)];
    let mut done = 0;
    while done < journeys {
        world.step();
        for which in [CLIENT, SERVER] {
            if world.is_away(which) {
                departures[which] = None;
                continue;
            }
            let now = world.cable.now;
            let next =
                departures[which].get_or_insert_with(|| now + world.overlap + 1 + chance(&mut random, rest));
            if *next <= now {
                let [one, other] = between[which];
                let to = if world.processes[which].kernel == one {
                    other
                } else {
                    one
                };
                let way = world.overlap + chance(&mut random, way);
                world.leave(which, to, way);
                done += 1;
            }
        }
    }
    let calls = world.outcomes.len();
    world.run(calls + 10);
    world
}

#[test]
fn a_client_and_its_server_go_back_to_back_and_no_call_fails() {
    for seed in 1..=8 {
        let world = go_back_to_back(seed, 2000, (0, 0), 25, 900, GOOD);
        assert_eq!(world.failures(), [], "{seed}");
        world.check();
    }
}

#[test]
fn calls_of_several_fragments_do_not_fail_either() {
    for seed in 1..=4 {
        let world = go_back_to_back(seed, 400, (4000, 3000), 60, 300, GOOD);
        assert_eq!(world.failures(), [], "{seed}");
        world.check();
    }
}

#[test]
fn nothing_is_executed_twice_back_to_back_on_a_bad_cable() {
    for (seed, faults) in (1..).zip([(5, 0, 1), (0, 10, 40), (3, 5, 400), (10, 10, 3), (1, 20, 1000)]) {
        for sizes in [(0, 0), (2000, 2000)] {
            go_back_to_back(seed, 400, sizes, 60, 300, faults).check();
        }
    }
}

/// More transactions than a server's kernel remembers of one that counts them.
const MANY: u32 = WINDOW + 100;

#[test]
fn a_request_waits_for_a_server_on_its_way_however_many_others_its_machine_makes() {
    let mut world = World::new(SMALL_RING, (3, 0), (0, 0));
    world.begin();
    world.run(1);
    world.leave(SERVER, 1, 3000);
    for _ in 0..1000 {
        world.step();
    }
    world.count(3, &[0, 1], MANY);
    world.run(4);
    assert_eq!(world.failures(), []);
    world.check();
}

#[test]
fn a_client_goes_to_and_fro_while_its_server_is_away_however_many_calls_its_machines_make() {
    let mut world = World::new(SMALL_RING, (3, 0), (0, 0));
    world.begin();
    world.run(1);
    world.leave(SERVER, 1, 9000);
    for journey in 0..20 {
        let to = [2, 3][journey % 2];
        world.leave(CLIENT, to, 200);
        for kernel in 2..=3 {
            world.count(kernel, &[0, 1], MANY / 8);
        }
        while world.is_away(CLIENT) {
            world.step();
        }
        for _ in 0..150 {
            world.step();
        }
    }
    world.run(4);
    assert_eq!(world.failures(), []);
    world.check();
}

proptest! {
    /// Both go to and fro under load, on a cable that loses, doubles and delays frames.
    #[test]
    fn no_call_is_executed_twice_whatever_the_cable_does(
        faults in (0..10_u32, 0..10_u32, 1..300_u32), is_good: bool, seed in any::<u32>(), is_small: bool,
        sizes in (0..6000_usize, 0..6000_usize),
        journeys in proptest::collection::vec((0..2_usize, 0..4_usize, 0..400_u64, 0..300_u64), 1..12),
    ) {
        let mut world = World::new(if is_small { SMALL_RING } else { LARGE_RING }, (0, 1), sizes);
        disturb(&mut world, if is_good { GOOD } else { faults });
        world.cable.random = seed | 1;
        world.begin();
        for (which, to, pause, time) in journeys {
            for _ in 0..pause {
                world.step();
            }
            if !world.is_away(which) {
                world.leave(which, to, time);
            }
        }
        let calls = world.outcomes.len();
        world.run(calls + 3);
        world.check();
        prop_assert!(!is_good || world.failures().is_empty(), "{:?}", world.failures());
    }
}
