//! The boot server of a whole system, as a person at the terminal has it do things by its commands: services that fail, wait for others, or
//! do not answer; another configuration; what it tells and where; the end of everything.

use tests::amoeba::Pc;
use tests::system::Step::Line;
use tests::system::{More, System, run};

/// Services beside those that every system has. None of them runs at first.
const SERVICES: &str = "
faulty { down; bootrate = 2000; program /bin/calls { argv { calls -x null } capv { TTY; } } }
idler { down; bootrate = 1000; program /bin/sleep { argv { sleep 100000 } capv { TTY; } } }
last { down; after = idler; bootrate = 1000; program /bin/sleep { argv { sleep 100000 } capv { TTY; } } }
polled {
    down; pollcap = /home/thing; pollrate = 500; bootrate = 1000;
    program /bin/sleep { argv { sleep 100000 } capv { TTY; } }
}
";

const SERVER: &str = "/profile/cap/bootsvr/default";

/// The state of a service and how often it was started, in what `std_status` tells.
fn state(told: &str, service: &str) -> (String, u32) {
    let line = told
        .lines()
        .find_map(|line| Some(line.strip_prefix(service)?.split_whitespace().collect::<Vec<_>>()));
    match line.as_deref() {
        Some([state, starts, "starts"]) => ((*state).to_owned(), starts.parse().expect("a number")),
        _ => panic!("{service}: {told}"),
    }
}

fn is(told: &str, service: &str, expected: &str, starts: u32) {
    let (state, count) = state(told, service);
    assert_eq!((state.as_str(), count), (expected, starts), "{service}: {told}");
}

fn count(told: &str, line: &str) -> usize {
    told.lines().filter(|told| *told == line).count()
}

fn session(lines: &[String], seconds: u64) -> System {
    let more = More {
        boot: SERVICES,
        ..More::default()
    };
    let steps: Vec<_> = lines.iter().map(|line| Line(line)).collect();
    run(&more, &steps, seconds)
}

#[test]
fn services_are_started_anew_wait_for_others_and_are_looked_at() {
    let status = format!("std_status {SERVER}");
    let lines = [
        // Who is told to go down has a moment to do so.
        format!("boot_conf up faulty; sleep 6; boot_conf down faulty; sleep 1; {status}"),
        "dir -l /dev/dead".to_owned(),
        format!("boot_conf up last; sleep 2; {status}"),
        format!("boot_conf up idler; sleep 3; {status}"),
        "aps server | grep idler | while read host slot rest; do stun -s 9 $host/ps/$slot; done; sleep 4"
            .to_owned(),
        status.clone(),
        format!("echo x > /home/thing; boot_conf up polled; sleep 3; {status}"),
        format!("del /home/thing; sleep 6; boot_conf down polled; sleep 1; {status}"),
        "boot_conf up nothing; boot_conf sideways idler".to_owned(),
    ];
    let told = session(&lines, 70).told;

    // A program that fails at once is told of, kept, and started again after its bootrate.
    let failures = count(&told[0], "boot: faulty: exception -9");
    assert!((2..=4).contains(&failures), "{told:?}");
    assert_eq!(
        count(&told[0], "boot: faulty lies in /dev/dead"),
        failures,
        "{told:?}"
    );
    let (state, starts) = state(&told[0], "faulty");
    assert_eq!((state.as_str(), starts as usize), ("down", failures), "{told:?}");
    let size = told[1]
        .trim()
        .strip_prefix("faulty  - ")
        .and_then(|rest| rest.strip_suffix(" bytes"));
    let size: u32 = size
        .and_then(|size| size.parse().ok())
        .unwrap_or_else(|| panic!("{told:?}"));
    assert!(size > 50_000, "code, data and stack: {told:?}");

    // `after`
    is(&told[2], "last", "waiting", 0);
    is(&told[3], "last", "up", 1);
    is(&told[3], "idler", "up", 1);
    // One that is stunned comes back, and those that were started after it go on.
    assert_eq!(count(&told[4], "boot: idler was stunned: 9"), 1, "{told:?}");
    is(&told[5], "idler", "up", 2);
    is(&told[5], "last", "up", 1);

    // `pollcap`: what does not answer three times is started anew, and again when it was not up in time.
    is(&told[6], "polled", "up", 1);
    let ended = count(&told[7], "boot: polled is ended");
    assert!((3..=8).contains(&ended), "{told:?}");
    let (state, starts) = self::state(&told[7], "polled");
    assert_eq!((state.as_str(), starts as usize), ("down", ended), "{told:?}");

    assert_eq!(
        told[8],
        "boot_conf: nothing: not found\nboot_conf: usage: boot_conf [-b server] up|down service...\n"
    );
}

