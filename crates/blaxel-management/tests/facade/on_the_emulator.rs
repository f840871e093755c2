//! The Management API on the emulator's in-memory service.

use blaxel_core::{
    ApiVersion, Body, Error, HttpService, ListParams, Plane, Sort, Total, open, raw_request,
};
use blaxel_emulator::{Emulator, Failure, Fault, LocalService};
use blaxel_management::agents::Agent;
use blaxel_management::workload::EnvVariable;
use blaxel_management::{ItemsExt, Management};
use http::StatusCode;
use serde_json::{Value, json};
use tower::util::MapRequest;

/// Returns a handle on an emulator.
fn management_on(emulator: &Emulator) -> Management<LocalService> {
    Management::new(emulator.service())
}

/// A service that pins the API version of every request.
fn pinned(emulator: &Emulator, version: &'static str) -> impl HttpService {
    MapRequest::new(
        emulator.service(),
        move |mut request: http::Request<Body>| {
            let version = http::HeaderValue::from_static(version);
            request.headers_mut().insert("blaxel-version", version);
            request
        },
    )
}

#[tokio::test]
async fn an_agent_is_created_read_and_deleted() {
    let emulator = Emulator::offline();
    let agents = management_on(&emulator).agents();
    let draft = Agent::new("bot")
        .image("demo:1")
        .env(EnvVariable::plain("MODE", "fast"));

    let made = agents.create(&draft).await.unwrap();
    assert_eq!(
        made.metadata.workspace.as_deref(),
        Some(emulator.workspace())
    );
    assert!(made.metadata.created_at.is_some());
    assert!(agents.create(&draft).await.unwrap_err().is_conflict());

    let read = agents.get("bot").await.unwrap();
    assert_eq!(read, made);

    let deleted = agents.delete("bot").await.unwrap();
    assert_eq!(deleted.metadata.name, "bot");
    assert!(agents.get("bot").await.unwrap_err().is_not_found());
    assert_eq!(agents.find("bot").await.unwrap(), None);
    assert_eq!(agents.delete_if_present("bot").await.unwrap(), None);
}

#[tokio::test]
async fn a_walk_by_label_reads_every_page_and_returns_items_with_all_labels() {
    let emulator = Emulator::offline();
    let agents = management_on(&emulator).agents();
    for (name, team, stage) in [
        ("a", "care", "live"),
        ("b", "sales", "live"),
        ("c", "care", "test"),
        ("d", "care", "live"),
        ("e", "", "live"),
    ] {
        let agent = Agent::new(name).image("demo:1").label("stage", stage);
        let agent = match team {
            "" => agent,
            team => agent.label("team", team),
        };
        agents.create(&agent).await.unwrap();
    }
    let params = || ListParams::new().limit(2).sort(Sort::NameAscending);
    let care = || agents.items_with(&params()).with_label("team", "care");
    for (mut items, expected) in [
        (care(), vec!["a", "c", "d"]),
        (care().with_label("stage", "live"), vec!["a", "d"]),
        (care().with_label("stage", "gone"), vec![]),
    ] {
        emulator.clear_journal();
        let mut names = Vec::new();
        while let Some(agent) = items.try_next().await.unwrap() {
            names.push(agent.metadata.name);
        }
        assert_eq!(names, expected);
        assert_eq!(emulator.journal().len(), 3, "pages of two of five");
    }

    // The walk can be stopped and resumed like any other.
    let mut items = care();
    items.try_next().await.unwrap();
    let mut items = care().resume(items.checkpoint());
    let second = items.try_next().await.unwrap().unwrap();
    assert_eq!(second.metadata.name, "c");
}

/// Stores a document with members that the SDK has no type for, without the facade.
async fn put_raw(emulator: &Emulator, name: &str, document: &Value) {
    let mut request = http::Request::put(format!("/agents/{name}"));
    request = request.header("content-type", "application/json");
    let request = request.body(document.to_string()).unwrap();
    let request = raw_request(Plane::Control, request).unwrap();
    open(&emulator.service(), request).await.unwrap();
}

