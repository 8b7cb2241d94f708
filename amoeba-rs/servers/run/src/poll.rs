//! A question to a host.

use crate::host::Answer;
use crate::suitability::Figures;
use libamoeba::Transactions;
use libamoeba::classes::process;
use libamoeba::host::lookup;
use proto::capability::Capability;
use proto::standard::Status;

/// A question: which host, and what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poll {
    /// The host's number.
    pub host: usize,
    /// The directory of its kernel.
    pub directory: Capability,
    /// Its process server, as far as it is known.
    pub server: Option<Capability>,
}

/// Asks the host. Its process server is looked up if nobody answers for it any more: a kernel that started anew has another one.
///
/// # Errors
/// Why it does not answer.
pub fn ask(transactions: &mut impl Transactions, poll: &Poll) -> Result<Answer, Status> {
    if let Some(server) = poll.server
        && let Ok(answer) = ask_server(transactions, server)
    {
        return Ok(answer);
    }
    let server = lookup(transactions, &poll.directory, "proc")?;
    ask_server(transactions, server)
}

fn ask_server(transactions: &mut impl Transactions, server: Capability) -> Result<Answer, Status> {
    let (load, exec) = process::secure_load(transactions, &server)?;
    Ok(Answer {
        server,
        exec,
        figures: Figures {
            speed: load.speed,
            load: load.load.into(),
            free: load.free,
        },
    })
}
