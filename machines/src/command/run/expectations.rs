//! The expectations of a lab, watched while it runs: each machine of each `[[expect]]` by itself.

use std::fmt;
use std::sync::Arc;

use clock::{Instant, Span};
use regex_automata::meta::Regex;

use crate::lab::{Lab, Sign};
use crate::line_search::{GrowingLine, compile};

/// One machine's part in one expectation.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    /// Index of the machine in the lab.
    pub(crate) machine: usize,
    /// What it has to show.
    pub(crate) sign: Sign,
    /// Virtual time within which it must appear (or stay away).
    pub(crate) within: Span,
    /// True if it must stay away.
    pub(crate) is_absent: bool,
    /// How it went so far.
    pub(crate) verdict: Verdict,
    /// Of a sign on the console.
    regex: Option<Arc<Regex>>,
}

impl Watch {
    /// What it has to show, for people.
    pub(crate) fn text(&self) -> String {
        match &self.sign {
            Sign::Console(pattern) => pattern.clone(),
            Sign::Post(code) => format!("post {code:02x}"),
        }
    }

    /// It has been seen at `at`.
    fn see(&mut self, at: Instant) {
        self.verdict = if self.is_absent {
            Verdict::Missed(at, Miss::Appeared)
        } else {
            Verdict::Met(at)
        };
    }
}

/// How an expectation went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not decided yet.
    Open,
    /// It appeared in time, or its time passed without what had to stay away.
    Met(Instant),
    /// It did not.
    Missed(Instant, Miss),
}

/// Why an expectation was missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    /// Its time passed.
    NotSeen(Span),
    /// What had to stay away appeared.
    Appeared,
    /// The machine stopped by itself before.
    MachineStopped,
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSeen(within) => write!(f, "not seen within {within}"),
            Self::Appeared => write!(f, "it appeared and had to stay away"),
            Self::MachineStopped => write!(f, "the machine stopped before"),
        }
    }
}

/// All expectations of a lab.
#[derive(Clone, Debug)]
pub(crate) struct Expectations {
    watches: Vec<Watch>,
    lines: Vec<GrowingLine>,
    /// Undecided watches of each machine.
    open: Vec<Vec<usize>>,
    /// Decided and not told yet.
    news: Vec<usize>,
    /// The earliest deadline of an open watch.
    next_deadline: Instant,
}

impl Expectations {
    /// Those of `lab`.
    ///
    /// # Errors
    /// If a pattern is no regular expression; the error names it.
    pub(crate) fn new(lab: &Lab) -> Result<Self, String> {
        let mut watches = Vec::new();
        for expectation in &lab.expectations {
            let regex = match &expectation.sign {
                Sign::Console(pattern) => {
                    let regex = compile(pattern).map_err(|error| format!("`{pattern}`: {error}"))?;
                    Some(Arc::new(regex))
                }
                Sign::Post(_) => None,
            };
            watches.extend(expectation.machines.iter().map(|machine| Watch {
                machine: *machine,
                sign: expectation.sign.clone(),
                within: expectation.within,
                is_absent: expectation.is_absent,
                verdict: Verdict::Open,
                regex: regex.clone(),
            }));
        }
        let mut open = vec![Vec::new(); lab.machines.len()];
        for (index, watch) in watches.iter().enumerate() {
            open[watch.machine].push(index);
        }
        let mut expectations = Self {
            watches,
            lines: vec![GrowingLine::default(); lab.machines.len()],
            open,
            news: Vec::new(),
            next_deadline: Instant::NEVER,
        };
        expectations.find_next_deadline();
        Ok(expectations)
    }

    /// All of them, in the order of the lab file.
    pub(crate) fn watches(&self) -> &[Watch] {
        &self.watches
    }

    /// A character came out of a machine.
    pub(crate) fn byte(&mut self, at: Instant, machine: usize, byte: u8) {
        self.advance(at);
        if self.open[machine].is_empty() || !self.lines[machine].push(byte) {
            return;
        }
        let (watches, line) = (&mut self.watches, &mut self.lines[machine]);
        let news = &mut self.news;
        self.open[machine].retain(|index| {
            let watch = &mut watches[*index];
            let is_found = watch.regex.as_ref().is_some_and(|regex| line.shows(regex));
            if is_found {
                watch.see(at);
                news.push(*index);
            }
            !is_found
        });
    }

    /// A machine wrote its POST port.
    pub(crate) fn post(&mut self, at: Instant, machine: usize, code: u8) {
        self.advance(at);
        let (watches, news) = (&mut self.watches, &mut self.news);
        self.open[machine].retain(|index| {
            let watch = &mut watches[*index];
            let is_found = watch.sign == Sign::Post(code);
            if is_found {
                watch.see(at);
                news.push(*index);
            }
            !is_found
        });
    }

