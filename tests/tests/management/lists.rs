//! Promise: each parameter of a list is sent under its name and has its effect on the server; a
//! parameter that a list does not have is refused, not ignored.

use std::time::Duration;

use blaxel_core::{ApiVersion, Cursor, ListParams, Sort, Timestamp, Total};
use blaxel_emulator::Emulator;
use blaxel_management::Resource;
use blaxel_management::agents::Agent;
use blaxel_management::functions::Function;
use blaxel_management::images::ResourceType;
use blaxel_management::integrations::IntegrationConnection;
use blaxel_management::jobs::Job;
use blaxel_management::models::Model;
use blaxel_management::policies::Policy;
use blaxel_management::sandboxes::Sandbox;
use blaxel_management::volumes::Volume;

use crate::support::{World, request};

fn names<I: Resource>(items: &[I]) -> Vec<String> {
    items.iter().map(|item| item.key().into_owned()).collect()
}

#[tokio::test]
async fn list_parameters_have_their_effect() {
    let world = World::start().await;
    for name in ["alpha", "beta", "gamma"] {
        world.emulator.add_agent(name);
        world.emulator.clock().advance(Duration::from_secs(1));
    }
    let agents = world.api().agents();
    agents
        .create(&Agent::new("delta").display_name("A beta of sorts"))
        .await
        .unwrap();
    world.take();

    let all = ListParams::new;
    for (params, query, expected) in [
        (all(), vec![], vec!["delta", "gamma", "beta", "alpha"]),
        (all().limit(2), vec![("limit", "2")], vec!["delta", "gamma"]),
        (
            all().sort(Sort::NameDescending).limit(1),
            vec![("sort", "name:desc"), ("limit", "1")],
            vec!["gamma"],
        ),
        (
            all().sort(Sort::CreatedAscending),
            vec![("sort", "createdAt:asc")],
            vec!["alpha", "beta", "gamma", "delta"],
        ),
        (
            all().search("Beta"),
            vec![("q", "Beta")],
            vec!["delta", "beta"],
        ),
        (
            all().status("DEPLOYED").status("FAILED"),
            vec![("status", "DEPLOYED,FAILED")],
            vec!["delta", "gamma", "beta", "alpha"],
        ),
        (all().status("FAILED"), vec![("status", "FAILED")], vec![]),
        (
            all().from_end().limit(3),
            vec![("anchor", "end"), ("limit", "3")],
            vec!["alpha"],
        ),
    ] {
        let page = agents.list_with(&params).await.unwrap();
        let asked = query
            .iter()
            .fold(request("ListAgents"), |request, (name, value)| {
                request.query(name, value)
            });
        world.assert_sent(asked);
        assert_eq!(names(&page.items), expected, "{query:?}");
    }
}

#[tokio::test]
async fn a_cursor_continues_after_the_last_page() {
    let world = World::start().await;
    let models = world.api().models();
    let page = models.list_with(&ListParams::new().limit(2)).await.unwrap();
    let first = world.assert_sent(request("ListModels").query("limit", 2));
    let cursor = first.response()["meta"]["nextCursor"].as_str().unwrap();
    assert_eq!(page.meta.next_cursor().map(Cursor::as_str), Some(cursor));

    let next = ListParams::new()
        .limit(2)
        .cursor(page.meta.next_cursor().cloned());
    let next = models.list_with(&next).await.unwrap();
    world.assert_sent(
        request("ListModels")
            .query("limit", 2)
            .query("cursor", cursor),
    );
    assert!(
        names(&next.items)
            .iter()
            .all(|name| !names(&page.items).contains(name))
    );
}

#[tokio::test]
async fn resources_are_listed_by_external_id() {
    let world = World::start().await;
    world.emulator.add("sandboxes", "other").unwrap();
    world.emulator.add("volumes", "other").unwrap();
    let params = || ListParams::new().external_id("order-7");

    let sandbox = Sandbox::new("box").external_id("order-7");
    world.api().sandboxes().create(&sandbox).await.unwrap();
    world.take();
    let page = world.api().sandboxes().list_with(&params()).await.unwrap();
    world.assert_sent(request("ListSandboxes").query("externalId", "order-7"));
    assert_eq!(names(&page.items), ["box"]);

    let mut volume = Volume::new("disk");
    volume.metadata.external_id = Some("order-7".to_owned());
    volume.spec.size = Some(1024.into());
    world.api().volumes().create(&volume).await.unwrap();
    world.take();
    let page = world.api().volumes().list_with(&params()).await.unwrap();
    world.assert_sent(request("ListVolumes").query("externalId", "order-7"));
    assert_eq!(names(&page.items), ["disk"]);
}

