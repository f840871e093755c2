//! The creation of sandboxes: images, volumes and the time that it may take.

use std::time::Duration;

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::support::{Reply, ask, get, post};

const SECOND: Duration = Duration::from_secs(1);

fn sandbox(name: &str, spec: Value) -> Value {
    json!({"metadata": {"name": name}, "spec": spec})
}

async fn create(emulator: &Emulator, spec: Value) -> Reply {
    post("/sandboxes", &sandbox("sb", spec)).on(emulator).await
}

#[track_caller]
fn code(reply: &Reply, status: u16) -> String {
    let body = reply.expect(status);
    assert_eq!(
        (&body["status_code"], &body["sandbox_name"]),
        (&json!(status), &json!("sb"))
    );
    body["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn only_images_that_exist_are_accepted() {
    let emulator = Emulator::offline();
    emulator.add_image("sandbox", "mine");
    emulator.add_image("agent", "bot");
    let digest = format!("blaxel/base-image@sha256:{}", "0a".repeat(32));
    for image in [
        "blaxel/base-image",
        "blaxel/base-image:latest",
        "blaxel/jupyter-server",
        digest.as_str(),
        "mine",
        "mine:latest",
        "sandbox/mine:latest",
        "team/any:1",
        "registry.example.com:5000/a/b_c:v1.2",
    ] {
        let made = create(&emulator, json!({"runtime": {"image": image}})).await;
        assert_eq!(made.expect(200)["spec"]["runtime"]["image"], image);
        ask(Method::DELETE, "/sandboxes/sb")
            .on(&emulator)
            .await
            .expect(200);
    }
    for (image, expected) in [
        ("blaxel/base-image:notexistingtag", "INVALID_IMAGE"),
        ("blaxel/unknown:latest", "INVALID_IMAGE"),
        ("Not An Image", "INVALID_IMAGE"),
        ("team//any", "INVALID_IMAGE"),
        ("team/any:", "INVALID_IMAGE"),
        ("team/any@sha256:12", "INVALID_IMAGE"),
        ("", "INVALID_IMAGE"),
        ("not_a_valid_image_format", "IMAGE_NOT_FOUND"),
        ("mine:2", "IMAGE_NOT_FOUND"),
        ("sandbox/other", "IMAGE_NOT_FOUND"),
        ("bot", "IMAGE_NOT_FOUND"),
    ] {
        let refused = create(&emulator, json!({"runtime": {"image": image}})).await;
        assert_eq!(code(&refused, 400), expected, "{image}");
        get("/sandboxes/sb").on(&emulator).await.control_error(404);
        if expected == "INVALID_IMAGE" {
            let details = &refused.json()["details"];
            assert_eq!(details["requested_image"], image);
            assert!(
                details["supported_images"][0]
                    .as_str()
                    .unwrap()
                    .starts_with("blaxel/")
            );
        }
    }
}

#[tokio::test]
async fn a_volume_must_be_free_and_in_the_region_of_its_sandbox() {
    let emulator = Emulator::offline();
    let volume = json!({"metadata": {"name": "data"}, "spec": {"size": 1, "region": "eu-lon-1"}});
    post("/volumes", &volume).on(&emulator).await.expect(200);
    let attach = |attached: Value| json!({"region": "eu-lon-1", "volumes": [attached]});
    let data = json!({"name": "data", "mountPath": "/data"});
    for (spec, expected) in [
        (
            attach(json!({"name": "none", "mountPath": "/data"})),
            "VOLUME_NOT_FOUND",
        ),
        (
            attach(json!({"name": "data", "mountPath": "data"})),
            "INVALID_VOLUME",
        ),
        (attach(json!({"name": "data"})), "INVALID_VOLUME"),
        (
            attach(json!({"name": "x", "type": "ephemeral", "mountPath": "/x"})),
            "INVALID_VOLUME",
        ),
        (
            json!({"region": "us-pdx-1", "volumes": [data]}),
            "INVALID_VOLUME_REGION",
        ),
    ] {
        assert_eq!(
            code(&create(&emulator, spec.clone()).await, 400),
            expected,
            "{spec}"
        );
    }
    let first = sandbox("first", attach(data.clone()));
    post("/sandboxes", &first).on(&emulator).await.expect(200);
    let second = create(&emulator, attach(data.clone())).await;
    assert_eq!(code(&second, 409), "VOLUME_ALREADY_ATTACHED");
    ask(Method::DELETE, "/sandboxes/first")
        .on(&emulator)
        .await
        .expect(200);
    create(&emulator, attach(data)).await.expect(200);
}

#[tokio::test]
async fn only_known_kernel_features_that_go_together_are_accepted() {
    let emulator = Emulator::offline();
    let extra = |args: &Value| json!({"runtime": {"extraArgs": args}});
    for good in [
        json!({"iptables": "enabled", "tun": "enabled", "kernelExtensions": "disabled"}),
        json!({"nfs": "enabled", "android": "disabled"}),
        json!({"android": "enabled", "landlock": "enabled", "nfs": "disabled"}),
    ] {
        let made = create(&emulator, extra(&good)).await.expect(200);
        assert_eq!(made["spec"]["runtime"]["extraArgs"], good);
        // A change of something else keeps them.
        let put = json!({"metadata": {"name": "sb", "labels": {"a": "b"}}, "spec": {}});
        let put = ask(Method::PUT, "/sandboxes/sb").json(&put);
        let put = put.on(&emulator).await.expect(200);
        assert_eq!(put["spec"]["runtime"]["extraArgs"], good);
        ask(Method::DELETE, "/sandboxes/sb")
            .on(&emulator)
            .await
            .expect(200);
    }
    for (bad, names) in [
        (json!({"tun": "enabled", "gpu": "enabled"}), vec!["\"gpu\""]),
        (json!({"tun": "on"}), vec!["extraArgs.tun", "enabled"]),
        (json!({"tun": ""}), vec!["extraArgs.tun"]),
        (
            json!({"nfs": "enabled", "android": "enabled"}),
            vec!["nfs", "android"],
        ),
        (
            json!({"nfs": "enabled", "landlock": "enabled"}),
            vec!["nfs", "landlock"],
        ),
        (
            json!({"nfs": "enabled", "iptables": "enabled"}),
            vec!["nfs", "iptables"],
        ),
    ] {
        let refused = create(&emulator, extra(&bad)).await;
        assert_eq!(code(&refused, 400), "VALIDATION_ERROR", "{bad}");
        let message = refused.json()["message"].as_str().unwrap().to_owned();
        for name in names {
            assert!(message.contains(name), "{name} in {message}");
        }
    }
}

#[tokio::test]
async fn a_creation_with_a_timeout_is_answered_when_the_sandbox_is_ready() {
    let emulator = Emulator::builder().deploy_time(10 * SECOND).build();
    let service = emulator.service();
    let creation = post("/sandboxes", &sandbox("sb", json!({})));
    let creation = creation
        .header("X-Blaxel-Creation-Timeout", "10")
        .bare(&service);
    let advance = async {
        tokio::task::yield_now().await;
        let early = get("/sandboxes/sb").on(&emulator).await.expect(200);
        assert_eq!(early["status"], "DEPLOYING");
        emulator.clock().advance(10 * SECOND);
    };
    let (made, ()) = tokio::join!(creation, advance);
    assert_eq!(made.expect(200)["status"], "DEPLOYED");
}

#[tokio::test]
async fn a_creation_that_takes_too_long_is_cancelled_and_frees_the_name() {
    let emulator = Emulator::builder().deploy_time(10 * SECOND).build();
    let service = emulator.service();
    let creation = post("/sandboxes", &sandbox("sb", json!({})));
    let creation = creation
        .header("X-Blaxel-Creation-Timeout", "9")
        .bare(&service);
    let advance = async {
        tokio::task::yield_now().await;
        emulator.clock().advance(9 * SECOND);
    };
    let (refused, ()) = tokio::join!(creation, advance);
    assert_eq!(code(&refused, 408), "CREATION_TIMEOUT");
    get("/sandboxes/sb").on(&emulator).await.control_error(404);
    create(&emulator, json!({})).await.expect(200);
}

#[tokio::test]
async fn a_creation_timeout_is_one_to_fifty_seconds() {
    let emulator = Emulator::offline();
    for timeout in ["0", "51", "1.5", "soon", ""] {
        let creation = post("/sandboxes", &sandbox("sb", json!({})));
        let creation = creation.header("X-Blaxel-Creation-Timeout", timeout);
        let refused = creation.on(&emulator).await.expect(400);
        assert_eq!(refused["code"], "BAD_REQUEST", "{timeout}");
    }
    let creation = post("/sandboxes", &sandbox("sb", json!({})));
    let made = creation
        .header("X-Blaxel-Creation-Timeout", "50")
        .on(&emulator)
        .await;
    assert_eq!(
        made.expect(200)["status"],
        "DEPLOYED",
        "nothing is to be waited for"
    );
}

#[tokio::test]
async fn a_name_is_groups_of_letters_and_digits_joined_by_single_hyphens() {
    let emulator = Emulator::offline();
    let long = "a".repeat(50);
    for name in ["-", "a-", "-a", "a--b", "A", "a_b", long.as_str()] {
        let creation = post("/sandboxes", &sandbox(name, json!({})));
        let refused = creation.on(&emulator).await.expect(400);
        assert_eq!(refused["code"], "BAD_REQUEST", "{name}");
    }
    for name in ["a", "0-a-1", &long[1..]] {
        let creation = post("/sandboxes", &sandbox(name, json!({})));
        creation.on(&emulator).await.expect(200);
    }
}

#[tokio::test]
async fn the_credentials_of_a_registry_are_masked_and_kept() {
    let emulator = Emulator::offline();
    let config = json!({"auths": {"registry.example.com": {"auth": "canary"}}}).to_string();
    let runtime = json!({"dockerConfig": config, "snapshotEnabled": true,
        "standbyGracePeriodSeconds": 5, "generation": "mk3"});
    let made = create(&emulator, json!({"runtime": runtime})).await;
    let made = made.expect(200);
    assert_eq!(made["spec"]["runtime"]["dockerConfig"], "****");
    assert_eq!(made["spec"]["runtime"]["standbyGracePeriodSeconds"], 5);
    let changed = ask(Method::PUT, "/sandboxes/sb").json(&made);
    changed.on(&emulator).await.expect(200);
    let shown = get("/sandboxes/sb?show_secrets=true").on(&emulator).await;
    assert_eq!(shown.expect(200)["spec"]["runtime"]["dockerConfig"], config);
}
