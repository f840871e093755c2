//! Calls without `async`.
//!
//! A [`Runtime`] runs the methods of all handles in a program that has no `async` code: [`Runtime::block_on`] waits for one
//! call, and [`Runtime::iter`] turns a walk or a stream into an iterator.
//!
//! ```no_run
//! use blaxel_core::{Operation, Pages};
//! use blaxel_transport::Client;
//! use blaxel_transport::blocking::Runtime;
//!
//! # fn example<O: Operation<Output: Send>>(operation: O, pages: Pages<blaxel_core::Page<String>>)
//! # -> Result<(), blaxel_core::Error> {
//! let runtime = Runtime::new()?;
//! let client = Client::from_env()?;
//! let output = runtime.block_on(blaxel_core::call(&client, &operation))?;
//! for item in runtime.iter(pages.items()) {
//!     println!("{}", item?);
//! }
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::future::{IntoFuture, poll_fn};
use std::iter::FusedIterator;
use std::pin::Pin;
use std::sync::Arc;

use blaxel_core::__private::ErrorParts;
use blaxel_core::Error;
use futures_core::Stream;
use tokio::runtime::{Builder, Runtime as TokioRuntime};

use crate::runtime::check_may_block;

/// A runtime that runs the calls of a program without `async` code.
///
/// The calls run on the thread that makes them. A single thread of the runtime does everything else, also between the
/// calls: it reads and writes connections, closes idle ones, and renews tokens. So a sandbox that is not called goes on
/// standby as usual.
///
/// Create one, and keep it as long as the client: connections belong to the runtime on which they were opened. It is
/// cheap to clone, and threads can share it. The thread ends when the last clone, and the last iterator of
/// [`iter`](Self::iter), is dropped.
///
/// # Values that end something when they are dropped
///
/// Without `async` code, a dropped value can wait. A child with `kill_on_drop` that was started on this runtime is
/// killed before its drop returns, which takes at most 10 seconds.
#[derive(Clone)]
pub struct Runtime(Arc<Owned>);

/// The runtime of tokio, which is shut down without waiting.
struct Owned(Option<TokioRuntime>);

impl Runtime {
    /// Creates a runtime and starts its thread.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Transport`](blaxel_core::ErrorKind::Transport) if the system has no thread or no sockets left.
    pub fn new() -> Result<Self, Error> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("blaxel")
            .enable_all()
            .build()
            .map_err(|problem| Error::transport("could not start the runtime", problem))?;
        Ok(Self(Arc::new(Owned(Some(runtime)))))
    }

    /// Runs a call, or any other future, to its end, and returns its output.
    ///
    /// A block may have several calls. This one sends two requests at the same time:
    ///
    /// ```
    /// use blaxel_core::{Error, Page, Pages};
    /// use blaxel_transport::blocking::Runtime;
    ///
    /// fn counts(runtime: &Runtime, a: Pages<Page<String>>, b: Pages<Page<String>>) -> Result<(usize, usize), Error> {
    ///     runtime.block_on(async {
    ///         let (a, b) = tokio::try_join!(a.items().into_vec(), b.items().into_vec())?;
    ///         Ok((a.len(), b.len()))
    ///     })
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the future; and [`Error::is_input`] in `async` code, whose thread must not be blocked. There,
    /// `await` the call, or move the blocking code to `tokio::task::spawn_blocking`.
    ///
    /// Tokio reports such code by a panic, which is caught here: its message is printed nevertheless, and a program that
    /// is compiled with `panic = "abort"` ends.
    pub fn block_on<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: IntoFuture<Output = Result<T, E>>,
        E: From<Error>,
    {
        let Some(runtime) = &self.0.0 else {
            return Err(Error::failed("the runtime has ended").into());
        };
        check_may_block(runtime)?;
        runtime.block_on(work.into_future())
    }

    /// Returns an iterator over a walk or a stream, such as the items of a list, the chunks of an answer, or the output
    /// of a command.
    ///
    /// Each item is received when it is requested. The iterator ends after the first error. It holds the runtime, so
    /// it can be stored and sent to another thread. To go on with a walk or stream afterwards, pass it as `&mut`:
    ///
    /// ```
    /// use blaxel_core::{Error, Items, Page};
    /// use blaxel_transport::blocking::Runtime;
    ///
    /// fn first_and_rest(runtime: &Runtime, mut items: Items<Page<String>>) -> Result<(), Error> {
    ///     let first = runtime.iter(&mut items).next().transpose()?;
    ///     let rest = runtime.iter(items).collect::<Result<Vec<String>, Error>>()?;
    ///     println!("{first:?}, then {}", rest.len());
    ///     Ok(())
    /// }
    /// ```
    ///
    /// In `async` code its first item is the error that [`block_on`](Self::block_on) returns there.
    pub fn iter<S, T, E>(&self, stream: S) -> Iter<S>
    where
        S: Stream<Item = Result<T, E>> + Unpin,
        E: From<Error>,
    {
        Iter {
            stream: Some(stream),
            runtime: self.clone(),
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waiting for the thread would panic in `async` code, and nothing is left to wait for.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

/// An iterator over a walk or a stream. [`Runtime::iter`] creates it.
#[must_use = "nothing is received until it is asked for an item"]
pub struct Iter<S> {
    // Dropped before the runtime on which it may have connections. `None` after the end and after an error.
    stream: Option<S>,
    runtime: Runtime,
}

impl<S, T, E> Iterator for Iter<S>
where
    S: Stream<Item = Result<T, E>> + Unpin,
    E: From<Error>,
{
    type Item = Result<T, E>;

    fn next(&mut self) -> Option<Self::Item> {
        let stream = self.stream.as_mut()?;
        let next = poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx));
        let next = self.runtime.block_on(async { next.await.transpose() });
        if !matches!(next, Ok(Some(_))) {
            self.stream = None;
        }
        next.transpose()
    }
}

impl<S, T, E> FusedIterator for Iter<S>
where
    S: Stream<Item = Result<T, E>> + Unpin,
    E: From<Error>,
{
}

impl<S> fmt::Debug for Iter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter")
            .field("ended", &self.stream.is_none())
            .finish_non_exhaustive()
    }
}
