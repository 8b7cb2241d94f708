//! Segment descriptors, the task state segment and the interrupt table (Intel 80386 Programmer's Reference
//! Manual, chapters 5 to 7 and 9). Segments are flat; the selectors are those of Amoeba's kernel.

use crate::shared::Shared;
use core::arch::asm;
use core::mem::size_of;

/// Selector of the kernel's data.
pub const KERNEL_DATA: u16 = 0x08;
/// Selector of the kernel's code.
pub const KERNEL_CODE: u16 = 0x10;
const TASK_STATE: u16 = 0x18;
/// Selector of user data, at privilege level 3.
pub const USER_DATA: u16 = 0x20 | 3;
/// Selector of user code, at privilege level 3.
pub const USER_CODE: u16 = 0x28 | 3;
/// Selector of the call gate, for callers at privilege level 3.
pub const CALL_GATE: u16 = 0x30 | 3;

const GATES: usize = 256;
/// Present, privilege level 0, 32-bit interrupt gate.
const INTERRUPT_GATE: u32 = 0x8e00;
/// Present, privilege level 0, 32-bit call gate, no parameters.
const CALL: u32 = 0x8c00;
/// A gate that programs of privilege level 3 may go through.
const FOR_USERS: u32 = 0x6000;
/// A page of 4 KB as the unit, 32-bit operands, limit FFFFFh: 4 GB from address 0.
const FLAT: u64 = 0x00cf_0000_0000_ffff;
const DATA: u64 = 0x92 << 40;
const CODE: u64 = 0x9a << 40;
const USER: u64 = 0x60 << 40;
const AVAILABLE_TASK_STATE: u64 = 0x89 << 40;

/// Null, kernel data, kernel code, task state, user data, user code, call gate.
static SEGMENTS: Shared<[u64; 7]> = Shared::new([
    0,
    FLAT | DATA,
    FLAT | CODE,
    0,
    FLAT | DATA | USER,
    FLAT | CODE | USER,
    0,
]);

/// The task state segment: the processor reads from it the stack for interrupts of user programs.
#[repr(C)]
struct TaskState {
    link: u32,
    kernel_stack: u32,
    kernel_stack_segment: u32,
    unused: [u32; 22],
    permission_map: u32,
}

static TASK: Shared<TaskState> = Shared::new(TaskState {
    link: 0,
    kernel_stack: 0,
    kernel_stack_segment: KERNEL_DATA as u32,
    unused: [0; 22],
    // Behind the segment's limit: no user program may touch a port.
    permission_map: (size_of::<TaskState>() as u32) << 16,
});

static INTERRUPTS: Shared<[[u32; 2]; GATES]> = Shared::new([[0; 2]; GATES]);

/// What LGDT and LIDT read.
#[repr(C, packed)]
struct TableRegister {
    limit: u16,
    base: u32,
}

impl TableRegister {
    fn of<T>(table: &Shared<T>) -> TableRegister {
        TableRegister {
            limit: size_of::<T>() as u16 - 1,
            base: table.get().addr() as u32,
        }
    }
}

unsafe extern "C" {
    /// Top of the kernel's stack, from the linker's layout.
    static stack_top: u8;
}

/// Loads the segment descriptors, the task state and an interrupt table whose first gates lead to the
/// `handlers`, which lie `spacing` bytes apart.
pub fn start(handlers: u32, count: usize, spacing: u32) {
    assert!(count <= GATES, "more handlers than gates");
    let base = TASK.get().addr() as u64;
    let limit = size_of::<TaskState>() as u64 - 1;
    let task = AVAILABLE_TASK_STATE | limit | (base & 0xff_ffff) << 16 | (base >> 24) << 56;
    // SAFETY: interrupts are off and the processor has not loaded these tables yet, so nobody else uses them.
    let (segments, task_state, gates) =
        unsafe { (&mut *SEGMENTS.get(), &mut *TASK.get(), &mut *INTERRUPTS.get()) };
    segments[usize::from(TASK_STATE / 8)] = task;
    task_state.kernel_stack = (&raw const stack_top).addr() as u32;
    for (place, gate) in gates[..count].iter_mut().enumerate() {
        *gate = gate_to(handlers + place as u32 * spacing, INTERRUPT_GATE);
    }
    load();
}

/// The two halves of a gate of that kind to `handler` in the kernel's code.
fn gate_to(handler: u32, kind: u32) -> [u32; 2] {
    [
        u32::from(KERNEL_CODE) << 16 | handler & 0xffff,
        handler & 0xffff_0000 | kind,
    ]
}

/// Leads interrupt `vector` to `handler`, for INT in user programs too.
///
/// # Safety
/// The handler takes the processor as the interrupt leaves it and ends with IRET, or never.
pub unsafe fn set_interrupt_gate(vector: u8, handler: u32) {
    // SAFETY: there is one processor, which reads the gate only when the interrupt comes.
    unsafe { (*INTERRUPTS.get())[usize::from(vector)] = gate_to(handler, INTERRUPT_GATE | FOR_USERS) };
}

/// Leads calls of [`CALL_GATE`] to `handler`.
///
/// # Safety
/// The handler takes the processor as the call leaves it and ends with RETF, or never.
pub unsafe fn set_call_gate(handler: u32) {
    let [low, high] = gate_to(handler, CALL | FOR_USERS);
    // SAFETY: there is one processor, which reads the gate only when it is called.
    unsafe { (*SEGMENTS.get())[usize::from(CALL_GATE / 8)] = u64::from(high) << 32 | u64::from(low) };
}

/// Has the processor take the stack below `top` when it leaves a user program.
///
/// # Safety
/// Nothing else uses that stack, which is large enough for whatever is entered so.
pub unsafe fn set_kernel_stack(top: u32) {
    // SAFETY: there is one processor, which reads the field only when it leaves a user program.
    unsafe { (*TASK.get()).kernel_stack = top };
}

fn load() {
    let (segments, interrupts) = (TableRegister::of(&SEGMENTS), TableRegister::of(&INTERRUPTS));
    // SAFETY: both tables live as long as the kernel, the new segments are as flat as the loader's, and each
    // selector names a descriptor of its kind.
    unsafe {
        asm!(
            "lgdt [{segments}]",
            "push {code}",
            "lea {scratch}, [2f]",
            "push {scratch}",
            "retf",
            "2:",
            "mov ds, {data:x}",
            "mov es, {data:x}",
            "mov fs, {data:x}",
            "mov gs, {data:x}",
            "mov ss, {data:x}",
            "lidt [{interrupts}]",
            "ltr {task:x}",
            segments = in(reg) &raw const segments,
            interrupts = in(reg) &raw const interrupts,
            code = const KERNEL_CODE,
            data = in(reg) u32::from(KERNEL_DATA),
            task = in(reg) u32::from(TASK_STATE),
            scratch = out(reg) _,
        );
    }
}
