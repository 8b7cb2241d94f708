//! What a typist presses for a text: keys of the American keyboard of an AT, as codes of scan set 2.
//!
//! Source: IBM PC AT Technical Reference, "Keyboard", scan codes of the 101-key keyboard, set 2. Left out: the numeric pad,
//! the function keys and Alt.

/// Where the keys of the unshifted and of the shifted character are: `(unshifted, shifted, code)`.
const CHARACTERS: [(u8, u8, u8); 48] = [
    (b'`', b'~', 0x0E),
    (b'1', b'!', 0x16),
    (b'2', b'@', 0x1E),
    (b'3', b'#', 0x26),
    (b'4', b'$', 0x25),
    (b'5', b'%', 0x2E),
    (b'6', b'^', 0x36),
    (b'7', b'&', 0x3D),
    (b'8', b'*', 0x3E),
    (b'9', b'(', 0x46),
    (b'0', b')', 0x45),
    (b'-', b'_', 0x4E),
    (b'=', b'+', 0x55),
    (b'q', b'Q', 0x15),
    (b'w', b'W', 0x1D),
    (b'e', b'E', 0x24),
    (b'r', b'R', 0x2D),
    (b't', b'T', 0x2C),
    (b'y', b'Y', 0x35),
    (b'u', b'U', 0x3C),
    (b'i', b'I', 0x43),
    (b'o', b'O', 0x44),
    (b'p', b'P', 0x4D),
    (b'[', b'{', 0x54),
    (b']', b'}', 0x5B),
    (b'\\', b'|', 0x5D),
    (b'a', b'A', 0x1C),
    (b's', b'S', 0x1B),
    (b'd', b'D', 0x23),
    (b'f', b'F', 0x2B),
    (b'g', b'G', 0x34),
    (b'h', b'H', 0x33),
    (b'j', b'J', 0x3B),
    (b'k', b'K', 0x42),
    (b'l', b'L', 0x4B),
    (b';', b':', 0x4C),
    (b'\'', b'"', 0x52),
    (b'z', b'Z', 0x1A),
    (b'x', b'X', 0x22),
    (b'c', b'C', 0x21),
    (b'v', b'V', 0x2A),
    (b'b', b'B', 0x32),
    (b'n', b'N', 0x31),
    (b'm', b'M', 0x3A),
    (b',', b'<', 0x41),
    (b'.', b'>', 0x49),
    (b'/', b'?', 0x4A),
    (b' ', b' ', 0x29),
];

/// Keys whose character is a control character of its own.
const CONTROLS: [(u8, u8); 6] = [
    (b'\n', 0x5A),
    (b'\r', 0x5A),
    (b'\t', 0x0D),
    (0x08, 0x66),
    (0x7F, 0x66),
    (ESCAPE, 0x76),
];

/// Keys that a terminal tells of by a sequence, all with the prefix [`EXTENDED`].
const SEQUENCES: [(&[u8], u8); 7] = [
    (b"\x1b[A", 0x75),
    (b"\x1b[B", 0x72),
    (b"\x1b[C", 0x74),
    (b"\x1b[D", 0x6B),
    (b"\x1b[H", 0x6C),
    (b"\x1b[F", 0x69),
    (b"\x1b[3~", 0x71),
];

const ESCAPE: u8 = 0x1B;
const LEFT_SHIFT: u8 = 0x12;
const LEFT_CONTROL: u8 = 0x14;
const RELEASE: u8 = 0xF0;
const EXTENDED: u8 = 0xE0;

/// The codes of one keystroke: a key and perhaps another that is held for it, pressed and released.
pub(crate) type Stroke = Vec<u8>;

/// The keystrokes for `text`. A line feed is the Enter key, DEL the backspace key, other control characters are keys with
/// Control, and the sequences of a terminal for arrows, Home, End and Delete are those keys.
///
/// # Errors
/// The place of the first byte that no key is for.
pub(crate) fn strokes(text: &[u8]) -> Result<Vec<Stroke>, usize> {
    let mut strokes = Vec::new();
    let mut place = 0;
    while place < text.len() {
        let rest = &text[place..];
        if let Some((sequence, code)) = SEQUENCES.iter().find(|(sequence, _)| rest.starts_with(sequence)) {
            strokes.push(vec![EXTENDED, *code, EXTENDED, RELEASE, *code]);
            place += sequence.len();
        } else {
            strokes.push(stroke(rest[0]).ok_or(place)?);
            place += 1;
        }
    }
    Ok(strokes)
}

fn stroke(byte: u8) -> Option<Stroke> {
    if let Some((_, code)) = CONTROLS.iter().find(|(control, _)| *control == byte) {
        return Some(pressed(None, *code));
    }
    let (held, wanted) = match byte {
        0x01..=0x1A => (Some(LEFT_CONTROL), byte + 0x60),
        0x1C..=0x1D => (Some(LEFT_CONTROL), byte + 0x40),
        _ => (None, byte),
    };
    let (unshifted, _, code) = CHARACTERS
        .iter()
        .find(|(unshifted, shifted, _)| *unshifted == wanted || *shifted == wanted)?;
    let shift = (*unshifted != wanted).then_some(LEFT_SHIFT);
    Some(pressed(held.or(shift), *code))
}

fn pressed(held: Option<u8>, code: u8) -> Stroke {
    let mut codes: Stroke = held.into_iter().collect();
    codes.extend([code, RELEASE, code]);
    codes.extend(held.into_iter().flat_map(|held| [RELEASE, held]));
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capital_letter_is_a_key_with_shift() {
        assert_eq!(
            strokes(b"aA").unwrap(),
            [vec![0x1C, 0xF0, 0x1C], vec![0x12, 0x1C, 0xF0, 0x1C, 0xF0, 0x12]]
        );
    }

    #[test]
    fn a_control_character_is_a_key_with_control_unless_it_has_its_own() {
        assert_eq!(strokes(b"\x03").unwrap(), [[0x14, 0x21, 0xF0, 0x21, 0xF0, 0x14]]);
        assert_eq!(strokes(b"\n").unwrap(), strokes(b"\r").unwrap());
        assert_eq!(strokes(b"\x1b").unwrap(), [[0x76, 0xF0, 0x76]]);
    }

    #[test]
    fn the_sequence_of_a_terminal_is_one_key() {
        assert_eq!(strokes(b"\x1b[A").unwrap(), [[0xE0, 0x75, 0xE0, 0xF0, 0x75]]);
        assert_eq!(strokes(b"\x1b[3~x").unwrap().len(), 2);
    }

    #[test]
    fn every_printable_character_has_a_key_and_nothing_else_has() {
        for byte in 0x20..0x7F {
            assert!(stroke(byte).is_some(), "{byte:02x}");
        }
        for byte in (0x80..=0xFF).chain([0x00, 0x1E, 0x1F]) {
            assert_eq!(stroke(byte), None, "{byte:02x}");
        }
        assert_eq!(strokes(b"ab\xE4"), Err(2));
    }

    #[test]
    fn no_two_keys_have_one_code_and_no_two_keys_one_character() {
        let mut codes: Vec<u8> = CHARACTERS.iter().map(|(.., code)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CHARACTERS.len());
        let mut characters: Vec<u8> = CHARACTERS.iter().flat_map(|(a, b, _)| [*a, *b]).collect();
        characters.sort_unstable();
        characters.dedup();
        assert_eq!(characters, (0x20..0x7F).collect::<Vec<u8>>());
    }
}
