//! The gateway: what comes before every workload, and where it leads to.

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
use super::route::{Outcome, Route};
use super::trigger::Trigger;
use super::workload::{NAME, reach};
use crate::engine::Engine;
use crate::errors::{Gateway, Refusal};
use crate::workload::{Act, Behaviour, Ended, ScriptedCall, Target, Workload};

/// The largest answer of a workload that is called back with, in bytes.
const RESULT_LIMIT: usize = 8 * 1024 * 1024;

/// A call on its way to a workload.
struct Visit {
    route: Arc<Route>,
    call: Call,
    /// The body as it is passed on to a workload that runs elsewhere.
    onward: Body,
    target: Option<Target>,
    behaviour: Behaviour,
}

/// Lets a request through to a workload, as far as it goes.
pub(super) async fn pass(engine: &Arc<Engine>, route: &Arc<Route>, request: Request) -> Outcome {
    let (mut call, body) = Call::enter(engine, route.operation, route.gate, request).await?;
    let Some(workload) = Workload::of(route.collection(), call.path(NAME)) else {
        call.read(body).await?;
        return route.handle(call).await;
    };
    reach(&call, workload.kind())?;
    let trigger = Trigger::of(&call, &workload);
    if let Some(trigger) = &trigger {
        call.hide_trigger(trigger.by_path);
    }
    let script = engine.workloads.script(&workload);
    let target = engine.workloads.target(&workload).cloned();
    // What is only passed on is not waited for.
    let onward = if script.is_none() && trigger.is_none() && target.is_some() {
        body
    } else {
        call.read(body).await?;
        Body::from(call.body.clone())
    };
    let behaviour = script.map_or_else(Behaviour::usual, |script| script.take(written(&call)));
    if let Act::Gateway {
        status,
        code,
        retryable,
    } = &behaviour.act
    {
        let message = "The script of the workload wants it so.";
        return Err(Refusal::envelope(
            *status,
            code,
            message,
            *retryable,
            call.now().as_str(),
        ));
    }
    let visit = Visit {
        route: Arc::clone(route),
        call,
        onward,
        target,
        behaviour,
    };
    match trigger {
        Some(trigger) => later(engine, trigger, visit),
        None => visit.answer().await,
    }
}

/// A call as its script remembers it.
fn written(call: &Call) -> ScriptedCall {
    ScriptedCall {
        method: call.method.clone(),
        path: call.below.clone(),
        query: call.raw_query.clone(),
        headers: without_credentials(call.headers.clone()),
        body: call.body.clone(),
    }
}

/// Says that a call was taken, and lets the workload answer in the background.
fn later(engine: &Arc<Engine>, trigger: Trigger, visit: Visit) -> Outcome {
    let now = visit.call.now();
    let task = {
        let engine = Arc::clone(engine);
        async move {
            let ended = in_time(trigger.timeout, visit).await;
            let Some(delivery) = trigger.delivery else {
                return;
            };
            let now = engine.clock.seconds();
            let anywhere = engine.config.callbacks_anywhere;
            let callback = delivery.send(&ended, now, anywhere).await;
            engine.workloads.called_back(callback);
        }
    };
    if !engine.workloads.tasks.spawn(task) {
        let message = "The emulator cannot run this in the background: too much runs there, or it has \
                       no tokio runtime.";
        return Err(Refusal::gateway(
            Gateway::WorkloadUnavailable,
            message,
            &now,
        ));
    }
    Ok((StatusCode::ACCEPTED, Json(json!({"success": true}))).into_response())
}

/// The whole answer of a workload that has so much time.
async fn in_time(time: Duration, visit: Visit) -> Ended {
    let answer = async {
        let response = visit.answer().await.into_response();
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), RESULT_LIMIT);
        match body.collect().await {
            Ok(body) => Ended {
                status,
                body: body.to_bytes(),
            },
            Err(error) if error.is::<LengthLimitError>() => Ended::failed(502, "It said too much."),
            Err(_) => Ended::failed(502, "It broke off."),
        }
    };
    let answered = tokio::time::timeout(time, answer).await;
    answered.unwrap_or_else(|_| Ended::failed(504, "It was not done in time."))
}

impl Visit {
    /// What the workload answers.
    async fn answer(mut self) -> Outcome {
        if !self.behaviour.wait.is_zero() {
            tokio::time::sleep(self.behaviour.wait).await;
        }
        let (act, head) = self.behaviour.into_parts();
        match act {
            Act::Whole(body) => Ok(head.with(Body::from(body))),
            Act::Stream(pieces) => Ok(head.with(pieces.into_body())),
            Act::Say(said) => {
                self.call.said = Some(said);
                self.route.handle(self.call).await
            }
            Act::Usual | Act::Gateway { .. } => match self.target {
                Some(target) => forward::pass(&target, &self.call, self.onward).await,
                None => self.route.handle(self.call).await,
            },
        }
    }
}
