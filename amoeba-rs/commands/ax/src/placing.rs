//! The program's file, and the host on which it is to run.

use crate::options::Options;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::{Display, Formatter};
use libamoeba::classes::{bullet, run};
use libamoeba::directory::Names;
use libamoeba::system::Kernel;
use libamoeba::system::start::Arguments;
use libamoeba::{directory, explain, host};
use proto::capability::Capability;
use proto::process::Descriptor;
use proto::process::server::LARGEST_REQUEST;
use proto::soap::Failure;
use proto::standard::Status;

/// Where programs are looked for if the environment does not say it.
const PATH: &str = "/bin:/super/unixroot/bin";
/// Where the run server is if neither the command line nor the environment says it.
const POOL: &str = "/profile/pool/.run";
/// The run server in the environment of capabilities.
const RUN_SERVER: &str = "RUN_SERVER";

/// What went wrong, and with what.
pub(crate) struct Error(String);

impl Error {
    pub(crate) fn new(what: impl Display, why: impl Display) -> Error {
        Error(format!("{what}: {why}"))
    }
}

impl Display for Error {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The object at a path.
pub(crate) fn object(names: Option<&Names>, path: &str) -> Result<Capability, Error> {
    look_up(names, path).map_err(|failure| Error::new(path, explain(failure)))
}

fn look_up(names: Option<&Names>, path: &str) -> Result<Capability, Failure> {
    let names = names.ok_or(Status::NotFound)?;
    let set = names.lookup(&mut Kernel, path.as_bytes())?;
    Ok(directory::object(&mut Kernel, &set)?)
}

/// The file of a program.
pub(crate) fn file(arguments: &Arguments, names: Option<&Names>, program: &str) -> Result<Capability, Error> {
    if program.contains('/') {
        return object(names, program);
    }
    if let Some(file) = arguments.capability(program) {
        return Ok(file);
    }
    let mut last = Failure::Standard(Status::NotFound);
    for directory in arguments.variable("PATH").unwrap_or(PATH).split(':') {
        match look_up(names, &format!("{directory}/{program}")) {
            Ok(file) => return Ok(file),
            Err(Failure::Standard(Status::NotFound)) => {}
            Err(failure) => last = failure,
        }
    }
    Err(Error::new(program, explain(last)))
}

/// The descriptor at the beginning of an executable file.
pub(crate) fn descriptor(file: &Capability, program: &str) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; LARGEST_REQUEST];
    let length =
        bullet::read(&mut Kernel, file, 0, &mut bytes).map_err(|why| Error::new(program, explain(why)))?;
    let descriptor = Descriptor::parse(&bytes[..length]);
    let length = descriptor
        .map_err(|_| Error::new(program, "no executable file"))?
        .length();
    bytes.truncate(length);
    Ok(bytes)
}

/// Where the program is to run.
pub(crate) enum Place {
    /// Where the run server says.
    Pool(Capability),
    /// On this host, with this process server.
    Host(String, Capability),
}

impl Place {
    pub(crate) fn find(
        arguments: &Arguments,
        names: Option<&Names>,
        options: &Options<'_>,
    ) -> Result<Place, Error> {
        if options.host == "-" {
            let own = arguments.capability(RUN_SERVER);
            let server = match (options.pool, own) {
                (None, Some(server)) => server,
                (path, _) => object(names, path.unwrap_or(POOL))?,
            };
            return Ok(Place::Pool(server));
        }
        let wrong = |why: Failure| Error::new(options.host, explain(why));
        let kernel = host::named(&mut Kernel, names, options.host).map_err(wrong)?;
        let server = host::lookup(&mut Kernel, &kernel, "proc").map_err(|why| wrong(why.into()))?;
        Ok(Place::Host(options.host.to_string(), server))
    }

    /// Whether another try may lead to another host.
    pub(crate) fn is_chosen(&self) -> bool {
        matches!(self, Place::Pool(_))
    }

    /// A host's name and its process server.
    pub(crate) fn server(&self, descriptor: &[u8]) -> Result<(String, Capability), Error> {
        match self {
            Place::Host(name, server) => Ok((name.clone(), *server)),
            Place::Pool(server) => {
                let choice = run::find_host(&mut Kernel, server, &[descriptor]);
                let choice = choice.map_err(|failure| Error::new("run server", failure))?;
                let name = String::from_utf8_lossy(choice.name()).into_owned();
                Ok((name, choice.host))
            }
        }
    }
}
