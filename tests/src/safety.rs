//! What there must be after a power cut, judged from what a client was told: the console of program `safety_test`, whose requests and answers
//! are carried out once more on a model of directories.
//!
//! A request that was acknowledged has happened, one that was refused has not, and of one whose answer was lost nobody knows: from
//! there on the directories may be in either of two states, and never in one between them.

use std::collections::BTreeMap;

/// A row: its masks, and what it leads to as the program tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    masks: String,
    target: String,
}

/// Directories by their names, and their rows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Directories(BTreeMap<String, BTreeMap<String, Row>>);

/// The name of the first directory.
const ROOT: &str = "/";
/// What leads to another directory of the script: that of the row's name.
const DIRECTORY: &str = "directory";

/// The end of a refusal: its name and number.
const NO_DIRECTORY: &str = "BadCapability (-1000)";
const EXISTS: &str = "Exists (-1007)";
const NOT_FOUND: &str = "NotFound (-1008)";
const NOT_EMPTY: &str = "NotEmpty (-2102)";
/// Refusals that follow from what there is.
const VERDICTS: [&str; 4] = [NO_DIRECTORY, EXISTS, NOT_FOUND, NOT_EMPTY];
/// A server said that it has done nothing. That none can be found is not that certain: one may have been lost with the request.
const UNDONE: [&str; 2] = ["NotNow (-1003)", "Unavailable (-2101)"];

impl Directories {
    fn rows(&mut self, name: &str) -> Result<&mut BTreeMap<String, Row>, &'static str> {
        self.0.get_mut(name).ok_or(NO_DIRECTORY)
    }

    fn row(&mut self, directory: &str, name: &str) -> Result<&mut Row, &'static str> {
        self.rows(directory)?.get_mut(name).ok_or(NOT_FOUND)
    }

    /// Carries a request out, or says why not.
    fn apply(&mut self, request: &[&str]) -> Result<(), &'static str> {
        match request {
            ["make", name] => {
                self.0.insert((*name).into(), BTreeMap::new());
            }
            ["append", directory, name, masks, target @ ..] => {
                let row = Row {
                    masks: (*masks).into(),
                    target: target.join(" "),
                };
                let rows = self.rows(directory)?;
                if rows.contains_key(*name) {
                    return Err(EXISTS);
                }
                rows.insert((*name).into(), row);
            }
            ["replace", directory, name, target @ ..] => {
                self.row(directory, name)?.target = target.join(" ");
            }
            ["masks", directory, name, masks] => self.row(directory, name)?.masks = (*masks).into(),
            ["delete", directory, name] => {
                self.rows(directory)?.remove(*name).ok_or(NOT_FOUND)?;
            }
            ["discard", directory] => {
                if !self.rows(directory)?.is_empty() {
                    return Err(NOT_EMPTY);
                }
                self.0.remove(*directory);
            }
            ["install", rows @ ..] => {
                let (rows, _) = rows.as_chunks::<3>();
                for [directory, name, _] in rows {
                    self.row(directory, name)?;
                }
                for [directory, name, target] in rows {
                    self.row(directory, name)?.target = (*target).into();
                }
            }
            _ => panic!("no request: {request:?}"),
        }
        Ok(())
    }

    /// The lines that tell of what can be reached from a directory.
    fn lines(&self, directory: &str, path: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, row) in self.0.get(directory).into_iter().flatten() {
            let path = format!("{path}/{name}");
            lines.push(format!("row {path} {} {}", row.masks, row.target));
            if row.target == DIRECTORY {
                lines.extend(self.lines(name, &path));
            }
        }
        lines
    }

    /// How many directories no row leads to.
    fn unreached(&self) -> usize {
        let rows = self.0.values().flatten();
        let reached = rows.filter(|(_, row)| row.target == DIRECTORY).count();
        self.0.len() - 1 - reached
    }
}

/// A row's line without the files to which the row leads: path, masks, and the word for a directory.
fn without_files(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let count = if words.last() == Some(&DIRECTORY) { 4 } else { 3 };
    words[..count.min(words.len())].join(" ")
}

/// A file whose commit was acknowledged with safety.
#[derive(Clone, Debug, PartialEq, Eq)]
struct File {
    /// The file whose contents it has.
    contents: String,
    length: String,
    /// Whether its destruction was asked for, and whether it was acknowledged.
    is_doomed: bool,
    is_gone: bool,
}

/// What a client knows of the servers.
#[derive(Debug)]
pub struct Known {
    states: Vec<Directories>,
    files: BTreeMap<String, File>,
    /// Directories that may have been made without anybody being told their capabilities.
    lost: usize,
    /// Requests that were acknowledged, refused, and neither.
    pub answers: [usize; 3],
}