#[test]
fn another_configuration_is_read_output_goes_elsewhere_and_all_services_end_in_order() {
    let status = format!("std_status {SERVER}");
    let lines = [
        format!("boot_conf up idler; sleep 2; {status}"),
        "boot_config server/vdisk:03 > /home/old; wc -l < /home/old".to_owned(),
        "(grep -v polled /home/old; echo 'other { program /bin/sleep { argv { sleep 100000 } } }') > /home/wrong".to_owned(),
        "boot_config server/vdisk:03 /home/wrong".to_owned(),
        "(cat /home/old; echo 'other { program /bin/sleep { argv { sleep 100000 } } }') | boot_config server/vdisk:03 -".to_owned(),
        format!("boot_reinit; sleep 3; {status}"),
        "boot_config server/vdisk:03 /home/old; boot_reinit; sleep 3; aps server | grep -c other".to_owned(),
        "boot_ctl verbose; boot_conf up last; sleep 1; boot_ctl quiet".to_owned(),
        "boot_setio server/tty:01; boot_conf down last; sleep 1; boot_setio server/tty:00".to_owned(),
        "boot_setio server/nothing; boot_setio /etc/fruit".to_owned(),
        format!("std_restrict {SERVER} 1 /home/weak; boot_shutdown -b /home/weak; boot_reinit -b /home/weak"),
        "boot_shutdown".to_owned(),
    ];
    let System { runtime, told, .. } = session(&lines, 60);

    is(&told[0], "idler", "up", 1);
    let own = SERVICES.lines().count();
    let lines: usize = told[1].trim().parse().unwrap_or_else(|_| panic!("{told:?}"));
    assert!(lines > own + 15, "{told:?}");
    // Without its first line a service is none, which is told before anything is written.
    assert!(told[3].starts_with("boot_config: /home/wrong: line "), "{told:?}");

    // What is the same goes on, what is new starts, and what is no longer there ends.
    assert_eq!(
        count(&told[5], "boot: the configuration was read again"),
        1,
        "{told:?}"
    );
    is(&told[5], "idler", "up", 1);
    is(&told[5], "shell", "up", 1);
    is(&told[5], "other", "up", 1);
    assert_eq!(told[6].lines().last(), Some("0"), "{told:?}");

    assert_eq!(count(&told[7], "boot: started last"), 1, "{told:?}");
    // On the other terminal, which is the screen.
    assert_eq!(count(&told[8], "boot: last is ended"), 0, "{told:?}");
    let screen = runtime.machines()[0].screen();
    let is_shown = screen.iter().any(|line| line.trim_end() == "boot: last is ended");
    assert!(is_shown, "{screen:?}");
    assert_eq!(
        told[9],
        "boot_setio: server/nothing: not found\nboot_setio: boot server: bad argument\n"
    );

    let denied = "boot server: permission denied\n";
    assert_eq!(told[10], format!("boot_shutdown: {denied}boot_reinit: {denied}"));
    // The shell's prompt may stand in front.
    let ended = told[11].lines().map(|line| line.trim_start_matches("$ "));
    let ended: Vec<&str> = ended.filter_map(|line| line.strip_prefix("boot: ")).collect();
    let place = |what: &str| {
        let place = ended.iter().position(|told| *told == what);
        place.unwrap_or_else(|| panic!("{what}: {told:?}"))
    };
    // The shell was to start after soap.
    assert!(place("shell is ended") < place("soap is ended"), "{told:?}");
    assert_eq!(
        place("idler is ended").max(place("soap is ended")),
        ended.len() - 2,
        "{told:?}"
    );
    assert_eq!(place("all services have ended"), ended.len() - 1, "{told:?}");
    assert!(told[11].ends_with("boot exited with status 0\n"), "{told:?}");
}

