//! Images, their tags and shares.

use blaxel_core::ApiVersion;
use blaxel_management::Resource;
use blaxel_management::images::{
    Image, ImageDraft, ImageShareDraft, ImageShareOutcome, ResourceType,
};
use blaxel_management::workspaces::Workspace;
use serde_json::json;

use crate::support::{Api, Lifecycle, World, assert_keeps_all, request};

pub async fn perform(world: &World) {
    made_and_read(world).await;
    tags(world).await;
    shares(world).await;
    offers(world).await;
    cleaned_up(world).await;
}

fn sandbox_images(world: &World) -> Lifecycle<'_, Image> {
    Lifecycle::of(world, "Image", "Images", |api| {
        api.images().of(ResourceType::Sandbox)
    })
    .under(["sandbox"])
}

async fn made_and_read(world: &World) {
    let registry =
        Lifecycle::of(world, "Image", "Images", Api::images).paged_from(ApiVersion::V2026_09_22);
    let before = registry.all().list().await.unwrap();
    world.assert_sent(request("ListImages"));
    // Names of images may contain slashes.
    let draft = ImageDraft::new("team/postgres", ResourceType::Sandbox)
        .image("docker.io/library/postgres:17");
    let made = world.api().images().create(&draft).await.unwrap();
    let create = request("CreateImage")
        .query("skip-build", true)
        .body(json!({
            "name": "team/postgres",
            "resourceType": "sandbox",
            "image": "docker.io/library/postgres:17",
        }));
    let exchange = world.assert_sent(create);
    assert_keeps_all(&made, exchange.response());

    let draft = ImageDraft::new("bot", ResourceType::Agent);
    let made = world.api().images().create(&draft).await.unwrap();
    let body = json!({"name": "bot", "resourceType": "agent"});
    let exchange = world.assert_sent(request("CreateImage").body(body));
    assert_keeps_all(&made, exchange.response());

    let images = sandbox_images(world);
    images.get("team/postgres").await;
    images.assert_missing("nothing").await;
    let mut ids: Vec<_> = before.items.iter().map(Resource::key).collect();
    ids.extend(["/agent/bot".into(), "/sandbox/team/postgres".into()]);
    registry
        .list_in_pages(&ids.iter().map(AsRef::as_ref).collect::<Vec<_>>())
        .await;

    let brief = world
        .api_at(ApiVersion::V2026_09_22)
        .images()
        .of(ResourceType::Sandbox);
    let brief = brief.get("team/postgres").await.unwrap();
    let exchange = world.assert_sent(request("GetImage").path_params(["sandbox", "team/postgres"]));
    assert_keeps_all(&brief, exchange.response());
    assert_eq!((brief.spec.tags, brief.spec.tag_count), (None, Some(1)));
}

async fn tags(world: &World) {
    world.emulator.add_image("sandbox", "box");
    let draft = ImageDraft::new("box", ResourceType::Sandbox).image("registry.example.com/box:v2");
    world.api().images().create(&draft).await.unwrap();
    world.take();
    let image = sandbox_images(world).get("box").await;
    let tags = image.spec.tags.expect("tags");
    let names: Vec<_> = tags.iter().map(|tag| tag.name.as_str()).collect();
    assert!(names.contains(&"v2"), "{names:?}");

    let list = Lifecycle::of(world, "ImageTag", "ImageTags", |api| {
        api.images().of(ResourceType::Sandbox).tags("box")
    })
    .under(["sandbox", "box"])
    .since(ApiVersion::V2026_09_22);
    list.list_in_pages(&names).await;
    let image = list.delete("v2").await.expect("the image");
    assert_eq!(
        image.spec.tags.map(|tags| tags.len()),
        Some(names.len() - 1)
    );
    list.assert_not_deletable("v2").await;
}

