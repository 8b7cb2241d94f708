//! What a handler of interrupts leaves for the main program: that something has come.

use core::sync::atomic::{AtomicBool, Ordering};

/// Whether something has come that the main program has not seen.
#[derive(Debug, Default)]
pub struct News(AtomicBool);

impl News {
    /// Nothing has come.
    pub const fn none() -> News {
        News(AtomicBool::new(false))
    }

    /// Something has come.
    pub fn bring(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether something has come since the last [`News::take`].
    pub fn are_there(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether something has come since this was asked last; whoever is told so looks what it is. What comes after the first access is seen
    /// by that look, or the next time: the second access is made only for somebody who looks.
    pub fn take(&self) -> bool {
        self.are_there() && {
            self.0.store(false, Ordering::Relaxed);
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::News;
    use core::sync::atomic::{AtomicU32, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    #[test]
    fn news_are_there_until_they_are_taken() {
        let news = News::none();
        assert!(!news.are_there() && !news.take());
        news.bring();
        news.bring();
        assert!(news.are_there() && news.take());
        assert!(!news.are_there() && !news.take());
    }

    /// A thread in place of the interrupts, which may come between any two instructions.
    #[test]
    fn nothing_is_lost_that_comes_while_somebody_asks() {
        const TIMES: u32 = 1000;
        let (news, taken) = (News::none(), AtomicU32::new(0));
        let end = Instant::now() + Duration::from_secs(60);
        let is_patient = || Instant::now() < end;
        thread::scope(|scope| {
            scope.spawn(|| {
                for time in 1..=TIMES {
                    news.bring();
                    while taken.load(Ordering::Acquire) < time && is_patient() {
                        thread::yield_now();
                    }
                }
            });
            let mut count = 0;
            while count < TIMES && is_patient() {
                if news.take() {
                    count += 1;
                    taken.store(count, Ordering::Release);
                }
            }
        });
        assert_eq!(taken.into_inner(), TIMES);
    }
}