    /// Whether the machine has shown all that was expected of it, a POST code among it. Programs in ROMs that end with a
    /// code then halt for good.
    pub(crate) fn has_ended_well(&self, machine: usize) -> bool {
        let mut expected = self
            .watches
            .iter()
            .filter(|watch| watch.machine == machine && !watch.is_absent);
        let is_met = |watch: &Watch| matches!(watch.verdict, Verdict::Met(_));
        let mut has_code = false;
        expected.all(|watch| {
            has_code |= matches!(watch.sign, Sign::Post(_));
            is_met(watch)
        }) && has_code
    }

    /// A machine stopped by itself: what it has not shown it will never show.
    pub(crate) fn stopped(&mut self, at: Instant, machine: usize) {
        self.advance(at);
        for index in std::mem::take(&mut self.open[machine]) {
            let watch = &mut self.watches[index];
            watch.verdict = if watch.is_absent {
                Verdict::Met(at)
            } else {
                Verdict::Missed(at, Miss::MachineStopped)
            };
            self.news.push(index);
        }
    }

    /// Virtual time has reached `now`: everything whose deadline lies before it is decided.
    pub(crate) fn advance(&mut self, now: Instant) {
        if self.next_deadline < now {
            self.expire(|deadline| deadline < now);
        }
    }

    /// The run has ended at `now`, and deadlines at that very instant count as passed.
    pub(crate) fn finish(&mut self, now: Instant) {
        self.expire(|deadline| deadline <= now);
    }

