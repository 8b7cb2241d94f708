//! Threads of a program.

use super::calls;
use super::mutex::Mutex;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::arch::asm;
use core::cell::UnsafeCell;
use proto::system_call::Call;

/// The least stack of a thread, in bytes.
pub const LEAST_STACK: usize = 512;

/// A thread's stack, and whether the thread needs it no more.
struct Stack {
    memory: Vec<u32>,
    is_done: Box<UnsafeCell<u32>>,
}

// SAFETY: the flag is written once, by the thread's last instruction but one.
unsafe impl Send for Stack {}

/// Stacks of all threads but the first.
static STACKS: Mutex<Vec<Stack>> = Mutex::new(Vec::new());

/// What a thread begins with.
struct Beginning {
    action: Box<dyn FnOnce() + Send>,
    is_done: *mut u32,
}

/// Starts a thread that carries out `action`, with a stack of so many bytes, at least [`LEAST_STACK`]. False if there is
/// no room for one more.
pub fn spawn(stack_bytes: usize, action: impl FnOnce() + Send + 'static) -> bool {
    let words = stack_bytes.max(LEAST_STACK).div_ceil(4);
    let mut stack = Stack {
        memory: vec![0; words],
        is_done: Box::new(UnsafeCell::new(0)),
    };
    let beginning = Box::into_raw(Box::new(Beginning {
        action: Box::new(action),
        is_done: stack.is_done.get(),
    }));
    // A return address that leads nowhere, and the argument.
    stack.memory[words - 1] = beginning.addr() as u32;
    let top = (&raw const stack.memory[words - 2]).addr() as u32;
    let mut stacks = STACKS.lock();
    // SAFETY: the flag is a word that its thread writes once.
    stacks.retain(|stack| unsafe { stack.is_done.get().read_volatile() } == 0);
    // SAFETY: the thread has a stack of its own, which is kept as long as it runs.
    let made = unsafe { calls::call(Call::NewThread, [begin as *const () as u32, top, 0, 0]) } == 0;
    if made {
        stacks.push(stack);
    } else {
        // SAFETY: no thread was made that would take it.
        drop(unsafe { Box::from_raw(beginning) });
    }
    made
}

extern "C" fn begin(beginning: *mut Beginning) -> ! {
    // SAFETY: `spawn` made it for this thread.
    let Beginning { action, is_done } = *unsafe { Box::from_raw(beginning) };
    action();
    // SAFETY: once the flag is set nothing touches the stack any more, which others may then take; the interrupt is the
    // system call that ends this thread.
    unsafe { asm!("mov dword ptr [{0}], 1", "int 53", in(reg) is_done, options(noreturn)) }
}
