//! Streamable HTTP over an [`HttpService`], as the transport that `rmcp` expects.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use blaxel_core::__private::{ErrorParts, read_error};
use blaxel_core::{
    Body, CallOptions, Error, ErrorOrigin, HttpService, OperationInfo, RequestWriter, response,
};
use futures_core::Stream;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use rmcp::model::ClientJsonRpcMessage;
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
    StreamableHttpResponseLimits,
};
use sse_stream_02::Sse;
use tokio::sync::watch;

use super::error::JsonRpcError;
use super::events::Events;
use super::exchange::ExchangeRef;
use super::host::SUFFIX;
use super::shared::Shared;
use crate::options::WithOptions;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

type Failure = StreamableHttpError<Error>;
type Headers = HashMap<HeaderName, HeaderValue>;
type SseStream = Pin<Box<dyn Stream<Item = Result<Sse, SseError>> + Send>>;

/// Sends the messages of one session.
pub(super) struct Transport<S> {
    service: S,
    shared: Arc<Shared>,
    owned: watch::Receiver<()>,
}

impl<S: Clone> Clone for Transport<S> {
    fn clone(&self) -> Self {
        Self {
            service: self.service.clone(),
            shared: Arc::clone(&self.shared),
            owned: self.owned.clone(),
        }
    }
}

impl<S: HttpService> Transport<S> {
    pub(super) fn new(service: S, shared: Arc<Shared>, owned: watch::Receiver<()>) -> Self {
        Self {
            service,
            shared,
            owned,
        }
    }

    /// Runs a future as long as the session has an owner. `rmcp` would run some requests to their end even
    /// after the owner is gone.
    async fn while_owned<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let mut owned = self.owned.clone();
        let mut owner_gone = pin!(owned.changed());
        let mut work = pin!(work);
        poll_fn(|cx| {
            if owner_gone.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(StreamableHttpError::TransportChannelClosed));
            }
            work.as_mut().poll(cx)
        })
        .await
    }

    /// Sends a request to the server and waits for the response headers. The options of a call take precedence
    /// over those of the server's handle.
    async fn send(
        &self,
        operation: &'static OperationInfo,
        options: Option<CallOptions>,
        session: Option<&str>,
        headers: &Headers,
        write: impl FnOnce(&mut RequestWriter) -> Result<(), Error>,
    ) -> Result<Response<Body>, Failure> {
        let written = || {
            let mut request = RequestWriter::new(operation);
            self.shared.target.write(&mut request, SUFFIX)?;
            write(&mut request)?;
            if let Some(session) = session {
                request.header(SESSION, session)?;
            }
            let mut request = request.finish()?;
            let headers = headers
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()));
            request.headers_mut().extend(headers);
            Ok(request)
        };
        let request = written().map_err(client_error)?;
        let options = options.or_else(|| self.shared.target.options());
        let service = WithOptions::new(self.service.clone(), options);
        service.send(request).await.map_err(client_error)
    }

    async fn post(
        &self,
        message: &ClientJsonRpcMessage,
        exchange: Option<ExchangeRef>,
        session: Option<&str>,
        headers: &Headers,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, Failure> {
        let operation = &self.shared.operations.call;
        let options = exchange.as_ref().and_then(ExchangeRef::options);
        let response = self
            .send(operation, options, session, headers, |request| {
                request.json(message)?;
                request.header(ACCEPT, &format!("{JSON}, {EVENTS}"))
            })
            .await?;
        let is_request = matches!(message, ClientJsonRpcMessage::Request(_));
        match response.status() {
            // Without a stream on which the response could arrive, the call would never complete.
            StatusCode::ACCEPTED | StatusCode::NO_CONTENT
                if is_request && self.shared.listener.is_none() =>
            {
                let (head, _) = response.into_parts();
                let problem = "the MCP server accepted the request but sends no response to it";
                return Err(client_error(Error::decode(problem).with_head(&head)));
            }
            StatusCode::ACCEPTED | StatusCode::NO_CONTENT => {
                return Ok(StreamableHttpPostResponse::Accepted);
            }
            status if !status.is_success() => {
                return Err(refusal(operation, response, session.is_some()).await);
            }
            // A message that is not a request has no response, whatever the body is.
            _ if !is_request => return Ok(StreamableHttpPostResponse::Accepted),
            _ => {}
        }
        let session_id = response.headers().get(SESSION);
        let session_id = session_id
            .and_then(|id| id.to_str().ok())
            .map(str::to_owned);
        let (head, body) = response.into_parts();
        match media_type(&head.headers).as_str() {
            EVENTS => {
                let shared = Arc::clone(&self.shared);
                let events = Events::new(body, limits.max_sse_event_size, exchange, shared);
                Ok(StreamableHttpPostResponse::Sse(
                    Box::pin(events),
                    session_id,
                ))
            }
            JSON => {
                let message = response::collect(body, limits.max_json_response_size)
                    .await
                    .and_then(|body| response::json(&Response::new(body)));
                let message = message.map_err(|error| client_error(error.with_head(&head)))?;
                Ok(StreamableHttpPostResponse::Json(message, session_id))
            }
            other => Err(client_error(
                Error::decode(format!(
                    "the content type `{other}` is not that of an MCP response"
                ))
                .with_head(&head),
            )),
        }
    }

    async fn listen(
        &self,
        session: Option<&str>,
        last_event: Option<&str>,
        headers: &Headers,
        limit: usize,
    ) -> Result<SseStream, Failure> {
        if last_event.is_none() && self.shared.listener.is_none() {
            return Err(StreamableHttpError::ServerDoesNotSupportSse);
        }
        let operation = &self.shared.operations.listen;
        let response = self
            .send(operation, None, session, headers, |request| {
                request.header(ACCEPT, EVENTS)?;
                match last_event {
                    Some(id) => request.header(LAST_EVENT, id),
                    None => Ok(()),
                }
            })
            .await?;
        if !response.status().is_success() {
            let failure = refusal(operation, response, false).await;
            return Err(match failure {
                StreamableHttpError::Client(error) if error.is_transient() => client_error(error),
                // Another request would give the same result.
                _ => StreamableHttpError::ServerDoesNotSupportSse,
            });
        }
        if media_type(response.headers()) != EVENTS {
            return Err(StreamableHttpError::ServerDoesNotSupportSse);
        }
        let shared = Arc::clone(&self.shared);
        let events = Events::new(response.into_body(), limit, None, shared);
        Ok(Box::pin(events))
    }

    async fn end(&self, session: &str, headers: &Headers) -> Result<(), Failure> {
        let operation = &self.shared.operations.end;
        let response = self
            .send(operation, None, Some(session), headers, |_| Ok(()))
            .await?;
        match response.status() {
            // Some servers do not let clients end a session, and one that is gone has ended.
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_FOUND => Ok(()),
            status if status.is_success() => Ok(()),
            _ => Err(refusal(operation, response, false).await),
        }
    }
}

