//! Cases on the processor under this program: a helper process enters compatibility mode, and a signal brings it back.
//!
//! The helper is forked per batch, so that a wild sequence kills the helper alone; a timer of processor time ends one that hangs, and strict
//! seccomp forbids it every system call but `exit`. In the helper:
//!
//! * a memory file holds code and data; it is mapped once, writable, wherever the kernel likes, and once below 4 GB page by page with
//!   the rights that [`layout`] wants;
//! * [`entry::enter`] loads segment and general registers and returns (IRETQ) to a stub in 32-bit code, which loads EFLAGS, SS:ESP and
//!   CS:EIP;
//! * the sequence ends with an exception. The kernel saves the state and calls [`entry::on_signal`] on an alternate stack, which
//!   [records](entry::record) it and goes on behind [`entry::enter`].
//!
//! From the first case on FS no longer leads to the thread's own variables, so nothing in the helper may use them: no
//! allocation, no panic, no `errno`.

mod entry;
mod preparation;

use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use self::entry::run_case;
use self::preparation::{STEPS, prepare};
use super::layout::{self, image};
use super::{Case, Outcome, Runs};

/// Helpers that may die of one case, or before the first, until it is given up.
const TRIES: u32 = 4;

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
