//! The processor against this machine's own, and against what the same harness has recorded (`tests::silicon`).

use tests::silicon::campaign;
use tests::silicon::corpus;
use tests::silicon::course::Course;
use tests::silicon::finding::{Finding, Verdict, compare, judge};
use tests::silicon::generate::Generator;
use tests::silicon::model::Model;

/// Cases of the suite. Some are endless loops, which are not run.
const CASES: u64 = 205_000;
/// The suite's cases are always the same.
const SEED: u64 = 1;

#[test]
fn random_programs_of_level_3_do_the_same_on_this_machines_processor() {
    let report = match campaign::run(SEED, 0..CASES, &|_, _, _| {}) {
        Ok(report) => report,
        Err(error) => {
            println!("{error}; only the recorded cases are tested");
            return;
        }
    };
    println!("{report}");
    assert_eq!(report.failed, 0, "{report}");
    assert!(report.cases >= 200_000, "{} cases were run", report.cases);
    assert!(
        report.compared() > CASES / 100 * 95,
        "{} cases were compared",
        report.compared()
    );
}

#[test]
fn recorded_programs_do_what_they_did_on_silicon() {
    let recorded = corpus::read(include_str!("../corpus/silicon.txt")).expect("a good corpus");
    assert!(recorded.len() > 3000, "{} cases", recorded.len());
    let mut model = Model::new();
    for (case, silicon) in recorded {
        let outcome = model.run(&case).expect("recorded cases end");
        let verdict = judge(&case, &silicon, &outcome, &mut model);
        assert_eq!(verdict, Ok(Verdict::Same), "\n{case}");
    }
}

#[test]
fn every_wrong_register_flag_segment_and_byte_is_noticed() {
    let (generator, mut model) = (Generator::new(SEED), Model::new());
    let case = (0..)
        .map(|number| generator.case(number))
        .find(|case| matches!(&case.instructions[..], [only] if matches!(only[..], [0x40..=0x4F])))
        .expect("INC or DEC of a register");
    let right = model.run(&case).expect("it ends");
    let course = Course::of(&case, &mut model);
    let is_noticed = |change: &dyn Fn(&mut tests::silicon::Outcome)| {
        let mut wrong = right;
        change(&mut wrong);
        let finding = Finding {
            case: &case,
            silicon: &right,
            model: &wrong,
            course: &course,
        };
        compare(&finding).is_err()
    };
    for register in 0..8 {
        assert!(is_noticed(&|outcome| outcome.general[register] ^= 0x8000_0000));
    }
    for segment in 0..6 {
        assert!(is_noticed(&|outcome| outcome.segments[segment] ^= 8));
    }
    for flag in [8, 9, 10, 14] {
        assert!(is_noticed(&|outcome| outcome.flags ^= 1 << flag));
    }
    assert!(is_noticed(&|outcome| outcome.eip += 1));
    assert!(is_noticed(&|outcome| outcome.vector = 6));
    assert!(is_noticed(&|outcome| outcome.error_code = 8));
    assert!(is_noticed(&|outcome| outcome.note_change(0x20, 1)));
}
