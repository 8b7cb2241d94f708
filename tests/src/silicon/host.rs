//! Cases on the processor under this program: a helper process enters compatibility mode, and a signal brings it back.
//!
//! The helper is forked per batch, so that a wild sequence kills the helper alone; a timer of processor time ends one that hangs, and strict
//! seccomp forbids it every system call but `exit`. In the helper:
//!
//! * a memory file holds code and data; it is mapped once, writable, wherever the kernel likes, and once below 4 GB page by page with
//!   the rights that [`layout`] wants;
//! * [`enter`] loads segment and general registers and returns (IRETQ) to a stub in 32-bit code, which loads EFLAGS, SS:ESP and
//!   CS:EIP;
//! * the sequence ends with an exception. The kernel saves the state and calls [`on_signal`] on an alternate stack, which
//!   [`record`]s it and goes on behind [`enter`].
//!
//! From the first case on FS no longer leads to the thread's own variables, so nothing in the helper may use them: no
//! allocation, no panic, no `errno`.

use std::arch::naked_asm;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use libc::{c_int, c_void, ucontext_t};

use super::layout::{self, CODE, Contents, DATA, DATA_PAGES, Image, PAGE, TABLE, WRITABLE_PAGES, image};
use super::{Case, Outcome, Runs};

/// Linear address of the stub that ends in the sequence.
const STUB: usize = 0x3F00_0000;
/// Where it finds what to load.
const STUB_DATA: usize = STUB + PAGE;
/// Top of its stack; EFLAGS lies there.
const STUB_STACK: usize = STUB_DATA + 0x800;
/// Flat 32-bit code and data of [`TABLE`].
const FLAT_CODE: u16 = 3 << 3 | 7;
const FLAT_DATA: u16 = 10 << 3 | 7;
/// Bytes of the memory file: the data's image, then the page of code.
const FILE_BYTES: usize = size_of::<Image>() + PAGE;
const SIGNAL_STACK_BYTES: usize = 0x1_0000;
/// More processor time than any batch needs.
const TIMEOUT_SECONDS: i64 = 5;
/// Helpers that may die of one case, or before the first, until it is given up.
const TRIES: u32 = 4;
const SIGNALS: [c_int; 5] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
];

/// Why no case can be run on silicon here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no silicon to compare with: {0}")]
pub struct Unavailable(pub String);

/// What one helper has done.
struct Helper {
    /// Of the cases that it completed.
    outcomes: Vec<Outcome>,
    /// It was ready to run cases.
    is_ready: bool,
    /// How it ended.
    end: String,
}

/// What the helper tells the parent, in shared memory, in front of the outcomes.
#[repr(C)]
struct Progress {
    /// Cases that are complete.
    done: AtomicU32,
    /// The helper is ready to run cases.
    is_ready: AtomicU32,
    /// If not: which step failed, and `errno`.
    failed_step: AtomicU32,
    error: AtomicU32,
}

/// Steps of making a helper, as [`Progress::failed_step`] counts them from 1.
const STEPS: [&str; 6] = [
    "memory file",
    "memory below 4 GB",
    "modify_ldt",
    "alternate stack",
    "timer",
    "seccomp",
];

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

/// Runs cases in helper processes. One that dies or is killed is followed by another, which begins with the case at which that happened.
///
/// # Errors
/// If no helper can be made here.
pub fn run(cases: &[Case]) -> Result<Runs, Unavailable> {
    repeat(cases.len(), |first| run_helper(&cases[first..]))
}

/// Has helpers run `count` cases, each from the one that it is given, until all are done or given up.
fn repeat(
    count: usize,
    mut helper: impl FnMut(usize) -> Result<Helper, Unavailable>,
) -> Result<Runs, Unavailable> {
    let mut runs = Runs::default();
    let mut tries = 0;
    while runs.outcomes.len() < count {
        let Helper {
            outcomes,
            is_ready,
            end,
        } = helper(runs.outcomes.len())?;
        if !outcomes.is_empty() {
            tries = 0;
        }
        runs.outcomes.extend(outcomes.into_iter().map(Ok));
        if runs.outcomes.len() == count {
            break;
        }
        tries += 1;
        if tries < TRIES {
            runs.repeated += 1;
            continue;
        }
        if !is_ready {
            return Err(Unavailable(format!("the helper process {end}")));
        }
        runs.outcomes.push(Err(end));
        tries = 0;
    }
    Ok(runs)
}

fn last_error(what: &str) -> Unavailable {
    Unavailable(format!("{what}: {}", std::io::Error::last_os_error()))
}