/// Reads a document without the facade.
async fn get_raw(emulator: &Emulator, name: &str) -> Value {
    let request = http::Request::get(format!("/agents/{name}"))
        .body("")
        .unwrap();
    let request = raw_request(Plane::Control, request).unwrap();
    let response = open(&emulator.service(), request).await.unwrap();
    let body = blaxel_core::response::collect(response.into_body(), 1 << 20)
        .await
        .unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn modify_writes_the_changes_and_preserves_untyped_members() {
    let emulator = Emulator::offline();
    let agents = management_on(&emulator).agents();
    agents.create(&Agent::new("bot")).await.unwrap();
    let document = json!({
        "metadata": {"name": "bot", "futureLabel": {"a": null}},
        "spec": {
            "runtime": {"image": "demo:1", "gpu": "one"},
            "triggers": [{"id": "t1", "type": "cron", "novel": 1}, {"id": "t2", "type": "http"}],
            "sidecar": {"image": "x"}
        },
        "experimental": true
    });
    put_raw(&emulator, "bot", &document).await;
    let before = get_raw(&emulator, "bot").await;

    let changed = agents
        .modify("bot", |agent| {
            agent.runtime_mut().image = Some("demo:2".to_owned());
            agent.spec.triggers.as_mut().unwrap().remove(1);
        })
        .await
        .unwrap();
    assert_eq!(
        changed.spec.runtime.unwrap().image.as_deref(),
        Some("demo:2")
    );

    let mut expected = before;
    expected["spec"]["runtime"]["image"] = json!("demo:2");
    expected["spec"]["triggers"] = json!([{"id": "t1", "type": "cron", "novel": 1}]);
    let mut after = get_raw(&emulator, "bot").await;
    // The server records the change here.
    expected["metadata"]["updatedAt"] = after["metadata"]["updatedAt"].take();
    after["metadata"]["updatedAt"] = expected["metadata"]["updatedAt"].clone();
    expected["events"] = after["events"].clone();
    assert_eq!(after, expected);
}

#[tokio::test]
async fn modify_writes_nothing_without_a_change_and_refuses_a_new_name() {
    let emulator = Emulator::offline();
    let agents = management_on(&emulator).agents();
    agents.create(&Agent::new("bot")).await.unwrap();
    emulator.clear_journal();
    agents.modify("bot", |_| {}).await.unwrap();
    let rename = agents
        .modify("bot", |agent| agent.metadata.name = "other".to_owned())
        .await;
    assert!(rename.unwrap_err().is_input());
    let methods: Vec<_> = emulator
        .journal()
        .into_iter()
        .map(|entry| entry.method)
        .collect();
    assert_eq!(methods, ["GET", "GET"]);
}

#[tokio::test]
async fn a_walk_returns_the_items_of_all_pages_in_order() {
    let emulator = Emulator::offline();
    for number in 0..25 {
        emulator.add_agent(&format!("agent-{number:02}"));
    }
    let agents = management_on(&emulator).agents();
    let params = ListParams::new().limit(4).sort(Sort::NameAscending);

    let mut items = agents.items_with(&params);
    let mut names = Vec::new();
    while let Some(agent) = items.try_next().await.unwrap() {
        names.push(agent.metadata.name);
    }
    let expected: Vec<_> = (0..25).map(|number| format!("agent-{number:02}")).collect();
    assert_eq!(names, expected);

    let page = agents.list_with(&params).await.unwrap();
    assert_eq!(
        (page.items.len(), page.meta.total()),
        (4, Some(Total::Exact(25)))
    );
    assert!(page.meta.next_cursor().is_some());
}

#[tokio::test]
async fn a_walk_can_retry_a_failed_page() {
    let emulator = Emulator::offline();
    let models = management_on(&emulator).models();
    let all = models.list().await.unwrap().items.len();
    let mut items = models.items_with(&ListParams::new().limit(2));
    let mut count = 0;
    for _ in 0..2 {
        items.try_next().await.unwrap().unwrap();
        count += 1;
    }
    emulator
        .fault("ListModels", Fault::html(StatusCode::BAD_GATEWAY), 1)
        .unwrap();
    let error = items.try_next().await.unwrap_err();
    assert!(
        error.is_transient() && error.to_string().starts_with("ListModels: 502"),
        "{error}"
    );
    while items.try_next().await.unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, all);
}

