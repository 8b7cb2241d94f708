//! What a helper needs before it runs cases: memory where the cases want it, the table of descriptors, the handler of exceptions, a timer and
//! the renunciation of system calls.

use std::ptr;
use std::sync::atomic::Ordering;

use libc::{c_int, c_void};

use super::Progress;
use super::entry::{STUB, STUB_DATA, on_signal};
use crate::silicon::layout::{CODE, Contents, DATA, DATA_PAGES, Image, PAGE, TABLE, WRITABLE_PAGES};

/// Bytes of the memory file: the data's image, then the page of code.
const FILE_BYTES: usize = size_of::<Image>() + PAGE;
/// Of the stack on which the handler runs.
const SIGNAL_STACK_BYTES: usize = 0x1_0000;
/// More processor time than any batch needs.
const TIMEOUT_SECONDS: i64 = 5;
const SIGNALS: [c_int; 5] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
];

/// Steps of making a helper, as [`Progress::failed_step`] counts them from 1.
pub(super) const STEPS: [&str; 6] = [
    "memory file",
    "memory below 4 GB",
    "modify_ldt",
    "alternate stack",
    "timer",
    "seccomp",
];

/// Makes everything that the cases need; returns the writable mapping of the file.
pub(super) fn prepare(progress: &Progress) -> Option<*mut u8> {
    let step = |number: u32, is_good: bool| {
        if !is_good {
            let error = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
            progress.failed_step.store(number, Ordering::Release);
            progress.error.store(error as u32, Ordering::Release);
        }
        is_good
    };
    let (file, alias) = make_file();
    let is_prepared = step(1, file >= 0 && alias != libc::MAP_FAILED)
        && step(2, map_low(file))
        && step(3, make_table())
        && step(4, catch_signals())
        && step(5, set_timer())
        && step(6, forbid_calls());
    is_prepared.then_some(alias.cast())
}

/// The memory file and its writable mapping.
fn make_file() -> (c_int, *mut c_void) {
    // SAFETY: a new file and a new mapping; the name is a terminated string.
    unsafe {
        let file = libc::memfd_create(c"silicon".as_ptr(), 0);
        libc::ftruncate(file, FILE_BYTES as i64);
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let alias = libc::mmap(ptr::null_mut(), FILE_BYTES, rights, libc::MAP_SHARED, file, 0);
        (file, alias)
    }
}

/// Maps `bytes` bytes at a fixed address that nobody uses; of the file, or fresh ones.
fn map_at(address: usize, bytes: usize, rights: c_int, file: Option<(c_int, usize)>) -> bool {
    let flags = match file {
        Some(_) => libc::MAP_SHARED,
        None => libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
    };
    let (file, offset) = file.unwrap_or((-1, 0));
    // SAFETY: MAP_FIXED_NOREPLACE takes only addresses where nothing is.
    let mapped = unsafe {
        libc::mmap(
            address as *mut c_void,
            bytes,
            rights,
            flags | libc::MAP_FIXED_NOREPLACE | libc::MAP_POPULATE,
            file,
            offset as i64,
        )
    };
    mapped == address as *mut c_void
}

/// The pages below 4 GB: data, code, and the stub with its data.
fn map_low(file: c_int) -> bool {
    let is_data_mapped = DATA_PAGES.iter().enumerate().all(|(number, page)| {
        let write = if number < WRITABLE_PAGES {
            libc::PROT_WRITE
        } else {
            0
        };
        let address = DATA as usize + *page as usize * PAGE;
        map_at(
            address,
            PAGE,
            libc::PROT_READ | write,
            Some((file, number * PAGE)),
        )
    });
    let executed = libc::PROT_READ | libc::PROT_EXEC;
    let is_mapped = is_data_mapped
        && map_at(CODE as usize, PAGE, executed, Some((file, size_of::<Image>())))
        && map_at(STUB, 2 * PAGE, libc::PROT_READ | libc::PROT_WRITE, None);
    if !is_mapped {
        return false;
    }
    let [low, high] = [STUB_DATA as u32, STUB_DATA as u32 + 8].map(u32::to_le_bytes);
    // popfd; lss esp, cs:[STUB_DATA]; jmp far cs:[STUB_DATA + 8]
    let lss = [0x9D, 0x2E, 0x0F, 0xB2, 0x25, low[0], low[1], low[2], low[3]];
    let jump = [0x2E, 0xFF, 0x2D, high[0], high[1], high[2], high[3]];
    // SAFETY: the stub's page has just been mapped, writable, and nobody else knows it; it then becomes code.
    unsafe {
        ptr::copy_nonoverlapping(lss.as_ptr(), STUB as *mut u8, lss.len());
        ptr::copy_nonoverlapping(jump.as_ptr(), (STUB + lss.len()) as *mut u8, jump.len());
        libc::mprotect(STUB as *mut c_void, PAGE, executed) == 0
    }
}

