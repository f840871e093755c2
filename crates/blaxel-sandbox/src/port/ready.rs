//! The wait for a program to listen.

use std::time::Duration;

use blaxel_core::__private::{ErrorParts, later};
use blaxel_core::{CallOptions, Error, HttpService};
use http::Method;
use tokio::time::{Instant, sleep, timeout_at};

use super::PortService;

/// The delay between two requests: the first one, and the longest one.
const DELAY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Time limit on one request. A program that is starting may accept a connection and respond much later.
const REQUEST: Duration = Duration::from_secs(20);

impl<S: HttpService> PortService<S> {
    /// Waits until a program responds on the port, whatever its response is (`HEAD /port/{port}/`).
    ///
    /// A request is sent again, after 0.1 to 2 seconds, while the platform responds that nothing listens or that the
    /// sandbox is not available, and while it cannot be reached.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// use std::time::Duration;
    ///
    /// let server = sandbox.shell("npm run dev").name("web").spawn().await?;
    /// sandbox.port(3000).wait_until_ready(Duration::from_secs(60)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_timeout`] if nothing responds within the limit, with the last error as its cause; at once, an error
    /// that does not go away by itself, such as [`Error::is_not_found`] if there is no such sandbox.
    pub async fn wait_until_ready(&self, limit: Duration) -> Result<(), Error> {
        let options = self.route.options().unwrap_or_default();
        let port = self.clone().options(probe(options));
        let deadline = later(Instant::now(), limit);
        let mut delay = DELAY.0;
        let mut last = None;
        let poll = async {
            loop {
                match port.request(Method::HEAD, "/").open().await {
                    Ok(_) => return Ok(()),
                    Err(error) if !error.is_transient() => return Err(error),
                    Err(error) => last = Some(error),
                }
                sleep(delay).await;
                delay = delay.saturating_mul(2).min(DELAY.1);
            }
        };
        match timeout_at(deadline, poll).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let what = format!("wait for the port {}", self.number());
                let error = Error::timeout(&what, limit);
                Err(match last {
                    Some(cause) => error.caused_by(cause),
                    None => error,
                })
            }
        }
    }
}

/// Returns the options of one request: it is not repeated, and a shorter deadline of the caller is kept.
fn probe(options: CallOptions) -> CallOptions {
    let limit = options.deadline().unwrap_or(REQUEST).min(REQUEST);
    options.with_attempts(1).with_deadline(limit)
}
