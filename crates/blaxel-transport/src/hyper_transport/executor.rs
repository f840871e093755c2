//! [`Executor`], which runs the tasks of connections.

use std::future::Future;

/// Runs each task in a box of its own. A task is moved several times before it runs, and HTTP/2 has one for each
/// request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Executor;

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        tokio::spawn(Box::pin(task));
    }
}