/// Installs [`TABLE`] as the local descriptor table.
fn make_table() -> bool {
    const WRITE: c_int = 0x11;
    TABLE.iter().enumerate().all(|(number, entry)| {
        let Some(entry) = entry else { return true };
        let contents = match entry.contents {
            Contents::Data => 0,
            Contents::ExpandDown => 1,
            Contents::Code => 2,
            Contents::Conforming => 3,
        };
        let bits = u32::from(entry.is_big)
            | contents << 1
            | u32::from(!entry.is_open) << 3
            | u32::from(entry.in_pages) << 4
            | u32::from(!entry.is_present) << 5;
        let user_desc = [number as u32, entry.base, entry.limit, bits];
        // SAFETY: `user_desc` has the layout of the kernel's structure of that name; the table has no user yet.
        unsafe {
            libc::syscall(
                libc::SYS_modify_ldt,
                WRITE,
                user_desc.as_ptr(),
                size_of_val(&user_desc),
            ) == 0
        }
    })
}

/// Every exception calls [`on_signal`] on a stack of its own.
fn catch_signals() -> bool {
    // SAFETY: fresh memory becomes the alternate stack; the handler has the signature that SA_SIGINFO wants; zero is a
    // good `sigaction` otherwise (no signal blocked).
    unsafe {
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let memory = libc::mmap(ptr::null_mut(), SIGNAL_STACK_BYTES, rights, flags, -1, 0);
        let stack = libc::stack_t {
            ss_sp: memory,
            ss_flags: 0,
            ss_size: SIGNAL_STACK_BYTES,
        };
        if memory == libc::MAP_FAILED || libc::sigaltstack(&raw const stack, ptr::null_mut()) != 0 {
            return false;
        }
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
        SIGNALS
            .iter()
            .all(|signal| libc::sigaction(*signal, &raw const action, ptr::null_mut()) == 0)
    }
}

/// SIGPROF kills a helper that hangs, by its processor time: a host that is busy with others makes it wait for long.
fn set_timer() -> bool {
    let none = libc::timeval {
        tv_sec: 0,
        tv_usec: 0,
    };
    let timer = libc::itimerval {
        it_interval: none,
        it_value: libc::timeval {
            tv_sec: TIMEOUT_SECONDS,
            tv_usec: 0,
        },
    };
    // SAFETY: a complete structure; the default action of SIGPROF ends the process.
    unsafe {
        libc::signal(libc::SIGPROF, libc::SIG_DFL);
        libc::setitimer(libc::ITIMER_PROF, &raw const timer, ptr::null_mut()) == 0
    }
}

/// Whatever a sequence does, it is no system call. Those that remain, reading and writing, find no file (where Linux is older than 5.9,
/// they still find those of the parent).
fn forbid_calls() -> bool {
    const STRICT: c_int = 1;
    // SAFETY: from here on this process only computes and leaves through `exit`; its mappings need no file to stay open.
    unsafe {
        libc::syscall(libc::SYS_close_range, 0, libc::c_uint::MAX, 0);
        libc::prctl(libc::PR_SET_SECCOMP, STRICT, 0, 0, 0) == 0
    }
}
