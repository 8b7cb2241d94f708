//! Machines that put any frame they like on their cable: guests without a kernel, with a 3C503 at 280h, IRQ 3, CC000h.

use std::sync::Arc;

use iced_x86::IcedError;
use iced_x86::code_asm::{
    AsmRegister32, CodeAssembler, CodeLabel, al, bl, byte_ptr, cl, dword_ptr, dx, eax, ebp, ebx, ecx, edi,
    edx, esi,
};

use crate::{guest, handle, input, output, prepare_interrupts, sleep, start_card, start_timer};

/// Where guests count milliseconds, and other words of theirs.
const TICKS: u32 = 0x1E_0000;
const NEXT_PAGE: u32 = 0x1E_0004;
const SENT: u32 = 0x1E_0008;
const SILENCE: u32 = 0x1E_000C;
/// Looks at the card in vain after which a listener looks once a millisecond.
const PATIENCE: u32 = 20_000;
/// A divisor of the 8254's clock for a thousand interrupts a second.
const THOUSAND_HERTZ: u16 = 1193;
/// A mark behind the last frame.
const LAST: u32 = u32::MAX;
/// The card's memory: a buffer to transmit from, and the ring with its pages.
const BUFFER: u32 = 0xC_C000;
const BUFFER_PAGE: u32 = 0x20;
const RING: [u8; 2] = [0x26, 0x40];
/// The shortest frame without its check sequence, in bytes.
const SHORTEST: usize = 60;

/// A frame that is sent no sooner than so many milliseconds after its machine was switched on.
#[derive(Clone, Debug)]
pub struct Timed {
    /// Milliseconds.
    pub due: u32,
    /// The frame, destination first, without check sequence.
    pub bytes: Vec<u8>,
}

/// A guest that sends these frames, one after the other.
#[must_use]
pub fn sender(frames: &[Timed]) -> Arc<[u8]> {
    let mut list = Vec::new();
    for frame in frames {
        let length = frame.bytes.len().max(SHORTEST);
        list.extend(frame.due.to_le_bytes());
        list.extend((length as u32).to_le_bytes());
        list.extend(&frame.bytes);
        list.resize(list.len() + length.next_multiple_of(4) - frame.bytes.len(), 0);
    }
    list.extend(LAST.to_le_bytes());
    guest(|a| {
        prepare(a)?;
        // It listens to nothing (monitor mode).
        output(a, 0x28C, 0x20)?;
        data(a, &list, esi)?;
        let mut end = a.create_label();
        send_all(a, end)?;
        a.set_label(&mut end)?;
        a.nop()?;
        sleep(a)
    })
}

/// Interrupts every millisecond, and the card.
fn prepare(a: &mut CodeAssembler) -> Result<(), IcedError> {
    prepare_interrupts(a, 1)?;
    handle(a, 0x08, |a| {
        a.push(eax)?;
        a.inc(dword_ptr(TICKS))?;
        a.mov(al, 0x20)?;
        a.out(0x20, al)?;
        a.pop(eax)?;
        a.iretd()
    })?;
    start_card(a)?;
    a.mov(dword_ptr(TICKS), 0)?;
    start_timer(a, THOUSAND_HERTZ)?;
    a.sti()?;
    a.cld()
}

/// Puts bytes here and their address into a register.
fn data(a: &mut CodeAssembler, bytes: &[u8], register: AsmRegister32) -> Result<(), IcedError> {
    let mut behind = a.create_label();
    // The return address is theirs.
    a.call(behind)?;
    bytes.chunks(8).try_for_each(|bytes| a.db(bytes))?;
    a.set_label(&mut behind)?;
    a.pop(register)
}

/// Sends the frames of the list at ESI, and jumps to `end`.
fn send_all(a: &mut CodeAssembler, end: CodeLabel) -> Result<(), IcedError> {
    let [mut next, mut wait, mut go] = [(); 3].map(|()| a.create_label());
    a.set_label(&mut next)?;
    a.lodsd()?;
    a.cmp(eax, -1)?;
    a.je(end)?;
    a.mov(ebx, eax)?;
    a.set_label(&mut wait)?;
    a.cmp(dword_ptr(TICKS), ebx)?;
    a.jae(go)?;
    a.hlt()?;
    a.jmp(wait)?;
    a.set_label(&mut go)?;
    a.lodsd()?;
    a.mov(ebx, eax)?;
    a.mov(ecx, eax)?;
    a.add(ecx, 3)?;
    a.shr(ecx, 2)?;
    a.mov(edi, BUFFER)?;
    a.rep().movsd()?;
    transmit(a)?;
    a.jmp(next)
}

/// Sends the buffer's first EBX bytes, and waits until they have gone or were given up. Changes EAX, EBX and EDX.
fn transmit(a: &mut CodeAssembler) -> Result<(), IcedError> {
    output(a, 0x284, BUFFER_PAGE as u8)?;
    for port in [0x285_u32, 0x286] {
        a.mov(edx, port)?;
        a.mov(eax, ebx)?;
        a.out(dx, al)?;
        a.shr(ebx, 8)?;
    }
    output(a, 0x280, 0x26)?;
    let mut busy = a.create_label();
    a.set_label(&mut busy)?;
    input(a, 0x287)?;
    a.and(eax, 0x0A)?;
    a.je(busy)?;
    output(a, 0x287, 0x0A)
}

