//! A machine that somebody has reserved: for a time other check fields protect the directory, the system server and the
//! process server, so that nobody else's capabilities for them are good.

use crate::machine::Milliseconds;
use proto::capability::Port;

/// An object whose check field can be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservable {
    /// The put-port of its server.
    pub port: Port,
    /// Its number.
    pub object: u32,
}

/// Who protects what at the moment.
#[derive(Clone, Debug)]
pub struct Reservation {
    objects: [Reservable; 3],
    /// The check fields, in the same order, and until when they hold.
    current: Option<([Port; 3], Milliseconds)>,
    /// Counts beginnings and ends.
    generation: u32,
}

impl Reservation {
    /// Nothing is reserved; these are the directory, the system server and the process server.
    pub const fn new(objects: [Reservable; 3]) -> Reservation {
        Reservation {
            objects,
            current: None,
            generation: 0,
        }
    }

    /// Reserves the machine until then: these check fields protect the directory, the system server and the process server.
    pub fn begin(&mut self, checks: [Port; 3], until: Milliseconds) {
        self.current = Some((checks, until));
        self.generation = self.generation.wrapping_add(1);
    }

    /// The machine is everybody's again.
    pub fn end(&mut self) {
        if self.current.take().is_some() {
            self.generation = self.generation.wrapping_add(1);
        }
    }

    /// Ends a reservation whose time is over.
    pub fn expire(&mut self, now: Milliseconds) {
        if self.current.is_some_and(|(_, until)| until <= now) {
            self.end();
        }
    }

    /// The check field that protects an object instead of its own.
    pub fn check(&self, port: Port, object: u32) -> Option<Port> {
        let (checks, _) = self.current.as_ref()?;
        let mut objects = self.objects.iter().zip(checks);
        let (_, check) = objects.find(|(own, _)| **own == Reservable { port, object })?;
        Some(*check)
    }

    /// Another number after every beginning and every end.
    pub const fn generation(&self) -> u32 {
        self.generation
    }
}