#[tokio::test]
async fn an_expired_or_foreign_cursor_is_an_error_and_not_the_end() {
    let emulator = Emulator::offline();
    let models = management_on(&emulator).models();
    let page = models.list_with(&ListParams::new().limit(2)).await.unwrap();
    let cursor = page.meta.next_cursor().unwrap().clone();
    let foreign = ListParams::new()
        .limit(2)
        .sort(Sort::NameAscending)
        .cursor(cursor.clone());
    assert_eq!(
        models
            .list_with(&foreign)
            .await
            .unwrap_err()
            .status()
            .unwrap(),
        400
    );
    emulator
        .clock()
        .advance(std::time::Duration::from_secs(25 * 3600));
    let expired = ListParams::new().limit(2).cursor(cursor);
    assert_eq!(
        models.list_with(&expired).await.unwrap_err().code(),
        Some("invalid_cursor")
    );
}

#[tokio::test]
async fn a_bare_array_of_the_oldest_api_version_is_one_page() {
    let emulator = Emulator::offline();
    let models = Management::new(pinned(&emulator, "2026-04-16")).models();
    let page = models.list_with(&ListParams::new().limit(2)).await.unwrap();
    assert!(page.items.len() > 2 && page.meta.next_cursor().is_none());
}

#[tokio::test]
async fn the_error_for_an_unknown_version_lists_the_supported_ones() {
    let emulator = Emulator::offline();
    let models = Management::new(pinned(&emulator, "2026-99-99")).models();
    let error = models.list().await.unwrap_err();
    assert!(error.is_unknown_version());
    assert!(
        error.offered_versions().contains(&ApiVersion::DEFAULT),
        "{error}"
    );
}

/// The promise: no request is sent whose arguments the client can recognize as invalid.
#[tokio::test]
async fn invalid_arguments_send_no_request() {
    let emulator = Emulator::offline();
    let agents = management_on(&emulator).agents();
    for error in [
        agents
            .list_with(&ListParams::new().limit(0))
            .await
            .unwrap_err(),
        agents.get("").await.unwrap_err(),
        agents.delete("..").await.unwrap_err(),
    ] {
        assert!(Error::is_input(&error), "{error}");
    }
    assert!(emulator.journal().is_empty());
}

#[tokio::test]
async fn names_cannot_change_the_path() {
    let emulator = Emulator::offline();
    let error = management_on(&emulator)
        .agents()
        .get("../models/sandbox-openai")
        .await
        .unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(
        emulator.journal()[0].path,
        "/v0/agents/..%2Fmodels%2Fsandbox-openai"
    );
}

#[cfg(feature = "observability")]
#[tokio::test]
async fn a_walk_returns_the_logs_of_more_tasks_than_a_response_has_entries() {
    use blaxel_core::Timestamp;
    use blaxel_management::logs::LogQuery;
    use std::time::Duration;

    let emulator = Emulator::offline();
    emulator.add("jobs", "nightly").unwrap();
    let (start, _) = emulator.clock().now().unix().unwrap();
    let sent = json!({"tasks": vec![json!({}); 1200]}).to_string();
    let request = http::Request::post("/jobs/nightly/executions")
        .header("content-type", "application/json")
        .body(Body::from(sent))
        .unwrap();
    let request = raw_request(Plane::Control, request).unwrap();
    let started = tower::ServiceExt::oneshot(emulator.service(), request);
    let started = started.await.unwrap();
    assert_eq!(started.status(), StatusCode::OK);
    emulator.clock().advance(Duration::from_secs(3600));
    let time = |seconds| Timestamp::from_unix(seconds, 0);
    let query = LogQuery::jobs(["nightly"])
        .search("The task ")
        .since(time(start))
        .until(time(start + 3600));
    let management = management_on(&emulator);
    let response = management.logs(&query).await.unwrap();
    let logs = &response["nightly"];
    assert_eq!(logs.logs.as_ref().map(Vec::len), Some(1000));
    assert_eq!(logs.total_count, Some(2400), "each task begins and ends");
    let walked = management.log_pages(&query).items().into_vec().await;
    assert_eq!(walked.unwrap().len(), 2400);
}

