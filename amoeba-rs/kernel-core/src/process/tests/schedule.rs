use super::{DATA, SERVER, World, id};
use crate::process::{DEFAULT_SLICE, Processes};
use proto::capability::Capability;
use proto::system_call::Call;
use std::vec::Vec;

#[test]
fn processes_take_turns_of_a_time_slice() {
    let mut world = World::new();
    for _ in 0..3 {
        world.exec(Capability::NULL, 1);
    }
    let mut turns = Vec::new();
    for _ in 0..60 {
        turns.push(world.next().unwrap().0);
        world.pass(10);
    }
    let expected: Vec<u16> = (0..60).map(|tick| tick / 10 % 3).collect();
    assert_eq!(turns, expected);
}

#[test]
fn a_process_that_waits_gives_the_rest_of_its_turn_to_the_next_which_has_a_whole_slice() {
    let mut world = World::new();
    for _ in 0..2 {
        world.exec(Capability::NULL, 1);
    }
    assert_eq!(world.next(), Some((0, 0)));
    world.pass(90);
    world.call(id(0, 0), Call::Await, [10_000, 0, 0, 0]);
    assert_eq!(world.next(), Some((1, 0)));
    world.pass(90);
    assert_eq!(world.next(), Some((1, 0)));
}

#[test]
fn threads_of_a_process_run_until_they_wait() {
    let mut world = World::new();
    world.exec(Capability::NULL, 3);
    for _ in 0..50 {
        assert_eq!(world.next(), Some((0, 0)));
        world.pass(10);
    }
    world.call(id(0, 0), Call::ThreadSwitch, [0; 4]);
    assert_eq!(world.next(), Some((0, 1)));
    world.call(id(0, 1), Call::Await, [100, 0, 0, 0]);
    assert_eq!(world.next(), Some((0, 2)));
}

#[test]
fn a_sleeper_wakes_with_the_sweep_after_its_time() {
    let mut world = World::new();
    world.exec(Capability::NULL, 1);
    world.pass(10);
    world.call(id(0, 0), Call::Await, [95, 0, 0, 0]);
    world.pass(90);
    assert_eq!(world.next(), None);
    world.pass(90);
    assert_eq!(world.next(), None);
    world.pass(10);
    assert_eq!(world.next(), Some((0, 0)));
    assert_eq!(world.value(id(0, 0)), 0);
}

#[test]
fn with_preemption_the_highest_priority_runs_and_equals_take_turns() {
    let mut world = World::new();
    world.exec(Capability::NULL, 3);
    assert_eq!(world.result(id(0, 0), Call::MaximumPriority, [0; 4]), 7);
    assert_eq!(world.next(), Some((0, 0)));
    world.call(id(0, 0), Call::EnablePreemption, [0; 4]);
    for thread in [1, 2] {
        assert_eq!(world.result(id(0, thread), Call::SetPriority, [3, DATA, 0, 0]), 0);
        assert_eq!(world.word(0, DATA), 0);
    }
    let mut turns = Vec::new();
    for _ in 0..40 {
        turns.push(world.next().unwrap().1);
        world.pass(10);
    }
    let expected: Vec<u16> = (0..40).map(|tick| 1 + tick / 10 % 2).collect();
    assert_eq!(turns, expected);
    world.call(id(0, 1), Call::Await, [500, 0, 0, 0]);
    world.call(id(0, 2), Call::Await, [500, 0, 0, 0]);
    assert_eq!(world.next(), Some((0, 0)));
    world.pass(600);
    assert_eq!(world.next(), Some((0, 1)));
}

#[test]
fn there_are_eight_priorities() {
    let mut world = World::new();
    world.exec(Capability::NULL, 1);
    assert_eq!(world.result(id(0, 0), Call::SetPriority, [7, DATA, 0, 0]), 0);
    assert_eq!(world.result(id(0, 0), Call::SetPriority, [8, DATA, 0, 0]), -1);
    assert_eq!(world.result(id(0, 0), Call::SetPriority, [0, DATA, 0, 0]), 0);
    assert_eq!(world.word(0, DATA), 7);
}

#[test]
fn the_load_of_one_busy_thread_approaches_1024() {
    let mut world = World::new();
    world.exec(Capability::NULL, 1);
    world.pass(60_000);
    assert!(
        (990..=1024).contains(&world.processes.load()),
        "{}",
        world.processes.load()
    );
    world.call(id(0, 0), Call::Await, [100_000, 0, 0, 0]);
    world.pass(3_200);
    // After as many sweeps as it forgets in, a little more than 1/e is left.
    assert!(
        (330..=390).contains(&world.processes.load()),
        "{}",
        world.processes.load()
    );
}

