//! Workspaces, their members, service accounts with their API keys, and features.

use blaxel_core::{Period, Secret};
use blaxel_management::service_accounts::{ApiKeyDraft, ServiceAccountChange, ServiceAccountDraft};
use blaxel_management::workspaces::{Role, UnavailableReason, Workspace};
use serde_json::json;

use crate::support::lifecycle::{Change, Plan, REPLACE_FIRST};
use crate::support::{Api, Lifecycle, World, assert_keeps_all, request};

pub async fn perform(world: &World) {
    workspaces(world).await;
    users(world).await;
    service_accounts(world).await;
    secrets(world).await;
    features(world).await;
}

async fn workspaces(world: &World) {
    let workspaces = Lifecycle::of(world, "Workspace", "Workspaces", Api::workspaces);
    let before = workspaces.list_all().await.len();
    let plan = Plan {
        draft: Workspace::new("atelier")
            .display_name("Atelier")
            .label("team", "care"),
        sent: json!({
            "name": "atelier", "displayName": "Atelier", "labels": {"team": "care"},
        }),
        replaced: Change {
            apply: |workspace| workspace.display_name = Some("The atelier".to_owned()),
            expected: ("/displayName", json!("The atelier")),
        },
        modified: Change {
            apply: |workspace| workspace.labels = Some([("a".to_owned(), "b".to_owned())].into()),
            expected: ("/labels", json!({"a": "b"})),
        },
        applying: REPLACE_FIRST,
    };
    workspaces.create_and_modify(&plan).await;
    workspaces.assert_count(before + 1).await;

    let counted = workspaces.all().get_with_counts("atelier").await.unwrap();
    let get = request("GetWorkspace")
        .path_params(["atelier"])
        .query("countResources", true);
    let exchange = world.assert_sent(get);
    assert_keeps_all(&counted, exchange.response());
    assert!(counted.resource_counts.is_some());

    for (name, reason) in [("atelier", Some(UnavailableReason::Taken)), ("fresh", None)] {
        let available = workspaces.all().availability(name).await.unwrap();
        let check = request("CheckWorkspaceAvailability")
            .query("withReason", true)
            .body(json!({"name": name}));
        let exchange = world.assert_sent(check);
        let counted = exchange.response()["available"].as_bool();
        assert_eq!(Some(available.is_available()), counted);
        assert_eq!(available.is_available(), reason.is_none());
        assert_eq!(available.reason, reason);
    }
    workspaces.change(plan).await;

    workspaces
        .all()
        .create(&Workspace::new("visited"))
        .await
        .unwrap();
    world.take();
    let left = workspaces.all().leave("visited").await.unwrap();
    let exchange = world.assert_sent(request("LeaveWorkspace").path_params(["visited"]));
    assert_keeps_all(&left, exchange.response());
}

async fn users(world: &World) {
    let users = Lifecycle::of(world, "WorkspaceUser", "WorkspaceUsers", Api::users);
    let before = users.list_all().await.len();
    let invitation = users.all().invite("ada+x@example.com").await.unwrap();
    let invite = request("InviteWorkspaceUser").body(json!({"email": "ada+x@example.com"}));
    let exchange = world.assert_sent(invite);
    assert_keeps_all(&invitation, exchange.response());
    users.assert_count(before + 1).await;

    let user = users
        .all()
        .set_role("ada+x@example.com", Role::Admin)
        .await
        .unwrap();
    let update = request("UpdateWorkspaceUserRole")
        .path_params(["ada+x@example.com"])
        .body(json!({"role": "admin"}));
    let exchange = world.assert_sent(update);
    assert_keeps_all(&user, exchange.response());
    assert_eq!(user.role, Some(Role::Admin));

    let remove = || request("RemoveWorkspaceUser").path_params(["ada+x@example.com"]);
    users.all().delete("ada+x@example.com").await.unwrap();
    world.assert_sent(remove());
    let nothing = users.all().delete_if_present("ada+x@example.com").await;
    assert_eq!(nothing.unwrap(), None);
    world.assert_sent(remove().status(404));
}

