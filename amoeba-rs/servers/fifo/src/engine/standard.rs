//! The standard commands.

use super::{Engine, Object, Reply, Request, sized};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use proto::capability::{Port, Private, Rights};
use proto::fifo::{Open, SERVER_OBJECT, right};
use proto::marshal::Reader;
use proto::message::Header;
use proto::standard::{Command, Status};

impl Engine {
    pub(super) fn standard(
        &mut self,
        command: Command,
        request: &Request<'_>,
        check: Port,
    ) -> Result<Reply, Status> {
        match command {
            Command::Info => Ok(told(request.header, &self.info(request.number))),
            Command::Status => Ok(told(request.header, &self.figures())),
            Command::Touch => Ok(sized(0, 0)),
            Command::TouchMany => self.touch_many(request),
            Command::Age => {
                request.need(right::ADMIN)?;
                self.age_fifos();
                Ok(sized(0, 0))
            }
            Command::Destroy => {
                request.need(right::CLOSE)?;
                if request.number == SERVER_OBJECT {
                    return Err(Status::Denied);
                }
                self.remove(request.number);
                Ok(sized(0, 0))
            }
            Command::Restrict => {
                let private = Private::parse(&request.header.private).map_err(|_| Status::BadCapability)?;
                // The mask travels in the low byte of the offset.
                let private = private.restrict(Rights(request.header.offset as u8), check);
                Ok(Reply {
                    header: Header {
                        port: request.header.port,
                        private: private.emit(),
                        ..sized(0, 0).header
                    },
                    data: Vec::new(),
                })
            }
            Command::Monitor | Command::Copy | Command::GetParameters | Command::SetParameters => {
                Err(Status::BadCommand)
            }
        }
    }

    fn touch_many(&mut self, request: &Request<'_>) -> Result<Reply, Status> {
        let mut reader = Reader::new(request.data);
        let mut touched = 0;
        for _ in 0..request.header.size {
            let private = reader.private().map_err(|_| Status::BadArgument)?;
            let check = self.check_of(private.object());
            if check.is_some_and(|check| private.proven_rights(check).is_some()) {
                self.touch(private.object());
                touched += 1;
            }
        }
        Ok(sized(0, touched))
    }

    fn info(&mut self, number: u32) -> String {
        match self.object(number) {
            None => String::from("fifo server"),
            Some(Object::Fifo(fifo)) => {
                let [readers, writers] = fifo.sides();
                format!("| fifo: {readers} readers, {writers} writers")
            }
            Some(Object::End(end)) => {
                let is_both = end.how.contains(Open::READ | Open::WRITE);
                let side = match end.how.contains(Open::READ) {
                    _ if is_both => "reading and writing",
                    true => "reading",
                    false => "writing",
                };
                format!("| end of a fifo for {side}")
            }
        }
    }

    /// What the server has.
    fn figures(&self) -> String {
        let objects = self.objects.iter().flatten();
        let fifos = objects.clone().filter(|object| matches!(object, Object::Fifo(_)));
        let (fifos, all) = (fifos.count(), objects.count());
        let waiting = self.waiting.len();
        format!("{fifos} fifos, {} ends, {waiting} requests wait\n", all - fifos)
    }
}

/// As much of a text as the client has room for, and its whole length.
fn told(request: &Header, text: &str) -> Reply {
    let length = text.len().min(usize::from(request.size));
    Reply {
        data: text.as_bytes()[..length].to_vec(),
        ..sized(text.len(), 0)
    }
}
