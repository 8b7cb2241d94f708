//! The workloads that need nothing but registers and memory, or one instruction more.
//!
//! The numbers in brackets count instructions, for [`workloads::Workload::turn`].

use core::arch::naked_asm;
use workloads::{COPIED_DWORDS, COPIED_PAGES, CRC_BYTES, FLAGS};

/// The integer mix. Locals lie on the stack, and so do the parameters of the function that it calls.
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
        "sub esp, 8",
        "mov eax, [ebp + 8]",
        "mov dword ptr [ebp - 16], eax", // turns left
        "mov dword ptr [ebp - 20], 0",   // how often the total was below the state
        "mov esi, [ebp + 12]",
        "mov ebx, 1",   // the state
        "xor edi, edi", // the total
        "2:",
        // The generator's next state, and its upper bits as an index [1 to 5].
        "imul eax, ebx, 1664525",
        "add eax, 1013904223",
        "mov ebx, eax",
        "shr eax, 22",
        "mov edx, [esi + eax * 4]",
        // A word of the table changes, one in eight otherwise than the rest [6 to 11].
        "test dl, 7",
        "jz 3f",
        "shr edx, 1",
        "xor edx, ebx",
        "jmp 4f",
        "3:",
        "add edx, ebx",
        "rol edx, 5",
        "inc edx",
        "4:",
        "mov [esi + eax * 4], edx",
        // A call with two parameters [12 to 16, and 14 there].
        "push edx",
        "push eax",
        "call {mix}",
        "add esp, 8",
        "add edi, eax",
        // The bytes of another word [31 to 34, and 4 times 5].
        "mov edx, ebx",
        "and edx, 0xffc",
        "add edx, esi",
        "mov ecx, 4",
        "5:",
        "movzx eax, byte ptr [edx]",
        "add edi, eax",
        "inc edx",
        "dec ecx",
        "jnz 5b",
        // A comparison as a value, and the end of the turn [55 to 60].
        "cmp edi, ebx",
        "setb al",
        "movzx eax, al",
        "add dword ptr [ebp - 20], eax",
        "dec dword ptr [ebp - 16]",
        "jnz 2b",
        "mov eax, edi",
        "xor eax, [ebp - 20]",
        "add esp, 8",
        "pop edi",
        "pop esi",
        "pop ebx",
        "pop ebp",
        "ret",
        mix = sym mix,
    )
}

/// The function that the integer mix calls, with two parameters on the stack [14].
#[unsafe(naked)]
unsafe extern "C" fn mix() {
    naked_asm!(
        "push ebp",
        "mov ebp, esp",
        "push ebx",
        "mov ebx, [ebp + 8]",
        "mov ecx, [ebp + 12]",
        "lea eax, [ecx + ebx * 4 + 7]",
        "sar ecx, 3",
        "sub eax, ecx",
        "mov edx, eax",
        "shl edx, 4",
        "xor eax, edx",
        "pop ebx",
        "pop ebp",
        "ret",
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
