//! Forks of sandboxes and snapshots: other sandboxes, and revisions of applications.

use axum::Json;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use http::Method;

use super::access_level::AccessLevel;
use super::body;
use super::call::Call;
use super::copies::Original;
use super::records::{not_found, taken};
use super::route::{HandlerResult, Route};
use super::snapshots::{find_own, require_ready, running, take};
use crate::errors::ErrorResponse;
use crate::state::{
    APPLICATIONS, Collection, Contents, Document, OpenStore, Record, SANDBOXES, SNAPSHOTS, member,
    snapshot,
};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new_async(
            "ForkSandbox",
            Method::POST,
            ["/v0/sandboxes/{sandboxName}/fork"],
            AccessLevel::Workspace,
            async |call| fork(&call, of_sandbox).await,
        ),
        Route::new_async(
            "ForkSnapshot",
            Method::POST,
            ["/v0/snapshots/{snapshotName}/fork"],
            AccessLevel::Workspace,
            async |call| fork(&call, of_snapshot).await,
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
    contents: Original,
}

/// Finds the origin of a fork, and sets the id of its snapshot in the request.
type Find = fn(&Call, &OpenStore, &mut ForkRequest) -> Result<Origin, ErrorResponse>;

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

    /// Checks that a sandbox with this spec can be created. Applications are not checked.
    fn check(&self, store: &OpenStore, spec: Value) -> Result<(), ErrorResponse> {
        if self.is_application {
            return Ok(());
        }
        self.sandbox(spec)?;
        let present = store.get(&Collection::top(&SANDBOXES), &self.name);
        match present.is_some_and(|present| !present.timeline.is_terminated(store.now())) {
            true => Err(taken(&SANDBOXES, &self.name)),
            false => Ok(()),
        }
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
    fn live(call: &Call, store: &OpenStore, sandbox: &Record) -> Self {
        Self {
            spec: sandbox.document.get("spec").cloned().unwrap_or_default(),
            contents: Original::sandbox(call, store, sandbox),
        }
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
            contents: Original::snapshot(taken),
        })
    }
}

fn of_sandbox(
    call: &Call,
    store: &OpenStore,
    request: &mut ForkRequest,
) -> Result<Origin, ErrorResponse> {
    let sandbox = running(store, call.path(SANDBOXES.parameter))?;
    let Some(wanted) = &request.snapshot else {
        return Ok(Origin::live(call, store, sandbox));
    };
    let taken = find_own(store, sandbox, wanted)?;
    request.snapshot = Some(taken.name.clone());
    Origin::stored(store, taken)
}

fn of_snapshot(
    call: &Call,
    store: &OpenStore,
    request: &mut ForkRequest,
) -> Result<Origin, ErrorResponse> {
    let taken = store.get(&Collection::top(&SNAPSHOTS), call.path(SNAPSHOTS.parameter));
    let taken = taken.ok_or_else(|| not_found(&SNAPSHOTS))?;
    request.snapshot = Some(taken.name.clone());
    Origin::stored(store, taken)
}

async fn fork(call: &Call, find: Find) -> HandlerResult {
    let mut request = ForkRequest::read(call)?;
    let original = {
        let store = call.engine.store.open();
        let Origin { spec, contents } = find(call, &store, &mut request)?;
        request.check(&store, spec)?;
        // An application that runs a snapshot has its contents already.
        let is_copied = !request.is_application || request.snapshot.is_none();
        is_copied.then_some(contents)
    };
    let mut copy = match original {
        Some(original) => Some(original.copy().await?),
        None => None,
    };
    let mut store = call.engine.store.open();
    let spec = find(call, &store, &mut request)?.spec;
    request.check(&store, spec.clone())?;
    let contents = match &mut copy {
        Some(copy) => copy.take(&store)?,
        None => Contents::default(),
    };
    let kind = if request.is_application {
        // An application can return to an older revision, so its snapshot is kept.
        if request.snapshot.is_none() {
            let taken = (call.path(SANDBOXES.parameter), contents);
            request.snapshot = Some(take(call, &mut store, taken, None)?);
        }
        deploy(call, &mut store, &request, &spec)?;
        "application"
    } else {
        let document = request.sandbox(spec)?;
        let collection = Collection::top(&SANDBOXES);
        if !store.create(&collection, &request.name, document, &call.author()) {
            return Err(taken(&SANDBOXES, &request.name));
        }
        if let Some(fork) = store.modify(&collection, &request.name) {
            fork.contents = contents;
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
