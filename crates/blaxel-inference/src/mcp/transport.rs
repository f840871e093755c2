//! Streamable HTTP over an HTTP service, as the transport that `rmcp` expects.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use blaxel_core::__private::{ErrorParts, WithOptions, media_type, read_error};
use blaxel_core::{
    Body, BoxService, CallContext, Error, ErrorOrigin, HttpService as _, OperationInfo,
    RequestWriter, response,
};
use futures_core::Stream;
use http::header::ACCEPT;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use rmcp::model::ClientJsonRpcMessage;
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
    StreamableHttpResponseLimits,
};
use sse_stream_02::Sse;
use tokio::sync::watch;

use super::error::JsonRpcError;
use super::events::{self, Events};
use super::exchange::ExchangeRef;
use super::host::SUFFIX;
use super::inbox::deliver;
use super::message::{self, Message};
use super::pending::Waiting;
use super::shared::{Listening, Shared};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

type Failure = StreamableHttpError<Error>;
type Headers = HashMap<HeaderName, HeaderValue>;
type SseStream = Pin<Box<dyn Stream<Item = Result<Sse, SseError>> + Send>>;

/// Sends the messages of one session. The service is boxed, so that `rmcp` is compiled once, and not again for each
/// service that a program uses.
#[derive(Clone)]
pub(super) struct HttpTransport {
    service: BoxService,
    shared: Arc<Shared>,
    owned: watch::Receiver<()>,
}

