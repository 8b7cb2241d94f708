//! Random requests beside a model: a list of files with their contents.

use super::world::{Client, Medium, pattern, serve};
use crate::check::check;
use libamoeba::classes::bullet;
use libamoeba::standard;
use proptest::collection::vec as many;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proto::bullet::{Commit, DRAFT_SWEEPS};
use proto::capability::Capability;
use proto::standard::Status;
use std::vec;
use std::vec::Vec;

/// A request, or what happens to the server.
#[derive(Clone, Copy, Debug)]
enum Step {
    Create(usize, u8),
    Modify(usize, usize, usize, u8),
    Insert(usize, usize, usize, u8),
    Delete(usize, usize, usize, u8),
    Like(usize, bool),
    Read(usize, usize, usize),
    Copy(usize),
    Destroy(usize),
    Sweep,
    Sync,
    Compact,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![3 => 0..3000_usize, 1 => 0..12_000_usize];
    let edit = (any::<usize>(), any::<usize>(), 0..2500_usize, 0..4_u8);
    prop_oneof![
        6 => (size, 0..4_u8).prop_map(|(length, commit)| Step::Create(length, commit)),
        4 => edit.clone().prop_map(|(which, offset, length, commit)| Step::Modify(which, offset, length, commit)),
        3 => edit.clone().prop_map(|(which, offset, length, commit)| Step::Insert(which, offset, length, commit)),
        3 => edit.prop_map(|(which, offset, length, commit)| Step::Delete(which, offset, length, commit)),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(which, same)| Step::Like(which, same)),
        6 => (any::<usize>(), any::<usize>(), 0..4000_usize).prop_map(|(which, offset, length)| Step::Read(which, offset, length)),
        1 => any::<usize>().prop_map(Step::Copy),
        3 => any::<usize>().prop_map(Step::Destroy),
        1 => Just(Step::Sweep),
        1 => Just(Step::Sync),
        1 => Just(Step::Compact),
        1 => Just(Step::Restart),
    ]
}

#[derive(Clone, Debug)]
struct File {
    capability: Capability,
    data: Vec<u8>,
    /// Sweeps since a draft has changed; `None` for a committed file.
    draft: Option<u8>,
    /// Whether it is on the disk for certain.
    is_safe: bool,
}

struct Model {
    files: Vec<File>,
    /// Whether there may be too little memory or disk.
    is_tight: bool,
    seed: u32,
}

impl Model {
    fn data(&mut self, length: usize) -> Vec<u8> {
        self.seed += 1;
        pattern(self.seed, length)
    }

    /// Notes what has come of an edit of `old`, or of nothing.
    fn note(
        &mut self,
        old: Option<usize>,
        result: Result<Capability, Status>,
        data: Vec<u8>,
        commit: Commit,
    ) {
        let capability = match result {
            Ok(capability) => capability,
            Err(status) => {
                let is_room = matches!(status, Status::NoMemory | Status::NoSpace);
                assert!(is_room && self.is_tight, "{status}");
                return;
            }
        };
        let is_committed = commit.contains(Commit::COMMIT);
        let file = File {
            capability,
            data,
            draft: (!is_committed).then_some(0),
            is_safe: commit == Commit::all(),
        };
        match old.filter(|old| self.files[*old].draft.is_some()) {
            Some(old) => {
                assert_eq!(
                    self.files[old].capability, capability,
                    "a draft stays the same file"
                );
                self.files[old] = file;
            }
            None => {
                assert!(
                    self.files.iter().all(|other| other.capability != capability),
                    "a new file"
                );
                self.files.push(file);
            }
        }
    }

    fn edit(&mut self, client: &mut Client<'_, '_>, step: Step) {
        let (Step::Modify(which, place, length, commit)
        | Step::Insert(which, place, length, commit)
        | Step::Delete(which, place, length, commit)) = step
        else {
            return;
        };
        if self.files.is_empty() {
            return;
        }
        let which = which % self.files.len();
        let commit = Commit::from_bits_truncate(commit.into());
        let fresh = self.data(length);
        let file = &self.files[which];
        let (capability, mut data) = (file.capability, file.data.clone());
        let offset = place % (data.len() + 1);
        let at = offset as u32;
        let result = match step {
            Step::Modify(..) => {
                let end = data.len().max(offset + length);
                data.resize(end, 0);
                data[offset..offset + length].copy_from_slice(&fresh);
                bullet::modify(client, &capability, at, &fresh, commit)
            }
            Step::Insert(..) => {
                data.splice(offset..offset, fresh.iter().copied());
                bullet::insert(client, &capability, at, &fresh, commit)
            }
            _ => {
                data.drain(offset..data.len().min(offset + length));
                bullet::delete(client, &capability, at, length as u32, commit)
            }
        };
        // What fails may have been changed, but only as far as it was not committed.
        if result == Err(Status::NoSpace) && self.files[which].draft.is_some() {
            self.files[which].data = data;
            self.files[which].draft = Some(0);
            return;
        }
        self.note(Some(which), result, data, commit);
    }

