//! Machines that lose their power at every sector that is written to their disks while a program has files and directories changed. Two
//! machines have a disk, a Bullet and a Soap server each; the program runs on a third. It goes on, the power comes back, and then
//! what the program was told must be so, read through either directory server and on the disks.

use std::collections::BTreeSet;

use amoeba_disks::check;
use clock::{Instant, Span};
use machines::lab::InputDevice;
use machines::machine::{PowerEvent, SectorWrite, TornSector};
use machines::runtime::{Deed, Runtime};
use proto::bullet::disk::Superblock;
use proto::soap::super_file::Commit;
use tests::amoeba::{Laboratory, Pc};
use tests::safety::Known;
use tests::servers::{server, two_disks};
use tests::{Memory, tell};

/// The machines with disks, and their names.
const SERVERS: [(usize, &str); 2] = [(0, "a"), (1, "b")];
const CLIENT: usize = 2;
const MACHINES: usize = 3;

/// How long servers may take to come up, with a disk that takes 10 s to get to speed, and for the script, of which every request
/// may have to wait for servers that are gone (three tries of 10 s).
const PATIENCE: Span = Span::from_milliseconds(240_000);
/// Within this time directory servers make second copies of files (a round of upkeep takes 5 s).
const UPKEEP: Span = Span::from_milliseconds(12_000);
/// How long a machine is without power.
const OUTAGE: Span = Span::from_milliseconds(1000);
/// The writes of the disks are looked at so often: a sector passes in 370 us.
const LOOK: Span = Span::from_microseconds(100);
/// Consoles are looked at so often.
const MOMENT: Span = Span::from_milliseconds(500);

/// How often a machine has printed a line.
fn count(memory: &Memory, machine: usize, text: &str) -> usize {
    let console = memory.console(machine);
    console.lines().filter(|line| line.trim() == text).count()
}

/// Whether a directory server serves that has begun to do so more than `former` times.
fn serves_again(memory: &Memory, machine: usize, former: usize) -> bool {
    let text = memory.console(machine);
    let serving = text.rfind("soap: serving");
    serving > text.rfind("soap: waiting") && count(memory, machine, "soap: serving") > former
}

fn is_script_over(memory: &Memory) -> bool {
    count(memory, CLIENT, "the script is over") > 0
}

/// A lab and what it has printed.
#[derive(Clone)]
struct Stage {
    runtime: Runtime,
    memory: Memory,
}

impl Stage {
    /// Both directory servers serve, and the script begins.
    fn new() -> Stage {
        let (made, disks) = two_disks();
        let root = made.root.expect("a directory server").to_string();
        let reader = |pc: Pc| pc.program("safety_test", root.as_str());
        let servers = SERVERS.map(|(_, name)| reader(server(name, disks[name].clone())));
        let pcs = servers.into_iter().chain([reader(Pc::new("client").memory(8))]);
        let mut stage = Stage {
            // What a copy writes to its disks stays in memory.
            runtime: Laboratory::new(pcs).stage().start().clone(),
            memory: Memory::of_consoles(),
        };
        let serve = |memory: &Memory| {
            SERVERS
                .iter()
                .all(|(machine, _)| serves_again(memory, *machine, 0))
        };
        assert!(stage.run_until(PATIENCE, serve), "{}", stage.told());
        stage.run(UPKEEP);
        stage.type_line(CLIENT, "go\n");
        stage
    }

    fn run(&mut self, span: Span) {
        let limit = self.runtime.now() + span;
        self.runtime.run(limit, 1, &mut self.memory);
    }

    /// Runs until this holds: false if it does not within `patience`.
    fn run_until(&mut self, patience: Span, is_so: impl Fn(&Memory) -> bool) -> bool {
        let limit = self.runtime.now() + patience;
        while !is_so(&self.memory) {
            if self.runtime.now() >= limit {
                return false;
            }
            self.run(MOMENT);
        }
        true
    }

    fn type_line(&mut self, machine: usize, line: &str) {
        self.runtime.inject(&Deed::Type {
            machine,
            device: InputDevice::Com1,
            text: line.into(),
        });
    }

    fn next_write(&self, machine: usize) -> Option<SectorWrite> {
        self.runtime.machines()[machine].next_disk_write()
    }

    /// What is on the machines' disks.
    fn disks(&self) -> [Vec<u8>; 2] {
        SERVERS.map(|(machine, _)| {
            let disk = self.runtime.machines()[machine].disk(0);
            disk.expect("a disk").contents()
        })
    }

    /// All consoles, for people.
    fn told(&self) -> String {
        let texts = (0..MACHINES).map(|machine| format!("--- {machine}\n{}", self.memory.console(machine)));
        texts.collect()
    }
}

/// A power cut.
#[derive(Clone, Debug)]
struct Cut {
    /// The machines without power.
    machines: Vec<usize>,
    at: Instant,
    /// What becomes of a sector that is being written.
    torn: TornSector,
}

