//! What the arguments ask for.

use alloc::vec::Vec;
use libamoeba::{named_port, put_port};
use proto::capability::{Capability, Port};
use proto::capability_text;

/// The largest file, and what all files of a size have together, in bytes.
pub(crate) const LARGEST: usize = 1 << 20;
/// Kbytes of the smallest cache: the files of a size, whole sectors each.
const LEAST_CACHE: usize = 1100;
/// Kbytes of the largest one.
const LARGEST_CACHE: usize = 64 << 10;

/// What the arguments ask for.
pub(crate) struct Plan {
    /// The file server.
    pub(crate) server: Capability,
    /// The put-port of the `rpc_server`.
    pub(crate) port: Port,
    /// Bytes of the file server's cache.
    pub(crate) cache: usize,
    /// Sizes of files, in bytes.
    pub(crate) sizes: Vec<usize>,
}

/// The plan; `None` if there is none in the words.
pub(crate) fn plan<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Plan> {
    let "-c" = words.next()? else {
        return None;
    };
    let cache: usize = words.next()?.parse().ok()?;
    let server = capability_text::parse(words.next()?)?;
    let port = put_port(named_port(words.next()?)?);
    let sizes: Option<Vec<usize>> = words.map(|word| word.parse().ok()).collect();
    let sizes = sizes.filter(|sizes| !sizes.is_empty())?;
    let is_good = (LEAST_CACHE..=LARGEST_CACHE).contains(&cache)
        && sizes.iter().all(|size| (1..=LARGEST).contains(size));
    is_good.then_some(Plan {
        server,
        port,
        cache: cache << 10,
        sizes,
    })
}
