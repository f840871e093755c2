//! Snapshots of sandboxes, and forks.

use axum::Json;
use axum::response::IntoResponse;
use axum::routing::MethodFilter;
use blaxel_guest::Volume;
use serde_json::{Value, json};

use super::access_level::AccessLevel;
use super::body;
use super::call::Call;
use super::records::{self, not_found, taken};
use super::route::{HandlerResult, Route};
use crate::errors::ErrorResponse;
use crate::state::{
    APPLICATIONS, Collection, Document, OpenStore, SANDBOXES, SNAPSHOTS, member, status,
};

pub(crate) fn routes() -> Vec<Route> {
    let route = |operation, path, handler: fn(&Call) -> HandlerResult| {
        Route::new(
            operation,
            MethodFilter::POST,
            [path],
            AccessLevel::Workspace,
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

fn create_snapshot(call: &Call) -> HandlerResult {
    let body = body::object(call)?;
    let mut store = call.engine.store.open();
    let collection = records::collection(call, &SNAPSHOTS, &store)?;
    let spec = spec_of_sandbox(call, &store)?;
    let id = take(
        call,
        &mut store,
        &collection,
        member::text(&body, "name"),
        spec,
    );
    records::response(&store, &collection, &id)
}

/// Returns the current spec of a sandbox. Fails with 404 if it is terminated.
fn spec_of_sandbox(call: &Call, store: &OpenStore) -> Result<Value, ErrorResponse> {
    let record = store.get(&Collection::top(&SANDBOXES), call.path(SANDBOXES.parameter));
    let record = record.filter(|record| record.status(store.now()) != status::TERMINATED);
    let spec = record.and_then(|record| record.document.get("spec"));
    spec.cloned().ok_or_else(|| not_found(&SANDBOXES))
}

/// Takes a snapshot and returns its id.
fn take(
    call: &Call,
    store: &mut OpenStore,
    collection: &Collection,
    name: Option<&str>,
    spec: Value,
) -> String {
    let mut document = Document::new();
    // A snapshot without a name gets one, since clients rely on it.
    let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
    let name = name.unwrap_or_else(|| store.fresh_name(collection, "snapshot"));
    document.insert("name".to_owned(), name.into());
    document.insert("status".to_owned(), "ready".into());
    document.insert("spec".to_owned(), spec);
    let id = store.fresh_name(collection, "snap");
    let source = call.path(SANDBOXES.parameter);
    let files = call.engine.guests.files_of(store, source);
    store.put(collection, &id, document, &call.author());
    if let Some(snapshot) = store.modify(collection, &id) {
        snapshot.files = files;
    }
    id
}

/// A request to fork a sandbox.
struct ForkRequest {
    is_application: bool,
    name: String,
    snapshot: Option<String>,
    port: Option<Value>,
    traffic: Option<i64>,
    domain: Option<String>,
    prefix: Option<String>,
    /// Environment variables that are added, or replace those of the same name.
    envs: Vec<Value>,
    /// Replaces that of the source.
    lifecycle: Option<Value>,
}

impl ForkRequest {
    fn read(call: &Call) -> Result<Self, ErrorResponse> {
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
            envs: match body.get("envs") {
                Some(Value::Array(envs)) => envs.clone(),
                _ => Vec::new(),
            },
            lifecycle: body.get("lifecycle").cloned(),
        })
    }

    /// Returns the document of a sandbox with the spec of another one.
    fn sandbox(&self, spec: Value) -> Document {
        let mut document = document(&self.name, spec);
        if let Some(lifecycle) = &self.lifecycle {
            member::set(&mut document, "spec/lifecycle", lifecycle.clone());
        }
        if self.envs.is_empty() {
            return document;
        }
        let old = member::get(&document, "spec/runtime/envs").and_then(Value::as_array);
        let is_kept = |old: &&Value| {
            let mut new = self.envs.iter();
            !new.any(|new| new.get("name") == old.get("name"))
        };
        let kept = old.into_iter().flatten().filter(is_kept);
        let envs: Value = kept.chain(&self.envs).cloned().collect();
        member::set(&mut document, "spec/runtime/envs", envs);
        document
    }

    /// Returns the application that runs the spec of a sandbox.
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

fn fork(call: &Call) -> HandlerResult {
    let mut request = ForkRequest::read(call)?;
    let mut store = call.engine.store.open();
    let collection = records::collection(call, &SNAPSHOTS, &store)?;
    let (spec, files) = match &request.snapshot {
        None => {
            let spec = spec_of_sandbox(call, &store)?;
            let source = call.path(SANDBOXES.parameter);
            (spec, call.engine.guests.files_of(&store, source))
        }
        Some(id) => {
            let snapshot = store
                .get(&collection, id)
                .ok_or_else(|| not_found(&SNAPSHOTS))?;
            let spec = snapshot.document.get("spec").cloned();
            let files = snapshot.files.as_ref().map(Volume::snapshot);
            (spec.unwrap_or_default(), files)
        }
    };
    if request.is_application {
        // An application can return to an older revision, so its snapshot is kept.
        if request.snapshot.is_none() {
            request.snapshot = Some(take(call, &mut store, &collection, None, spec.clone()));
        }
        deploy(call, &mut store, &request, &spec)?;
    } else {
        let document = request.sandbox(spec);
        let collection = Collection::top(&SANDBOXES);
        if !store.create(&collection, &request.name, document, &call.author()) {
            return Err(taken(&SANDBOXES, &request.name));
        }
        if let Some(fork) = store.modify(&collection, &request.name) {
            fork.files = files;
        }
    }
    let kind = if request.is_application {
        "application"
    } else {
        "sandbox"
    };
    let mut response = json!({"name": request.name, "type": kind});
    if let Some(snapshot) = request.snapshot {
        response["snapshotId"] = snapshot.into();
    }
    Ok(Json(response).into_response())
}

fn document(name: &str, spec: Value) -> Document {
    let mut document = Document::new();
    document.insert("metadata".to_owned(), json!({"name": name}));
    document.insert("spec".to_owned(), spec);
    document
}

/// Creates the application, or adds a revision to it.
fn deploy(
    call: &Call,
    store: &mut OpenStore,
    request: &ForkRequest,
    sandbox: &Value,
) -> Result<(), ErrorResponse> {
    let collection = Collection::top(&APPLICATIONS);
    let name = request.name.as_str();
    let spec = request.application(sandbox);
    let latest = |store: &OpenStore| {
        let record = store.get(&collection, name)?;
        record.revisions.latest().map(str::to_owned)
    };
    let Some(present) = store.get(&collection, name) else {
        store.put(&collection, name, document(name, spec), &call.author());
        return Ok(());
    };
    let mut next = present.document.clone();
    if let (Some(Value::Object(old)), Value::Object(new)) = (next.get_mut("spec"), spec) {
        old.extend(new);
    }
    let before = latest(store);
    if !store.replace(&collection, name, next, &call.author()) {
        return Err(not_found(&APPLICATIONS));
    }
    let after = latest(store);
    let Some(record) = store.modify(&collection, name) else {
        return Err(not_found(&APPLICATIONS));
    };
    let revision = match request.traffic {
        Some(percent) => json!({"active": before, "canary": after, "canaryPercent": percent}),
        None => json!({"active": after}),
    };
    member::set(&mut record.document, "spec/revision", revision);
    Ok(())
}
