//! Commands that the shell carries out itself, because they change it or because they are so short.

mod options;
mod values;

pub(crate) use options::Position;

use crate::condition;
use crate::parser::parse;
use crate::shell::{DEEPEST, Outcome, Shell, Stop};
use crate::world::World;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The status of a command that was called wrongly.
const USAGE: i32 = 2;
/// The stun code of a process that is to end.
const USUAL_STUN: i32 = 15;

/// A builtin command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    Bracket,
    Break,
    Cd,
    Colon,
    Continue,
    Dot,
    Echo,
    Eval,
    Exec,
    Exit,
    Export,
    False,
    GetOptions,
    Jobs,
    Kill,
    Pwd,
    Read,
    ReadOnly,
    Return,
    Set,
    Shift,
    Test,
    Trap,
    True,
    Type,
    Unset,
    Wait,
}

const NAMES: [(&str, Builtin); 27] = [
    ("[", Builtin::Bracket),
    ("break", Builtin::Break),
    ("cd", Builtin::Cd),
    (":", Builtin::Colon),
    ("continue", Builtin::Continue),
    (".", Builtin::Dot),
    ("echo", Builtin::Echo),
    ("eval", Builtin::Eval),
    ("exec", Builtin::Exec),
    ("exit", Builtin::Exit),
    ("export", Builtin::Export),
    ("false", Builtin::False),
    ("getopts", Builtin::GetOptions),
    ("jobs", Builtin::Jobs),
    ("kill", Builtin::Kill),
    ("pwd", Builtin::Pwd),
    ("read", Builtin::Read),
    ("readonly", Builtin::ReadOnly),
    ("return", Builtin::Return),
    ("set", Builtin::Set),
    ("shift", Builtin::Shift),
    ("test", Builtin::Test),
    ("trap", Builtin::Trap),
    ("true", Builtin::True),
    ("type", Builtin::Type),
    ("unset", Builtin::Unset),
    ("wait", Builtin::Wait),
];

impl Builtin {
    pub(crate) fn named(name: &str) -> Option<Builtin> {
        let mut names = NAMES.iter();
        names.find_map(|(own, builtin)| (*own == name).then_some(*builtin))
    }

    /// Whether assignments in front of it hold behind it.
    pub(crate) fn keeps_assignments(self) -> bool {
        use Builtin::{
            Break, Colon, Continue, Dot, Eval, Exec, Exit, Export, ReadOnly, Return, Set, Shift, Trap, Unset,
        };
        matches!(
            self,
            Break
                | Colon
                | Continue
                | Dot
                | Eval
                | Exec
                | Exit
                | Export
                | ReadOnly
                | Return
                | Set
                | Shift
                | Trap
                | Unset
        )
    }
}

impl<W: World> Shell<W> {
    pub(crate) fn builtin(&mut self, builtin: Builtin, words: &[String]) -> Outcome {
        match builtin {
            Builtin::Colon | Builtin::True | Builtin::Exec => Ok(0),
            Builtin::False => Ok(1),
            Builtin::Test => Ok(self.test("test", words)),
            Builtin::Bracket => match words.split_last() {
                Some((last, words)) if last == "]" => Ok(self.test("[", words)),
                _ => Ok(self.usage("[: `]' is missing")),
            },
            Builtin::Break => Err(Stop::Break(self.count(words)?.max(1))),
            Builtin::Continue => Err(Stop::Continue(self.count(words)?.max(1))),
            Builtin::Exit => Err(Stop::Exit(self.given_status(words)?)),
            Builtin::Return => Err(Stop::Return(self.given_status(words)?)),
            Builtin::Cd => Ok(self.change_directory(words)),
            Builtin::Pwd => {
                let directory = self.variables.get("PWD").unwrap_or("/").to_string();
                Ok(self.say(&format!("{directory}\n")))
            }
            Builtin::Echo => Ok(self.echo(words)),
            Builtin::Eval => self.eval(&words.join(" ")),
            Builtin::Dot => self.file(words),
            Builtin::Export => Ok(self.mark(words, true)),
            Builtin::ReadOnly => Ok(self.mark(words, false)),
            Builtin::GetOptions => Ok(self.next_option(words)),
            Builtin::Jobs => {
                let lines = self.job_lines();
                Ok(self.say(&lines))
            }
            Builtin::Kill => Ok(self.kill(words)),
            Builtin::Read => Ok(self.read(words)),
            Builtin::Set => Ok(self.set(words)),
            Builtin::Shift => {
                let count = if words.is_empty() {
                    1
                } else {
                    self.count(words)? as usize
                };
                if count > self.arguments.len() {
                    return Ok(self.usage("shift: there are not so many arguments"));
                }
                self.arguments.drain(..count);
                Ok(0)
            }
            Builtin::Trap => Ok(self.trap(words)),
            Builtin::Type => Ok(self.kinds(words)),
            Builtin::Unset => Ok(self.unset(words)),
            Builtin::Wait => self.wait(words),
        }
    }

    pub(crate) fn usage(&mut self, what: &str) -> i32 {
        self.complain(what);
        USAGE
    }

    pub(crate) fn say(&mut self, text: &str) -> i32 {
        match self.world.write(self.streams[1], text) {
            Ok(()) => 0,
            Err(what) => {
                self.complain(&what);
                1
            }
        }
    }

    fn count(&mut self, words: &[String]) -> Result<u32, Stop> {
        match words.first().map_or(Ok(1), |word| word.parse()) {
            Ok(count) => Ok(count),
            Err(_) => {
                self.complain(&format!("{}: is no number", words[0]));
                Err(Stop::Abandon(USAGE))
            }
        }
    }

