//! The response of a workload.

use std::fmt;

use blaxel_core::__private::{
    ErrorParts, Exchange, attach_to_response, body_context, decoded, media_type,
};
use blaxel_core::stream::{Decode, Decoded, EventStream, JsonStream, LineStream, TextStream};
use blaxel_core::{Body, CallContext, Error, OperationInfo, response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use crate::chunks::{ChunkStream, Format};
use crate::report;

/// A successful response of a workload: its headers, and a body that is in memory or still to be
/// received.
///
/// The platform prescribes no format for it, so the caller chooses how to read it, or uses the
/// [format](Self::format) of its content type.
///
/// ```no_run
/// # use blaxel_core::{Error, HttpService};
/// # async fn example(agent: blaxel_inference::AgentCall<impl HttpService>) -> Result<(), Error> {
/// let input = serde_json::json!({"inputs": "Hello"});
/// let reply = agent.post(&input).send().await?;
/// println!("{} {:?} {:?}", reply.status(), reply.content_type(), reply.request_id());
/// let text = reply.with_limit(64 * 1024).text().await?;
///
/// // The response headers first, then the body line by line.
/// let mut lines = agent.post(&input).open().await?.lines();
/// while let Some(line) = lines.try_next().await? {
///     println!("{line}");
/// }
/// # Ok(())
/// # }
/// ```
pub struct Reply {
    operation: &'static OperationInfo,
    context: Option<CallContext>,
    head: http::response::Parts,
    body: Body,
    limit: usize,
}

impl Reply {
    /// The default limit of a body that is read into memory, in bytes: 32 MiB.
    pub const DEFAULT_LIMIT: usize = 32 * 1024 * 1024;

    pub(crate) fn new(operation: &'static OperationInfo, response: http::Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            operation,
            context: body_context(&body).cloned(),
            head,
            body,
            limit: Self::DEFAULT_LIMIT,
        }
    }

    /// Returns the status, which is one of 2xx.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// Returns the id of the request, for the platform's support.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.head.headers.get("x-request-id")?.to_str().ok()
    }

    /// Returns the content type with its parameters.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.head.headers.get(CONTENT_TYPE)?.to_str().ok()
    }

    /// Returns the stream format of the content type.
    #[must_use]
    pub fn format(&self) -> Format {
        Format::of(self.content_type().unwrap_or_default())
    }

    /// Sets the limit of [`bytes`](Self::bytes), [`text`](Self::text) and [`json`](Self::json), in bytes. The
    /// default is [`DEFAULT_LIMIT`](Self::DEFAULT_LIMIT).
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Reads the whole body, as it was sent: a body in a content coding that the transport does not decode is
    /// still compressed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Transport`](blaxel_core::ErrorKind) if the connection fails,
    /// [`Error::is_timeout`] if no data arrives for too long, and [`Error::is_decode`] if the body is larger
    /// than the limit.
    pub async fn bytes(self) -> Result<Bytes, Error> {
        Ok(self.whole().await?.into_body())
    }

    /// Reads the whole body as text.
    ///
    /// # Errors
    ///
    /// Those of [`bytes`](Self::bytes), and [`Error::is_decode`] if the body is still compressed, or neither
    /// UTF-8 nor said to be ISO 8859-1.
    pub async fn text(self) -> Result<String, Error> {
        let exchange = self.exchange();
        response::text(self.whole().await?).map_err(|error| exchange.annotate(error))
    }

    /// Reads the whole body as JSON.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(agent: blaxel_inference::AgentCall<impl HttpService>) -> Result<(), Error> {
    /// let reply = agent.post(&serde_json::json!({"inputs": "Hello"})).send().await?;
    /// let output: serde_json::Value = reply.json().await?;
    /// # Ok(())
    /// # }
    /// ```
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
    pub(crate) async fn received(self) -> Result<Self, Error> {
        let (operation, context) = (self.operation, self.context.clone());
        let whole = self.whole().await?;
        Ok(Self {
            context,
            ..Self::new(operation, whole.map(Body::from))
        })
    }

    /// Reads the whole body as the answer of a model, and checks it. A body that is no answer is an error with what
    /// the body says about it.
    pub(crate) async fn answer<T: DeserializeOwned>(
        self,
        check: impl FnOnce(T) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let operation = self.operation;
        let whole = self.whole().await?;
        response::json(&whole).and_then(check).map_err(|error| {
            let (head, body) = whole.into_parts();
            report::explain(error, &head, &body).in_operation(Some(operation))
        })
    }

    /// Reads the body into memory and returns the whole response.
    pub(crate) async fn whole(self) -> Result<http::Response<Bytes>, Error> {
        let exchange = self.exchange();
        match response::collect(self.body, self.limit).await {
            Ok(bytes) => Ok(http::Response::from_parts(self.head, bytes)),
            Err(error) => Err(exchange.annotate(error).with_head(&self.head)),
        }
    }

    /// Reads the body as server-sent events, whatever its content type.
    ///
    /// A body that has no event, and text that is not one, is an error with the message of that text: an
    /// error, a page or a whole answer that the server sent in place of a stream.
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

    /// Reads the body as text as it arrives, whatever its content type.
    pub fn texts(self) -> TextStream {
        self.stream(Default::default(), true)
    }

    /// Reads the body in the [format](Self::format) of its content type.
    pub fn chunks(self) -> ChunkStream {
        let format = self.format();
        self.stream(format.decoder(), format != Format::Bytes)
    }

    /// Reads the body with any decoder, for instance one with another limit.
    ///
    /// Text in ISO 8859-1 is converted to UTF-8 before it is decoded. A body that is still compressed is an
    /// error; a decoder that decompresses it reads [`into_body`](Self::into_body).
    pub fn decoded<D: Decode>(self, decoder: D) -> Decoded<D> {
        let is_text = media_type(&self.head.headers).starts_with("text/");
        self.stream(decoder, is_text)
    }

    fn stream<D: Decode>(self, decoder: D, is_text: bool) -> Decoded<D> {
        let mut response = http::Response::from_parts(self.head, self.body);
        if let Some(context) = &self.context {
            // A body that was read into memory has lost it.
            attach_to_response(&mut response, context, false);
        }
        decoded(response, self.operation, decoder, is_text)
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
    /// ```
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(reply: blaxel_inference::Reply) -> Result<(), Error> {
    /// let mut body = reply.into_body();
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

impl From<Reply> for http::Response<Body> {
    fn from(reply: Reply) -> Self {
        Self::from_parts(reply.head, reply.body)
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.head.status)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}