impl HttpTransport {
    pub(super) fn new(
        service: BoxService,
        shared: Arc<Shared>,
        owned: watch::Receiver<()>,
    ) -> Self {
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
        exchange: Option<&ExchangeRef>,
        session: Option<&str>,
        headers: &Headers,
        write: impl FnOnce(&mut RequestWriter) -> Result<(), Error>,
    ) -> Result<Response<Body>, Failure> {
        let written = || {
            let mut request = RequestWriter::new(operation);
            self.shared.target.write(&mut request)?;
            request.below(SUFFIX)?;
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
        let options = exchange.and_then(ExchangeRef::options);
        let options = options.or_else(|| self.shared.target.options());
        if let Some(exchange) = exchange.and_then(ExchangeRef::get) {
            exchange.record_sent(CallContext::of(request.extensions()).cloned());
        }
        let service = WithOptions::new(self.service.clone(), options);
        let response = service.send(request).await.map_err(client_error)?;
        if let Some(exchange) = exchange.and_then(ExchangeRef::get) {
            exchange.record_head();
        }
        Ok(response)
    }

    async fn post(
        &self,
        message: &ClientJsonRpcMessage,
        request: Option<(ExchangeRef, Waiting)>,
        session: Option<&str>,
        headers: &Headers,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, Failure> {
        let operation = &self.shared.operations.call;
        let exchange = request.as_ref().map(|(exchange, _)| exchange);
        let response = self
            .send(operation, exchange, session, headers, |request| {
                request.json(message)?;
                request.header(ACCEPT, &format!("{JSON}, {EVENTS}"))
            })
            .await?;
        let status = response.status();
        if !status.is_success() {
            return Err(refusal(operation, response, session.is_some()).await);
        }
        // A message that is not a request has no response, whatever the body is.
        let Some((_, waiting)) = request else {
            return Ok(StreamableHttpPostResponse::Accepted);
        };
        let session_id = response.headers().get(SESSION);
        let session_id = session_id
            .and_then(|id| id.to_str().ok())
            .map(str::to_owned);
        let (head, body) = response.into_parts();
        if matches!(status, StatusCode::ACCEPTED | StatusCode::NO_CONTENT) {
            // Without a stream on which the response can arrive, the call would never complete.
            if self.shared.is_listening(session).await {
                return Ok(StreamableHttpPostResponse::Accepted);
            }
            let problem = "the MCP server accepted the request but sends no response to it";
            return Err(client_error(Error::decode(problem).with_head(&head)));
        }
        let limit = limits.max_sse_event_size;
        let events = |body| {
            let response = Response::from_parts(head.clone(), body);
            let shared = Arc::clone(&self.shared);
            let events = Events::new(response, operation, limit, Some(waiting.clone()), shared);
            StreamableHttpPostResponse::Sse(Box::pin(events), session_id.clone())
        };
        if media_type(&head.headers) == EVENTS {
            return Ok(events(body));
        }
        let body = response::collect(body, limits.max_json_response_size).await;
        let body = body.map_err(|error| client_error(error.with_head(&head)))?;
        let whole = Response::from_parts(head.clone(), body.clone());
        let text = response::text(whole).map_err(client_error)?;
        match message::read(&text) {
            Ok(messages) => match self.deliver_all(messages, &waiting) {
                Ok(messages) => Ok(to_rmcp(messages, session_id)),
                Err(Some(stray)) => Err(client_error(stray.with_head(&head))),
                Err(None) => {
                    let operation = Some(operation);
                    let error = Error::not_a_stream(operation, Some(&head), text.as_bytes());
                    Err(client_error(error))
                }
            },
            Err(_) if text.trim().is_empty() => {
                let error = Error::decode("the MCP server's response is empty");
                Err(client_error(error.with_head(&head)))
            }
            // Events under another content type, or something else, such as a page.
            Err(_) => Ok(events(body.into())),
        }
    }

    /// Delivers the messages of a whole body, and returns those for `rmcp`. The error is that of a body without
    /// the response; `None` if it has no message at all.
    fn deliver_all(
        &self,
        messages: Vec<Message>,
        own: &Waiting,
    ) -> Result<Vec<String>, Option<Error>> {
        let is_other = matches!(messages[..], [Message::Unknown]);
        let deliver = |message| deliver(&self.shared, Some(own), message);
        let messages = messages.into_iter().filter_map(deliver).collect();
        match own.exchange() {
            Some(exchange) if !exchange.is_complete() => {
                let missing = || {
                    let id = &own.id;
                    Error::decode(format!(
                        "the MCP server's response has no response to request {id}"
                    ))
                };
                let stray = exchange.take_stray();
                Err(stray.or_else(|| (!is_other).then(missing)))
            }
            _ => Ok(messages),
        }
    }

    async fn listen(
        &self,
        session: Option<&str>,
        last_event: Option<&str>,
        resumed: Option<Waiting>,
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
        let events = Events::new(response, operation, limit, resumed, shared);
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

impl StreamableHttpClient for HttpTransport {
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
        // The request that starts a session is made by `rmcp`.
        let exchange = ExchangeRef::of(&message)
            .unwrap_or_else(|| ExchangeRef(Arc::downgrade(&self.shared.startup)));
        let waiting = self.shared.pending.register(&message, exchange.clone());
        let request = waiting.map(|waiting| (exchange.clone(), waiting));
        let is_request = request.is_some();
        let session = session_id.as_deref();
        let posting = self.post(&message, request, session, &custom_headers, limits);
        let outcome = self.while_owned(posting).await;
        if let Err(StreamableHttpError::Client(error)) = &outcome {
            match exchange.get() {
                Some(exchange) if is_request => exchange.record_failure(error.clone()),
                _ => self.shared.record_failure(error.clone()),
            }
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
        let resumed = last_event_id
            .as_deref()
            .and_then(|id| self.shared.pending.by_last_event(id));
        let is_shared = resumed.is_none();
        if is_shared {
            self.shared.set_listening(Listening::Opening);
        }
        let listening = self.listen(
            session_id.as_deref(),
            last_event_id.as_deref(),
            resumed,
            &custom_headers,
            max_sse_event_size,
        );
        let outcome = self.while_owned(listening).await;
        match &outcome {
            Ok(_) if is_shared => self.shared.set_listening(Listening::Open),
            Err(StreamableHttpError::ServerDoesNotSupportSse) if is_shared => {
                self.shared.set_listening(Listening::Refused);
            }
            _ => {}
        }
        outcome
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
            self.shared.record_failure(error.clone());
        }
        outcome
    }
}

/// Creates the response of a POST, as `rmcp` expects it.
fn to_rmcp(messages: Vec<String>, session_id: Option<String>) -> StreamableHttpPostResponse {
    if let [only] = messages.as_slice()
        && let Ok(message) = serde_json::from_str(only)
    {
        return StreamableHttpPostResponse::Json(message, session_id);
    }
    let events = Ready(messages.into_iter());
    StreamableHttpPostResponse::Sse(Box::pin(events), session_id)
}

/// Messages that have arrived, as a stream.
struct Ready(std::vec::IntoIter<String>);

impl Stream for Ready {
    type Item = Result<Sse, SseError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(|message| Ok(events::to_rmcp(message))))
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
