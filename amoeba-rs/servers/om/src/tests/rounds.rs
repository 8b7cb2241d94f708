//! Walks, touches and ages.

use super::servers::{Id, LIVES, Servers, capability, set};
use crate::round::{Plan, round};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proto::standard::Status;
use std::collections::BTreeSet;
use std::string::String;
use std::vec;
use std::vec::Vec;

/// Servers of directories and of files.
const SOAP: u8 = 2;
const BULLET: u8 = 3;
const ROOT: Id = (SOAP, 1);

fn plan() -> Plan {
    Plan {
        roots: vec![set(&[ROOT])],
        aged: vec![capability((SOAP, 0)), capability((BULLET, 0))],
        replicas: vec![],
    }
}

/// `/bin/ls`, `/bin/cat`, `/home/me/cat`, which is the same, and `/home/me/up`, which is `/home`. Some things lie nowhere.
fn tree() -> Servers {
    let mut servers = Servers::default();
    servers.directory(ROOT, &[("bin", &[(SOAP, 2)]), ("home", &[(SOAP, 3)])]);
    servers.directory((SOAP, 2), &[("ls", &[(BULLET, 1)]), ("cat", &[(BULLET, 2)])]);
    servers.directory((SOAP, 3), &[("me", &[(SOAP, 4)])]);
    servers.directory((SOAP, 4), &[("cat", &[(BULLET, 2)]), ("up", &[(SOAP, 3)])]);
    servers.directory((SOAP, 5), &[("lost", &[(BULLET, 4)])]);
    for number in 1..=4 {
        servers.file((BULLET, number), number);
    }
    servers
}

#[test]
fn everything_that_can_be_reached_is_touched_once() {
    let mut servers = tree();
    let report = round(&mut servers, &plan());
    let touched: Vec<Id> = servers.touches.keys().copied().collect();
    assert_eq!(
        touched,
        [ROOT, (SOAP, 2), (SOAP, 3), (SOAP, 4), (BULLET, 1), (BULLET, 2)]
    );
    assert!(servers.touches.values().all(|count| *count == 1));
    assert_eq!((report.directories, report.touched, report.aged), (4, 6, 2));
    assert!(report.unread.is_empty() && report.failures.is_empty());
}

#[test]
fn what_lies_in_no_directory_goes_after_24_rounds() {
    let mut servers = tree();
    for _ in 1..LIVES {
        round(&mut servers, &plan());
    }
    assert!(servers.files.contains_key(&(BULLET, 3)) && servers.directories.contains_key(&(SOAP, 5)));
    round(&mut servers, &plan());
    assert!(servers.files.keys().eq(&[(BULLET, 1), (BULLET, 2)]));
    assert!(
        servers
            .directories
            .keys()
            .eq(&[ROOT, (SOAP, 2), (SOAP, 3), (SOAP, 4)])
    );
    for _ in 0..2 * LIVES {
        round(&mut servers, &plan());
    }
    assert_eq!((servers.files.len(), servers.directories.len()), (2, 4));
}

#[test]
fn nothing_grows_older_while_a_directory_cannot_be_read() {
    let mut servers = tree();
    // A second directory server, which has gone away.
    servers.directory((4, 1), &[("file", &[(BULLET, 3)])]);
    let away = servers.directories.get_mut(&(SOAP, 3)).unwrap();
    away.insert("other".into(), vec![(4, 1)]);
    let with_other = Plan {
        roots: vec![set(&[ROOT]), set(&[(4, 1)])],
        ..plan()
    };
    servers.off.insert(4);
    for _ in 0..2 * LIVES {
        let report = round(&mut servers, &with_other);
        assert_eq!(report.aged, 0);
        assert_eq!(report.unread, [(b"/".to_vec(), Status::RpcNotFound)]);
    }
    assert!(servers.files.contains_key(&(BULLET, 3)));
    servers.off.clear();
    assert_eq!(round(&mut servers, &with_other).aged, 2);
}

#[test]
fn a_host_that_is_off_and_a_name_of_what_is_gone_stop_nothing() {
    let mut servers = tree();
    let home = servers.directories.get_mut(&(SOAP, 3)).unwrap();
    home.insert("pool1".into(), vec![(7, 1)]);
    home.insert("gone".into(), vec![(BULLET, 99)]);
    servers.off.insert(7);
    let report = round(&mut servers, &plan());
    assert_eq!((report.aged, report.unread.len()), (2, 0));
    let paths: Vec<String> = report
        .failures
        .iter()
        .map(|(path, why)| std::format!("{} {}", String::from_utf8_lossy(path), why.code()))
        .collect();
    assert_eq!(paths, ["/home/gone -1000", "/home/pool1 -2", "touch -2"]);
}

#[test]
fn either_server_of_a_directory_will_do() {
    let mut servers = tree();
    servers.directory((8, 1), &[("bin", &[(SOAP, 2)])]);
    servers.off.insert(8);
    let both = Plan {
        roots: vec![set(&[(8, 1), ROOT])],
        ..plan()
    };
    let report = round(&mut servers, &both);
    assert_eq!((report.directories, report.aged), (4, 2));
}

#[test]
fn many_objects_are_touched_in_pieces() {
    let mut servers = Servers::default();
    let names: Vec<String> = (0..100).map(|number| std::format!("file{number:03}")).collect();
    let ids: Vec<[Id; 1]> = (0..100).map(|number| [(BULLET, number)]).collect();
    let rows: Vec<(&str, &[Id])> = names
        .iter()
        .zip(&ids)
        .map(|(name, id)| (&**name, &id[..]))
        .collect();
    servers.directory(ROOT, &rows);
    for [id] in &ids {
        servers.file(*id, 0);
    }
    let report = round(&mut servers, &plan());
    assert_eq!(report.touched, 101);
    assert!(ids.iter().all(|[id]| servers.touches[id] == 1));
}

proptest! {
    /// In any graph of directories, exactly what can be reached is touched, and each object once.
    #[test]
    fn a_round_touches_what_can_be_reached(
        graph in proptest::collection::vec(proptest::collection::vec((any::<bool>(), 0_u32..12), 0..6), 1..12),
    ) {
        let mut servers = Servers::default();
        for (number, rows) in (0_u32..).zip(&graph) {
            let ids: Vec<[Id; 1]> = rows
                .iter()
                .map(|(is_file, number)| [(if *is_file { BULLET } else { SOAP }, number % graph.len() as u32)])
                .collect();
            let names: Vec<String> = (0..ids.len()).map(|place| std::format!("{place}")).collect();
            let rows: Vec<(&str, &[Id])> = names.iter().zip(&ids).map(|(name, id)| (&**name, &id[..])).collect();
            servers.directory((SOAP, number), &rows);
            servers.file((BULLET, number), 0);
        }
        let mut reached = BTreeSet::from([(SOAP, 0)]);
        let mut before = 0;
        while reached.len() > before {
            before = reached.len();
            for id in reached.clone() {
                let rows = servers.directories.get(&id).into_iter().flat_map(|rows| rows.values());
                reached.extend(rows.flatten().copied());
            }
        }
        let report = round(&mut servers, &Plan { roots: vec![set(&[(SOAP, 0)])], ..plan() });
        prop_assert!(servers.touches.values().all(|count| *count == 1));
        prop_assert_eq!(servers.touches.keys().copied().collect::<BTreeSet<_>>(), reached);
        prop_assert!(report.unread.is_empty());
    }
}
