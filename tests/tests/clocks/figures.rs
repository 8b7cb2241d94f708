//! Figures as the manual writes them: `15+4(n-1)`, `94+4x+m`, `5+ts`.

use cpu::Cycle;

/// What the letters of a figure stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Letters {
    /// Bits, iterations or levels.
    pub(crate) n: Cycle,
    /// Components of the instruction at the target.
    pub(crate) m: Cycle,
    /// Parameters.
    pub(crate) x: Cycle,
    /// The clocks of a task switch.
    pub(crate) ts: Cycle,
}

/// The clocks that a figure means; none if it is no such figure.
pub(crate) fn evaluate(figure: &str, letters: Letters) -> Option<Cycle> {
    figure
        .trim()
        .split('+')
        .map(|term| term_value(term, letters))
        .sum()
}

fn term_value(term: &str, letters: Letters) -> Option<Cycle> {
    let letters_at = term.find(|c: char| !c.is_ascii_digit()).unwrap_or(term.len());
    let (factor, name) = term.split_at(letters_at);
    let value = match name {
        "" if factor.is_empty() => return None,
        "" => 1,
        "n" => letters.n,
        "(n-1)" => letters.n.checked_sub(1)?,
        "m" => letters.m,
        "x" => letters.x,
        "ts" => letters.ts,
        _ => return None,
    };
    match factor {
        "" => Some(value),
        factor => Some(factor.parse::<Cycle>().ok()? * value),
    }
}

#[test]
fn a_figure_is_a_sum_of_numbers_and_letters() {
    let letters = Letters {
        n: 3,
        m: 2,
        x: 5,
        ts: 300,
    };
    for (figure, clocks) in [
        ("7", 7),
        ("10+3n", 19),
        ("15+4(n-1)", 23),
        ("94+4x+m", 116),
        ("5+ts", 305),
        ("ts", 300),
    ] {
        assert_eq!(evaluate(figure, letters), Some(clocks), "{figure}");
    }
    assert_eq!([evaluate("", letters), evaluate("9-14", letters)], [None, None]);
}