impl Known {
    /// What the lines of a client's console tell.
    ///
    /// # Errors
    /// An answer that no state of the servers explains, or a request without one.
    pub fn from_console(console: &str) -> Result<Known, String> {
        let mut known = Known {
            states: vec![Directories(BTreeMap::from([(ROOT.into(), BTreeMap::new())]))],
            files: BTreeMap::new(),
            lost: 0,
            answers: [0; 3],
        };
        let mut asked: Option<&str> = None;
        for line in console.lines().map(str::trim) {
            if let Some(request) = line.strip_prefix("asks ") {
                if let Some(former) = asked.replace(request) {
                    return Err(format!("no answer to `{former}`"));
                }
            } else if line == "done" || line.starts_with("fails ") {
                let request = asked.take().ok_or("an answer to nothing")?;
                known.answer(request, line.strip_prefix("fails "))?;
            }
        }
        match asked {
            Some(request) => Err(format!("no answer to `{request}`")),
            None => Ok(known),
        }
    }

    /// A request was acknowledged, or failed.
    fn answer(&mut self, request: &str, failure: Option<&str>) -> Result<(), String> {
        let words: Vec<&str> = request.split_whitespace().collect();
        let is_certain = failure.is_none_or(|why| VERDICTS.contains(&why) || UNDONE.contains(&why));
        let kind = if failure.is_none() {
            0
        } else {
            2 - usize::from(is_certain)
        };
        self.answers[kind] += 1;
        match words[..] {
            ["file", number, length] => self.file(number, number, length, failure),
            ["copy", number, original] => {
                let length = self.files.get(original).map(|file| file.length.clone());
                let length = length.ok_or("a copy of nothing")?;
                self.file(number, original, &length, failure);
            }
            ["destroy", number] => {
                let file = self.files.get_mut(number).ok_or("an end to nothing")?;
                file.is_doomed = true;
                file.is_gone = failure.is_none();
            }
            ["make", _] if failure.is_some() => self.lost += usize::from(!is_certain),
            _ => return self.directories(request, &words, failure),
        }
        Ok(())
    }

    /// A file was made, or else nobody knows its capability.
    fn file(&mut self, number: &str, contents: &str, length: &str, failure: Option<&str>) {
        if failure.is_none() {
            let file = File {
                contents: contents.into(),
                length: length.into(),
                is_doomed: false,
                is_gone: false,
            };
            self.files.insert(number.into(), file);
        }
    }

    fn directories(&mut self, request: &str, words: &[&str], failure: Option<&str>) -> Result<(), String> {
        let before = std::mem::take(&mut self.states);
        let after = before.iter().map(|state| {
            let mut state = state.clone();
            state.apply(words).map(|()| state)
        });
        let after: Vec<Result<Directories, &str>> = after.collect();
        self.states = match failure {
            None => after.into_iter().flatten().collect(),
            Some(why) if VERDICTS.contains(&why) => {
                let is_told = |state: &Result<Directories, &str>| state.as_ref().err() == Some(&why);
                let agreeing = before.into_iter().zip(&after);
                agreeing
                    .filter(|(_, state)| is_told(state))
                    .map(|(state, _)| state)
                    .collect()
            }
            Some(why) if UNDONE.contains(&why) => before,
            Some(_) => before.into_iter().chain(after.into_iter().flatten()).collect(),
        };
        if self.states.is_empty() {
            let answer = failure.unwrap_or("done");
            return Err(format!(
                "`{request}` is answered `{answer}` in no state that may be"
            ));
        }
        Ok(())
    }

