//! Responses with an error status, of the platform and of workloads.

use blaxel_core::{BoxService, Error};
use blaxel_inference::Inference;
use blaxel_management::Management;
use serde_json::{Value, json};

use crate::case::{Case, cases};
use crate::check::{Cut, check};
use crate::outcome;

/// Returns the cases with the expectation of one plane: that of both, and what differs in its own member.
fn cases_of(plane: &str) -> Vec<Case> {
    let mut cases = cases("errors");
    for case in &mut cases {
        let own = case.expected[plane].take();
        let all = case.expected["error"].as_object_mut().unwrap();
        all.extend(own.as_object().cloned().unwrap_or_default());
        case.expected = json!({"about": case.expected["about"], "error": case.expected["error"]});
    }
    cases
}

fn described<T>(outcome: Result<T, Error>) -> Value {
    match outcome {
        Ok(_) => json!({}),
        Err(error) => json!({"error": outcome::error(&error)}),
    }
}

#[test]
fn errors_of_the_platform_are_described() {
    check(
        &cases_of("management"),
        Cut::Status,
        async |service: BoxService, _: &Case| {
            described(Management::new(service).agents().get("a").await)
        },
    );
}

#[test]
fn errors_of_workloads_are_described() {
    check(
        &cases_of("workload"),
        Cut::Status,
        async |service: BoxService, _: &Case| {
            let agent = Inference::new(service).agent("a");
            described(agent.invoke::<Value>(&json!({})).await)
        },
    );
}
