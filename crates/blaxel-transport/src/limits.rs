//! The time limits of a client, and of each of its calls.

use std::time::Duration;

use blaxel_core::__private::later;
use blaxel_core::{CallContext, Plane};
use tokio::time::Instant;

/// The time limits of a client's calls.
///
/// All of them are measured with tokio's clock, so a test that pauses the clock does not wait.
///
/// ```
/// use std::time::Duration;
/// use blaxel_transport::{Client, TimeLimits};
///
/// let mut limits = TimeLimits::default();
/// limits.control = Duration::from_secs(20);
/// let client = Client::builder().api_key("bl_example").time_limits(limits).build()?;
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TimeLimits {
    /// Time limit on establishing a connection. 10 seconds by default.
    pub connect: Duration,
    /// Time limit on a whole call to the control plane, response body included. 90 seconds by
    /// default: the platform itself gives up after 60.
    pub control: Duration,
    /// Time limit on a whole call to a workload, response body included. For a streamed response it
    /// ends with the response headers; a call in a session with an MCP server is limited as a whole.
    /// 15 minutes by default, the longest that the platform lets a call run.
    pub run: Duration,
    /// Time limit on an upload to a presigned URL, from the first byte to the end of the response.
    /// One hour by default.
    pub upload: Duration,
    /// Time limit on receiving the response headers, in each attempt except uploads. 120 seconds by
    /// default: the platform closes a call after 100 seconds without a byte.
    pub response_headers: Duration,
    /// Time limit on the silence between two chunks of a body. 120 seconds by default. A call can have another
    /// one by [`CallOptions::with_idle_limit`](blaxel_core::CallOptions::with_idle_limit).
    pub idle: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            control: Duration::from_secs(90),
            run: Duration::from_secs(15 * 60),
            upload: Duration::from_secs(60 * 60),
            response_headers: Duration::from_secs(120),
            idle: Duration::from_secs(120),
        }
    }
}

/// The time limits of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallLimits {
    /// The end of the whole call.
    pub(crate) end: Instant,
    /// The limit on the whole call, which began this long before its end.
    pub(crate) total: Duration,
    /// The limit on the response headers of an attempt, unless the call ends before.
    pub(crate) headers: Option<Duration>,
    /// The limit on the silence between two chunks of the response body.
    pub(crate) idle: Duration,
}

impl TimeLimits {
    /// Returns the limits of a call that begins now.
    pub(crate) fn of_call(&self, context: &CallContext) -> CallLimits {
        // For an upload, the time until the headers includes sending the body.
        let (total, headers) = match context.plane() {
            Plane::Run => (self.run, self.response_headers),
            Plane::Presigned => (self.upload, self.upload),
            _ => (self.control, self.response_headers),
        };
        let options = context.options();
        let total = options.deadline().unwrap_or(total);
        CallLimits {
            end: later(Instant::now(), total),
            total,
            headers: (headers < total).then_some(headers),
            idle: options.idle_limit().unwrap_or(self.idle),
        }
    }
}