#[cfg(all(feature = "observability", feature = "wait"))]
#[tokio::test(start_paused = true)]
async fn followed_logs_are_those_of_the_walk_the_oldest_first() {
    use blaxel_core::Timestamp;
    use blaxel_management::logs::LogQuery;
    use std::time::Duration;

    let emulator = Emulator::offline();
    emulator.add_agent("bot");
    let (start, _) = emulator.clock().now().unix().unwrap();
    emulator.clock().advance(Duration::from_secs(7200));
    let time = |seconds| Timestamp::from_unix(seconds, 0);
    let query = LogQuery::agents(["bot"])
        .since(time(start))
        .until(time(start + 3600));
    let management = management_on(&emulator);
    let mut walked = management
        .log_pages(&query)
        .items()
        .into_vec()
        .await
        .unwrap();
    walked.reverse();
    assert!(walked.len() > 5, "{}", walked.len());

    // Smaller responses than entries, so that the time is divided.
    let mut logs = management.follow_logs(&query.limit(3));
    let mut followed = Vec::new();
    while let Some(log) = logs.try_next().await.unwrap() {
        assert_eq!(log.workload, "bot");
        followed.push(log.entry);
    }
    assert_eq!(followed, walked);
}

#[cfg(feature = "storage")]
#[tokio::test]
async fn a_resource_is_created_or_returned_as_it_is() {
    use blaxel_management::Megabytes;
    use blaxel_management::drives::Drive;
    use blaxel_management::volumes::Volume;

    let emulator = Emulator::offline();
    let management = management_on(&emulator);
    let volumes = management.volumes();
    let draft = Volume::new("data")
        .size(Megabytes::new(2048))
        .with_default_size();
    assert!(volumes.get_or_create(&draft).await.unwrap().is_created());
    let found = volumes.get_or_create(&Volume::new("data").size(1)).await;
    let found = found.unwrap();
    assert!(!found.is_created());
    assert_eq!(found.into_resource().spec.size, Some(Megabytes::new(2048)));

    // It is deleted between the two requests.
    let drives = management.drives();
    let taken = json!({"code": "DRIVE_ALREADY_EXISTS", "error": "taken"});
    let taken = Fault::json(StatusCode::BAD_REQUEST, taken);
    emulator.fault("CreateDrive", taken.clone(), 1).unwrap();
    let drive = drives.get_or_create(&Drive::new("files")).await.unwrap();
    assert!(drive.is_created());

    emulator.fault("CreateDrive", taken, 2).unwrap();
    let error = drives
        .get_or_create(&Drive::new("other"))
        .await
        .unwrap_err();
    assert!(error.is_not_found());
    assert!(drives.get_or_create(&Drive::new("")).await.is_err());
}

#[cfg(feature = "wait")]
#[tokio::test(start_paused = true)]
async fn the_failure_before_an_update_is_not_taken_for_its_result() {
    use blaxel_emulator::Incident;
    use blaxel_management::{Status, Wait};

    let emulator = Emulator::offline();
    let agents = management_on(&emulator).agents();
    emulator
        .fail_next(Failure::deployment("agents", "bot"))
        .unwrap();
    agents
        .create(&Agent::new("bot").image("demo:1"))
        .await
        .unwrap();
    let before = agents.get("bot").await.unwrap();
    assert_eq!(before.status, Some(Status::Failed));
    agents
        .apply(&Agent::new("bot").image("demo:2"))
        .await
        .unwrap();

    let wait = async |wait: Wait| {
        emulator.incident(Incident::StaleFailure);
        let is_deployed = |agent: &Agent| agent.status == Some(Status::Deployed);
        agents.wait_until("bot", &wait, is_deployed).await
    };
    assert!(wait(Wait::new()).await.unwrap_err().is_failed());
    assert!(wait(Wait::new().since(&before)).await.is_ok());
}

#[cfg(feature = "catalog")]
#[tokio::test]
async fn an_applied_connection_is_created_or_kept() {
    use blaxel_management::Outcome;
    use blaxel_management::integrations::IntegrationConnection;

    let emulator = Emulator::offline();
    let connections = management_on(&emulator).integration_connections();
    let connection = IntegrationConnection::to("key", "openai");
    let made = connections.apply(&connection).await.unwrap();
    assert!(made.is_created());
    let kept = connections.apply(&connection.display_name("Key")).await;
    assert!(
        matches!(kept.unwrap(), Outcome::Unchanged(kept) if kept.metadata.display_name.is_none())
    );
}
