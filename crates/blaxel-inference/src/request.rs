//! A request to a workload, part by part.

use std::fmt;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{
    Body, CallOptions, Error, HttpService, OperationInfo, RequestWriter, Source, open,
};
use http::header::ACCEPT;
use http::{HeaderValue, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::calls::Call;
use crate::pieces::PieceStream;
use crate::reply::Reply;
use crate::stream::{EventStream, JsonStream, LineStream};
use crate::target::Target;

/// What is accepted of a stream unless the caller says otherwise.
const ANY_STREAM: &str = "text/event-stream, application/x-ndjson, */*";

/// A request to a workload, with any method, path, header, query and body. It is got from a workload's
/// handle, such as [`AgentCall::request`](crate::AgentCall::request), and sent by one of the methods
/// below.
///
/// Whether a request may be sent a second time after a failure follows from its method: `GET`, `HEAD`,
/// `OPTIONS`, `PUT` and `DELETE` may, as HTTP defines them; all others only on proof that they were not
/// processed. [`options`](Self::options) change it.
#[must_use = "nothing is sent before it is asked for"]
pub struct WorkloadRequest<S> {
    service: S,
    call: &'static Call,
    method: Method,
    target: Target,
    suffix: String,
    content: Option<Content>,
    options: Option<CallOptions>,
    unusable: Option<Error>,
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
            options: None,
            unusable: None,
        }
    }

    /// Sets a header. The second one of a name stands beside the first.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.target.header(name, value);
        self
    }

    /// Adds a query parameter. The value is escaped; a name may come several times.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.target.query(name, value);
        self
    }

    /// Sends this value as JSON.
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => self.body(json, "application/json"),
            Err(problem) => {
                let unusable = Error::input("request body", &Source::Code, problem);
                self.unusable.get_or_insert(unusable);
                self
            }
        }
    }

    /// Sends this text, as `text/plain`.
    pub fn text(self, text: impl Into<String>) -> Self {
        self.body(text.into(), "text/plain; charset=utf-8")
    }

    /// Sends any body, one that comes in time included, and says what it is.
    pub fn body(mut self, body: impl Into<Body>, content_type: &str) -> Self {
        match HeaderValue::try_from(content_type) {
            Ok(content_type) => {
                let body = body.into();
                self.content = Some(Content { body, content_type });
            }
            Err(problem) => {
                let unusable = Error::input("content type", &Source::Code, problem);
                self.unusable.get_or_insert(unusable);
            }
        }
        self
    }

    /// Does this call otherwise than the client does its calls.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = Some(options);
        self
    }

    /// Sends the request and reads the whole answer, of up to [`Reply::DEFAULT_LIMIT`] bytes. The
    /// client's limit on a whole call holds for it.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] before anything is sent if a part is unusable; [`Error::is_not_found`] if
    /// there is no such workload, [`Error::is_unavailable`] if it cannot answer now; the workload's own
    /// error, told apart by its [origin](blaxel_core::ApiError::origin); the service's own if it fails.
    pub async fn send(self) -> Result<Reply, Error> {
        let operation = &self.call.whole;
        let whole = self.carry_out(operation, None).await?.whole().await?;
        Ok(Reply::new(operation, whole.map(Body::from)))
    }

    /// Sends the request and hands back the answer as soon as its head is there, with the body still
    /// flowing. Then only silence is limited, not the whole.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send), up to the head of the answer.
    pub async fn open(self) -> Result<Reply, Error> {
        let operation = &self.call.streamed;
        self.carry_out(operation, Some(ANY_STREAM)).await
    }

    /// Asks for server-sent events, and reads the answer as such.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send), up to the head of the answer.
    pub async fn events(self) -> Result<EventStream, Error> {
        Ok(self.open_as("text/event-stream").await?.events())
    }

    /// Asks for JSON values, one on each line, and reads the answer as such.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send), up to the head of the answer.
    pub async fn json_lines<T: DeserializeOwned>(self) -> Result<JsonStream<T>, Error> {
        let reply = self.open_as("application/x-ndjson, */*;q=0.5").await?;
        Ok(reply.json_lines())
    }

    /// Asks for text, and reads the answer line by line.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send), up to the head of the answer.
    pub async fn lines(self) -> Result<LineStream, Error> {
        Ok(self.open_as("text/plain, */*;q=0.5").await?.lines())
    }

    /// Asks for a stream of any format, and reads the answer in the one that it says it has.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send), up to the head of the answer.
    pub async fn pieces(self) -> Result<PieceStream, Error> {
        Ok(self.open().await?.pieces())
    }

    async fn open_as(self, accepted: &'static str) -> Result<Reply, Error> {
        let operation = &self.call.streamed;
        self.carry_out(operation, Some(accepted)).await
    }

    async fn carry_out(
        self,
        operation: &'static OperationInfo,
        accepted: Option<&'static str>,
    ) -> Result<Reply, Error> {
        let service = self.service.clone();
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
        if let Some(error) = self.unusable {
            return Err(error);
        }
        let mut writer = RequestWriter::new(operation);
        if let Some(Content { body, content_type }) = self.content {
            writer.body(body, content_type);
        }
        if let Some(accepted) = accepted {
            writer.header(ACCEPT, accepted)?;
        }
        if let Some(options) = self.options {
            writer.options(options);
        }
        self.target.write(&mut writer, &self.suffix)?;
        let mut request = writer.finish()?;
        *request.method_mut() = self.method;
        Ok(request)
    }
}

impl<S> fmt::Debug for WorkloadRequest<S> {
    /// Says where it goes, never what it carries.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkloadRequest")
            .field("method", &self.method)
            .field("workload", &self.target.name())
            .field("path", &self.suffix)
            .finish_non_exhaustive()
    }
}
