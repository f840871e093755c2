//! Time limits on whole calls, and on idle response bodies.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use blaxel_core::__private::{ErrorParts, journal, later, record_time_limit};
use blaxel_core::{Body, BoxError, CallContext, Delivery, Error, OperationInfo, Plane};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower_service::Service;

use crate::call::Call;
use crate::refusal::poll_refused;
use crate::runtime;

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

impl TimeLimits {
    /// Returns the time limit on a whole call.
    pub(crate) fn total(&self, context: &CallContext) -> Duration {
        let default = match context.plane() {
            Plane::Run => self.run,
            Plane::Presigned => self.upload,
            _ => self.control,
        };
        context.options().deadline().unwrap_or(default)
    }

    /// Returns the time limit on the response headers. For an upload it includes sending the body.
    pub(crate) fn response_headers(&self, plane: Option<Plane>) -> Duration {
        match plane {
            Some(Plane::Presigned) => self.upload,
            _ => self.response_headers,
        }
    }
}

/// A service that ends calls when their time limit expires.
#[derive(Clone, Debug)]
pub(crate) struct Deadline<S> {
    inner: S,
    limits: Arc<TimeLimits>,
}

impl<S> Deadline<S> {
    pub(crate) fn new(inner: S, limits: Arc<TimeLimits>) -> Self {
        Self { inner, limits }
    }
}

impl<S> Service<Call> for Deadline<S>
where
    S: Service<Call, Response = http::Response<Body>, Error = Error>,
{
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = DeadlineFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let context = call.context.clone();
        let total = self.limits.total(&context);
        record_time_limit(&context, total);
        let idle = context.options().idle_limit().unwrap_or(self.limits.idle);
        let end = later(Instant::now(), total);
        match runtime::timer(end) {
            Ok(sleep) => DeadlineFuture::Calling {
                call: self.inner.call(call),
                context,
                sleep,
                total,
                idle,
            },
            Err(error) => DeadlineFuture::Refused { error: Some(error) },
        }
    }
}

pin_project! {
    /// The future of [`Deadline`].
    #[project = Step]
    pub(crate) enum DeadlineFuture<F> {
        Refused { error: Option<Error> },
        Calling {
            #[pin]
            call: F,
            context: CallContext,
            #[pin]
            sleep: Sleep,
            total: Duration,
            idle: Duration,
        },
    }
}

impl<F> Future for DeadlineFuture<F>
where
    F: Future<Output = Result<http::Response<Body>, Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (call, context, sleep, total, idle) = match self.project() {
            Step::Refused { error } => return poll_refused(error),
            Step::Calling {
                call,
                context,
                sleep,
                total,
                idle,
            } => (call, context, sleep, *total, *idle),
        };
        if let Poll::Ready(outcome) = call.poll(cx) {
            let response = outcome?;
            // An error response is read to its end, so it is not a stream.
            let streamed = response.status().is_success()
                && context.operation().is_some_and(OperationInfo::is_streamed);
            let until = (!streamed).then(|| (sleep.deadline(), total));
            return Poll::Ready(Ok(limit_body(response, until, idle)));
        }
        ready!(sleep.poll(cx));
        let delivery = if journal(context).may_have_been_processed() {
            Delivery::Unknown
        } else {
            Delivery::NotSent
        };
        let error = Error::timeout("call", total);
        Poll::Ready(Err(error.with_delivery(delivery)))
    }
}

/// Applies the rest of the total limit, and the idle limit, to the body of a response.
fn limit_body(
    response: http::Response<Body>,
    total: Option<(Instant, Duration)>,
    idle: Duration,
) -> http::Response<Body> {
    if response.body().bytes().is_some() {
        return response;
    }
    response.map(|body| {
        Body::new(TimedBody {
            body,
            total,
            idle,
            sleep: sleep_until(Instant::now()),
            waiting: false,
        })
    })
}

pin_project! {
    /// A body with a total and an idle limit.
    struct TimedBody {
        #[pin]
        body: Body,
        total: Option<(Instant, Duration)>,
        idle: Duration,
        // Reset whenever a wait begins, so available bytes cost no timer.
        #[pin]
        sleep: Sleep,
        waiting: bool,
    }
}

