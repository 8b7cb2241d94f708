//! The options given to the kernel: words `name=number` after the kernel's own name. Other words are no
//! concern of this kernel; a number that cannot be read or is out of range leaves the default.

use crate::process::DEFAULT_SLICE;

/// What the command line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// `irq=`: the interrupt line that the 3C503 shall drive, 2 to 5.
    pub interrupt_line: u8,
    /// `aui=`: which 3C503, in the order in which they are found, have their cable on the AUI connector; the sum of 1 for the
    /// first, 2 for the second, 4 for the third and so on.
    pub aui_cards: u32,
    /// `peers=`: how many other machines to find before the exchange begins; with 0 there is no exchange.
    pub peers: usize,
    /// `frames=`: how many numbered frames to send to the partner.
    pub frames: u32,
    /// `slice=`: milliseconds that a process runs before the next one has its turn, at least 10.
    pub slice: u64,
    /// `transparent=1`: calls in which threads of a process wait go on when it is taken to another machine; without it they are
    /// aborted.
    pub is_transparent: bool,
    /// `secure=1`: secret numbers, and not the station address, lead to the kernel's directory. The loader's programs are given its
    /// capability.
    pub is_secure: bool,
    /// `boost=1`: a process whose thread waited for a packet of FLIP's goes before all others when it has come, for a time slice
    /// at most. (The change of the scheduler that Steketee, Socko and Kiepuszewski tried, 1996, section 6.)
    pub is_boosting: bool,
    /// `ring=`: how many of the longest frames FLIP takes every card's ring for, 1 to 255; the credits that neighbours are given
    /// follow from that, eight at most.
    pub ring: Option<u16>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            interrupt_line: 3,
            aui_cards: 0,
            peers: 1,
            frames: 1000,
            slice: DEFAULT_SLICE,
            is_transparent: false,
            is_secure: false,
            is_boosting: false,
            ring: None,
        }
    }
}

impl Options {
    /// Reads the command line.
    pub fn parse(line: &str) -> Options {
        let mut options = Options::default();
        for (name, value) in line
            .split_ascii_whitespace()
            .filter_map(|word| word.split_once('='))
        {
            let Ok(number) = value.parse::<u32>() else {
                continue;
            };
            match name {
                "irq" if (2..=5).contains(&number) => options.interrupt_line = number as u8,
                "aui" => options.aui_cards = number,
                "peers" => options.peers = number as usize,
                "frames" => options.frames = number,
                "slice" if number >= 10 => options.slice = u64::from(number),
                "transparent" => options.is_transparent = number != 0,
                "secure" => options.is_secure = number != 0,
                "boost" => options.is_boosting = number != 0,
                "ring" if (1..=255).contains(&number) => options.ring = Some(number as u16),
                _ => {}
            }
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn the_kernels_name_alone_gives_the_defaults() {
        assert_eq!(
            Options::parse("/boot/kernel.elf"),
            Options {
                interrupt_line: 3,
                aui_cards: 0,
                peers: 1,
                frames: 1000,
                slice: 100,
                is_transparent: false,
                is_secure: false,
                is_boosting: false,
                ring: None
            }
        );
    }

    #[test]
    fn options_are_read_in_any_order() {
        let options = Options::parse(
            "kernel frames=7  peers=15\tirq=5 aui=2 slice=50 transparent=1 ring=8 boost=1 secure=1 root=/dev/null",
        );
        assert_eq!(
            options,
            Options {
                interrupt_line: 5,
                aui_cards: 2,
                peers: 15,
                frames: 7,
                slice: 50,
                is_transparent: true,
                is_secure: true,
                is_boosting: true,
                ring: Some(8)
            }
        );
    }

    #[test]
    fn an_interrupt_line_that_the_card_cannot_drive_is_ignored() {
        assert_eq!(Options::parse("irq=9").interrupt_line, 3);
    }

    #[test]
    fn what_is_not_a_number_is_ignored() {
        assert_eq!(
            Options::parse("frames=many peers=-1 irq= ring=0"),
            Options::default()
        );
    }
}
