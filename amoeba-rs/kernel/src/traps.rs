//! Exceptions, interrupts and system calls: the stubs of all vectors, and where they lead.
//!
//! A stub makes the stack look alike for every vector. What interrupts a user's program leads back to where the kernel
//! entered it ([`crate::user`]). What interrupts the kernel leads to [`dispatch`], which sees it as a [`Frame`], lowest
//! address first: the segment registers, what PUSHAD pushes, vector, error code, EIP, CS, EFLAGS.

use crate::console::line;
use crate::{clock, disks, floppies, keyboard, network, post, serial_line};
use core::arch::global_asm;
use core::sync::atomic::{AtomicU32, Ordering};
use kernel_core::bswap;
use kernel_core::news::News;
use platform::descriptors::{self, KERNEL_DATA};
use platform::interrupt_controller::{self, FIRST_VECTOR, LINES};
use platform::processor;
use proto::system_call;

/// Exceptions, interrupt lines, and what lies up to the last system call.
const VECTORS: usize = *system_call::VECTORS.end() as usize + 1;
const LINES_END: u32 = FIRST_VECTOR + LINES;
const BREAKPOINT: u8 = 3;
const OVERFLOW: u8 = 4;
const STUB_SPACING: u32 = 16;
/// Vector of the exception for instructions that the processor lacks.
pub(crate) const INVALID_OPCODE: u32 = 6;

/// The processor's registers at the moment of a trap.
#[repr(C)]
struct Frame {
    gs: u32,
    fs: u32,
    es: u32,
    ds: u32,
    edi: u32,
    esi: u32,
    ebp: u32,
    /// The stack pointer before PUSHAD.
    stack: u32,
    ebx: u32,
    edx: u32,
    ecx: u32,
    eax: u32,
    vector: u32,
    error: u32,
    eip: u32,
    cs: u32,
    flags: u32,
}

// Exceptions 8, 10 to 14 and 17 push an error code by themselves (80386 Programmer's Reference Manual, table 9-6;
// 17 came with the 80486).
global_asm!(
    ".pushsection .text.traps, \"ax\"",
    ".p2align 4",
    "trap_stubs:",
    ".set vector, 0",
    ".rept {vectors}",
    ".p2align 4",
    ".ifeq (vector - 8) * (vector - 10) * (vector - 11) * (vector - 12) * (vector - 13) * (vector - 14) * (vector - 17)",
    ".else",
    "pushl $0",
    ".endif",
    "pushl $vector",
    "jmp trap",
    ".set vector, vector + 1",
    ".endr",
    "trap:",
    "pushal",
    "pushl %ds",
    "pushl %es",
    "pushl %fs",
    "pushl %gs",
    "movl ${data}, %eax",
    "movl %eax, %ds",
    "movl %eax, %es",
    "cld",
    // The privilege level of the interrupted code, in its code selector.
    "testb $3, 60(%esp)",
    "jnz leave_user",
    "pushl %esp",
    "call {dispatch}",
    "addl $4, %esp",
    "popl %gs",
    "popl %fs",
    "popl %es",
    "popl %ds",
    "popal",
    "addl $8, %esp",
    "iretl",
    ".popsection",
    vectors = const VECTORS,
    data = const KERNEL_DATA,
    dispatch = sym dispatch,
    options(att_syntax),
);

unsafe extern "C" {
    /// The first stub.
    static trap_stubs: u8;
}

/// Invalid opcodes that were carried out for the processor.
static EMULATED: AtomicU32 = AtomicU32::new(0);

/// A device has interrupted, the clock aside, and the main program has not seen it.
static NEWS: News = News::none();

/// Puts the stubs into the interrupt table.
pub(crate) fn start() {
    let stubs = (&raw const trap_stubs).addr() as u32;
    descriptors::start(stubs, VECTORS, STUB_SPACING);
    for vector in system_call::VECTORS.chain([BREAKPOINT, OVERFLOW]) {
        // SAFETY: the stub takes the processor as the interrupt leaves it.
        unsafe { descriptors::set_interrupt_gate(vector, stubs + u32::from(vector) * STUB_SPACING) };
    }
}

/// Instructions carried out for the processor so far.
pub(crate) fn emulated_instructions() -> u32 {
    EMULATED.load(Ordering::Relaxed)
}

extern "C" fn dispatch(frame: &mut Frame) {
    if frame.vector == INVALID_OPCODE && emulate(frame) {
        return;
    }
    if !interrupt(frame.vector) {
        stop(frame);
    }
}

/// Handles an interrupt of the board, with interrupts off; false if the vector is none of its.
pub(crate) fn interrupt(vector: u32) -> bool {
    let is_line = (FIRST_VECTOR..LINES_END).contains(&vector);
    if is_line {
        handle_line((vector - FIRST_VECTOR) as u8);
    }
    is_line
}

/// Whether the vector is that of the clock's interrupt.
pub(crate) fn is_clock(vector: u32) -> bool {
    vector == FIRST_VECTOR + u32::from(clock::LINE)
}

