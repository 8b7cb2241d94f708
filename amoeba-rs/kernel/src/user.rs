//! Into a user's program and back: the processor gets a thread's registers, runs at privilege level 3 and comes back with
//! the next interrupt, exception or system call, with the registers in the same place.
//!
//! On its way out of a user's program the processor takes the stack that the task state names. That is the end of
//! [`AREA`]'s frame, so that what the processor and the stubs push fills exactly the frame (Intel 80386 Programmer's
//! Reference Manual, section 9.6.1). The kernel's own stack goes on where [`enter`] left it.

use core::arch::global_asm;
use platform::descriptors;
use platform::shared::Shared;
use proto::process::Frame;

/// The registers of the thread that runs. The room below is for an interrupt that nothing masks, while the stack
/// pointer is here.
#[repr(C)]
struct Area {
    room: [u32; 32],
    frame: Frame,
}

static AREA: Shared<Area> = Shared::new(Area {
    room: [0; 32],
    frame: Frame {
        cr3: 0,
        gs: 0,
        fs: 0,
        es: 0,
        ds: 0,
        edi: 0,
        esi: 0,
        ebp: 0,
        fault_address: 0,
        ebx: 0,
        edx: 0,
        ecx: 0,
        eax: 0,
        trap: 0,
        error: 0,
        eip: 0,
        cs: 0,
        eflags: 0,
        esp: 0,
        ss: 0,
    },
});

const PAGE_FAULT: u32 = 14;

global_asm!(
    ".pushsection .bss.user, \"aw\", @nobits",
    ".p2align 2",
    "kernel_stack: .long 0",
    ".popsection",
    ".pushsection .text.user, \"ax\"",
    // extern "C" fn enter_user(frame: *mut Frame): what the compiler expects to be kept goes onto the kernel's stack.
    "enter_user:",
    "pushl %ebx",
    "pushl %esi",
    "pushl %edi",
    "pushl %ebp",
    "cli",
    "movl 20(%esp), %eax",
    "movl %esp, kernel_stack",
    "leal 4(%eax), %esp",
    "popl %gs",
    "popl %fs",
    "popl %es",
    "popl %ds",
    "popal",
    "addl $8, %esp",
    "iretl",
    // From the stub of a trap that left a user's program: the segment registers are pushed, the kernel's are loaded.
    ".globl leave_user",
    "leave_user:",
    "movl %cr2, %eax",
    "movl %eax, 28(%esp)",
    "movl %cr3, %eax",
    "pushl %eax",
    "movl kernel_stack, %esp",
    "popl %ebp",
    "popl %edi",
    "popl %esi",
    "popl %ebx",
    "ret",
    ".popsection",
    options(att_syntax),
);

unsafe extern "C" {
    fn enter_user(frame: *mut Frame);
}

/// Tells the processor where a user's registers go.
pub(crate) fn start() {
    let end = AREA.get().addr() + size_of::<Area>();
    // SAFETY: only traps of users come by this stack, one at a time, and they push no more than a frame before they
    // leave it.
    unsafe { descriptors::set_kernel_stack(end as u32) };
}

/// Runs a user's program from these registers until it traps. Interrupts are off afterwards.
pub(crate) fn enter(frame: &mut Frame) {
    // SAFETY: interrupts that come while the area is written and read use the kernel's stack, not the area. The frame
    // has a user's segments and flags, which loading takes without a fault.
    unsafe {
        let place = &raw mut (*AREA.get()).frame;
        place.write(*frame);
        enter_user(place);
        *frame = place.read();
    }
    // The upper halves of pushed selectors mean nothing.
    for selector in [
        &mut frame.cs,
        &mut frame.ss,
        &mut frame.ds,
        &mut frame.es,
        &mut frame.fs,
        &mut frame.gs,
    ] {
        *selector &= 0xffff;
    }
    if frame.trap != PAGE_FAULT {
        frame.fault_address = 0;
    }
}
