//! From privilege level 3 to 0 and back: loops that run as a user program, and what they enter.

use core::arch::naked_asm;
use platform::descriptors::{self, CALL_GATE, KERNEL_DATA, USER_CODE, USER_DATA};
use platform::shared::Shared;

/// Vector of the interrupt that adds ECX to EAX.
pub(crate) const ADD: u8 = 0x80;
/// Vector of the interrupt that ends the user program.
const LEAVE: u8 = 0x81;

const STACK_DWORDS: usize = 1024;
type Stack = Shared<[u32; STACK_DWORDS]>;

static USER_STACK: Stack = Shared::new([0; STACK_DWORDS]);
static KERNEL_STACK: Stack = Shared::new([0; STACK_DWORDS]);
/// Where the stack pointer was when the user program was entered.
static CALLER: Shared<u32> = Shared::new(0);

/// The address behind a stack.
fn top(stack: &Stack) -> u32 {
    stack.get().wrapping_add(1).addr() as u32
}

/// Sets up the gates and the stack that they lead to.
pub(crate) fn start() {
    // SAFETY: the handlers are written for these gates, and nothing else uses the stack.
    unsafe {
        descriptors::set_kernel_stack(top(&KERNEL_STACK));
        descriptors::set_interrupt_gate(ADD, add as *const () as u32);
        descriptors::set_interrupt_gate(LEAVE, leave as *const () as u32);
        descriptors::set_call_gate(add_and_return as *const () as u32);
    }
}

/// INT from a user program, so many times.
pub(crate) fn interrupt(turns: u32) -> u32 {
    // SAFETY: the code is a user program's, and the gates stand.
    unsafe { enter(turns, interrupting as *const () as u32, top(&USER_STACK)) }
}

/// CALL through the call gate from a user program, so many times.
pub(crate) fn call(turns: u32) -> u32 {
    // SAFETY: the code is a user program's, and the gates stand.
    unsafe { enter(turns, calling as *const () as u32, top(&USER_STACK)) }
}

/// Enters the user program at `code` with its turns in ECX and returns what it leaves in EAX.
///
/// # Safety
/// The program ends with the interrupt [`LEAVE`]; the gates stand.
#[unsafe(naked)]
unsafe extern "C" fn enter(turns: u32, code: u32, stack: u32) -> u32 {
    naked_asm!(
        "push ebp",
        "push ebx",
        "push esi",
        "push edi",
        "mov ecx, [esp + 20]",
        "mov edx, [esp + 24]",
        "mov ebx, [esp + 28]",
        "mov [{caller}], esp",
        "mov eax, {data}",
        "mov ds, eax",
        "mov es, eax",
        "push eax",
        "push ebx",
        "push 2", // flags: interrupts off
        "push {code}",
        "push edx",
        "xor eax, eax",
        "iretd",
        caller = sym CALLER,
        data = const USER_DATA,
        code = const USER_CODE,
    )
}

/// Ends the user program: returns from [`enter`] as if it had been a call.
#[unsafe(naked)]
unsafe extern "C" fn leave() {
    naked_asm!(
        "mov esp, [{caller}]",
        "mov ecx, {data}",
        "mov ds, ecx",
        "mov es, ecx",
        "pop edi",
        "pop esi",
        "pop ebx",
        "pop ebp",
        "ret",
        caller = sym CALLER,
        data = const KERNEL_DATA,
    )
}

/// Adds ECX to EAX, entered by an interrupt.
#[unsafe(naked)]
unsafe extern "C" fn add() {
    naked_asm!("add eax, ecx", "iretd")
}

/// Adds ECX to EAX, entered through the call gate.
#[unsafe(naked)]
unsafe extern "C" fn add_and_return() {
    naked_asm!("add eax, ecx", "retf")
}

/// A user program.
#[unsafe(naked)]
unsafe extern "C" fn interrupting() {
    naked_asm!("2:", "int {add}", "dec ecx", "jnz 2b", "int {leave}", add = const ADD, leave = const LEAVE)
}

/// A user program.
#[unsafe(naked)]
unsafe extern "C" fn calling() {
    naked_asm!(
        "2:",
        "lcall ${gate}, $0",
        "decl %ecx",
        "jnz 2b",
        "int ${leave}",
        gate = const CALL_GATE,
        leave = const LEAVE,
        options(att_syntax),
    )
}
