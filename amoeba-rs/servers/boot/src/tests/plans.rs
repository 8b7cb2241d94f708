//! What is done when.

use crate::plan::{Action, EAGER, MOST_FAILURES, State};
use crate::{Configuration, Plan};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proto::capability::{Capability, Port, Private};
use std::vec::Vec;

fn configuration(text: &str) -> Configuration {
    Configuration::parse(text).expect("a good configuration")
}

fn plan(text: &str) -> Plan {
    Plan::new(&configuration(text), 0)
}

fn process(number: u32) -> Capability {
    Capability {
        port: Port([1; 6]),
        private: Private::owner(number, Port([2; 6])),
    }
}

const PAIR: &str = "files { bootrate = 5000; pollrate = 1000; program F { } }
    names { after = files; bootrate = 5000; pollrate = 1000; program N { } }";

/// Starts service 0 as process 1, and has it answer.
fn begun(text: &str) -> Plan {
    let mut plan = plan(text);
    assert_eq!(plan.next(0), Some(Action::Start(0)));
    plan.started(0, 10, Some(process(1)));
    assert_eq!(plan.next(10 + EAGER), Some(Action::Poll(0, Some(process(1)))));
    assert!(plan.polled(0, 520, true));
    plan
}

#[test]
fn services_start_when_those_before_them_answer() {
    let mut plan = plan(PAIR);
    assert_eq!(plan.next(0), Some(Action::Start(0)));
    assert_eq!(
        plan.next(0),
        None,
        "the other one waits, and nothing is done twice at a time"
    );
    plan.started(0, 10, Some(process(1)));
    assert_eq!(
        (plan.state("files"), plan.next(10)),
        (Some(State::Starting), None)
    );
    assert_eq!(plan.due(), 0, "the other one would start at once");
    assert_eq!(plan.next(510), Some(Action::Poll(0, Some(process(1)))));
    assert!(!plan.polled(0, 515, false), "not yet");
    assert_eq!(plan.next(1015), Some(Action::Poll(0, Some(process(1)))));
    assert!(plan.polled(0, 1020, true), "it is up now");
    assert_eq!(plan.next(1020), Some(Action::Start(1)));
    plan.started(1, 1030, Some(process(2)));
    assert!(!plan.is_ready());
    assert_eq!(plan.next(1530), Some(Action::Poll(1, Some(process(2)))));
    assert!(plan.polled(1, 1540, true));
    assert!(plan.is_ready());
    assert_eq!((plan.next(1600), plan.due()), (None, 2020));
    assert_eq!(plan.next(2020), Some(Action::Poll(0, Some(process(1)))));
    assert!(!plan.polled(0, 2025, true), "that is no news");
}

#[test]
fn a_service_that_goes_to_another_machine_is_looked_at_and_ended_there() {
    let mut plan = begun(PAIR);
    let elsewhere = Capability {
        port: Port([3; 6]),
        ..process(7)
    };
    assert_eq!(plan.moved(&process(9), elsewhere), None, "nobody's");
    assert_eq!(plan.moved(&process(1), elsewhere), Some("files"));
    assert_eq!(plan.state("files"), Some(State::Up));
    assert_eq!(plan.processes().collect::<Vec<_>>(), [("files", elsewhere)]);
    assert_eq!(plan.ended(&process(1)), None, "that is another one now");
    assert_eq!(plan.next(600), Some(Action::Start(1)));
    assert_eq!(plan.next(1520), Some(Action::Poll(0, Some(elsewhere))));
    assert!(!plan.polled(0, 1525, true));
    assert!(plan.configure("files", false, 1600));
    assert_eq!(plan.next(1600), Some(Action::Stop(0, elsewhere)));
    plan.stopped(0);
    assert_eq!(plan.moved(&elsewhere, process(1)), None, "it is gone");
    assert_eq!(plan.state("files"), Some(State::Down));
}

#[test]
fn a_process_that_ends_at_once_is_nobodys_before_its_start_is_known() {
    let mut plan = plan(PAIR);
    assert!(!plan.is_starting());
    assert_eq!(plan.next(0), Some(Action::Start(0)));
    assert_eq!(plan.ended(&process(1)), None);
    assert!(plan.is_starting());
    plan.started(0, 10, Some(process(1)));
    assert!(!plan.is_starting());
    assert_eq!(plan.ended(&process(1)), Some("files"));
    assert_eq!(plan.state("files"), Some(State::Waiting));
    // It is looked at, and not started.
    let mut plan = begun(PAIR);
    assert_eq!(plan.next(600), Some(Action::Start(1)));
    plan.started(1, 600, None);
    assert!(matches!(plan.next(1600), Some(Action::Poll(0, _))));
    assert!(!plan.is_starting());
}