    /// What is wrong with what a reader tells of directories: its lines from the first row on.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn judge_directories(&self, told: &[&str]) -> Result<(), String> {
        let mut told: Vec<&str> = told.to_vec();
        told.sort_unstable();
        let is_it = |state: &Directories| {
            let mut lines = state.lines(ROOT, "");
            lines.sort_unstable();
            lines == told
        };
        if self.states.iter().any(is_it) {
            return Ok(());
        }
        let states: Vec<Vec<String>> = self.states.iter().map(|state| state.lines(ROOT, "")).collect();
        Err(format!("{told:?} is none of {states:?}"))
    }

    /// As [`Known::judge_directories`] without what rows lead to, unless that is a directory: what is wrong when files may be lost.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn judge_rows(&self, told: &[&str]) -> Result<(), String> {
        let states = self.states.iter().map(|state| {
            let mut lines: Vec<String> = state.lines(ROOT, "");
            lines.iter_mut().for_each(|line| *line = without_files(line));
            lines.sort_unstable();
            lines
        });
        let states: Vec<Vec<String>> = states.collect();
        let mut told: Vec<String> = told.iter().map(|line| without_files(line)).collect();
        told.sort_unstable();
        if states.contains(&told) {
            return Ok(());
        }
        Err(format!("{told:?} is none of {states:?}"))
    }

    /// What is wrong with what the client tells of its files: every one that was acknowledged is whole, every one whose end was is gone.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn judge_files(&self, told: &[&str]) -> Result<(), String> {
        for (number, file) in &self.files {
            let whole = format!("file {number} {} bytes whole, {}", file.length, file.contents);
            let gone = format!("file {number} {NO_DIRECTORY}");
            let has = |line: &String| told.contains(&line.as_str());
            let is_good = has(&whole) && !file.is_gone || has(&gone) && file.is_doomed;
            if !is_good {
                return Err(format!("file {number}: {file:?} is not in {told:?}"));
            }
        }
        Ok(())
    }

    /// The most directories that no row may lead to.
    #[must_use]
    pub fn most_unreached(&self) -> usize {
        let states = self.states.iter().map(Directories::unreached);
        self.lost + states.max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGINNING: &str = "asks make base\ndone\nasks append / base ff:02:04: directory\ndone\n\
        asks file 1 300\ndone\nasks append base passwd ff:02:04: 1\ndone\n";
    const DIRECTORY_LINE: &str = "row /base ff:02:04: directory";

    fn known(more: &str) -> Result<Known, String> {
        Known::from_console(&(BEGINNING.to_owned() + more))
    }

    #[test]
    fn what_was_acknowledged_must_be_there() {
        let known = known("").expect("a good history");
        assert_eq!(known.answers, [4, 0, 0]);
        let row = "row /base/passwd ff:02:04: 1";
        known
            .judge_directories(&[row, DIRECTORY_LINE])
            .expect("what was told");
        known
            .judge_directories(&[DIRECTORY_LINE])
            .expect_err("a row is missing");
        known
            .judge_directories(&[DIRECTORY_LINE, "row /base/passwd ff:02:04: torn"])
            .expect_err("a file is torn");
        known.judge_files(&["file 1 300 bytes whole, 1"]).expect("a file");
        known
            .judge_files(&["file 1 BadCapability (-1000)"])
            .expect_err("no file");
        assert_eq!(known.most_unreached(), 0);
    }

    #[test]
    fn rows_are_judged_without_their_files() {
        let known = known("").expect("a good history");
        known
            .judge_rows(&[DIRECTORY_LINE, "row /base/passwd ff:02:04: BadCapability (-1000)"])
            .expect("a lost file");
        known
            .judge_rows(&[DIRECTORY_LINE, "row /base/passwd ff:03:00: 1"])
            .expect_err("other masks");
        known.judge_rows(&[DIRECTORY_LINE]).expect_err("no row");
    }

    #[test]
    fn what_nobody_answered_has_happened_or_not_but_never_half() {
        let known = known(
            "asks append base motd ff:02:04: 1\ndone\nasks install base passwd 2 base motd 2\nfails RpcFailure (-1)\n",
        )
        .expect("a good history");
        let rows = |one, other| {
            [
                DIRECTORY_LINE.to_owned(),
                format!("row /base/passwd ff:02:04: {one}"),
                format!("row /base/motd ff:02:04: {other}"),
            ]
        };
        for (one, other, is_good) in [(1, 1, true), (2, 2, true), (1, 2, false), (2, 1, false)] {
            let lines = rows(one, other);
            let told = lines.each_ref().map(String::as_str);
            assert_eq!(known.judge_directories(&told).is_ok(), is_good, "{one} {other}");
        }
    }

    #[test]
    fn a_refusal_tells_which_of_two_states_there_is() {
        let known = known("asks delete base passwd\nfails RpcFailure (-1)\nasks delete base passwd\nfails NotFound (-1008)\n")
            .expect("a good history");
        known
            .judge_directories(&[DIRECTORY_LINE])
            .expect("the first request has happened");
        known
            .judge_directories(&[DIRECTORY_LINE, "row /base/passwd ff:02:04: 1"])
            .expect_err("it was not there");
    }

    #[test]
    fn an_answer_that_cannot_be_is_found() {
        known("asks append base passwd ff:02:04: 2\ndone\n").expect_err("there is such a row");
        known("asks delete base motd\ndone\n").expect_err("there is no such row");
        known("asks discard base\nfails NotFound (-1008)\n").expect_err("it is not empty");
        known("asks discard base\n").expect_err("no answer");
    }

    #[test]
    fn a_file_is_gone_when_its_end_was_acknowledged_and_may_be_when_it_was_asked_for() {
        for (answer, may_be_whole) in [("done", false), ("fails RpcFailure (-1)", true)] {
            let known = known(&format!("asks destroy 1\n{answer}\n")).expect("a good history");
            let whole = known.judge_files(&["file 1 300 bytes whole, 1"]);
            assert_eq!(whole.is_ok(), may_be_whole);
            known
                .judge_files(&["file 1 BadCapability (-1000)"])
                .expect("its end");
        }
    }

    #[test]
    fn directories_that_nothing_leads_to_are_counted() {
        let made = known("asks make bin\ndone\n").expect("a good history");
        assert_eq!(made.most_unreached(), 1);
        let lost = known("asks make bin\nfails RpcFailure (-1)\n").expect("a good history");
        assert_eq!(lost.most_unreached(), 1);
        let refused = known("asks make bin\nfails NotNow (-1003)\n").expect("a good history");
        assert_eq!(refused.most_unreached(), 0);
    }
}
