//! Integrations, hubs, templates, locations, and the changelog.

use blaxel_management::hubs::{McpDefinition, SandboxDefinition};
use blaxel_management::integrations::IntegrationConnection;
use blaxel_management::locations::Location;
use serde_json::json;

use crate::support::life::{Change, KEEP_EXISTING, Plan};
use crate::support::{Api, Life, World, request, tells};

pub async fn perform(world: &World) {
    connections(world).await;
    integrations(world).await;
    hubs(world).await;
    templates(world).await;
    places(world).await;
    changelog(world).await;
}

async fn connections(world: &World) {
    let connections = Life::of(
        world,
        "IntegrationConnection",
        "IntegrationConnections",
        Api::integration_connections,
    );
    let plan = Plan {
        draft: IntegrationConnection::to("my-openai", "openai")
            .config("organization", "org-1")
            .secret("apiKey", "sk-1"),
        sent: json!({
            "metadata": {"name": "my-openai"},
            "spec": {
                "integration": "openai",
                "config": {"organization": "org-1"},
                "secret": {"apiKey": "sk-1"},
            },
        }),
        replaced: Change {
            made: |connection| connection.spec.sandbox = Some(true),
            seen: ("/spec/sandbox", json!(true)),
        },
        modified: Change {
            made: |connection| connection.metadata.display_name = Some("OpenAI".to_owned()),
            seen: ("/metadata/displayName", json!("OpenAI")),
        },
        applying: KEEP_EXISTING,
    };
    connections.begins(&plan).await;
    connections.are_enumerated(1).await;

    let models = connections.all().models("my-openai").await.unwrap();
    let exchange = world.sent(request("ListIntegrationConnectionModels").on(["my-openai"]));
    assert_eq!(models, exchange.answer.unwrap_or_default());
    // The ids of some providers contain slashes and colons, and are a segment of the path
    // nevertheless.
    let asked = connections.all().model("my-openai", "org/model:1").await;
    let get = request("GetIntegrationConnectionModel").on(["my-openai", "org/model:1"]);
    assert!(asked.unwrap_err().is_not_found());
    world.sent(get.answered(404));
    let id = models
        .pointer("/0/id")
        .or(models.pointer("/data/0/id"))
        .or(models.pointer("/0"));
    let id = id.and_then(|id| id.as_str()).expect("the id of a model");
    let model = connections.all().model("my-openai", id).await.unwrap();
    let exchange = world.sent(request("GetIntegrationConnectionModel").on(["my-openai", id]));
    assert_eq!(model, exchange.answer.unwrap_or_default());

    let endpoints = connections
        .all()
        .endpoint_configurations("my-openai")
        .await
        .unwrap();
    let get = request("GetIntegrationConnectionModelEndpointConfigurations").on(["my-openai"]);
    let exchange = world.sent(get);
    assert_eq!(endpoints, exchange.answer.unwrap_or_default());
    connections.changes(plan).await;
}

async fn integrations(world: &World) {
    let integrations = Life::of(world, "Integration", "Integrations", Api::integrations);
    integrations.is_read("openai").await;
    integrations.is_nowhere("no-such").await;
}

async fn hubs(world: &World) {
    let servers: Life<'_, McpDefinition> =
        Life::of(world, "MCPHubDefinition", "MCPHubDefinitions", Api::mcp_hub);
    assert!(!servers.are_all_told().await.is_empty());
    let sandboxes: Life<'_, SandboxDefinition> = Life::of(
        world,
        "SandboxHubDefinition",
        "SandboxHubDefinitions",
        Api::sandbox_hub,
    );
    assert!(!sandboxes.are_all_told().await.is_empty());
}

async fn templates(world: &World) {
    let templates = Life::of(world, "Template", "Templates", Api::templates);
    let all = templates.are_all_told().await;
    let name = all[0].name.clone().expect("a name");
    templates.is_read(&name).await;
    templates.is_nowhere("no-such").await;
}

async fn places(world: &World) {
    let locations: Life<'_, Location> = Life::of(world, "Location", "Locations", Api::locations);
    assert!(!locations.are_all_told().await.is_empty());

    let configuration = world.api().configuration().await.unwrap();
    let exchange = world.sent(request("GetConfiguration"));
    tells(&configuration, exchange.answer());
    let regions = configuration.regions.expect("regions");
    assert!(
        regions
            .iter()
            .any(|region| region.is_allowed() == Some(true))
    );
}

async fn changelog(world: &World) {
    let changelog = world.api().changelog().await.unwrap();
    let exchange = world.sent(request("GetChangelog"));
    tells(&changelog, exchange.answer());
    assert!(!changelog.entries.unwrap().is_empty());
}
