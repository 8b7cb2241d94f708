//! Power that goes at every write of a workload, on disks of super files and in stores.

use super::lab::{Cut, Lab};
use super::model::{Client, Model, Operation};
use crate::check::{Problem, check, compare};
use alloc::vec;
use alloc::vec::Vec;

/// The workload: what is done, and by which server. Second copies are made between some of the steps.
fn workload() -> Vec<(usize, Operation)> {
    let install = vec![
        (0, "passwd", 20, Some(1)),
        (1, "ls", 21, None),
        (2, "group", 22, Some(4)),
    ];
    vec![
        (0, Operation::Append(0, "passwd", 1)),
        (1, Operation::Create),
        (0, Operation::Append(1, "ls", 2)),
        (0, Operation::Create),
        (1, Operation::Append(2, "group", 4)),
        (1, Operation::Masks(0, "passwd", 0x03)),
        (0, Operation::Install(install)),
        (1, Operation::Replace(1, "ls", 5)),
        (0, Operation::Delete(1, "ls")),
        (1, Operation::Discard(1)),
        (0, Operation::Create),
        (1, Operation::Append(3, "a", 6)),
        (1, Operation::Append(0, "motd", 7)),
        (0, Operation::Delete(2, "group")),
    ]
}

/// A laboratory in which the workload is under way.
struct Run {
    lab: Lab,
    client: Client,
    /// What the directories may hold: one state, or two after an operation whose end nobody saw.
    states: Vec<Model>,
    /// Operations of which the client was told that they went well.
    done: usize,
}

impl Run {
    fn new(cut: Option<Cut>) -> Run {
        let lab = Lab::new(2, 3);
        lab.state.borrow_mut().writes = 0;
        lab.state.borrow_mut().cut = cut;
        Run {
            client: Client(vec![lab.root]),
            states: vec![Model::new()],
            done: 0,
            lab,
        }
    }

    /// An operation. Its states are those after it if the client was told so, else also those before it. What could not be done
    /// because a file's only copy is away changes nothing.
    fn step(&mut self, server: usize, operation: &Operation) {
        let after: Vec<Model> = self
            .states
            .iter()
            .map(|state| {
                let mut state = state.clone();
                let _ = state.apply(operation);
                state
            })
            .collect();
        match self.client.carry_out(&mut self.lab, server, operation) {
            Some(Ok(())) => {
                self.states = after;
                self.done += 1;
            }
            Some(Err(_)) => {}
            // A directory whose capability nobody was told is none that can be looked at.
            None if matches!(operation, Operation::Create) => {}
            None => self.states.extend(after),
        }
        self.lab.copy_files(server);
    }

    /// The rest of the workload, by whichever server is there. Steps on directories that were never made are left out.
    fn go_on(&mut self, from: usize, server: Option<usize>) {
        for (wanted, operation) in workload().iter().skip(from) {
            let needed = match operation {
                Operation::Create => 0,
                Operation::Discard(place)
                | Operation::Append(place, ..)
                | Operation::Masks(place, ..)
                | Operation::Delete(place, _)
                | Operation::Replace(place, ..) => *place,
                Operation::Install(_) => 2,
            };
            if needed < self.client.0.len() {
                self.step(server.unwrap_or(*wanted), operation);
            }
        }
    }

    /// The steps up to the one at which the power goes: its number.
    fn run_to_cut(&mut self) -> usize {
        for (number, (server, operation)) in workload().iter().enumerate() {
            self.step(*server, operation);
            if self.lab.state.borrow().is_on != [true; 2] {
                return number;
            }
        }
        workload().len()
    }

    /// Everything has power again.
    fn restore(&mut self) {
        self.lab.state.borrow_mut().cut = None;
        for number in 0..2 {
            if self.lab.engines[number].is_none() {
                self.lab.switch_on(number);
            }
        }
        self.lab.recover();
    }

    /// Both servers tell the same, one of the states that may be, which it is from now on.
    fn compare(&mut self, what: &str) {
        let told = self.client.read(&mut self.lab, 0).expect("server 0 serves");
        assert_eq!(
            self.client.read(&mut self.lab, 1).as_ref(),
            Ok(&told),
            "{what}: the servers differ"
        );
        assert!(
            self.states.contains(&told),
            "{what}: {told:?} is none of {:?}",
            self.states
        );
        self.states = vec![told];
    }

