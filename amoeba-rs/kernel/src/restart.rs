//! Starting the machine anew, or another kernel on it.

use crate::memory::Memory;
use crate::{floppies, serial_line};
use core::arch::global_asm;
use kernel_core::boot::Start;
use kernel_core::machine::Machine;
use kernel_core::multiboot::LOADER_MAGIC;
use platform::processor::{self, Port};

// SAFETY: the keyboard controller touches no memory.
const CONTROLLER: Port = unsafe { Port::new(0x64) };
/// Pulses the processor's reset line (Intel 8042; IBM PC/AT Technical Reference, section 1).
const PULSE_RESET: u8 = 0xfe;

/// Resets the processor.
pub(crate) fn reset() -> ! {
    processor::disable_interrupts();
    serial_line::stop();
    floppies::stop();
    CONTROLLER.write(PULSE_RESET);
    processor::halt()
}

// The instructions that move a kernel to its place and begin it, wherever they lie. Paging goes off first: all memory is mapped
// where it is. Of CR0 the bits PE and ET stay (Multiboot Specification 0.6.96, section 3.2). The segment registers stay too, and
// need no descriptors until the new kernel loads its own. There is no stack any more.
global_asm!(
    ".pushsection .text.begin_kernel, \"ax\"",
    // extern "C" fn begin_kernel(source, destination, dwords, entry, information, mover) -> !
    "begin_kernel:",
    "movl 4(%esp), %esi",
    "movl 8(%esp), %edi",
    "movl 12(%esp), %ecx",
    "movl 16(%esp), %edx",
    "movl 20(%esp), %ebx",
    "movl 24(%esp), %eax",
    "jmp *%eax",
    "kernel_mover:",
    "movl %cr0, %eax",
    "andl $0x11, %eax",
    "movl %eax, %cr0",
    "jmp 2f",
    "2:",
    "xorl %eax, %eax",
    "movl %eax, %cr3",
    "cld",
    "rep movsl",
    "movl ${magic}, %eax",
    "jmp *%edx",
    "kernel_mover_end:",
    ".popsection",
    magic = const LOADER_MAGIC,
    options(att_syntax),
);

unsafe extern "C" {
    static kernel_mover: u8;
    static kernel_mover_end: u8;

    fn begin_kernel(
        source: u32,
        destination: u32,
        dwords: u32,
        entry: u32,
        information: u32,
        mover: u32,
    ) -> !;
}

/// Moves a kernel to its place, over this one, and begins it.
pub(crate) fn begin(memory: &mut Memory, start: &Start) -> ! {
    let (mover, end) = (&raw const kernel_mover, &raw const kernel_mover_end);
    let length = end.addr() - mover.addr();
    // SAFETY: the instructions lie between the two labels, and nobody writes to them.
    let instructions = unsafe { core::slice::from_raw_parts(mover, length) };
    memory
        .memory_mut(start.room, length as u32)
        .copy_from_slice(instructions);
    processor::disable_interrupts();
    serial_line::stop();
    floppies::stop();
    // SAFETY: the image was checked: it lies in this machine's memory, and neither its source nor the mover lies where it goes.
    // What this kernel has is not used any more.
    unsafe {
        begin_kernel(
            start.source,
            start.destination,
            start.length / 4,
            start.entry,
            start.information,
            start.room,
        )
    }
}