#[tokio::test]
async fn workloads_policies_and_connections_are_listed_by_external_id() {
    let world = World::start().await;
    let api = world.api();
    let params = || ListParams::new().external_id("order-7");
    macro_rules! finds_one {
        ($collection:expr, $draft:expr, $operation:literal) => {
            let (collection, mut draft) = ($collection, $draft);
            for (name, id) in [("one", "order-7"), ("two", "order-8")] {
                draft.metadata.name = name.to_owned();
                draft.metadata.external_id = Some(id.to_owned());
                collection.create(&draft).await.unwrap();
            }
            world.take();
            let page = collection.list_with(&params()).await.unwrap();
            world.assert_sent(request($operation).query("externalId", "order-7"));
            assert_eq!(names(&page.items), ["one"], $operation);
        };
    }
    finds_one!(api.agents(), Agent::new(""), "ListAgents");
    finds_one!(api.functions(), Function::new(""), "ListFunctions");
    finds_one!(api.jobs(), Job::new(""), "ListJobs");
    finds_one!(api.models(), Model::new(""), "ListModels");
    finds_one!(api.policies(), Policy::new(""), "ListPolicies");
    finds_one!(
        api.integration_connections(),
        IntegrationConnection::to("", "github"),
        "ListIntegrationConnections"
    );
}

#[tokio::test]
async fn a_total_tells_whether_it_is_exact() {
    for (limit, total) in [(7, Total::Exact(7)), (5, Total::AtLeast(5))] {
        let world = World::of(Emulator::builder().total_limit(limit)).await;
        let models = world.api().models();
        let page = models.list_with(&ListParams::new().limit(2)).await.unwrap();
        assert_eq!(page.meta.total(), Some(total));
        assert_eq!(models.all().await.unwrap().len(), 7, "a walk is complete");
        world.take();
    }
}

#[tokio::test]
async fn terminated_sandboxes_are_listed_on_request() {
    let builder = Emulator::builder().delete_time(Duration::from_secs(2));
    let world = World::of(builder).await;
    world.emulator.add("sandboxes", "old").unwrap();
    world.emulator.add("sandboxes", "new").unwrap();
    let sandboxes = world.api().sandboxes();
    sandboxes.delete("old").await.unwrap();
    world.emulator.clock().advance(Duration::from_secs(3));
    world.take();

    let living = sandboxes.list().await.unwrap();
    world.assert_sent(request("ListSandboxes"));
    assert_eq!(names(&living.items), ["new"]);
    let all = sandboxes
        .list_with(&ListParams::new().include_terminated())
        .await
        .unwrap();
    world.assert_sent(request("ListSandboxes").query("showTerminated", true));
    assert_eq!(all.items.len(), 2);
}

#[tokio::test]
async fn an_unsupported_filter_is_refused_before_sending() {
    let world = World::start().await;
    let api = world.api();
    for refused in [
        api.policies()
            .list_with(&ListParams::new().status("FAILED"))
            .await
            .err(),
        api.applications()
            .list_with(&ListParams::new().external_id("order-7"))
            .await
            .err(),
        api.agents()
            .list_with(&ListParams::new().sandbox("box"))
            .await
            .err(),
        api.schedules()
            .list_with(&ListParams::new().created_since(Timestamp::from_unix(0, 0)))
            .await
            .err(),
        api.models()
            .list_with(&ListParams::new().include_terminated())
            .await
            .err(),
        api.jobs()
            .list_with(&ListParams::new().kind("cron"))
            .await
            .err(),
        api.images()
            .list_with(&ListParams::new().name("latest"))
            .await
            .err(),
    ] {
        let error = refused.unwrap();
        assert!(error.is_input(), "{error}");
    }
    assert!(world.take().is_empty());
}

/// A client with an older API version requests the list in the first version that has it.
#[tokio::test]
async fn a_newer_list_is_requested_in_its_first_version() {
    let world = World::start().await;
    world.emulator.add("sandboxes", "box").unwrap();
    world.emulator.add_image("sandbox", "box");
    let early = world.api_at(ApiVersion::V2026_04_16);
    let runs = early.sandboxes().schedule_executions("box");
    runs.list().await.unwrap();
    let sent = world.assert_sent(request("ListSandboxScheduleExecutions").path_params(["box"]));
    assert_eq!(sent.version, "2026-04-28");

    let tags = early.images().of(ResourceType::Sandbox).tags("box");
    let page = tags
        .list_with(&ListParams::new().name("latest"))
        .await
        .unwrap();
    let asked = request("ListImageTags")
        .path_params(["sandbox", "box"])
        .query("name", "latest");
    assert_eq!(world.assert_sent(asked).version, "2026-09-22");
    assert_eq!(names(&page.items), ["latest"]);
}