async fn secrets(world: &World) {
    let secrets = Lifecycle::of(world, "Secret", "Secrets", Api::secrets);
    for value in ["canary-1", "canary-2"] {
        let set = secrets
            .all()
            .set("KEY", &Secret::from(value))
            .await
            .unwrap();
        let upsert = request("UpsertSecret").body(json!({"name": "KEY", "value": value}));
        let exchange = world.assert_sent(upsert);
        assert_keeps_all(&set, exchange.response());
    }
    assert_eq!(
        world.emulator.secret_values("KEY"),
        ["canary-1", "canary-2"]
    );
    let all = secrets.list_all().await;
    assert_eq!(all.len(), 1);
    assert!(!format!("{all:?}").contains("canary"));
    secrets.delete("KEY").await;
    secrets.assert_not_deletable("KEY").await;

    secrets.all().set("a/b", &Secret::from("v")).await.unwrap();
    world.take();
    let deleted = secrets.all().delete_by_query("a/b").await.unwrap();
    let exchange = world.assert_sent(request("DeleteSecretByQuery").query("name", "a/b"));
    assert_keeps_all(&deleted, exchange.response());
    secrets.assert_count(0).await;
}

async fn service_accounts(world: &World) {
    let accounts = world.api().service_accounts();
    let draft = ServiceAccountDraft::new("ci").description("builds");
    let made = accounts.create(&draft).await.unwrap();
    let create = request("CreateWorkspaceServiceAccount")
        .body(json!({"name": "ci", "description": "builds"}));
    let exchange = world.assert_sent(create);
    assert_keeps_all(&made, exchange.response());
    let id = made.client_id.expect("an id");
    assert!(made.client_secret.is_some());

    let all = accounts.all().await.unwrap();
    let exchange = world.assert_sent(request("GetWorkspaceServiceAccounts"));
    assert_keeps_all(&all, exchange.response());
    assert!(
        all.iter()
            .any(|account| account.client_id.as_deref() == Some(&id))
    );

    let change = ServiceAccountChange::new().description("builds and tests");
    let changed = accounts.update(&id, &change).await.unwrap();
    let update = request("UpdateWorkspaceServiceAccount")
        .path_params([&id])
        .body(json!({"description": "builds and tests"}));
    let exchange = world.assert_sent(update);
    assert_keeps_all(&changed, exchange.response());
    api_keys(world, &id).await;

    let deleted = accounts.delete(&id).await.unwrap();
    let exchange = world.assert_sent(request("DeleteWorkspaceServiceAccount").path_params([&id]));
    assert_keeps_all(&deleted, exchange.response());
    assert_eq!(accounts.delete_if_present(&id).await.unwrap(), None);
    world.assert_sent(
        request("DeleteWorkspaceServiceAccount")
            .path_params([&id])
            .status(404),
    );
}

async fn api_keys(world: &World, account: &str) {
    let keys = world.api().service_accounts().api_keys(account);
    let draft = ApiKeyDraft::new()
        .name("pipeline")
        .expires_in(Period::days(30));
    let made = keys.create(&draft).await.unwrap();
    let create = request("CreateApiKeyForServiceAccount")
        .path_params([account])
        .body(json!({"name": "pipeline", "expires_in": "30d"}));
    let exchange = world.assert_sent(create);
    assert_keeps_all(&made, exchange.response());
    assert!(made.api_key.is_some());

    let all = keys.all().await.unwrap();
    let exchange =
        world.assert_sent(request("ListApiKeysForServiceAccount").path_params([account]));
    assert_keeps_all(&all, exchange.response());
    assert_eq!(all.len(), 1);

    let id = made.id.expect("an id");
    keys.delete(&id).await.unwrap();
    world.assert_sent(request("DeleteApiKeyForServiceAccount").path_params([account, id.as_str()]));
}

async fn features(world: &World) {
    let features = world.api().features().await.unwrap();
    let exchange = world.assert_sent(request("getWorkspaceFeatures"));
    assert_keeps_all(&features, exchange.response());
    let all = features.features.as_ref().expect("features");
    let key = all.keys().next().expect("a feature").clone();

    let flag = world.api().feature(&key).await.unwrap();
    let exchange = world.assert_sent(request("testFeatureFlag").path_params([&key]));
    assert_keeps_all(&flag, exchange.response());
    let account = world.emulator.account_id();
    let flag = world.api().feature_of_account(&key, account).await.unwrap();
    let test = request("testFeatureFlag")
        .path_params([&key])
        .query("account", account);
    let exchange = world.assert_sent(test);
    assert_keeps_all(&flag, exchange.response());
    assert_eq!(flag.feature_key.as_ref(), Some(&key));
}
