//! Values in the buffers of requests and replies: always least significant byte first, one behind the other, without
//! padding. Strings end with a zero byte. Rights and object numbers take four bytes when they stand alone.

use crate::Error;
use crate::capability::{CAPABILITY_LENGTH, Capability, PRIVATE_LENGTH, Port, Private, Rights};

/// Takes values out of a buffer, from its beginning.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `buffer`.
    pub const fn new(buffer: &'a [u8]) -> Reader<'a> {
        Reader { rest: buffer }
    }

    /// What was not read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Some bytes as they are.
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }

    /// A signed number of two bytes.
    pub fn i16(&mut self) -> Result<i16, Error> {
        self.array().map(i16::from_le_bytes)
    }

    /// A number of two bytes.
    pub fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_le_bytes)
    }

    /// A signed number of four bytes.
    pub fn i32(&mut self) -> Result<i32, Error> {
        self.array().map(i32::from_le_bytes)
    }

    /// A number of four bytes.
    pub fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_le_bytes)
    }

    /// A string, without the zero byte at its end. [`Error::Truncated`] if there is none.
    pub fn string(&mut self) -> Result<&'a [u8], Error> {
        let length = self.rest.iter().position(|&byte| byte == 0);
        let string = self.bytes(length.ok_or(Error::Truncated)?)?;
        self.bytes(1)?;
        Ok(string)
    }

    /// A port.
    pub fn port(&mut self) -> Result<Port, Error> {
        self.array().map(Port)
    }

    /// The private part of a capability.
    pub fn private(&mut self) -> Result<Private, Error> {
        Private::parse(self.bytes(PRIVATE_LENGTH)?)
    }

    /// A capability.
    pub fn capability(&mut self) -> Result<Capability, Error> {
        Capability::parse(self.bytes(CAPABILITY_LENGTH)?)
    }

    /// Rights; [`Error::Length`] if they do not fit in eight bits.
    pub fn rights(&mut self) -> Result<Rights, Error> {
        let rights = u8::try_from(self.u32()?).map_err(|_| Error::Length)?;
        Ok(Rights(rights))
    }

    /// The number of an object; [`Error::Length`] if it does not fit in 24 bits.
    pub fn object(&mut self) -> Result<u32, Error> {
        let object = self.u32()?;
        if object > Private::LARGEST_OBJECT {
            return Err(Error::Length);
        }
        Ok(object)
    }
}

/// Puts values into a buffer, from its beginning. A value for which there is no room is [`Error::Truncated`], and then
/// nothing of it is written.
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    length: usize,
}

impl<'a> Writer<'a> {
    /// Writes to `buffer`.
    pub const fn new(buffer: &'a mut [u8]) -> Writer<'a> {
        Writer { buffer, length: 0 }
    }

    /// Bytes written so far.
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Some bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let room = self.buffer[self.length..].get_mut(..bytes.len());
        room.ok_or(Error::Truncated)?.copy_from_slice(bytes);
        self.length += bytes.len();
        Ok(())
    }

    /// A signed number of two bytes.
    pub fn i16(&mut self, value: i16) -> Result<(), Error> {
        self.bytes(&value.to_le_bytes())
    }

    /// A number of two bytes.
    pub fn u16(&mut self, value: u16) -> Result<(), Error> {
        self.bytes(&value.to_le_bytes())
    }

    /// A signed number of four bytes.
    pub fn i32(&mut self, value: i32) -> Result<(), Error> {
        self.bytes(&value.to_le_bytes())
    }

    /// A number of four bytes.
    pub fn u32(&mut self, value: u32) -> Result<(), Error> {
        self.bytes(&value.to_le_bytes())
    }

    /// A string and the zero byte at its end; [`Error::Length`] if there is one in it.
    pub fn string(&mut self, string: &[u8]) -> Result<(), Error> {
        if string.contains(&0) {
            return Err(Error::Length);
        }
        if self.buffer.len() - self.length <= string.len() {
            return Err(Error::Truncated);
        }
        self.bytes(string)?;
        self.bytes(&[0])
    }

    /// A port.
    pub fn port(&mut self, port: Port) -> Result<(), Error> {
        self.bytes(&port.0)
    }

