//! Images and their tags.

use std::time::Duration;

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::support::{Ask, ask, get, names, post};

const NEW: &str = "2026-09-22";

fn newest(ask: Ask) -> Ask {
    ask.header("blaxel-version", NEW)
}

fn delete(uri: &str) -> Ask {
    ask(Method::DELETE, uri)
}

/// Creates an agent that uses an image.
async fn run(emulator: &Emulator, image: &str) {
    let agent = json!({"metadata": {"name": "runner"}, "spec": {"runtime": {"image": image}}});
    post("/agents", &agent).on(emulator).await.expect(200);
}

async fn build(emulator: &Emulator, name: &str) {
    let sent = json!({"name": name, "resourceType": "agent"});
    let reply = post("/images?upload=true", &sent).on(emulator).await;
    reply.expect(200);
    let url = reply.header("x-blaxel-upload-url").unwrap().to_owned();
    let service = emulator.service().verbatim();
    let put = ask(Method::PUT, url)
        .bytes(vec![0; 1000])
        .to(&service)
        .await;
    assert_eq!(put.status, 200, "{put:?}");
}

#[tokio::test]
async fn a_new_emulator_has_images_listed_whole_or_in_pages() {
    let emulator = Emulator::offline();
    let list = get("/images").on(&emulator).await.expect(200);
    assert_eq!(names(&list), ["code-runner", "support-bot"]);
    let image = &list[1];
    assert_eq!(image["metadata"]["resourceType"], "agent");
    assert_eq!(image["metadata"]["status"], "BUILT");
    assert_eq!(image["spec"]["tags"][0]["name"], "latest");
    assert_eq!(image["spec"]["size"], image["spec"]["tags"][0]["size"]);
    assert!(image.get("status").is_none() && image["metadata"].get("createdBy").is_none());

    emulator.add_image("job", "code-review");
    let first = newest(get("/images?limit=2&sort=name:asc"))
        .on(&emulator)
        .await;
    let first = first.expect(200);
    assert_eq!(names(&first["data"]), ["code-review", "code-runner"]);
    assert_eq!(first["data"][0]["spec"]["tagCount"], 1);
    assert!(first["data"][0]["spec"].get("tags").is_none());
    assert_eq!(first["meta"]["total"], 3);
    let cursor = first["meta"]["nextCursor"].as_str().unwrap();
    let cursor = cursor
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let next = format!("/images?limit=2&sort=name:asc&cursor={cursor}");
    let second = newest(get(next)).on(&emulator).await.expect(200);
    assert_eq!(names(&second["data"]), ["support-bot"]);
    // Prefixes are matched literally.
    for (q, found) in [("code-r", 2), ("Code", 0), ("runner", 0), ("", 3)] {
        let page = newest(get(format!("/images?q={q}"))).on(&emulator).await;
        assert_eq!(names(&page.expect(200)["data"]).len(), found, "{q}");
    }
}

#[tokio::test]
async fn an_image_is_known_by_type_and_name() {
    let emulator = Emulator::offline();
    for uri in ["/images/agent/support-bot", "/images/_/support-bot"] {
        let image = get(uri).on(&emulator).await.expect(200);
        assert_eq!(image["spec"]["tags"].as_array().unwrap().len(), 1);
        let brief = newest(get(uri)).on(&emulator).await.expect(200);
        assert_eq!(brief["spec"]["tagCount"], 1);
    }
    let other = get("/images/job/support-bot").on(&emulator).await;
    assert_eq!(other.control_error(404), "Image not found");
}

