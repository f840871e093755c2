//! The wait for a kernel that is still starting.

use std::time::Duration;

use blaxel_core::{Error, ErrorOrigin};
use http::StatusCode;

/// The time for which a call waits for a kernel that is still starting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    #[cfg_attr(not(feature = "wait"), allow(dead_code))]
    limit: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            limit: Duration::from_secs(60),
        }
    }
}

#[cfg(feature = "wait")]
impl<S: blaxel_core::HttpService> super::CodeInterpreter<S> {
    /// Sets the time for which a run, and the creation of a context, wait for a kernel that is still starting. The
    /// default is 60 seconds. With zero, they fail at once.
    ///
    /// Such a call is repeated only after a refusal which says that nothing was run.
    ///
    /// ```no_run
    /// # use blaxel_core::HttpService;
    /// # fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) {
    /// use std::time::Duration;
    ///
    /// let interpreter = sandbox.interpreter().start_limit(Duration::from_secs(180));
    /// # }
    /// ```
    #[must_use]
    pub fn start_limit(mut self, limit: Duration) -> Self {
        self.patience.limit = limit;
        self
    }
}

impl Patience {
    /// Makes a call, and repeats it while its error says that the kernel is starting.
    #[cfg(feature = "wait")]
    pub(super) async fn call<T, F>(self, mut call: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        use blaxel_core::__private::later;
        use tokio::time::{Instant, sleep};

        /// The delay before a repetition. The server itself waits for 10 seconds before it refuses a call.
        const DELAY: Duration = Duration::from_millis(500);
        let deadline = later(Instant::now(), self.limit);
        loop {
            match call().await {
                Err(error) if is_starting(&error) && later(Instant::now(), DELAY) < deadline => {
                    sleep(DELAY).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Makes a call. Without the feature `wait`, it is not repeated.
    #[cfg(not(feature = "wait"))]
    pub(super) async fn call<T, F>(self, mut call: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let outcome = call().await;
        if let Err(error) = &outcome {
            let _ = is_starting(error);
        }
        outcome
    }
}

/// Returns `true` for a refusal that ends by itself, and that says that nothing was run: the server of the
/// interpreter, or the sandbox, is still starting.
fn is_starting(error: &Error) -> bool {
    // An offline client does not wait: only a response says that somebody is there.
    if error.status().is_some() && error.is_transient() && !error.maybe_applied() {
        return true;
    }
    let by_interpreter = |api: &blaxel_core::ApiError| {
        let says_so = api
            .message()
            .is_some_and(|message| message.contains("Jupyter Server is not ready"));
        api.origin() == ErrorOrigin::Workload && says_so
    };
    // The contexts respond with 503, and the runs with 400.
    let statuses = [StatusCode::BAD_REQUEST, StatusCode::SERVICE_UNAVAILABLE];
    error
        .status()
        .is_some_and(|status| statuses.contains(&status))
        && error.api().is_some_and(by_interpreter)
}
