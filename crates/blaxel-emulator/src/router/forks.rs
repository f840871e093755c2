//! Forks of sandboxes and snapshots: other sandboxes, and revisions of applications.

use axum::Json;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use http::Method;

use super::access_level::AccessLevel;
use super::body;
use super::call::Call;
use super::records::{not_found, taken};
use super::route::{HandlerResult, Route};
use super::snapshots::{find_own, not_copied, require_ready, running, take};
use crate::errors::ErrorResponse;
use crate::state::{
    APPLICATIONS, Collection, Contents, Document, OpenStore, Record, SANDBOXES, SNAPSHOTS, member,
    snapshot,
};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "ForkSandbox",
            Method::POST,
            ["/v0/sandboxes/{sandboxName}/fork"],
            AccessLevel::Workspace,
            fork_sandbox,
        ),
        Route::new(
            "ForkSnapshot",
            Method::POST,
            ["/v0/snapshots/{snapshotName}/fork"],
            AccessLevel::Workspace,
            fork_snapshot,
        ),
    ]
}

/// A request to fork a sandbox or a snapshot.
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

/// The settings and contents that a fork starts with.
struct Origin {
    spec: Value,
    contents: Contents,
}

impl ForkRequest {
    fn read(call: &Call) -> Result<Self, ErrorResponse> {
        let body = body::object(call)?;
        let text = |name: &str| {
            let text = member::text(&body, name).filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        let request = Self {
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
            lifecycle: body.get("lifecycle").filter(|own| !own.is_null()).cloned(),
        };
        if request.is_application && request.lifecycle.is_some() {
            let message = "lifecycle is for forks into a sandbox only.";
            return Err(ErrorResponse::bad_request(message));
        }
        Ok(request)
    }

    /// Returns the environment variables of the fork of a sandbox with this spec.
    fn envs(&self, spec: &Value) -> Option<Value> {
        let old = spec.pointer("/runtime/envs").and_then(Value::as_array);
        if self.envs.is_empty() {
            return old.cloned().map(Value::Array);
        }
        let is_kept = |old: &&Value| {
            let mut new = self.envs.iter();
            !new.any(|new| new.get("name") == old.get("name"))
        };
        let kept = old.into_iter().flatten().filter(is_kept);
        Some(kept.chain(&self.envs).cloned().collect())
    }

    /// Returns the document of a sandbox with the spec of another one.
    fn sandbox(&self, spec: Value) -> Result<Document, ErrorResponse> {
        let envs = self.envs(&spec);
        let mut document = document(&self.name, spec);
        if let Some(envs) = envs {
            member::set(&mut document, "spec/runtime/envs", envs);
        }
        if let Some(lifecycle) = &self.lifecycle {
            member::set(&mut document, "spec/lifecycle", lifecycle.clone());
            for other in ["spec/runtime/ttl", "spec/runtime/expires"] {
                member::remove(&mut document, other);
            }
        }
        let checked = (SANDBOXES.check)(&document);
        checked.map_err(ErrorResponse::bad_request)?;
        Ok(document)
    }

    /// Returns the application that runs the spec of a sandbox.
    fn application(&self, sandbox: &Value) -> Value {
        let runtime = |name: &str| sandbox.get("runtime").and_then(|runtime| runtime.get(name));
        let members = [
            ("image", runtime("image").cloned()),
            ("memory", runtime("memory").cloned()),
            ("envs", self.envs(sandbox)),
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

impl Origin {
    /// Returns the current state of a sandbox.
    fn live(call: &Call, store: &OpenStore, sandbox: &Record) -> Result<Self, ErrorResponse> {
        let contents = call.engine.guests.contents_of(store, &sandbox.name);
        Ok(Self {
            spec: sandbox.document.get("spec").cloned().unwrap_or_default(),
            contents: contents.map_err(not_copied)?,
        })
    }

    /// Returns the state of a snapshot. As long as its sandbox exists, the members that do not describe the machine are
    /// taken from there.
    fn stored(store: &OpenStore, taken: &Record) -> Result<Self, ErrorResponse> {
        require_ready(store, taken)?;
        let mut document = Document::new();
        if let Some(source) = snapshot::source(store.rows(), taken) {
            let spec = source.document.get("spec").cloned();
            document.insert("spec".to_owned(), spec.unwrap_or_default());
        }
        for (own, path) in snapshot::MACHINE {
            match member::get(&taken.document, own) {
                Some(value) => member::set(&mut document, path, value.clone()),
                None => {
                    member::remove(&mut document, path);
                }
            }
        }
        Ok(Self {
            spec: document.remove("spec").unwrap_or_else(|| json!({})),
            contents: taken.contents.snapshot().map_err(not_copied)?,
        })
    }
}

fn fork_sandbox(call: &Call) -> HandlerResult {
    let mut request = ForkRequest::read(call)?;
    let name = call.path(SANDBOXES.parameter);
    let mut store = call.engine.store.open();
    let sandbox = running(&store, name)?;
    let origin = match &request.snapshot {
        None => Origin::live(call, &store, sandbox)?,
        Some(wanted) => {
            let taken = find_own(&store, sandbox, wanted)?;
            let origin = Origin::stored(&store, taken)?;
            request.snapshot = Some(taken.name.clone());
            origin
        }
    };
    // An application can return to an older revision, so its snapshot is kept.
    if request.is_application && request.snapshot.is_none() {
        let copy = origin.contents.snapshot().map_err(not_copied)?;
        let taken = (name, copy);
        request.snapshot = Some(take(call, &mut store, taken, None)?);
    }
    fork(call, &mut store, &request, origin)
}

fn fork_snapshot(call: &Call) -> HandlerResult {
    let mut request = ForkRequest::read(call)?;
    let mut store = call.engine.store.open();
    let taken = store.get(&Collection::top(&SNAPSHOTS), call.path(SNAPSHOTS.parameter));
    let taken = taken.ok_or_else(|| not_found(&SNAPSHOTS))?;
    request.snapshot = Some(taken.name.clone());
    let origin = Origin::stored(&store, taken)?;
    fork(call, &mut store, &request, origin)
}

fn fork(
    call: &Call,
    store: &mut OpenStore,
    request: &ForkRequest,
    origin: Origin,
) -> HandlerResult {
    let kind = if request.is_application {
        deploy(call, store, request, &origin.spec)?;
        "application"
    } else {
        let document = request.sandbox(origin.spec)?;
        let collection = Collection::top(&SANDBOXES);
        if !store.create(&collection, &request.name, document, &call.author()) {
            return Err(taken(&SANDBOXES, &request.name));
        }
        if let Some(fork) = store.modify(&collection, &request.name) {
            fork.contents = origin.contents;
        }
        "sandbox"
    };
    let mut response = json!({"name": request.name, "type": kind});
    if let Some(snapshot) = &request.snapshot {
        response["snapshotId"] = snapshot.as_str().into();
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
    let mut next = Document::clone(&present.document);
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
