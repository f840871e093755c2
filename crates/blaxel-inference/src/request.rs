//! A builder for requests to workloads.

use std::fmt;

use blaxel_core::__private::workload::{Call, Target};
use blaxel_core::__private::{ErrorParts, WithOptions};
use blaxel_core::stream::{EventStream, JsonStream, LineStream};
use blaxel_core::{
    Body, CallOptions, Error, HttpService, OperationInfo, RequestWriter, Source, open,
};
use http::header::ACCEPT;
use http::{HeaderValue, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::chunks::ChunkStream;
use crate::reply::Reply;

/// The `Accept` header of a streamed request, unless the caller sets one.
const ANY_STREAM: &str = "text/event-stream, application/x-ndjson, */*";

/// A request to a workload, with any method, path, header, query and body. It is created by the workload's
/// handle, for instance by [`AgentCall::request`](crate::AgentCall::request).
///
/// The method decides whether a request may be repeated after a failure: `GET`, `HEAD`, `OPTIONS`,
/// `PUT` and `DELETE` are idempotent, as HTTP defines them; all others are repeated only if they
/// certainly were not processed. [`options`](Self::options) override it.
///
/// ```no_run
/// # use blaxel_core::{Error, HttpService};
/// # async fn example(agent: blaxel_inference::AgentCall<impl HttpService>) -> Result<(), Error> {
/// use http::Method;
///
/// let request = agent.request(Method::GET, "tickets").query("state", "open");
/// let tickets: serde_json::Value = request.send().await?.json().await?;
/// println!("{tickets}");
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is sent until `send` or one of the streaming methods is called"]
pub struct WorkloadRequest<S> {
    service: S,
    call: &'static Call,
    method: Method,
    target: Target,
    suffix: String,
    content: Option<Content>,
    invalid: Option<Error>,
}

struct Content {
    body: Body,
    content_type: HeaderValue,
}

impl<S: HttpService> WorkloadRequest<S> {
    pub(crate) fn new(
        service: S,
        call: &'static Call,
        method: Method,
        target: Target,
        suffix: impl Into<String>,
    ) -> Self {
        Self {
            service,
            call,
            method,
            target,
            suffix: suffix.into(),
            content: None,
            invalid: None,
        }
    }

    /// Adds a header. The first one of a name replaces the SDK's own header; further ones of the same name are
    /// sent in addition.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.target.add_header(name, value);
        self
    }

    /// Adds a query parameter. The value is escaped; a name may be added several times.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.target.add_query(name, value);
        self
    }

    /// Sets the body to a value as `application/json`. No body by default.
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => self.body(json, "application/json"),
            Err(problem) => {
                let invalid = Error::input("request body", &Source::Code, problem);
                self.invalid.get_or_insert(invalid);
                self
            }
        }
    }

    /// Sets the body to a text as `text/plain`. No body by default.
    pub fn text(self, text: impl Into<String>) -> Self {
        self.body(text.into(), "text/plain; charset=utf-8")
    }

    /// Sets the body and its content type. The body may be streamed. No body by default.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(agent: blaxel_inference::AgentCall<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_core::CallOptions;
    /// use http::Method;
    ///
    /// let request = agent.request(Method::PUT, "rules").body("a,b\n1,2\n", "text/csv");
    /// let reply = request.options(CallOptions::new().with_attempts(1)).send().await?;
    /// println!("{}", reply.status());
    /// # Ok(())
    /// # }
    /// ```
    pub fn body(mut self, body: impl Into<Body>, content_type: &str) -> Self {
        match HeaderValue::try_from(content_type) {
            Ok(content_type) => {
                let body = body.into();
                self.content = Some(Content { body, content_type });
            }
            Err(problem) => {
                let invalid = Error::input("content type", &Source::Code, problem);
                self.invalid.get_or_insert(invalid);
            }
        }
        self
    }

    /// Sets the options of this request. They replace those of the handle and of the client. By default those
    /// of the handle apply, otherwise those of the client.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.target.set_options(options);
        self
    }

    /// Sends the request and reads the whole response, up to [`Reply::DEFAULT_LIMIT`] bytes. The
    /// deadline of a call includes the body.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], before anything is sent, if a part of the request is invalid;
    /// [`Error::is_not_found`] if there is no such workload, [`Error::is_unavailable`] if it cannot respond
    /// now; the workload's own error, which is distinguished by its
    /// [origin](blaxel_core::ApiError::origin); the error of the service if that fails.
    pub async fn send(self) -> Result<Reply, Error> {
        let operation = &self.call.whole;
        self.execute(operation, None).await?.received().await
    }

    /// Sends the request and returns as soon as the response headers are received, with the body still
    /// to be read. The body is subject to an idle timeout, but not to a deadline. See [`Reply`] for an example.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), up to the response headers.
    pub async fn open(self) -> Result<Reply, Error> {
        let operation = &self.call.streamed;
        self.execute(operation, Some(ANY_STREAM)).await
    }

    /// Sends the request and reads the response as server-sent events.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(agent: blaxel_inference::AgentCall<impl HttpService>) -> Result<(), Error> {
    /// use http::Method;
    ///
    /// let request = agent.request(Method::POST, "chat").json(&serde_json::json!({"inputs": "Hello"}));
    /// let mut events = request.events().await?;
    /// while let Some(event) = events.try_next().await? {
    ///     println!("{}: {}", event.name(), event.data());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), up to the response headers.
    pub async fn events(self) -> Result<EventStream, Error> {
        Ok(self.open_as("text/event-stream").await?.events())
    }

    /// Sends the request and reads the response as JSON values, one per line.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(agent: blaxel_inference::AgentCall<impl HttpService>) -> Result<(), Error> {
    /// use http::Method;
    ///
    /// let request = agent.request(Method::POST, "import").text("one\ntwo\n");
    /// let mut rows = request.json_lines::<serde_json::Value>().await?;
    /// while let Some(row) = rows.try_next().await? {
    ///     println!("{row}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), up to the response headers.
    pub async fn json_lines<T: DeserializeOwned>(self) -> Result<JsonStream<T>, Error> {
        let reply = self.open_as("application/x-ndjson, */*;q=0.5").await?;
        Ok(reply.json_lines())
    }

    /// Sends the request and reads the response line by line.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), up to the response headers.
    pub async fn lines(self) -> Result<LineStream, Error> {
        Ok(self.open_as("text/plain, */*;q=0.5").await?.lines())
    }

    /// Sends the request and reads the response in the format of its content type. See
    /// [`AgentCall::post`](crate::AgentCall::post) for an example.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(agent: blaxel_inference::AgentCall<impl HttpService>) -> Result<(), Error> {
    /// let mut chunks = agent.post(&serde_json::json!({"inputs": "Hello"})).chunks().await?;
    /// while let Some(chunk) = chunks.try_next().await? {
    ///     print!("{}", chunk.as_str().unwrap_or_default());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), up to the response headers.
    pub async fn chunks(self) -> Result<ChunkStream, Error> {
        Ok(self.open().await?.chunks())
    }

    async fn open_as(self, accepted: &'static str) -> Result<Reply, Error> {
        let operation = &self.call.streamed;
        self.execute(operation, Some(accepted)).await
    }

    async fn execute(
        self,
        operation: &'static OperationInfo,
        accepted: Option<&'static str>,
    ) -> Result<Reply, Error> {
        let service = WithOptions::new(self.service.clone(), self.target.options());
        let request = self
            .write(operation, accepted)
            .map_err(|error| error.in_operation(Some(operation)))?;
        Ok(Reply::new(operation, open(&service, request).await?))
    }

    fn write(
        self,
        operation: &'static OperationInfo,
        accepted: Option<&'static str>,
    ) -> Result<http::Request<Body>, Error> {
        if let Some(error) = self.invalid {
            return Err(error);
        }
        let mut writer = RequestWriter::new(operation);
        if let Some(Content { body, content_type }) = self.content {
            writer.body(body, content_type);
        }
        if let Some(accepted) = accepted {
            writer.header(ACCEPT, accepted)?;
        }
        self.target.write(&mut writer)?;
        writer.below(&self.suffix)?;
        let mut request = writer.finish()?;
        *request.method_mut() = self.method;
        Ok(request)
    }
}

impl<S> fmt::Debug for WorkloadRequest<S> {
    /// Formats the destination, never headers or body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkloadRequest")
            .field("method", &self.method)
            .field("workload", &self.target.name())
            .field("path", &self.suffix)
            .finish_non_exhaustive()
    }
}