/// Forks one helper, and waits for its end.
fn run_helper(cases: &[Case]) -> Result<Helper, Unavailable> {
    for number in 0..layout::IMAGES {
        let _ = image(number);
    }
    let bytes = size_of::<Progress>() + size_of_val(cases) / size_of::<Case>() * size_of::<Outcome>();
    // SAFETY: a new anonymous mapping at a place of the kernel's choice.
    let shared = unsafe {
        libc::mmap(
            ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if shared == libc::MAP_FAILED {
        return Err(last_error("shared memory"));
    }
    // SAFETY: the mapping is that large, aligned to a page, zeroed (which all fields allow), and stays until the end.
    let progress = unsafe { &*shared.cast::<Progress>() };
    // SAFETY: `bytes` has room for one outcome per case behind the progress, whose size is a multiple of 8.
    let outcomes = unsafe { shared.cast::<Progress>().add(1).cast::<Outcome>() };
    // SAFETY: the child calls only functions that are safe after fork, and leaves through `exit`.
    let result = match unsafe { libc::fork() } {
        -1 => Err(last_error("fork")),
        0 => {
            help(cases, progress, outcomes);
            exit()
        }
        child => {
            let end = wait(child);
            collect(progress, outcomes, end)
        }
    };
    // SAFETY: nothing refers to the mapping any more: `collect` has copied the outcomes.
    unsafe { libc::munmap(shared, bytes) };
    result
}

/// Waits for the end of a child, and tells it.
fn wait(child: libc::pid_t) -> String {
    let mut status = 0;
    // SAFETY: `child` is ours, and `status` is a place for its status.
    while unsafe { libc::waitpid(child, &raw mut status, 0) } == -1 {
        let error = std::io::Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return format!("ended: {error}");
        }
    }
    if libc::WIFSIGNALED(status) {
        format!("was ended by signal {}", libc::WTERMSIG(status))
    } else {
        format!("left with status {}", libc::WEXITSTATUS(status))
    }
}

fn collect(progress: &Progress, outcomes: *const Outcome, end: String) -> Result<Helper, Unavailable> {
    let step = progress.failed_step.load(Ordering::Acquire) as usize;
    if let Some(name) = STEPS.get(step.wrapping_sub(1)) {
        let error = std::io::Error::from_raw_os_error(progress.error.load(Ordering::Acquire) as i32);
        return Err(Unavailable(format!("{name}: {error}")));
    }
    let done = progress.done.load(Ordering::Acquire) as usize;
    Ok(Helper {
        // SAFETY: the helper, which has ended, completed that many outcomes.
        outcomes: (0..done).map(|number| unsafe { *outcomes.add(number) }).collect(),
        is_ready: progress.is_ready.load(Ordering::Acquire) != 0,
        end,
    })
}

/// The helper's whole life.
fn help(cases: &[Case], progress: &Progress, outcomes: *mut Outcome) {
    let Some(file) = prepare(progress) else { return };
    progress.is_ready.store(1, Ordering::Release);
    for (number, case) in cases.iter().enumerate() {
        // SAFETY: one outcome per case; `file` is the writable mapping of the file.
        unsafe { run_case(case, file, outcomes.add(number)) };
        progress.done.store(number as u32 + 1, Ordering::Release);
    }
}

/// Leaves the helper with the only system call that it has.
fn exit() -> ! {
    // SAFETY: `exit` does not return, so that nothing of this process is used afterwards.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
    loop {
        std::hint::spin_loop();
    }
}

/// Makes everything that the cases need; returns the writable mapping of the file.
fn prepare(progress: &Progress) -> Option<*mut u8> {
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

/// Runs one case.
///
/// # Safety
/// [`prepare`] has succeeded; `file` is what it returned; `outcome` can be written.
unsafe fn run_case(case: &Case, file: *mut u8, outcome: *mut Outcome) {
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
unsafe extern "C" fn on_signal(signal: c_int, information: *const c_void, context: *const ucontext_t) {
    naked_asm!(
        "mov rdi, rdx",
        "mov esi, es",
        "mov edx, ds",
        "mov ecx, fs",
        "mov r8d, gs",
        "xor eax, eax",
        "mov ds, ax",
        "mov es, ax",
        "cld",
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Helpers that complete these numbers of cases, one after the other, and then die.
    fn runs(count: usize, completed: &[usize]) -> Result<(Vec<bool>, u64), Unavailable> {
        let mut helpers = completed.iter();
        let runs = repeat(count, |first| {
            let completed = *helpers.next().expect("no more helpers than needed");
            assert!(first + completed <= count);
            Ok(Helper {
                outcomes: vec![Outcome::empty(); completed],
                is_ready: true,
                end: "was ended by signal 9".into(),
            })
        })?;
        assert_eq!(helpers.next(), None, "all helpers were needed");
        let is_done = runs.outcomes.iter().map(Result::is_ok).collect();
        Ok((is_done, runs.repeated))
    }

    #[test]
    fn a_case_whose_helper_was_killed_is_run_again() {
        assert_eq!(runs(3, &[3]), Ok((vec![true; 3], 0)));
        assert_eq!(runs(3, &[1, 0, 2]), Ok((vec![true; 3], 2)));
        assert_eq!(runs(3, &[0, 0, 0, 1, 0, 0, 1, 1]), Ok((vec![true; 3], 7)));
    }

    #[test]
    fn a_case_that_kills_every_helper_is_given_up_and_the_next_one_is_run() {
        assert_eq!(
            runs(3, &[1, 0, 0, 0, 1]),
            Ok((vec![true, false, true], 3)),
            "the first of them died of it, too"
        );
    }

    #[test]
    fn helpers_that_die_before_they_are_ready_mean_that_there_are_none() {
        let result = repeat(1, |_| {
            Ok(Helper {
                outcomes: Vec::new(),
                is_ready: false,
                end: "was ended by signal 9".into(),
            })
        });
        let told = result.err().map(|error| error.to_string());
        assert_eq!(
            told.as_deref(),
            Some("no silicon to compare with: the helper process was ended by signal 9")
        );
    }
}