/// Whether a device has interrupted since [`take_news`]; the clock is none.
pub(crate) fn has_news() -> bool {
    NEWS.are_there()
}

/// Whether a device has interrupted since this was asked last.
pub(crate) fn take_news() -> bool {
    NEWS.take()
}

/// Looks for what cards have to tell although no interrupt has come. One that is only late comes before this is called, with interrupts
/// on.
pub(crate) fn look_for_news() {
    if !has_news() && network::look() {
        NEWS.bring();
    }
}

fn handle_line(line: u8) {
    if !interrupt_controller::is_real(line) {
        return;
    }
    if line == clock::LINE {
        clock::tick();
        return interrupt_controller::end(line);
    }
    NEWS.bring();
    if line == disks::LINE {
        disks::interrupt();
    } else if line == floppies::LINE {
        floppies::interrupt();
    } else if line == serial_line::LINE {
        serial_line::interrupt();
        // A card can be told to drive this line, too.
        network::interrupt();
    } else if line == keyboard::LINE {
        keyboard::interrupt();
    } else {
        network::interrupt();
    }
    interrupt_controller::end(line);
}

/// Carries out `BSWAP` for a user's thread, of whose code these are the next two bytes; false if the instruction is
/// another one.
pub(crate) fn emulate_for_user(frame: &mut proto::process::Frame, code: [u8; 2]) -> bool {
    let proto::process::Frame {
        eax,
        ecx,
        edx,
        ebx,
        ebp,
        esi,
        edi,
        eip,
        ..
    } = frame;
    reverse(code, [eax, ecx, edx, ebx, ebp, esi, edi], eip)
}

/// Carries out `BSWAP`; false if the instruction is another one.
fn emulate(frame: &mut Frame) -> bool {
    // SAFETY: the processor has just fetched this instruction, of at least two bytes, from there.
    let code = unsafe { *(frame.eip as *const [u8; 2]) };
    let Frame {
        eax,
        ecx,
        edx,
        ebx,
        ebp,
        esi,
        edi,
        eip,
        ..
    } = frame;
    let is_done = reverse(code, [eax, ecx, edx, ebx, ebp, esi, edi], eip);
    if is_done {
        EMULATED.store(
            EMULATED.load(Ordering::Relaxed).wrapping_add(1),
            Ordering::Relaxed,
        );
    }
    is_done
}

/// Carries out `BSWAP` on one of these registers if that is what the code says, and goes on behind it; false if not.
fn reverse(code: [u8; 2], registers: [&mut u32; 7], eip: &mut u32) -> bool {
    let Some(register) = bswap::decode(code) else {
        return false;
    };
    let value = register.of(registers);
    *value = processor::reverse_bytes(*value);
    *eip = eip.wrapping_add(bswap::LENGTH);
    true
}

/// An exception in the kernel is a fault of the kernel.
fn stop(frame: &Frame) -> ! {
    serial_line::stop();
    post::stage(post::Stage::Stopped);
    let Frame {
        vector,
        error,
        eip,
        cs,
        flags,
        eax,
        ebx,
        ecx,
        edx,
        esi,
        edi,
        ebp,
        ds,
        es,
        fs,
        gs,
        ..
    } = frame;
    // EIP, CS and EFLAGS lie on the stack above what PUSHAD recorded.
    let esp = frame.stack.wrapping_add(5 * 4);
    // The upper halves of pushed selectors mean nothing.
    let [cs, ds, es, fs, gs] = [cs, ds, es, fs, gs].map(|selector| selector & 0xffff);
    let (status, directory) = processor::control();
    line!("exception {vector} ({}), error code {error:08x}", name(*vector));
    line!(
        "eip {eip:08x} cs {cs:04x} eflags {flags:08x} cr0 {status:08x} cr2 {:08x} cr3 {directory:08x}",
        processor::fault_address()
    );
    line!("eax {eax:08x} ebx {ebx:08x} ecx {ecx:08x} edx {edx:08x}");
    line!("esi {esi:08x} edi {edi:08x} ebp {ebp:08x} esp {esp:08x}");
    line!("ds {ds:04x} es {es:04x} fs {fs:04x} gs {gs:04x}");
    line!("kernel stopped");
    processor::halt()
}

/// What the manual calls an exception (80386 Programmer's Reference Manual, table 9-1).
fn name(vector: u32) -> &'static str {
    match vector {
        0 => "divide error",
        1 => "debug",
        2 => "non-maskable interrupt",
        3 => "breakpoint",
        4 => "overflow",
        5 => "bounds check",
        INVALID_OPCODE => "invalid opcode",
        7 => "coprocessor not available",
        8 => "double fault",
        9 => "coprocessor segment overrun",
        10 => "invalid TSS",
        11 => "segment not present",
        12 => "stack exception",
        13 => "general protection",
        14 => "page fault",
        16 => "coprocessor error",
        _ => "reserved",
    }
}