impl Stage {
    /// Goes through the script, and calls `visit` for every sector that is written to a disk, shortly before the middle of its passage
    /// under the head.
    fn every_write(mut self, mut visit: impl FnMut(&Stage, usize, &SectorWrite)) {
        let before = self.disks();
        let mut writes: Vec<(usize, SectorWrite)> = Vec::new();
        let mut latest = [None; 2];
        let mut end = Instant::NEVER;
        while self.runtime.now() < end {
            self.run(LOOK);
            for (machine, _) in SERVERS {
                let next = self.next_write(machine);
                if let Some(write) = next
                    && latest[machine] != next
                {
                    visit(&self, machine, &write);
                    writes.push((machine, write));
                }
                latest[machine] = next;
            }
            if end == Instant::NEVER && is_script_over(&self.memory) {
                end = self.runtime.now() + UPKEEP;
            }
        }
        for (machine, _) in SERVERS {
            let after = self.disks();
            let sectors = before[machine].chunks(512).zip(after[machine].chunks(512));
            for (number, _) in (0..).zip(sectors).filter(|(_, (old, new))| old != new) {
                let is_seen = |(on, write): &(usize, SectorWrite)| *on == machine && write.sector == number;
                assert!(writes.iter().any(is_seen), "sector {number} was written unseen");
            }
        }
    }

    /// The power fails and comes back, everything goes on, and what is there afterwards is as it was acknowledged.
    fn judge(mut self, cut: &Cut) -> Result<Known, String> {
        let served = SERVERS.map(|(machine, _)| count(&self.memory, machine, "soap: serving"));
        for machine in &cut.machines {
            self.runtime
                .schedule_power(*machine, cut.at, PowerEvent::Off(cut.torn));
            self.runtime
                .schedule_power(*machine, cut.at + OUTAGE, PowerEvent::On);
        }
        let is_well = |memory: &Memory| {
            is_script_over(memory)
                && SERVERS.iter().all(|(machine, _)| {
                    let former = served[*machine] - usize::from(!cut.machines.contains(machine));
                    serves_again(memory, *machine, former)
                })
        };
        let judged = if self.run_until(PATIENCE, is_well) {
            self.run(UPKEEP);
            self.look(cut.torn == TornSector::Unreadable)
        } else {
            Err("the servers do not come back".into())
        };
        judged.map_err(|what| format!("{cut:?}: {what}\n{}", self.told()))
    }

    /// Everything is read back and looked over. With a sector of inodes files are lost; directories never are.
    fn look(&mut self, may_lose_files: bool) -> Result<Known, String> {
        let known = Known::from_console(&self.memory.console(CLIENT))?;
        let lengths = [0, 1, 2].map(|machine| self.memory.console(machine).len());
        (0..MACHINES).for_each(|machine| self.type_line(machine, "\n"));
        let is_read =
            |memory: &Memory| (0..MACHINES).all(|machine| count(memory, machine, "this is all") > 0);
        if !self.run_until(PATIENCE, is_read) {
            return Err("a reader does not come to its end".into());
        }
        for machine in 0..MACHINES {
            let told = self.memory.console(machine);
            for word in ["kernel stopped", "exception", "panicked", "it is free now"] {
                if told.contains(word) {
                    return Err(format!("{word} on machine {machine}"));
                }
            }
            let lines: Vec<&str> = told[lengths[machine]..].lines().map(str::trim).collect();
            let rows = lines.iter().copied().filter(|line| line.starts_with("row "));
            let rows: Vec<&str> = rows.collect();
            let judged = if may_lose_files {
                known.judge_rows(&rows)
            } else {
                known.judge_directories(&rows)
            };
            judged.map_err(|what| format!("machine {machine}: {what}"))?;
            if machine == CLIENT {
                if !may_lose_files {
                    known.judge_files(&lines)?;
                }
                for store in ["store 0 sound", "store 1 sound"] {
                    lines.iter().find(|line| **line == store).ok_or(store)?;
                }
            }
        }
        self.look_over_disks(&known, may_lose_files)?;
        Ok(known)
    }

