//! What references stand for.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use boot_server::Configuration;
use boot_server::configuration::{Reference, Service};
use libamoeba::directory::{self, Names};
use libamoeba::system::Kernel;
use libamoeba::system::start::Arguments;
use proto::capability::{Capability, Rights};
use proto::capability_set::CapabilitySet;
use proto::soap::{Failure, Masks};
use proto::standard::Status;

/// Rights for owner, group and others on what is published: all but the owner use it.
const PUBLISHED: Masks = [Rights::ALL, Rights(0x01), Rights(0x01), Rights(0)];

/// The capabilities that the boot server was given.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    given: Vec<(String, Capability)>,
}

/// All that a service's program needs.
pub(super) struct Found {
    pub(super) file: Capability,
    pub(super) process_server: Capability,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<String>,
    pub(super) capabilities: Vec<(String, Capability)>,
}

impl Environment {
    pub(super) fn new(arguments: &Arguments) -> Environment {
        let given = arguments.capabilities();
        Environment {
            given: given
                .map(|(name, capability)| (String::from(name), capability))
                .collect(),
        }
    }

    /// A capability of the server's own environment.
    pub(super) fn given(&self, name: &str) -> Option<Capability> {
        let found = self.given.iter().find(|(known, _)| known == name)?;
        Some(found.1)
    }

    /// What a reference stands for.
    pub(super) fn resolve(
        &self,
        configuration: &Configuration,
        reference: &Reference,
    ) -> Result<Capability, String> {
        let set = match reference {
            Reference::Written(capability) => return Ok(*capability),
            Reference::Path(path) => {
                let root = Reference::Named("ROOT".into(), String::new());
                let root = self.resolve(configuration, &root)?;
                follow(root, path)
            }
            Reference::Named(name, path) => {
                let own = Reference::Named(name.clone(), String::new());
                let base = match configuration.capability(name) {
                    // A name that stands for itself means the one of the environment.
                    Some(found) if *found != own => self.resolve(configuration, found)?,
                    _ => self
                        .given(name)
                        .ok_or_else(|| format!("there is no capability {name}"))?,
                };
                if path.is_empty() {
                    return Ok(base);
                }
                follow(base, path)
            }
        };
        let set = set.map_err(|failure| format!("{reference}: {failure}"))?;
        directory::object(&mut Kernel, &set).map_err(|_| format!("{reference}: nothing is there"))
    }

    /// All that a service's program needs.
    pub(super) fn resolve_service(
        &self,
        configuration: &Configuration,
        service: &Service,
    ) -> Result<Found, String> {
        let program = service.program.as_ref().ok_or("it has no program")?;
        let process_server = match (&service.process_server, &service.machine) {
            (Some(server), _) => self.resolve(configuration, server)?,
            (None, Some(machine)) => {
                let host = self.resolve(configuration, machine)?;
                let set = follow(host, "proc").map_err(|failure| format!("{machine}: {failure}"))?;
                let first = set.members().next().map(|member| member.capability);
                first.ok_or_else(|| format!("{machine}: there is no process server"))?
            }
            (None, None) => self.given("PROC").ok_or("there is no PROC")?,
        };
        let mut capabilities = Vec::new();
        for (name, reference) in &program.capabilities {
            capabilities.push((name.clone(), self.resolve(configuration, reference)?));
        }
        Ok(Found {
            file: self.resolve(configuration, &program.file)?,
            process_server,
            arguments: program.arguments.clone(),
            environment: program.environment.clone(),
            capabilities,
        })
    }

    /// Has a path lead to an object.
    pub(super) fn publish(
        &self,
        configuration: &Configuration,
        path: &str,
        reference: &Reference,
    ) -> Result<(), String> {
        let object = CapabilitySet::single(self.resolve(configuration, reference)?);
        let root = Reference::Named("ROOT".into(), String::new());
        let names = names(self.resolve(configuration, &root)?);
        let path = path.as_bytes();
        let done = match names.append(&mut Kernel, path, &object, &PUBLISHED) {
            Err(Failure::Standard(Status::Exists)) => names.replace(&mut Kernel, path, &object),
            done => done,
        };
        done.map_err(|failure| format!("{failure}"))
    }
}

fn names(beginning: Capability) -> Names {
    let beginning = CapabilitySet::single(beginning);
    Names {
        root: beginning,
        work: beginning,
    }
}

fn follow(beginning: Capability, path: &str) -> Result<CapabilitySet, Failure> {
    names(beginning).lookup(&mut Kernel, path.as_bytes())
}
