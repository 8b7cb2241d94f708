//! A machine's console: its bytes as they came (`.log`) and when they came (`.ts`).
//!
//! The `.ts` file has one line per stamp: virtual nanoseconds, a space, an offset in the `.log` file. There is a stamp
//! for the first byte of every line, and for the first byte after a pause of at least 10 ms. So the time of any byte
//! is known to 10 ms, and the time of every line's begin to a nanosecond. The first line is a comment.

use clock::{Instant, Span};

use super::{HostError, OutputFile, RunFolder, file_name};

const HEADER: &[u8] = b"# virtual nanoseconds, offset in the .log file\n";
const PAUSE: Span = Span::from_milliseconds(10);

/// The two files of one console.
#[derive(Debug)]
pub struct ConsoleLog {
    text: OutputFile,
    stamps: OutputFile,
    length: u64,
    last: Option<(Instant, u8)>,
}

impl ConsoleLog {
    /// Creates both files in `console/`.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn create(folder: &RunFolder, machine: &str) -> Result<Self, HostError> {
        let stem = file_name(machine);
        let mut log = Self {
            text: OutputFile::create(&folder.file(&format!("console/{stem}.log")))?,
            stamps: OutputFile::create(&folder.file(&format!("console/{stem}.ts")))?,
            length: 0,
            last: None,
        };
        log.stamps.append(HEADER)?;
        Ok(log)
    }

    /// One byte came out.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn byte(&mut self, at: Instant, byte: u8) -> Result<(), HostError> {
        let is_stamped = match self.last {
            None | Some((_, b'\n')) => true,
            Some((before, _)) => at.since(before) >= PAUSE,
        };
        if is_stamped {
            let stamp = format!("{} {}\n", at.nanoseconds(), self.length);
            self.stamps.append(stamp.as_bytes())?;
        }
        self.text.append(&[byte])?;
        self.length += 1;
        self.last = Some((at, byte));
        Ok(())
    }

    /// Hands everything to the host.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn finish(&mut self) -> Result<(), HostError> {
        self.text.finish()?;
        self.stamps.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_bytes_after_a_pause_are_stamped() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::create_at(&parent.path().join("run")).unwrap();
        let mut log = ConsoleLog::create(&folder, "pool0").unwrap();
        for (microseconds, byte) in [
            (1, b'a'),
            (2, b'b'),
            (3, b'\n'),
            (4, b'c'),
            (10_004, b'd'),
            (10_005, b'e'),
        ] {
            log.byte(Instant::START + Span::from_microseconds(microseconds), byte)
                .unwrap();
        }
        log.finish().unwrap();
        assert_eq!(folder.read("console/pool0.log").unwrap(), "ab\ncde");
        let stamps = folder.read("console/pool0.ts").unwrap();
        assert_eq!(
            stamps.lines().skip(1).collect::<Vec<_>>(),
            ["1000 0", "4000 3", "10004000 4"]
        );
    }
}