#[test]
fn what_ends_is_started_again_but_not_too_often() {
    let mut plan = begun(PAIR);
    assert_eq!(plan.ended(&process(1)), Some("files"));
    assert_eq!(plan.state("files"), Some(State::Waiting));
    assert_eq!(
        plan.next(600),
        None,
        "its services wait, and it was started 5 s ago at the earliest at 5010"
    );
    assert_eq!(plan.next(5009), None);
    assert_eq!(plan.next(5010), Some(Action::Start(0)));
    plan.started(0, 5020, None);
    assert_eq!(
        (plan.state("files"), plan.next(10_019)),
        (Some(State::Waiting), None)
    );
    assert_eq!(
        plan.next(10_020),
        Some(Action::Start(0)),
        "a start that fails is tried again"
    );
    plan.started(0, 10_030, Some(process(7)));
    assert_eq!(plan.ended(&process(1)), None, "the former process is nobody's");
    assert_eq!(plan.state("files"), Some(State::Starting));
}

#[test]
fn a_service_that_does_not_answer_three_times_is_ended_and_started_anew() {
    let mut plan = begun("files { bootrate = 2000; pollrate = 1000; program F { } }");
    let mut now = 520;
    for round in 1..=MOST_FAILURES {
        now += 1000;
        assert_eq!(
            plan.next(now),
            Some(Action::Poll(0, Some(process(1)))),
            "round {round}"
        );
        plan.polled(0, now, false);
        assert_eq!(plan.is_ready(), round < MOST_FAILURES);
    }
    assert_eq!(plan.next(now), Some(Action::Stop(0, process(1))));
    plan.stopped(0);
    assert_eq!(plan.next(now), Some(Action::Start(0)));
    plan.started(0, now, Some(process(2)));
    // An answer between failures makes up for them.
    for has_answered in [true, false, false, true, false, false, true] {
        now += 1000;
        assert_eq!(plan.next(now), Some(Action::Poll(0, Some(process(2)))));
        plan.polled(0, now, has_answered);
        assert_eq!(plan.state("files"), Some(State::Up));
    }
}

#[test]
fn a_service_that_never_answers_has_until_its_next_start() {
    let mut plan = plan("files { bootrate = 2000; pollrate = 1000; program F { } }");
    plan.next(0);
    plan.started(0, 0, Some(process(1)));
    let mut now = 0;
    while let Some(State::Starting) = plan.state("files") {
        now = plan.due();
        assert_eq!(plan.next(now), Some(Action::Poll(0, Some(process(1)))));
        plan.polled(0, now, false);
    }
    assert_eq!((now, plan.state("files")), (2000, Some(State::Ending)));
    assert_eq!(plan.next(now), Some(Action::Stop(0, process(1))));
}

#[test]
fn a_service_of_others_is_only_looked_at() {
    let mut plan = plan("disk { pollcap = D; pollrate = 1000; } files { after = disk; program F { } }");
    assert_eq!(plan.next(0), Some(Action::Poll(0, None)));
    plan.polled(0, 5, false);
    assert_eq!(
        (plan.next(10), plan.next(505)),
        (None, Some(Action::Poll(0, None)))
    );
    assert!(plan.polled(0, 510, true));
    assert_eq!(plan.next(510), Some(Action::Start(1)));
    plan.started(1, 510, Some(process(1)));
    for round in 1..=MOST_FAILURES {
        let now = 510 + 1000 * u64::from(round);
        assert_eq!(plan.next(now), Some(Action::Poll(0, None)));
        plan.polled(0, now, false);
        plan.next(now);
        plan.polled(1, now, true);
    }
    assert_eq!(
        (plan.state("disk"), plan.state("files")),
        (Some(State::Waiting), Some(State::Up))
    );
}

#[test]
fn services_run_when_they_are_asked_for() {
    let mut plan = plan("shell { down; bootrate = 1000; program S { } }");
    assert!(plan.is_ready(), "nothing shall run");
    assert_eq!((plan.next(0), plan.due()), (None, u64::MAX));
    assert!(!plan.configure("sh", true, 0));
    assert!(plan.configure("shell", true, 0));
    assert!(!plan.is_ready());
    assert_eq!(plan.next(0), Some(Action::Start(0)));
    // It is no longer wanted while it starts.
    plan.configure("shell", false, 5);
    plan.started(0, 10, Some(process(1)));
    assert_eq!(plan.next(10), Some(Action::Stop(0, process(1))));
    plan.stopped(0);
    assert_eq!((plan.state("shell"), plan.next(5000)), (Some(State::Down), None));
}

