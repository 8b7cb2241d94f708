//! How well a host suits a program: preference of its architecture × speed / (load + 1) × memory.
//!
//! Memory is what the program would leave free, but no more than [`Policy::enough_memory`], so that hosts with plenty are equal. What
//! Amoeba adds for the text of a program that a host still has in its memory is left out: these kernels keep none.

use proto::process::segment::{DEFAULT_STACK, Segment};
use proto::process::server::PAGE_SHIFT;
use proto::process::{Descriptor, SegmentKind};

/// What the choice depends on beside the hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Hosts that are worse than the best by no more than so many percent are as good (EQUIVPERC).
    pub equivalent_percent: u8,
    /// Kbytes that need not be more (MEMTRUNC).
    pub enough_memory: u32,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            equivalent_percent: 10,
            enough_memory: 1024,
        }
    }
}

/// How a host fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Thousand turns of a loop a second.
    pub speed: u16,
    /// Threads that can run, times 1024.
    pub load: u32,
    /// Free memory, in bytes.
    pub free: u32,
}

/// How well a host suits a program that needs so many bytes; the larger the better. `None` if it has not the memory.
pub fn suitability(policy: &Policy, preference: u8, figures: &Figures, needed: u32) -> Option<u64> {
    let left = figures.free.checked_sub(needed)?;
    // A host that the program fills will do, but no other one is worse.
    let memory = (left >> 10).clamp(1, policy.enough_memory.max(1));
    let speed = u64::from(preference) * u64::from(figures.speed.max(1)) * 1024;
    Some(speed * u64::from(memory) / (u64::from(figures.load) + 1024))
}

/// The least suitability that is as good as the best one.
pub fn equivalent(policy: &Policy, best: u64) -> u64 {
    let percent = u64::from(policy.equivalent_percent.min(100));
    best - best / 100 * percent - best % 100 * percent / 100
}

/// Bytes that a program's segments take, in whole pages.
pub fn needed(descriptor: &Descriptor<'_>) -> u32 {
    let length = |segment: Segment| {
        let is_symbols = segment
            .kind
            .intersects(SegmentKind::SYMBOLS | SegmentKind::NEW_SYMBOLS);
        let is_stack = segment.kind.contains(SegmentKind::SYSTEM);
        match segment.length {
            _ if is_symbols => 0,
            0 if is_stack => DEFAULT_STACK,
            length => {
                let page = 1 << PAGE_SHIFT;
                length.checked_next_multiple_of(page).unwrap_or(u32::MAX)
            }
        }
    };
    descriptor.segments().map(length).fold(0, u32::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::{Figures, Policy, equivalent, needed, suitability};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use proto::capability::Capability;
    use proto::process::{self, Descriptor, Head, I80386, Segment, SegmentKind};

    const IDLE: Figures = Figures {
        speed: 500,
        load: 0,
        free: 8 << 20,
    };

    fn of(figures: Figures) -> Option<u64> {
        suitability(&Policy::default(), 1, &figures, 100 << 10)
    }

    #[test]
    fn an_idle_host_is_twice_as_good_as_one_with_a_running_program() {
        assert_eq!(of(IDLE), Some(500 * 1024));
        assert_eq!(of(Figures { load: 1024, ..IDLE }), Some(500 * 512));
        assert_eq!(
            of(Figures {
                speed: 1000,
                load: 1024,
                ..IDLE
            }),
            of(IDLE)
        );
    }

    #[test]
    fn memory_counts_up_to_what_is_enough() {
        let with = |free| of(Figures { free, ..IDLE });
        assert_eq!(with((100 << 10) - 1), None);
        assert_eq!(with(100 << 10), Some(500));
        assert_eq!(with(612 << 10), Some(500 * 512));
        assert_eq!(with(1124 << 10), with(64 << 20));
    }

    #[test]
    fn ten_percent_worse_is_as_good() {
        assert_eq!(equivalent(&Policy::default(), 1000), 900);
        assert_eq!(equivalent(&Policy::default(), 0), 0);
        let exact = Policy {
            equivalent_percent: 0,
            ..Policy::default()
        };
        assert_eq!(equivalent(&exact, 1001), 1001);
    }

    #[test]
    fn a_program_needs_its_segments_in_pages_and_a_stack_but_no_symbols() {
        let segment = |length, kind| Segment {
            capability: Capability::NULL,
            offset: 0,
            address: 0,
            length,
            kind,
        };
        let segments = [
            segment(1, SegmentKind::TEXT),
            segment(4096, SegmentKind::DATA),
            segment(0, SegmentKind::SYSTEM),
            segment(9999, SegmentKind::SYMBOLS),
        ];
        let head = Head {
            architecture: I80386,
            own: Capability::NULL,
            owner: Capability::NULL,
        };
        let mut bytes = [0; 300];
        let length = process::emit(&head, &segments, &[], &mut bytes).unwrap();
        let descriptor = Descriptor::parse(&bytes[..length]).unwrap();
        assert_eq!(needed(&descriptor), 4096 + 4096 + 16384);
    }

    proptest! {
        #[test]
        fn the_better_host_never_gets_less(
            preference in 1_u8..,
            speed: u16,
            load in 0_u32..=0x1_ffff,
            free: u32,
            more_speed: u16,
            less_load in 0_u32..1000,
            more_free: u32,
            needed: u32,
        ) {
            let policy = Policy::default();
            let worse = Figures { speed, load, free };
            let better = Figures {
                speed: speed.saturating_add(more_speed),
                load: load.saturating_sub(less_load),
                free: free.saturating_add(more_free),
            };
            let rate = |figures| suitability(&policy, preference, figures, needed);
            prop_assert!(rate(&worse) <= rate(&better));
        }

        #[test]
        fn the_best_is_among_its_equals(best: u64, percent in any::<u8>()) {
            let policy = Policy { equivalent_percent: percent, ..Policy::default() };
            prop_assert!(equivalent(&policy, best) <= best);
            prop_assert_eq!(equivalent(&Policy { equivalent_percent: 0, ..policy }, best), best);
        }
    }
}