    /// Super files and directories are in order.
    fn check(&mut self, what: &str) {
        for number in 0..2 {
            self.lab.engine(number).settle();
        }
        let (mut one, mut other) = (self.lab.machine(0), self.lab.machine(1));
        assert_eq!(compare(&mut one, &mut other), Ok(vec![]), "{what}");
        let (mut disk, mut files) = (self.lab.machine(0), self.lab.machine(0));
        let mut report = check(&mut disk, &mut files).expect("the super file can be used");
        // Directories are made before anything leads to them, and their capabilities may never arrive.
        report
            .problems
            .retain(|problem| !matches!(problem, Problem::Unreached(_)));
        assert_eq!(report.problems, vec![], "{what}");
    }
}

fn writes_of_workload() -> u32 {
    let mut run = Run::new(None);
    assert_eq!(run.run_to_cut(), workload().len());
    run.compare("without a cut");
    run.check("without a cut");
    run.lab.state.borrow().writes
}

#[test]
fn wherever_the_power_of_all_goes_directories_are_as_before_or_after() {
    let writes = writes_of_workload();
    assert!(writes > 90, "{writes}");
    for at in 1..=writes {
        for is_done in [false, true] {
            let cut = Cut {
                at,
                is_done,
                is_everywhere: true,
                is_torn: false,
            };
            let mut run = Run::new(Some(cut));
            let number = run.run_to_cut();
            run.restore();
            let what = alloc::format!("{cut:?} in step {number}");
            run.compare(&what);
            run.check(&what);
            run.go_on(number + 1, None);
            run.compare(&what);
            run.check(&what);
        }
    }
}

#[test]
fn wherever_one_machine_loses_its_power_the_other_goes_on_and_it_catches_up() {
    let (mut done, mut left) = (0, 0);
    for at in 1..=writes_of_workload() {
        for is_done in [false, true] {
            let cut = Cut {
                at,
                is_done,
                is_everywhere: false,
                is_torn: false,
            };
            let mut run = Run::new(Some(cut));
            let number = run.run_to_cut();
            let survivor = usize::from(!run.lab.state.borrow().is_on[0]);
            let what = alloc::format!("{cut:?} in step {number}");
            left += workload().len().saturating_sub(number + 1);
            let before = run.done;
            run.go_on(number + 1, Some(survivor));
            done += run.done - before;
            run.restore();
            run.compare(&what);
            run.check(&what);
            run.lab.copy_files(0);
            run.check(&what);
        }
    }
    // Some operations lack a directory that was never made, or one whose newest file is where the power went.
    assert!(done * 10 > left * 7, "the other server did {done} of {left}");
}

#[test]
fn wherever_the_power_leaves_a_block_of_entries_unreadable_nothing_is_lost() {
    let mut torn = 0;
    for at in 1..=writes_of_workload() {
        for is_everywhere in [false, true] {
            let cut = Cut {
                at,
                is_done: false,
                is_everywhere,
                is_torn: true,
            };
            let mut run = Run::new(Some(cut));
            let number = run.run_to_cut();
            torn += run.lab.state.borrow().unreadable.iter().flatten().count();
            let what = alloc::format!("{cut:?} in step {number}");
            run.restore();
            run.compare(&what);
            run.check(&what);
            run.go_on(number + 1, None);
            run.compare(&what);
            run.check(&what);
        }
    }
    assert!(torn > 50, "{torn} blocks");
}

#[test]
fn power_that_goes_again_while_servers_recover_loses_nothing() {
    let writes = writes_of_workload();
    for at in (1..=writes).step_by(5) {
        for again in 1.. {
            let cut = Cut {
                at,
                is_done: true,
                is_everywhere: false,
                is_torn: false,
            };
            let mut run = Run::new(Some(cut));
            let number = run.run_to_cut();
            let survivor = usize::from(!run.lab.state.borrow().is_on[0]);
            run.go_on(number + 1, Some(survivor));
            {
                let mut state = run.lab.state.borrow_mut();
                state.cut = Some(Cut {
                    at: state.writes + again,
                    is_done: again % 2 == 0,
                    is_everywhere: again % 3 == 0,
                    is_torn: false,
                });
            }
            let dead = 1 - survivor;
            run.lab.state.borrow_mut().is_on[dead] = true;
            if let Ok(engine) = crate::Engine::start(run.lab.machine(dead), dead) {
                run.lab.engines[dead] = Some(engine);
                run.lab.notice();
                run.lab.recover();
            } else {
                run.lab.notice();
            }
            let was_cut = run.lab.state.borrow().is_on != [true; 2];
            run.restore();
            let what = alloc::format!("{cut:?}, and {again} writes later");
            run.compare(&what);
            run.check(&what);
            if !was_cut {
                break;
            }
        }
    }
}
