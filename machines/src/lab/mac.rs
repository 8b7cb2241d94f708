//! Station addresses: `02:60:8c:00:00:01`.

use super::code::Code;
use super::messages::{Place, Problem};

/// The maker's half of an address, and the maker's own numbers below it.
const STATION_BITS: u32 = 24;

/// Six bytes in hexadecimal with colons between.
pub(super) fn parse(text: &str) -> Option<[u8; 6]> {
    let mut address = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut address {
        let part = parts.next()?;
        let is_hexadecimal = part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_hexdigit());
        *byte = is_hexadecimal
            .then(|| u8::from_str_radix(part, 16).ok())
            .flatten()?;
    }
    parts.next().is_none().then_some(address)
}

/// As [`parse`] reads it.
pub(super) fn show(address: [u8; 6]) -> String {
    address.map(|byte| format!("{byte:02x}")).join(":")
}

/// The address of machine `index` of a `count`, if the maker's numbers reach so far.
pub(super) fn plus(address: [u8; 6], index: u32) -> Option<[u8; 6]> {
    let [a, b, c, d, e, f] = address;
    let number = u32::from_be_bytes([0, d, e, f]).checked_add(index)?;
    let [overflow, d, e, f] = number.to_be_bytes();
    (number < 1 << STATION_BITS && overflow == 0).then_some([a, b, c, d, e, f])
}

/// Checks that a station can have the address.
pub(super) fn check(text: &str, place: Place) -> Result<(), Problem> {
    let Some(address) = parse(text) else {
        return Err(
            Problem::new(Code::BadMac, format!("`{text}` is not a station address"))
                .at(place, "cannot be read")
                .help("write six bytes in hexadecimal: \"02:60:8c:00:00:01\""),
        );
    };
    let why = if address[0] & 1 == 1 {
        "its first byte is odd, which is the mark of a group address"
    } else if address == [0; 6] {
        "it is zero"
    } else {
        return Ok(());
    };
    Err(Problem::new(
        Code::GroupMac,
        format!("no station can have the address `{text}`"),
    )
    .at(place, why)
    .help("3Com's cards of the time begin with 02:60:8c"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_six_pairs_of_hexadecimal_digits() {
        assert_eq!(parse("02:60:8c:00:00:1F"), Some([2, 0x60, 0x8C, 0, 0, 0x1F]));
        for text in [
            "",
            "02:60:8c:00:00",
            "02:60:8c:00:00:01:02",
            "2:60:8c:0:0:1",
            "02-60-8c-00-00-01",
            "+2:60:8c:00:00:01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_count_carries_from_byte_to_byte_but_not_into_the_maker_s_half() {
        let address = [2, 0x60, 0x8C, 0, 0, 0xFF];
        assert_eq!(plus(address, 1), Some([2, 0x60, 0x8C, 0, 1, 0]));
        assert_eq!(
            plus([2, 0x60, 0x8C, 0xFF, 0xFF, 0xFE], 1),
            Some([2, 0x60, 0x8C, 0xFF, 0xFF, 0xFF])
        );
        assert_eq!(plus([2, 0x60, 0x8C, 0xFF, 0xFF, 0xFF], 1), None);
    }
}
