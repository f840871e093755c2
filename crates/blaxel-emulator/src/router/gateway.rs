//! The gateway in front of the workloads: checks, scripts, triggers and forwarding.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::response::IntoResponse as _;
use http::StatusCode;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::json;

use super::call::Call;
use super::forward::{self, without_credentials};
use super::route::{HandlerResult, Route};
use super::trigger::Trigger;
use super::workload::{NAME, require_running};
use crate::engine::Engine;
use crate::errors::{ErrorResponse, Gateway};
use crate::workload::{Action, Behavior, ScriptedCall, Target, Workload, WorkloadResult};

/// Maximum size of a response that is sent to a callback, in bytes.
const RESULT_LIMIT: usize = 8 * 1024 * 1024;

/// A call that is about to reach its workload.
struct WorkloadCall {
    route: Arc<Route>,
    call: Call,
    /// The body for a workload that is forwarded.
    forwarded_body: Body,
    target: Option<Target>,
    behavior: Behavior,
}

/// Handles a call of a workload.
pub(super) async fn handle(
    engine: &Arc<Engine>,
    route: &Arc<Route>,
    request: Request,
) -> HandlerResult {
    let (mut call, body) = Call::authorize(engine, route.operation, route.access, request).await?;
    let Some(workload) = Workload::of(route.collection(), call.path(NAME)) else {
        call.read(body).await?;
        return route.handle(call).await;
    };
    require_running(&call, workload.kind())?;
    let trigger = Trigger::of(&call, &workload);
    if let Some(trigger) = &trigger {
        call.hide_trigger(trigger.by_path);
    }
    let script = engine.workloads.script(&workload);
    let target = engine.workloads.target(&workload).cloned();
    // A body that is only forwarded is streamed and not read here.
    let forwarded_body = if script.is_none() && trigger.is_none() && target.is_some() {
        body
    } else {
        call.read(body).await?;
        Body::from(call.body.clone())
    };
    let behavior = script.map_or_else(Behavior::usual, |script| script.take(scripted_call(&call)));
    if let Action::Gateway {
        status,
        code,
        retryable,
    } = &behavior.action
    {
        let message = "The script of the workload returns this error.";
        return Err(ErrorResponse::envelope(
            *status,
            code,
            message,
            *retryable,
            call.now().as_str(),
        ));
    }
    let workload_call = WorkloadCall {
        route: Arc::clone(route),
        call,
        forwarded_body,
        target,
        behavior,
    };
    match trigger {
        Some(trigger) => run_in_background(engine, trigger, workload_call),
        None => workload_call.respond().await,
    }
}

/// Returns the call as its script records it.
fn scripted_call(call: &Call) -> ScriptedCall {
    ScriptedCall {
        method: call.method.clone(),
        path: call.below.clone(),
        query: call.raw_query.clone(),
        headers: without_credentials(call.headers.clone()),
        body: call.body.clone(),
    }
}

/// Accepts an asynchronous call and runs the workload in the background.
fn run_in_background(
    engine: &Arc<Engine>,
    trigger: Trigger,
    workload_call: WorkloadCall,
) -> HandlerResult {
    let now = workload_call.call.now();
    let task = {
        let engine = Arc::clone(engine);
        async move {
            let result = respond_within(trigger.timeout, workload_call).await;
            let Some(delivery) = trigger.delivery else {
                return;
            };
            let now = engine.seconds();
            let anywhere = engine.config.callbacks_anywhere;
            let callback = delivery.send(&result, now, anywhere).await;
            engine.workloads.called_back(callback);
        }
    };
    if !engine.workloads.tasks.spawn(task) {
        let message = "The emulator cannot run this in the background: too much runs there, or it has \
                       no tokio runtime.";
        return Err(ErrorResponse::gateway(
            Gateway::WorkloadUnavailable,
            message,
            &now,
        ));
    }
    Ok((StatusCode::ACCEPTED, Json(json!({"success": true}))).into_response())
}

/// Returns the whole response of a workload, or an error if it takes longer than `time`.
async fn respond_within(time: Duration, workload_call: WorkloadCall) -> WorkloadResult {
    let response = async {
        let response = workload_call.respond().await.into_response();
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), RESULT_LIMIT);
        match body.collect().await {
            Ok(body) => WorkloadResult {
                status,
                body: body.to_bytes(),
            },
            Err(error) if error.is::<LengthLimitError>() => {
                WorkloadResult::failed(502, "The response of the workload is too large.")
            }
            Err(_) => WorkloadResult::failed(502, "The response of the workload ended early."),
        }
    };
    let result = tokio::time::timeout(time, response).await;
    result.unwrap_or_else(|_| WorkloadResult::failed(504, "The workload did not respond in time."))
}

impl WorkloadCall {
    /// Returns the response of the workload.
    async fn respond(mut self) -> HandlerResult {
        if !self.behavior.wait.is_zero() {
            tokio::time::sleep(self.behavior.wait).await;
        }
        let (action, head) = self.behavior.into_parts();
        match action {
            Action::Whole(body) => Ok(head.with(Body::from(body))),
            Action::Stream(chunks) => Ok(head.with(chunks.into_body())),
            Action::Say(reply) => {
                self.call.scripted_reply = Some(reply);
                self.route.handle(self.call).await
            }
            Action::Usual | Action::Gateway { .. } => match self.target {
                Some(target) => forward::forward(&target, &self.call, self.forwarded_body).await,
                None => self.route.handle(self.call).await,
            },
        }
    }
}
