//! Time limits: on the whole call, and on silence while a body flows.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use blaxel_core::__private::{ErrorParts, journal};
use blaxel_core::{Body, BoxError, CallContext, Delivery, Error, OperationInfo, Plane};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower_service::Service;

use crate::call::Call;

/// How long calls may take.
///
/// All limits are measured by tokio's clock, so a test that pauses it waits for none of them.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TimeLimits {
    /// For a connection to be made. 10 seconds by default.
    pub connect: Duration,
    /// For a whole call to the control plane, its answer's body included. 90 seconds by default:
    /// the platform itself gives up after 60.
    pub control: Duration,
    /// For a whole call to a workload, its answer's body included, unless it is streamed; then for
    /// the answer's head. 15 minutes by default, the longest that the platform lets one run.
    pub run: Duration,
    /// For an upload to an address that the control plane gave out, from its first byte to the end of
    /// the answer. One hour by default.
    pub upload: Duration,
    /// For the head of an answer to come, in each attempt that is no upload. 120 seconds by default: the platform cuts
    /// a call after 100 without a byte.
    pub head: Duration,
    /// For the silence between two pieces of a body. 120 seconds by default.
    pub idle: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            control: Duration::from_secs(90),
            run: Duration::from_secs(15 * 60),
            upload: Duration::from_secs(60 * 60),
            head: Duration::from_secs(120),
            idle: Duration::from_secs(120),
        }
    }
}

impl TimeLimits {
    /// The limit on a whole call.
    pub(crate) fn total(&self, context: &CallContext) -> Duration {
        let of_the_plane = match context.plane() {
            Plane::Run => self.run,
            Plane::Presigned => self.upload,
            _ => self.control,
        };
        context.options().deadline().unwrap_or(of_the_plane)
    }

    /// The limit on the head of an answer. That of an upload comes after all its bytes have gone.
    pub(crate) fn head(&self, plane: Option<Plane>) -> Duration {
        match plane {
            Some(Plane::Presigned) => self.upload,
            _ => self.head,
        }
    }
}

/// Ends calls that take too long.
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
        let deadline = Instant::now() + total;
        DeadlineFuture {
            call: self.inner.call(call),
            context,
            sleep: sleep_until(deadline),
            total,
            idle: self.limits.idle,
        }
    }
}

pin_project! {
    /// A call under a [`Deadline`].
    pub(crate) struct DeadlineFuture<F> {
        #[pin]
        call: F,
        context: CallContext,
        #[pin]
        sleep: Sleep,
        total: Duration,
        idle: Duration,
    }
}

impl<F> Future for DeadlineFuture<F>
where
    F: Future<Output = Result<http::Response<Body>, Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(outcome) = this.call.as_mut().poll(cx) {
            let operation = this.context.operation();
            let streamed = operation.is_some_and(OperationInfo::is_streamed);
            let until = (!streamed).then(|| (this.sleep.deadline(), *this.total));
            return Poll::Ready(outcome.map(|response| limit_body(response, until, *this.idle)));
        }
        ready!(this.sleep.poll(cx));
        let delivery = if journal(this.context).may_have_been_processed() {
            Delivery::Unknown
        } else {
            Delivery::NotSent
        };
        let error = Error::timeout("whole call", *this.total);
        Poll::Ready(Err(error.with_delivery(delivery)))
    }
}

/// Puts the rest of the total limit, and the idle limit, on the body of a response.
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
    /// A body that must not be silent for too long, nor go on for too long.
    struct TimedBody {
        #[pin]
        body: Body,
        total: Option<(Instant, Duration)>,
        idle: Duration,
        // Set anew whenever a wait begins; bytes that are there cost no timer.
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
            let idle_end = Instant::now() + *this.idle;
            let end = total_end.map_or(idle_end, |end| end.min(idle_end));
            this.sleep.as_mut().reset(end);
        }
        ready!(this.sleep.as_mut().poll(cx));
        let error = match this.total {
            Some((end, limit)) if *end <= this.sleep.deadline() => {
                Error::timeout("whole call", *limit)
            }
            _ => Error::timeout("idle body", *this.idle),
        };
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
    use blaxel_core::RequestWriter;
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

    /// A body of three pieces, each after the same silence, and then silence for ever.
    struct Dripping {
        left: u32,
        sleep: Pin<Box<Sleep>>,
        every: Duration,
    }

    impl http_body::Body for Dripping {
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
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"drip")))))
        }
    }

    /// Reads what drips every so often, until a limit ends it: how many pieces came, and its error.
    async fn read(
        every: Duration,
        limits: TimeLimits,
        info: &'static OperationInfo,
    ) -> (usize, Error) {
        let drip = tower::service_fn(|_: Call| {
            let body = Body::new(Dripping {
                left: 3,
                sleep: Box::pin(sleep_until(Instant::now() + every)),
                every,
            });
            std::future::ready(Ok::<_, Error>(http::Response::new(body)))
        });
        let deadline = Deadline::new(drip, Arc::new(limits));
        let mut body = deadline.oneshot(call(info)).await.unwrap().into_body();
        let mut pieces = 0;
        loop {
            match body.chunk().await {
                Ok(Some(_)) => pieces += 1,
                Ok(None) => panic!("the body does not end by itself"),
                Err(error) => return (pieces, error),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_never_comes_ends_the_call() {
        let silent = tower::service_fn(|_: Call| {
            std::future::pending::<Result<http::Response<Body>, Error>>()
        });
        let start = Instant::now();
        let error = Deadline::new(silent, Arc::default())
            .oneshot(call(&WHOLE))
            .await
            .unwrap_err();
        // Nobody noted that it was sent.
        assert!(
            error.is_timeout() && error.delivery() == Delivery::NotSent,
            "{error:?}"
        );
        assert_eq!(start.elapsed().as_secs(), 90);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_under_way_may_have_been_processed() {
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
    async fn the_total_limit_reaches_into_the_body() {
        let every = Duration::from_secs(40);
        let (pieces, error) = read(every, TimeLimits::default(), &WHOLE).await;
        assert_eq!(pieces, 2);
        assert!(
            error.is_timeout() && error.to_string().contains("90s"),
            "{error}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_has_only_the_idle_limit() {
        let start = Instant::now();
        let limits = TimeLimits {
            run: Duration::from_secs(200),
            ..TimeLimits::default()
        };
        let (pieces, error) = read(Duration::from_secs(100), limits, &STREAM).await;
        assert_eq!((pieces, start.elapsed().as_secs()), (3, 420));
        assert!(
            error.is_timeout() && error.to_string().contains("idle"),
            "{error}"
        );
    }
}
