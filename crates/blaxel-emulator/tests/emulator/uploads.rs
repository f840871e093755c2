//! Uploads: a URL without a credential, valid once and for 15 minutes.

use std::time::Duration;

use blaxel_emulator::{Emulator, Failure};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Reply, ask, get, post};

const BUILD: Duration = Duration::from_secs(2);

fn document(collection: &str) -> Value {
    let spec = if collection == "applications" {
        json!({"image": "x"})
    } else {
        json!({"runtime": {"image": "x", "memory": 1}})
    };
    json!({"metadata": {"name": "a"}, "spec": spec})
}

fn address(reply: &Reply) -> String {
    reply.header("x-blaxel-upload-url").unwrap().to_owned()
}

/// Uploads an archive as clients do: with a content type and no other header.
async fn upload(emulator: &Emulator, address: &str) -> Reply {
    let archive = ask(Method::PUT, address).bytes("PK\u{3}\u{4} an archive");
    archive
        .header("content-type", "application/zip")
        .on(emulator)
        .await
}

async fn status(emulator: &Emulator, path: &str) -> Value {
    get(path).on(emulator).await.expect(200)["status"].clone()
}

#[tokio::test]
async fn an_upload_is_built_and_deployed() {
    let step = Duration::from_secs(10);
    for collection in ["sandboxes", "agents", "functions", "jobs", "applications"] {
        let emulator = Emulator::builder().deploy_time(step).build();
        let one = format!("/{collection}/a");
        let create = post(format!("/{collection}?upload=true"), &document(collection));
        let made = create.on(&emulator).await;
        assert_eq!(made.expect(200)["status"], "UPLOADING", "{collection}");
        assert!(address(&made).starts_with(&emulator.url().replace("/v0", "/uploads/")));
        emulator.clock().advance(step * 3);
        assert_eq!(status(&emulator, &one).await, "UPLOADING");

        assert_eq!(upload(&emulator, &address(&made)).await.status, 200);
        assert_eq!(status(&emulator, &one).await, "BUILDING");
        emulator.clock().advance(BUILD);
        assert_eq!(status(&emulator, &one).await, "DEPLOYING");
        emulator.clock().advance(step);
        assert_eq!(status(&emulator, &one).await, "DEPLOYED");

        // The same for an existing resource.
        let update = ask(Method::PUT, format!("{one}?upload=true")).json(&document(collection));
        let updated = update.on(&emulator).await;
        assert_eq!(updated.expect(200)["status"], "UPLOADING");
        emulator
            .fail_next(Failure::deployment(collection, "a"))
            .unwrap();
        assert_eq!(upload(&emulator, &address(&updated)).await.status, 200);
        emulator.clock().advance(BUILD + step);
        assert_eq!(status(&emulator, &one).await, "FAILED");
    }
}

#[tokio::test]
async fn an_upload_url_is_returned_only_on_request() {
    let emulator = Emulator::offline();
    for uri in ["/agents", "/agents/a?upload=false", "/agents/a"] {
        let method = if uri == "/agents" {
            Method::POST
        } else {
            Method::PUT
        };
        let reply = ask(method, uri)
            .json(&document("agents"))
            .on(&emulator)
            .await;
        assert_eq!(reply.expect(200)["status"], "DEPLOYED");
        assert_eq!(reply.header("x-blaxel-upload-url"), None, "{uri}");
    }
    let drive = json!({"metadata": {"name": "d"}, "spec": {}});
    let reply = post("/drives?upload=true", &drive).on(&emulator).await;
    assert_eq!(reply.expect(200)["status"], "DEPLOYED");
    assert_eq!(reply.header("x-blaxel-upload-url"), None);
}

#[tokio::test]
async fn an_upload_url_is_valid_once_and_for_15_minutes() {
    let emulator = Emulator::offline();
    let open = async |n: u64| {
        let mut sent = document("agents");
        sent["metadata"]["name"] = format!("a-{n}").into();
        address(&post("/agents?upload=true", &sent).on(&emulator).await)
    };
    let used = open(1).await;
    assert_eq!(upload(&emulator, &used).await.status, 200);
    upload(&emulator, &used).await.control_error(403);

    let (late, old) = (open(2).await, open(3).await);
    emulator.clock().advance(Duration::from_secs(900));
    assert_eq!(upload(&emulator, &late).await.status, 200);
    emulator.clock().advance(Duration::from_secs(1));
    upload(&emulator, &old).await.control_error(403);
    assert_eq!(status(&emulator, "/agents/a-3").await, "UPLOADING");

    let made_up = used.rsplit_once('/').unwrap().0.to_owned() + "/0123456789";
    upload(&emulator, &made_up).await.control_error(403);
}

