//! Copies of files.

use super::servers::{Id, Servers, capability, set};
use crate::round::{Plan, Report, round};
use proto::standard::Status;
use std::vec;

const ROOT: Id = (2, 1);
/// The servers of the replication set, and one that is none of it.
const SERVERS: [u8; 3] = [3, 5, 7];
const OTHER: u8 = 9;

/// A directory with a file on the first server, one on another, and a host.
fn world() -> Servers {
    let mut servers = Servers::default();
    let rows: [(&str, &[Id]); 3] = [("file", &[(3, 1)]), ("host", &[(6, 1)]), ("other", &[(OTHER, 1)])];
    servers.directory(ROOT, &rows);
    servers.file((3, 1), 77);
    servers.file((OTHER, 1), 5);
    servers.lives.insert((6, 1), 24);
    servers
}

fn run(servers: &mut Servers) -> Report {
    let plan = Plan {
        roots: vec![set(&[ROOT])],
        aged: vec![],
        replicas: SERVERS.map(|server| capability((server, 0))).into(),
    };
    round(servers, &plan)
}

#[test]
fn a_file_gets_a_copy_on_each_server_of_the_set() {
    let mut servers = world();
    assert_eq!(run(&mut servers).copied, 2);
    let row = servers.row(ROOT, "file");
    assert!(row.iter().map(|(server, _)| *server).eq(SERVERS));
    assert!(row.iter().all(|id| servers.files[id] == 77));
    assert_eq!(servers.row(ROOT, "other"), [(OTHER, 1)]);
    assert_eq!(servers.row(ROOT, "host"), [(6, 1)]);
    // And then no more.
    assert_eq!(run(&mut servers).copied, 0);
    assert_eq!(servers.row(ROOT, "file"), row);
}

#[test]
fn a_server_that_is_off_gets_its_copy_when_it_is_back() {
    let mut servers = world();
    servers.off.insert(7);
    let report = run(&mut servers);
    assert_eq!(report.failures, [(b"/file".to_vec(), Status::RpcNotFound)]);
    assert_eq!(servers.row(ROOT, "file").len(), 2);
    servers.off.clear();
    assert_eq!(run(&mut servers).copied, 1);
    assert_eq!(servers.row(ROOT, "file").len(), 3);
}

#[test]
fn a_copy_that_was_lost_is_made_anew_and_one_whose_server_is_off_is_kept() {
    let mut servers = world();
    run(&mut servers);
    let before = servers.row(ROOT, "file");
    servers.files.remove(&before[1]);
    servers.lives.remove(&before[1]);
    servers.off.insert(7);
    assert_eq!(run(&mut servers).copied, 1);
    let after = servers.row(ROOT, "file");
    assert_eq!(after.len(), 3);
    assert_eq!([after[0], after[1]], [before[0], before[2]]);
    assert_eq!(servers.files[&after[2]], 77);
}

#[test]
fn a_row_that_somebody_changes_meanwhile_stays_and_no_copies_are_left() {
    let mut servers = world();
    servers.changed = Some("file");
    let files = servers.files.clone();
    let report = run(&mut servers);
    assert_eq!(report.failures, [(b"/file".to_vec(), Status::NotNow)]);
    assert_eq!(servers.row(ROOT, "file"), [(3, 1)]);
    assert_eq!(servers.files, files);
}

#[test]
fn a_file_that_is_lost_everywhere_stays_in_its_row() {
    let mut servers = world();
    servers.files.remove(&(3, 1));
    servers.lives.remove(&(3, 1));
    let report = run(&mut servers);
    assert_eq!(report.copied, 0);
    assert_eq!(report.failures, [(b"/file".to_vec(), Status::BadCapability)]);
    assert_eq!(servers.row(ROOT, "file"), [(3, 1)]);
}
