//! Manifests are applied in order, each has a result, and members without a type arrive.

use std::sync::{Arc, Mutex};

use blaxel_core::{Body, Error};
use blaxel_emulator::{Emulator, Fault};
use blaxel_management::agents::Agent;
use blaxel_management::manifests::{ManifestReport, ManifestResult, Manifests};
use blaxel_management::sandboxes::PreviewToken;
use blaxel_management::{Management, Outcome};
use http::StatusCode;
use serde_json::{Value, json};

/// Each kind, in an order in which they cannot be applied.
const ALL: &str = r#"
kind: PreviewToken
metadata: {name: guest, resourceName: dev, previewName: web}
spec: {expiresAt: "2030-01-01T00:00:00Z"}
---
kind: Preview
metadata: {name: web, resourceName: dev}
spec: {port: 3000, public: false}
---
kind: Sandbox
metadata: {name: dev}
spec: {runtime: {image: "blaxel/base-image:latest"}}
---
kind: Job
metadata: {name: nightly}
spec: {runtime: {image: "job:1"}}
---
kind: Application
metadata: {name: site}
spec: {runtime: {image: "site:1"}}
---
apiVersion: blaxel.ai/v1alpha1
kind: Agent
metadata: {name: bot}
spec: {runtime: {image: "bot:1"}}
---
kind: Function
metadata: {name: tools}
spec: {runtime: {image: "tools:1"}}
---
kind: Model
metadata: {name: fast}
spec: {runtime: {type: openai, model: gpt-4o}}
---
kind: Drive
metadata: {name: handbook}
spec: {region: us-pdx-1}
---
kind: Volume
metadata: {name: data}
spec: {size: 1024}
---
kind: VolumeTemplate
metadata: {name: base}
spec: {defaultSize: 1024}
---
kind: IntegrationConnection
metadata: {name: openai}
spec: {integration: openai, secret: {apiKey: sk}}
---
kind: Policy
metadata: {name: eu}
spec: {type: location, locations: [{type: location, name: us-pdx-1}]}
"#;

