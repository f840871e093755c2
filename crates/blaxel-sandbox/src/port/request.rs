//! [`PortRequest`], a request to a port.

use std::fmt;
use std::future::IntoFuture;

use blaxel_core::__private::ErrorParts;
use blaxel_core::__private::workload::Target;
use blaxel_core::{Body, BoxFuture, CallOptions, Error, HttpService, OperationInfo, Source};
use http::{HeaderValue, Method};
use serde::Serialize;

use super::reply::PortReply;
use super::route::{Route, call, check_header};

/// A request to a port of a sandbox. [`PortService::request`](super::PortService::request) creates it.
///
/// Awaiting it is the same as [`send`](Self::send).
///
/// The method decides whether it may be repeated after a failure: `GET`, `HEAD`, `OPTIONS`, `PUT` and `DELETE` are
/// idempotent, as HTTP defines them; all others are repeated only if they certainly were not processed.
/// [`options`](Self::options) override it. A streamed body is never sent twice.
#[must_use = "nothing is sent until `send` or `open` is called"]
pub struct PortRequest<S> {
    route: Route<S>,
    method: Method,
    path: String,
    additions: Target,
    content: Option<(Body, HeaderValue)>,
    invalid: Option<Error>,
}

impl<S: HttpService> PortRequest<S> {
    pub(super) fn new(route: Route<S>, method: Method, path: String) -> Self {
        Self {
            route,
            method,
            path,
            additions: Target::default(),
            content: None,
            invalid: None,
        }
    }

    /// Adds a header. The first one of a name replaces the SDK's own; further ones of the same name are sent in
    /// addition. The credential cannot be replaced.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        if let Err(error) = check_header(&name) {
            self.invalid.get_or_insert(error);
        }
        self.additions.add_header(name, value);
        self
    }

    /// Adds a query parameter to those of the path. The value is escaped; a name may be added several times.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.additions.add_query(name, value);
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
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let reply = sandbox.port(3000).post("/rows").body("a,b\n1,2\n", "text/csv").send().await?;
    /// println!("{}", reply.status());
    /// # Ok(())
    /// # }
    /// ```
    pub fn body(mut self, body: impl Into<Body>, content_type: &str) -> Self {
        match HeaderValue::try_from(content_type) {
            Ok(content_type) => self.content = Some((body.into(), content_type)),
            Err(problem) => {
                let invalid = Error::input("content type", &Source::Code, problem);
                self.invalid.get_or_insert(invalid);
            }
        }
        self
    }

    /// Sets the options of this request. They replace those of the port, of the sandbox and of the client.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.route = self.route.with_options(options);
        self
    }

    /// Sends the request and reads the whole response, up to [`PortReply::DEFAULT_LIMIT`] bytes. The deadline of a
    /// call includes the body.
    ///
    /// A response of the program is returned whatever its status;
    /// [`error_for_status`](PortReply::error_for_status) makes an error of one that is not a success.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], before anything is sent, for a reserved port and if a part of the request is invalid.
    /// [`Error::is_unavailable`] if nothing listens on the port or the sandbox cannot respond now, and
    /// [`Error::is_not_found`] if there is no such sandbox, both by the platform; the error of the service if
    /// that fails.
    pub async fn send(self) -> Result<PortReply, Error> {
        let operation = &call(&self.method)?.whole;
        self.execute(operation).await?.received().await
    }

    /// Sends the request and returns as soon as the response headers are received, with the body still to be read.
    /// The body is subject to an idle timeout, but not to a deadline. See [`PortReply`] for an example.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), up to the response headers.
    pub async fn open(self) -> Result<PortReply, Error> {
        let operation = &call(&self.method)?.streamed;
        self.execute(operation).await
    }

    async fn execute(self, operation: &'static OperationInfo) -> Result<PortReply, Error> {
        let route = self.route.clone();
        let request = self
            .write(operation)
            .map_err(|error| error.in_operation(Some(operation)))?;
        Ok(PortReply::new(
            operation,
            route.send(operation, request).await?,
        ))
    }

    fn write(self, operation: &'static OperationInfo) -> Result<http::Request<Body>, Error> {
        if let Some(error) = self.invalid {
            return Err(error);
        }
        let mut writer = self.route.start(operation, &self.path)?;
        if let Some((body, content_type)) = self.content {
            writer.body(body, content_type);
        }
        self.additions.write_additions(&mut writer)?;
        let mut request = writer.finish()?;
        *request.method_mut() = self.method;
        Ok(request)
    }
}

impl<S: HttpService> IntoFuture for PortRequest<S> {
    type Output = Result<PortReply, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl<S> fmt::Debug for PortRequest<S> {
    /// Formats the destination without its query, and never headers or body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split('?').next().unwrap_or_default();
        f.debug_struct("PortRequest")
            .field("method", &self.method)
            .field("route", &self.route)
            .field("path", &path)
            .finish_non_exhaustive()
    }
}
