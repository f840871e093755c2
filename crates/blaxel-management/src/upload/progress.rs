//! How far an upload has got, for those who watch it.

use std::sync::Arc;

/// How far an upload has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// How many bytes the connection has taken in this try.
    pub sent: u64,
    /// How many there are.
    pub total: u64,
    /// Which try it is, from 1 on. Each begins with the first byte.
    pub attempt: u32,
}

/// Is told how far an upload has got.
pub(super) type Watcher = Arc<dyn Fn(Progress) + Send + Sync>;
