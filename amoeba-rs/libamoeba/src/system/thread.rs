//! Threads of a program: stacks, ends, and values that each thread has for itself.

use super::calls;
use super::mutex::Mutex;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::any::Any;
use core::arch::asm;
use core::cell::UnsafeCell;
use proto::system_call::Call;

/// The least stack of a thread, in bytes.
pub const LEAST_STACK: usize = 512;
/// Values that a thread may have for itself.
pub const SLOTS: usize = 16;

/// What belongs to a thread; its own word leads here.
struct Control {
    action: Option<Box<dyn FnOnce() + Send>>,
    /// What the thread was given, which goes with it.
    parameter: Option<Box<dyn Any + Send>>,
    slots: [Option<Box<dyn Any>>; SLOTS],
    /// Nonzero once the thread needs nothing any more.
    is_done: u32,
}

impl Control {
    const fn new() -> Control {
        Control {
            action: None,
            parameter: None,
            slots: [const { None }; SLOTS],
            is_done: 0,
        }
    }
}

/// That of the first thread, whose own word is 0.
struct First(UnsafeCell<Control>);

// SAFETY: only the first thread reaches it.
unsafe impl Sync for First {}

static FIRST: First = First(UnsafeCell::new(Control::new()));

/// A thread but the first: its stack, and what belongs to it.
struct Thread {
    stack: Vec<u32>,
    control: *mut Control,
}

// SAFETY: what belongs to a thread is its own until it says that it is done.
unsafe impl Send for Thread {}

impl Drop for Thread {
    fn drop(&mut self) {
        // SAFETY: `start` made it, and the thread is done or never began.
        drop(unsafe { Box::from_raw(self.control) });
    }
}

/// All threads but the first.
static THREADS: Mutex<Vec<Thread>> = Mutex::new(Vec::new());

/// What belongs to the thread that asks.
fn own() -> *mut Control {
    match calls::local() {
        0 => FIRST.0.get(),
        local => core::ptr::with_exposed_provenance_mut(local as usize),
    }
}

/// Starts a thread that carries out `action`, with a stack of so many bytes, at least [`LEAST_STACK`]. False if there is
/// no room for one more.
pub fn spawn(stack_bytes: usize, action: impl FnOnce() + Send + 'static) -> bool {
    start(stack_bytes, None, Box::new(action))
}

/// Starts a thread that carries out `action` with `parameter`, which is freed when the thread ends, in whatever way. False if
/// there is no room for one more.
pub fn spawn_with<T: Send + 'static>(stack_bytes: usize, parameter: Box<T>, action: fn(&mut T)) -> bool {
    let begin = move || {
        // SAFETY: only this thread reaches what belongs to it, and the parameter stays until the thread ends.
        let parameter = unsafe { (*own()).parameter.as_mut() };
        if let Some(parameter) = parameter.and_then(|parameter| parameter.downcast_mut()) {
            action(parameter);
        }
    };
    start(stack_bytes, Some(parameter), Box::new(begin))
}

fn start(
    stack_bytes: usize,
    parameter: Option<Box<dyn Any + Send>>,
    action: Box<dyn FnOnce() + Send>,
) -> bool {
    let words = stack_bytes.max(LEAST_STACK).div_ceil(4);
    let control = Box::into_raw(Box::new(Control {
        action: Some(action),
        parameter,
        ..Control::new()
    }));
    let thread = Thread {
        // At its top a return address that leads nowhere.
        stack: vec![0; words],
        control,
    };
    let top = (&raw const thread.stack[words - 1]).expose_provenance() as u32;
    let local = control.expose_provenance() as u32;
    let mut threads = THREADS.lock();
    // SAFETY: the flag is a word that its thread writes once.
    threads.retain(|thread| unsafe { (&raw const (*thread.control).is_done).read_volatile() } == 0);
    // SAFETY: the thread has a stack and a control of its own, which are kept as long as it runs.
    let made = unsafe { calls::call(Call::NewThread, [begin as *const () as u32, top, local, 0]) } == 0;
    if made {
        threads.push(thread);
    }
    made
}

extern "C" fn begin() -> ! {
    // SAFETY: only this thread reaches what belongs to it.
    if let Some(action) = unsafe { (*own()).action.take() } {
        action();
    }
    exit()
}

/// Ends this thread, and with the last one the process. Its own values and its parameter are freed; what its functions still
/// hold is not.
pub fn exit() -> ! {
    let control = own();
    // SAFETY: only this thread reaches what belongs to it. A value may use others while it goes, so each leaves its slot first.
    unsafe {
        for slot in 0..SLOTS {
            let value = (*control).slots[slot].take();
            drop(value);
        }
        drop((*control).parameter.take());
    }
    // SAFETY: once the flag is set nothing touches the stack any more, which others may then take; the interrupt is the
    // system call that ends this thread.
    unsafe {
        asm!("mov dword ptr [{0}], 1", "int 53", in(reg) &raw mut (*control).is_done, options(noreturn))
    }
}

/// Slots that are taken.
static TAKEN: Mutex<usize> = Mutex::new(0);

/// A value that each thread has for itself: it begins when the thread first asks for it and goes with the thread. A program has
/// [`SLOTS`] of them.
#[derive(Debug)]
pub struct Local<T> {
    /// The slot's number and one, or 0.
    slot: Mutex<usize>,
    begin: fn() -> T,
}

impl<T: 'static> Local<T> {
    /// A value that begins as `begin` says.
    pub const fn new(begin: fn() -> T) -> Local<T> {
        Local {
            slot: Mutex::new(0),
            begin,
        }
    }

    fn slot(&self) -> Option<usize> {
        let mut slot = self.slot.lock();
        if *slot == 0 {
            let mut taken = TAKEN.lock();
            if *taken == SLOTS {
                return None;
            }
            *taken += 1;
            *slot = *taken;
        }
        Some(*slot - 1)
    }

    /// Uses this thread's value; `None` if all slots are taken.
    pub fn with<R>(&self, action: impl FnOnce(&T) -> R) -> Option<R> {
        let slot = self.slot()?;
        let control = own();
        // SAFETY: only this thread reaches what belongs to it. `begin` and `action` may use other slots, and this one: a value
        // stays in its box until the thread ends.
        unsafe {
            if (*control).slots[slot].is_none() {
                let value = Box::new((self.begin)());
                (*control).slots[slot].get_or_insert(value);
            }
            let value: *const T = (*control).slots[slot].as_deref()?.downcast_ref()?;
            Some(action(&*value))
        }
    }
}
