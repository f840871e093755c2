//! The boundary between the layers around an attempt and the transport.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use blaxel_core::__private::{check_framing, journal, restore};
use blaxel_core::{Body, BoxError, CallContext, Delivery, Error, HttpService};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::defaults::Defaults;
use crate::refusal::poll_refused;

/// Passes requests to the transport, and records in the context of the call whether each may have
/// been processed.
///
/// It is below the user's attempt layers. So it sees a request that a layer repeats, and knows a
/// response of the transport from one that a layer made up. It removes the credential from a
/// request that a layer redirected to an origin that may not have it.
#[derive(Clone, Debug)]
pub struct Dispatch<T> {
    transport: T,
    defaults: Arc<Defaults>,
}

impl<T> Dispatch<T> {
    pub(crate) fn new(transport: T, defaults: Arc<Defaults>) -> Self {
        Self {
            transport,
            defaults,
        }
    }
}

impl<T: HttpService> Service<http::Request<Body>> for Dispatch<T> {
    type Response = T::Response;
    type Error = Error;
    type Future = DispatchFuture<T::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.transport
            .poll_ready(cx)
            .map_err(|error| Error::from_box(error.into()))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        // The address is already resolved, so a request without context is sent but not counted.
        let context = restore(&mut request).ok();
        if let Some(context) = &context {
            journal(context).dispatch();
        }
        if let Err(error) = check_framing(&request) {
            if let Some(context) = &context {
                // It is never sent.
                journal(context).enter_queue();
            }
            let step = Step::Refused { error: Some(error) };
            return DispatchFuture { step };
        }
        self.defaults
            .remove_untrusted_credential(&mut request, context.as_ref());
        let response = self.transport.call(request);
        DispatchFuture {
            step: Step::Sending { response, context },
        }
    }
}

pin_project! {
    /// The future of [`Dispatch`].
    pub struct DispatchFuture<F> {
        #[pin]
        step: Step<F>,
    }
}

pin_project! {
    /// The state of a [`DispatchFuture`].
    #[project = StepProjection]
    enum Step<F> {
        Refused { error: Option<Error> },
        Sending {
            #[pin]
            response: F,
            context: Option<CallContext>,
        },
    }
}

impl<F, B, E> Future for DispatchFuture<F>
where
    F: Future<Output = Result<http::Response<B>, E>>,
    E: Into<BoxError>,
{
    type Output = Result<http::Response<B>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().step.project() {
            StepProjection::Refused { error } => poll_refused(error),
            StepProjection::Sending { response, context } => {
                let outcome =
                    ready!(response.poll(cx)).map_err(|error| Error::from_box(error.into()));
                if let Some(context) = context {
                    journal(context).finish(may_have_been_processed(&outcome));
                }
                Poll::Ready(outcome)
            }
        }
    }
}

/// Returns `true` unless the server refused the request or never received it.
fn may_have_been_processed<B>(outcome: &Result<http::Response<B>, Error>) -> bool {
    match outcome {
        Ok(response) => !response.status().is_client_error(),
        Err(error) => error.delivery() != Delivery::NotSent,
    }
}
