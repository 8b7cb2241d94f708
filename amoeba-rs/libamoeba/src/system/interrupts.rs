//! The terminal's interrupt. The terminal tells whoever said so last; a program that waits for others passes it on to them: it tells those
//! that said to the capability `SIGNALS`, which their parent gave them, where they listen, and stuns the others.
//!
//! Both are told the same way: `SIGNALS` takes the request by which a terminal is told whom to tell
//! ([`Command::SetInterrupt`](proto::terminal::Command::SetInterrupt)), and what comes is a terminal's [`Notice`].

use super::mutex::Mutex;
use super::{Kernel, calls, thread};
use crate::Transactions;
use crate::classes::process;
use alloc::vec::Vec;
use proto::capability::{Capability, Port, Private};
use proto::message::Header;
use proto::standard::Status;
use proto::terminal::{Notice, Signal};

/// Bytes of the listener's stack.
const STACK: usize = 8192;
/// How long another program is looked for, in milliseconds.
const LOCATE: u32 = 1000;
/// A program that listens is told so often; then it is stunned.
const MOST_NOTICES: u32 = 2;

/// Whom an interrupt concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The process.
    pub process: Capability,
    /// Where it listens, if it does.
    pub listener: Option<Capability>,
}

struct State {
    /// How often the interrupt has come since somebody asked.
    count: u32,
    /// It is nothing.
    is_ignored: bool,
    /// Processes for which the program waits.
    foreground: Vec<Target>,
}

static STATE: Mutex<State> = Mutex::new(State {
    count: 0,
    is_ignored: false,
    foreground: Vec::new(),
});

/// Listens on a get-port, for ever, by a thread of its own; false if there is no room for it.
pub fn listen(port: Port) -> bool {
    thread::spawn(STACK, move || {
        calls::timeout(LOCATE);
        loop {
            let Ok((header, _)) = Kernel.getreq(port, &mut []) else {
                continue;
            };
            let mut reply = Header::default();
            let notice = Notice::from_code(header.command);
            reply.set_status(if notice.is_some() {
                Status::Ok
            } else {
                Status::BadCommand
            });
            Kernel.putrep(&reply, &[]);
            let is_interrupt = matches!(
                notice,
                Some(Notice::SettingsInterrupt | Notice::Interrupt | Notice::Signal)
            );
            if is_interrupt
                && matches!(
                    Signal::from_code(header.extra),
                    Some(Signal::Interrupt | Signal::Quit)
                )
            {
                interrupt();
            }
        }
    })
}

fn interrupt() {
    let mut state = STATE.lock();
    if state.is_ignored {
        return;
    }
    state.count = state.count.saturating_add(1);
    let (count, targets) = (state.count, state.foreground.clone());
    drop(state);
    for target in targets {
        pass_on(&target, count);
    }
}

/// Interrupts a process for the so-manieth time. Who is interrupted twice does not wait for servers any more.
fn pass_on(target: &Target, count: u32) {
    if let Some(listener) = target.listener.filter(|_| count <= MOST_NOTICES) {
        let header = Header {
            extra: Signal::Interrupt.code(),
            ..crate::standard::request(&listener, Notice::Interrupt.code())
        };
        if Kernel.trans(&header, &[], &mut []).is_ok() {
            return;
        }
    }
    let code = i32::from(Signal::Interrupt.code());
    // It may have ended.
    let _ = process::stun(&mut Kernel, &target.process, if count > 1 { -code } else { code });
}

/// Says for which processes the program waits; an interrupt that has come already goes to those that are new.
pub fn set_foreground(targets: Vec<Target>) {
    let mut state = STATE.lock();
    let mut late = Vec::new();
    if state.count > 0 {
        late.extend(targets.iter().filter(|target| !state.foreground.contains(target)));
    }
    state.foreground = targets;
    drop(state);
    for target in late {
        pass_on(&target, 1);
    }
}

/// Whether an interrupt has come since this was asked last.
pub fn take() -> bool {
    core::mem::take(&mut STATE.lock().count) > 0
}

/// Has interrupts be nothing, or something again.
pub fn ignore(is_ignored: bool) {
    STATE.lock().is_ignored = is_ignored;
}

/// The capability of a listener at a get-port.
pub fn capability(port: Port) -> Capability {
    let port = crate::put_port(port);
    Capability {
        port,
        private: Private::owner(1, crate::put_port(port)),
    }
}
