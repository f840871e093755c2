//! Work that remains to be done when a value is dropped.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::timeout;

/// Time limit on the work.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Runs the cleanup of a dropped value on the current runtime, for at most [`LIMIT`].
///
/// Outside of a runtime nothing is done: there is nothing that could send a request.
pub(crate) fn in_background(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        // The task ends by itself, and nobody waits for it.
        drop(runtime.spawn(timeout(LIMIT, work)));
    }
}