/// A presigned URL is an authorization by itself. A client that sends a credential along leaks it.
#[tokio::test]
async fn an_upload_with_a_credential_is_rejected() {
    let emulator = Emulator::offline();
    let made = post("/agents?upload=true", &document("agents"))
        .on(&emulator)
        .await;
    for header in ["authorization", "x-blaxel-authorization"] {
        let bearer = format!("Bearer {}", emulator.api_key());
        let leak = ask(Method::PUT, address(&made))
            .header(header, &bearer)
            .bytes("zip");
        assert_eq!(leak.on(&emulator).await.control_error(403), "Forbidden");
    }
    assert_eq!(status(&emulator, "/agents/a").await, "UPLOADING");
    assert_eq!(upload(&emulator, &address(&made)).await.status, 200);

    // The URL is a secret too.
    let token = address(&made).rsplit_once('/').unwrap().1.to_owned();
    let journal = emulator.journal();
    assert!(!format!("{journal:?}").contains(&token));
    let put = journal
        .iter()
        .find(|entry| entry.operation.as_deref() == Some("PutArchive"));
    assert_eq!(put.unwrap().path, "/uploads/");
}

#[tokio::test]
async fn an_upload_for_a_removed_resource_changes_nothing() {
    let emulator = Emulator::offline();
    let made = post("/agents?upload=true", &document("agents"))
        .on(&emulator)
        .await;
    ask(Method::DELETE, "/agents/a")
        .on(&emulator)
        .await
        .expect(200);
    emulator.add_agent("a");
    let before = get("/agents/a").on(&emulator).await.expect(200);
    assert_eq!(upload(&emulator, &address(&made)).await.status, 200);
    assert_eq!(get("/agents/a").on(&emulator).await.expect(200), before);
}

#[tokio::test]
async fn an_archive_may_be_large() {
    let emulator = Emulator::offline();
    let made = post("/agents?upload=true", &document("agents"))
        .on(&emulator)
        .await;
    let archive = ask(Method::PUT, address(&made)).bytes(vec![0; 20 << 20]);
    assert_eq!(archive.on(&emulator).await.status, 200);
}

#[tokio::test]
async fn versions_of_volume_templates_are_uploaded() {
    let emulator = Emulator::offline();
    let template = json!({"metadata": {"name": "t"}, "spec": {"defaultSize": 10}});
    let one = "/volume_templates/t";
    // A PUT creates a missing template.
    let put = |query: &str| ask(Method::PUT, format!("{one}{query}")).json(&template);
    let made = put("").on(&emulator).await;
    assert_eq!(made.header("x-blaxel-upload-url"), None);
    let made = made.expect(200);
    assert_eq!(
        made["state"],
        json!({"status": "created", "versionCount": 0})
    );
    assert_eq!(made["versions"], json!([]));

    let first = put("?upload=true&version=v1").on(&emulator).await;
    let version = &first.expect(200)["versions"][0];
    assert_eq!(
        (&version["name"], &version["status"]),
        (&json!("v1"), &json!("CREATED"))
    );
    assert_eq!(version["templateName"], "t");
    assert_eq!(upload(&emulator, &address(&first)).await.status, 200);
    let second = put("?upload=true").on(&emulator).await;
    let document = second.expect(200);
    assert_eq!(document["versions"][0]["status"], "READY");
    assert_eq!(document["versions"][0]["contentSize"], 15);
    let state = &document["state"];
    assert_eq!(
        (&state["status"], &state["versionCount"]),
        (&json!("ready"), &json!(2))
    );
    assert_eq!(state["latestVersion"], "v1");
    assert_eq!(
        state["lastVersionUploadedAt"],
        emulator.clock().now().as_str()
    );
    assert_eq!(upload(&emulator, &address(&second)).await.status, 200);

    // Clients cannot set members of the server.
    let mut sent = document.clone();
    sent["versions"] = json!([]);
    sent["state"] = json!({"status": "error"});
    let kept = ask(Method::PUT, one)
        .json(&sent)
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(kept["versions"].as_array().unwrap().len(), 2);
    assert_eq!(kept["state"]["latestVersion"], kept["versions"][1]["name"]);

    let gone = ask(Method::DELETE, format!("{one}/versions/v1"))
        .on(&emulator)
        .await;
    let gone = gone.expect(200);
    assert!(gone["message"].is_string());
    assert_eq!(gone["template"]["state"]["versionCount"], 1);
    let again = ask(Method::DELETE, format!("{one}/versions/v1"))
        .on(&emulator)
        .await;
    assert_eq!(
        again.control_error(404),
        "Volume template version not found"
    );
    let again = ask(Method::DELETE, "/volume_templates/none/versions/v1")
        .on(&emulator)
        .await;
    assert_eq!(again.control_error(404), "Volume template not found");
}

