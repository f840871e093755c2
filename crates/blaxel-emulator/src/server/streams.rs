//! The tasks of the streams of one HTTP/2 connection.

use std::future::Future;
use std::sync::{Arc, Mutex};

use hyper::rt::Executor;
use tokio::task::JoinSet;

use crate::lock::lock;

/// Runs the streams of a connection, each as a task.
#[derive(Clone, Default)]
pub(super) struct Streams(Arc<Mutex<JoinSet<()>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let mut tasks = lock(&self.0);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(stream);
    }
}

/// Ends the streams of a connection when it is dropped: the tasks themselves hold what runs them.
pub(super) struct EndOfStreams(Streams);

impl Streams {
    /// Returns what ends the streams when it is dropped.
    pub(super) fn end(&self) -> EndOfStreams {
        EndOfStreams(self.clone())
    }
}

impl Drop for EndOfStreams {
    fn drop(&mut self) {
        lock(&self.0.0).abort_all();
    }
}
