//! Requests of clients.

use super::{STACK, now, with};
use alloc::string::String;
use alloc::vec;
use libamoeba::server::{Request, Server, serve as serve_all};
use libamoeba::system::{Kernel, console};
use libamoeba::{println, standard};
use proto::boot::{ADMINISTER, Command, ControlOption, SERVER_OBJECT};
use proto::capability::{Capability, Port};
use proto::message::Header;
use proto::standard::{ObjectMark, Status};

/// Room for a request and for a reply, in bytes.
const ROOM: usize = 4096;
const _: () = assert!(STACK > 2 * ROOM);

struct BootServer {
    own: Capability,
}

/// Serves clients for ever.
pub(super) fn serve(own: &Capability) {
    let mut server = BootServer { own: *own };
    let (mut request, mut reply) = (vec![0; ROOM], vec![0; ROOM]);
    loop {
        match serve_all(&mut server, &mut Kernel, &mut request, &mut reply) {
            Status::RpcAborted => {}
            why => {
                println!("boot: waiting for requests: {why}");
                return;
            }
        }
    }
}

impl Server for BootServer {
    fn port(&self) -> Port {
        self.own.port
    }

    fn random(&self, object: u32) -> Option<Port> {
        (object == SERVER_OBJECT).then_some(self.own.private.check)
    }

    fn info(&self, _object: u32) -> &str {
        "boot server"
    }

    fn touch(&mut self, _object: u32) {}

    fn command(
        &mut self,
        request: Request<'_>,
        reply: &mut Header,
        data: &mut [u8],
    ) -> Result<usize, Status> {
        if request.header.standard_command() == Some(proto::standard::Command::Status) {
            let report = with(|shared| shared.plan.report());
            let length = report.len().min(usize::from(request.header.size)).min(data.len());
            data[..length].copy_from_slice(&report.as_bytes()[..length]);
            reply.size = report.len() as u16;
            return Ok(length);
        }
        let command = Command::from_code(request.header.command).ok_or(Status::BadCommand)?;
        if !request.rights.include(ADMINISTER) {
            return Err(Status::Denied);
        }
        match command {
            Command::Reinitialise => with(|shared| shared.is_stale = true),
            Command::ShutDown => with(|shared| shared.plan.shut_down(now())),
            Command::SetOutput => {
                let terminal = Capability::parse(request.data).map_err(|_| Status::BadArgument)?;
                match mark(&terminal)? {
                    Some(ObjectMark::Terminal | ObjectMark::Pipe) => console::set(&terminal, &terminal),
                    _ => return Err(Status::BadArgument),
                }
            }
            Command::Configure => {
                let name = core::str::from_utf8(request.data).map_err(|_| Status::BadArgument)?;
                let name = String::from(name.trim_end_matches('\0'));
                let is_wanted = match request.header.extra {
                    0 => false,
                    1 => true,
                    _ => return Err(Status::BadArgument),
                };
                if !with(|shared| shared.plan.configure(&name, is_wanted, now())) {
                    return Err(Status::NotFound);
                }
            }
            Command::Control => {
                let option = ControlOption::from_code(request.header.extra).ok_or(Status::BadArgument)?;
                with(|shared| shared.is_verbose = option == ControlOption::Verbose);
            }
        }
        Ok(0)
    }
}

/// What an object is.
fn mark(object: &Capability) -> Result<Option<ObjectMark>, Status> {
    let mut mark = [0];
    match standard::info(&mut Kernel, object, &mut mark) {
        Ok(_) | Err(Status::Overflow) => Ok(ObjectMark::from_code(mark[0])),
        Err(status) => Err(status),
    }
}
