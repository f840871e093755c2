//! The progress of an upload.

use std::sync::Arc;

/// The progress of an upload; see [`UploadSource::on_progress`](super::UploadSource::on_progress).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The number of bytes that were passed to the connection in this attempt.
    pub sent: u64,
    /// The total number of bytes.
    pub total: u64,
    /// The number of the attempt, starting at 1. Each attempt starts with the first byte.
    pub attempt: u32,
}

/// A function that is called with the progress of an upload.
pub(super) type ProgressCallback = Arc<dyn Fn(Progress) + Send + Sync>;
