//! Waiting for a resource to reach a state, by polling.

use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, HttpService};
use tokio::time::{Instant, sleep};

use crate::collection::Collection;
use crate::kind::Fetched;
use crate::metadata::{Event, Status};

/// A resource that changes asynchronously after a request, and can fail: it can be waited for with
/// [`Collection::wait_until`].
pub trait Watched: Fetched {
    /// Returns a text that identifies the current state. It differs after every change of the resource.
    fn stage(&self) -> String;

    /// Returns the reason why the resource will not make progress without another request, or `None` if it
    /// may. The text completes a sentence whose subject is the resource: `is FAILED: …`.
    fn failure(&self) -> Option<String>;
}

/// The settings of [`Collection::wait_until`]: poll interval, limits, and the state before the request.
///
/// ```
/// use std::time::Duration;
/// use blaxel_management::Wait;
/// use blaxel_management::agents::Agent;
///
/// # let before = Agent::new("support-bot");
/// let wait = Wait::new().every(Duration::from_secs(1)).since(&before);
/// # let _ = wait;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Wait {
    pub(crate) every: Duration,
    pub(crate) inactivity: Duration,
    pub(crate) settling: Duration,
    before: Option<String>,
}

impl Default for Wait {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(3),
            inactivity: Duration::from_secs(15 * 60),
            settling: Duration::from_secs(15),
            before: None,
        }
    }
}

impl Wait {
    /// Creates the default settings: a poll every 3 seconds, and a limit of 15 minutes without a change.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the delay between two polls. The default is 3 seconds.
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = interval;
        self
    }

    /// Sets the maximum time without a change of the resource before the wait fails with a timeout. The default
    /// is 15 minutes.
    ///
    /// The wait for a resource that keeps changing is not limited. To limit the whole wait, wrap it in a
    /// timeout: its future can be dropped at any time.
    pub fn inactivity(mut self, limit: Duration) -> Self {
        self.inactivity = limit;
        self
    }

    /// Sets the state of the resource before the request whose result is awaited. While the resource is still
    /// in this state, the state is ignored, since it says nothing about the new request. This matters most for
    /// an earlier failure. By default no state is ignored.
    ///
    /// If the state has not changed after 15 seconds (see [`settling`](Self::settling)), it is taken as the
    /// result.
    pub fn since<R: Watched>(mut self, before: &R) -> Self {
        self.before = Some(before.stage());
        self
    }

    /// Sets the time for which the state given to [`since`](Self::since) is ignored. The default is 15 seconds.
    pub fn settling(mut self, time: Duration) -> Self {
        self.settling = time;
        self
    }
}

impl<R: Watched, S: HttpService> Collection<R, S> {
    /// Polls the resource named `name` until `reached` returns `true` for it, and returns it
    /// (`GET /agents/{agentName}` for agents).
    ///
    /// It needs a tokio runtime with timers. The future can be dropped at any time; no background task remains.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     agents: blaxel_management::Collection<
    /// #         blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::{Status, Wait};
    ///
    /// let wait = Wait::new();
    /// let agent = agents
    ///     .wait_until("support-bot", &wait, |agent| agent.status == Some(Status::Deployed))
    ///     .await?;
    /// println!("{:?}", agent.metadata.url);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_failed`] as soon as the resource has failed or does not exist; [`Error::is_timeout`] after
    /// too long a time without a change; otherwise the error of a poll, without a further poll.
    pub async fn wait_until(
        &self,
        name: &str,
        wait: &Wait,
        mut reached: impl FnMut(&R) -> bool,
    ) -> Result<R, Error> {
        let start = Instant::now();
        let (mut last, mut changed_at) = (None, start);
        loop {
            let resource = match self.get(name).await {
                Err(error) if error.is_not_found() => {
                    return Err(Error::failed(format!("`{name}` does not exist")).caused_by(error));
                }
                outcome => outcome?,
            };
            let stage = resource.stage();
            let is_current =
                wait.before.as_ref() != Some(&stage) || start.elapsed() >= wait.settling;
            if is_current && reached(&resource) {
                return Ok(resource);
            }
            if let Some(failure) = resource.failure().filter(|_| is_current) {
                return Err(Error::failed(format!("`{name}` {failure}")));
            }
            if last.as_ref() != Some(&stage) {
                (last, changed_at) = (Some(stage), Instant::now());
            }
            if changed_at.elapsed() >= wait.inactivity {
                let state = resource.status().unwrap_or("without a status");
                let unchanged = Error::failed(format!("`{name}` is still {state}"));
                return Err(
                    Error::timeout("wait for a change", wait.inactivity).caused_by(unchanged)
                );
            }
            sleep(wait.every).await;
        }
    }
}

/// Returns the reason why a resource with this status will not become usable, with the message of its last
/// event, or `None` if it may.
#[allow(dead_code, reason = "the features decide which kinds exist")]
pub(crate) fn failure_of(status: Option<&Status>, events: Option<&[Event]>) -> Option<String> {
    let status = status.filter(|status| status.is_final_failure())?;
    let mut events = events.unwrap_or_default().iter().rev();
    Some(match events.find_map(|event| event.message.as_ref()) {
        Some(message) => format!("is {status}: {message}"),
        None => format!("is {status}"),
    })
}

/// Implements [`Watched`] for kinds with the usual status and events.
#[allow(unused_macros, reason = "the features decide which kinds exist")]
macro_rules! watched {
    ($($name:ident),+) => { $(
        impl $crate::wait::Watched for $name {
            fn stage(&self) -> String {
                format!("{:?} {:?}", self.status, self.events)
            }

            fn failure(&self) -> Option<String> {
                $crate::wait::failure_of(self.status.as_ref(), self.events.as_deref())
            }
        }
    )+ };
}

#[allow(unused_imports, reason = "the features decide which kinds exist")]
pub(crate) use watched;

#[cfg(all(test, feature = "workloads"))]
mod tests;
