//! Integrations, hubs, templates, locations, and the changelog.

use blaxel_core::ListParams;
use blaxel_management::hubs::{McpDefinition, SandboxDefinition};
use blaxel_management::integrations::IntegrationConnection;
use blaxel_management::locations::Location;
use blaxel_management::sandboxes::Sandbox;
use serde_json::json;

use crate::support::lifecycle::{Change, KEEP_EXISTING, Plan};
use crate::support::{Api, Lifecycle, World, assert_keeps_all, request};

pub async fn perform(world: &World) {
    connections(world).await;
    integrations(world).await;
    hubs(world).await;
    templates(world).await;
    places(world).await;
    changelog(world).await;
}

async fn connections(world: &World) {
    let connections = Lifecycle::of(
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
            apply: |connection| connection.spec.sandbox = Some(true),
            expected: ("/spec/sandbox", json!(true)),
        },
        modified: Change {
            apply: |connection| connection.metadata.display_name = Some("OpenAI".to_owned()),
            expected: ("/metadata/displayName", json!("OpenAI")),
        },
        applying: KEEP_EXISTING,
    };
    connections.create_and_modify(&plan).await;
    connections.assert_count(1).await;
    let params = ListParams::new().external_id("none");
    let none = connections.all().list_with(&params).await.unwrap();
    let list = request("ListIntegrationConnections").query("externalId", "none");
    world.assert_sent(list);
    assert!(none.is_empty());

    let models = connections.all().models("my-openai").await.unwrap();
    let exchange =
        world.assert_sent(request("ListIntegrationConnectionModels").path_params(["my-openai"]));
    assert_eq!(models, exchange.response.unwrap_or_default());
    // The ids of some providers contain slashes and colons, and are a segment of the path
    // nevertheless.
    let asked = connections.all().model("my-openai", "org/model:1").await;
    let get = request("GetIntegrationConnectionModel").path_params(["my-openai", "org/model:1"]);
    assert!(asked.unwrap_err().is_not_found());
    world.assert_sent(get.status(404));
    let id = models
        .pointer("/0/id")
        .or(models.pointer("/data/0/id"))
        .or(models.pointer("/0"));
    let id = id.and_then(|id| id.as_str()).expect("the id of a model");
    let model = connections.all().model("my-openai", id).await.unwrap();
    let exchange =
        world.assert_sent(request("GetIntegrationConnectionModel").path_params(["my-openai", id]));
    assert_eq!(model, exchange.response.unwrap_or_default());

    let endpoints = connections
        .all()
        .endpoint_configurations("my-openai")
        .await
        .unwrap();
    let get =
        request("GetIntegrationConnectionModelEndpointConfigurations").path_params(["my-openai"]);
    let exchange = world.assert_sent(get);
    assert_eq!(endpoints, exchange.response.unwrap_or_default());
    connections.change(plan).await;
}

async fn integrations(world: &World) {
    let integrations = Lifecycle::of(world, "Integration", "Integrations", Api::integrations);
    integrations.get("openai").await;
    integrations.assert_missing("no-such").await;
}

async fn hubs(world: &World) {
    let servers: Lifecycle<'_, McpDefinition> =
        Lifecycle::of(world, "MCPHubDefinition", "MCPHubDefinitions", Api::mcp_hub);
    assert!(!servers.list_all().await.is_empty());
    let sandboxes: Lifecycle<'_, SandboxDefinition> = Lifecycle::of(
        world,
        "SandboxHubDefinition",
        "SandboxHubDefinitions",
        Api::sandbox_hub,
    );
    let all = sandboxes.list_all().await;
    let docker = all.iter().find(|it| it.creation_options.is_some());
    let draft = Sandbox::from_definition("containers", docker.expect("a definition with options"));
    let made = world.api().sandboxes().create(&draft).await.unwrap();
    let runtime = made.spec.runtime.expect("a runtime");
    assert_eq!(
        runtime.image.as_deref(),
        Some("blaxel/docker-in-sandbox:latest")
    );
    assert!(runtime.extra_args.is_some() && made.spec.volumes.is_some());
    world.take();
}

async fn templates(world: &World) {
    let templates = Lifecycle::of(world, "Template", "Templates", Api::templates);
    let all = templates.list_all().await;
    let name = all[0].name.clone().expect("a name");
    templates.get(&name).await;
    templates.assert_missing("no-such").await;
}

async fn places(world: &World) {
    let locations: Lifecycle<'_, Location> =
        Lifecycle::of(world, "Location", "Locations", Api::locations);
    assert!(!locations.list_all().await.is_empty());

    let configuration = world.api().configuration().await.unwrap();
    let exchange = world.assert_sent(request("GetConfiguration"));
    assert_keeps_all(&configuration, exchange.response());
    let regions = configuration.regions.expect("regions");
    assert!(
        regions
            .iter()
            .any(|region| region.is_allowed() == Some(true))
    );
}

async fn changelog(world: &World) {
    let changelog = world.api().changelog().await.unwrap();
    let exchange = world.assert_sent(request("GetChangelog"));
    assert_keeps_all(&changelog, exchange.response());
    assert!(!changelog.entries.unwrap().is_empty());
}
