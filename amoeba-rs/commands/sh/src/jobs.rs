//! Commands for which nobody waits.

use crate::shell::Shell;
use crate::world::{End, Process, World};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A pipeline in the background.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) number: u32,
    processes: Vec<(Process, Option<End>)>,
    text: String,
}

/// Those that have not been told of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jobs {
    jobs: Vec<Job>,
    last: Option<Process>,
}

impl Jobs {
    /// `$!`
    pub(crate) fn last(&self) -> Option<Process> {
        self.last
    }

    /// `$$`: there is no number that all machines agree on.
    pub(crate) fn own_number(&self) -> Process {
        1
    }

    fn add(&mut self, processes: &[Process], text: String) -> u32 {
        let number = self.jobs.iter().map(|job| job.number).max().unwrap_or(0) + 1;
        self.last = processes.last().copied();
        self.jobs.push(Job {
            number,
            processes: processes.iter().map(|process| (*process, None)).collect(),
            text,
        });
        number
    }
}

impl Job {
    /// The end of its last process, if all have ended.
    fn end(&self) -> Option<End> {
        let are_over = self.processes.iter().all(|(_, end)| end.is_some());
        self.processes.last().filter(|_| are_over)?.1
    }
}

/// What a person is told of an end.
pub(crate) fn told(end: End) -> String {
    match end {
        End::Exit(0) => "done".into(),
        End::Exit(status) => format!("exit {status}"),
        End::Exception(number) => match proto::signal::Exception::from_code(number) {
            Some(exception) => format!("exception: {}", exception_words(exception)),
            None => format!("exception {number}"),
        },
        End::Stun(2) => "interrupted".into(),
        End::Stun(code) => format!("stunned with {code}"),
        End::Lost => "its machine does not answer".into(),
    }
}

/// What an exception is called.
fn exception_words(exception: proto::signal::Exception) -> &'static str {
    use proto::signal::Exception;
    match exception {
        Exception::Illegal => "illegal instruction",
        Exception::Odd => "odd address",
        Exception::Memory => "no such memory",
        Exception::Breakpoint => "breakpoint",
        Exception::Instruction => "undefined instruction",
        Exception::Division => "division by zero",
        Exception::FloatingPoint => "floating point",
        Exception::Access => "access to memory that is not its own",
        Exception::SystemCall => "bad system call",
        Exception::Argument => "bad argument of a system call",
        Exception::Emulation => "emulation",
        Exception::Abort => "gave up",
    }
}

impl<W: World> Shell<W> {
    /// Takes note of a pipeline for which nobody waits.
    pub(crate) fn start_job(&mut self, processes: &[Process], text: String) {
        let number = self.jobs.add(processes, text);
        if self.options.is_interactive {
            let last = self.jobs.last.unwrap_or_default();
            let line = format!("[{number}] {last}\n");
            let _ = self.world.write(self.streams[2], &line);
        }
    }

    /// Looks which processes have ended.
    fn look(&mut self) {
        for job in &mut self.jobs.jobs {
            for (process, end) in &mut job.processes {
                if end.is_none() {
                    *end = self.world.ended(*process);
                }
            }
        }
    }

    /// Tells a person of jobs that have ended.
    pub fn tell_jobs(&mut self) {
        if self.options.is_interactive {
            self.look();
            let lines = self.lines(false);
            self.tell(&lines);
        }
    }

    fn lines(&mut self, with_running: bool) -> String {
        let mut lines = String::new();
        for job in &self.jobs.jobs {
            match job.end() {
                Some(end) => lines += &format!("[{}] {}: {}\n", job.number, told(end), job.text),
                None if with_running => lines += &format!("[{}] running: {}\n", job.number, job.text),
                None => {}
            }
        }
        self.jobs.jobs.retain(|job| job.end().is_none());
        lines
    }

    fn tell(&mut self, lines: &str) {
        if !lines.is_empty() {
            let _ = self.world.write(self.streams[2], lines);
        }
    }

    /// What `jobs` tells.
    pub(crate) fn job_lines(&mut self) -> String {
        self.look();
        self.lines(true)
    }

    /// Waits for all jobs.
    pub(crate) fn wait_for_all(&mut self) -> i32 {
        let jobs: Vec<u32> = self.jobs.jobs.iter().map(|job| job.number).collect();
        for number in jobs {
            self.wait_for_job(number);
        }
        0
    }

    /// Waits for a process or a job (`%NUMBER`); `None` if there is no such one.
    pub(crate) fn wait_for(&mut self, what: &str) -> Option<i32> {
        let number = match what.strip_prefix('%') {
            Some(number) => number.parse().ok()?,
            None => {
                let process: Process = what.parse().ok()?;
                let has = |job: &&Job| job.processes.iter().any(|(own, _)| *own == process);
                self.jobs.jobs.iter().find(has)?.number
            }
        };
        self.wait_for_job(number)
    }

    fn wait_for_job(&mut self, number: u32) -> Option<i32> {
        let place = self.jobs.jobs.iter().position(|job| job.number == number)?;
        self.look();
        let job = self.jobs.jobs.remove(place);
        let left: Vec<Process> = job
            .processes
            .iter()
            .filter(|(_, end)| end.is_none())
            .map(|(process, _)| *process)
            .collect();
        let ends = self.world.wait(&left);
        let (_, last) = job.processes.last()?;
        Some(last.or_else(|| ends.last().copied())?.status())
    }

    /// The processes of a job (`%NUMBER`), or the one of this number.
    pub(crate) fn processes(&self, what: &str) -> Option<Vec<Process>> {
        match what.strip_prefix('%') {
            Some(number) => {
                let number: u32 = number.parse().ok()?;
                let job = self.jobs.jobs.iter().find(|job| job.number == number)?;
                let running = job.processes.iter().filter(|(_, end)| end.is_none());
                Some(running.map(|(process, _)| *process).collect())
            }
            None => Some([what.parse().ok()?].into()),
        }
    }
}
