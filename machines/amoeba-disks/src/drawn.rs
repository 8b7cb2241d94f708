//! Ports and check fields, drawn from the description's seed: each by what it is for, so one more file changes no other capability.

use proto::capability::{Capability, Port, Private};

/// A source of numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drawn {
    seed: u64,
}

impl Drawn {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The number for `purpose`, which is never null.
    pub(crate) fn port(self, purpose: &str) -> Port {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(purpose.as_bytes());
        let mut reader = hasher.finalize_xof();
        let mut port = Port::NULL;
        while port == Port::NULL {
            reader.fill(&mut port.0);
        }
        port
    }

    /// A server's own capability, object 0, with the get-port.
    pub(crate) fn server(self, name: &str) -> Capability {
        Capability {
            port: self.port(&format!("port of {name}")),
            private: Private::owner(0, self.port(&format!("check of {name}"))),
        }
    }
}
