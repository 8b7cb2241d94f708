//! What programs call, from end to end: paths over two servers of directories, of which one may be off.

use super::lab::{COLUMNS, Lab};
use super::model::{MASKS, file};
use alloc::vec::Vec;
use libamoeba::Transactions;
use libamoeba::directory::{self, Names};
use proto::capability::{Capability, Port, Rights};
use proto::capability_set::CapabilitySet;
use proto::message::Header;
use proto::soap::wire::Installation;
use proto::soap::{Failure, Status as Own};
use proto::standard::Status;

/// A kernel that leads to server 0 or, if that does not serve, to server 1; and to a second installation behind another port.
struct Kernel {
    lab: Lab,
    elsewhere: Option<Lab>,
}

impl Transactions for Kernel {
    fn trans(
        &mut self,
        request: &Header,
        request_data: &[u8],
        reply_data: &mut [u8],
    ) -> Result<(Header, usize), Status> {
        let is_here = request.port == self.lab.root.port;
        let lab = if is_here {
            Some(&mut self.lab)
        } else {
            self.elsewhere.as_mut()
        };
        let lab = lab.ok_or(Status::RpcNotFound)?;
        let first = (0..2).find(|number| lab.engines[*number].is_some());
        let reply = lab.request(first.ok_or(Status::RpcNotFound)?, request, request_data);
        let reply = reply.ok_or(Status::RpcFailure)?;
        reply_data[..reply.data.len()].copy_from_slice(&reply.data);
        Ok((reply.header, reply.data.len()))
    }

    fn getreq(&mut self, _port: Port, _data: &mut [u8]) -> Result<(Header, usize), Status> {
        Err(Status::RpcAborted)
    }

    fn putrep(&mut self, _reply: &Header, _data: &[u8]) {}
}

fn kernel() -> (Kernel, Names) {
    let lab = Lab::new(2, 9);
    let root = CapabilitySet::single(lab.root);
    let elsewhere = None;
    (Kernel { lab, elsewhere }, Names { root, work: root })
}

/// Makes a directory at a path.
fn make(kernel: &mut Kernel, names: &Names, path: &[u8]) -> Capability {
    let made = directory::create(kernel, &names.root, &COLUMNS, false).expect("room");
    names
        .append(kernel, path, &CapabilitySet::single(made), &[Rights::ALL; 4])
        .expect("a new name");
    made
}

#[test]
fn a_tree_is_built_used_and_taken_down_by_paths() {
    let (mut kernel, mut names) = kernel();
    for path in [&b"/home"[..], b"/home/ast", b"home/../home/ast/./src"] {
        make(&mut kernel, &names, path);
    }
    names.work = names.lookup(&mut kernel, b"/home/ast").expect("it was made");
    let one = CapabilitySet::single(file(1));
    names
        .append(&mut kernel, b"src/main", &one, &MASKS)
        .expect("a new name");
    assert_eq!(names.lookup(&mut kernel, b"/home/ast/src/main"), Ok(one));
    assert_eq!(
        names.append(&mut kernel, b"src/main", &one, &MASKS),
        Err(Status::Exists.into())
    );
    let two = CapabilitySet::single(file(2));
    names
        .replace(&mut kernel, b"src/../src/main", &two)
        .expect("it is there");
    assert_eq!(names.lookup(&mut kernel, b"src/main"), Ok(two));
    names
        .change_masks(&mut kernel, b"src/main", &[Rights(0x07); 4])
        .expect("it is there");
    let (source, name) = names.parent(&mut kernel, b"src/main").expect("it is there");
    assert_eq!(name, b"main");
    let expected = ([Rights(7), Rights(7), Rights(7), Rights(0)], 3);
    assert_eq!(directory::masks(&mut kernel, &source, b"main"), Ok(expected));
    let listing = directory::list(&mut kernel, &source).expect("a column");
    assert_eq!(listing.columns, COLUMNS);
    assert_eq!(listing.rows, [(b"main".to_vec(), expected.0)]);
    let before = directory::sequence(&mut kernel, &source).expect("it serves");
    directory::put_type(&mut kernel, &source, b"main", &file(9)).expect("it is there");
    assert!(directory::sequence(&mut kernel, &source).expect("it serves") > before);
    assert_eq!(
        directory::discard(&mut kernel, &source),
        Err(Own::NotEmpty.into())
    );
    names.delete(&mut kernel, b"src/main").expect("it is there");
    directory::discard(&mut kernel, &source).expect("it is empty");
    assert_eq!(
        names.lookup(&mut kernel, b"nothing/here"),
        Err(Status::NotFound.into())
    );
}

