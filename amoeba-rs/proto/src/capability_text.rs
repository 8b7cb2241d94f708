//! Capabilities as text: `1:a2:3:4:5:6/17(ff)/7:8:9:a:b:c` is port, object number, rights and check field; the bytes of ports
//! and the rights are hexadecimal, the number of the object is decimal.

use crate::capability::{Capability, Port, Private, Rights};
use core::fmt;

impl fmt::Display for Port {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, rest @ ..] = &self.0;
        write!(formatter, "{first:x}")?;
        rest.iter().try_for_each(|byte| write!(formatter, ":{byte:x}"))
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Capability { port, private } = self;
        let (object, rights, check) = (private.object(), private.rights.0, private.check);
        write!(formatter, "{port}/{object}({rights:x})/{check}")
    }
}

/// Reads a capability; `None` if the text is none.
pub fn parse(text: &str) -> Option<Capability> {
    let (port, rest) = text.split_once('/')?;
    let (number, check) = rest.split_once('/')?;
    let (object, rights) = number.strip_suffix(')')?.split_once('(')?;
    let object = decimal(object)?;
    if object > Private::LARGEST_OBJECT {
        return None;
    }
    // All bytes of the private part are given, so it can be put together from them.
    let mut bytes = [0; crate::capability::PRIVATE_LENGTH];
    bytes[..3].copy_from_slice(&object.to_le_bytes()[..3]);
    bytes[3] = Rights(hexadecimal(rights)?).0;
    bytes[4..].copy_from_slice(&parse_port(check)?.0);
    Some(Capability {
        port: parse_port(port)?,
        private: Private::parse(&bytes).ok()?,
    })
}

/// Reads a port, six bytes with colons between them; `None` if the text is none.
pub fn parse_port(text: &str) -> Option<Port> {
    let mut port = Port::NULL;
    let mut words = text.split(':');
    for byte in &mut port.0 {
        *byte = hexadecimal(words.next()?)?;
    }
    words.next().is_none().then_some(port)
}

fn hexadecimal(text: &str) -> Option<u8> {
    let is_good = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_good.then(|| u8::from_str_radix(text, 16).ok())?
}

fn decimal(text: &str) -> Option<u32> {
    let is_good = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_good.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{parse, parse_port};
    use crate::capability::{Capability, Port, Private, Rights};
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use std::format;
    use std::string::String;

    #[test]
    fn a_capability_is_written_so() {
        let capability = Capability {
            port: Port([1, 0xa2, 3, 4, 5, 0]),
            private: Private::owner(17, Port([7, 8, 9, 10, 11, 12])),
        };
        let text = "1:a2:3:4:5:0/17(ff)/7:8:9:a:b:c";
        assert_eq!(format!("{capability}"), text);
        assert_eq!(parse(text), Some(capability));
        let restricted = parse("1:a2:3:4:5:0/17(3)/7:8:9:a:b:c").unwrap();
        assert_eq!(restricted.private.rights, Rights(3));
    }

    #[test]
    fn what_is_no_capability_is_refused() {
        for text in [
            "",
            "1:2:3:4:5:6",
            "1:2:3:4:5/1(ff)/1:2:3:4:5:6",
            "1:2:3:4:5:6:7/1(ff)/1:2:3:4:5:6",
            "1:2:3:4:5:6/1(ff/1:2:3:4:5:6",
            "1:2:3:4:5:6/16777216(ff)/1:2:3:4:5:6",
            "1:2:3:4:5:6/+1(ff)/1:2:3:4:5:6",
            "1:2:3:4:5:6/1(100)/1:2:3:4:5:6",
            "1:2:3:4:5:6/1(ff)/1:2:3:4:5:+6",
            "1:2:3:4:5:6/1()/1:2:3:4:5:6",
            "1:2:3:4:5:6/1(ff)/1:2:3:4:5:6 ",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse_port("1:2:3:4:5:g"), None);
    }

    proptest! {
        #[test]
        fn any_capability_reads_back(bytes in any::<[u8; 16]>()) {
            let capability = Capability::parse(&bytes).unwrap();
            prop_assert_eq!(parse(&format!("{capability}")), Some(capability));
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            let _ = parse(&text);
        }
    }
}
