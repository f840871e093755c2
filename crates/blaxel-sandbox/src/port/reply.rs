//! [`PortReply`], the response of a program.

use std::fmt;

use blaxel_core::__private::{
    ErrorParts, Exchange, attach_to_response, body_context, decoded, media_type, read_error,
};
use blaxel_core::stream::{Decode, Decoded, EventStream, JsonStream, LineStream};
use blaxel_core::{Body, CallContext, Error, OperationInfo, response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

/// The response of a program that listens on a port: its status, its headers, and a body that is in memory or still to
/// be received.
///
/// ```no_run
/// # use blaxel_core::{Error, HttpService};
/// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
/// let mut events = sandbox.port(3000).get("/events").open().await?.events();
/// while let Some(event) = events.try_next().await? {
///     println!("{}", event.data());
/// }
/// # Ok(())
/// # }
/// ```
pub struct PortReply {
    operation: &'static OperationInfo,
    context: Option<CallContext>,
    head: http::response::Parts,
    body: Body,
    limit: usize,
}

impl PortReply {
    /// The default limit of a body that is read into memory, in bytes: 32 MiB.
    pub const DEFAULT_LIMIT: usize = 32 * 1024 * 1024;

    pub(super) fn new(operation: &'static OperationInfo, response: http::Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            operation,
            context: body_context(&body).cloned(),
            head,
            body,
            limit: Self::DEFAULT_LIMIT,
        }
    }

    /// Returns the status. Any one is possible.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// Returns the content type with its parameters.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.head.headers.get(CONTENT_TYPE)?.to_str().ok()
    }

    /// Returns the response if its status is a success, and otherwise its error, with at most 64 KiB of its body.
    ///
    /// # Errors
    ///
    /// The error of the status. Its origin is [`ErrorOrigin::Workload`](blaxel_core::ErrorOrigin::Workload).
    pub async fn error_for_status(self) -> Result<Self, Error> {
        if self.head.status.is_success() {
            return Ok(self);
        }
        let exchange = self.exchange();
        let operation = self.operation;
        let (error, _) = read_error(Some(operation), self.into()).await;
        Err(exchange.annotate(error))
    }

    /// Sets the limit of [`bytes`](Self::bytes), [`text`](Self::text) and [`json`](Self::json), in bytes. The
    /// default is [`DEFAULT_LIMIT`](Self::DEFAULT_LIMIT), which [`send`](super::PortRequest::send) applies in any case.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Reads the whole body, as it was sent: a body in a content coding that the transport does not decode is still
    /// compressed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Transport`](blaxel_core::ErrorKind) if the connection fails, [`Error::is_timeout`] if no data
    /// arrives for too long, and [`Error::is_decode`] if the body is larger than the limit.
    pub async fn bytes(self) -> Result<Bytes, Error> {
        Ok(self.whole().await?.into_body())
    }

    /// Reads the whole body as text.
    ///
    /// # Errors
    ///
    /// Those of [`bytes`](Self::bytes), and [`Error::is_decode`] if the body is still compressed, or neither UTF-8 nor
    /// said to be ISO 8859-1.
    pub async fn text(self) -> Result<String, Error> {
        let exchange = self.exchange();
        response::text(self.whole().await?).map_err(|error| exchange.annotate(error))
    }

    /// Reads the whole body as JSON, whatever the status.
    ///
    /// # Errors
    ///
    /// Those of [`bytes`](Self::bytes), and [`Error::is_decode`] if the body is not the expected JSON.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let exchange = self.exchange();
        let whole = self.whole().await?;
        response::json(&whole).map_err(|error| {
            let (head, _) = whole.into_parts();
            exchange.annotate(error).with_head(&head)
        })
    }

    /// Reads the body into memory.
    pub(super) async fn received(self) -> Result<Self, Error> {
        let (operation, context) = (self.operation, self.context.clone());
        let whole = self.whole().await?;
        Ok(Self {
            context,
            ..Self::new(operation, whole.map(Body::from))
        })
    }

    async fn whole(self) -> Result<http::Response<Bytes>, Error> {
        let exchange = self.exchange();
        match response::collect(self.body, self.limit).await {
            Ok(bytes) => Ok(http::Response::from_parts(self.head, bytes)),
            Err(error) => Err(exchange.annotate(error).with_head(&self.head)),
        }
    }

    /// Reads the body as server-sent events, whatever its content type.
    pub fn events(self) -> EventStream {
        self.stream(Default::default(), true)
    }

    /// Reads the body line by line, whatever its content type.
    pub fn lines(self) -> LineStream {
        self.stream(Default::default(), true)
    }

    /// Reads the body as JSON values, one per line, whatever its content type.
    pub fn json_lines<T: DeserializeOwned>(self) -> JsonStream<T> {
        self.stream(Default::default(), true)
    }

    /// Reads the body with any decoder, for instance one with another limit.
    ///
    /// Text in ISO 8859-1 is converted to UTF-8 before it is decoded. A body that is still compressed is an error; a
    /// decoder that decompresses it reads [`into_body`](Self::into_body).
    pub fn decoded<D: Decode>(self, decoder: D) -> Decoded<D> {
        let is_text = media_type(&self.head.headers).starts_with("text/");
        self.stream(decoder, is_text)
    }

    fn stream<D: Decode>(self, decoder: D, is_text: bool) -> Decoded<D> {
        let (operation, context) = (self.operation, self.context.clone());
        let mut response = http::Response::from(self);
        if let Some(context) = &context {
            // A body that was read into memory has lost it.
            attach_to_response(&mut response, context, false);
        }
        decoded(response, operation, decoder, is_text)
    }

    /// Returns the request of this response, without the response's head.
    fn exchange(&self) -> Exchange {
        Exchange {
            operation: Some(self.operation),
            context: self.context.clone(),
            head: None,
        }
    }

    /// Returns the body, whose [`Body::chunk`] returns the bytes as they arrive.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let mut body = sandbox.port(3000).get("/video.mp4").open().await?.into_body();
    /// while let Some(chunk) = body.chunk().await? {
    ///     println!("{} bytes", chunk.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn into_body(self) -> Body {
        self.body
    }
}

impl From<PortReply> for http::Response<Body> {
    fn from(reply: PortReply) -> Self {
        Self::from_parts(reply.head, reply.body)
    }
}

impl fmt::Debug for PortReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortReply")
            .field("status", &self.head.status)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}