#[test]
fn while_one_server_is_off_clients_notice_nothing() {
    let (mut kernel, names) = kernel();
    make(&mut kernel, &names, b"/dir");
    kernel.lab.copy_files(0);
    kernel.lab.switch_off(0);
    let one = CapabilitySet::single(file(1));
    names
        .append(&mut kernel, b"/dir/row", &one, &MASKS)
        .expect("a new name");
    assert_eq!(names.lookup(&mut kernel, b"/dir/row"), Ok(one));
    kernel.lab.switch_off(1);
    assert_eq!(
        names.lookup(&mut kernel, b"/dir/row"),
        Err(Status::RpcNotFound.into())
    );
}

#[test]
fn paths_of_any_length_are_followed_in_pieces() {
    let (mut kernel, names) = kernel();
    let mut path = Vec::new();
    for level in 0..40_u8 {
        path.extend([b"/directory-", &[b'0' + level / 10, b'0' + level % 10][..]].concat());
        make(&mut kernel, &names, &path);
    }
    assert!(path.len() > 2 * proto::soap::LONGEST_PATH);
    path.extend(b"/end");
    names
        .append(&mut kernel, &path, &CapabilitySet::single(file(3)), &MASKS)
        .expect("a new name");
    assert_eq!(
        names.lookup(&mut kernel, &path),
        Ok(CapabilitySet::single(file(3)))
    );
    let long = [b'x'; 256];
    assert_eq!(names.lookup(&mut kernel, &long), Err(Status::BadArgument.into()));
}

#[test]
fn a_path_goes_on_at_another_server() {
    let (mut kernel, names) = kernel();
    let mut other = super::lab::Lab::with_public_port(Port([0x33; 6]));
    other.recover();
    let link = CapabilitySet::single(other.root);
    kernel.elsewhere = Some(other);
    names
        .append(&mut kernel, b"/mnt", &link, &[Rights::ALL; 4])
        .expect("a new name");
    let one = CapabilitySet::single(file(1));
    names
        .append(&mut kernel, b"/mnt/row", &one, &MASKS)
        .expect("a new name");
    assert_eq!(names.lookup(&mut kernel, b"/mnt/row"), Ok(one));
    assert_eq!(names.lookup(&mut kernel, b"/mnt/../mnt/row"), Ok(one));
    assert_eq!(
        directory::list(&mut kernel, &link).map(|listing| listing.rows.len()),
        Ok(1)
    );
}

#[test]
fn several_rows_are_installed_and_found_at_once() {
    let (mut kernel, names) = kernel();
    let mut asked = Vec::new();
    for path in [&b"/a"[..], b"/b"] {
        let made = CapabilitySet::single(make(&mut kernel, &names, path));
        directory::append(
            &mut kernel,
            &made,
            b"row",
            &CapabilitySet::single(file(1)),
            &MASKS,
        )
        .expect("a new name");
        asked.push((made, &b"row"[..]));
    }
    let install = |old: [u32; 2]| -> Vec<Installation<'static>> {
        let places = asked.iter().zip(old);
        let all = places.map(|((directory, _), old)| Installation {
            directory: *directory,
            name: b"row",
            set: CapabilitySet::single(file(2)),
            old: file(old),
        });
        all.collect()
    };
    let clash = Err(Failure::Directory(Own::Clash));
    assert_eq!(directory::install(&mut kernel, &install([1, 7])), clash);
    let now = |kernel: &mut Kernel| -> Vec<CapabilitySet> {
        let found = directory::lookup_names(kernel, &asked).expect("it serves");
        found
            .iter()
            .map(|entry| entry.as_ref().expect("it is there").set)
            .collect()
    };
    assert_eq!(now(&mut kernel), [CapabilitySet::single(file(1)); 2]);
    assert_eq!(directory::install(&mut kernel, &install([1, 1])), Ok(()));
    assert_eq!(now(&mut kernel), [CapabilitySet::single(file(2)); 2]);
    assert_eq!(
        directory::install(&mut kernel, &[]),
        Err(Status::BadArgument.into())
    );
    let missing = directory::lookup_names(&mut kernel, &[(asked[0].0, b"x")]).expect("it serves");
    assert_eq!(missing, [Err(Failure::Standard(Status::NotFound))]);
}
