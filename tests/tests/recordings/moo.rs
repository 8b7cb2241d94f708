//! Reads MOO files, versions 1.0 and 1.1: recordings of single instructions on real processors (SingleStepTests).
//!
//! A file is a tree of chunks: a name of four bytes, a length of four bytes, contents; all little-endian. `FINA` holds only
//! what an instruction changed. Prefetch queue, effective address, name of the file's opcode and hash are left out, and of
//! the bus cycles all but I/O writes.

use std::fmt;

/// What is wrong with a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Malformed(&'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a MOO file {}", self.0)
    }
}

/// Registers in the order of the 32-bit bit map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub(crate) enum Name {
    Cr0,
    Cr3,
    Eax,
    Ebx,
    Ecx,
    Edx,
    Esi,
    Edi,
    Ebp,
    Esp,
    Cs,
    Ds,
    Es,
    Fs,
    Gs,
    Ss,
    Eip,
    Eflags,
    Dr6,
    Dr7,
}

impl Name {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 20] = [
        Self::Cr0,
        Self::Cr3,
        Self::Eax,
        Self::Ebx,
        Self::Ecx,
        Self::Edx,
        Self::Esi,
        Self::Edi,
        Self::Ebp,
        Self::Esp,
        Self::Cs,
        Self::Ds,
        Self::Es,
        Self::Fs,
        Self::Gs,
        Self::Ss,
        Self::Eip,
        Self::Eflags,
        Self::Dr6,
        Self::Dr7,
    ];

    /// The order of the 16-bit bit map.
    const OF_16_BITS: [Self; 14] = [
        Self::Eax,
        Self::Ebx,
        Self::Ecx,
        Self::Edx,
        Self::Cs,
        Self::Ss,
        Self::Ds,
        Self::Es,
        Self::Esp,
        Self::Ebp,
        Self::Esi,
        Self::Edi,
        Self::Eip,
        Self::Eflags,
    ];
}

/// Values of the registers that a chunk has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Registers([Option<u32>; 20]);

impl Registers {
    /// The value of a register, if it is there.
    pub(crate) fn get(&self, name: Name) -> Option<u32> {
        self.0[name as usize]
    }

    /// These, and where they are missing those.
    pub(crate) fn or(&self, those: &Self) -> Self {
        let mut all = *self;
        for (value, other) in all.0.iter_mut().zip(those.0) {
            *value = value.or(other);
        }
        all
    }
}

/// Memory and registers before an instruction, or what it changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moment {
    pub(crate) registers: Registers,
    /// AND masks over registers: bits that are defined.
    pub(crate) masks: Registers,
    /// Physical address and contents.
    pub(crate) memory: Vec<(u32, u8)>,
}

/// An I/O write cycle on a bus of 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PortWrite {
    pub(crate) port: u16,
    /// Both lanes; which of them count the recording does not say.
    pub(crate) lanes: [u8; 2],
}

/// One recorded instruction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    pub(crate) index: u32,
    /// In assembly language.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) before: Moment,
    pub(crate) after: Moment,
    /// Vector of the exception or interrupt that was taken. The address of the pushed flags, which the file has too, is
    /// left out: the recordings round it to an even one.
    pub(crate) exception: Option<u8>,
    pub(crate) port_writes: Vec<PortWrite>,
}

/// All cases of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording {
    pub(crate) masks: Registers,
    pub(crate) cases: Vec<Case>,
}

/// What is left of a chunk.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(Malformed("ends inside a chunk"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], Malformed> {
        let bytes = self.take(COUNT)?;
        Ok(bytes.try_into().expect("as many bytes as asked for"))
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    fn word(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from(u16::from_le_bytes(self.array()?)))
    }

    fn dword(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn counted(&mut self) -> Result<&'a [u8], Malformed> {
        let count = self.dword()?;
        self.take(count as usize)
    }

    /// The next chunk, if there is one.
    fn chunk(&mut self) -> Result<Option<([u8; 4], Reader<'a>)>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let name = self.array()?;
        Ok(Some((name, Reader(self.counted()?))))
    }
}

