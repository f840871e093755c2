//! The clock.

use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Of;
use super::answer::{Given, Refused};
use super::duration::Seconds;
use crate::engine::Engine;

pub(super) fn routes() -> Router {
    Router::new().route("/clock", get(show).post(advance))
}

/// A move of the clock.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance: Seconds,
}

fn shown(engine: &Engine) -> Json<Value> {
    Json(json!({"now": engine.clock.now().as_str()}))
}

async fn show(Extension(engine): Of) -> Json<Value> {
    shown(&engine)
}

async fn advance(
    Extension(engine): Of,
    Given(request): Given<Advance>,
) -> Result<Json<Value>, Refused> {
    engine.clock.advance(request.advance.0);
    Ok(shown(&engine))
}
