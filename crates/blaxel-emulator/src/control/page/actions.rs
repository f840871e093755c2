//! The forms of the page: each changes something, and leads back to where it was sent from.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use blaxel_core::__private::media_type;
use http::header::{CONTENT_TYPE, HOST, LOCATION, ORIGIN, REFERER};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use serde_json::{Value, json};

use super::PATH;
use super::error::problem;
use super::html::in_link;
use crate::control::answer::Refused;
use crate::control::{Of, authority, incidents, resources};
use crate::engine::Engine;
use crate::fault::Fault;
use crate::initial_data;
use crate::params::Params;
use crate::router::{Api, check_operation};

/// Maximum size of a form, in bytes.
const LIMIT: usize = 64 << 10;

/// The change that a form makes.
type Action = fn(&Engine, &Params) -> Result<(), Refused>;

pub(super) fn routes() -> Router {
    let form = |action: Action| {
        post(move |Extension(engine): Of, request: Request| async move {
            let origin = back(&request);
            let done = match read(request).await {
                Ok(fields) => action(&engine, &fields),
                Err(refused) => Err(refused),
            };
            done.map_or_else(|refused| problem(&engine, refused), |()| go(&origin))
        })
    };
    Router::new()
        .route("/page/clock", form(advance))
        .route("/page/reset", form(reset))
        .route("/page/journal/clear", form(clear_journal))
        .route("/page/resources/add", form(add_resource))
        .route("/page/resources/fail", form(fail_deployment))
        .route("/page/resources/delete", post(remove))
        .route("/page/incidents/on", form(begin_incident))
        .route("/page/incidents/off", form(end_incident))
        .route("/page/faults/add", form(add_fault))
        .route("/page/faults/remove", form(remove_fault))
        .route("/page/faults/clear", form(clear_faults))
        .route("/page/sandboxes/run", post(run))
}

/// Reads the fields of a form of this page.
async fn read(request: Request) -> Result<Params, Refused> {
    let (head, body) = request.into_parts();
    require_own(&head)?;
    if media_type(&head.headers) != "application/x-www-form-urlencoded" {
        let problem = "a form is sent as application/x-www-form-urlencoded";
        return Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, problem));
    }
    let body = to_bytes(body, LIMIT).await;
    let body = body.map_err(|_| Refused::bad("the form is too large"))?;
    fields(&body)
}

/// Parses the body of a form, which has the notation of a query.
fn fields(body: &Bytes) -> Result<Params, Refused> {
    let text = std::str::from_utf8(body).map_err(Refused::bad)?;
    let uri = format!("/?{text}").parse::<Uri>().map_err(Refused::bad)?;
    Params::of_query(&uri).map_err(Refused::bad)
}

/// Requires that a form comes from this very page. A browser says so in each `POST`, and does not let other pages
/// send a form without saying whose it is.
fn require_own(head: &Parts) -> Result<(), Refused> {
    let origin = text(&head.headers, ORIGIN).map(authority);
    match (origin, host(&head.uri, &head.headers)) {
        (Some(origin), Some(host)) if origin == host => Ok(()),
        _ => {
            let problem =
                "forms are accepted from the emulator's own page only; programs use its control";
            Err(Refused::new(StatusCode::FORBIDDEN, problem))
        }
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Returns the name by which the emulator was called. Where it stands depends on the version of HTTP.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    text(headers, HOST).or_else(|| uri.authority().map(Authority::as_str))
}

/// Returns the path of the page with the form.
fn back(request: &Request) -> String {
    let headers = request.headers();
    let referer = text(headers, REFERER).and_then(|referer| referer.parse::<Uri>().ok());
    let is_own =
        |uri: &&Uri| uri.authority().map(Authority::as_str) == host(request.uri(), headers);
    let path = referer
        .as_ref()
        .filter(is_own)
        .and_then(Uri::path_and_query);
    let path = path.map_or("", PathAndQuery::as_str);
    match path == "/" || path.starts_with(PATH) {
        true => path.to_owned(),
        false => PATH.to_owned(),
    }
}

fn go(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, path.to_owned())]).into_response()
}

/// Returns a field, which must not be empty.
fn field<'a>(fields: &'a Params, name: &str) -> Result<&'a str, Refused> {
    let value = fields.get(name).map(str::trim);
    let value = value.filter(|value| !value.is_empty());
    value.ok_or_else(|| Refused::bad(format!("the field {name:?} is empty")))
}

/// Returns a field that is a number.
fn number<T: std::str::FromStr>(fields: &Params, name: &str) -> Result<T, Refused> {
    let text = field(fields, name)?;
    let number = text.parse();
    number.map_err(|_| Refused::bad(format!("{text:?} is not a number for {name:?}")))
}

fn advance(engine: &Engine, fields: &Params) -> Result<(), Refused> {
    let seconds: u32 = number(fields, "advance")?;
    engine.clock.advance(Duration::from_secs(seconds.into()));
    Ok(())
}