/// What a [`listener`] sends when it hears something.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The frame, of 116 bytes at most.
    pub bytes: Vec<u8>,
    /// What is added to the number that was heard.
    pub offset: i32,
    /// Where four more bytes stand that are sent as they were heard.
    pub copied: Option<u32>,
}

/// What a [`listener`] listens for and where numbers stand.
#[derive(Clone, Copy, Debug)]
pub struct Pattern {
    /// Bytes that frames have at these places, which lie before byte 250.
    pub bytes: [(u32, u8); 5],
    /// Where four bytes stand, in what is heard as in what is sent: a number, its least significant byte first.
    pub number: u32,
    /// Milliseconds after which it begins.
    pub begin: u32,
}

/// Bytes of an answer in its list: length, offset, place of what is copied, and frame.
const SLOT: usize = 128;
/// Where the frame begins there.
const HEAD: usize = 12;

/// A guest that hears every frame and sends the next of these for each that it listens for, with the number that was heard; each of
/// them once.
///
/// # Panics
/// If a frame is too long.
#[must_use]
pub fn listener(pattern: &Pattern, answers: &[Answer]) -> Arc<[u8]> {
    let mut list = Vec::new();
    for answer in answers {
        let start = list.len();
        list.extend((answer.bytes.len().max(SHORTEST) as u32).to_le_bytes());
        list.extend(answer.offset.to_le_bytes());
        // The number itself is written later.
        list.extend(answer.copied.unwrap_or(pattern.number).to_le_bytes());
        list.extend(&answer.bytes);
        assert!(list.len() <= start + SLOT, "an answer is short");
        list.resize(start + SLOT, 0);
    }
    guest(|a| {
        prepare(a)?;
        data(a, &list, ebp)?;
        a.mov(dword_ptr(NEXT_PAGE), u32::from(RING[0]) + 1)?;
        a.mov(dword_ptr(SENT), 0)?;
        let [mut silence, mut poll, mut free, mut heard, mut end] = [(); 5].map(|()| a.create_label());
        a.set_label(&mut heard)?;
        a.mov(dword_ptr(SILENCE), 0)?;
        a.cmp(dword_ptr(SENT), answers.len() as u32)?;
        a.jae(end)?;
        a.jmp(poll)?;
        a.set_label(&mut silence)?;
        a.inc(dword_ptr(SILENCE))?;
        a.cmp(dword_ptr(SILENCE), PATIENCE)?;
        a.jb(poll)?;
        a.hlt()?;
        a.set_label(&mut poll)?;
        // The page behind the last frame is in register 7 of page 1.
        output(a, 0x280, 0x62)?;
        input(a, 0x287)?;
        a.mov(cl, al)?;
        output(a, 0x280, 0x22)?;
        a.cmp(byte_ptr(NEXT_PAGE), cl)?;
        a.je(silence)?;
        a.mov(esi, dword_ptr(NEXT_PAGE))?;
        a.sub(esi, BUFFER_PAGE)?;
        a.shl(esi, 8)?;
        a.add(esi, BUFFER)?;
        a.cmp(dword_ptr(TICKS), pattern.begin)?;
        a.jb(free)?;
        // A frame lies behind four bytes of the card's.
        for (place, byte) in pattern.bytes {
            a.cmp(byte_ptr(esi + (place + 4)), u32::from(byte))?;
            a.jne(free)?;
        }
        answer(a, pattern.number)?;
        a.set_label(&mut free)?;
        free_page(a)?;
        a.jmp(heard)?;
        a.set_label(&mut end)?;
        a.nop()?;
        sleep(a)
    })
}

/// Sends the answer at EBP to the frame at ESI, and goes to the next.
fn answer(a: &mut CodeAssembler, number: u32) -> Result<(), IcedError> {
    a.push(esi)?;
    a.mov(eax, dword_ptr(esi + (number + 4)))?;
    a.add(eax, dword_ptr(ebp + 4))?;
    a.push(eax)?;
    a.mov(edx, dword_ptr(ebp + 8))?;
    a.push(dword_ptr(esi + edx + 4))?;
    a.mov(ebx, dword_ptr(ebp))?;
    a.lea(esi, dword_ptr(ebp + HEAD as u32))?;
    a.mov(edi, BUFFER)?;
    a.mov(ecx, (SLOT - HEAD) as u32 / 4)?;
    a.rep().movsd()?;
    a.pop(eax)?;
    a.mov(dword_ptr(edx + BUFFER), eax)?;
    a.pop(eax)?;
    a.mov(dword_ptr(BUFFER + number), eax)?;
    transmit(a)?;
    a.add(ebp, SLOT as u32)?;
    a.inc(dword_ptr(SENT))?;
    a.pop(esi)
}

/// Gives the pages of the frame at ESI back to the ring.
fn free_page(a: &mut CodeAssembler) -> Result<(), IcedError> {
    let mut inside = a.create_label();
    a.mov(bl, byte_ptr(esi + 1))?;
    a.mov(byte_ptr(NEXT_PAGE), bl)?;
    a.dec(bl)?;
    a.cmp(bl, u32::from(RING[0]))?;
    a.jae(inside)?;
    a.mov(bl, u32::from(RING[1] - 1))?;
    a.set_label(&mut inside)?;
    a.mov(edx, 0x283)?;
    a.mov(al, bl)?;
    a.out(dx, al)
}
