//! [`Route`], the description of an operation for the router.

use std::future::Future;

use axum::response::Response;
use blaxel_core::BoxFuture;
use http::Method;

use super::access_level::AccessLevel;
use super::call::Call;
use crate::engine::Engine;
use crate::errors::ErrorResponse;

/// The result of a handler.
pub(crate) type HandlerResult = Result<Response, ErrorResponse>;

/// The handler of an operation.
enum Handler {
    /// Returns a response without waiting.
    Sync(Box<dyn Fn(&Call) -> HandlerResult + Send + Sync>),
    /// Waits before it returns a response.
    Async(Box<dyn Fn(Call) -> BoxFuture<HandlerResult> + Send + Sync>),
}

/// An operation: its name, its paths, its access level and its handler.
pub(crate) struct Route {
    pub(crate) operation: &'static str,
    /// `None` for any method: workloads accept all of them.
    pub(crate) method: Option<Method>,
    pub(crate) paths: Vec<String>,
    pub(crate) access: AccessLevel,
    /// Converts errors into the operation's own format, if it has one.
    pub(crate) map_error: Option<fn(&Engine, ErrorResponse) -> ErrorResponse>,
    handler: Handler,
}

impl Route {
    pub(crate) fn new<const N: usize>(
        operation: &'static str,
        method: impl Into<Option<Method>>,
        paths: [&str; N],
        access: AccessLevel,
        handler: impl Fn(&Call) -> HandlerResult + Send + Sync + 'static,
    ) -> Self {
        Self {
            operation,
            method: method.into(),
            paths: paths.map(str::to_owned).into(),
            access,
            handler: Handler::Sync(Box::new(handler)),
            map_error: None,
        }
    }

    /// Creates an operation with an asynchronous handler.
    pub(crate) fn new_async<const N: usize, F>(
        operation: &'static str,
        method: impl Into<Option<Method>>,
        paths: [&str; N],
        access: AccessLevel,
        handler: impl Fn(Call) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = HandlerResult> + Send + 'static,
    {
        Self {
            operation,
            method: method.into(),
            paths: paths.map(str::to_owned).into(),
            access,
            handler: Handler::Async(Box::new(move |call| Box::pin(handler(call)))),
            map_error: None,
        }
    }

    /// Returns the collection of the workloads that it calls, such as `agents` of
    /// `/run/{workspace}/agents/{name}`.
    pub(crate) fn collection(&self) -> &str {
        let first = self.paths.first().map_or("", String::as_str);
        first.split('/').nth(3).unwrap_or_default()
    }

    /// Sets the function that converts errors into the operation's own format.
    pub(crate) fn map_errors(
        mut self,
        map_error: fn(&Engine, ErrorResponse) -> ErrorResponse,
    ) -> Self {
        self.map_error = Some(map_error);
        self
    }

    /// Runs the handler.
    pub(crate) async fn handle(&self, call: Call) -> HandlerResult {
        match &self.handler {
            Handler::Sync(handler) => handler(&call),
            Handler::Async(handler) => handler(call).await,
        }
    }
}
