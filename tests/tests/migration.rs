//! Processes that go to other machines: their memory goes with them, their transactions go on, and whatever is lost or loses power, a
//! process runs on one machine at most.

use clock::{Instant, Span};
use machines::image::ImageBytes;
use machines::lab::Lab;
use machines::machine::{PowerEvent, TornSector};
use machines::runtime::{Runtime, What};
use tests::{Memory, lab};
use wire::Record;

const SOURCE: usize = 0;
const DESTINATION: usize = 1;
const THIRD: usize = 2;

/// Machines with these programs and arguments, and kernels with these options.
fn machines(options: &str, programs: &[&[(&str, &str)]], more: &str) -> Lab {
    let mut text = format!(
        r#"
format = 1
[lab]
name = "migration"
seed = 1
[time]
rtc = "1995-05-30T09:00:00Z"
[image.kernel]
path = "builtin:kernel"
[segment.ether0]
kind = "10base2"
length = "30m"
[profile.pc]
memory = "4MB"
cpu = {{ model = "386dx", clock = "40MHz", fpu = "none" }}
boot = {{ from = "direct", image = "kernel", args = "peers=0 {options}" }}
[[profile.pc.card]]
segment = "ether0"
type = "3c503"
io = 0x280
irq = 3
ram = 0xCC000
"#
    );
    for program in ["ballast", "migrate", "rpc_server", "rpc_client"] {
        text += &format!("[image.{program}]\npath = \"builtin:{program}\"\n");
    }
    for (number, programs) in programs.iter().enumerate() {
        text += &format!(
            "[machine.m{number}]\nextends = \"pc\"\nnic = {{ mac = \"02:60:8c:00:00:0{}\" }}\n",
            number + 1
        );
        for (program, arguments) in *programs {
            text += &format!("[[machine.m{number}.module]]\nimage = \"{program}\"\nargs = \"{arguments}\"\n");
        }
    }
    lab(&(text + more))
}

const BETWEEN: &str = "02:60:8c:00:00:01 02:60:8c:00:00:02";

/// A lab with its images.
struct Stage {
    lab: Lab,
    images: Vec<ImageBytes>,
}

impl Stage {
    fn new(lab: Lab) -> Stage {
        let images = machines::image::load_all(&lab).expect("built-in programs");
        Stage { lab, images }
    }

    fn start(&self) -> Runtime {
        Runtime::build(&self.lab, &self.images).expect("a lab that can be built")
    }

    /// A process of 16 Kbytes, and a migration of it.
    fn small(way: &str, more: &str) -> Stage {
        let arguments = format!("{way} ballast {BETWEEN}");
        Stage::new(machines(
            "",
            &[&[("ballast", "16 3")], &[], &[("migrate", &arguments)]],
            more,
        ))
    }
}

/// Runs until this holds, or to `limit`.
fn run_until(runtime: &mut Runtime, limit: Span, is_over: impl Fn(&Memory) -> bool) -> Memory {
    let mut memory = Memory::default();
    let limit = Instant::START + limit;
    while runtime.now() < limit && !is_over(&memory) {
        let next = (runtime.now() + Span::from_milliseconds(250)).min(limit);
        runtime.run(next, 1, &mut memory);
    }
    memory
}

/// How often a machine has printed a line that ends so.
fn count(memory: &Memory, machine: usize, end: &str) -> usize {
    let console = memory.console(machine);
    console.lines().filter(|line| line.ends_with(end)).count()
}

/// Whether the small process has looked at its memory for the last time. Its owner is told how it ends, so the console may not be.
fn is_through(memory: &Memory) -> bool {
    count(memory, SOURCE, "turn 2, 16 Kbytes are as they were") > 0
}

/// How often the process has ended well, on any machine.
fn ends(memory: &Memory) -> usize {
    [SOURCE, DESTINATION]
        .map(|machine| count(memory, machine, "ballast exited with status 0"))
        .iter()
        .sum()
}

#[test]
fn a_process_goes_to_and_fro_with_all_its_memory() {
    for way in ["", "-u"] {
        let arguments = format!("{way} -n 4 ballast {BETWEEN}");
        let stage = Stage::new(machines(
            "",
            &[&[("ballast", "128 12")], &[], &[("migrate", &arguments)]],
            "",
        ));
        let memory = run_until(&mut stage.start(), Span::from_milliseconds(30_000), |memory| {
            ends(memory) > 0 && memory.console(THIRD).contains("exited")
        });
        let third = memory.console(THIRD);
        assert!(third.contains("migrate exited with status 0"), "{way}: {third}");
        assert_eq!(
            third.matches("ballast is on 02:60:8c:00:00:02").count(),
            2,
            "{third}"
        );
        assert_eq!(
            third.matches("ballast is on 02:60:8c:00:00:01").count(),
            2,
            "{third}"
        );
        // Its terminal is that of the machine where it began. A line that it is about to write when it is stopped is aborted.
        let source = memory.console(SOURCE);
        let lines = source.matches("128 Kbytes are as they were").count();
        assert!((8..=12).contains(&lines), "{source}");
        assert_eq!(ends(&memory), 1);
    }
}