#[test]
fn without_processes_nothing_is_due_once_the_load_is_forgotten_and_the_sweeps_keep_their_beat() {
    let mut world = World::new();
    assert_eq!(world.processes.next_sweep(), u64::MAX);
    // In between two sweeps of the second after 1000 s.
    world.pass(1_000_030);
    world.exec(Capability::NULL, 1);
    assert_eq!(world.processes.next_sweep(), 1_000_100);
    world.pass(69);
    assert_eq!(
        (world.processes.load(), world.processes.next_sweep()),
        (0, 1_000_100)
    );
    world.pass(1);
    assert_eq!(world.processes.load(), 32, "one sweep has found one thread");
    world.call(id(0, 0), Call::ExitProcess, [0; 4]);
    let mut sweeps = 0;
    while world.processes.next_sweep() != u64::MAX {
        assert_eq!(world.processes.next_sweep(), world.now + 100);
        world.pass(100);
        sweeps += 1;
    }
    assert_eq!(world.processes.load(), 0);
    assert!((30..40).contains(&sweeps), "{sweeps} sweeps");
}

/// Two processes that compute and one that sleeps until 100 ms have passed, on a kernel that boosts or not, at 130 ms.
fn two_and_a_sleeper(is_boosting: bool) -> World {
    let mut world = World::new();
    world.processes = Processes::new(SERVER, DEFAULT_SLICE).boosting(is_boosting);
    for _ in 0..3 {
        world.exec(Capability::NULL, 1);
    }
    world.call(id(2, 0), Call::Await, [95, 0, 0, 0]);
    for _ in 0..13 {
        world.next();
        world.pass(10);
    }
    assert_eq!(world.next(), Some((1, 0)), "the second has had 30 ms");
    world
}

/// Who runs in each of these ticks.
fn turns(world: &mut World, ticks: usize) -> Vec<u16> {
    let mut turns = Vec::new();
    for _ in 0..ticks {
        turns.push(world.next().unwrap().0);
        world.pass(10);
    }
    turns
}

#[test]
fn who_waited_for_a_packet_goes_first_for_a_slice_and_the_interrupted_one_has_the_rest_of_his() {
    let mut world = two_and_a_sleeper(true);
    world.processes.unblocked_by_packet(2);
    let turns = turns(&mut world, 30);
    assert_eq!(turns[..10], [2; 10], "one slice at most");
    assert_eq!(turns[10..17], [1; 7]);
    assert_eq!(turns[17..27], [0; 10]);
    assert_eq!(turns[27..], [2; 3]);
}

#[test]
fn packets_without_end_leave_the_others_their_time() {
    let mut world = two_and_a_sleeper(true);
    let mut ran = [0; 2];
    for _ in 0..200 {
        world.processes.unblocked_by_packet(2);
        assert_eq!(world.next(), Some((2, 0)));
        world.call(id(2, 0), Call::Await, [1, 0, 0, 0]);
        let next = world.next().unwrap().0;
        ran[usize::from(next)] += 1;
        world.pass(90);
        world.pass(10);
    }
    assert_eq!(ran, [100, 100]);
}

#[test]
fn a_pair_that_waits_for_each_others_packets_does_not_keep_others_from_their_turns() {
    let mut world = two_and_a_sleeper(true);
    // The second and the third process take turns of 10 ms, each of which ends with a packet for the other one.
    world.processes.unblocked_by_packet(2);
    let mut first = 0;
    for _ in 0..200 {
        let (slot, _) = world.next().unwrap();
        world.pass(10);
        if slot == 0 {
            first += 1;
            continue;
        }
        world.call(id(slot, 0), Call::Await, [1, 0, 0, 0]);
        world.processes.wake(&mut world.machine, id(3 - slot, 0), 0);
        world.processes.unblocked_by_packet(3 - slot);
    }
    // A third at least, for each of the pair has one slice ahead of its turn; without the packets it would be nine tenths.
    assert!((60..=120).contains(&first), "{first} of 200 ticks");
}

#[test]
fn a_packet_changes_no_turn_of_a_kernel_that_does_not_boost() {
    let mut world = two_and_a_sleeper(false);
    world.processes.unblocked_by_packet(2);
    let turns = turns(&mut world, 27);
    assert_eq!(turns[..7], [1; 7]);
    // It waked before the first one's slice was over, so it is behind the second.
    assert_eq!(turns[7..17], [2; 10]);
    assert_eq!(turns[17..], [0; 10]);
}
