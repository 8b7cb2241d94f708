//! `BSWAP` for processors without it. It came with the 80486 (Intel, i486 Processor Programmer's Reference
//! Manual, chapter 26); the compiler emits it for a 386 too, so the handler of the invalid-opcode exception
//! carries it out. Only the form with 32 bits is defined.

/// Bytes of the instruction.
pub const LENGTH: u32 = 2;

/// A register as instructions number them: 0 EAX, 1 ECX, 2 EDX, 3 EBX, 4 ESP, 5 EBP, 6 ESI, 7 EDI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register(pub u8);

impl Register {
    /// The one of EAX, ECX, EDX, EBX, EBP, ESI and EDI.
    ///
    /// # Panics
    /// For ESP, which [`decode`] does not give.
    pub fn of(self, [eax, ecx, edx, ebx, ebp, esi, edi]: [&mut u32; 7]) -> &mut u32 {
        match self.0 {
            0 => eax,
            1 => ecx,
            2 => edx,
            3 => ebx,
            5 => ebp,
            6 => esi,
            7 => edi,
            number => unreachable!("register {number} is not reversed"),
        }
    }
}

/// The register whose bytes these two bytes of code reverse, if they are `BSWAP` (0F C8+register).
/// `BSWAP ESP` has no use in a program and is not recognised.
pub const fn decode(code: [u8; 2]) -> Option<Register> {
    match code {
        [0x0f, second @ 0xc8..=0xcf] if second != 0xcc => Some(Register(second & 7)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Register, decode};

    #[test]
    fn seven_of_all_two_byte_codes_are_recognised() {
        let recognised = (0..=u16::MAX)
            .filter(|code| decode(code.to_be_bytes()).is_some())
            .count();
        assert_eq!(recognised, 7);
    }

    #[test]
    fn the_register_is_in_the_low_three_bits() {
        assert_eq!(decode([0x0f, 0xc8]), Some(Register(0)));
        assert_eq!(decode([0x0f, 0xcf]), Some(Register(7)));
    }

    #[test]
    fn a_number_leads_to_its_register() {
        let mut registers = [0, 1, 2, 3, 5, 6, 7];
        let [eax, ecx, edx, ebx, ebp, esi, edi] = &mut registers;
        let mut all = [eax, ecx, edx, ebx, ebp, esi, edi];
        for number in [0, 1, 2, 3, 5, 6, 7] {
            let registers = all.each_mut().map(|register| &mut **register);
            assert_eq!(*Register(number).of(registers), u32::from(number));
        }
    }

    #[test]
    fn the_stack_pointer_is_left_alone() {
        assert_eq!(decode([0x0f, 0xcc]), None);
    }
}