#[tokio::test]
async fn an_image_is_built_from_what_is_uploaded() {
    let emulator = Emulator::offline();
    let sent = json!({"name": "team/tool", "resourceType": "agent"});
    let told = post("/images?upload=true", &sent)
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(
        (&told["name"], &told["resourceType"]),
        (&sent["name"], &sent["resourceType"])
    );
    assert!(told["message"].is_string() && told.get("image").is_none());
    let uri = "/images/agent/team%2Ftool";
    let status = async || get(uri).on(&emulator).await.expect(200)["metadata"]["status"].clone();
    assert_eq!(status().await, "UPLOADING");
    build(&emulator, "team/tool").await;
    assert_eq!(status().await, "BUILDING");
    emulator.clock().advance(Duration::from_secs(2));
    let image = get(uri).on(&emulator).await.expect(200);
    assert_eq!(image["metadata"]["status"], "BUILT");
    let events = image["metadata"]["events"].as_array().unwrap();
    let states: Vec<_> = events.iter().map(|event| &event["status"]).collect();
    assert_eq!(states.last().unwrap(), &"BUILT");
    assert_eq!(image["spec"]["tags"][0]["size"], 1000);
    // Each build adds a tag.
    build(&emulator, "team/tool").await;
    let tags = async || get(uri).on(&emulator).await.expect(200)["spec"]["tags"].clone();
    assert_eq!(
        tags().await.as_array().unwrap().len(),
        1,
        "not before it is built"
    );
    emulator.clock().advance(Duration::from_secs(2));
    assert_eq!(tags().await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_deployment_from_an_upload_creates_an_image() {
    let emulator = Emulator::offline();
    let sent = json!({"metadata": {"name": "bot"}, "spec": {}});
    let reply = post("/functions?upload=true", &sent).on(&emulator).await;
    let url = reply.header("x-blaxel-upload-url").unwrap().to_owned();
    let service = emulator.service().verbatim();
    ask(Method::PUT, url).bytes("zip").to(&service).await;
    let image = get("/images/function/bot").on(&emulator).await.expect(200);
    assert_eq!(image["metadata"]["status"], "BUILDING");
    emulator.clock().advance(Duration::from_secs(60));
    let image = get("/images/function/bot").on(&emulator).await.expect(200);
    let tag = image["spec"]["tags"][0]["name"].as_str().unwrap();
    let function = get("/functions/bot").on(&emulator).await.expect(200);
    assert_eq!(
        function["spec"]["runtime"]["image"],
        format!("function/bot:{tag}")
    );
    let refused = delete("/images/function/bot").on(&emulator).await;
    assert_eq!(refused.control_error(400), "Image is in use");
}

#[tokio::test]
async fn an_image_that_exists_elsewhere_is_registered() {
    let emulator = Emulator::offline();
    let sent = json!({"name": "py", "resourceType": "sandbox", "image": "docker.io/python:3.12"});
    let reply = post("/images?skip-build=true", &sent).on(&emulator).await;
    assert_eq!(reply.expect(200)["image"], sent["image"]);
    assert_eq!(reply.header("x-blaxel-upload-url"), None);
    let image = get("/images/sandbox/py").on(&emulator).await.expect(200);
    assert_eq!(image["metadata"]["status"], "BUILT");
    assert_eq!(image["spec"]["tags"][0]["name"], "3.12");
    for bad in [
        json!({"resourceType": "agent"}),
        json!({"name": "a"}),
        json!({"name": "A", "resourceType": "agent"}),
        json!({"name": "a", "resourceType": "model"}),
    ] {
        post("/images", &bad).on(&emulator).await.control_error(400);
    }
    let nothing = json!({"name": "a", "resourceType": "agent"});
    post("/images?skip-build=true", &nothing)
        .on(&emulator)
        .await
        .control_error(400);
}

#[tokio::test]
async fn an_image_in_use_cannot_be_deleted() {
    let emulator = Emulator::offline();
    for image in [
        "support-bot:latest",
        "agent/support-bot",
        "r.io/x/demo/support-bot:latest",
    ] {
        run(&emulator, image).await;
        let reply = delete("/images/agent/support-bot").on(&emulator).await;
        // The registry and the workspace before the name are ignored.
        let is_other = image.starts_with("r.io");
        assert_eq!(reply.status, if is_other { 200 } else { 400 }, "{image}");
        delete("/agents/runner").on(&emulator).await.expect(200);
    }
}

#[tokio::test]
async fn a_tag_in_use_cannot_be_deleted_but_others_can() {
    let emulator = Emulator::offline();
    build(&emulator, "support-bot").await;
    emulator.clock().advance(Duration::from_secs(2));
    run(&emulator, "agent/support-bot:latest").await;
    let tags = async || -> Vec<String> {
        let image = get("/images/agent/support-bot")
            .on(&emulator)
            .await
            .expect(200);
        let tags = image["spec"]["tags"].as_array().unwrap().iter();
        tags.map(|tag| tag["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let before = tags().await;
    assert_eq!(before.len(), 2);
    let uri = |tag: &str| format!("/images/agent/support-bot/tags/{tag}");
    let used = delete(&uri("latest")).on(&emulator).await;
    assert_eq!(used.control_error(400), "Image is in use");
    let built = before.iter().find(|tag| *tag != "latest").unwrap();
    let image = delete(&uri(built)).on(&emulator).await.expect(200);
    assert_eq!(image["spec"]["tags"].as_array().unwrap().len(), 1);
    assert_eq!(
        delete(&uri(built)).on(&emulator).await.control_error(404),
        "Image tag not found"
    );
    // The form that the command line uses.
    delete("/agents/runner").on(&emulator).await.expect(200);
    delete("/images/agent/support-bot:latest")
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(tags().await, [""; 0]);
}

#[tokio::test]
async fn a_cleanup_deletes_unused_images() {
    let emulator = Emulator::offline();
    emulator.add_image("job", "nightly");
    run(&emulator, "support-bot").await;
    let told = delete("/images").on(&emulator).await.expect(200);
    assert_eq!(told["deleted"], 2);
    assert!(told["message"].is_string());
    let list = get("/images").on(&emulator).await.expect(200);
    assert_eq!(names(&list), ["support-bot"]);
}

#[tokio::test]
async fn an_imported_image_gets_the_tag_that_the_client_chooses() {
    let emulator = Emulator::offline();
    let create = async |tag: &str, image: &str| {
        let sent = json!({
            "name": "bot", "resourceType": "agent", "image": image, "tag": tag, "memoryMb": 16384,
        });
        post("/images", &sent).on(&emulator).await
    };
    create("v1", "docker.io/bot:3.12").await.expect(200);
    create("v2", "docker.io/bot:3.13").await.expect(200);
    let image = get("/images/agent/bot").on(&emulator).await.expect(200);
    let tags = image["spec"]["tags"].as_array().unwrap().iter();
    let tags: Vec<_> = tags.map(|tag| tag["name"].as_str().unwrap()).collect();
    assert!(
        tags.contains(&"v1") && tags.contains(&"v2") && !tags.contains(&"3.12"),
        "{tags:?}"
    );
    let taken = create("v1", "docker.io/bot:3.14").await;
    assert_eq!(taken.control_error(409), "Image tag already exists");
    for (tag, image) in [
        ("latest", "docker.io/bot:1"),
        ("pending", "docker.io/bot:1"),
        ("v3", ""),
    ] {
        create(tag, image).await.control_error(400);
    }
}

#[tokio::test]
async fn tags_are_listed_since_the_third_version() {
    let emulator = Emulator::offline();
    for tag in ["v1", "v2", "next"] {
        let image = format!("docker.io/bot:{tag}");
        let sent = json!({"name": "support-bot", "resourceType": "agent", "image": image});
        post("/images", &sent).on(&emulator).await.expect(200);
    }
    let all = "/images/agent/support-bot/tags";
    let found = async |query: &str| -> Vec<String> {
        let page = newest(get(format!("{all}?{query}")))
            .on(&emulator)
            .await
            .expect(200);
        assert_eq!(page["meta"]["total"], 4);
        let tags = page["data"].as_array().unwrap().iter();
        tags.map(|tag| tag["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(found("").await, ["latest", "next", "v1", "v2"]);
    assert_eq!(found("sort=name:desc&limit=1").await, ["v2"]);
    assert_eq!(found("q=v").await, ["v1", "v2"]);
    assert_eq!(found("name=v").await, [""; 0]);
    assert_eq!(found("name=v1").await, ["v1"]);
    newest(get(format!("{all}?sort=createdAt:asc")))
        .on(&emulator)
        .await
        .control_error(400);
    newest(get(format!("{all}?sourceWorkspace=other")))
        .on(&emulator)
        .await
        .control_error(404);
    assert_eq!(get(all).on(&emulator).await.control_error(404), "Not Found");
    let _: Value = newest(get(format!("{all}?sourceWorkspace=")))
        .on(&emulator)
        .await
        .expect(200);
}
