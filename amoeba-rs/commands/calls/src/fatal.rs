//! What ends a program: each of these must be the last thing that it does.

use core::arch::asm;
use core::hint::black_box;
use libamoeba::println;
use libamoeba::system::calls;
use proto::system_call::Call;

/// Does what `name` says. The program goes on only if that did not end it.
pub(crate) fn run(name: &str) -> i32 {
    // SAFETY: the program does not go on.
    unsafe {
        match name {
            "null" => (black_box(0) as *mut u8).write_volatile(1),
            "kernel" => (black_box(0x10_0000) as *mut u8).write_volatile(1),
            "jump" => asm!("jmp {}", in(reg) 0x10_0000),
            "hlt" => asm!("hlt"),
            "divide" => asm!("div bl", in("eax") 1, in("bl") 0_u8, lateout("eax") _),
            "stack" => overflow(black_box(1)),
            "argument" => _ = calls::call(Call::MutexLock, [0x10_0000, 0, 0, 0]),
            "call" => _ = calls::trap::<57>(999, [0; 4]),
            "stackless" => asm!("xor esp, esp", "push eax"),
            "exit" => calls::exit(42),
            _ => println!("no such end: {name}"),
        }
    }
    println!("TEST FAILED: {name} did not end the program");
    1
}

#[allow(unconditional_recursion)]
fn overflow(depth: u32) {
    let room = black_box([depth; 64]);
    overflow(room[7] + 1);
    black_box(room);
}