/// A machine beside the server, and what takes processes there.
const OTHER: &str = r#"
[[host]]
name = "other"
mac = "02:60:8c:00:00:10"
[[file]]
name = "/bin/migrate"
from = "builtin:migrate"
[[file]]
name = "/bin/ballast"
from = "builtin:ballast"
"#;

const WANDERER: &str = "
wanderer { down; pollrate = 500; bootrate = 1000; program /bin/ballast { argv { ballast 0 } capv { TTY = HOST/tty:01; } } }
";

#[test]
fn a_service_that_goes_to_another_machine_is_not_started_twice_and_ends_there() {
    let status = format!("std_status {SERVER} | grep wanderer; aps server other | grep wanderer");
    let leave = "migrate wanderer 02:60:8c:00:00:01 02:60:8c:00:00:10 > /home/log";
    let lines = [
        format!("boot_conf up wanderer; sleep 2; {status}"),
        // Its process is asked a dozen times meanwhile.
        format!("{leave}; sleep 6; {status}"),
        format!(
            "aps other | grep wanderer | while read host slot rest; do stun -s 9 $host/ps/$slot; done; sleep 4; {status}"
        ),
        format!("{leave}; sleep 1; boot_conf down wanderer; sleep 2; {status}"),
    ];
    let more = More {
        disk: OTHER,
        boot: WANDERER,
        pcs: vec![Pc::new("other").station(0x10)],
        ..More::default()
    };
    let steps: Vec<_> = lines.iter().map(|line| Line(line)).collect();
    let told = run(&more, &steps, 40).told;
    let hosts = |told: &str| {
        let lines = told.lines().filter(|line| line.ends_with("Run: wanderer"));
        lines
            .map(|line| line.split_whitespace().next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    is(&told[0], "wanderer", "up", 1);
    assert_eq!(hosts(&told[0]), ["server"], "{told:?}");
    assert_eq!(count(&told[1], "boot: wanderer has moved"), 1, "{told:?}");
    is(&told[1], "wanderer", "up", 1);
    assert_eq!(hosts(&told[1]), ["other"], "{told:?}");
    // It is started anew where it belongs.
    assert_eq!(count(&told[2], "boot: wanderer was stunned: 9"), 1, "{told:?}");
    is(&told[2], "wanderer", "up", 2);
    assert_eq!(hosts(&told[2]), ["server"], "{told:?}");
    is(&told[3], "wanderer", "down", 2);
    assert_eq!(hosts(&told[3]), [""; 0], "{told:?}");
}

#[test]
fn a_machine_with_a_kernel_alone_comes_up_with_the_servers_of_its_own_disk() {
    let lines = [
        "aps server",
        "boot_config server/vdisk:03 > /home/old; (cat /home/old; echo 'other { program /bin/sleep { argv { sleep 100000 } } }') | boot_config server/vdisk:03 -",
        "boot_reinit; sleep 3; aps server | grep -c other",
        "sort /etc/fruit; reboot server /super/admin/kernel/at386 peers=0",
    ];
    let more = More {
        disk: "[[file]]\nname = \"/super/admin/kernel/at386\"\nfrom = \"builtin:kernel\"\n",
        has_kernel_alone: true,
        ..More::default()
    };
    let System { memory, told, .. } = run(&more, &lines.map(Line), 40);
    let running: Vec<&str> = told[0]
        .lines()
        .filter_map(|line| line.split_once("Run: "))
        .map(|line| line.1)
        .collect();
    assert_eq!(running[..4], ["bullet", "boot", "soap", "shell"], "{told:?}");
    // Another configuration finds room, and leaves the programs alone.
    assert_eq!(told[2].lines().last(), Some("1"), "{told:?}");
    assert!(told[3].starts_with("apple\nbanana\ncherry\n"), "{told:?}");
    let console = memory.console(0);
    for (line, times) in [
        ("started bullet", 2),
        ("started boot", 2),
        ("boot: 3 services", 1),
        // With the other one.
        ("boot: 4 services", 1),
        // Twice with the configuration that was read again.
        ("amoeba ready", 3),
    ] {
        let found = console.lines().filter(|told| told.trim_end() == line).count();
        assert_eq!(found, times, "{line}: {console}");
    }
}
