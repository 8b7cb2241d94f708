//! Sizes, ageing and choice of the routing table.

use super::{Location, Membership, Route, Sizes, Table, Wanted, Way};
use proto::flip::{Address, Counts};

const ANY: Wanted = Wanted {
    except: None,
    budget: 25,
    trusted: false,
};

fn address(number: u16) -> Address {
    let [a, b] = number.to_le_bytes();
    Address([a, b, 1, 1, 1, 1, 1, 0])
}

fn route(network: u8, place: u8, hops: u16) -> Route {
    Route {
        network,
        location: Location([2, 0, 0, 0, 0, place]),
        hops,
        counts: Counts {
            locations: 1,
            trusted: 1,
        },
        multicast: Membership::Unknown,
    }
}

fn table(size: u16) -> Table {
    Table::new(Sizes {
        addresses: size,
        networks: size,
        locations: size,
    })
}

fn knows(table: &Table, number: u16) -> bool {
    table.found(address(number), None).is_some()
}

#[test]
fn a_kernel_knows_400_addresses_and_600_places() {
    assert_eq!(
        Sizes::STANDARD,
        Sizes {
            addresses: 400,
            networks: 400,
            locations: 600
        }
    );
    let mut table = Table::new(Sizes::STANDARD);
    for number in 0..400 {
        assert!(table.install(address(number), route(1, 1, 3), false));
    }
    for place in 0..200 {
        assert!(table.install(address(7), route(1, 2 + place, 3), false));
    }
    assert_eq!(table.used(), [400, 400, 600]);
}

#[test]
fn a_full_table_forgets_the_address_that_was_not_used_for_longest() {
    let mut table = table(3);
    for number in 0..3 {
        table.install(address(number), route(1, 1, 3), false);
    }
    assert!(matches!(table.way(address(0), ANY), Way::Found(_)));
    assert!(table.install(address(3), route(1, 1, 3), false));
    assert!(knows(&table, 0) && !knows(&table, 1) && knows(&table, 2) && knows(&table, 3));
    assert_eq!(table.used(), [3, 3, 3]);
}

#[test]
fn addresses_of_this_machine_are_never_purged() {
    let mut table = table(3);
    for number in 0..3 {
        table.install(address(number), route(0, 1, 0), true);
    }
    assert!(!table.install(address(3), route(1, 1, 3), false));
    assert!(!table.install(address(0), route(1, 1, 3), false));
    for number in 0..3 {
        table.forget(address(number));
    }
    assert_eq!(table.used(), [3, 3, 3]);
}

#[test]
fn a_place_too_many_makes_another_address_go_and_not_its_own() {
    let mut table = Table::new(Sizes {
        addresses: 3,
        networks: 3,
        locations: 3,
    });
    table.install(address(0), route(1, 1, 3), false);
    table.install(address(1), route(1, 1, 3), false);
    table.install(address(0), route(1, 2, 3), false);
    assert!(table.install(address(0), route(1, 3, 3), false));
    assert!(!knows(&table, 1));
    assert!(!table.install(address(0), route(1, 4, 3), false));
    assert_eq!(table.used(), [1, 1, 3]);
}

#[test]
fn a_table_less_than_three_quarters_full_forgets_nothing() {
    let mut table = table(8);
    for number in 0..5 {
        table.install(address(number), route(1, 1, 3), false);
    }
    for _ in 0..1000 {
        table.sweep();
    }
    assert_eq!(table.used(), [5, 5, 5]);
}

#[test]
fn a_crowded_table_forgets_what_is_at_least_of_average_age() {
    let mut table = table(8);
    for number in 0..4 {
        table.install(address(number), route(1, 1, 3), false);
    }
    table.sweep();
    table.sweep();
    for number in 4..6 {
        table.install(address(number), route(1, 1, 3), false);
    }
    // Used, so young again.
    table.way(address(0), ANY);
    // Ages 1, 3, 3, 3, 1, 1: the average is 2.
    table.sweep();
    let known: [bool; 6] = core::array::from_fn(|number| knows(&table, number as u16));
    assert_eq!(known, [true, false, false, false, true, true]);
}

#[test]
fn the_sweep_spares_this_machine() {
    let mut table = table(4);
    for number in 0..3 {
        table.install(address(number), route(0, 1, 0), true);
    }
    table.sweep();
    assert_eq!(table.used(), [3, 3, 3]);
}

#[test]
fn fewest_hops_are_best_and_of_equals_the_last_learnt() {
    let mut table = table(8);
    table.install(address(1), route(1, 1, 6), false);
    table.install(address(1), route(2, 2, 3), false);
    table.install(address(1), route(2, 3, 3), false);
    assert_eq!(table.way(address(1), ANY), Way::Found(route(2, 3, 3)));
    let except = Wanted {
        except: Some(2),
        ..ANY
    };
    assert_eq!(table.way(address(1), except), Way::Found(route(1, 1, 6)));
    let near = Wanted {
        except: Some(2),
        budget: 5,
        ..ANY
    };
    assert_eq!(table.way(address(1), near), Way::None);
    assert_eq!(table.way(address(2), ANY), Way::None);
}

#[test]
fn a_way_that_is_not_trusted_is_told_apart_from_none() {
    let mut table = table(8);
    table.install(address(1), route(1, 1, 3), false);
    table.distrust(address(1), 1, route(1, 1, 3).location);
    let secure = Wanted { trusted: true, ..ANY };
    assert_eq!(table.way(address(1), secure), Way::Untrusted);
    assert!(matches!(table.way(address(1), ANY), Way::Found(_)));
}

#[test]
fn counts_add_up_beyond_other_networks() {
    let mut table = table(8);
    table.install(address(1), route(1, 1, 3), false);
    table.install(address(1), route(1, 2, 9), false);
    table.install(address(1), route(2, 3, 6), false);
    let found = table.found(address(1), Some(2)).unwrap();
    assert_eq!((found.counts.locations, found.furthest), (2, 9));
    let found = table.found(address(1), None).unwrap();
    assert_eq!((found.counts.locations, found.counts.trusted), (3, 3));
}

#[test]
fn rows_of_all_levels_come_back() {
    let mut table = table(4);
    for _ in 0..3 {
        for number in 0..2 {
            table.install(address(number * 256), route(1, 1, 3), false);
            table.install(address(number * 256), route(2, 1, 3), false);
        }
        assert_eq!(table.used(), [2, 4, 4]);
        table.remove(address(0), 1, route(1, 1, 3).location);
        assert_eq!(table.used(), [2, 3, 3]);
        table.forget_network(2);
        assert_eq!(table.used(), [1, 1, 1]);
        table.forget(address(256));
        assert_eq!(table.used(), [0, 0, 0]);
    }
}