impl<S: HttpService> StreamableHttpClient for Transport<S> {
    type Error = Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        custom_headers: Headers,
    ) -> Result<StreamableHttpPostResponse, Failure> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(
            uri,
            message,
            session_id,
            auth_header,
            custom_headers,
            limits,
        )
        .await
    }

    async fn post_message_with_response_limits(
        &self,
        _uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _auth_header: Option<String>,
        custom_headers: Headers,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, Failure> {
        let exchange = ExchangeRef::of(&message);
        if let Some(exchange) = &exchange {
            self.shared.tokens.register(&message, exchange);
        }
        let session = session_id.as_deref();
        let posting = self.post(&message, exchange.clone(), session, &custom_headers, limits);
        let outcome = self.while_owned(posting).await;
        if let Err(StreamableHttpError::Client(error)) = &outcome {
            self.shared.record_failure(exchange.as_ref(), error);
        }
        outcome
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        custom_headers: Headers,
    ) -> Result<SseStream, Failure> {
        let limit = StreamableHttpResponseLimits::default().max_sse_event_size;
        self.get_stream_with_max_sse_event_size(
            uri,
            session_id,
            last_event_id,
            auth_header,
            custom_headers,
            limit,
        )
        .await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        _uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _auth_header: Option<String>,
        custom_headers: Headers,
        max_sse_event_size: usize,
    ) -> Result<SseStream, Failure> {
        self.while_owned(self.listen(
            session_id.as_deref(),
            last_event_id.as_deref(),
            &custom_headers,
            max_sse_event_size,
        ))
        .await
    }

    async fn delete_session(
        &self,
        _uri: Arc<str>,
        session_id: Arc<str>,
        _auth_header: Option<String>,
        custom_headers: Headers,
    ) -> Result<(), Failure> {
        // Discard earlier failures: only a new one is reported to the caller that closes the session.
        self.shared.take_failure();
        let outcome = self
            .while_owned(self.end(&session_id, &custom_headers))
            .await;
        if let Err(StreamableHttpError::Client(error)) = &outcome {
            self.shared.record_failure(None, error);
        }
        outcome
    }
}

fn client_error(error: Error) -> Failure {
    StreamableHttpError::Client(error)
}

/// Creates the error of an unsuccessful response.
async fn refusal(
    operation: &'static OperationInfo,
    response: Response<Body>,
    had_session: bool,
) -> Failure {
    let status = response.status();
    let (error, body) = read_error(Some(operation), response).await;
    let by_gateway = error
        .api()
        .is_some_and(|api| api.origin() == ErrorOrigin::Gateway);
    if had_session && status == StatusCode::NOT_FOUND && !by_gateway {
        return StreamableHttpError::SessionExpired;
    }
    client_error(match JsonRpcError::read(&body) {
        Some(refusal) => error.caused_by(refusal),
        None => error,
    })
}

/// Returns the content type of a response, without its parameters.
fn media_type(headers: &HeaderMap) -> String {
    let full = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let bare = full.unwrap_or_default().split(';').next();
    bare.unwrap_or_default().trim().to_ascii_lowercase()
}
