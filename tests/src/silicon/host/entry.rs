//! Into a case and out of it: the registers are loaded by a stub in 32-bit code, and the handler of exceptions keeps what it finds.

use std::arch::naked_asm;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use libc::{c_int, c_void, ucontext_t};

use super::exit;
use crate::silicon::layout::{self, Image, PAGE};
use crate::silicon::{Case, Outcome};

/// Linear address of the stub that ends in the sequence.
pub(super) const STUB: usize = layout::STUB as usize;
/// Where it finds what to load.
pub(super) const STUB_DATA: usize = STUB + PAGE;
/// Top of its stack; EFLAGS lies there.
const STUB_STACK: usize = STUB_DATA + 0x800;
/// Flat 32-bit code and data of [`TABLE`](crate::silicon::layout::TABLE).
const FLAT_CODE: u16 = 3 << 3 | 7;
const FLAT_DATA: u16 = 10 << 3 | 7;

/// What [`enter`] loads.
#[repr(C)]
struct Entry {
    general: [u32; 8],
    es: u16,
    ds: u16,
    fs: u16,
    gs: u16,
}

/// Stack pointer of [`enter`]'s caller; 0 while no case runs.
static RESUME: AtomicUsize = AtomicUsize::new(0);
/// Where [`record`] puts what it finds.
static RECORD: AtomicPtr<Outcome> = AtomicPtr::new(ptr::null_mut());

/// Runs one case.
///
/// # Safety
/// [`prepare`](super::preparation::prepare) has succeeded; `file` is what it returned; `outcome` can be written.
pub(super) unsafe fn run_case(case: &Case, file: *mut u8, outcome: *mut Outcome) {
    let before = case.data();
    // SAFETY: the file is that large, and nothing else refers to it between two cases.
    let (data, code) = unsafe {
        (
            &mut *file.cast::<Image>(),
            &mut *file.add(size_of::<Image>()).cast::<[u8; PAGE]>(),
        )
    };
    *data = before;
    *code = case.page();
    let [es, cs, ss, ds, fs, gs] = case.segments;
    let entry = Entry {
        general: case.general,
        es,
        ds,
        fs,
        gs,
    };
    // SAFETY: the stub's data page is ours. `enter` comes back by way of `on_signal`; `outcome` is a place to write.
    unsafe {
        let words = STUB_DATA as *mut u32;
        words.write_volatile(case.general[4]);
        words.add(1).write_volatile(u32::from(ss));
        words.add(2).write_volatile(case.eip);
        words.add(3).write_volatile(u32::from(cs));
        (STUB_STACK as *mut u32).write_volatile(case.flags);
        outcome.write(Outcome::empty());
        RECORD.store(outcome, Ordering::SeqCst);
        enter(&raw const entry);
        RESUME.store(0, Ordering::SeqCst);
        (*outcome).note_changes(&before, &*file.cast::<Image>());
    }
}

/// Keeps what an exception found.
///
/// # Safety
/// Called by [`on_signal`] only, with the kernel's context.
unsafe extern "C" fn record(context: *const ucontext_t, es: u32, ds: u32, fs: u32, gs: u32) {
    if RESUME.load(Ordering::SeqCst) == 0 {
        exit();
    }
    // SAFETY: the kernel's context; `run_case` has set RECORD.
    let (registers, outcome) = unsafe {
        let registers = &(*context).uc_mcontext.gregs;
        (registers, &mut *RECORD.load(Ordering::SeqCst))
    };
    let get = |number: c_int| registers[number as usize] as u32;
    let selectors = registers[libc::REG_CSGSFS as usize] as u64;
    outcome.vector = get(libc::REG_TRAPNO);
    outcome.error_code = get(libc::REG_ERR);
    if outcome.vector == 14 {
        outcome.address = get(libc::REG_CR2);
    }
    outcome.eip = get(libc::REG_RIP);
    outcome.flags = get(libc::REG_EFL);
    outcome.general = [
        libc::REG_RAX,
        libc::REG_RCX,
        libc::REG_RDX,
        libc::REG_RBX,
        libc::REG_RSP,
        libc::REG_RBP,
        libc::REG_RSI,
        libc::REG_RDI,
    ]
    .map(get);
    let (cs, ss) = (selectors as u16, (selectors >> 48) as u16);
    outcome.segments = [es as u16, cs, ss, ds as u16, fs as u16, gs as u16];
}

/// Loads `entry` and goes to the stub. Comes back when [`on_signal`] has run.
///
/// # Safety
/// The stub's page and data are set; the handler is installed.
#[unsafe(naked)]
unsafe extern "C" fn enter(entry: *const Entry) {
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [rip + {resume}], rsp",
        "mov r8, rdi",
        "push 0x202", // IRETQ faults if a case has left NT set.
        "popfq",
        "mov es, word ptr [r8 + 32]",
        "mov ds, word ptr [r8 + 34]",
        "mov fs, word ptr [r8 + 36]",
        "mov gs, word ptr [r8 + 38]",
        "push {flat_data}",
        "mov eax, {stub_stack}",
        "push rax",
        "pushfq",
        "push {flat_code}",
        "mov eax, {stub}",
        "push rax",
        "mov eax, [r8]",
        "mov ecx, [r8 + 4]",
        "mov edx, [r8 + 8]",
        "mov ebx, [r8 + 12]",
        "mov ebp, [r8 + 20]",
        "mov esi, [r8 + 24]",
        "mov edi, [r8 + 28]",
        "iretq",
        resume = sym RESUME,
        flat_data = const FLAT_DATA,
        flat_code = const FLAT_CODE,
        stub = const STUB,
        stub_stack = const STUB_STACK,
    )
}

/// The handler of every exception: records, and returns from [`enter`] instead of to the sequence.
///
/// # Safety
/// Called by the kernel only, for the exception of a case.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn on_signal(
    signal: c_int,
    information: *const c_void,
    context: *const ucontext_t,
) {
    naked_asm!(
        "mov rdi, rdx",
        "mov esi, es",
        "mov edx, ds",
        "mov ecx, fs",
        "mov r8d, gs",
        "xor eax, eax",
        "mov ds, ax",
        "mov es, ax",
        "push 0x202", // The case may have left AC set, and DF.
        "popfq",
        "sub rsp, 8",
        "call {record}",
        "mov rsp, [rip + {resume}]",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
        record = sym record,
        resume = sym RESUME,
    )
}
