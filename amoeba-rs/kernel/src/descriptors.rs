//! Segment descriptors, the task state segment and the interrupt table (Intel 80386 Programmer's Reference
//! Manual, chapters 5 to 7 and 9). Segments are flat; the selectors are those of Amoeba's kernel.

use crate::shared::Shared;
use core::arch::asm;
use core::mem::size_of;

/// Selector of the kernel's data.
pub(crate) const KERNEL_DATA: u16 = 0x08;
/// Selector of the kernel's code.
pub(crate) const KERNEL_CODE: u16 = 0x10;
const TASK_STATE: u16 = 0x18;

const GATES: usize = 256;
/// Present, privilege level 0, 32-bit interrupt gate.
const INTERRUPT_GATE: u32 = 0x8e00;
/// A page of 4 KB as the unit, 32-bit operands, limit FFFFFh: 4 GB from address 0.
const FLAT: u64 = 0x00cf_0000_0000_ffff;
const DATA: u64 = 0x92 << 40;
const CODE: u64 = 0x9a << 40;
const USER: u64 = 0x60 << 40;
const AVAILABLE_TASK_STATE: u64 = 0x89 << 40;

/// Null, kernel data, kernel code, task state, user data, user code.
static SEGMENTS: Shared<[u64; 6]> = Shared::new([
    0,
    FLAT | DATA,
    FLAT | CODE,
    0,
    FLAT | DATA | USER,
    FLAT | CODE | USER,
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
pub(crate) fn start(handlers: u32, count: usize, spacing: u32) {
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
        let handler = handlers + place as u32 * spacing;
        *gate = [
            u32::from(KERNEL_CODE) << 16 | handler & 0xffff,
            handler & 0xffff_0000 | INTERRUPT_GATE,
        ];
    }
    load();
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