impl http_body::Body for TimedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        if let Poll::Ready(frame) = this.body.poll_frame(cx) {
            *this.waiting = false;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let total_end = this.total.map(|(end, _)| end);
        if !std::mem::replace(this.waiting, true) {
            let idle_end = later(Instant::now(), *this.idle);
            let end = total_end.map_or(idle_end, |end| end.min(idle_end));
            this.sleep.as_mut().reset(end);
        }
        ready!(this.sleep.as_mut().poll(cx));
        let error = match this.total {
            Some((end, limit)) if *end <= this.sleep.deadline() => Error::timeout("call", *limit),
            _ => Error::timeout("idle wait for the response body", *this.idle),
        };
        let error = error.with_delivery(Delivery::Responded);
        Poll::Ready(Some(Err(error.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blaxel_core::{CallOptions, RequestWriter};
    use tower::util::ServiceExt;

    static WHOLE: OperationInfo = OperationInfo::new("Whole", http::Method::GET, "/whole");
    static STREAM: OperationInfo = OperationInfo::new("Stream", http::Method::GET, "/stream")
        .with_plane(Plane::Run)
        .streaming();

    fn call(info: &'static OperationInfo) -> Call {
        Call {
            request: RequestWriter::new(info).finish().unwrap(),
            context: CallContext::new(info),
        }
    }

    /// A body of three chunks, each after the same delay, which never ends.
    struct SlowBody {
        left: u32,
        sleep: Pin<Box<Sleep>>,
        every: Duration,
    }

    impl http_body::Body for SlowBody {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            if self.left == 0 {
                return Poll::Pending;
            }
            ready!(self.sleep.as_mut().poll(cx));
            self.left -= 1;
            let next = Instant::now() + self.every;
            self.sleep.as_mut().reset(next);
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"chunk")))))
        }
    }

    /// Reads a [`SlowBody`] until a limit ends it; returns the number of chunks and the error.
    async fn read(
        every: Duration,
        limits: TimeLimits,
        info: &'static OperationInfo,
    ) -> (usize, Error) {
        let service = tower::service_fn(|_: Call| {
            let body = Body::new(SlowBody {
                left: 3,
                sleep: Box::pin(sleep_until(Instant::now() + every)),
                every,
            });
            std::future::ready(Ok::<_, Error>(http::Response::new(body)))
        });
        let deadline = Deadline::new(service, Arc::new(limits));
        let mut body = deadline.oneshot(call(info)).await.unwrap().into_body();
        let mut chunks = 0;
        loop {
            match body.chunk().await {
                Ok(Some(_)) => chunks += 1,
                Ok(None) => panic!("the body does not end by itself"),
                Err(error) => return (chunks, error),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_response_headers_ends_at_the_total_limit() {
        let silent = tower::service_fn(|_: Call| {
            std::future::pending::<Result<http::Response<Body>, Error>>()
        });
        let start = Instant::now();
        let error = Deadline::new(silent, Arc::default())
            .oneshot(call(&WHOLE))
            .await
            .unwrap_err();
        // The journal does not record that it was sent.
        assert!(
            error.is_timeout() && error.delivery() == Delivery::NotSent,
            "{error:?}"
        );
        assert_eq!(start.elapsed().as_secs(), 90);
    }

    #[test]
    fn a_call_outside_of_a_runtime_is_an_error() {
        let silent = tower::service_fn(|_: Call| {
            std::future::pending::<Result<http::Response<Body>, Error>>()
        });
        let calling = Deadline::new(silent, Arc::default()).oneshot(call(&WHOLE));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        match std::pin::pin!(calling).poll(&mut cx) {
            Poll::Ready(Err(error)) => assert!(error.is_input(), "{error}"),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_in_flight_at_the_deadline_may_have_been_processed() {
        let silent = tower::service_fn(|call: Call| {
            journal(&call.context).start();
            std::future::pending::<Result<http::Response<Body>, Error>>()
        });
        let error = Deadline::new(silent, Arc::default())
            .oneshot(call(&WHOLE))
            .await
            .unwrap_err();
        assert_eq!(error.delivery(), Delivery::Unknown);
    }

    #[tokio::test(start_paused = true)]
    async fn the_total_limit_includes_the_body() {
        let every = Duration::from_secs(40);
        let (chunks, error) = read(every, TimeLimits::default(), &WHOLE).await;
        assert_eq!(chunks, 2);
        assert!(
            error.is_timeout()
                && error
                    .to_string()
                    .contains("the call took longer than its limit of 90s"),
            "{error}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_response_to_a_streaming_call_has_the_total_limit() {
        let every = Duration::from_millis(200);
        let service = tower::service_fn(move |_: Call| {
            let body = Body::new(SlowBody {
                left: u32::MAX,
                sleep: Box::pin(sleep_until(Instant::now() + every)),
                every,
            });
            let response = http::Response::builder().status(503).body(body);
            std::future::ready(Ok::<_, Error>(response.unwrap()))
        });
        let limits = TimeLimits {
            run: Duration::from_secs(2),
            ..TimeLimits::default()
        };
        let start = Instant::now();
        let deadline = Deadline::new(service, Arc::new(limits));
        let mut body = deadline.oneshot(call(&STREAM)).await.unwrap().into_body();
        let error = loop {
            match body.chunk().await {
                Ok(chunk) => assert!(chunk.is_some()),
                Err(error) => break error,
            }
        };
        assert!(error.is_timeout(), "{error}");
        assert_eq!(start.elapsed().as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_options_of_a_call_override_the_idle_limit() {
        let hang = || {
            tower::service_fn(|_: Call| {
                let body = Body::new(SlowBody {
                    left: 1,
                    sleep: Box::pin(sleep_until(Instant::now() + Duration::from_secs(500))),
                    every: Duration::ZERO,
                });
                std::future::ready(Ok::<_, Error>(http::Response::new(body)))
            })
        };
        for (limit, expected) in [(Duration::from_secs(7), Some(7)), (Duration::MAX, None)] {
            let mut call = call(&STREAM);
            call.context = call
                .context
                .with_options(CallOptions::new().with_idle_limit(limit));
            let start = Instant::now();
            let deadline = Deadline::new(hang(), Arc::default());
            let mut body = deadline.oneshot(call).await.unwrap().into_body();
            let first = body.chunk().await;
            match expected {
                Some(seconds) => {
                    assert!(first.unwrap_err().is_timeout());
                    assert_eq!(start.elapsed().as_secs(), seconds);
                }
                None => {
                    assert_eq!(first.unwrap().unwrap(), "chunk");
                    assert_eq!(start.elapsed().as_secs(), 500);
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_has_only_the_idle_limit() {
        let start = Instant::now();
        let limits = TimeLimits {
            run: Duration::from_secs(200),
            ..TimeLimits::default()
        };
        let (chunks, error) = read(Duration::from_secs(100), limits, &STREAM).await;
        assert_eq!((chunks, start.elapsed().as_secs()), (3, 420));
        assert_eq!(error.delivery(), Delivery::Responded);
        assert!(
            error.is_timeout() && error.to_string().contains("idle"),
            "{error}"
        );
    }
}
