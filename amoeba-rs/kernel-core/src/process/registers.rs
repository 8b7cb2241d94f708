//! Registers that a user's thread may have. What comes from outside the kernel as a thread's registers goes through
//! here, so that no thread gets privileges or makes the kernel fault when they are loaded.

use proto::process::Frame;

/// Selector of user data, at privilege level 3.
pub const USER_DATA: u32 = 0x23;
/// Selector of user code, at privilege level 3.
pub const USER_CODE: u32 = 0x2b;

/// The flag by which string instructions go downwards.
pub(super) const DIRECTION: u32 = 0x0400;
/// Flags that a thread chooses by itself: carry, parity, adjust, zero, sign, single step, direction, overflow.
const FREE_FLAGS: u32 = 0x0dd5;
/// Interrupts are on; bit 1 is always set.
const FIXED_FLAGS: u32 = 0x0202;

/// The registers of a thread that begins at `counter` with the stack pointer `stack`.
pub fn start(counter: u32, stack: u32) -> Frame {
    for_user(&Frame {
        eip: counter,
        esp: stack,
        ..Frame::default()
    })
}

/// The same general registers with a user's segments and flags.
pub fn for_user(frame: &Frame) -> Frame {
    Frame {
        cr3: 0,
        cs: USER_CODE,
        ds: USER_DATA,
        es: USER_DATA,
        fs: USER_DATA,
        gs: USER_DATA,
        ss: USER_DATA,
        eflags: frame.eflags & FREE_FLAGS | FIXED_FLAGS,
        ..*frame
    }
}

#[cfg(test)]
mod tests {
    use super::for_user;
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use proto::process::Frame;

    proptest! {
        #[test]
        fn whatever_a_frame_says_its_thread_stays_a_user(bytes in any::<[u8; 80]>()) {
            let asked = Frame::parse(&bytes).unwrap();
            let frame = for_user(&asked);
            for selector in [frame.cs, frame.ds, frame.es, frame.fs, frame.gs, frame.ss] {
                prop_assert_eq!(selector & 3, 3);
            }
            // I/O privilege level, nested task and virtual-8086 mode are off, interrupts on.
            prop_assert_eq!(frame.eflags & 0x0002_7200, 0x200);
            prop_assert_eq!((frame.eax, frame.eip, frame.esp), (asked.eax, asked.eip, asked.esp));
        }
    }
}
