//! The processor under this program against the crate `cpu`: random instruction sequences, run on both, and compared.
//!
//! An x86-64 processor still runs 32-bit and 16-bit protected-mode code at level 3 ("compatibility mode"), in segments of a
//! local descriptor table that Linux lets a process make. So everything a user program of a 386 can do or try is
//! checked against silicon: arithmetic and flags, addressing, segment limits and loads, page faults, far transfers in a level, what
//! is privileged. What an operating system alone can do is not.
//!
//! * `layout`: the segments, pages and memory images that both sides share.
//! * `case`: [`Case`] and [`Outcome`], plain data.
//! * `generate`: random cases, from `forms`, the instruction forms it draws from.
//! * `host`: the helper process, the only unsafe part; [`host::Unavailable`] where there is no such processor.
//! * `model`: the same on the crate `cpu`.
//! * `undefined`: which flags instructions leave undefined. `course`: what a case really executes, and all right ways to go on where there is
//!   more than one. `habit`: what another maker's processors always do in another way. `foreign`: instructions that no case has, which a jump into the middle of another may meet.
//! * `differences`: the one table of what may differ, with reasons; `excuses`: what it asks. `finding`: the comparison.
//! * `campaign`: batches, shrinking, the report. `corpus`: recorded cases as text, for hosts that cannot run them.

pub mod campaign;
pub mod case;
pub mod corpus;
pub mod course;
pub mod differences;
mod excuses;
pub mod finding;
mod foreign;
mod forms;
pub mod generate;
pub mod habit;
#[cfg_attr(
    all(target_os = "linux", target_arch = "x86_64"),
    allow(
        unsafe_code,
        reason = "enters compatibility mode and catches faults in a helper process"
    )
)]
#[cfg_attr(not(all(target_os = "linux", target_arch = "x86_64")), path = "no_host.rs")]
pub mod host;
pub mod layout;
pub mod model;
pub mod undefined;

pub use case::{Case, Outcome, Runs};
