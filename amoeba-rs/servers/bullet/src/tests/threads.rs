//! Several threads of one server, in orders that a seed chooses, with the power failing or not.

use super::turns::Turns;
use super::world::{Client, Counters, Medium, World, pattern, serve};
use crate::check::check;
use crate::engine::Engine;
use libamoeba::classes::bullet;
use libamoeba::standard;
use proto::bullet::Commit;
use proto::bullet::disk::SECTOR;
use proto::capability::Capability;
use proto::standard::Status;
use std::sync::Mutex;
use std::vec;
use std::vec::Vec;

const THREADS: usize = 6;

/// Files that all threads know: their contents, and whether one may have been destroyed.
struct Shared(Mutex<Vec<(Capability, Vec<u8>, bool)>>);

impl Shared {
    fn get(&self, which: usize) -> (Capability, Vec<u8>, bool) {
        self.0.lock().unwrap()[which].clone()
    }

    fn doom(&self, which: usize) {
        self.0.lock().unwrap()[which].2 = true;
    }
}

/// What is on the disk for certain.
type Kept = Mutex<Vec<(Capability, Vec<u8>)>>;

struct Thread<'e, 'w> {
    client: Client<'e, 'w>,
    server: Capability,
    number: usize,
    seed: u64,
}

impl Thread<'_, '_> {
    fn random(&mut self, below: usize) -> usize {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) as usize % below
    }

    /// Reads a file that all know: it is whole, or gone if somebody has destroyed it.
    fn read(&mut self, shared: &Shared) -> Result<(), Status> {
        let which = self.random(8);
        let (file, expected, _) = shared.get(which);
        let mut data = vec![0; expected.len()];
        match bullet::read(&mut self.client, &file, 0, &mut data) {
            Err(Status::BadCapability) => assert!(shared.get(which).2, "nobody has destroyed the file"),
            Err(status) => return Err(status),
            Ok(length) => assert!(length == data.len() && data == expected),
        }
        Ok(())
    }

    /// A file in pieces, safe at the end.
    fn create(&mut self, kept: &Kept) -> Result<(), Status> {
        let length = self.random(9000);
        let data = pattern(self.seed as u32, length);
        let middle = self.random(length + 1);
        let (client, server) = (&mut self.client, &self.server);
        let draft = bullet::create(client, server, &data[middle..], Commit::empty())?;
        let inserted = bullet::insert(client, &draft, 0, &data[..middle], Commit::all());
        if let Err(status) = inserted {
            // A draft that cannot be finished only takes memory.
            let _ = standard::destroy(client, &draft);
            return Err(status);
        }
        kept.lock().unwrap().push((draft, data));
        Ok(())
    }

    /// A changed copy of a file that all know, committed without safety.
    fn change(&mut self, shared: &Shared) -> Result<(), Status> {
        let (file, mut data, _) = shared.get(self.random(8));
        let result = bullet::delete(&mut self.client, &file, 0, 10, Commit::COMMIT);
        let changed = match result {
            Err(Status::BadCapability) => return Ok(()),
            result => result?,
        };
        data.drain(..10);
        let mut there = vec![0; data.len()];
        assert_eq!(
            bullet::read(&mut self.client, &changed, 0, &mut there)?,
            data.len()
        );
        assert!(there == data);
        standard::destroy(&mut self.client, &changed)
    }

    fn step(&mut self, shared: &Shared, kept: &Kept) -> Result<(), Status> {
        match self.random(8) {
            0..=2 => self.read(shared),
            3 | 4 => self.create(kept),
            5 => self.change(shared),
            6 => match self.number {
                0 => {
                    self.client.0.sweep();
                    Ok(())
                }
                1 => bullet::compact(&mut self.client, &self.server),
                2 => bullet::sync(&mut self.client, &self.server),
                3 => bullet::check(&mut self.client, &self.server),
                _ => {
                    let which = self.random(8);
                    let (file, _, _) = shared.get(which);
                    shared.doom(which);
                    match standard::destroy(&mut self.client, &file) {
                        // Another thread may have been faster.
                        Err(Status::BadCapability) => Ok(()),
                        result => result,
                    }
                }
            },
            _ => {
                let (file, data, _) = shared.get(self.random(8));
                match bullet::create(&mut self.client, &file, &data, Commit::COMMIT) {
                    Err(Status::BadCapability) => Ok(()),
                    Err(status) => Err(status),
                    Ok(same) if same == file => Ok(()),
                    // The file went while it was compared.
                    Ok(other) => standard::destroy(&mut self.client, &other),
                }
            }
        }
    }
}

