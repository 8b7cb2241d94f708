//! 48 machines in a storm of broadcasts, from a station that sends as fast as the cable carries and from a hostile program: they live
//! on, and when it is over all of them carry out transactions.

use std::fmt::Write as _;

use clock::{Instant, Span};
use machines::lab::Lab;
use machines::runtime::{Runtime, What};
use tests::{Memory, lab};
use wire::Record;

const MACHINES: usize = 48;

/// Half the machines serve, the others call them; one of them also runs the hostile program.
fn storm_lab(frames: u32) -> Lab {
    let mut text = format!(
        r#"
format = 1
[lab]
name = "storm"
seed = 48
[time]
rtc = "1995-05-30T09:00:00Z"
[image.kernel]
path = "builtin:kernel"
[image.rpc_server]
path = "builtin:rpc_server"
[image.rpc_client]
path = "builtin:rpc_client"
[image.storm]
path = "builtin:storm"
[segment.ether0]
kind = "10base2"
length = "150m"
[profile.pc]
memory = "4MB"
cpu = {{ model = "386dx", clock = "40MHz", fpu = "none" }}
boot = {{ from = "direct", image = "kernel", args = "peers=0" }}
[traffic.broadcasts]
segment = "ether0"
mac = "02:60:8c:00:01:00"
ethertype = 0x8146
length = 64
start = "200ms"
frames = {frames}
"#
    );
    for number in 0..MACHINES {
        let pair = number / 2;
        let program = if number % 2 == 0 {
            format!("image = \"rpc_server\"\nargs = \"pair{pair} 1000\"")
        } else {
            format!("image = \"rpc_client\"\nargs = \"pair{pair} 100 3\"")
        };
        let storm = if number == 0 {
            "[[machine.pc0.module]]\nimage = \"storm\"\nargs = \"40 1000\"\n"
        } else {
            ""
        };
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            "[machine.pc{number}]\nextends = \"pc\"\nnic = {{ mac = \"02:60:8c:00:00:{number:02x}\" }}\n\
             [[machine.pc{number}.card]]\nsegment = \"ether0\"\ntype = \"3c503\"\nio = 0x280\nirq = 3\nram = 0xCC000\n\
             [[machine.pc{number}.module]]\n{program}\n{storm}"
        );
    }
    lab(&text)
}

#[test]
fn forty_eight_machines_survive_a_storm_of_broadcasts() {
    const FRAMES: u32 = 3000;
    let lab = storm_lab(FRAMES);
    let images = machines::image::load_all(&lab).expect("built-in programs");
    let mut runtime = Runtime::build(&lab, &images).expect("a lab that can be built");
    let mut memory = Memory::default();
    runtime.run(Instant::START + Span::from_milliseconds(9_000), 2, &mut memory);
    let broadcasts = memory.happenings.iter().filter(|happening| {
        matches!(&happening.what, What::Wire { record: Record::Frame { frame, .. }, .. }
            if frame.destination() == Some([0xFF; 6]))
    });
    assert!(broadcasts.count() > FRAMES as usize);
    let storm = memory.console(0);
    assert!(storm.contains("storm: 40 threads"), "{storm}");
    for machine in 0..MACHINES {
        let console = memory.console(machine);
        assert!(console.contains("kernel ready"), "{machine}: {console}");
        assert!(!console.contains("kernel stopped"), "{machine}: {console}");
        let has_called = console.contains("rpc_client: 3 calls, 300 bytes in");
        assert!(has_called || machine % 2 == 0, "{machine}: {console}");
    }
}
