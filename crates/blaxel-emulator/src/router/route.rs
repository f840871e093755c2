//! Routes: the operations as the router knows them.

use std::future::Future;

use axum::response::Response;
use axum::routing::MethodFilter;
use blaxel_core::BoxFuture;

use super::access_level::AccessLevel;
use super::call::Call;
use crate::engine::Engine;
use crate::errors::ErrorResponse;

/// What a handler gives.
pub(crate) type HandlerResult = Result<Response, ErrorResponse>;

/// What an operation does.
enum Handler {
    /// At once.
    Sync(Box<dyn Fn(&Call) -> HandlerResult + Send + Sync>),
    /// In a while.
    Async(Box<dyn Fn(Call) -> BoxFuture<HandlerResult> + Send + Sync>),
}

/// An operation: its name, where it is found, what is asked of a caller, and what it does.
pub(crate) struct Route {
    pub(crate) operation: &'static str,
    /// `None` for any: what a workload makes of a method is its own affair.
    pub(crate) method: Option<MethodFilter>,
    pub(crate) paths: Vec<String>,
    pub(crate) access: AccessLevel,
    /// The form that it gives refusals, where that is its own.
    pub(crate) map_error: Option<fn(&Engine, ErrorResponse) -> ErrorResponse>,
    handler: Handler,
}

impl Route {
    pub(crate) fn new<const N: usize>(
        operation: &'static str,
        method: impl Into<Option<MethodFilter>>,
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

    /// An operation that waits for something before it answers.
    pub(crate) fn new_async<const N: usize, F>(
        operation: &'static str,
        method: impl Into<Option<MethodFilter>>,
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

    /// The collection of the workloads that it calls, as in `/run/{workspace}/agents/{name}`.
    pub(crate) fn collection(&self) -> &str {
        let first = self.paths.first().map_or("", String::as_str);
        first.split('/').nth(3).unwrap_or_default()
    }

    /// Gives refusals the operation's own form.
    pub(crate) fn map_errors(
        mut self,
        map_error: fn(&Engine, ErrorResponse) -> ErrorResponse,
    ) -> Self {
        self.map_error = Some(map_error);
        self
    }

    /// Does what the operation does.
    pub(crate) async fn handle(&self, call: Call) -> HandlerResult {
        match &self.handler {
            Handler::Sync(handler) => handler(&call),
            Handler::Async(handler) => handler(call).await,
        }
    }
}
