//! Assertions on what the emulator was asked.

use axum::routing::post;
use axum::{Extension, Router};
use http::StatusCode;
use serde::Deserialize;

use super::answer::{Given, Refused};
use super::duration::Seconds;
use super::reply::only;
use super::{Caller, Of};
use crate::checks;

pub(super) fn routes() -> Router {
    Router::new().route("/assertions", post(assert))
}

/// An assertion. Exactly one member describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Assertion {
    exactly_once: Option<String>,
    times: Option<Times>,
    #[serde(default)]
    no_secret_in_url: bool,
    no_open_connections: Option<Connections>,
}

/// The number of times that an operation took place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Times {
    operation: String,
    times: u64,
}

/// The time in which all connections have to end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Connections {
    #[serde(default)]
    within: Seconds,
}

/// The subject of an assertion.
enum Subject {
    Times(String, u64),
    Urls,
    Connections(Seconds),
}

impl Assertion {
    fn subject(self) -> Result<Subject, Refused> {
        let times = |it: Times| Subject::Times(it.operation, it.times);
        let once = |operation| Subject::Times(operation, 1);
        only([
            ("exactly_once", self.exactly_once.map(once)),
            ("times", self.times.map(times)),
            (
                "no_secret_in_url",
                self.no_secret_in_url.then_some(Subject::Urls),
            ),
            (
                "no_open_connections",
                self.no_open_connections
                    .map(|it| Subject::Connections(it.within)),
            ),
        ])
    }
}

async fn assert(
    Extension(engine): Of,
    Extension(caller): Extension<Caller>,
    Given(assertion): Given<Assertion>,
) -> Result<StatusCode, Refused> {
    let outcome = match assertion.subject()? {
        Subject::Times(operation, expected) => {
            checks::times(&engine, &operation, expected).map_err(Refused::bad)?
        }
        Subject::Urls => checks::no_secret_in_url(&engine),
        Subject::Connections(within) => {
            // The client waits for the answer on its own connection.
            checks::no_open_connections(&engine, within.0, caller.0.as_deref()).await
        }
    };
    let failed = |problem| Refused::new(StatusCode::CONFLICT, problem);
    outcome.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}
