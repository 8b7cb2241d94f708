//! The control socket of a run: a thread that waits for clients, and one for each that reads what they want.
//!
//! What they want goes to the thread that runs the lab, which carries it out between windows and writes the answers itself. A client that
//! does not take them in time loses its connection; the lab never waits for one for longer than that.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Select, Sender, bounded};
use serde_json::Value;

use super::protocol::Letter;

/// The longest line that a client may say.
const LONGEST_LINE: u64 = 1 << 20;
/// How long a client may take to take an answer.
const PATIENCE: Duration = Duration::from_millis(200);
/// Orders that wait for the lab; beyond them clients wait.
const WAITING_ORDERS: usize = 64;

/// Someone at the other end of the socket.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// Its number, counted from 1.
    pub(crate) number: u64,
    stream: Arc<UnixStream>,
}

impl Client {
    /// Says something to the client, who may be gone.
    pub(crate) fn tell(&self, value: &Value) {
        let line = format!("{value}\n");
        if (&*self.stream).write_all(line.as_bytes()).is_err() {
            // Whoever is gone already needs no more.
            let _ = self.stream.shutdown(Shutdown::Both);
        }
    }

    /// Ends the connection.
    pub(crate) fn dismiss(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// What came from a client.
#[derive(Debug)]
pub(crate) enum Order {
    /// It has come.
    Welcome(Client),
    /// It wants something, or what it said makes no sense.
    Letter(Client, Result<Letter, String>),
    /// It says no more; when all before has been answered, the connection ends.
    Farewell(Client),
}

/// Tells that orders wait, without taking them.
#[derive(Clone, Debug)]
pub(crate) struct Bell(Receiver<Order>);

impl Bell {
    /// Rings never.
    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        Self(crossbeam_channel::never())
    }

    /// Whether an order waits.
    pub(crate) fn is_ringing(&self) -> bool {
        !self.0.is_empty()
    }

    /// Waits for an order, for that long at most.
    pub(crate) fn wait(&self, patience: Duration) {
        let mut select = Select::new();
        select.recv(&self.0);
        // Whether one has come is seen elsewhere.
        let _ = select.ready_timeout(patience);
    }
}

/// The socket. It goes when this does.
#[derive(Debug)]
pub(crate) struct Server {
    path: Option<PathBuf>,
    orders: Receiver<Order>,
    /// Keeps the channel open if there is no socket.
    sender: Sender<Order>,
    is_over: Arc<AtomicBool>,
}

impl Server {
    /// A server without a socket, to which nobody comes.
    pub(crate) fn deaf() -> Self {
        let (sender, orders) = bounded(WAITING_ORDERS);
        Self {
            path: None,
            orders,
            sender,
            is_over: Arc::default(),
        }
    }

    /// Listens at `path`.
    ///
    /// # Errors
    /// The host refuses the socket; a path of more than about 100 bytes is too long for it.
    pub(crate) fn listen(path: &Path) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        let mut server = Self::deaf();
        server.path = Some(path.into());
        let (sender, is_over) = (server.sender.clone(), Arc::clone(&server.is_over));
        std::thread::Builder::new()
            .name("control".into())
            .spawn(move || receive_clients(&listener, &sender, &is_over))?;
        Ok(server)
    }

    /// Tells that orders wait.
    pub(crate) fn bell(&self) -> Bell {
        Bell(self.orders.clone())
    }

    /// The next order, if one waits.
    pub(crate) fn next(&self) -> Option<Order> {
        self.orders.try_recv().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(path) = &self.path else { return };
        self.is_over.store(true, Ordering::Release);
        // Wakes the thread that waits for clients, so that it sees that.
        let _ = UnixStream::connect(path);
        let _ = std::fs::remove_file(path);
    }
}

fn receive_clients(listener: &UnixListener, sender: &Sender<Order>, is_over: &AtomicBool) {
    for (number, stream) in (1..).zip(listener.incoming()) {
        if is_over.load(Ordering::Acquire) {
            return;
        }
        let Ok(stream) = stream else { continue };
        if let Err(reason) = serve(number, stream, sender) {
            log::warn!("a client of the control socket cannot be served: {reason}");
        }
    }
}

fn serve(number: u64, stream: UnixStream, sender: &Sender<Order>) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let reading = stream.try_clone()?;
    let client = Client {
        number,
        stream: Arc::new(stream),
    };
    let sender = sender.clone();
    std::thread::Builder::new()
        .name(format!("control {number}"))
        .spawn(move || {
            // Whoever does not listen any more has no lab.
            let _ = sender.send(Order::Welcome(client.clone()));
            read_letters(&reading, &client, &sender);
            let _ = sender.send(Order::Farewell(client));
        })?;
    Ok(())
}

fn read_letters(stream: &UnixStream, client: &Client, sender: &Sender<Order>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        match reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(1..) => {}
            _ => return,
        }
        let is_whole = line.ends_with(b"\n");
        if line.trim_ascii().is_empty() {
            continue;
        }
        let letter = serde_json::from_slice(&line).map_err(|error| error.to_string());
        let order = Order::Letter(client.clone(), letter);
        if sender.send(order).is_err() || !is_whole {
            return;
        }
    }
}
