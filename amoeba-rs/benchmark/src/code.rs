//! The workloads that need nothing but registers and memory, or one instruction more.
//!
//! The numbers in brackets count instructions, for [`workloads::Workload::turn`].

use core::arch::naked_asm;
use workloads::{COPIED_DWORDS, COPIED_PAGES, CRC_BYTES, FLAGS, TABLE_WORDS};

/// The integer mix: of 100 instructions, 20 loads, 12 stores, 20 conditional branches, 16 comparisons, 7 additions, 8
/// subtractions, 4 AND, 5 moves between registers, one call, one return, and 6 others, among them a shift and a
/// multiplication. That is about what compilers make for this processor: 22, 12, 20, 16, 8, 5, 6, 4, 1, 1 and 4 over five
/// integer programs (Hennessy and Patterson, Computer Architecture: A Quantitative Approach, the table of the ten most
/// frequent instructions of the 80x86). Pushes are stores and pops are loads. Most branches nearly always go the same
/// way. A rare case lies out of line and jumps back, which takes as many instructions as the usual one.
///
/// # Safety
/// `table` has [`workloads::TABLE_WORDS`] words.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn integer_mix(turns: u32, table: *mut u32) -> u32 {
    naked_asm!(
        "push ebp",
        "mov ebp, esp",
        "push ebx",
        "push esi",
        "push edi",
        "sub esp, 24",
        "mov dword ptr [ebp - 16], 0", // turns so far
        "mov dword ptr [ebp - 28], 1", // the state
        "mov dword ptr [ebp - 36], 4", // steps of a walk
        "mov esi, [ebp + 12]",
        "xor edi, edi", // the total
        // The generator's next state is the key, and its upper bits are the index of a word to change [11, and 13 there].
        "2: mov eax, [ebp - 28]",
        "imul eax, eax, 1664525",
        "add eax, 1013904223",
        "mov [ebp - 28], eax",
        "mov ebx, [ebp - 28]",
        "shr eax, 22",
        "push eax",
        "push ebx",
        "call {change}",
        "pop ecx",
        "pop ecx",
        // Either the word or the state says where the walk begins [7].
        "mov [ebp - 32], eax",
        "cmp eax, ebx",
        "jb 7f",
        "mov eax, [ebp - 28]",
        "3:",
        "mov [ebp - 24], eax",
        "movzx edx, byte ptr [ebp - 21]",
        "mov ecx, [ebp - 36]",
        // A step: words with four clear bits are added as they are, the second byte is taken off unless it is small, and
        // the total says where the walk goes on [4 times 16].
        "4:",
        "mov eax, [esi + edx * 4]",
        "cmp edx, {last}",
        "ja 20f",
        "test al, 15",
        "jz 8f",
        "xor eax, ebx",
        "5:",
        "add edi, eax",
        "mov [ebp - 24], edi",
        "movzx eax, byte ptr [ebp - 23]",
        "cmp eax, 16",
        "jb 9f",
        "sub edi, eax",
        "6:",
        "mov edx, edi",
        "and edx, {last}",
        "dec ecx",
        "jnz 4b",
        // The end of the turn [5].
        "mov eax, [ebp - 16]",
        "inc eax",
        "mov [ebp - 16], eax",
        "cmp eax, [ebp + 8]",
        "jne 2b",
        "mov eax, edi",
        "xor eax, [ebp - 28]",
        "lea esp, [ebp - 12]",
        "pop edi",
        "pop esi",
        "pop ebx",
        "pop ebp",
        "ret",
        // The other cases; an index that is out of range ends the program.
        "7: jmp 3b",
        "8: jmp 5b",
        "9: jmp 6b",
        "20: int3",
        change = sym change,
        last = const TABLE_WORDS - 1,
    )
}

/// The function that the integer mix calls: adds the key to the word of an index and returns the sum [13].
#[unsafe(naked)]
unsafe extern "C" fn change() {
    naked_asm!(
        "push ebp",
        "mov ebp, esp",
        "mov edx, [ebp + 12]",
        "cmp edx, {last}",
        "ja 2f",
        "mov eax, [esi + edx * 4]",
        "add eax, [ebp + 8]",
        "mov [esi + edx * 4], eax",
        "movzx edx, byte ptr [ebp + 8]",
        "cmp edx, 255",
        "ja 2f",
        "pop ebp",
        "ret",
        "2: int3",
        last = const TABLE_WORDS - 1,
    )
}

/// The CRC of the message, which every turn rotates and adds up.
///
/// # Safety
/// `message` has [`CRC_BYTES`] bytes, `table` 256 words.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn crc(turns: u32, message: *const u8, table: *const u32) -> u32 {
    naked_asm!(
        "push ebp",
        "mov ebp, esp",
        "push ebx",
        "push esi",
        "push edi",
        "mov edi, [ebp + 16]",
        "xor ebx, ebx",
        "2:",
        "mov esi, [ebp + 12]",
        "mov eax, -1",
        "mov ecx, {bytes}",
        "3:",
        "movzx edx, byte ptr [esi]",
        "xor dl, al",
        "shr eax, 8",
        "xor eax, [edi + edx * 4]",
        "inc esi",
        "dec ecx",
        "jnz 3b",
        "not eax",
        "rol ebx, 1",
        "add ebx, eax",
        "dec dword ptr [ebp + 8]",
        "jnz 2b",
        "mov eax, ebx",
        "pop edi",
        "pop esi",
        "pop ebx",
        "pop ebp",
        "ret",
        bytes = const CRC_BYTES,
    )
}

