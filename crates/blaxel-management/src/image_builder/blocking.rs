//! Work on local files, away from the threads of asynchronous tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, Source};

/// Tells blocking work that nobody waits for it any more.
#[derive(Clone, Debug, Default)]
pub(super) struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    /// Fails if nobody waits any more. Work calls it for every chunk and every file.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.0.load(Ordering::Relaxed) {
            true => Err(Error::input(
                "local files",
                &Source::Code,
                "the build was cancelled",
            )),
            false => Ok(()),
        }
    }
}

/// Sets the flag when it is dropped.
struct Guard(Cancelled);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// Runs blocking work. If the future is dropped, the work ends with its next [check](Cancelled::check).
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce(&Cancelled) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let cancelled = Cancelled::default();
    let guard = Guard(cancelled.clone());
    let outcome = tokio::task::spawn_blocking(move || work(&cancelled)).await;
    drop(guard);
    outcome.unwrap_or_else(|problem| {
        let error = Error::input("local files", &Source::Code, "they cannot be read");
        Err(error.caused_by(problem))
    })
}