async fn shares(world: &World) {
    world
        .api()
        .workspaces()
        .create(&Workspace::new("partner-team"))
        .await
        .unwrap();
    world.take();
    let shares = world.api().images().of(ResourceType::Sandbox).shares("box");
    let share = |body| {
        request("ShareImage")
            .path_params(["sandbox", "box"])
            .body(body)
    };

    let draft = ImageShareDraft::new("partner-team");
    let outcome = shares.create(&draft).await.unwrap();
    let exchange = world.assert_sent(share(json!({"targetWorkspace": "partner-team"})));
    match outcome {
        ImageShareOutcome::Shared(image) => assert_keeps_all(&image, exchange.response()),
        other => panic!("{other:?}"),
    }

    let draft = ImageShareDraft::new("elsewhere").target_account_id("acc-else");
    let outcome = shares.create(&draft).await.unwrap();
    let body = json!({"targetWorkspace": "elsewhere", "targetAccountId": "acc-else"});
    let exchange = world.assert_sent(share(body).status(202));
    match outcome {
        ImageShareOutcome::Pending(offer) => assert_keeps_all(&offer, exchange.response()),
        other => panic!("{other:?}"),
    }

    let list = Lifecycle::of(world, "ImageShare", "ImageShares", |api| {
        api.images().of(ResourceType::Sandbox).shares("box")
    })
    .under(["sandbox", "box"]);
    list.assert_count(2).await;

    let outgoing = world.api().pending_image_shares().outgoing().await.unwrap();
    let exchange =
        world.assert_sent(request("ListPendingImageShares").query("direction", "outgoing"));
    assert_keeps_all(&outgoing, exchange.response());
    assert_eq!(outgoing.len(), 1);

    for workspace in ["partner-team", "elsewhere"] {
        let image = shares.delete(workspace).await.unwrap();
        let exchange =
            world.assert_sent(request("UnshareImage").path_params(["sandbox", "box", workspace]));
        assert_keeps_all(&image, exchange.response());
    }
    list.assert_count(0).await;
}

async fn offers(world: &World) {
    for name in ["gift", "box", "unwanted"] {
        world.emulator.offer_image("sandbox", name);
    }
    let offers = world.api().pending_image_shares();
    let incoming = offers.incoming().await.unwrap();
    let exchange =
        world.assert_sent(request("ListPendingImageShares").query("direction", "incoming"));
    assert_keeps_all(&incoming, exchange.response());
    let id = |name: &str| {
        let mut incoming = incoming.iter();
        let offer = incoming.find(|offer| offer.image_name.as_deref() == Some(name));
        offer.expect("the offer").id.clone()
    };

    let image = offers.accept(&id("gift")).await.unwrap();
    let exchange = world.assert_sent(request("AcceptImageShare").path_params([id("gift")]));
    assert_keeps_all(&image, exchange.response());

    let taken = offers.accept(&id("box")).await.unwrap_err();
    world.assert_sent(
        request("AcceptImageShare")
            .path_params([id("box")])
            .status(409),
    );
    assert!(taken.is_conflict(), "{taken}");
    let image = offers.accept_overwriting(&id("box")).await.unwrap();
    let exchange = world.assert_sent(
        request("AcceptImageShare")
            .path_params([id("box")])
            .query("force", true),
    );
    assert_keeps_all(&image, exchange.response());

    offers.decline(&id("unwanted")).await.unwrap();
    world.assert_sent(
        request("DeclineImageShare")
            .path_params([id("unwanted")])
            .status(204),
    );
    let gone = offers.decline(&id("unwanted")).await.unwrap_err();
    world.assert_sent(
        request("DeclineImageShare")
            .path_params([id("unwanted")])
            .status(404),
    );
    assert!(gone.is_not_found(), "{gone}");

    // An image that another workspace shares can be requested by its source.
    let images = world
        .api_at(ApiVersion::V2026_09_22)
        .images()
        .of(ResourceType::Sandbox);
    let shared = images.get_shared("gift", "partner").await.unwrap();
    let get = request("GetImage")
        .path_params(["sandbox", "gift"])
        .query("sourceWorkspace", "partner");
    let exchange = world.assert_sent(get);
    assert_keeps_all(&shared, exchange.response());
    assert_eq!(shared.metadata.source_workspace.as_deref(), Some("partner"));
}

async fn cleaned_up(world: &World) {
    let images = sandbox_images(world);
    images.delete("team/postgres").await;
    images.assert_not_deletable("team/postgres").await;
    let cleaned = world.api().images().clean_up().await.unwrap();
    let exchange = world.assert_sent(request("CleanupImages"));
    assert_keeps_all(&cleaned, exchange.response());
    assert!(cleaned.deleted >= Some(1), "{cleaned:?}");
    images.assert_missing("gift").await;
}