#[test]
fn clients_and_servers_go_to_and_fro_in_the_middle_of_transactions() {
    for moved in ["rpc_server", "rpc_client"] {
        let stations = match moved {
            "rpc_server" => BETWEEN,
            _ => "02:60:8c:00:00:04 02:60:8c:00:00:02",
        };
        let arguments = format!("-n 6 {moved} {stations}");
        let stage = Stage::new(machines(
            "transparent=1",
            &[
                &[("rpc_server", "perf 30000")],
                &[],
                &[("migrate", &arguments)],
                &[("rpc_client", "perf 2000 200")],
            ],
            "",
        ));
        let memory = run_until(&mut stage.start(), Span::from_milliseconds(60_000), |memory| {
            memory.console(3).contains("exited") || memory.console(DESTINATION).contains("exited")
        });
        let third = memory.console(THIRD);
        assert!(third.contains("migrate exited with status 0"), "{moved}: {third}");
        let client = memory.console(3);
        assert!(client.contains("rpc_client: 200 calls"), "{moved}: {client}");
    }
}

/// Frames of a migration, from the first that asks for it to the last: their numbers on the cable, and when each begins.
fn frames(stage: &Stage) -> Vec<(usize, Instant)> {
    let memory = run_until(&mut stage.start(), Span::from_milliseconds(20_000), |memory| {
        ends(memory) > 0 && memory.console(THIRD).contains("exited")
    });
    let told = |wanted: &str| {
        let mut text = String::new();
        let happenings = memory.happenings.iter();
        let found = happenings.filter_map(|happening| match happening.what {
            What::Console { machine, byte } if machine == THIRD => Some((happening.at, byte)),
            _ => None,
        });
        for (at, byte) in found {
            text.push(char::from(byte));
            if text.ends_with(wanted) {
                return at;
            }
        }
        panic!("{wanted} is not in {text}");
    };
    let (begin, end) = (told("started migrate"), told("migrate: ballast is on"));
    let starts = memory
        .happenings
        .iter()
        .filter_map(|happening| match &happening.what {
            What::Wire {
                record: Record::Frame { start, .. },
                ..
            } => Some(*start),
            _ => None,
        });
    (1..)
        .zip(starts)
        .filter(|(_, start)| (begin..end).contains(start))
        .collect()
}

/// Each of its turns was seen once at most, and the last one was seen.
fn check_turns(memory: &Memory, what: &str) {
    let source = memory.console(SOURCE);
    for turn in 0..3 {
        let line = format!("turn {turn}, 16 Kbytes are as they were");
        assert!(count(memory, SOURCE, &line) <= 1, "{what}: {source}");
    }
    assert!(is_through(memory), "{what}: {source}");
}

#[test]
fn a_process_exists_once_whichever_frame_is_lost() {
    for way in ["", "-u"] {
        let all = frames(&Stage::small(way, ""));
        assert!(all.len() > 30, "{}", all.len());
        for (number, _) in all {
            let fault = format!("[[fault]]\nkind = \"loss\"\nnth = {number}\n");
            let stage = Stage::small(way, &fault);
            let memory = run_until(&mut stage.start(), Span::from_milliseconds(60_000), is_through);
            check_turns(&memory, &format!("{way} {number}"));
        }
    }
}

/// How long others may need until they know what has become of a machine: a client waits that long for a server that is gone.
const LONGEST: Span = Span::from_milliseconds(240_000);

/// Switches a machine off within frames of a migration, every `step`th of them, and looks at what the others have after this
/// time, if not before.
fn cut(way: &str, machine: usize, step: usize, time: Span, mut look: impl FnMut(&Memory, usize)) {
    let stage = Stage::small(way, "");
    for (number, start) in frames(&stage).into_iter().step_by(step) {
        let mut runtime = stage.start();
        let at = start + Span::from_nanoseconds(20_000);
        runtime.schedule_power(machine, at, PowerEvent::Off(TornSector::Old));
        let is_over = |memory: &Memory| is_through(memory) || ends(memory) > 0;
        let memory = run_until(&mut runtime, time, is_over);
        look(&memory, number);
    }
}

#[test]
fn a_process_stays_or_goes_whenever_its_migration_server_loses_power() {
    cut("-u", THIRD, 1, LONGEST, |memory, number| {
        check_turns(memory, &number.to_string())
    });
}

fn cut_destination(step: usize) {
    let (mut stayed, mut all) = (0, 0);
    cut("", DESTINATION, step, LONGEST, |memory, number| {
        all += 1;
        if is_through(memory) {
            stayed += 1;
            check_turns(memory, &number.to_string());
        }
    });
    assert!(
        stayed * 10 > all * 8,
        "{stayed} of {all}: until the source knows that it has arrived it stays"
    );
}

#[test]
fn a_process_stays_unless_it_has_gone_when_its_destination_loses_power() {
    cut_destination(6);
}

#[test]
#[ignore = "takes minutes: every frame"]
fn a_process_stays_unless_it_has_gone_when_its_destination_loses_power_at_every_frame() {
    cut_destination(1);
}

#[test]
fn a_process_is_lost_with_its_source_or_goes_on_elsewhere() {
    // Lines for the terminal, which has no power either, take their time to fail.
    cut(
        "",
        SOURCE,
        1,
        Span::from_milliseconds(45_000),
        |memory, number| {
            assert!(ends(memory) <= 1, "{number}: {}", memory.console(DESTINATION));
        },
    );
}