fn lines<T>(report: &ManifestReport<T>) -> Vec<String>
where
    ManifestResult<T>: ToString,
{
    report.results().iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn every_kind_is_created_and_then_configured() {
    let emulator = Emulator::offline();
    let management = Management::new(emulator.service()).with_region("us-pdx-1");
    let manifests = Manifests::parse(ALL).unwrap();
    let report = management.apply_manifests(&manifests).await;
    // The server creates a volume template that does not exist when it is replaced.
    assert_eq!(
        lines(&report),
        [
            "VolumeTemplate base: configured",
            "IntegrationConnection openai: created",
            "Policy eu: created",
            "Model fast: created",
            "Drive handbook: created",
            "Volume data: created",
            "Function tools: created",
            "Sandbox dev: created",
            "Job nightly: created",
            "Application site: created",
            "Agent bot: created",
            "Preview web: created",
            "PreviewToken guest: created"
        ]
    );
    let results = report.into_result().unwrap();
    let token = results.last().unwrap().outcome.clone().unwrap();
    let Outcome::Created(token) = token else {
        panic!("{token:?}")
    };
    let value = token.as_json()["spec"]["token"].as_str().unwrap();
    assert!(
        !format!("{results:?}").contains(value),
        "the token is printed"
    );
    assert!(token.decode::<PreviewToken>().unwrap().spec.token.is_some());
    // The default region applies to what names none.
    let volume = management.volumes().get("data").await.unwrap();
    assert_eq!(volume.spec.region.as_deref(), Some("us-pdx-1"));

    let report = management.apply_manifests(&manifests).await;
    let again = lines(&report);
    assert!(
        again.contains(&"IntegrationConnection openai: unchanged".to_owned()),
        "{again:?}"
    );
    assert!(
        again.contains(&"Sandbox dev: configured".to_owned()),
        "{again:?}"
    );
    assert!(
        again.contains(&"Agent bot: configured".to_owned()),
        "{again:?}"
    );
    assert!(
        again.contains(&"PreviewToken guest: unchanged".to_owned()),
        "{again:?}"
    );
    assert!(report.is_success(), "{again:?}");
}

#[tokio::test]
async fn a_manifest_that_fails_does_not_stop_the_others() {
    let emulator = Emulator::offline();
    let management = Management::new(emulator.service());
    let refused = Fault::json(StatusCode::FORBIDDEN, json!({"error": "no"}));
    emulator.fault("UpdateModel", refused.clone(), 1).unwrap();
    emulator.fault("UpdateJob", refused, 1).unwrap();
    let text = "{kind: Agent, metadata: {name: bot}, spec: {runtime: {image: 'bot:1'}}}\n---\n\
        {kind: Job, metadata: {name: nightly}, spec: {}}\n---\n\
        {kind: Model, metadata: {name: fast}, spec: {}}\n";
    let report = management
        .apply_manifests(&Manifests::parse(text).unwrap())
        .await;
    let found = lines(&report);
    assert!(
        found[0].starts_with("Model fast: failed: UpdateModel: 403"),
        "{found:?}"
    );
    assert_eq!(found[1], "Agent bot: created");
    assert_eq!((report.failed().count(), report.is_success()), (2, false));
    let error = report.into_result().unwrap_err();
    assert!(error.is_forbidden());
    assert!(
        error.to_string().contains("Model fast (and 1 more)"),
        "{error}"
    );
}

#[tokio::test]
async fn every_kind_is_deleted_in_reverse_and_then_absent() {
    let emulator = Emulator::offline();
    let management = Management::new(emulator.service()).with_region("us-pdx-1");
    let manifests = Manifests::parse(ALL).unwrap();
    let applied = management.apply_manifests(&manifests).await;
    applied.into_result().unwrap();
    let report = management.delete_manifests(&manifests).await;
    let found = lines(&report);
    assert_eq!(
        found,
        [
            "PreviewToken guest: deleted",
            "Preview web: deleted",
            "Agent bot: deleted",
            "Application site: deleted",
            "Job nightly: deleted",
            "Sandbox dev: deleted",
            "Function tools: deleted",
            "Volume data: deleted",
            "Drive handbook: deleted",
            "Model fast: deleted",
            "Policy eu: deleted",
            "IntegrationConnection openai: deleted",
            "VolumeTemplate base: deleted",
        ]
    );
    assert!(management.agents().find("bot").await.unwrap().is_none());
    assert!(management.volumes().find("data").await.unwrap().is_none());
    let again = management.delete_manifests(&manifests).await;
    assert!(again.is_success(), "{:?}", lines(&again));
    assert_eq!(lines(&again)[2], "Agent bot: absent");
}

#[tokio::test]
async fn a_deletion_that_fails_does_not_stop_the_others() {
    let emulator = Emulator::offline();
    let management = Management::new(emulator.service());
    let text = "{kind: Agent, metadata: {name: bot}, spec: {runtime: {image: 'bot:1'}}}\n---\n\
        {kind: Model, metadata: {name: fast}, spec: {runtime: {type: openai, model: gpt-4o}}}\n";
    let manifests = Manifests::parse(text).unwrap();
    let applied = management.apply_manifests(&manifests).await;
    applied.into_result().unwrap();
    let refused = Fault::json(StatusCode::FORBIDDEN, json!({"error": "no"}));
    emulator.fault("DeleteAgent", refused, 1).unwrap();
    let report = management.delete_manifests(&manifests).await;
    let found = lines(&report);
    assert!(
        found[0].starts_with("Agent bot: failed: DeleteAgent: 403"),
        "{found:?}"
    );
    assert_eq!(found[1], "Model fast: deleted");
    let error = report.into_result().unwrap_err();
    assert!(error.is_forbidden(), "{error}");
    assert!(error.to_string().contains("Agent bot"), "{error}");
}

#[tokio::test]
async fn members_without_a_type_are_sent() {
    let bodies: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
    let log = Arc::clone(&bodies);
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let body = request.body().bytes().unwrap_or_default();
        let body = serde_json::from_slice(&body).unwrap();
        log.lock()
            .unwrap()
            .push((request.method().to_string(), body));
        let is_first = log.lock().unwrap().len() == 1;
        async move {
            let status = if is_first { 404 } else { 200 };
            let body =
                Body::from(r#"{"metadata": {"name": "bot"}, "spec": {}, "status": "DEPLOYED"}"#);
            Ok::<_, Error>(http::Response::builder().status(status).body(body).unwrap())
        }
    });
    let text =
        "apiVersion: v1\nkind: Agent\nmetadata: {name: bot}\nspec: {novel: {a: [1]}}\nodd: true\n";
    let manifests = Manifests::parse(text).unwrap();
    let outcome = Management::new(service)
        .apply_manifest(manifests.iter().next().unwrap())
        .await;
    let outcome = outcome.unwrap();
    assert!(outcome.is_created());
    let agent: Agent = outcome.into_resource().decode().unwrap();
    assert_eq!(agent.metadata.name, "bot");
    let sent = json!({"metadata": {"name": "bot"}, "spec": {"novel": {"a": [1]}}, "odd": true});
    let expected = [("PUT".to_owned(), sent.clone()), ("POST".to_owned(), sent)];
    assert_eq!(*bodies.lock().unwrap(), expected);
}
