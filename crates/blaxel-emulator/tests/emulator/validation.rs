//! Invalid bodies, and errors that name the member.

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, post};

/// Returns the message of the error, in any format.
async fn refused(emulator: &Emulator, collection: &str, body: &Value) -> String {
    let reply = post(format!("/{collection}"), body).on(emulator).await;
    let refusal = reply.expect(400);
    refusal["message"].as_str().unwrap().to_owned()
}

fn named(metadata: Value, spec: Value) -> Value {
    let mut body = json!({"metadata": {"name": "a"}, "spec": spec});
    let members = body["metadata"].as_object_mut().unwrap();
    members.extend(metadata.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn metadata_limits_are_checked() {
    let emulator = Emulator::offline();
    for collection in ["agents", "jobs", "sandboxes", "volumes", "policies", "vpcs"] {
        let good = named(
            json!({
                "displayName": "é".repeat(63), "externalId": format!("{}-Z9", "a".repeat(61)),
                "labels": {"a": "b", "": ""},
            }),
            json!({}),
        );
        post(format!("/{collection}"), &good)
            .on(&emulator)
            .await
            .expect(200);
        for (member, value) in [
            ("displayName", json!("x".repeat(64))),
            ("displayName", json!(7)),
            ("externalId", json!("a".repeat(65))),
            ("externalId", json!("a_b")),
            ("externalId", json!("é")),
            ("labels", json!({"a": 1})),
            ("labels", json!(["a"])),
        ] {
            let body = named(json!({"name": "b", member: value}), json!({}));
            let message = refused(&emulator, collection, &body).await;
            assert!(
                message.contains(&format!("metadata.{member}")),
                "{collection}: {message}"
            );
        }
    }
}

#[tokio::test]
async fn an_update_is_validated_like_a_creation() {
    let emulator = Emulator::offline();
    emulator.add("drives", "a").unwrap();
    let four = json!({"permissions": [{}, {}, {}, {}]});
    for body in [
        named(json!({"labels": 1}), json!({})),
        named(json!({}), four),
    ] {
        let put = ask(Method::PUT, "/drives/a").json(&body);
        assert_eq!(put.on(&emulator).await.control_error(400), "Bad Request");
    }
    assert_eq!(
        ask(Method::GET, "/drives/a")
            .on(&emulator)
            .await
            .expect(200)["spec"],
        json!({})
    );
}

#[tokio::test]
async fn spec_limits_are_checked() {
    let emulator = Emulator::offline();
    let timeout = |seconds: Value| {
        json!({"triggers": [
            {"type": "http"},
            {"type": "http-async", "configuration": {"timeout": seconds}},
        ]})
    };
    let policy = |kind: &str, value: &str| json!({"lifecycle": {"expirationPolicies": [{"type": kind, "value": value, "action": "delete"}]}});
    let later = "2040-01-01T00:00:00Z";
    for (collection, spec, member) in [
        ("drives", json!({"permissions": [{}, {}, {}]}), None),
        (
            "drives",
            json!({"permissions": [{}, {}, {}, {}]}),
            Some("spec.permissions"),
        ),
        ("agents", timeout(json!(900)), None),
        ("agents", timeout(json!(null)), None),
        (
            "agents",
            timeout(json!(901)),
            Some("spec.triggers[1].configuration.timeout"),
        ),
        (
            "functions",
            timeout(json!(-1)),
            Some("spec.triggers[1].configuration.timeout"),
        ),
        (
            "jobs",
            timeout(json!("9")),
            Some("spec.triggers[1].configuration.timeout"),
        ),
        ("jobs", json!({"triggers": {}}), Some("spec.triggers")),
        ("sandboxes", json!({"runtime": {"ttl": "30m"}}), None),
        ("sandboxes", json!({"runtime": {"ttl": "2w"}}), None),
        (
            "sandboxes",
            json!({"runtime": {"ttl": "30"}}),
            Some("spec.runtime.ttl"),
        ),
        (
            "sandboxes",
            json!({"runtime": {"ttl": "0s"}}),
            Some("spec.runtime.ttl"),
        ),
        (
            "sandboxes",
            json!({"runtime": {"ttl": "1y"}}),
            Some("spec.runtime.ttl"),
        ),
        (
            "sandboxes",
            json!({"runtime": {"ttl": "é"}}),
            Some("spec.runtime.ttl"),
        ),
        (
            "sandboxes",
            json!({"runtime": {"ttl": "99999999999999999999w"}}),
            Some("spec.runtime.ttl"),
        ),
        (
            "sandboxes",
            json!({"runtime": {"ttl": 30}}),
            Some("spec.runtime.ttl"),
        ),
        ("sandboxes", json!({"runtime": {"expires": later}}), None),
        (
            "sandboxes",
            json!({"runtime": {"expires": "soon"}}),
            Some("spec.runtime.expires"),
        ),
        (
            "sandboxes",
            json!({"lifecycle": {}}),
            Some("spec.lifecycle"),
        ),
        (
            "sandboxes",
            json!({"lifecycle": "x"}),
            Some("spec.lifecycle"),
        ),
        (
            "sandboxes",
            json!({"lifecycle": {"terminatedRetention": "x"}}),
            Some("spec.lifecycle.terminatedRetention"),
        ),
        ("sandboxes", policy("ttl-idle", "24h"), None),
        ("sandboxes", policy("ttl-max-age", "7d"), None),
        ("sandboxes", json!({"runtime": {"ttl": "300s"}}), None),
        (
            "sandboxes",
            json!({"runtime": {"ttl": "299s"}}),
            Some("spec.runtime.ttl must be at least 300s"),
        ),
        ("sandboxes", policy("ttl-max-age", "5m"), None),
        (
            "sandboxes",
            policy("ttl-max-age", "4m"),
            Some("expirationPolicies[0].value must be at least 300s"),
        ),
        ("sandboxes", policy("ttl-idle", "1m"), None),
        (
            "sandboxes",
            policy("ttl-idle", "59s"),
            Some("expirationPolicies[0].value must be at least 60s"),
        ),
        ("sandboxes", policy("date", later), None),
        (
            "sandboxes",
            policy("ttl-idle", later),
            Some("expirationPolicies[0].value"),
        ),
        (
            "sandboxes",
            policy("date", "24h"),
            Some("expirationPolicies[0].value"),
        ),
        (
            "sandboxes",
            policy("whim", "24h"),
            Some("expirationPolicies[0].type"),
        ),
    ] {
        let body = named(json!({}), spec.clone());
        match member {
            None => {
                post(format!("/{collection}"), &body)
                    .on(&emulator)
                    .await
                    .expect(200);
                ask(Method::DELETE, format!("/{collection}/a"))
                    .on(&emulator)
                    .await
                    .expect(200);
            }
            Some(member) => {
                let message = refused(&emulator, collection, &body).await;
                assert!(message.contains(member), "{spec}: {message}");
            }
        }
    }
}

#[tokio::test]
async fn a_custom_domain_must_have_a_valid_domain_name() {
    let emulator = Emulator::offline();
    for (name, status) in [
        ("app.example.com", 200),
        ("*.example.com", 200),
        ("localhost", 400),
        ("-a.example.com", 400),
        ("a..example.com", 400),
        ("A.example.com", 400),
        ("a.*.com", 400),
        ("", 400),
    ] {
        let body = json!({"metadata": {"name": name}, "spec": {"domainType": "previews"}});
        let reply = post("/customdomains", &body).on(&emulator).await;
        assert_eq!(reply.status, status, "{name}");
    }
}

/// Any body gets a JSON error and never a server error.
#[tokio::test]
async fn no_body_causes_a_server_error() {
    let emulator = Emulator::offline();
    for collection in [
        "agents",
        "jobs",
        "sandboxes",
        "drives",
        "volume_templates",
        "policies",
        "customdomains",
    ] {
        for body in [
            "",
            "null",
            "[]",
            "7",
            "\"x\"",
            "{",
            "{}",
            "{\"metadata\":null,\"spec\":null}",
            "\u{1F980}",
        ] {
            for (method, path) in [
                (Method::POST, format!("/{collection}")),
                (Method::PUT, format!("/{collection}/a")),
            ] {
                let request = ask(method, path)
                    .bytes(body)
                    .header("content-type", "application/json");
                let refusal = request.on(&emulator).await.expect(400);
                assert!(refusal["message"].is_string(), "{refusal}");
            }
        }
    }
}
