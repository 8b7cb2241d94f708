//! Who has to be woken when.

use crate::Instant;

/// At most one alarm for each sleeper `K`. Alarms for the same instant ring in the order in which they were set.
///
/// Made for the handful of chips on one board: setting and ringing scan a short list, reading the earliest alarm is
/// free.
#[derive(Clone, Debug)]
pub struct Agenda<K> {
    alarms: Vec<Alarm<K>>,
    /// Counts settings, to break ties by insertion.
    settings: u64,
    earliest: Instant,
}

#[derive(Clone, Debug)]
struct Alarm<K> {
    at: Instant,
    setting: u64,
    sleeper: K,
}

impl<K> Default for Agenda<K> {
    fn default() -> Self {
        Self {
            alarms: Vec::new(),
            settings: 0,
            earliest: Instant::NEVER,
        }
    }
}

impl<K: Copy + Eq> Agenda<K> {
    /// Sets the alarm of `sleeper` to `at`, in place of the one it had. [`Instant::NEVER`] takes it away.
    pub fn set(&mut self, sleeper: K, at: Instant) {
        self.alarms.retain(|alarm| alarm.sleeper != sleeper);
        if at != Instant::NEVER {
            self.settings += 1;
            self.alarms.push(Alarm {
                at,
                setting: self.settings,
                sleeper,
            });
        }
        self.find_earliest();
    }

    /// The instant of the earliest alarm, [`Instant::NEVER`] if there is none.
    #[must_use]
    pub fn earliest(&self) -> Instant {
        self.earliest
    }

    /// Takes the earliest alarm that is due at `now` off the agenda.
    pub fn ring(&mut self, now: Instant) -> Option<(Instant, K)> {
        if self.earliest > now {
            return None;
        }
        let index = (0..self.alarms.len()).min_by_key(|&i| (self.alarms[i].at, self.alarms[i].setting))?;
        let alarm = self.alarms.remove(index);
        self.find_earliest();
        Some((alarm.at, alarm.sleeper))
    }

    fn find_earliest(&mut self) {
        self.earliest = self
            .alarms
            .iter()
            .map(|alarm| alarm.at)
            .min()
            .unwrap_or(Instant::NEVER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;

    fn at(n: u64) -> Instant {
        Instant::START + Span::from_nanoseconds(n)
    }

    #[test]
    fn alarms_ring_in_time_order_and_ties_in_the_order_they_were_set() {
        let mut agenda = Agenda::default();
        agenda.set('c', at(20));
        agenda.set('a', at(10));
        agenda.set('b', at(10));
        agenda.set('c', at(10));
        let rung: Vec<_> = std::iter::from_fn(|| agenda.ring(at(10))).collect();
        assert_eq!(rung, [(at(10), 'a'), (at(10), 'b'), (at(10), 'c')]);
        assert_eq!(agenda.earliest(), Instant::NEVER);
    }

    #[test]
    fn a_sleeper_has_one_alarm_and_never_takes_it_away() {
        let mut agenda = Agenda::default();
        agenda.set(1, at(5));
        agenda.set(1, at(9));
        assert_eq!(agenda.ring(at(8)), None);
        assert_eq!(agenda.earliest(), at(9));
        agenda.set(1, Instant::NEVER);
        assert_eq!(agenda.ring(at(100)), None);
    }
}