fn reset(engine: &Engine, _: &Params) -> Result<(), Refused> {
    initial_data::reset(engine);
    Ok(())
}

fn clear_journal(engine: &Engine, _: &Params) -> Result<(), Refused> {
    engine.journal.clear();
    Ok(())
}

fn add_resource(engine: &Engine, fields: &Params) -> Result<(), Refused> {
    resources::add(engine, field(fields, "collection")?, field(fields, "name")?)
}

fn fail_deployment(engine: &Engine, fields: &Params) -> Result<(), Refused> {
    resources::fail_deployment(engine, field(fields, "collection")?, field(fields, "name")?)
}

/// Deletes a resource, whose own page is gone then.
async fn remove(Extension(engine): Of, request: Request) -> Response {
    let deleted = match read(request).await {
        Ok(fields) => delete_resource(&engine, &fields),
        Err(refused) => Err(refused),
    };
    let list = format!("{PATH}/resources");
    deleted.map_or_else(|refused| problem(&engine, refused), |()| go(&list))
}

fn delete_resource(engine: &Engine, fields: &Params) -> Result<(), Refused> {
    let name = field(fields, "name")?;
    resources::delete(engine, field(fields, "collection")?, name)
}

fn begin_incident(engine: &Engine, fields: &Params) -> Result<(), Refused> {
    incidents::named(field(fields, "name")?)?.begin(&engine.clock, &engine.faults);
    Ok(())
}

fn end_incident(engine: &Engine, fields: &Params) -> Result<(), Refused> {
    incidents::named(field(fields, "name")?)?.end(&engine.faults);
    Ok(())
}

fn add_fault(engine: &Engine, fields: &Params) -> Result<(), Refused> {
    let operation = field(fields, "operation")?;
    check_operation(operation).map_err(|unknown| {
        let name = &unknown.name;
        Refused::bad(format!("the emulator has no operation {name:?}"))
    })?;
    let status = || {
        let code: u16 = number(fields, "status")?;
        let status = StatusCode::from_u16(code).ok().filter(|_| code >= 200);
        status.ok_or_else(|| Refused::bad(format!("{code} is not the status of a response")))
    };
    let fault = match field(fields, "kind")? {
        "error" => {
            let status = status()?;
            let error = json!({"code": status.as_u16(), "error": "A fault requested on the page."});
            Fault::json(status, error)
        }
        "html" => Fault::html(status()?),
        "gateway" => Fault::gateway(StatusCode::NOT_FOUND, "WORKLOAD_UNAVAILABLE", true),
        "disconnect" => Fault::disconnect(),
        "lost" => Fault::disconnect().after_processing(),
        "delay" => Fault::delay(Duration::from_secs(2)),
        "twice" => Fault::twice(),
        other => return Err(Refused::bad(format!("{other:?} is not a kind of fault"))),
    };
    engine
        .faults
        .add(operation, fault, number(fields, "times")?);
    Ok(())
}

fn remove_fault(engine: &Engine, fields: &Params) -> Result<(), Refused> {
    engine.faults.remove(field(fields, "operation")?);
    Ok(())
}

fn clear_faults(engine: &Engine, _: &Params) -> Result<(), Refused> {
    engine.faults.clear();
    Ok(())
}

/// Runs a command in a sandbox, as a client would.
async fn run(Extension(engine): Of, request: Request) -> Response {
    let started = match read(request).await {
        Ok(fields) => start(&engine, &fields).await,
        Err(refused) => Err(refused),
    };
    started.map_or_else(|refused| problem(&engine, refused), |path| go(&path))
}

async fn start(engine: &Arc<Engine>, fields: &Params) -> Result<String, Refused> {
    let name = in_link(field(fields, "name")?).to_string();
    let body = json!({"command": field(fields, "command")?}).to_string();
    let workspace = &engine.config.workspace;
    let request = http::Request::builder()
        .method(Method::POST)
        .uri(format!("/run/{workspace}/sandboxes/{name}/process"))
        .header(CONTENT_TYPE, "application/json")
        .header(
            "x-blaxel-authorization",
            format!("Bearer {}", engine.config.api_key),
        )
        .header("x-blaxel-workspace", workspace)
        .body(Body::from(body));
    let response = Api::new(engine).call(request.map_err(Refused::bad)?).await;
    let status = response.status();
    let body = to_bytes(response.into_body(), LIMIT).await;
    let answer: Value = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
    match answer["pid"].as_str() {
        Some(pid) if status.is_success() => Ok(format!("{PATH}/process?sandbox={name}&pid={pid}")),
        _ => {
            let reason = answer.pointer("/error/message").or(answer.get("error"));
            let reason = reason
                .and_then(Value::as_str)
                .unwrap_or("no reason was given");
            let problem = format!("the command was not started: {reason} ({status})");
            Err(Refused::new(StatusCode::BAD_GATEWAY, problem))
        }
    }
}