    /// Those decided since the last call, in the order of decision.
    pub(crate) fn take_news(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.news)
    }

    /// Whether nothing that could appear is still awaited. What must stay away is awaited only where nothing else is.
    pub(crate) fn are_decided(&self) -> bool {
        let has_positive = self.watches.iter().any(|watch| !watch.is_absent);
        self.watches
            .iter()
            .filter(|watch| !(has_positive && watch.is_absent))
            .all(|watch| watch.verdict != Verdict::Open)
    }

    fn expire(&mut self, is_past: impl Fn(Instant) -> bool) {
        let mut expired: Vec<usize> = (0..self.watches.len())
            .filter(|index| {
                let watch = &self.watches[*index];
                watch.verdict == Verdict::Open && is_past(Instant::START + watch.within)
            })
            .collect();
        expired.sort_by_key(|index| self.watches[*index].within);
        for index in &expired {
            let watch = &mut self.watches[*index];
            let deadline = Instant::START + watch.within;
            watch.verdict = if watch.is_absent {
                Verdict::Met(deadline)
            } else {
                Verdict::Missed(deadline, Miss::NotSeen(watch.within))
            };
            self.open[watch.machine].retain(|open| open != index);
        }
        self.news.extend(expired);
        self.find_next_deadline();
    }

    fn find_next_deadline(&mut self) {
        self.next_deadline = self
            .watches
            .iter()
            .filter(|watch| watch.verdict == Verdict::Open)
            .map(|watch| Instant::START + watch.within)
            .min()
            .unwrap_or(Instant::NEVER);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::command::testing::sample_lab;
    use crate::lab::Expectation;

    fn expectation(pattern: &str, within: Span, is_absent: bool) -> Expectation {
        Expectation {
            machines: vec![0],
            sign: Sign::Console(pattern.into()),
            within,
            is_absent,
        }
    }

    fn watching(expectations: Vec<Expectation>) -> Expectations {
        let mut lab = sample_lab();
        lab.expectations = expectations;
        Expectations::new(&lab).unwrap()
    }

    fn at(seconds: u64) -> Instant {
        Instant::START + Span::from_seconds(seconds)
    }

    fn say(expectations: &mut Expectations, at: Instant, text: &str) {
        for byte in text.bytes() {
            expectations.byte(at, 0, byte);
        }
    }

    #[test]
    fn text_at_the_deadline_is_in_time_and_later_text_is_not() {
        for (seconds, verdict) in [
            (60, Verdict::Met(at(60))),
            (61, Verdict::Missed(at(60), Miss::NotSeen(Span::from_seconds(60)))),
        ] {
            let mut watched = watching(vec![expectation("ready", Span::from_seconds(60), false)]);
            say(&mut watched, at(seconds), "ready");
            assert_eq!(watched.watches()[0].verdict, verdict);
            assert_eq!(watched.take_news(), [0]);
        }
    }

    #[test]
    fn what_must_stay_away_is_met_when_its_time_has_passed() {
        let mut watched = watching(vec![expectation("panic", Span::from_seconds(60), true)]);
        watched.advance(at(60));
        assert!(!watched.are_decided());
        watched.finish(at(60));
        assert_eq!(watched.watches()[0].verdict, Verdict::Met(at(60)));
    }

    #[test]
    fn what_must_stay_away_is_missed_at_once_when_it_appears() {
        let mut watched = watching(vec![expectation("panic", Span::from_seconds(60), true)]);
        say(&mut watched, at(3), "kernel panic");
        assert_eq!(
            watched.watches()[0].verdict,
            Verdict::Missed(at(3), Miss::Appeared)
        );
    }

    #[test]
    fn what_must_stay_away_is_not_waited_for_when_something_else_is() {
        let mut watched = watching(vec![
            expectation("panic", Span::from_seconds(60), true),
            expectation("ready", Span::from_seconds(60), false),
        ]);
        assert!(!watched.are_decided());
        say(&mut watched, at(1), "ready");
        assert!(watched.are_decided());
        assert_eq!(watched.watches()[1].verdict, Verdict::Met(at(1)));
    }

    #[test]
    fn a_machine_that_stopped_misses_what_it_has_not_shown() {
        let mut watched = watching(vec![expectation("ready", Span::from_seconds(60), false)]);
        watched.stopped(at(2), 0);
        assert_eq!(
            watched.watches()[0].verdict,
            Verdict::Missed(at(2), Miss::MachineStopped)
        );
    }

    /// Expects `post`, and `ready` on the console, within a minute.
    fn watching_post(post: u8, is_absent: bool) -> Expectations {
        let code = Expectation {
            sign: Sign::Post(post),
            ..expectation("", Span::from_seconds(60), is_absent)
        };
        watching(vec![code, expectation("ready", Span::from_seconds(60), false)])
    }

    #[test]
    fn a_post_code_is_met_by_that_code_of_that_machine_only() {
        let mut watched = watching_post(0xFF, false);
        watched.post(at(1), 0, 0xFE);
        watched.post(at(1), 1, 0xFF);
        assert!(watched.take_news().is_empty());
        watched.post(at(2), 0, 0xFF);
        assert_eq!(watched.watches()[0].verdict, Verdict::Met(at(2)));
        assert_eq!(watched.watches()[0].text(), "post ff");
        assert_eq!(watched.take_news(), [0]);
    }

    #[test]
    fn a_post_code_that_must_stay_away_is_missed_when_it_comes() {
        let mut watched = watching_post(0xEE, true);
        watched.post(at(3), 0, 0xEE);
        assert_eq!(
            watched.watches()[0].verdict,
            Verdict::Missed(at(3), Miss::Appeared)
        );
    }

    #[test]
    fn a_machine_has_ended_well_when_its_code_and_all_else_that_was_expected_has_come() {
        let mut watched = watching_post(0xFF, false);
        watched.post(at(1), 0, 0xFF);
        assert!(!watched.has_ended_well(0));
        say(&mut watched, at(2), "ready");
        assert!(watched.has_ended_well(0));
        assert!(!watched.has_ended_well(1), "no code is expected of it");
    }

    #[test]
    fn a_pattern_that_is_none_is_named() {
        let mut lab = sample_lab();
        lab.expectations = vec![expectation("(", Span::ZERO, false)];
        assert!(Expectations::new(&lab).unwrap_err().starts_with("`(`: "));
    }

    /// Windows that end after each of these counts of characters.
    fn verdicts(text: &[u8], cuts: &[usize]) -> Vec<Verdict> {
        let patterns = ["ab+a", "^b", "a$", r"\bab\b", "[^a]{3}"];
        let mut watched = watching(
            patterns
                .iter()
                .map(|pattern| expectation(pattern, Span::from_nanoseconds(40), *pattern == "^b"))
                .collect(),
        );
        for (index, byte) in text.iter().enumerate() {
            let now = Instant::from_picoseconds(index as u64 * 1000);
            if cuts.contains(&index) {
                watched.advance(now);
            }
            watched.byte(now, 0, *byte);
        }
        watched.finish(Instant::from_picoseconds(text.len() as u64 * 1000));
        watched.watches().iter().map(|watch| watch.verdict).collect()
    }

    proptest! {
        #[test]
        fn how_the_text_is_cut_into_windows_does_not_matter(
            text in proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b' '), Just(b'\n'), Just(b'\r'), any::<u8>()], 0..64),
            cuts in proptest::collection::vec(0_usize..64, 0..8),
        ) {
            prop_assert_eq!(verdicts(&text, &cuts), verdicts(&text, &[]));
        }

        #[test]
        fn a_match_without_anchors_is_found_exactly_where_a_search_of_the_whole_line_ends(
            line in "[ab ]{0,40}",
        ) {
            let mut watched = watching(vec![expectation("ab+a", Span::from_seconds(1), false)]);
            let found = line.bytes().enumerate().position(|(index, byte)| {
                watched.byte(Instant::from_picoseconds(index as u64), 0, byte);
                matches!(watched.watches()[0].verdict, Verdict::Met(_))
            });
            let whole = regex::Regex::new("ab+a").unwrap().find(&line).map(|found| found.end() - 1);
            prop_assert_eq!(found, whole);
        }
    }
}
