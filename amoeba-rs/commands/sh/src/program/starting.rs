//! How a program is given what it needs and started.

use super::machine::{Machine, Stream, close};
use super::streams::{self, End as ChannelEnd};
use super::{hosts, processes};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use hosts::Found;
use libamoeba::program;
use proto::capability::Capability;
use shell::world::{Failure, Process, Start};

/// Capabilities that are a program's own.
const OWN: [&str; 6] = ["STDIN", "STDOUT", "STDERR", "WORK", "SCRIPT", "SIGNALS"];

impl Machine {
    /// The environment of capabilities of a program.
    fn environment(
        &self,
        streams: [Stream; 3],
        others: &[(&str, Option<Capability>)],
    ) -> Vec<(String, Capability)> {
        let inherited = self
            .capabilities
            .iter()
            .filter(|(name, _)| !OWN.contains(&name.as_str()));
        let mut all: Vec<(String, Capability)> = inherited.cloned().collect();
        let mut add = |name: &str, capability| all.push((name.to_string(), capability));
        for (name, stream) in ["STDIN", "STDOUT", "STDERR"].into_iter().zip(streams) {
            add(name, stream.capability());
        }
        let work = self
            .names
            .as_ref()
            .and_then(|names| names.work.members().next().copied());
        if let Some(work) = work {
            add("WORK", work.capability);
        }
        for (name, capability) in others {
            if let Some(capability) = capability {
                add(name, *capability);
            }
        }
        all
    }

    /// Starts a file, or a shell with it if it is a text.
    pub(super) fn start_file(
        &mut self,
        start: &Start<'_, Stream>,
        file: &Capability,
        words: &[String],
    ) -> Result<Process, Failure> {
        let program = match hosts::read(file)? {
            Found::Program(program) => program,
            Found::Text if words.len() == start.words.len() => {
                let own = self.find("sh", start.path)?;
                let mut longer = Vec::from(["sh".to_string()]);
                longer.extend_from_slice(words);
                return self.start_file(start, &own, &longer);
            }
            Found::Text => return Err(Failure::NotRun("the shell is no program".to_string())),
        };
        let script = start.script.map(|text| streams::text(text.as_bytes()));
        let script = script.map(|channel| Stream::Own(channel, ChannelEnd::Reader));
        let mut closed = start.closed.to_vec();
        closed.extend(script);
        let started = processes::prepare(&closed);
        let others = [
            ("SCRIPT", script.map(Stream::capability)),
            ("SIGNALS", Some(started.signals)),
        ];
        let capabilities = self.environment(start.streams, &others);
        let capabilities: Vec<(&str, Capability)> = capabilities
            .iter()
            .map(|(name, capability)| (name.as_str(), *capability))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let environment: Vec<&str> = start.environment.iter().map(String::as_str).collect();
        let given = program::Start {
            arguments: &words,
            environment: &environment,
            capabilities: &capabilities,
            owner: started.owner,
        };
        let run_server = self.server("RUN_SERVER", "runsvr");
        let own = self
            .capabilities
            .iter()
            .find(|(name, _)| name == "PROC")
            .map(|(_, value)| *value);
        match hosts::start(&program, &given, run_server, own) {
            Ok(process) => {
                processes::started(started.number, &process);
                hosts::comment(&process, words[0]);
                Ok(started.number)
            }
            Err(failure) => {
                processes::abandon(started.number);
                if let Some(script) = script {
                    let _ = close(script);
                }
                Err(failure)
            }
        }
    }
}
