//! A keyboard of 101 keys with the American layout, from the scan codes of set 1 to the characters that a terminal
//! sends (IBM PS/2 Hardware Interface Technical Reference, "Keyboard").
//!
//! Letters, digits and signs are themselves; with control they are control characters, with alt they follow an escape. Keys
//! that move the cursor send what a VT100 sends, function keys what a VT220 sends. The number pad has digits with num lock and
//! moves the cursor without.

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    /// A character, and the one with shift.
    Sign(u8, u8),
    /// A letter, which caps lock concerns.
    Letter(u8),
    /// On the number pad: what it sends with num lock, and without.
    Pad(u8, &'static [u8]),
    /// Always the same bytes.
    Fixed(&'static [u8]),
    Shift,
    Control,
    Alt,
    CapsLock,
    NumLock,
    ScrollLock,
    /// Nothing.
    None,
}

const PREFIX: u8 = 0xe0;
/// Begins the code of the pause key, of which two bytes follow.
const PAUSE: u8 = 0xe1;
const RELEASED: u8 = 0x80;
const ESCAPE: u8 = 0x1b;

/// What the lights on the keyboard show, as its command EDh takes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lights(pub u8);

impl Lights {
    const SCROLL: u8 = 1;
    const NUM: u8 = 2;
    const CAPS: u8 = 4;
}

/// The keyboard's state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keyboard {
    is_prefixed: bool,
    /// Bytes of the pause key that follow.
    skipped: u8,
    /// Left and right, each.
    shift: [bool; 2],
    control: [bool; 2],
    alt: [bool; 2],
    lights: Lights,
}

impl Keyboard {
    /// The lights as they should be.
    pub fn lights(&self) -> Lights {
        self.lights
    }

    /// A scan code has come: `send` gets what the terminal sends.
    pub fn scan(&mut self, code: u8, mut send: impl FnMut(u8)) {
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        match code {
            PREFIX => {
                self.is_prefixed = true;
                return;
            }
            PAUSE => {
                self.skipped = 2;
                return;
            }
            _ => {}
        }
        let is_prefixed = core::mem::take(&mut self.is_prefixed);
        let is_pressed = code & RELEASED == 0;
        let number = code & !RELEASED;
        let key = if is_prefixed {
            prefixed(number)
        } else {
            plain(number)
        };
        let side = usize::from(is_prefixed || number == 0x36);
        match key {
            Key::Shift => self.shift[side] = is_pressed,
            Key::Control => self.control[side] = is_pressed,
            Key::Alt => self.alt[side] = is_pressed,
            _ if !is_pressed => {}
            Key::CapsLock => self.lights.0 ^= Lights::CAPS,
            Key::NumLock => self.lights.0 ^= Lights::NUM,
            Key::ScrollLock => self.lights.0 ^= Lights::SCROLL,
            Key::None => {}
            Key::Fixed(bytes) => bytes.iter().for_each(|byte| send(*byte)),
            Key::Pad(digit, _) if self.lights.0 & Lights::NUM != 0 => send(digit),
            Key::Pad(_, bytes) => bytes.iter().for_each(|byte| send(*byte)),
            Key::Sign(sign, shifted) => {
                let is_shifted = self.shift.contains(&true);
                self.type_character(if is_shifted { shifted } else { sign }, send);
            }
            Key::Letter(letter) => {
                let is_capital = self.shift.contains(&true) != (self.lights.0 & Lights::CAPS != 0);
                let letter = if is_capital {
                    letter.to_ascii_uppercase()
                } else {
                    letter
                };
                self.type_character(letter, send);
            }
        }
    }

    fn type_character(&self, character: u8, mut send: impl FnMut(u8)) {
        if self.alt.contains(&true) {
            send(ESCAPE);
        }
        let is_control = self.control.contains(&true);
        send(match character {
            b'@'..=b'_' | b'a'..=b'z' if is_control => character & 0x1f,
            b' ' | b'2' if is_control => 0,
            b'6' if is_control => 0x1e,
            b'-' | b'/' if is_control => 0x1f,
            b'?' if is_control => 0x7f,
            _ => character,
        });
    }
}

/// The characters of the rows of keys, plain and shifted, from the scan code of the first one on.
const ROWS: [(u8, &[u8], &[u8]); 4] = [
    (0x02, b"1234567890-=", b"!@#$%^&*()_+"),
    (0x10, b"qwertyuiop[]", b"QWERTYUIOP{}"),
    (0x1e, b"asdfghjkl;'`", b"ASDFGHJKL:\"~"),
    (0x2b, b"\\zxcvbnm,./", b"|ZXCVBNM<>?"),
];

