//! Labs of many machines that all do the same, for measurements of the host's time.

use clock::Span;
use machines::runtime::Runtime;

use crate::{build, lab, pcs, run_for};

/// What all machines of a crowd do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// They halt and take a timer interrupt every 10 ms. They look for no peers.
    Idle,
    /// They execute the benchmark's mix of integer instructions for ever.
    Computing,
}

impl Work {
    /// A lab of `count` machines at this work, two seconds of virtual time after they were switched on.
    ///
    /// # Panics
    /// If they have not come up by then.
    #[must_use]
    pub fn begun(self, count: usize) -> Runtime {
        let (image, args, line) = match self {
            Self::Idle => ("builtin:kernel", "peers=0", "kernel ready"),
            Self::Computing => (
                "builtin:benchmark",
                "run=integer_mix turns=4000000000",
                "begin integer_mix",
            ),
        };
        let text = pcs(count, 1).replace("builtin:kernel", image).replace(
            "image = \"kernel\" }",
            &format!("image = \"kernel\", args = \"{args}\" }}"),
        );
        let mut runtime = build(&lab(&text));
        let (_, booted) = run_for(&mut runtime, Span::from_seconds(2), 1);
        let console = booted.console(count - 1);
        assert!(console.contains(line), "{console}");
        runtime
    }
}
