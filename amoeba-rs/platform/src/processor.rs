//! Instructions of the processor that Rust has no words for.

use core::arch::asm;

/// A port of the machine's I/O space, one byte wide.
#[derive(Clone, Copy)]
pub struct Port(u16);

impl Port {
    /// The port with this number.
    ///
    /// # Safety
    /// Reading and writing the port must not change memory or the processor's state behind Rust's back: it is
    /// not a port of a DMA controller, nor one that resets the machine.
    pub const unsafe fn new(number: u16) -> Port {
        Port(number)
    }

    /// Reads a byte.
    pub fn read(self) -> u8 {
        let value;
        // SAFETY: whoever made this port promised that reading it has no effect on memory.
        unsafe {
            asm!("in al, dx", in("dx") self.0, out("al") value, options(nomem, nostack, preserves_flags));
        }
        value
    }

    /// Writes a byte.
    pub fn write(self, value: u8) {
        // SAFETY: whoever made this port promised that writing it has no effect on memory.
        unsafe {
            asm!("out dx, al", in("dx") self.0, in("al") value, options(nomem, nostack, preserves_flags));
        }
    }
}

impl Port {
    /// Reads bytes until `to` is full, with `REP INSB`.
    pub fn read_bytes(self, to: &mut [u8]) {
        // SAFETY: reading the port has no effect on other memory, as whoever made it promised; the direction flag is clear.
        unsafe {
            asm!("rep insb", in("dx") self.0, inout("edi") to.as_mut_ptr() => _, inout("ecx") to.len() => _,
                options(nostack, preserves_flags));
        }
    }

    /// Reads words until no more fits into `to`, with `REP INSW`.
    pub fn read_words(self, to: &mut [u8]) {
        // SAFETY: as in `read_bytes`.
        unsafe {
            asm!("rep insw", in("dx") self.0, inout("edi") to.as_mut_ptr() => _, inout("ecx") to.len() / 2 => _,
                options(nostack, preserves_flags));
        }
    }

    /// Writes all bytes, with `REP OUTSB`.
    pub fn write_bytes(self, from: &[u8]) {
        // SAFETY: writing the port has no effect on memory, as whoever made it promised; the direction flag is clear. ESI,
        // which the compiler keeps for itself, is lent and given back.
        unsafe {
            asm!("xchg esi, {from}", "rep outsb", "xchg esi, {from}", from = inout(reg) from.as_ptr() => _,
                in("dx") self.0, inout("ecx") from.len() => _, options(nostack, preserves_flags));
        }
    }

    /// Writes all whole words, with `REP OUTSW`.
    pub fn write_words(self, from: &[u8]) {
        // SAFETY: as in `write_bytes`.
        unsafe {
            asm!("xchg esi, {from}", "rep outsw", "xchg esi, {from}", from = inout(reg) from.as_ptr() => _,
                in("dx") self.0, inout("ecx") from.len() / 2 => _, options(nostack, preserves_flags));
        }
    }
}

/// A port at which a device is told to move data to or from memory by itself, or tells that it has.
#[derive(Clone, Copy)]
pub struct DmaPort(u16);

impl DmaPort {
    /// The port with this number.
    ///
    /// # Safety
    /// What the device does to memory when the port is read or written is done to memory alone of which Rust has no references.
    pub const unsafe fn new(number: u16) -> DmaPort {
        DmaPort(number)
    }

    /// Reads a byte. What is read from memory behind it is what the device has left there.
    pub fn read(self) -> u8 {
        let value;
        // SAFETY: whoever made this port promised what becomes of memory.
        unsafe {
            asm!("in al, dx", in("dx") self.0, out("al") value, options(nostack, preserves_flags));
        }
        value
    }

    /// Writes a byte. The device finds in memory what was written to it before.
    pub fn write(self, value: u8) {
        // SAFETY: whoever made this port promised what becomes of memory.
        unsafe {
            asm!("out dx, al", in("dx") self.0, in("al") value, options(nostack, preserves_flags));
        }
    }
}

const INTERRUPT_FLAG: u32 = 1 << 9;

/// Runs `action` with interrupts off, and leaves them as they were.
pub fn without_interrupts<R>(action: impl FnOnce() -> R) -> R {
    let were_on = flags() & INTERRUPT_FLAG != 0;
    disable_interrupts();
    let result = action();
    if were_on {
        enable_interrupts();
    }
    result
}

/// The flags register.
pub fn flags() -> u32 {
    let flags;
    // SAFETY: pushes and pops one word on a valid stack and changes nothing else.
    unsafe {
        asm!("pushfd", "pop {}", out(reg) flags, options(preserves_flags));
    }
    flags
}

