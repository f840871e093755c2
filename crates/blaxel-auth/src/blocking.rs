//! Work on files in asynchronous code.

use blaxel_core::__private::ErrorParts;
use blaxel_core::Error;
use tokio::runtime::Handle;

/// Runs what blocks on a thread where it holds nobody up, if there is one.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    match Handle::try_current() {
        Ok(runtime) => match runtime.spawn_blocking(work).await {
            Ok(outcome) => outcome,
            Err(end) => Err(Error::credentials("the file was not read or written").caused_by(end)),
        },
        Err(_) => work(),
    }
}