/// Reads a file that has been unpacked.
pub(crate) fn read(file: &[u8]) -> Result<Recording, Malformed> {
    let mut recording = Recording::default();
    let mut is_known = false;
    let mut reader = Reader(file);
    while let Some((name, mut chunk)) = reader.chunk()? {
        match &name {
            b"MOO " => {
                if chunk.byte()? != 1 {
                    return Err(Malformed("has another version than 1"));
                }
                is_known = true;
            }
            b"RMSK" => recording.masks = registers_16(&mut chunk)?,
            b"RM32" => recording.masks = registers_32(&mut chunk)?,
            b"TEST" => recording.cases.push(case(&mut chunk)?),
            _ => {}
        }
    }
    if !is_known {
        return Err(Malformed("has no MOO chunk"));
    }
    Ok(recording)
}

fn case(reader: &mut Reader<'_>) -> Result<Case, Malformed> {
    let mut case = Case {
        index: reader.dword()?,
        ..Case::default()
    };
    while let Some((name, mut chunk)) = reader.chunk()? {
        match &name {
            b"NAME" => case.name = String::from_utf8_lossy(chunk.counted()?).into_owned(),
            b"BYTS" => case.bytes = chunk.counted()?.to_vec(),
            b"INIT" => case.before = moment(&mut chunk)?,
            b"FINA" => case.after = moment(&mut chunk)?,
            b"CYCL" => case.port_writes = port_writes(&mut chunk)?,
            b"EXCP" => case.exception = Some(chunk.byte()?),
            _ => {}
        }
    }
    if case.bytes.is_empty() {
        return Err(Malformed("has a case without its instruction"));
    }
    Ok(case)
}

fn moment(reader: &mut Reader<'_>) -> Result<Moment, Malformed> {
    let mut moment = Moment::default();
    while let Some((name, mut chunk)) = reader.chunk()? {
        match &name {
            b"REGS" => moment.registers = registers_16(&mut chunk)?,
            b"RG32" => moment.registers = registers_32(&mut chunk)?,
            b"RMSK" => moment.masks = registers_16(&mut chunk)?,
            b"RM32" => moment.masks = registers_32(&mut chunk)?,
            b"RAM " => {
                for _ in 0..chunk.dword()? {
                    moment.memory.push((chunk.dword()?, chunk.byte()?));
                }
            }
            _ => {}
        }
    }
    Ok(moment)
}

fn registers_16(chunk: &mut Reader<'_>) -> Result<Registers, Malformed> {
    let mut registers = Registers::default();
    let present = chunk.word()?;
    for (bit, name) in Name::OF_16_BITS.into_iter().enumerate() {
        if present >> bit & 1 != 0 {
            registers.0[name as usize] = Some(chunk.word()?);
        }
    }
    Ok(registers)
}

fn registers_32(chunk: &mut Reader<'_>) -> Result<Registers, Malformed> {
    let mut registers = Registers::default();
    let present = chunk.dword()?;
    for name in Name::ALL {
        if present >> (name as usize) & 1 != 0 {
            registers.0[name as usize] = Some(chunk.dword()?);
        }
    }
    Ok(registers)
}

/// The I/O writes among the bus cycles. A 286 shows the address in the first state of a cycle and the data in the
/// second, in which its address pins are those of the next cycle already.
fn port_writes(chunk: &mut Reader<'_>) -> Result<Vec<PortWrite>, Malformed> {
    const SEND_STATUS: u8 = 1;
    const PERFORM_COMMAND: u8 = 2;
    const WRITE_COMMAND: u8 = 1;
    let mut writes = Vec::new();
    let mut address = 0;
    for _ in 0..chunk.dword()? {
        let [_, a0, a1, _, _, _, _, io_status, _, low, high, _, state, _, _] = chunk.array()?;
        match state {
            SEND_STATUS => address = u16::from_le_bytes([a0, a1]),
            PERFORM_COMMAND if io_status == WRITE_COMMAND => writes.push(PortWrite {
                port: address,
                lanes: [low, high],
            }),
            _ => {}
        }
    }
    Ok(writes)
}
