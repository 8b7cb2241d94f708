//! From the loader to Rust: the Multiboot header and the first instructions.
//!
//! The loader leaves the processor in protected mode with flat segments, paging and interrupts off, EAX holding
//! its magic number and EBX the address of the information structure (Multiboot Specification 0.6.96,
//! sections 3.1 and 3.2). The header asks for page-aligned modules and for memory information.

/// Makes `$main`, an `extern "C" fn(magic: u32, information: u32) -> !`, the program's beginning.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        core::arch::global_asm!(
            ".pushsection .multiboot, \"a\"",
            ".p2align 2",
            ".long {magic}",
            ".long {flags}",
            ".long -({magic} + {flags})",
            ".popsection",
            ".pushsection .text.start, \"ax\"",
            ".globl start",
            "start:",
            "cli",
            "cld",
            "movl $stack_top, %esp",
            "xorl %ebp, %ebp",
            "pushl %ebx",
            "pushl %eax",
            "call {main}",
            ".popsection",
            magic = const 0x1bad_b002_u32,
            flags = const 0x0000_0003_u32,
            main = sym $main,
            options(att_syntax),
        );
    };
}
