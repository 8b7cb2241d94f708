//! The Wireshark dissectors of `scripts/wireshark`, as tshark runs them: on a capture of transactions between two machines, on frames of
//! every kind made by hand, on pieces of them and on nonsense.
//!
//! Where tshark is not installed the tests say so and pass, unless `AMLAB_REQUIRE_TSHARK` is set, as CI does.

mod frames;

use std::ffi::OsString;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use clock::{Instant, Span};
use machines::runtime::{Happening, Observer, What};
use tests::{build, capture, lab_file};
use wire::Capture;

const SCRIPTS: [&str; 4] = ["amflip.lua", "amgroup.lua", "amheader.lua", "amrpc.lua"];

/// What tshark, with our scripts alone, says of a capture; `None` if there is no tshark.
fn tshark(capture: &[u8], words: &[&str]) -> Option<String> {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(capture).expect("room for a capture");
    let folder = tempfile::tempdir().expect("a folder");
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/wireshark");
    let mut command = Command::new("tshark");
    // No settings and plug-ins of whoever runs the test.
    command
        .env("HOME", folder.path())
        .env("XDG_CONFIG_HOME", folder.path());
    command
        .env("WIRESHARK_CONFIG_DIR", folder.path())
        .env("TZ", "UTC");
    for script in SCRIPTS {
        let mut option = OsString::from("lua_script:");
        option.push(scripts.join(script));
        command.arg("-X").arg(option);
    }
    command.arg("-r").arg(file.path()).args(words);
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            assert!(
                std::env::var_os("AMLAB_REQUIRE_TSHARK").is_none(),
                "AMLAB_REQUIRE_TSHARK is set, and tshark does not start: {error}"
            );
            eprintln!("skipped: tshark does not start: {error}");
            return None;
        }
    };
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert!(output.status.success(), "{err}");
    assert!(!err.to_lowercase().contains("lua"), "{err}");
    assert!(!out.contains("Lua Error"), "{}", excerpt(&out));
    Some(out)
}

/// The surroundings of the first error of a script.
fn excerpt(out: &str) -> &str {
    let at = out.find("Lua Error").unwrap_or(0);
    let from = out.floor_char_boundary(at.saturating_sub(2_000));
    &out[from..out.ceil_char_boundary((at + 300).min(out.len()))]
}

/// Lines of fields with tabs between them.
fn fields(capture: &[u8], filter: &str, names: &[&str]) -> Option<Vec<Vec<String>>> {
    let mut words = vec!["-2", "-Y", filter, "-T", "fields", "-E", "occurrence=f"];
    words.extend(names.iter().flat_map(|name| ["-e", name]));
    let out = tshark(capture, &words)?;
    let row = |line: &str| line.split('\t').map(str::to_owned).collect();
    Some(out.lines().map(row).collect())
}

fn every_kind() -> Vec<u8> {
    frames::pcap(frames::every_kind().iter().map(Vec::as_slice))
}

struct Recorder(Capture<Vec<u8>>);

impl Observer for Recorder {
    fn window(&mut self, _now: Instant, happenings: &[Happening]) -> ControlFlow<()> {
        for happening in happenings {
            if let What::Wire { record, .. } = &happening.what {
                self.0.record(record).expect("writing to memory");
            }
        }
        ControlFlow::Continue(())
    }
}

/// The first 800 ms of the lab whose client sends requests of 30000 bytes.
fn requests_of_30000_bytes() -> Vec<u8> {
    let lab = lab_file("rpc");
    let mut runtime = build(&lab);
    let mut recorder = Recorder(capture(&lab));
    runtime.run(Instant::START + Span::from_milliseconds(800), 1, &mut recorder);
    recorder.0.finish().expect("writing to memory")
}

#[test]
fn a_request_of_30000_bytes_is_one_message_at_its_last_fragment_and_its_reply_belongs_to_it() {
    let capture = requests_of_30000_bytes();
    let names = [
        "frame.number",
        "frame.time_relative",
        "amflip.fragments",
        "amrpc.bytes",
        "amrpc.tid",
    ];
    let Some(requests) = fields(&capture, "amrpc.type == 3", &names) else {
        return;
    };
    assert!(requests.len() >= 2, "{requests:?}");
    assert_eq!(requests[0][2..], ["21", "30000", "1"]);
    let names = [
        "frame.time_relative",
        "amrpc.request_in",
        "amrpc.tid",
        "amrpc.time",
        "amrpc.rate",
    ];
    let replies = fields(&capture, "amrpc.type == 4", &names).expect("a tshark");
    let firsts = fields(
        &capture,
        "amflip.total == 30056 && amflip.offset == 0",
        &["frame.time_relative"],
    )
    .expect("a tshark");
    for ((request, reply), first) in requests.iter().zip(&replies).zip(&firsts) {
        assert_eq!((&reply[1], &reply[2]), (&request[0], &request[4]));
        let number = |text: &str| text.parse::<f64>().expect("a number");
        let (time, rate) = (number(&reply[3]), number(&reply[4]));
        assert!(
            (time - (number(&reply[0]) - number(&first[0]))).abs() < 2e-9,
            "{reply:?}"
        );
        assert!((rate * time - 30_000.0).abs() < 0.1, "{reply:?}");
    }
    // The others lead to them.
    let rest = fields(&capture, "amflip.reassembled_in", &["amflip.reassembled_in"]).expect("a tshark");
    let to_first = rest.iter().filter(|row| row[0] == requests[0][0]).count();
    assert_eq!(to_first, 20);
    let strange = fields(&capture, "_ws.expert.severity >= \"Warning\"", &["frame.number"]);
    assert_eq!(strange.expect("a tshark"), Vec::<Vec<String>>::new());
}

