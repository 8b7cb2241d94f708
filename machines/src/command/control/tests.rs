//! Steering a laboratory over its socket, as clients do.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::exit::Exit;
use super::super::testing::{Act, Bench, SAMPLE, call};

/// Someone at the socket.
struct Client {
    reader: BufReader<UnixStream>,
}

impl Client {
    /// Comes as soon as there is a socket, and is greeted.
    fn at(run: &str) -> Self {
        let path = Path::new(run).join("control.sock");
        let stream = (0..500)
            .find_map(|_| {
                std::thread::sleep(Duration::from_millis(10));
                UnixStream::connect(&path).ok()
            })
            .expect("a socket within five seconds");
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut client = Self {
            reader: BufReader::new(stream),
        };
        let greeting = client.hear();
        assert_eq!(greeting["machines"], json!(["pc0", "pc1"]));
        client
    }

    fn say(&mut self, line: &str) {
        let mut stream = self.reader.get_ref();
        stream.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        if line.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The answer to what is asked, and nothing else comes before it.
    fn ask(&mut self, letter: Value) -> Value {
        self.say(&letter.to_string());
        self.hear()
    }
}

/// Runs the sample lab with these options, which `steer` does with a client; the exit, and what it said.
fn steered(bench: &Bench, options: &[&str], steer: impl FnOnce(&str) + Send) -> (Exit, String) {
    let lab = bench.file("lab.toml", SAMPLE);
    let out = bench.path("run");
    std::thread::scope(|scope| {
        let steering = scope.spawn(|| steer(&out));
        let words: Vec<&str> = ["run", &lab, "--out", &out, "--wall-limit", "60s"]
            .iter()
            .chain(options)
            .copied()
            .collect();
        let (exit, out, err) = call(bench, &words);
        steering.join().unwrap();
        (exit, out + &err)
    })
}

#[test]
fn what_is_typed_comes_out_is_logged_and_is_repeated_by_verify() {
    let bench = Bench::new();
    let (exit, err) = steered(&bench, &["--paused"], |run| {
        let mut client = Client::at(run);
        let status = client.ask(json!({ "do": "status" }));
        assert_eq!(
            (&status["state"], &status["at_ns"]),
            (&json!("paused"), &json!(0))
        );
        assert_eq!(status["machines"][1]["name"], "pc1");
        let step = client.ask(json!({ "do": "step", "span": "1ms", "id": 4 }));
        assert_eq!(
            step,
            json!({ "ok": true, "id": 4, "at_ns": 1_000_000, "state": "paused" })
        );
        let typed = client.ask(json!({ "do": "type", "machine": "pc1", "text": "hello\n" }));
        assert_eq!(
            (&typed["ok"], &typed["done_at_ns"]),
            (&json!(true), &json!(1_000_000))
        );
        client.say(r#"{"do":"wait","machine":"pc1","pattern":"^hel+o$","within":"1s","id":"w"}"#);
        client.say(r#"{"do":"step","span":"10ms","id":"s"}"#);
        let found = client.hear();
        assert_eq!((&found["id"], &found["ok"]), (&json!("w"), &json!(true)));
        assert_eq!(found["at_ns"], 1_057_600);
        assert_eq!(client.hear()["id"], "s");
        assert_eq!(client.ask(json!({ "do": "quit" }))["ok"], true);
        assert_eq!(client.hear(), json!({ "event": "end" }));
        assert_eq!(client.hear(), Value::Null);
    });
    assert_eq!(exit, Exit::TimeLimit, "nobody was ready when it was ended: {err}");
    let inputs = bench.read("run/inputs.log");
    assert_eq!(inputs.lines().nth(1), Some(r#"1000000 pc1 com1 "hello\n""#));
    assert_eq!(bench.read("run/console/pc1.log"), "hello\n");
    assert!(!Path::new(&bench.path("run/control.sock")).exists());

    let (exit, out, err) = call(&bench, &["verify", &bench.path("run"), "--threads", "1,2", "-q"]);
    assert_eq!(exit, Exit::Good, "{out}{err}");
    bench.file("run/inputs.log", "# nothing\n");
    let (exit, ..) = call(&bench, &["verify", &bench.path("run"), "-q"]);
    assert_eq!(exit, Exit::Differs);
}

#[test]
fn a_wait_looks_at_what_was_printed_since_the_last_one() {
    let mut bench = Bench::new();
    bench.script = vec![
        (100, Act::Say(0, "login: ok login: ")),
        (5_000, Act::Say(0, "login: ")),
    ];
    steered(&bench, &["--paused"], |run| {
        let mut client = Client::at(run);
        client.ask(json!({ "do": "until", "time": "1ms" }));
        let wait = json!({ "do": "wait", "machine": "pc0", "pattern": "login: ", "within": "2ms" });
        assert_eq!(client.ask(wait.clone())["ok"], true, "the first has come already");
        assert_eq!(client.ask(wait.clone())["ok"], true, "and the second");
        client.say(&wait.to_string());
        client.say(r#"{"do":"step","span":"3ms"}"#);
        assert_eq!(client.hear()["code"], "ctl::timeout");
        assert_eq!(client.hear()["at_ns"], 4_000_000);
        client.say(&wait.to_string());
        client.say(r#"{"do":"step","span":"2ms"}"#);
        assert_eq!(client.hear()["ok"], true, "the third comes");
        client.hear();
        client.ask(json!({ "do": "quit" }));
    });
}

#[test]
fn whoever_is_attached_sees_what_is_printed_byte_for_byte() {
    let mut bench = Bench::new();
    bench.script = vec![(10, Act::Say(1, "before")), (2_000, Act::Say(1, "ä\r\n"))];
    steered(&bench, &["--paused"], |run| {
        let mut client = Client::at(run);
        client.ask(json!({ "do": "step", "span": "1ms" }));
        assert_eq!(
            client.ask(json!({ "do": "attach", "machine": "pc1" }))["number"],
            1
        );
        let event = json!({ "event": "console", "number": 1, "bytes": "before" });
        assert_eq!(client.hear(), event);
        client.say(r#"{"do":"step","span":"2ms"}"#);
        assert_eq!(client.hear()["bytes"], "\u{c3}\u{a4}\r\n");
        assert_eq!(client.hear()["ok"], true);
        client.ask(json!({ "do": "quit" }));
    });
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let bench = Bench::new();
    steered(&bench, &["--paused"], |run| {
        let mut client = Client::at(run);
        for (letter, code) in [
            (json!({ "do": "dance" }), "ctl::request"),
            (json!({ "do": "step" }), "ctl::request"),
            (json!(7), "ctl::request"),
            (json!({ "do": "step", "span": "soon" }), "ctl::time"),
            (json!({ "do": "until", "time": "0s" }), "ctl::past"),
            (
                json!({ "do": "type", "machine": "pc7", "text": "x" }),
                "ctl::unknown-machine",
            ),
            (json!({ "do": "type", "machine": "pc0" }), "ctl::text"),
            (
                json!({ "do": "type", "machine": "pc0", "text": "x", "bytes": "x" }),
                "ctl::text",
            ),
            (
                json!({ "do": "type", "machine": "pc0", "bytes": "\u{100}" }),
                "ctl::text",
            ),
            (
                json!({ "do": "type", "machine": "pc0", "text": "ä", "device": "keyboard" }),
                "ctl::text",
            ),
            (
                json!({ "do": "type", "machine": "pc0", "text": "x".repeat(65_537) }),
                "ctl::text",
            ),
            (
                json!({ "do": "type", "machine": "pc0", "text": "x", "device": "mouse" }),
                "ctl::request",
            ),
            (
                json!({ "do": "wait", "machine": "pc0", "pattern": "(" }),
                "ctl::pattern",
            ),
            (
                json!({ "do": "cable", "station": "pc9", "state": "in" }),
                "ctl::unknown-station",
            ),
            (
                json!({ "do": "power", "machine": "pc0", "state": "half" }),
                "ctl::request",
            ),
        ] {
            let answer = client.ask(letter.clone());
            assert_eq!(
                (&answer["ok"], &answer["code"]),
                (&json!(false), &json!(code)),
                "{letter}"
            );
        }
        client.say("no JSON at all");
        assert_eq!(client.hear()["code"], "ctl::request");
        client.ask(json!({ "do": "quit" }));
    });
    assert_eq!(bench.read("run/inputs.log").lines().count(), 1);
}

#[test]
fn every_deed_is_logged_in_its_own_words() {
    let bench = Bench::new();
    steered(&bench, &["--paused"], |run| {
        let mut client = Client::at(run);
        for letter in [
            json!({ "do": "power", "machine": "pc0", "state": "off" }),
            json!({ "do": "power", "machine": "pc0", "state": "on" }),
            json!({ "do": "power", "machine": "pc1", "state": "reset" }),
            json!({ "do": "cable", "station": "pc1", "state": "out" }),
            json!({ "do": "cable", "station": "pc1/el0", "state": "in" }),
            json!({ "do": "type", "machine": "pc0", "bytes": "\u{3}\u{ff}" }),
            json!({ "do": "type", "machine": "pc0", "text": "A", "device": "keyboard" }),
        ] {
            assert_eq!(client.ask(letter.clone())["ok"], true, "{letter}");
        }
        assert_eq!(
            client.ask(json!({ "do": "stats" }))["stats"]["machines"][0]["name"],
            "pc0"
        );
        assert_eq!(
            client.ask(json!({ "do": "screen", "machine": "pc1" }))["lines"],
            json!(["the screen of pc1"])
        );
        client.ask(json!({ "do": "quit" }));
    });
    let inputs = bench.read("run/inputs.log");
    let lines: Vec<&str> = inputs.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "0 pc0 power off",
            "0 pc0 power on",
            "0 pc1 reset",
            "0 pc1/el0 cable out",
            "0 pc1/el0 cable in",
            r#"0 pc0 com1 "\x03\xff""#,
            r#"0 pc0 keyboard "A""#,
        ]
    );
}

#[test]
fn a_kept_run_stays_up_after_its_end_and_ends_as_it_would_have() {
    let mut bench = Bench::new();
    bench.script = vec![
        (10, Act::Say(0, "kernel ready")),
        (20, Act::Say(1, "kernel ready")),
    ];
    let (exit, err) = steered(&bench, &["--until-expected", "--keep"], |run| {
        let mut client = Client::at(run);
        while client.ask(json!({ "do": "status" }))["state"] != "paused" {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(client.ask(json!({ "do": "step", "span": "1s" }))["ok"], true);
        client.ask(json!({ "do": "quit" }));
    });
    assert_eq!(exit, Exit::Good, "{err}");
    assert!(err.contains("kept: expected"), "{err}");
}

#[test]
fn the_end_of_the_run_answers_whoever_still_waits() {
    let mut bench = Bench::new();
    bench.script = vec![(10, Act::Stop(0)), (3_000, Act::Stop(1))];
    steered(&bench, &["--paused"], |run| {
        let (mut first, mut second) = (Client::at(run), Client::at(run));
        first.say(r#"{"do":"wait","machine":"pc0","pattern":"never"}"#);
        assert_eq!(
            first.ask(json!({ "do": "status" }))["ok"],
            true,
            "it waits by now"
        );
        second.say(r#"{"do":"step","span":"1h"}"#);
        assert_eq!(first.hear()["code"], "ctl::stopped");
        assert_eq!(second.hear()["code"], "ctl::ended");
        assert_eq!(first.hear()["event"], "end");
    });
}

#[test]
fn ctl_asks_for_one_thing_and_says_what_came_of_it() {
    let bench = Bench::new();
    steered(&bench, &["--paused"], |run| {
        let mut client = Client::at(run);
        let ctl = |words: &[&str]| {
            let words: Vec<&str> = ["ctl", run].iter().chain(words).copied().collect();
            call(&bench, &words)
        };
        let (exit, out, _) = ctl(&["status"]);
        assert_eq!(exit, Exit::Good);
        assert!(out.contains("0.000 s  paused") && out.contains("pc1"), "{out}");
        let (exit, out, _) = ctl(&["step", "2ms"]);
        assert_eq!((exit, out.trim()), (Exit::Good, "0.002 s  paused"));
        assert_eq!(ctl(&["type", "pc0", "a\\n\\x03"]).0, Exit::Good);
        assert_eq!(ctl(&["type", "pc0", "a\\q"]).0, Exit::BadInput);
        assert_eq!(ctl(&["power", "pc9", "off"]).0, Exit::BadInput);
        let (exit, out, _) = ctl(&["screen", "pc1"]);
        assert_eq!((exit, out.as_str()), (Exit::Good, "the screen of pc1\n"));
        let (exit, out, _) = ctl(&["status", "--format", "json"]);
        let status: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((exit, &status["at_ns"]), (Exit::Good, &json!(2_000_000)));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| ctl(&["wait", "pc0", "never", "5s"]));
            // Until it waits, time passes without it.
            while !waiting.is_finished() {
                client.ask(json!({ "do": "step", "span": "1s" }));
                std::thread::sleep(Duration::from_millis(20));
            }
            let (exit, _, err) = waiting.join().unwrap();
            assert_eq!(exit, Exit::TimeLimit, "{err}");
        });
        assert_eq!(ctl(&["quit"]).0, Exit::Good);
    });
    assert_eq!(
        bench.read("run/inputs.log").lines().nth(1),
        Some(r#"2000000 pc0 com1 "a\n\x03""#)
    );
    let (exit, _, err) = call(&bench, &["ctl", &bench.path("run"), "status"]);
    assert_eq!(exit, Exit::BadInput);
    assert!(err.contains("ctl::no-run"), "{err}");
}