/// The number of primes, which every turn rotates and adds up.
///
/// # Safety
/// `flags` has [`FLAGS`] bytes.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn sieve(turns: u32, flags: *mut u8) -> u32 {
    naked_asm!(
        "push ebp",
        "mov ebp, esp",
        "push ebx",
        "push esi",
        "push edi",
        "mov ebx, [ebp + 12]",
        "xor edi, edi",
        "2:",
        "mov ecx, {dwords}",
        "3:",
        "mov dword ptr [ebx + ecx * 4 - 4], 0x01010101",
        "dec ecx",
        "jnz 3b",
        "xor esi, esi", // the place
        "xor edx, edx", // primes so far
        "4:",
        "cmp byte ptr [ebx + esi], 0",
        "je 6f",
        "lea eax, [esi + esi + 3]",
        "lea ecx, [eax + esi]",
        "inc edx",
        "cmp ecx, {flags}",
        "jae 6f",
        "5:",
        "mov byte ptr [ebx + ecx], 0",
        "add ecx, eax",
        "cmp ecx, {flags}",
        "jb 5b",
        "6:",
        "inc esi",
        "cmp esi, {flags}",
        "jb 4b",
        "rol edi, 1",
        "add edi, edx",
        "dec dword ptr [ebp + 8]",
        "jnz 2b",
        "mov eax, edi",
        "pop edi",
        "pop esi",
        "pop ebx",
        "pop ebp",
        "ret",
        dwords = const FLAGS / 4,
        flags = const FLAGS,
    )
}

/// Adds one to the first page and copies it from page to page, up to the last.
///
/// # Safety
/// `pages` has one page more than [`COPIED_PAGES`].
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn copy(turns: u32, pages: *mut u32) {
    naked_asm!(
        "push ebp",
        "mov ebp, esp",
        "push esi",
        "push edi",
        "mov edx, [ebp + 8]",
        "2:",
        "mov esi, [ebp + 12]",
        "inc dword ptr [esi]",
        "lea edi, [esi + 4096]",
        "mov eax, {pages}",
        "3:",
        "mov ecx, {dwords}",
        // Leaves both registers where the next copy begins.
        "rep movsd",
        "dec eax",
        "jnz 3b",
        "dec edx",
        "jnz 2b",
        "pop edi",
        "pop esi",
        "pop ebp",
        "ret",
        pages = const COPIED_PAGES,
        dwords = const COPIED_DWORDS,
    )
}

/// Calls a function of two parameters that calls two others.
///
/// # Safety
/// Always.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn calls(turns: u32) -> u32 {
    naked_asm!(
        "push ebp",
        "mov ebp, esp",
        "push ebx",
        "mov ebx, 1",
        "2:", // [7]
        "push 3",
        "push ebx",
        "call 3f",
        "add esp, 8",
        "mov ebx, eax",
        "dec dword ptr [ebp + 8]",
        "jnz 2b",
        "mov eax, ebx",
        "pop ebx",
        "pop ebp",
        "ret",
        "3:", // [12]
        "push ebp",
        "mov ebp, esp",
        "push dword ptr [ebp + 12]",
        "push dword ptr [ebp + 8]",
        "call 4f",
        "add esp, 8",
        "inc eax",
        "push eax",
        "call 5f",
        "pop ecx",
        "pop ebp",
        "ret",
        "4:", // [6]
        "push ebp",
        "mov ebp, esp",
        "mov eax, [ebp + 8]",
        "add eax, [ebp + 12]",
        "pop ebp",
        "ret",
        "5:", // [3]
        "mov eax, [esp + 4]",
        "lea eax, [eax + eax * 2]",
        "ret",
    )
}

/// Interrupts at privilege level 0, whose handler adds the turns left to EAX.
///
/// # Safety
/// The gate of [`crate::rings::start`] stands in the interrupt table.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn interrupt(turns: u32) -> u32 {
    naked_asm!(
        "mov ecx, [esp + 4]",
        "xor eax, eax",
        "2:",
        "int {vector}",
        "dec ecx",
        "jnz 2b",
        "ret",
        vector = const crate::rings::ADD,
    )
}

/// Writes the mask of the first interrupt controller and reads it back; the timer stays masked.
///
/// # Safety
/// Interrupts are off.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn ports(turns: u32) -> u32 {
    naked_asm!(
        "mov ecx, [esp + 4]",
        "xor edx, edx",
        "2:", // [8]
        "mov eax, ecx",
        "or al, 1",
        "out 0x21, al",
        "in al, 0x21",
        "movzx eax, al",
        "add edx, eax",
        "dec ecx",
        "jnz 2b",
        "mov al, 0xff",
        "out 0x21, al",
        "mov eax, edx",
        "ret",
    )
}
