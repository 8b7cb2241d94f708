//! The sending half of an exchange: a window of four frames, cumulative acknowledgements, and after a silence
//! everything from the first unacknowledged frame again ("go back N").

use super::is_due;

/// Frames that may be on their way.
const WINDOW: u32 = 4;
/// Milliseconds without an acknowledgement after which frames are sent again: several times what four of the
/// longest frames take on a busy wire. It doubles with every further silence up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: u32 = 200;
const LONGEST_PAUSE: u32 = 1600;
/// Silences in a row after which the partner is believed to be gone: about a minute.
const MOST_SILENCES: u32 = 40;

/// Which frames were sent and which arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sender {
    frames: u32,
    /// The first frame that is not acknowledged.
    first: u32,
    /// The frame to send next.
    next: u32,
    /// The first frame that was never sent.
    fresh: u32,
    /// When to send again, while frames are on their way.
    deadline: u32,
    silences: u32,
    resent: u32,
}

impl Sender {
    pub(super) fn new(frames: u32) -> Sender {
        Sender {
            frames,
            first: 0,
            next: 0,
            fresh: 0,
            deadline: 0,
            silences: 0,
            resent: 0,
        }
    }

    /// Frames that arrived.
    pub(super) fn acknowledged(&self) -> u32 {
        self.first
    }

    /// Frames that were sent once more.
    pub(super) fn resent(&self) -> u32 {
        self.resent
    }

    pub(super) fn is_done(&self) -> bool {
        self.first == self.frames
    }

    pub(super) fn has_given_up(&self) -> bool {
        self.silences >= MOST_SILENCES
    }

    /// The frame to send now, if any.
    pub(super) fn next(&mut self, now: u32) -> Option<u32> {
        if self.next > self.first && is_due(self.deadline, now) {
            self.silences += 1;
            self.next = self.first;
        }
        if self.has_given_up() || self.next == self.frames || self.next - self.first == WINDOW {
            return None;
        }
        if self.next == self.first {
            self.set_deadline(now);
        }
        let sequence = self.next;
        self.next += 1;
        if sequence < self.fresh {
            self.resent += 1;
        } else {
            self.fresh = self.next;
        }
        Some(sequence)
    }

    /// The partner has every frame below `expected`. Numbers that were never sent, or are known to have arrived,
    /// tell nothing.
    pub(super) fn acknowledge(&mut self, expected: u32, now: u32) {
        if expected > self.first && expected <= self.fresh {
            self.first = expected;
            self.next = self.next.max(expected);
            self.silences = 0;
            self.set_deadline(now);
        }
    }

    fn set_deadline(&mut self, now: u32) {
        let pause = (FIRST_PAUSE << self.silences.min(3)).min(LONGEST_PAUSE);
        self.deadline = now.wrapping_add(pause);
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST_PAUSE, MOST_SILENCES, Sender};
    use std::vec::Vec;

    fn sent(sender: &mut Sender, now: u32) -> Vec<u32> {
        std::iter::from_fn(|| sender.next(now)).collect()
    }

    #[test]
    fn four_frames_are_sent_ahead() {
        assert_eq!(sent(&mut Sender::new(1000), 0), [0, 1, 2, 3]);
    }

    #[test]
    fn an_acknowledgement_lets_as_many_follow() {
        let mut sender = Sender::new(1000);
        sent(&mut sender, 0);
        sender.acknowledge(3, 0);
        assert_eq!(sent(&mut sender, 0), [4, 5, 6]);
    }

    #[test]
    fn after_a_silence_the_unacknowledged_frames_are_sent_again() {
        let mut sender = Sender::new(1000);
        sent(&mut sender, 0);
        sender.acknowledge(1, 10);
        sent(&mut sender, 10);
        assert_eq!(sent(&mut sender, 10 + FIRST_PAUSE - 1), []);
        assert_eq!(sent(&mut sender, 10 + FIRST_PAUSE), [1, 2, 3, 4]);
        assert_eq!(sender.resent(), 4);
    }

    #[test]
    fn silences_grow_longer() {
        let mut sender = Sender::new(1000);
        sent(&mut sender, 0);
        sent(&mut sender, FIRST_PAUSE);
        assert_eq!(sent(&mut sender, 3 * FIRST_PAUSE - 1), []);
        assert_eq!(sent(&mut sender, 3 * FIRST_PAUSE), [0, 1, 2, 3]);
    }

    #[test]
    fn acknowledgements_of_frames_that_were_never_sent_tell_nothing() {
        let mut sender = Sender::new(1000);
        sent(&mut sender, 0);
        sender.acknowledge(5, 0);
        sender.acknowledge(u32::MAX, 0);
        assert_eq!(sender.acknowledged(), 0);
    }

    #[test]
    fn a_partner_that_never_answers_is_given_up() {
        let mut sender = Sender::new(1);
        for now in (0..).step_by(2000).take(MOST_SILENCES as usize + 1) {
            assert!(!sender.has_given_up());
            sender.next(now);
        }
        assert!(sender.has_given_up());
        assert_eq!(sender.next(1_000_000), None);
    }

    #[test]
    fn nothing_to_send_is_done_at_once() {
        assert!(Sender::new(0).is_done());
    }
}