    fn like(&mut self, client: &mut Client<'_, '_>, which: usize, is_same: bool) {
        let Some(file) = self.files.get(which % self.files.len().max(1)).cloned() else {
            return;
        };
        let mut data = file.data.clone();
        if !is_same {
            data.push(7);
        }
        let result = bullet::create(client, &file.capability, &data, Commit::COMMIT);
        if file.draft.is_some() {
            assert_eq!(result, Err(Status::BadCapability));
        } else if is_same && result.is_ok() {
            assert_eq!(result, Ok(file.capability));
        } else {
            self.note(None, result, data, Commit::COMMIT);
        }
    }

    fn read(&self, client: &mut Client<'_, '_>, which: usize, offset: usize, length: usize) {
        let Some(file) = self.files.get(which % self.files.len().max(1)) else {
            return;
        };
        let offset = offset % (file.data.len() + 2);
        let mut data = vec![0; length];
        let result = bullet::read(client, &file.capability, offset as u32, &mut data);
        if length == 0 {
            assert_eq!(result, Ok(0));
        } else if file.draft.is_some() {
            assert_eq!(result, Err(Status::BadCapability));
        } else if offset > file.data.len() {
            assert_eq!(result, Err(Status::BadArgument));
        } else if result == Err(Status::NoMemory) && self.is_tight {
            assert!(
                self.files.iter().any(|file| file.draft.is_some()),
                "only drafts cannot go"
            );
        } else {
            let there = (file.data.len() - offset).min(length);
            assert_eq!(result, Ok(there));
            assert!(data[..there] == file.data[offset..offset + there]);
        }
    }

    fn other(&mut self, client: &mut Client<'_, '_>, server: &Capability, step: Step) {
        match step {
            Step::Create(length, commit) => {
                let data = self.data(length);
                let commit = Commit::from_bits_truncate(commit.into());
                let result = bullet::create(client, server, &data, commit);
                self.note(None, result, data, commit);
            }
            Step::Copy(which) if !self.files.is_empty() => {
                let file = self.files[which % self.files.len()].clone();
                let result = standard::copy(client, server, &file.capability);
                if file.draft.is_some() {
                    assert_eq!(result, Err(Status::BadCapability));
                } else {
                    self.note(None, result, file.data, Commit::all());
                }
            }
            Step::Destroy(which) if !self.files.is_empty() => {
                let file = self.files.swap_remove(which % self.files.len());
                assert_eq!(standard::destroy(client, &file.capability), Ok(()));
                assert_eq!(bullet::size(client, &file.capability), Err(Status::BadCapability));
            }
            Step::Sweep => {
                client.0.sweep();
                self.files.retain_mut(|file| {
                    file.is_safe |= file.draft.is_none();
                    file.draft.as_mut().is_none_or(|idle| {
                        *idle += 1;
                        *idle < DRAFT_SWEEPS
                    })
                });
            }
            Step::Sync | Step::Compact => {
                let command = if matches!(step, Step::Sync) {
                    bullet::sync
                } else {
                    bullet::compact
                };
                assert_eq!(command(client, server), Ok(()));
                for file in &mut self.files {
                    file.is_safe |= file.draft.is_none();
                }
            }
            _ => {}
        }
    }

    /// Carries requests out until the server is to be restarted: how many.
    fn run(&mut self, client: &mut Client<'_, '_>, server: &Capability, steps: &[Step]) -> usize {
        for (done, step) in steps.iter().enumerate() {
            match *step {
                Step::Restart => return done + 1,
                Step::Modify(..) | Step::Insert(..) | Step::Delete(..) => self.edit(client, *step),
                Step::Like(which, is_same) => self.like(client, which, is_same),
                Step::Read(which, offset, length) => self.read(client, which, offset, length),
                step => self.other(client, server, step),
            }
            client.0.assert_idle();
        }
        steps.len()
    }

    /// After a restart drafts are gone, and files that were not on the disk for certain may be.
    fn restart(&mut self, client: &mut Client<'_, '_>) {
        self.files.retain_mut(|file| {
            let is_there = bullet::size(client, &file.capability).is_ok();
            assert!(is_there || !file.is_safe, "what is safe stays");
            assert!(!is_there || file.draft.is_none(), "drafts go");
            file.is_safe = true;
            is_there
        });
    }
}

fn run(steps: &[Step], sectors: usize, inodes: u32, cache: usize, is_tight: bool) {
    let medium = Medium::formatted(sectors, 9, inodes);
    let mut model = Model {
        files: Vec::new(),
        is_tight,
        seed: 0,
    };
    let mut done = 0;
    loop {
        serve(&medium, cache, |client, server, checked| {
            assert_eq!(checked.findings, []);
            model.restart(client);
            assert_eq!(checked.files(), model.files.len(), "no other files");
            done += model.run(client, server, &steps[done..]);
            if done == steps.len() {
                for which in 0..model.files.len() {
                    model.read(client, which, 0, 100_000);
                }
            }
        });
        assert_eq!(check(&medium, false).expect("a file system").findings, []);
        if done == steps.len() {
            return;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn with_room_enough_every_request_succeeds(steps in many(step(), 1..60)) {
        run(&steps, 4000, 200, 4000, false);
    }

    #[test]
    fn with_a_small_cache_and_disk_nothing_is_lost(steps in many(step(), 1..120)) {
        run(&steps, 110, 20, 40, true);
    }
}