/// The URL of a resource with labels for the machine of its build is signed for headers with their values.
#[tokio::test]
async fn an_upload_has_the_headers_that_its_url_is_signed_for() {
    let emulator = Emulator::offline();
    let mut sent = document("sandboxes");
    let long = "x".repeat(65);
    sent["metadata"]["labels"] = json!({
        "x-blaxel-build-memory": "8192",
        "x-blaxel-build-region": "us-was-1",
        "x-blaxel-builder": long,
        "x-blaxel-auto-generated": "true",
    });
    let made = post("/sandboxes?upload=true", &sent).on(&emulator).await;
    let address = address(&made);
    let (memory, region) = (
        "x-amz-meta-x-blaxel-build-memory",
        "x-amz-meta-x-blaxel-build-region",
    );
    let names = format!("?X-Amz-SignedHeaders=host%3B{memory}%3B{region}");
    assert!(address.ends_with(&names), "{address}");
    let put = async |headers: &[(&str, &str)]| {
        let put = ask(Method::PUT, address.as_str()).header("content-type", "application/zip");
        let put = headers
            .iter()
            .fold(put, |put, (name, value)| put.header(name, value));
        put.bytes("zip").on(&emulator).await
    };
    for wrong in [
        &[][..],
        &[(memory, "8192")],
        &[(memory, "8192"), (region, "us-pdx-1")],
        &[
            (memory, "8192"),
            (region, "us-was-1"),
            ("x-amz-meta-x-blaxel-builder", "x"),
        ],
    ] {
        assert_eq!(put(wrong).await.control_error(403), "Forbidden");
    }
    let right = [(memory, "8192"), (region, "us-was-1")];
    assert_eq!(
        put(&right).await.status,
        200,
        "a refused upload leaves the URL valid"
    );
    assert_eq!(put(&right).await.status, 403);
}

#[tokio::test]
async fn a_build_can_fail_and_has_a_log() {
    let log = async |emulator: &Emulator, name: &str| {
        let window = "start=2000-01-01T00:00:00&end=2000-01-02T00:00:00";
        let path =
            format!("/observability/logs?resourceType=sandboxes&workloadIds={name}&{window}");
        let logs = get(path).on(emulator).await.expect(200);
        let entries = logs[name]["logs"].as_array().unwrap().clone();
        let texts = entries.iter().rev();
        texts
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let start = blaxel_core::Timestamp::from_unix(946_684_800, 0);
    let emulator = Emulator::builder()
        .start_time(start)
        .deploy_time(BUILD)
        .build();
    let mut sent = document("sandboxes");
    sent["metadata"]["name"] = "dev".into();
    emulator
        .fail_next(Failure::build("sandboxes", "dev"))
        .unwrap();
    let made = post("/sandboxes?upload=true", &sent).on(&emulator).await;
    assert_eq!(upload(&emulator, &address(&made)).await.status, 200);
    assert_eq!(status(&emulator, "/sandboxes/dev").await, "BUILDING");
    let before = log(&emulator, "dev").await;
    assert_eq!(before.last().unwrap(), "#1 The archive is unpacked.");
    emulator.clock().advance(BUILD);
    assert_eq!(status(&emulator, "/sandboxes/dev").await, "FAILED");
    let after = log(&emulator, "dev").await;
    assert_eq!(after[..before.len()], before);
    assert!(
        after.last().unwrap().contains("The build has failed"),
        "{after:?}"
    );
    let image = get("/images/sandbox/dev").on(&emulator).await;
    assert_eq!(image.status, 404, "a failed build makes no image");

    // An image has a log of its own, under its name.
    emulator
        .fail_next(Failure::image_build("sandbox", "tools"))
        .unwrap();
    for state in ["FAILED", "BUILT"] {
        let draft = json!({"name": "tools", "resourceType": "sandbox"});
        let made = post("/images?upload=true", &draft).on(&emulator).await;
        assert_eq!(upload(&emulator, &address(&made)).await.status, 200);
        emulator.clock().advance(BUILD);
        let image = get("/images/sandbox/tools").on(&emulator).await.expect(200);
        assert_eq!(image["metadata"]["status"], state);
    }
    let log = log(&emulator, "tools").await;
    assert_eq!(
        log.iter().filter(|line| line.starts_with("#3")).count(),
        2,
        "{log:?}"
    );
    assert_eq!(log.last().unwrap(), "Image tools: The build is complete.");
}