    /// The disks are in order, every directory has two copies, and the super files agree.
    fn look_over_disks(&self, known: &Known, may_lose_files: bool) -> Result<(), String> {
        let [a, b] = self.disks();
        let report = check(&[("a", &a), ("b", &b)]);
        // A copy that is lost with its inode is made anew when its server is told again that it is in use.
        let is_loss = |text: &String| {
            may_lose_files
                && (text.contains("leads to file")
                    || text.contains("its copy on store") && text.contains("cannot be read"))
        };
        let is_unreached = |text: &String| text.ends_with("no row leads to it");
        let findings = report.findings.iter().map(ToString::to_string);
        let findings = findings.filter(|text| !is_loss(text));
        let (unreached, findings): (Vec<String>, Vec<String>) = findings.partition(is_unreached);
        // Both super files tell of such a directory.
        if unreached.len() > 2 * known.most_unreached() || !findings.is_empty() {
            return Err(format!("{findings:?} {unreached:?}"));
        }
        let lines = report.contents.iter().filter(|line| line.contains(": Soap, "));
        let servers: Vec<&String> = lines.collect();
        let is_whole = |line: &&String| line.contains(", 0 with one copy");
        let is_compared = !report.contents.iter().any(|line| line.contains("not compared"));
        if servers.len() != 2 || !servers.iter().all(is_whole) || !is_compared {
            return Err(format!("{:?}", report.contents));
        }
        Ok(())
    }
}

/// Cuts that are judged at the same time.
const JUDGES: usize = 2;

/// Cuts the power of the machine that writes, or of both, at every sector that is written and that `choose` gives a fate.
fn cut_everywhere(
    is_everywhere: bool,
    mut choose: impl FnMut(usize, &Stage, usize, &SectorWrite) -> Option<TornSector>,
) {
    let mut failures = Vec::new();
    let mut answers = [0; 3];
    let (mut sectors, mut cuts) = (0, 0);
    let mut judge = |waiting: &mut Vec<(Stage, Cut, String)>| {
        let verdicts: Vec<_> = std::thread::scope(|scope| {
            let judges = waiting
                .drain(..)
                .map(|(stage, cut, what)| scope.spawn(move || (stage.judge(&cut), what)));
            let judges: Vec<_> = judges.collect();
            let judges = judges.into_iter();
            judges.map(|judge| judge.join().expect("a verdict")).collect()
        });
        for (verdict, what) in verdicts {
            match verdict {
                Ok(known) => (0..3).for_each(|kind| answers[kind] += known.answers[kind]),
                Err(why) => failures.push(format!("{what}: {why}")),
            }
        }
    };
    let mut waiting = Vec::new();
    Stage::new().every_write(|stage, machine, write| {
        let middle = write.begin + Span::from_picoseconds(write.end.since(write.begin).picoseconds() / 2);
        assert!(stage.runtime.now() < middle, "the sector has passed");
        sectors += 1;
        let Some(torn) = choose(sectors, stage, machine, write) else {
            return;
        };
        cuts += 1;
        let cut = Cut {
            machines: if is_everywhere { vec![0, 1] } else { vec![machine] },
            at: middle,
            torn,
        };
        waiting.push((stage.clone(), cut, format!("{write:?} of machine {machine}")));
        if waiting.len() == JUDGES {
            judge(&mut waiting);
        }
    });
    judge(&mut waiting);
    let count = failures.len();
    let [acknowledged, refused, lost] = answers;
    tell(&format!(
        "{cuts} cuts at {sectors} sectors, {count} of them bad; of the requests {acknowledged} were acknowledged, {refused} refused, {lost} neither\n"
    ));
    assert!(failures.is_empty(), "{count} of {cuts}: {}", failures.join("\n"));
    assert!(sectors > 120, "{sectors}");
    assert!(cuts == sectors || cuts > 20, "{cuts} of {sectors}");
    assert!(
        acknowledged > 5 * (refused + lost) && refused + lost > 0,
        "{answers:?}"
    );
}

/// What becomes of the sectors that are being written: old and new by turns. A sector that is new when the power goes is what the next cut
/// finds too if its own sector is old.
fn by_turns(number: usize) -> TornSector {
    if number.is_multiple_of(2) {
        TornSector::Old
    } else {
        TornSector::New
    }
}

#[test]
fn whichever_sector_is_written_when_a_server_loses_its_power_what_was_acknowledged_is_there() {
    cut_everywhere(false, |number, _, _, _| Some(by_turns(number)));
}

#[test]
#[ignore = "takes minutes"]
fn whichever_sector_is_written_when_both_servers_lose_their_power_what_was_acknowledged_is_there() {
    cut_everywhere(true, |number, _, _, _| Some(by_turns(number + 1)));
}

/// Each sector once. Two are left out: without its commit block a directory server does not know who it is, and with the first sector of
/// inodes its own program is lost.
#[test]
fn whichever_sector_a_server_can_no_longer_read_it_serves_again_and_directories_are_whole() {
    let mut torn = BTreeSet::new();
    cut_everywhere(false, |_, stage, machine, write| {
        let disks = stage.disks();
        let sectors = disks[machine].as_chunks().0;
        let place = write.sector as usize;
        let is_needed =
            Commit::parse(&sectors[place]).is_ok() || Superblock::parse(&sectors[place - 1]).is_ok();
        let is_new = torn.insert((machine, write.sector));
        (is_new && !is_needed).then_some(TornSector::Unreadable)
    });
}
