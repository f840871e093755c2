//! Time limits on whole calls, and on idle response bodies.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use blaxel_core::__private::{ErrorParts, journal, later, record_time_limit};
use blaxel_core::{Body, BoxError, CallContext, Delivery, Error, OperationInfo};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower_service::Service;

use crate::call::Call;
use crate::limits::CallLimits;
use crate::refusal::poll_refused;
use crate::runtime;

/// A service that ends calls when their time limit expires.
#[derive(Clone, Debug)]
pub(crate) struct Deadline<S> {
    inner: S,
}

impl<S> Deadline<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner }
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
        let (context, limits) = (call.context.clone(), call.limits);
        record_time_limit(&context, limits.total);
        match runtime::timer(limits.end) {
            Ok(sleep) => DeadlineFuture::Calling {
                call: self.inner.call(call),
                context,
                sleep,
                limits,
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
            limits: CallLimits,
        },
    }
}

impl<F> Future for DeadlineFuture<F>
where
    F: Future<Output = Result<http::Response<Body>, Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (call, context, sleep, limits) = match self.project() {
            Step::Refused { error } => return poll_refused(error),
            Step::Calling {
                call,
                context,
                sleep,
                limits,
            } => (call, context, sleep, *limits),
        };
        if let Poll::Ready(outcome) = call.poll(cx) {
            let response = outcome?;
            // An error response is read to its end, so it is not a stream.
            let streamed = response.status().is_success()
                && context.operation().is_some_and(OperationInfo::is_streamed);
            let until = (!streamed).then_some((limits.end, limits.total));
            return Poll::Ready(Ok(limit_body(response, until, limits.idle)));
        }
        ready!(sleep.poll(cx));
        let delivery = if journal(context).may_have_been_processed() {
            Delivery::Unknown
        } else {
            Delivery::NotSent
        };
        let error = Error::timeout("call", limits.total);
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
            sleep: None,
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
        // Created by the first wait, and reset by each later one, so available bytes cost no timer.
        #[pin]
        sleep: Option<Sleep>,
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
            match this.sleep.as_mut().as_pin_mut() {
                Some(sleep) => sleep.reset(end),
                None => this.sleep.set(Some(sleep_until(end))),
            }
        }
        let Some(mut sleep) = this.sleep.as_pin_mut() else {
            return Poll::Pending;
        };
        ready!(sleep.as_mut().poll(cx));
        let error = match this.total {
            Some((end, limit)) if *end <= sleep.deadline() => Error::timeout("call", *limit),
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
    use crate::limits::TimeLimits;
    use blaxel_core::{CallOptions, Plane, RequestWriter};
    use tower::util::ServiceExt;

    static WHOLE: OperationInfo = OperationInfo::new("Whole", http::Method::GET, "/whole");
    static STREAM: OperationInfo = OperationInfo::new("Stream", http::Method::GET, "/stream")
        .with_plane(Plane::Run)
        .streaming();

    fn call(info: &'static OperationInfo) -> Call {
        limited(CallContext::new(info), TimeLimits::default())
    }

    fn limited(context: CallContext, limits: TimeLimits) -> Call {
        let info = context.operation().unwrap();
        Call {
            request: RequestWriter::new(info).finish().unwrap(),
            limits: limits.of_call(&context),
            context,
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
        let call = limited(CallContext::new(info), limits);
        let called = Deadline::new(service).oneshot(call).await;
        let mut body = called.unwrap().into_body();
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
        let error = Deadline::new(silent)
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
        let calling = Deadline::new(silent).oneshot(call(&WHOLE));
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
        let error = Deadline::new(silent)
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
        let call = limited(CallContext::new(&STREAM), limits);
        let called = Deadline::new(service).oneshot(call).await;
        let mut body = called.unwrap().into_body();
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
            let options = CallOptions::new().with_idle_limit(limit);
            let context = CallContext::new(&STREAM).with_options(options);
            let start = Instant::now();
            let call = limited(context, TimeLimits::default());
            let called = Deadline::new(hang()).oneshot(call).await;
            let mut body = called.unwrap().into_body();
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
