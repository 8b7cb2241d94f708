//! The beginning of a process's stack: its arguments, its environment and its environment of capabilities.
//!
//! From the top downwards: the capabilities, their names, the array of pairs (name, capability) ended by two zeros;
//! the strings of the environment and the array of pointers to them, ended by a zero; the same for the arguments;
//! at last what the start routine gets: the number of arguments, and where the three arrays are.

use super::segment::LEAST_STACK;
use crate::Error;
use crate::capability::Capability;

/// Bytes of what the start routine finds at its stack pointer: four words.
pub const START_LENGTH: u32 = 16;

/// Writes downwards into a stack.
struct Writer<'a> {
    stack: &'a mut [u8],
    /// Virtual address of the first byte of the stack.
    address: u32,
    /// Bytes that are still free.
    free: usize,
}

impl Writer<'_> {
    /// Takes so many bytes: where they are in the stack.
    fn take(&mut self, length: usize) -> Result<usize, Error> {
        self.free = self.free.checked_sub(length).ok_or(Error::Length)?;
        Ok(self.free)
    }

    /// Puts bytes there: their virtual address.
    fn bytes(&mut self, bytes: &[u8]) -> Result<u32, Error> {
        let at = self.take(bytes.len())?;
        self.stack[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(self.address + at as u32)
    }

    fn set(&mut self, at: usize, word: u32) {
        self.stack[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }

    /// Room for so many words, which begin as zeros: where they are in the stack, and their virtual address.
    fn words(&mut self, count: usize) -> Result<(usize, u32), Error> {
        self.free &= !3;
        let at = self.take(4 * count)?;
        self.stack[at..at + 4 * count].fill(0);
        Ok((at, self.address + at as u32))
    }

    /// Strings, and below them the array of pointers to them, ended by a zero: the array's address.
    fn strings(&mut self, texts: &[&[u8]]) -> Result<u32, Error> {
        let length: usize = texts.iter().map(|text| text.len() + 1).sum();
        let strings = self.take(length)?;
        let (array, address) = self.words(texts.len() + 1)?;
        let mut at = strings;
        for (place, text) in texts.iter().enumerate() {
            self.stack[at..at + text.len()].copy_from_slice(text);
            self.stack[at + text.len()] = 0;
            self.set(array + 4 * place, self.address + at as u32);
            at += text.len() + 1;
        }
        Ok(address)
    }

    /// Capabilities, their names and the array of pairs: the array's address.
    fn capabilities(&mut self, capabilities: &[(&[u8], Capability)]) -> Result<u32, Error> {
        let mut value = self.address + self.free as u32;
        for (_, capability) in capabilities {
            value = self.bytes(&capability.emit())?;
        }
        let length: usize = capabilities.iter().map(|(name, _)| name.len() + 1).sum();
        let names = self.take(length)?;
        let (array, address) = self.words(2 * (capabilities.len() + 1))?;
        let mut at = names;
        for (place, (name, _)) in capabilities.iter().enumerate() {
            self.stack[at..at + name.len()].copy_from_slice(name);
            self.stack[at + name.len()] = 0;
            self.set(array + 8 * place, self.address + at as u32);
            // The values were written downwards: the last one is lowest.
            let above = (capabilities.len() - 1 - place) * crate::capability::CAPABILITY_LENGTH;
            self.set(array + 8 * place + 4, value + above as u32);
            at += name.len() + 1;
        }
        Ok(address)
    }
}

/// Writes the beginning of a stack, which lies at the virtual address `address`: the stack pointer of the first thread.
///
/// # Errors
/// [`Error::Length`] if less than [`LEAST_STACK`] is left.
pub fn build(
    stack: &mut [u8],
    address: u32,
    arguments: &[&[u8]],
    environment: &[&[u8]],
    capabilities: &[(&[u8], Capability)],
) -> Result<u32, Error> {
    let free = stack.len() & !3;
    let mut writer = Writer { stack, address, free };
    let capability_array = writer.capabilities(capabilities)?;
    let environment_array = writer.strings(environment)?;
    let argument_array = writer.strings(arguments)?;
    let (at, pointer) = writer.words(4)?;
    let start = [
        arguments.len() as u32,
        argument_array,
        environment_array,
        capability_array,
    ];
    for (place, word) in start.into_iter().enumerate() {
        writer.set(at + 4 * place, word);
    }
    if writer.free < LEAST_STACK as usize {
        return Err(Error::Length);
    }
    Ok(pointer)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::build;
    use crate::Error;
    use crate::capability::{Capability, Port, Private};
    use std::vec;
    use std::vec::Vec;

    const BASE: u32 = 0x7000_0000;

    struct Stack(Vec<u8>);

    impl Stack {
        fn word(&self, address: u32) -> u32 {
            u32::from_le_bytes(self.0[(address - BASE) as usize..][..4].try_into().unwrap())
        }

        fn string(&self, address: u32) -> &[u8] {
            self.0[(address - BASE) as usize..]
                .split(|byte| *byte == 0)
                .next()
                .unwrap()
        }

        fn strings(&self, mut array: u32) -> Vec<&[u8]> {
            let mut strings = Vec::new();
            while self.word(array) != 0 {
                strings.push(self.string(self.word(array)));
                array += 4;
            }
            strings
        }
    }

    fn capability(number: u32) -> Capability {
        Capability {
            port: Port([7; 6]),
            private: Private::owner(number, Port([8; 6])),
        }
    }

    #[test]
    fn the_start_routine_finds_arguments_environment_and_capabilities() {
        let mut stack = Stack(vec![0xa5; 16384]);
        let capabilities = [
            (&b"TTY"[..], capability(1)),
            (b"WORK", capability(2)),
            (b"TOD", capability(3)),
        ];
        let arguments = [&b"program"[..], b"", b"-v"];
        let environment = [&b"TERM=vt100"[..], b"A=b"];
        let pointer = build(&mut stack.0, BASE, &arguments, &environment, &capabilities).unwrap();
        assert_eq!(pointer % 4, 0);
        assert_eq!(stack.word(pointer), 3);
        assert_eq!(stack.strings(stack.word(pointer + 4)), arguments);
        assert_eq!(stack.strings(stack.word(pointer + 8)), environment);
        let array = stack.word(pointer + 12);
        for (place, (name, capability)) in (0..).zip(capabilities) {
            assert_eq!(stack.string(stack.word(array + 8 * place)), name);
            let value = (stack.word(array + 8 * place + 4) - BASE) as usize;
            assert_eq!(Capability::parse(&stack.0[value..]), Ok(capability));
        }
        assert_eq!((stack.word(array + 24), stack.word(array + 28)), (0, 0));
    }

    #[test]
    fn a_process_without_anything_gets_empty_arrays() {
        let mut stack = Stack(vec![0xa5; 16384]);
        let pointer = build(&mut stack.0, BASE, &[], &[], &[]).unwrap();
        assert_eq!(stack.word(pointer), 0);
        for array in [4, 8, 12] {
            assert_eq!(stack.word(stack.word(pointer + array)), 0);
        }
    }

    #[test]
    fn arguments_that_leave_too_little_stack_are_refused() {
        let mut stack = vec![0; 16384];
        let long = vec![b'x'; 3000];
        assert!(build(&mut stack, BASE, &[&long], &[], &[]).is_ok());
        assert_eq!(
            build(&mut stack, BASE, &[&long, &long], &[], &[]),
            Err(Error::Length)
        );
        let huge = vec![b'x'; 20_000];
        assert_eq!(build(&mut stack, BASE, &[], &[&huge], &[]), Err(Error::Length));
    }
}
