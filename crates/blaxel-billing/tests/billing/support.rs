//! Helpers of the tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use blaxel_billing::{Billing, Dimension, MetricsQuery, Report, Usd, Window};
use blaxel_core::{Body, BoxFuture, Error};
use blaxel_emulator::Emulator;
use http::{Request, Response};
use serde_json::{Value, json};
use tower::Service;

pub(crate) fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

pub(crate) fn window(start: &str, end: &str) -> Window {
    Window::new(start.to_owned().into(), end.to_owned().into()).unwrap()
}

pub(crate) fn april() -> MetricsQuery {
    MetricsQuery::new(Window::month(2026, 4).unwrap())
}

pub(crate) async fn on_the_emulator(query: MetricsQuery) -> (Emulator, Report) {
    let emulator = Emulator::offline();
    let billing = Billing::new(emulator.service());
    let report = billing.report(emulator.account_id(), &query).await.unwrap();
    (emulator, report)
}

/// Returns a page with daily steps from 2026-04-01 on. Each group has labels and costs.
pub(crate) fn page(total: &str, groups: &[(Value, &[&str])], next: &str) -> Value {
    let groups = groups.iter().map(|(labels, costs)| {
        let sum: Usd = costs.iter().map(|cost| usd(cost)).sum();
        let steps = (1..).zip(*costs);
        let steps = steps.map(
            |(day, cost)| json!({"timestamp": format!("2026-04-{day:02}T00:00:00Z"), "cost": cost}),
        );
        let mut group = labels.clone();
        group["summary"] = json!({ "cost": sum });
        group["timeseries"] = steps.collect();
        group
    });
    json!({
        "resolution": "daily",
        "summary": {"totalCost": total},
        "data": groups.collect::<Vec<_>>(),
        "meta": {"hasMore": !next.is_empty(), "nextCursor": next},
    })
}

pub(crate) fn three_days() -> Window {
    window("2026-04-01T00:00:00Z", "2026-04-04T00:00:00Z")
}

/// Returns the report on three days whose pages are `pages`.
pub(crate) async fn scripted(pages: Vec<Value>) -> Result<Report, blaxel_core::Error> {
    let query = MetricsQuery::new(three_days()).group_by(Dimension::ResourceName);
    Billing::new(Scripted::new(pages))
        .report("acc", &query)
        .await
}

pub(crate) fn named(name: &str) -> Value {
    json!({ "resourceName": name })
}

/// A service that sends scripted responses in order, and records the requests.
#[derive(Clone, Default)]
pub(crate) struct Scripted(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    responses: VecDeque<Value>,
    requests: Vec<String>,
    in_flight: usize,
    max_in_flight: usize,
}

impl Scripted {
    pub(crate) fn new(responses: Vec<Value>) -> Self {
        let scripted = Self::default();
        scripted.0.lock().unwrap().responses = responses.into();
        scripted
    }

    /// Returns the method and the address of each request.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.0.lock().unwrap().requests.clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.requests().len()
    }

    /// Returns the highest number of requests that were in flight at a time.
    pub(crate) fn max_in_flight(&self) -> usize {
        self.0.lock().unwrap().max_in_flight
    }
}

impl Service<Request<Body>> for Scripted {
    type Response = Response<Body>;
    type Error = Error;
    type Future = BoxFuture<Result<Response<Body>, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let response = {
            let mut state = self.0.lock().unwrap();
            state
                .requests
                .push(format!("{} {}", request.method(), target(&request)));
            state.in_flight += 1;
            state.max_in_flight = state.max_in_flight.max(state.in_flight);
            state
                .responses
                .pop_front()
                .expect("an response to every request")
        };
        let state = Arc::clone(&self.0);
        Box::pin(async move {
            tokio::task::yield_now().await;
            state.lock().unwrap().in_flight -= 1;
            Ok(Response::new(Body::from(response.to_string())))
        })
    }
}

/// Returns the path and query of a request, all of which go to the control plane.
fn target(request: &http::Request<Body>) -> String {
    let uri = request.uri().to_string();
    uri.strip_prefix("blaxel://control").unwrap().to_owned()
}
