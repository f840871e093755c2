//! Snapshots of sandboxes, and what is forked from them.

use axum::Json;
use axum::response::IntoResponse;
use axum::routing::MethodFilter;
use serde_json::{Value, json};

use super::body;
use super::call::Call;
use super::gate::Gate;
use super::records::{self, not_found, taken};
use super::route::{Outcome, Route};
use crate::errors::Refusal;
use crate::state::{APPLICATIONS, Document, SANDBOXES, SNAPSHOTS, Shelf, Shelves, member, status};

pub(crate) fn routes() -> Vec<Route> {
    let route = |operation, path, handler: fn(&Call) -> Outcome| {
        Route::new(
            operation,
            MethodFilter::POST,
            [path],
            Gate::Workspace,
            handler,
        )
    };
    vec![
        route(
            "CreateSandboxSnapshot",
            "/v0/sandboxes/{sandboxName}/snapshots",
            create_snapshot,
        ),
        route("ForkSandbox", "/v0/sandboxes/{sandboxName}/fork", fork),
    ]
}

fn create_snapshot(call: &Call) -> Outcome {
    let body = body::object(call)?;
    let mut shelves = call.engine.store.open();
    let shelf = records::shelf(call, &SNAPSHOTS, &shelves)?;
    let spec = spec_of_sandbox(call, &shelves)?;
    let id = take(
        call,
        &mut shelves,
        &shelf,
        member::text(&body, "name"),
        spec,
    );
    records::answer(&shelves, &shelf, &id)
}

/// What a sandbox is now. 404 if it is over.
fn spec_of_sandbox(call: &Call, shelves: &Shelves) -> Result<Value, Refusal> {
    let record = shelves.get(&Shelf::top(&SANDBOXES), call.path(SANDBOXES.parameter));
    let record = record.filter(|record| record.status(shelves.now()) != status::TERMINATED);
    let spec = record.and_then(|record| record.document.get("spec"));
    spec.cloned().ok_or_else(|| not_found(&SANDBOXES))
}

/// Takes a snapshot, and gives its id.
fn take(
    call: &Call,
    shelves: &mut Shelves,
    shelf: &Shelf,
    name: Option<&str>,
    spec: Value,
) -> String {
    let mut document = Document::new();
    // One that is given no name gets one: clients count on it.
    let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
    let name = name.unwrap_or_else(|| shelves.fresh_name(shelf, "snapshot"));
    document.insert("name".to_owned(), name.into());
    document.insert("status".to_owned(), "ready".into());
    document.insert("spec".to_owned(), spec);
    let id = shelves.fresh_name(shelf, "snap");
    shelves.put(shelf, &id, document, &call.author());
    id
}

/// What is asked for.
struct Wanted {
    is_application: bool,
    name: String,
    snapshot: Option<String>,
    port: Option<Value>,
    traffic: Option<i64>,
    domain: Option<String>,
    prefix: Option<String>,
}

impl Wanted {
    fn read(call: &Call) -> Result<Self, Refusal> {
        let body = body::object(call)?;
        let text = |name: &str| {
            let text = member::text(&body, name).filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        Ok(Self {
            is_application: text("targetType").as_deref() == Some("application"),
            name: text("targetName").unwrap_or_default(),
            snapshot: text("snapshotId"),
            port: body.get("port").cloned(),
            traffic: body.get("traffic").and_then(Value::as_i64),
            domain: text("customDomain"),
            prefix: text("prefix"),
        })
    }

    /// The application that runs what a sandbox was.
    fn application(&self, sandbox: &Value) -> Value {
        let runtime = |name: &str| sandbox.get("runtime").and_then(|runtime| runtime.get(name));
        let members = [
            ("image", runtime("image").cloned()),
            ("memory", runtime("memory").cloned()),
            ("envs", runtime("envs").cloned()),
            ("region", sandbox.get("region").cloned()),
            ("port", self.port.clone()),
            ("snapshot", self.snapshot.as_deref().map(Value::from)),
        ];
        let mut spec = json!({"enabled": true});
        for (name, value) in members {
            if let Some(value) = value {
                spec[name] = value;
            }
        }
        if let Some(domain) = &self.domain {
            let mut url = json!({"domain": domain});
            if let Some(prefix) = &self.prefix {
                url["subdomain"] = prefix.as_str().into();
            }
            spec["urls"] = json!([url]);
        }
        spec
    }
}

fn fork(call: &Call) -> Outcome {
    let mut wanted = Wanted::read(call)?;
    let mut shelves = call.engine.store.open();
    let shelf = records::shelf(call, &SNAPSHOTS, &shelves)?;
    let spec = match &wanted.snapshot {
        None => spec_of_sandbox(call, &shelves)?,
        Some(id) => {
            let snapshot = shelves
                .get(&shelf, id)
                .ok_or_else(|| not_found(&SNAPSHOTS))?;
            snapshot.document.get("spec").cloned().unwrap_or_default()
        }
    };
    if wanted.is_application {
        // A revision of an application can be gone back to, so what it was made from is kept.
        if wanted.snapshot.is_none() {
            wanted.snapshot = Some(take(call, &mut shelves, &shelf, None, spec.clone()));
        }
        deploy(call, &mut shelves, &wanted, &spec)?;
    } else {
        let document = document(&wanted.name, spec);
        let shelf = Shelf::top(&SANDBOXES);
        if !shelves.create(&shelf, &wanted.name, document, &call.author()) {
            return Err(taken(&SANDBOXES, &wanted.name));
        }
    }
    let kind = if wanted.is_application {
        "application"
    } else {
        "sandbox"
    };
    let mut answer = json!({"name": wanted.name, "type": kind});
    if let Some(snapshot) = wanted.snapshot {
        answer["snapshotId"] = snapshot.into();
    }
    Ok(Json(answer).into_response())
}

fn document(name: &str, spec: Value) -> Document {
    let mut document = Document::new();
    document.insert("metadata".to_owned(), json!({"name": name}));
    document.insert("spec".to_owned(), spec);
    document
}

/// Makes the application, or gives it one more revision.
fn deploy(
    call: &Call,
    shelves: &mut Shelves,
    wanted: &Wanted,
    sandbox: &Value,
) -> Result<(), Refusal> {
    let shelf = Shelf::top(&APPLICATIONS);
    let name = wanted.name.as_str();
    let spec = wanted.application(sandbox);
    let latest = |shelves: &Shelves| {
        let record = shelves.get(&shelf, name)?;
        record.revisions.latest().map(str::to_owned)
    };
    let Some(present) = shelves.get(&shelf, name) else {
        shelves.put(&shelf, name, document(name, spec), &call.author());
        return Ok(());
    };
    let mut next = present.document.clone();
    if let (Some(Value::Object(old)), Value::Object(new)) = (next.get_mut("spec"), spec) {
        old.extend(new);
    }
    let before = latest(shelves);
    if !shelves.replace(&shelf, name, next, &call.author()) {
        return Err(not_found(&APPLICATIONS));
    }
    let after = latest(shelves);
    let Some(record) = shelves.modify(&shelf, name) else {
        return Err(not_found(&APPLICATIONS));
    };
    let revision = match wanted.traffic {
        Some(percent) => json!({"active": before, "canary": after, "canaryPercent": percent}),
        None => json!({"active": after}),
    };
    member::set(&mut record.document, "spec/revision", revision);
    Ok(())
}
