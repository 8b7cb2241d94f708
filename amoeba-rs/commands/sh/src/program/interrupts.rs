//! The terminal's interrupt. The terminal tells the shell that a person talks to, and a shell tells those shells for which it waits; other
//! programs are stunned.

use alloc::vec::Vec;
use libamoeba::Transactions;
use libamoeba::classes::process;
use libamoeba::system::mutex::Mutex;
use libamoeba::system::{Kernel, calls, thread};
use proto::capability::{Capability, Port, Private};
use proto::message::Header;
use proto::standard::Status;
use proto::terminal::{Notice, Signal};

/// Bytes of the listener's stack.
const STACK: usize = 8192;
/// How long another shell is looked for, in milliseconds.
const LOCATE: u32 = 1000;

/// Whom an interrupt concerns.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) process: Capability,
    /// Where a shell listens.
    pub(super) listener: Option<Capability>,
}

struct State {
    is_interrupted: bool,
    /// Processes for which the shell waits.
    foreground: Vec<Target>,
}

static STATE: Mutex<State> = Mutex::new(State {
    is_interrupted: false,
    foreground: Vec::new(),
});

/// Listens on a port, for ever.
pub(super) fn listen(port: Port) -> bool {
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
    // Who is interrupted twice does not wait for servers any more.
    let again = core::mem::replace(&mut state.is_interrupted, true);
    let targets = state.foreground.clone();
    drop(state);
    let code = i32::from(Signal::Interrupt.code());
    for target in targets {
        pass_on(&target, if again { -code } else { code });
    }
}

/// Interrupts a process.
fn pass_on(target: &Target, code: i32) {
    if let Some(listener) = target.listener.filter(|_| code > 0) {
        let header = Header {
            extra: Signal::Interrupt.code(),
            ..libamoeba::standard::request(&listener, Notice::Interrupt.code())
        };
        if Kernel.trans(&header, &[], &mut []).is_ok() {
            return;
        }
    }
    // It may have ended.
    let _ = process::stun(&mut Kernel, &target.process, code);
}

/// Says for which processes the shell waits; an interrupt that has come already goes to them.
pub(super) fn set_foreground(targets: Vec<Target>) {
    let mut state = STATE.lock();
    state.foreground = targets;
    let late = if state.is_interrupted {
        state.foreground.clone()
    } else {
        Vec::new()
    };
    drop(state);
    for target in late {
        pass_on(&target, i32::from(Signal::Interrupt.code()));
    }
}

/// Whether an interrupt has come since this was asked last.
pub(super) fn take() -> bool {
    core::mem::take(&mut STATE.lock().is_interrupted)
}

/// The capability of a listener at a get-port.
pub(super) fn capability(port: Port) -> Capability {
    let port = libamoeba::put_port(port);
    Capability {
        port,
        private: Private::owner(1, libamoeba::put_port(port)),
    }
}