/// Masks interrupts.
pub fn disable_interrupts() {
    // SAFETY: a kernel at privilege level 0 may mask interrupts. Not `nomem`: memory that interrupt handlers
    // share must not be accessed on the other side.
    unsafe { asm!("cli", options(nostack, preserves_flags)) }
}

/// Lets interrupts through.
pub fn enable_interrupts() {
    // SAFETY: called only once handlers stand in the interrupt table, or to restore what was.
    unsafe { asm!("sti", options(nostack, preserves_flags)) }
}

/// Sleeps until an interrupt. Called with interrupts off: STI takes effect after the next instruction, so that
/// an interrupt cannot come between looking for work and sleeping.
pub fn sleep() {
    // SAFETY: handlers stand in the interrupt table before the first sleep.
    unsafe { asm!("sti", "hlt", options(nostack, preserves_flags)) }
}

/// Stops for good.
pub fn halt() -> ! {
    loop {
        // SAFETY: with interrupts off only a reset goes on from here.
        unsafe { asm!("cli", "hlt", options(nostack)) }
    }
}

/// The address whose access made the last page fault (CR2).
pub fn fault_address() -> u32 {
    let address;
    // SAFETY: reading CR2 at privilege level 0 has no effect.
    unsafe { asm!("mov {}, cr2", out(reg) address, options(nomem, nostack, preserves_flags)) }
    address
}

/// The machine status (CR0) and the page directory's address (CR3).
pub fn control() -> (u32, u32) {
    let (status, directory);
    // SAFETY: reading CR0 and CR3 at privilege level 0 has no effect.
    unsafe {
        asm!("mov {}, cr0", "mov {}, cr3", out(reg) status, out(reg) directory,
            options(nomem, nostack, preserves_flags));
    }
    (status, directory)
}

/// Stack pointer, frame pointer.
pub fn stack() -> (u32, u32) {
    let (pointer, frame);
    // SAFETY: copies two registers.
    unsafe {
        asm!("mov {}, esp", "mov {}, ebp", out(reg) pointer, out(reg) frame,
            options(nomem, nostack, preserves_flags));
    }
    (pointer, frame)
}

/// `BSWAP` as one instruction, whatever the processor makes of it.
pub fn bswap(mut value: u32) -> u32 {
    // SAFETY: where the processor lacks the instruction, the handler of invalid opcodes carries it out.
    unsafe { asm!("bswap {}", inout(reg) value, options(nomem, nostack, preserves_flags)) }
    value
}

/// What `BSWAP` does, with instructions of a 386: written in Rust, the compiler would make `BSWAP` of it.
pub fn reverse_bytes(mut value: u32) -> u32 {
    // SAFETY: changes one register and the flags.
    unsafe {
        asm!("rol {0:x}, 8", "rol {0:e}, 16", "rol {0:x}, 8", inout(reg) value, options(nomem, nostack));
    }
    value
}

/// Copies bytes with `REP MOVSB`, as one copies to and from memory on an 8-bit card.
///
/// # Safety
/// `length` bytes are readable at `from` and writable at `to`, and the two do not overlap.
pub unsafe fn copy_bytes(from: *const u8, to: *mut u8, length: usize) {
    // SAFETY: the caller promised that both areas are valid; the direction flag is clear in Rust code. ESI, which
    // the compiler keeps for itself, is lent and given back.
    unsafe {
        asm!("xchg esi, {from}", "rep movsb", "xchg esi, {from}", from = inout(reg) from => _,
            inout("edi") to => _, inout("ecx") length => _, options(nostack, preserves_flags));
    }
}

/// Copies bytes with `REP MOVSD`, as one copies within memory.
///
/// # Safety
/// As [`copy_bytes`].
pub unsafe fn copy_words(from: *const u8, to: *mut u8, length: usize) {
    // SAFETY: as in `copy_bytes`; the bytes behind the last whole word follow it.
    unsafe {
        asm!("xchg esi, {from}", "rep movsd", "mov ecx, {rest}", "rep movsb", "xchg esi, {from}",
            from = inout(reg) from => _, rest = in(reg) length % 4,
            inout("edi") to => _, inout("ecx") length / 4 => _, options(nostack, preserves_flags));
    }
}

/// Fills bytes with zeros, with `REP STOSD`.
///
/// # Safety
/// `length` bytes are writable at `to`.
pub unsafe fn clear(to: *mut u8, length: usize) {
    // SAFETY: the caller promised that the area is valid; the direction flag is clear in Rust code. The bytes behind the last
    // whole word follow it.
    unsafe {
        asm!("rep stosd", "mov ecx, {rest}", "rep stosb", rest = in(reg) length % 4, in("eax") 0,
            inout("edi") to => _, inout("ecx") length / 4 => _, options(nostack, preserves_flags));
    }
}
