//! Work that remains to be done when a value is dropped.

use std::future::Future;
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
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

/// The runtime on which a value was created, for the cleanup of a value that is dropped outside of any runtime.
pub(crate) struct Home(Option<Handle>);

impl Home {
    /// Returns the current runtime.
    pub(crate) fn current() -> Self {
        Self(Handle::try_current().ok())
    }

    /// Runs the cleanup [in the background](in_background), or, outside of a runtime, on the one on which the value
    /// was created.
    ///
    /// A thread outside of a runtime may be the last thing that the program does, so it waits for the work, unless
    /// the runtime runs only within `block_on`.
    pub(crate) fn clean_up(&self, work: impl Future<Output = ()> + Send + 'static) {
        let Some(home) = self.0.as_ref().filter(|_| Handle::try_current().is_err()) else {
            in_background(work);
            return;
        };
        let (ended, end) = mpsc::channel::<()>();
        drop(home.spawn(async move {
            let _ = timeout(LIMIT, work).await;
            drop(ended);
        }));
        if home.runtime_flavor() != RuntimeFlavor::CurrentThread {
            // Nothing is sent: the wait ends when the task does, or at once if the runtime has ended.
            let _ = end.recv_timeout(LIMIT);
        }
    }
}
