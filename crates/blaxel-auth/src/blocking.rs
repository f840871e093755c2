//! File access in asynchronous code.

use blaxel_core::__private::ErrorParts;
use blaxel_core::Error;
use tokio::runtime::Handle;

/// Runs blocking work on tokio's blocking pool, or in place outside of a runtime.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    match Handle::try_current() {
        Ok(runtime) => match runtime.spawn_blocking(work).await {
            Ok(outcome) => outcome,
            Err(end) => Err(Error::credentials("the file access did not finish").caused_by(end)),
        },
        Err(_) => work(),
    }
}