/// All threads at work on a disk, with power for so many sectors: what is on the disk for certain, and whether the power has
/// lasted.
fn work(medium: &Medium, seed: u64, cache: usize, power: u64) -> Vec<(Capability, Vec<u8>)> {
    let counters = Counters::default();
    let turns = Turns::new(THREADS, seed);
    let world = World {
        medium,
        turns: None,
        counters: &counters,
        peer: None,
    };
    let mut memory = vec![0; cache * SECTOR];
    let (mut engine, _) = Engine::start(world, &mut memory).unwrap();
    let server = engine.capability();
    let mut client = Client(&engine);
    let files = (0..8).map(|number| {
        // Files of all threads, and those that come later, have their inodes in different sectors.
        for _ in 0..30 {
            bullet::create(&mut client, &server, &[], Commit::COMMIT).unwrap();
        }
        let data = pattern(number, 200 + 500 * number as usize);
        let file = bullet::create(&mut client, &server, &data, Commit::all()).unwrap();
        (file, data, false)
    });
    let shared = Shared(Mutex::new(files.collect()));
    let kept = Kept::default();
    engine.host_mut().turns = Some(&turns);
    medium.cut_after(power);
    turns.run(THREADS, |number| {
        let mut thread = Thread {
            client: Client(&engine),
            server,
            number,
            seed: seed.wrapping_mul(31).wrapping_add(number as u64),
        };
        for _ in 0..12 {
            if let Err(status) = thread.step(&shared, &kept) {
                let is_cut = power < u64::MAX && status == Status::SystemError;
                let is_busy =
                    status == Status::NotNow || status == Status::NoMemory || status == Status::NoSpace;
                assert!(is_cut || is_busy, "{status}");
            }
        }
    });
    engine.host_mut().turns = None;
    engine.assert_idle();
    medium.cut_after(u64::MAX);
    let mut kept = kept.into_inner().unwrap();
    let shared = shared.0.into_inner().unwrap();
    kept.extend(
        shared
            .into_iter()
            .filter(|(_, _, is_doomed)| !is_doomed)
            .map(|(file, data, _)| (file, data)),
    );
    kept
}

/// After a restart everything that was safe is whole.
fn verify(medium: &Medium, kept: &[(Capability, Vec<u8>)]) {
    assert_eq!(check(medium, false).unwrap().findings, []);
    serve(medium, 100, |client, _, _| {
        for (file, data) in kept {
            let mut there = vec![0; data.len()];
            assert_eq!(bullet::read(client, file, 0, &mut there), Ok(data.len()));
            assert!(there == *data);
        }
    });
}

#[test]
fn threads_in_any_order_keep_files_whole() {
    for seed in 0..60 {
        let medium = Medium::formatted(700, 9, 400);
        let cache = if seed % 2 == 0 { 400 } else { 40 };
        let kept = work(&medium, seed, cache, u64::MAX);
        verify(&medium, &kept);
    }
}

#[test]
fn threads_in_any_order_lose_nothing_that_is_safe_when_the_power_fails() {
    for seed in 0..120 {
        let medium = Medium::formatted(700, 9, 400);
        let cache = if seed % 2 == 0 { 400 } else { 40 };
        let kept = work(&medium, seed, cache, seed * 3 % 250);
        verify(&medium, &kept);
    }
}