    fn given_status(&mut self, words: &[String]) -> Result<i32, Stop> {
        match words {
            [] => Ok(self.status),
            _ => Ok((self.count(words)? & 0xff) as i32),
        }
    }

    fn test(&mut self, name: &str, words: &[String]) -> i32 {
        match condition::test(&mut self.world, words) {
            Ok(is_met) => i32::from(!is_met),
            Err(what) => self.usage(&format!("{name}: {what}")),
        }
    }

    fn change_directory(&mut self, words: &[String]) -> i32 {
        let home = self.variables.get("HOME").unwrap_or("/").to_string();
        let before = self.variables.get("PWD").unwrap_or("/").to_string();
        let path = match words {
            [] => home,
            [path] if path == "-" => self.variables.get("OLDPWD").unwrap_or("/").to_string(),
            [path] => path.clone(),
            _ => return self.usage("cd: too many arguments"),
        };
        // Directories do not know what they are in, so the whole path is gone from the root.
        let whole = whole_path(&before, &path);
        if let Err(what) = self.world.change_directory(&whole) {
            self.complain(&format!("cd: {path}: {what}"));
            return 1;
        }
        for (name, value) in [("OLDPWD", before.as_str()), ("PWD", whole.as_str())] {
            let _ = self.variables.set(name, value);
            self.variables.export(name);
        }
        if words.first().is_some_and(|word| word == "-") {
            return self.say(&format!("{whole}\n"));
        }
        0
    }

    fn echo(&mut self, words: &[String]) -> i32 {
        let (words, end) = match words.split_first() {
            Some((first, rest)) if first == "-n" => (rest, ""),
            _ => (words, "\n"),
        };
        self.say(&format!("{}{end}", words.join(" ")))
    }

    pub(crate) fn eval(&mut self, text: &str) -> Outcome {
        let list = match parse(text) {
            Ok(list) => list,
            Err(error) => {
                self.complain(&error.to_string());
                return Err(Stop::Abandon(USAGE));
            }
        };
        if self.depth >= DEEPEST {
            self.complain("eval: too deep");
            return Err(Stop::Abandon(1));
        }
        self.depth += 1;
        let outcome = self.list(&list);
        self.depth -= 1;
        outcome
    }

    /// `.`: the commands of a file, which is looked for like a program if its name has no slash.
    fn file(&mut self, words: &[String]) -> Outcome {
        let Some(name) = words.first() else {
            return Ok(self.usage(".: a file is missing"));
        };
        let path = if name.contains('/') {
            name.clone()
        } else {
            let all = self.path();
            let mut there = all.split(':').map(|directory| format!("{directory}/{name}"));
            let found = there.find(|path| self.world.mark(path).is_some());
            found.unwrap_or_else(|| name.clone())
        };
        match self.world.read_file(&path) {
            Ok(text) => match self.eval(&text) {
                Err(Stop::Return(status)) => Ok(status),
                outcome => outcome,
            },
            Err(what) => {
                self.complain(&format!(".: {name}: {what}"));
                Ok(1)
            }
        }
    }

    /// `kill [-CODE] PROCESS...`: stuns processes of jobs.
    fn kill(&mut self, words: &[String]) -> i32 {
        let (code, words) = match words.split_first() {
            Some((first, rest)) if first.starts_with('-') => match first[1..].parse() {
                Ok(code) => (code, rest),
                Err(_) => return self.usage(&format!("kill: {first}: is no number")),
            },
            _ => (USUAL_STUN, words),
        };
        let mut status = 0;
        for word in words {
            let Some(processes) = self.processes(word) else {
                status = self.usage(&format!("kill: {word}: no such job"));
                continue;
            };
            for process in processes {
                if let Err(what) = self.world.stun(process, code) {
                    self.complain(&format!("kill: {word}: {what}"));
                    status = 1;
                }
            }
        }
        status
    }

    /// `type`: what words would be as commands.
    fn kinds(&mut self, words: &[String]) -> i32 {
        let mut status = 0;
        let mut text = String::new();
        for word in words {
            let path = self.path();
            let mut there = path.split(':').map(|directory| format!("{directory}/{word}"));
            let what = if self.functions.contains_key(word) {
                "a function".to_string()
            } else if Builtin::named(word).is_some() {
                "a builtin of the shell".to_string()
            } else if let Some(path) = there.find(|path| self.world.mark(path).is_some()) {
                path
            } else {
                status = 1;
                "not found".to_string()
            };
            text += &format!("{word}: {what}\n");
        }
        self.say(&text).max(status)
    }

    fn wait(&mut self, words: &[String]) -> Outcome {
        let mut status = 0;
        if words.is_empty() {
            status = self.wait_for_all();
        }
        for word in words {
            status = match self.wait_for(word) {
                Some(status) => status,
                None => {
                    self.complain(&format!("wait: {word}: no such job"));
                    127
                }
            };
        }
        self.interrupted()?;
        Ok(status)
    }
}

/// A path from the root: one that may begin at a directory, without `.` and `..`.
pub(crate) fn whole_path(directory: &str, path: &str) -> String {
    let beginning = if path.starts_with('/') { "" } else { directory };
    let mut names: Vec<&str> = Vec::new();
    for name in beginning.split('/').chain(path.split('/')) {
        match name {
            "" | "." => {}
            ".." => _ = names.pop(),
            _ => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}