#[test]
fn frames_of_every_kind_are_shown_as_what_they_are() {
    let names = [
        "frame.number",
        "_ws.col.Protocol",
        "_ws.col.Info",
        "_ws.expert.message",
    ];
    let Some(rows) = fields(&every_kind(), "frame", &names) else {
        return;
    };
    let lines: Vec<String> = rows.iter().map(|row| row.join(" | ")).collect();
    insta::assert_snapshot!("rows", lines.join("\n"));
}

#[test]
fn every_field_of_a_packet_is_there() {
    let Some(out) = tshark(
        &every_kind(),
        &["-2", "-V", "-O", "amflip,amrpc,amgroup,amheader"],
    ) else {
        return;
    };
    // What stands between our protocols is tshark's own, and differs between its versions.
    let is_ours = |line: &&str| !line.starts_with("Ethernet") && !line.starts_with("Frame ");
    let ours: Vec<&str> = out.lines().filter(is_ours).collect();
    insta::assert_snapshot!("details", ours.join("\n"));
}

#[test]
fn fields_can_be_filtered_by() {
    let capture = every_kind();
    for (filter, found) in [
        ("amrpc.command == 2303", 3),
        ("amrpc.command == 2303 && amrpc.status < 0", 1),
        ("amflip.src == c1:1e:27:04:05:06:07:00 && amrpc.type == 3", 10),
        ("amflip.flags.bigendian == 1 && amrpc.tid == 0x1000002", 4),
        ("amrpc.flags.retrans == 1", 1),
        ("amrpc.retransmission", 1),
        ("amrpc.object == 5 && amrpc.rights == 0x3f", 14),
        ("amrpc.reply_in", 4),
        ("amflip.fc.credit > 2", 2),
        ("amgroup.seqno == 17", 4),
        ("amrpc.text contains \"bytes\"", 1),
        ("amrpc.server == \"soap\"", 2),
    ] {
        let Some(rows) = fields(&capture, filter, &["frame.number"]) else {
            return;
        };
        assert_eq!(rows.len(), found, "{filter}: {rows:?}");
    }
}

#[test]
fn unicast_messages_can_be_declared_to_be_of_one_protocol() {
    let capture = every_kind();
    let info = |preference: &str| {
        let words = [
            "-o",
            preference,
            "-Y",
            "frame.number == 12",
            "-T",
            "fields",
            "-e",
            "_ws.col.Info",
        ];
        tshark(&capture, &words)
    };
    let Some(guessed) = info("amflip.unicast:what their header looks like") else {
        return;
    };
    assert_eq!(guessed.trim(), "RPC ACK tid 12");
    let as_group = info("amflip.unicast:group messages").expect("a tshark");
    assert!(as_group.starts_with("group type 171 "), "{as_group}");
    assert_eq!(
        info("amflip.unicast:data").expect("a tshark").trim(),
        "FLIP UNIDATA 24 bytes"
    );
}

#[test]
fn frames_that_end_anywhere_raise_no_error() {
    let all = frames::every_kind();
    let pieces = all
        .iter()
        .flat_map(|frame| (frames::ETHERNET..=frame.len().min(160)).map(|end| &frame[..end]));
    let count = pieces.clone().count();
    let Some(out) = tshark(&frames::pcap(pieces), &["-V"]) else {
        return;
    };
    assert_eq!(out.matches("\nAmoeba FLIP").count(), count);
}

#[test]
fn nonsense_raises_no_error() {
    // A linear congruential generator: the same nonsense each time.
    let mut state = 0x5EED_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let all = frames::every_kind();
    let mut nonsense = Vec::new();
    for _ in 0..4_000 {
        let mut frame = all[random(all.len())].clone();
        for _ in 0..=random(6) {
            // Headers more often than data.
            let end = frame.len().min(if random(2) == 0 { 60 } else { 130 });
            let at = frames::ETHERNET + random(end - frames::ETHERNET);
            frame[at] = [0, 1, 0x7F, 0x80, 0xFF, random(256) as u8][random(6)];
        }
        nonsense.push(frame);
    }
    let capture = frames::pcap(nonsense.iter().map(Vec::as_slice));
    let Some(out) = tshark(&capture, &["-2", "-V"]) else {
        return;
    };
    assert_eq!(out.matches("\nAmoeba FLIP").count(), nonsense.len());
}