    /// The private part of a capability.
    pub fn private(&mut self, private: &Private) -> Result<(), Error> {
        self.bytes(&private.emit())
    }

    /// A capability.
    pub fn capability(&mut self, capability: &Capability) -> Result<(), Error> {
        self.bytes(&capability.emit())
    }

    /// Rights.
    pub fn rights(&mut self, rights: Rights) -> Result<(), Error> {
        self.u32(rights.0.into())
    }

    /// The number of an object; [`Error::Length`] if it does not fit in 24 bits.
    pub fn object(&mut self, object: u32) -> Result<(), Error> {
        if object > Private::LARGEST_OBJECT {
            return Err(Error::Length);
        }
        self.u32(object)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Reader, Writer};
    use crate::Error;
    use crate::capability::{Capability, Port, Private, Rights};
    use proptest::prelude::{prop_assert_eq, proptest};
    use std::vec::Vec;

    #[test]
    fn numbers_have_their_least_significant_byte_first() {
        let mut buffer = [0; 12];
        let mut writer = Writer::new(&mut buffer);
        writer.u16(0x0201).unwrap();
        writer.i32(-2).unwrap();
        writer.u32(0x0605_0403).unwrap();
        writer.i16(-1).unwrap();
        assert_eq!(buffer, [1, 2, 0xfe, 0xff, 0xff, 0xff, 3, 4, 5, 6, 0xff, 0xff]);
    }

    #[test]
    fn rights_and_object_numbers_take_four_bytes() {
        let mut buffer = [9; 8];
        let mut writer = Writer::new(&mut buffer);
        writer.rights(Rights(0x81)).unwrap();
        writer.object(0x03_0201).unwrap();
        assert_eq!(buffer, [0x81, 0, 0, 0, 1, 2, 3, 0]);
        assert_eq!(Reader::new(&[0, 1, 0, 0]).rights(), Err(Error::Length));
        assert_eq!(Reader::new(&[0, 0, 0, 1]).object(), Err(Error::Length));
        assert_eq!(Writer::new(&mut buffer).object(1 << 24), Err(Error::Length));
    }

    #[test]
    fn a_string_ends_with_a_zero_byte() {
        let mut buffer = [7; 5];
        let mut writer = Writer::new(&mut buffer);
        assert_eq!(writer.string(b"a\0b"), Err(Error::Length));
        assert_eq!(writer.string(b"abcde"), Err(Error::Truncated));
        assert_eq!(writer.length(), 0);
        writer.string(b"abcd").unwrap();
        assert_eq!(&buffer, b"abcd\0");
        assert_eq!(Reader::new(b"ab\0cd").string(), Ok(&b"ab"[..]));
        assert_eq!(Reader::new(b"abcd").string(), Err(Error::Truncated));
    }

    #[test]
    fn what_does_not_fit_is_not_begun() {
        let mut buffer = [7; 3];
        let mut writer = Writer::new(&mut buffer);
        assert_eq!(writer.u32(1), Err(Error::Truncated));
        assert_eq!(writer.length(), 0);
        assert_eq!(buffer, [7; 3]);
    }

    proptest! {
        #[test]
        fn values_read_back(number: u32, object in 0..1_u32 << 24, string in "[a-z]{0,20}", port: [u8; 6]) {
            let capability = Capability { port: Port(port), private: Private::owner(object, Port(port)) };
            let mut buffer = [0; 80];
            let mut writer = Writer::new(&mut buffer);
            writer.u32(number).unwrap();
            writer.string(string.as_bytes()).unwrap();
            writer.capability(&capability).unwrap();
            writer.private(&capability.private).unwrap();
            writer.port(Port(port)).unwrap();
            let length = writer.length();
            let mut reader = Reader::new(&buffer[..length]);
            prop_assert_eq!(reader.u32(), Ok(number));
            prop_assert_eq!(reader.string(), Ok(string.as_bytes()));
            prop_assert_eq!(reader.capability(), Ok(capability));
            prop_assert_eq!(reader.private(), Ok(capability.private));
            prop_assert_eq!(reader.port(), Ok(Port(port)));
            prop_assert_eq!(reader.rest(), &[] as &[u8]);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            while reader.string().is_ok() && reader.capability().is_ok() && reader.rights().is_ok() {}
        }
    }
}
