//! Routes: the operations as the router knows them.

use std::future::Future;

use axum::response::Response;
use axum::routing::MethodFilter;
use blaxel_core::BoxFuture;

use super::call::Call;
use super::gate::Gate;
use crate::engine::Engine;
use crate::errors::Refusal;

/// What a handler gives.
pub(crate) type Outcome = Result<Response, Refusal>;

/// What an operation does.
enum Handler {
    /// At once.
    Now(Box<dyn Fn(&Call) -> Outcome + Send + Sync>),
    /// In a while.
    Later(Box<dyn Fn(Call) -> BoxFuture<Outcome> + Send + Sync>),
}

/// An operation: its name, where it is found, what is asked of a caller, and what it does.
pub(crate) struct Route {
    pub(crate) operation: &'static str,
    /// `None` for any: what a workload makes of a method is its own affair.
    pub(crate) method: Option<MethodFilter>,
    pub(crate) paths: Vec<String>,
    pub(crate) gate: Gate,
    /// The form that it gives refusals, where that is its own.
    pub(crate) form: Option<fn(&Engine, Refusal) -> Refusal>,
    handler: Handler,
}

impl Route {
    pub(crate) fn new<const N: usize>(
        operation: &'static str,
        method: impl Into<Option<MethodFilter>>,
        paths: [&str; N],
        gate: Gate,
        handler: impl Fn(&Call) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        Self {
            operation,
            method: method.into(),
            paths: paths.map(str::to_owned).into(),
            gate,
            handler: Handler::Now(Box::new(handler)),
            form: None,
        }
    }

    /// An operation that waits for something before it answers.
    pub(crate) fn later<const N: usize, F>(
        operation: &'static str,
        method: impl Into<Option<MethodFilter>>,
        paths: [&str; N],
        gate: Gate,
        handler: impl Fn(Call) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        Self {
            operation,
            method: method.into(),
            paths: paths.map(str::to_owned).into(),
            gate,
            handler: Handler::Later(Box::new(move |call| Box::pin(handler(call)))),
            form: None,
        }
    }

    /// The collection of the workloads that it calls, as in `/run/{workspace}/agents/{name}`.
    pub(crate) fn collection(&self) -> &str {
        let first = self.paths.first().map_or("", String::as_str);
        first.split('/').nth(3).unwrap_or_default()
    }

    /// Gives refusals the operation's own form.
    pub(crate) fn refusing(mut self, form: fn(&Engine, Refusal) -> Refusal) -> Self {
        self.form = Some(form);
        self
    }

    /// Does what the operation does.
    pub(crate) async fn handle(&self, call: Call) -> Outcome {
        match &self.handler {
            Handler::Now(handler) => handler(&call),
            Handler::Later(handler) => handler(call).await,
        }
    }
}
