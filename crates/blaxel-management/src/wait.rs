//! Waiting until a resource is as it should be.

use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, HttpService};
use tokio::time::{Instant, sleep};

use crate::collection::Collection;
use crate::kind::Fetched;
use crate::metadata::{Event, Status};

/// A resource that changes by itself after a request, and can come to a bad end.
pub trait Watched: Fetched {
    /// Where it stands, in a form that differs whenever something has happened to it.
    fn stage(&self) -> String;

    /// Why it will not go on by itself, if so.
    fn failure(&self) -> Option<String>;
}

/// How long to wait for a resource, and from where on.
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
    settling: Duration,
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
    /// Looks every three seconds, and gives up after 15 minutes in which nothing happened.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long to rest between two looks. Three seconds by default.
    pub fn every(mut self, pause: Duration) -> Self {
        self.every = pause;
        self
    }

    /// How long nothing may happen to the resource before the wait gives up. 15 minutes by default. A
    /// resource that goes on moving is waited for without end; to limit the whole wait, put a time-out
    /// around it: it may be dropped at any time.
    pub fn inactivity(mut self, limit: Duration) -> Self {
        self.inactivity = limit;
        self
    }

    /// Counts from a resource as it was before the request that is waited for: what still stands as it
    /// stood then, an old failure above all, says nothing about the new request.
    ///
    /// If it still stands so after 15 seconds (see [`settling`](Self::settling)), that is taken for the
    /// outcome.
    pub fn since<R: Watched>(mut self, before: &R) -> Self {
        self.before = Some(before.stage());
        self
    }

    /// For how long what stands as before the request says nothing. 15 seconds by default.
    pub fn settling(mut self, time: Duration) -> Self {
        self.settling = time;
        self
    }
}

impl<R: Watched, S: HttpService> Collection<R, S> {
    /// Waits until a resource is as it should be, and returns it so.
    ///
    /// Time is tokio's, so this needs a tokio runtime. It may be dropped at any time; nothing goes on
    /// behind it.
    ///
    /// # Errors
    ///
    /// [`Error::is_failed`] as soon as the resource has come to a bad end or is gone;
    /// [`Error::is_timeout`] when nothing happened for too long; else what a look failed with.
    pub async fn wait_until(
        &self,
        name: &str,
        wait: &Wait,
        mut reached: impl FnMut(&R) -> bool,
    ) -> Result<R, Error> {
        let start = Instant::now();
        let (mut last, mut moved_at) = (None, start);
        loop {
            let resource = match self.get(name).await {
                Err(error) if error.is_not_found() => {
                    return Err(Error::failed(format!("`{name}` is gone")).caused_by(error));
                }
                outcome => outcome?,
            };
            let stage = resource.stage();
            let counts = wait.before.as_ref() != Some(&stage) || start.elapsed() >= wait.settling;
            if counts && reached(&resource) {
                return Ok(resource);
            }
            if let Some(failure) = resource.failure().filter(|_| counts) {
                return Err(Error::failed(format!("`{name}` {failure}")));
            }
            if last.as_ref() != Some(&stage) {
                (last, moved_at) = (Some(stage), Instant::now());
            }
            if moved_at.elapsed() >= wait.inactivity {
                let state = resource.status().unwrap_or("without a status");
                let stands = Error::failed(format!("`{name}` is still {state}"));
                return Err(Error::timeout("inactivity", wait.inactivity).caused_by(stands));
            }
            sleep(wait.every).await;
        }
    }
}

/// Why a resource with this status will not go on by itself, if so, with the last thing that was said
/// of it.
#[allow(dead_code, reason = "which kinds there are is a matter of features")]
pub(crate) fn failure_of(status: Option<&Status>, events: Option<&[Event]>) -> Option<String> {
    let status = status.filter(|status| status.is_final_failure())?;
    let mut events = events.unwrap_or_default().iter().rev();
    Some(match events.find_map(|event| event.message.as_ref()) {
        Some(said) => format!("is {status}: {said}"),
        None => format!("is {status}"),
    })
}

/// Makes kinds with the usual status and events watchable.
#[allow(
    unused_macros,
    reason = "which kinds there are is a matter of features"
)]
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

#[allow(
    unused_imports,
    reason = "which kinds there are is a matter of features"
)]
pub(crate) use watched;

#[cfg(all(test, feature = "workloads"))]
mod tests;