fn plain(code: u8) -> Key {
    for (first, signs, shifted) in ROWS {
        let place = usize::from(code.wrapping_sub(first));
        if let (Some(sign), Some(shifted)) = (signs.get(place), shifted.get(place)) {
            return if sign.is_ascii_lowercase() {
                Key::Letter(*sign)
            } else {
                Key::Sign(*sign, *shifted)
            };
        }
    }
    match code {
        0x01 => Key::Sign(ESCAPE, ESCAPE),
        0x0e => Key::Sign(0x7f, 0x7f),
        0x0f => Key::Fixed(b"\t"),
        0x1c => Key::Sign(b'\r', b'\r'),
        0x1d => Key::Control,
        0x2a | 0x36 => Key::Shift,
        0x37 => Key::Sign(b'*', b'*'),
        0x38 => Key::Alt,
        0x39 => Key::Sign(b' ', b' '),
        0x3a => Key::CapsLock,
        0x3b..=0x44 | 0x57 | 0x58 => function(code),
        0x45 => Key::NumLock,
        0x46 => Key::ScrollLock,
        0x47 => Key::Pad(b'7', b"\x1b[1~"),
        0x48 => Key::Pad(b'8', b"\x1b[A"),
        0x49 => Key::Pad(b'9', b"\x1b[5~"),
        0x4a => Key::Sign(b'-', b'-'),
        0x4b => Key::Pad(b'4', b"\x1b[D"),
        0x4c => Key::Pad(b'5', b""),
        0x4d => Key::Pad(b'6', b"\x1b[C"),
        0x4e => Key::Sign(b'+', b'+'),
        0x4f => Key::Pad(b'1', b"\x1b[4~"),
        0x50 => Key::Pad(b'2', b"\x1b[B"),
        0x51 => Key::Pad(b'3', b"\x1b[6~"),
        0x52 => Key::Pad(b'0', b"\x1b[2~"),
        0x53 => Key::Pad(b'.', b"\x1b[3~"),
        _ => Key::None,
    }
}

/// Keys whose scan code follows E0h: the right-hand twins, and the block that moves the cursor.
fn prefixed(code: u8) -> Key {
    match code {
        0x1c => Key::Sign(b'\r', b'\r'),
        0x1d => Key::Control,
        0x35 => Key::Sign(b'/', b'/'),
        0x38 => Key::Alt,
        0x47..=0x53 => match plain(code) {
            Key::Pad(_, bytes) => Key::Fixed(bytes),
            _ => Key::None,
        },
        _ => Key::None,
    }
}

fn function(code: u8) -> Key {
    Key::Fixed(match code {
        0x3b => b"\x1bOP",
        0x3c => b"\x1bOQ",
        0x3d => b"\x1bOR",
        0x3e => b"\x1bOS",
        0x3f => b"\x1b[15~",
        0x40 => b"\x1b[17~",
        0x41 => b"\x1b[18~",
        0x42 => b"\x1b[19~",
        0x43 => b"\x1b[20~",
        0x44 => b"\x1b[21~",
        0x57 => b"\x1b[23~",
        _ => b"\x1b[24~",
    })
}

#[cfg(test)]
mod tests {
    use super::{Keyboard, Lights};
    use proptest::prelude::{any, prop_assert, proptest};
    use std::vec::Vec;

    fn typed(codes: &[u8]) -> Vec<u8> {
        let mut keyboard = Keyboard::default();
        let mut sent = Vec::new();
        for code in codes {
            keyboard.scan(*code, |byte| sent.push(byte));
        }
        sent
    }

    #[test]
    fn keys_send_their_characters_when_they_are_pressed() {
        assert_eq!(typed(&[0x23, 0xa3, 0x17, 0x97, 0x1c, 0x9c]), b"hi\r");
        let all = typed(&[
            0x02, 0x0b, 0x0c, 0x0d, 0x10, 0x1b, 0x1e, 0x28, 0x29, 0x2b, 0x2c, 0x35, 0x39, 0x0f, 0x01, 0x0e,
        ]);
        assert_eq!(all, b"10-=q]a'`\\z/ \t\x1b\x7f");
    }

    #[test]
    fn shift_counts_while_either_one_is_down() {
        assert_eq!(typed(&[0x2a, 0x1e, 0x36, 0xaa, 0x03, 0xb6, 0x03, 0x1e]), b"A@2a");
    }

    #[test]
    fn caps_lock_concerns_letters_and_lights_up() {
        assert_eq!(typed(&[0x3a, 0xba, 0x1e, 0x02, 0x2a, 0x1e, 0x02]), b"A1a!");
        let mut keyboard = Keyboard::default();
        keyboard.scan(0x3a, |_| ());
        assert_eq!(keyboard.lights(), Lights(4));
        keyboard.scan(0xba, |_| ());
        keyboard.scan(0x45, |_| ());
        assert_eq!(keyboard.lights(), Lights(6));
        keyboard.scan(0x3a, |_| ());
        assert_eq!(keyboard.lights(), Lights(2));
    }

    #[test]
    fn control_and_alt_make_control_characters_and_escapes() {
        assert_eq!(typed(&[0x1d, 0x2e, 0x9d, 0x2e]), b"\x03c");
        assert_eq!(typed(&[0xe0, 0x1d, 0x2b, 0xe0, 0x9d, 0x2b]), b"\x1c\\");
        assert_eq!(typed(&[0x1d, 0x39, 0x03, 0x07, 0x0c]), b"\0\0\x1e\x1f");
        assert_eq!(typed(&[0x38, 0x1e, 0xb8, 0xe0, 0x38, 0x2d]), b"\x1ba\x1bx");
    }

    #[test]
    fn the_cursor_block_and_the_pad_move_the_cursor_unless_num_lock_is_on() {
        assert_eq!(typed(&[0xe0, 0x48, 0xe0, 0xc8, 0x50]), b"\x1b[A\x1b[B");
        assert_eq!(typed(&[0x45, 0xc5, 0x47, 0xe0, 0x47, 0x53]), b"7\x1b[1~.");
        assert_eq!(typed(&[0xe0, 0x35, 0xe0, 0x1c, 0x4a]), b"/\r-");
    }

    #[test]
    fn the_pause_key_sends_nothing() {
        assert_eq!(typed(&[0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5, 0x1e]), b"a");
    }

    proptest! {
        #[test]
        fn any_codes_are_taken(codes in proptest::collection::vec(any::<u8>(), 0..500)) {
            let sent = typed(&codes);
            prop_assert!(sent.len() <= 5 * codes.len());
        }
    }
}