#[test]
fn everything_ends_when_it_is_told_to_and_what_others_need_comes_last() {
    let mut plan = begun(PAIR);
    assert_eq!(plan.next(530), Some(Action::Start(1)));
    plan.shut_down(540);
    assert_eq!(plan.next(540), None, "the other one is being started");
    assert!(!plan.is_over());
    plan.started(1, 550, Some(process(2)));
    assert_eq!(plan.next(550), Some(Action::Stop(1, process(2))));
    plan.stopped(1);
    assert_eq!(plan.next(550), Some(Action::Stop(0, process(1))));
    plan.stopped(0);
    assert!(plan.is_over() && !plan.is_ready());
    assert!(plan.configure("files", true, 600));
    assert_eq!(plan.next(60_000), None, "nothing starts any more");
}

#[test]
fn processes_of_an_earlier_server_are_taken_over() {
    let mut plan = plan(PAIR);
    assert_eq!(plan.adopt("files", 0, process(5)), Some(0));
    assert_eq!(plan.adopt("files", 0, process(6)), None);
    assert_eq!(plan.adopt("others", 0, process(6)), None);
    assert_eq!(plan.next(0), Some(Action::Poll(0, Some(process(5)))));
    assert!(plan.polled(0, 5, true));
    let running: Vec<_> = plan.processes().collect();
    assert_eq!(running, [("files", process(5))]);
}

#[test]
fn another_configuration_changes_only_what_differs() {
    let mut plan = begun(PAIR);
    assert_eq!(plan.next(530), Some(Action::Start(1)));
    let other = configuration(
        "clock { program C { } } names { after = files; bootrate = 5000; pollrate = 2000; program N { } }
         files { bootrate = 5000; pollrate = 1000; program F { } }",
    );
    assert!(plan.reinitialise(&other, 540).is_none(), "somebody is at work");
    plan.started(1, 540, Some(process(2)));
    let (mut plan, ended) = plan.reinitialise(&other, 550).expect("nobody is at work");
    assert_eq!(ended, [process(2)], "it has another rate now");
    assert_eq!(plan.state("files"), Some(State::Up));
    assert_eq!(plan.next(550), Some(Action::Start(0)));
    assert_eq!(
        plan.next(550),
        Some(Action::Start(1)),
        "it waits for the service at its new place"
    );
    assert_eq!(plan.next(550), None);
}

#[test]
fn a_report_has_a_line_for_each_service() {
    let report = begun(PAIR).report();
    assert_eq!(
        report,
        "files            up       1 starts\nnames            waiting  0 starts\n"
    );
}

proptest! {
    /// Whatever happens, no service is started while it has a process, and none before those that it waits for.
    #[test]
    fn a_plan_starts_nothing_twice(events in proptest::collection::vec((any::<u8>(), 0..4000_u64), 1..200)) {
        let mut plan = plan(PAIR);
        let (mut now, mut number) = (0, 0);
        let mut running = [None; 2];
        let mut pending: Vec<Action> = Vec::new();
        for (event, passed) in events {
            now += passed;
            match (event % 4, pending.pop()) {
                (0, Some(Action::Start(place))) => plan.started(place, now, None),
                (_, Some(Action::Start(place))) => {
                    number += 1;
                    running[place] = Some(process(number));
                    plan.started(place, now, running[place]);
                }
                (kind, Some(Action::Poll(place, _))) => drop(plan.polled(place, now, kind < 2)),
                (_, Some(Action::Stop(place, _))) => {
                    running[place] = None;
                    plan.stopped(place);
                }
                (0, None) if running[1].is_some() => {
                    let gone = running[1].take().expect("a process");
                    prop_assert_eq!(plan.ended(&gone), Some("names"));
                }
                (_, None) => {}
            }
            if let Some(action) = plan.next(now) {
                if let Action::Start(place) = action {
                    prop_assert!(running[place].is_none());
                    prop_assert!(place == 0 || plan.state("files") == Some(State::Up));
                }
                pending.push(action);
            }
            prop_assert_eq!(plan.processes().count(), running.iter().flatten().count());
        }
    }
}
