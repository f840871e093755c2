//! Work that blocks its thread.

use tokio::runtime::Handle;

/// Does work that may block for long, such as copying files, on a thread for that if there is a runtime. Returns `None`
/// if it panicked.
pub(crate) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    match Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(work).await.ok(),
        Err(_) => Some(work()),
    }
}

/// Drops a value whose end may block for long, such as a directory to remove, without waiting for it.
pub(crate) fn drop_in_background<T: Send + 'static>(value: T) {
    if let Ok(runtime) = Handle::try_current() {
        drop(runtime.spawn_blocking(|| drop(value)));
    }
}
