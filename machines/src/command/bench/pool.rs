//! Runs that do not depend on each other, on several host threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crossbeam_channel::unbounded;

use crate::command::run::Interrupt;

/// Carries out all jobs and gives what came of them in their order, whatever the number of threads; `None` if it was
/// interrupted. `progress` is told how many are done, and which was the last.
pub(super) fn carry_out<J: Sync, R: Send>(
    jobs: &[J],
    threads: usize,
    interrupt: &Interrupt,
    work: impl Fn(&J) -> R + Sync,
    mut progress: impl FnMut(usize, &J),
) -> Option<Vec<R>> {
    let next = AtomicUsize::new(0);
    let mut results: Vec<Option<R>> = jobs.iter().map(|_| None).collect();
    thread::scope(|scope| {
        let (sender, receiver) = unbounded();
        for _ in 0..threads.clamp(1, jobs.len().max(1)) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                while let Some((place, job)) = take(next, jobs).filter(|_| !interrupt.is_raised()) {
                    if sender.send((place, work(job))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (done, (place, result)) in (1..).zip(receiver) {
            results[place] = Some(result);
            progress(done, &jobs[place]);
        }
    });
    results.into_iter().collect()
}

fn take<'a, J>(next: &AtomicUsize, jobs: &'a [J]) -> Option<(usize, &'a J)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    Some((place, jobs.get(place)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_jobs_for_any_number_of_threads() {
        let jobs: Vec<u32> = (0..50).collect();
        for threads in [0, 1, 3, 100] {
            let mut told = 0;
            let results = carry_out(
                &jobs,
                threads,
                &Interrupt::default(),
                |job| job * job,
                |done, _| told = done,
            );
            assert_eq!(results, Some(jobs.iter().map(|job| job * job).collect()));
            assert_eq!(told, 50);
        }
    }

    #[test]
    fn an_interruption_leaves_the_rest() {
        let interrupt = Interrupt::default();
        let jobs = [1, 2, 3, 4];
        let results = carry_out(
            &jobs,
            1,
            &interrupt,
            |job| {
                if *job == 2 {
                    interrupt.raise();
                }
            },
            |_, _| {},
        );
        assert_eq!(results, None);
    }
}
