//! 48 machines in a storm of broadcasts, from a station that sends as fast as the cable carries and from a hostile program: they live
//! on, and when it is over all of them carry out transactions.

use clock::Span;
use tests::amoeba::{Laboratory, Pc};
use tests::run_for;

const MACHINES: usize = 48;

/// Half the machines serve, the others call them; one of them also runs the hostile program.
fn storm_lab(frames: u32) -> Laboratory {
    let pcs = (0..MACHINES).map(|number| {
        let (pair, pc) = (number / 2, Pc::new(&format!("pc{number}")));
        match number {
            0 => pc.program("rpc_server", "pair0 1000").program("storm", "40 1000"),
            _ if number % 2 == 0 => pc.program("rpc_server", format!("pair{pair} 1000")),
            _ => pc.program("rpc_client", format!("pair{pair} 100 3")),
        }
    });
    Laboratory::new(pcs).seed(48).length(150).tables(&format!(
        r#"
[traffic.broadcasts]
segment = "ether0"
mac = "02:60:8c:00:01:00"
ethertype = 0x8146
length = 64
start = "200ms"
frames = {frames}"#
    ))
}

#[test]
fn forty_eight_machines_survive_a_storm_of_broadcasts() {
    const FRAMES: u32 = 3000;
    let mut runtime = storm_lab(FRAMES).stage().start();
    let memory = run_for(&mut runtime, Span::from_seconds(9), 2).1;
    let broadcasts = memory
        .frames()
        .filter(|(_, _, frame)| frame.destination() == Some([0xFF; 6]));
    assert!(broadcasts.count() > FRAMES as usize);
    let storm = memory.console(0);
    assert!(storm.contains("storm: 40 threads"), "{storm}");
    for machine in 0..MACHINES {
        memory.assert_sound(machine);
        let console = memory.console(machine);
        let has_called = console.contains("rpc_client: 3 calls, 300 bytes in");
        assert!(has_called || machine % 2 == 0, "{machine}: {console}");
    }
}
