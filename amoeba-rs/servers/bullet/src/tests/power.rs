//! The power fails at every sector that a script of requests writes. After the restart every file whose commit was acknowledged with
//! safety is whole, nothing that was destroyed comes back, and the check finds nothing.

use super::world::{Client, Medium, pattern, serve};
use crate::check::check;
use libamoeba::classes::bullet;
use libamoeba::standard;
use proto::bullet::disk::INODES_OF_SECTOR;
use proto::bullet::{Commit, LIFETIME};
use proto::capability::Capability;
use proto::standard::Status;
use std::vec;
use std::vec::Vec;

/// A file that was on the disk when the reply came.
#[derive(Clone)]
struct Kept {
    file: Capability,
    data: Vec<u8>,
    /// Whether somebody has asked for its destruction, so that it may be gone.
    is_doomed: bool,
    /// Whether its destruction was acknowledged, so that it must be gone.
    is_gone: bool,
}

/// What a client knows.
#[derive(Default)]
struct Known {
    kept: Vec<Kept>,
    /// How many requests were carried out.
    steps: u32,
}

type Step = Result<(), Status>;

impl Known {
    fn keep(&mut self, file: Capability, data: &[u8]) {
        self.kept.push(Kept {
            file,
            data: data.to_vec(),
            is_doomed: false,
            is_gone: false,
        });
        self.steps += 1;
    }

    fn destroy(&mut self, client: &mut Client<'_, '_>, which: usize) -> Step {
        self.kept[which].is_doomed = true;
        standard::destroy(client, &self.kept[which].file)?;
        self.kept[which].is_gone = true;
        self.steps += 1;
        Ok(())
    }

    fn create(&mut self, client: &mut Client<'_, '_>, server: &Capability, seed: u32, length: usize) -> Step {
        let data = pattern(seed, length);
        let file = bullet::create(client, server, &data, Commit::all())?;
        self.keep(file, &data);
        Ok(())
    }

    /// Synchronises: files that were committed without safety are kept from now on.
    fn sync(
        &mut self,
        client: &mut Client<'_, '_>,
        server: &Capability,
        late: Vec<(Capability, Vec<u8>)>,
    ) -> Step {
        bullet::sync(client, server)?;
        for (file, data) in late {
            self.keep(file, &data);
        }
        Ok(())
    }
}

/// Every kind of request that writes, up to the first one that fails.
fn script(client: &mut Client<'_, '_>, server: &Capability, known: &mut Known) -> Step {
    for number in 0..4 {
        known.create(client, server, number, 300 + 900 * number as usize)?;
    }
    known.create(client, server, 9, 0)?;
    let long = pattern(10, 40_000);
    let file = bullet::create(client, server, &long, Commit::all())?;
    known.keep(file, &long);
    // A draft that is edited, then committed.
    let draft = bullet::create(client, server, &pattern(11, 1000), Commit::empty())?;
    bullet::insert(client, &draft, 500, b"between", Commit::empty())?;
    bullet::delete(client, &draft, 0, 100, Commit::empty())?;
    bullet::commit(client, &draft, true)?;
    let mut data = pattern(11, 1000);
    data.splice(500..500, *b"between");
    data.drain(..100);
    known.keep(draft, &data);
    known.destroy(client, 1)?;
    // Committed without safety, then synchronised.
    let late = (20..23)
        .map(|seed| {
            let data = pattern(seed, 700 * (seed as usize - 19));
            bullet::create(client, server, &data, Commit::COMMIT).map(|file| (file, data))
        })
        .collect::<Result<Vec<_>, Status>>()?;
    known.sync(client, server, late)?;
    // Changed copies of a file that stays.
    let copy = bullet::modify(client, &known.kept[2].file, 100, b"changed", Commit::all())?;
    let mut data = known.kept[2].data.clone();
    data[100..107].copy_from_slice(b"changed");
    known.keep(copy, &data);
    let copy = standard::copy(client, server, &known.kept[3].file)?;
    let data = known.kept[3].data.clone();
    known.keep(copy, &data);
    known.destroy(client, 0)?;
    known.destroy(client, 2)?;
    known.create(client, server, 30, 2500)?;
    known.destroy(client, 6)?;
    bullet::compact(client, server)?;
    known.steps += 1;
    known.create(client, server, 31, 5000)?;
    bullet::check(client, server)?;
    // Everything gets old but what is touched.
    for kept in &mut known.kept {
        kept.is_doomed |= kept.file.private.object() % 2 == 1;
    }
    for _ in 0..LIFETIME {
        let young = known
            .kept
            .iter()
            .filter(|kept| !kept.is_doomed)
            .map(|kept| kept.file.private);
        standard::touch_many(client, server, &young.collect::<Vec<_>>())?;
        standard::age(client, server)?;
    }
    known
        .kept
        .iter_mut()
        .for_each(|kept| kept.is_gone = kept.is_doomed);
    known.steps += 1;
    known.create(client, server, 32, 3000)
}

