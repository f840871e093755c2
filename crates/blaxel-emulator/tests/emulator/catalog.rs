//! The platform's public catalog, feature flags and quotas.

use blaxel_emulator::Emulator;
use serde_json::{Value, json};

use crate::support::{get, post};

async fn told(emulator: &Emulator, uri: &str) -> Value {
    get(uri).on(emulator).await.expect(200)
}

#[tokio::test]
async fn all_operations_report_the_same_regions() {
    let emulator = Emulator::offline();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let configuration = told(&emulator, "/configuration").await;
    let regions = configuration["regions"].as_array().unwrap().iter();
    let regions: Vec<String> = regions.map(|region| text(&region["name"])).collect();
    let locations = told(&emulator, "/locations").await;
    let locations = locations.as_array().unwrap().iter();
    let locations: Vec<String> = locations
        .map(|location| text(&location["region"]))
        .collect();
    assert!(!regions.is_empty());
    assert_eq!(regions, locations);
    assert!(regions.contains(&text(&configuration["detectedRegion"])));
    let known = |list: &str, code: &Value| {
        let list = configuration[list].as_array().unwrap();
        list.iter().any(|place| &place["name"] == code)
    };
    for region in configuration["regions"].as_array().unwrap() {
        assert!(
            known("countries", &region["country"]) && known("continents", &region["continent"])
        );
    }
    let ips = told(&emulator, "/publicIps").await;
    let mut named: Vec<&String> = ips.as_object().unwrap().keys().collect();
    named.sort();
    let mut sorted: Vec<&String> = regions.iter().collect();
    sorted.sort();
    assert_eq!(named, sorted);
    let one = told(&emulator, &format!("/publicIps?region={}", regions[0])).await;
    assert_eq!(one.as_object().unwrap().len(), 1);
    assert_eq!(one[&regions[0]], ips[&regions[0]]);
    assert_eq!(told(&emulator, "/publicIps?region=moon").await, json!({}));
}

#[tokio::test]
async fn hubs_and_templates_are_listed() {
    let emulator = Emulator::offline();
    for uri in ["/mcp/hub", "/sandbox/hub", "/templates"] {
        let list = told(&emulator, uri).await;
        let list = list.as_array().unwrap();
        assert!(list.len() > 1, "{uri}");
        for item in list {
            assert!(
                item["name"].is_string() && item["description"].is_string(),
                "{item}"
            );
        }
    }
    let sandboxes = told(&emulator, "/sandbox/hub").await;
    let sandboxes = sandboxes.as_array().unwrap();
    for sandbox in sandboxes {
        assert!(sandbox["iconLight"].is_string() && sandbox["iconDark"].is_string());
    }
    let docker = sandboxes
        .iter()
        .find(|it| it["name"] == "docker-in-sandbox");
    let options = &docker.unwrap()["creationOptions"];
    assert_eq!(options["extraArgs"]["iptables"], "enabled");
    assert_eq!(options["volumes"][0]["type"], "ephemeral");

    let templates = told(&emulator, "/templates").await;
    let name = templates[0]["name"].as_str().unwrap();
    assert_eq!(
        told(&emulator, &format!("/templates/{name}")).await,
        templates[0]
    );
    let missing = get("/templates/none").on(&emulator).await;
    assert_eq!(missing.control_error(404), "Template not found");
}

#[tokio::test]
async fn a_connection_lists_the_models_of_its_integration() {
    let emulator = Emulator::offline();
    let openai = told(&emulator, "/integrations/openai").await;
    assert!(openai["endpoints"]["/v1/chat/completions"].is_object());
    let missing = get("/integrations/none").on(&emulator).await;
    assert_eq!(missing.control_error(404), "Integration not found");

    for (name, integration) in [("llm", "openai"), ("code", "github"), ("odd", "homemade")] {
        let spec = json!({"integration": integration});
        let sent = json!({"metadata": {"name": name}, "spec": spec});
        post("/integrations/connections", &sent)
            .on(&emulator)
            .await
            .expect(200);
    }
    let of = |name: &str, rest: &str| format!("/integrations/connections/{name}/{rest}");
    let models = told(&emulator, &of("llm", "models")).await;
    let id = models[0]["id"].as_str().unwrap();
    assert_eq!(
        told(&emulator, &of("llm", &format!("models/{id}"))).await,
        models[0]
    );
    let missing = get(of("llm", "models/none")).on(&emulator).await;
    assert_eq!(missing.control_error(404), "Model not found");
    let endpoints = told(&emulator, &of("llm", "endpointConfigurations")).await;
    assert_eq!(endpoints[0]["path"], "/v1/chat/completions");
    for name in ["code", "odd"] {
        assert_eq!(told(&emulator, &of(name, "models")).await, json!([]));
        assert_eq!(
            told(&emulator, &of(name, "endpointConfigurations")).await,
            json!([])
        );
    }
    for rest in ["models", "models/a", "endpointConfigurations"] {
        let missing = get(of("none", rest)).on(&emulator).await;
        assert_eq!(
            missing.control_error(404),
            "Integration connection not found"
        );
    }
}

#[tokio::test]
async fn the_changelog_needs_no_workspace() {
    let emulator = Emulator::offline();
    let service = emulator.service().verbatim();
    let reply = get("/changelog").to(&service).await;
    let entries = reply.expect(200)["entries"].clone();
    let dates: Vec<_> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["date"].as_str().unwrap())
        .collect();
    assert!(
        dates.len() > 1 && dates.is_sorted_by(|a, b| a > b),
        "{dates:?}"
    );
    assert!(reply.header("cache-control").is_some());
    let version = get("/changelog")
        .header("blaxel-version", "2026-99-99")
        .to(&service)
        .await;
    assert_eq!(version.expect(400)["error"], "invalid_api_version");
}

#[tokio::test]
async fn disabled_features_are_not_listed_but_can_be_tested() {
    let emulator = Emulator::offline();
    let features = told(&emulator, "/features").await;
    let features = features["features"].as_object().unwrap();
    assert!(features.contains_key("drives") && features.values().all(|on| on == true));
    assert!(!features.contains_key("gpu-jobs"));
    for (key, enabled) in [("drives", true), ("gpu-jobs", false)] {
        let uri = format!("/features/{key}?account={}", emulator.account_id());
        let flag = told(&emulator, &uri).await;
        assert_eq!(
            (&flag["featureKey"], &flag["enabled"]),
            (&json!(key), &json!(enabled))
        );
        assert_eq!(flag["evaluatedAt"], emulator.clock().now().as_str());
    }
    let unknown = get("/features/none").on(&emulator).await;
    assert_eq!(unknown.control_error(404), "Feature flag not found");
    let foreign = get("/features/drives?account=other").on(&emulator).await;
    assert_eq!(foreign.control_error(403), "Forbidden");
}

#[tokio::test]
async fn quotas_are_those_of_the_account() {
    let emulator = Emulator::offline();
    let quotas = told(
        &emulator,
        &format!("/quotas/account/{}", emulator.account_id()),
    )
    .await;
    let of = |name: &str| {
        let mut quotas = quotas.as_array().unwrap().iter();
        quotas.find(|quota| quota["resourceType"] == name).unwrap()["value"].clone()
    };
    for name in ["memory", "sandbox_ttl", "sandbox_enforced_ttl"] {
        assert!(of(name).is_u64(), "{name}");
    }
    let foreign = get("/quotas/account/other").on(&emulator).await;
    assert_eq!(foreign.control_error(404), "Account not found");
}
