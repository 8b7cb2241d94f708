//! The benchmark program runs on the machine and gives the results that its workloads are defined by. Its speed is not
//! looked at here.

use clock::Instant;
use tests::benchmark::{arguments, image, machine, run_until};
use workloads::{Run, Turn, Workload};

/// What the program tells with these arguments.
fn text(arguments: &str) -> String {
    run_until(&mut machine(arguments), &[], |_| ()).text()
}

#[test]
fn every_workload_gives_the_calculated_result() {
    let transcript = run_until(&mut machine(""), &[], |at| at);
    let outcomes = transcript.outcomes();
    let workloads: Vec<Workload> = outcomes.iter().map(|outcome| outcome.run.workload).collect();
    assert_eq!(workloads, Workload::ALL, "{}", transcript.text());
    for outcome in outcomes {
        let Run { workload, turns } = outcome.run;
        assert_eq!(turns, workload.usual_turns());
        assert_eq!(outcome.result, workload.result(turns), "{}", workload.name());
        assert!(outcome.is_good, "{}", workload.name());
    }
    assert!(
        transcript.tells("benchmark done: 11 good, 0 bad"),
        "{}",
        transcript.text()
    );
}

#[test]
fn workloads_run_in_the_order_and_number_of_the_command_line() {
    let text = text("run=sieve turns=2 run=calls turns=3 run=sieve turns=1");
    let begins: Vec<&str> = text.lines().filter(|line| line.starts_with("begin")).collect();
    assert_eq!(begins, ["begin sieve 2", "begin calls 3", "begin sieve 1"]);
    assert!(text.contains("benchmark done: 3 good, 0 bad"), "{text}");
}

#[test]
fn a_workload_that_is_not_known_is_refused_before_anything_runs() {
    let text = text("run=crc run=crd");
    assert!(
        text.contains("benchmark refused: no workload `crd`; there are integer_mix crc"),
        "{text}"
    );
    assert!(!text.contains("begin"), "{text}");
}

#[test]
fn options_that_make_no_sense_are_refused() {
    assert!(text("run=crc turns=many").contains("benchmark refused: turns=many is no number"));
    assert!(text("fast").contains("benchmark refused: `fast` is neither"));
}

/// Instructions that the machine executes while a workload is under way, and a few before and after.
fn instructions(run: Run) -> u64 {
    let arguments = arguments(&[run]);
    let transcript = run_until(&mut machine(&arguments), &[], |at| at);
    let outcome = transcript.outcomes()[0];
    let until = |limit: Instant| {
        let mut runtime = machine(&arguments);
        let _ = runtime.run(limit, 1, &mut tests::Memory::default());
        runtime.statistics().machines[0].instructions
    };
    until(outcome.end) - until(outcome.begin)
}

#[test]
fn a_turn_has_as_many_instructions_as_its_definition_says() {
    for workload in Workload::ALL {
        let Turn::Instructions(stated) = workload.turn() else {
            continue;
        };
        // What lies around the turns is the same in both, but for some looks at the serial line's status.
        let [few, many] = [100, 250].map(|turns| instructions(Run { workload, turns }));
        let measured = ((many - few) as f64 / 150.0).round();
        assert_eq!(measured, f64::from(stated), "{}", workload.name());
    }
}

#[test]
fn the_image_is_one_for_a_multiboot_loader() {
    let words = image()[..8192].chunks_exact(4);
    let magic = 0x1bad_b002_u32.to_le_bytes();
    assert_eq!(words.filter(|word| **word == magic).count(), 1);
}