/// Whether a restarted server has what it must, and nothing that it must not.
fn verify(medium: &Medium, known: &Known, cache: usize) {
    let checked = check(medium, false).expect("a file system");
    assert_eq!(checked.findings, []);
    let is_lost = |file: &Capability| Some(file.private.object() / INODES_OF_SECTOR) == checked.unreadable;
    serve(medium, cache, |client, server, _| {
        for kept in &known.kept {
            let mut data = vec![0; kept.data.len()];
            let read = bullet::read(client, &kept.file, 0, &mut data);
            let size = bullet::size(client, &kept.file);
            if kept.is_gone || is_lost(&kept.file) {
                assert_eq!(size, Err(Status::BadCapability));
            } else if size != Err(Status::BadCapability) || !kept.is_doomed {
                assert_eq!((read, size), (Ok(data.len()), Ok(data.len() as u32)));
                assert!(data == kept.data, "a file is whole");
            }
        }
        // It goes on working.
        let file = bullet::create(client, server, b"after", Commit::all()).expect("room");
        assert_eq!(bullet::size(client, &file), Ok(5));
        assert_eq!(bullet::check(client, server), Ok(()));
    });
}

/// How many sectors the script writes, and how many requests that keep something are in it.
fn cut_everywhere(cache: usize, block_shift: u32) -> (u64, u32) {
    let formatted = Medium::formatted(400, block_shift, 40).contents();
    for power in 0.. {
        let medium = Medium::holding(formatted.clone());
        medium.cut_after(power);
        let mut known = Known::default();
        let done = serve(&medium, cache, |client, server, _| {
            script(client, server, &mut known)
        });
        let written = medium.written();
        medium.cut_after(u64::MAX);
        verify(&medium, &known, cache);
        if done.is_ok() {
            return (written, known.steps);
        }
        assert_eq!(written, power, "the script ends where the power does");
    }
    unreachable!("the script ends");
}

/// The sector that is being written becomes unreadable. If it is one of inodes, the files of the others are whole, and if it is not, all.
#[test]
fn whenever_the_power_tears_a_sector_what_is_safe_elsewhere_is_whole() {
    let medium = Medium::formatted(400, 9, 100);
    let mut earlier = Known::default();
    serve(&medium, 300, |client, server, _| {
        (50..90).try_for_each(|seed| earlier.create(client, server, seed, seed as usize % 3 * 100))
    })
    .expect("room");
    let prepared = medium.contents();
    let mut torn = [0; 2];
    for power in 0.. {
        let medium = Medium::holding(prepared.clone());
        medium.tear_after(power);
        let mut known = Known::default();
        let done = serve(&medium, 300, |client, server, _| {
            script(client, server, &mut known)
        });
        medium.cut_after(u64::MAX);
        // The script lets all files but its own grow old with its last steps but one.
        if known.steps < 19 {
            known.kept.extend(earlier.kept.iter().cloned());
        }
        for sector in medium.unreadable() {
            torn[usize::from((1..=4).contains(&sector))] += 1;
        }
        verify(&medium, &known, 300);
        if done.is_ok() {
            break;
        }
    }
    assert!(
        torn[0] > 300 && torn[1] > 30,
        "{torn:?} sectors of contents and of inodes"
    );
}

/// The disk fails once, at every sector that the script writes, and the server goes on: files that are made afterwards have
/// inodes in other sectors than those before, and may get no blocks that the disk still says are another's.
#[test]
fn whenever_the_disk_fails_for_a_moment_nothing_is_mixed_up() {
    let formatted = Medium::formatted(400, 9, 100).contents();
    for power in 0.. {
        let medium = Medium::holding(formatted.clone());
        medium.cut_after(power);
        let mut known = Known::default();
        let done = serve(&medium, 300, |client, server, _| {
            let done = script(client, server, &mut known);
            medium.cut_after(u64::MAX);
            for _ in 0..40 {
                bullet::create(client, server, &[], Commit::COMMIT).expect("an inode");
            }
            for number in 40..46 {
                let length = 200 + 700 * (number as usize - 40);
                known
                    .create(client, server, number, length)
                    .expect("a disk that works again");
            }
            done
        });
        verify(&medium, &known, 300);
        if done.is_ok() {
            return;
        }
    }
}

#[test]
fn whenever_the_power_fails_what_is_safe_is_whole() {
    // A cache that holds everything, and one that holds hardly more than the longest file; blocks of one sector and of two.
    for (cache, block_shift) in [(300, 9), (80, 9), (100, 10)] {
        let (cuts, steps) = cut_everywhere(cache, block_shift);
        assert_eq!(steps, 21);
        assert!(cuts > 300, "{cuts} moments at which the power has failed");
    }
}
