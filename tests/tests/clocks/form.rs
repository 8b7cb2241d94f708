//! Forms whose clocks one number cannot tell, with their figures and what they take in each of their cases.

use cpu::Cycle;

use super::figures::{Letters, evaluate};

/// One case of a form.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Which of the alternatives that a figure separates by strokes.
    pub(crate) alternative: usize,
    pub(crate) letters: Letters,
    pub(crate) clocks: Cycle,
}

/// A form in real mode or in protected mode.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) name: String,
    pub(crate) is_protected: bool,
    /// What it costs (PRM chapter 17).
    pub(crate) figure: &'static str,
    pub(crate) cases: Vec<Case>,
}

impl Form {
    pub(crate) fn new(name: &str, is_protected: bool, figure: &'static str, cases: Vec<Case>) -> Self {
        Self {
            name: name.into(),
            is_protected,
            figure,
            cases,
        }
    }

    /// The cases that cost something else than the figure says.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let figure = self.figure;
        let alternatives: Vec<&str> = figure.split(['/', '|']).collect();
        let is_right = |case: &Case| {
            let figure = alternatives.get(case.alternative).copied().unwrap_or("");
            match figure.split_once('-') {
                Some((least, most)) if !figure.contains('n') => {
                    let bound = |text: &str| text.trim().parse::<Cycle>().ok();
                    bound(least) <= Some(case.clocks) && Some(case.clocks) <= bound(most)
                }
                _ => evaluate(figure, case.letters) == Some(case.clocks),
            }
        };
        self.cases
            .iter()
            .filter(|case| !is_right(case))
            .map(|case| {
                format!(
                    "{} protected: {} {figure}: {case:?}",
                    self.name, self.is_protected
                )
            })
            .collect()
    }
}

/// A case with n alone.
pub(crate) fn counted(alternative: usize, n: Cycle, clocks: Cycle) -> Case {
    let letters = Letters {
        n,
        ..Letters::default()
    };
    Case {
        alternative,
        letters,
        clocks,
    }
}
