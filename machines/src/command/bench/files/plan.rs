//! What is to be measured, by the command line.

use std::path::PathBuf;

use crate::command::arguments::{BenchCard, FilesArguments};
use crate::command::bench::usage;
use crate::command::failure::Failure;

/// The largest file, in bytes.
const LARGEST: u32 = 1 << 20;
/// The most sizes.
const MOST_SIZES: usize = 20;

/// What is to be measured.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Sizes of files, in bytes.
    pub(super) sizes: Vec<u32>,
    /// The cards.
    pub(super) cards: Vec<BenchCard>,
    /// The machines' kernel, unless it is the built-in one.
    pub(super) kernel: Option<PathBuf>,
}

impl Plan {
    /// What the command line asks for.
    ///
    /// # Errors
    /// A size that no file can have, a size or card that is there twice, or too many sizes.
    pub(super) fn new(arguments: &FilesArguments) -> Result<Self, Failure> {
        let (sizes, cards) = (&arguments.bytes, &arguments.card);
        if let Some(size) = sizes.iter().find(|size| !(1..=LARGEST).contains(*size)) {
            return Err(usage(format!("--bytes {size}: files have 1 to {LARGEST} bytes")));
        }
        if sizes.len() > MOST_SIZES {
            return Err(usage(format!("--bytes: there are {MOST_SIZES} sizes at most")));
        }
        if let Some(size) = twice(sizes) {
            return Err(usage(format!("--bytes: {size} is there twice")));
        }
        if let Some(card) = twice(cards) {
            return Err(usage(format!("--card: {} is there twice", card.word())));
        }
        Ok(Self {
            sizes: sizes.clone(),
            cards: cards.clone(),
            kernel: arguments.common.kernel.clone(),
        })
    }

    /// Files of those sizes with a 3C503.
    #[cfg(test)]
    pub(super) fn of(sizes: &[u32]) -> Self {
        Self {
            sizes: sizes.into(),
            cards: vec![BenchCard::EtherLink2],
            kernel: None,
        }
    }
}

/// The first value that is there once more.
fn twice<T: PartialEq>(values: &[T]) -> Option<&T> {
    let mut places = values.iter().enumerate();
    places
        .find(|(place, value)| values[..*place].contains(value))
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::arguments::bench::BenchOptions;

    fn plan(bytes: &[u32], card: &[BenchCard]) -> Result<Plan, Failure> {
        Plan::new(&FilesArguments {
            bytes: bytes.into(),
            card: card.into(),
            breakdown: false,
            no_fail: false,
            common: BenchOptions {
                kernel: None,
                out: "".into(),
                threads: None,
            },
        })
    }

    #[test]
    fn sizes_that_no_file_can_have_and_doubled_words_are_refused() {
        use BenchCard::{EtherLink2, Ne2000};
        for (bytes, card) in [
            (&[0][..], &[EtherLink2][..]),
            (&[LARGEST + 1], &[EtherLink2]),
            (&[16, 1, 16], &[EtherLink2]),
            (&[1], &[Ne2000, EtherLink2, Ne2000]),
        ] {
            assert!(plan(bytes, card).is_err(), "{bytes:?} {card:?}");
        }
        let many: Vec<u32> = (1..=21).collect();
        assert!(plan(&many, &[EtherLink2]).is_err());
        let plan = plan(&[LARGEST, 1], &[Ne2000, EtherLink2]).expect("a good plan");
        assert_eq!(
            (plan.sizes, plan.cards),
            (vec![LARGEST, 1], vec![Ne2000, EtherLink2])
        );
    }
}
