//! Looks through the code of a guest image for instructions that its processor does not have.
//!
//! The processor is a 386 without a 387. An image may hold others that it carries out itself in its handler of
//! invalid opcodes. `REP BSF`, which newer processors take for `TZCNT`, counts as such although a 386 ignores the
//! prefix: the image is to mean the same everywhere.
//! The check is a linear disassembly of all executable sections, which therefore must hold nothing but code.

use iced_x86::{Code, CpuidFeature, Decoder, DecoderOptions, Instruction};
use object::{Object, ObjectSection, SectionFlags};
use std::fmt;

/// An instruction that a 386 without 387 lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Foreign {
    /// Its address.
    pub(crate) address: u64,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// Which instruction it is.
    pub(crate) instruction: Code,
    /// What a processor needs to have it; empty if the bytes are no instruction at all.
    pub(crate) needs: Vec<CpuidFeature>,
}

impl fmt::Display for Foreign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Vec<String> = self.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        write!(
            formatter,
            "{:08x}  {:<24}  {:?}",
            self.address,
            bytes.join(" "),
            self.instruction
        )?;
        match self.needs.as_slice() {
            [] => write!(formatter, " (no instruction)"),
            needs => write!(formatter, " (needs {needs:?})"),
        }
    }
}

/// Everything in the executable sections of an ELF image that a 386 without 387 cannot execute, but for what is
/// `emulated`.
pub(crate) fn foreign_instructions(image: &[u8], emulated: &[Code]) -> Result<Vec<Foreign>, object::Error> {
    let file = object::File::parse(image)?;
    let mut found = Vec::new();
    for section in file.sections().filter(is_executable) {
        found.extend(foreign_in(section.data()?, section.address(), emulated));
    }
    Ok(found)
}

fn is_executable<'data>(section: &impl ObjectSection<'data>) -> bool {
    let executable = object::elf::SHF_EXECINSTR;
    matches!(section.flags(), SectionFlags::Elf { sh_flags, .. } if sh_flags & executable == executable)
}

/// Everything in `code`, which lies at `address`, that a 386 without 387 cannot execute, but for what is `emulated`.
pub(crate) fn foreign_in(code: &[u8], address: u64, emulated: &[Code]) -> Vec<Foreign> {
    let mut decoder = Decoder::with_ip(32, code, address, DecoderOptions::NONE);
    let mut found = Vec::new();
    let mut instruction = Instruction::default();
    while decoder.can_decode() {
        let start = decoder.position();
        decoder.decode_out(&mut instruction);
        if !is_on_a_386(&instruction) && !emulated.contains(&instruction.code()) {
            let needs = if instruction.is_invalid() {
                &[]
            } else {
                instruction.cpuid_features()
            };
            found.push(Foreign {
                address: instruction.ip(),
                bytes: code[start..decoder.position()].to_vec(),
                instruction: instruction.code(),
                needs: needs.to_vec(),
            });
        }
    }
    found
}

fn is_on_a_386(instruction: &Instruction) -> bool {
    let known = |feature: &CpuidFeature| {
        matches!(
            feature,
            CpuidFeature::INTEL8086
                | CpuidFeature::INTEL186
                | CpuidFeature::INTEL286
                | CpuidFeature::INTEL386
                | CpuidFeature::INTEL386_ONLY
        )
    };
    !instruction.is_invalid() && instruction.cpuid_features().iter().all(known)
}

#[cfg(test)]
mod tests {
    use super::{foreign_in, foreign_instructions};
    use iced_x86::{Code, CpuidFeature};

    #[test]
    fn instructions_of_the_386_pass() {
        // rep movsb; movzx eax, al; bt eax, ecx; lgdt [eax]; mov cr3, eax; in al, dx; iret
        let code = [
            0xf3, 0xa4, 0x0f, 0xb6, 0xc0, 0x0f, 0xa3, 0xc8, 0x0f, 0x01, 0x10, 0x0f, 0x22, 0xd8, 0xec, 0xcf,
        ];
        assert_eq!(foreign_in(&code, 0, &[]), []);
    }

    #[test]
    fn bswap_passes_where_the_image_carries_it_out() {
        assert_eq!(foreign_in(&[0x0f, 0xc8], 0, &[Code::Bswap_r32]), []);
        assert_eq!(foreign_in(&[0x0f, 0xc8], 0, &[]).len(), 1);
    }

    #[test]
    fn every_other_instruction_of_the_486_is_found() {
        // invd, wbinvd, invlpg [eax], cmpxchg, xadd
        for code in [
            &[0x0f, 0x08][..],
            &[0x0f, 0x09],
            &[0x0f, 0x01, 0x38],
            &[0x0f, 0xb1, 0xc8],
            &[0x0f, 0xc1, 0xc8],
        ] {
            assert_eq!(foreign_in(code, 0, &[]).len(), 1, "{code:02x?}");
        }
    }

    #[test]
    fn conditional_moves_are_found_with_address_and_need() {
        let found = foreign_in(&[0x90, 0x0f, 0x44, 0xc1], 0x10_0000, &[]);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].address, found[0].instruction),
            (0x10_0001, Code::Cmove_r32_rm32)
        );
        assert_eq!(
            (&found[0].bytes[..], &found[0].needs[..]),
            (&[0x0f, 0x44, 0xc1][..], &[CpuidFeature::CMOV][..])
        );
    }

    #[test]
    fn sse_and_the_387_are_found() {
        // movaps xmm0, xmm1; fld1; fsin
        for code in [&[0x0f, 0x28, 0xc1][..], &[0xd9, 0xe8], &[0xd9, 0xfe]] {
            assert_eq!(foreign_in(code, 0, &[]).len(), 1, "{code:02x?}");
        }
    }

    #[test]
    fn bytes_that_are_no_instruction_are_found() {
        let found = foreign_in(&[0x0f, 0x04], 0, &[]);
        assert!(!found.is_empty());
        assert!(found[0].to_string().contains("no instruction"));
    }

    #[test]
    fn what_is_no_image_is_an_error() {
        assert!(foreign_instructions(b"hello", &[]).is_err());
    }
}
