//! Workspaces, their members, service accounts with their API keys, and features.

use blaxel_core::Period;
use blaxel_management::service_accounts::{ApiKeyDraft, ServiceAccountChange, ServiceAccountDraft};
use blaxel_management::workspaces::{Role, UnavailableReason, Workspace};
use serde_json::json;

use crate::support::life::{Change, Plan, REPLACE_FIRST};
use crate::support::{Api, Life, World, request, tells};

pub async fn perform(world: &World) {
    workspaces(world).await;
    users(world).await;
    service_accounts(world).await;
    features(world).await;
}

async fn workspaces(world: &World) {
    let workspaces = Life::of(world, "Workspace", "Workspaces", Api::workspaces);
    let before = workspaces.are_all_told().await.len();
    let plan = Plan {
        draft: Workspace::new("atelier")
            .display_name("Atelier")
            .label("team", "care"),
        sent: json!({
            "name": "atelier", "displayName": "Atelier", "labels": {"team": "care"},
        }),
        replaced: Change {
            made: |workspace| workspace.display_name = Some("The atelier".to_owned()),
            seen: ("/displayName", json!("The atelier")),
        },
        modified: Change {
            made: |workspace| workspace.labels = Some([("a".to_owned(), "b".to_owned())].into()),
            seen: ("/labels", json!({"a": "b"})),
        },
        applying: REPLACE_FIRST,
    };
    workspaces.begins(&plan).await;
    workspaces.are_enumerated(before + 1).await;

    let counted = workspaces.all().get_counting("atelier").await.unwrap();
    let get = request("GetWorkspace")
        .on(["atelier"])
        .query("countResources", true);
    let exchange = world.sent(get);
    tells(&counted, exchange.answer());
    assert!(counted.resource_counts.is_some());

    for (name, reason) in [("atelier", Some(UnavailableReason::Taken)), ("fresh", None)] {
        let available = workspaces.all().availability(name).await.unwrap();
        let check = request("CheckWorkspaceAvailability")
            .query("withReason", true)
            .body(json!({"name": name}));
        let exchange = world.sent(check);
        let told = exchange.answer()["available"].as_bool();
        assert_eq!(Some(available.is_available()), told);
        assert_eq!(available.is_available(), reason.is_none());
        assert_eq!(available.reason, reason);
    }
    workspaces.changes(plan).await;

    workspaces
        .all()
        .create(&Workspace::new("visited"))
        .await
        .unwrap();
    world.take();
    let left = workspaces.all().leave("visited").await.unwrap();
    let exchange = world.sent(request("LeaveWorkspace").on(["visited"]));
    tells(&left, exchange.answer());
}

async fn users(world: &World) {
    let users = Life::of(world, "WorkspaceUser", "WorkspaceUsers", Api::users);
    let before = users.are_all_told().await.len();
    let invitation = users.all().invite("ada+x@example.com").await.unwrap();
    let invite = request("InviteWorkspaceUser").body(json!({"email": "ada+x@example.com"}));
    let exchange = world.sent(invite);
    tells(&invitation, exchange.answer());
    users.are_enumerated(before + 1).await;

    let user = users
        .all()
        .set_role("ada+x@example.com", Role::Admin)
        .await
        .unwrap();
    let update = request("UpdateWorkspaceUserRole")
        .on(["ada+x@example.com"])
        .body(json!({"role": "admin"}));
    let exchange = world.sent(update);
    tells(&user, exchange.answer());
    assert_eq!(user.role, Some(Role::Admin));

    let remove = || request("RemoveWorkspaceUser").on(["ada+x@example.com"]);
    users.all().delete("ada+x@example.com").await.unwrap();
    world.sent(remove());
    let nothing = users.all().delete_if_present("ada+x@example.com").await;
    assert_eq!(nothing.unwrap(), None);
    world.sent(remove().answered(404));
}

async fn service_accounts(world: &World) {
    let accounts = world.api().service_accounts();
    let draft = ServiceAccountDraft::new("ci").description("builds");
    let made = accounts.create(&draft).await.unwrap();
    let create = request("CreateWorkspaceServiceAccount")
        .body(json!({"name": "ci", "description": "builds"}));
    let exchange = world.sent(create);
    tells(&made, exchange.answer());
    let id = made.client_id.expect("an id");
    assert!(made.client_secret.is_some());

    let all = accounts.all().await.unwrap();
    let exchange = world.sent(request("GetWorkspaceServiceAccounts"));
    tells(&all, exchange.answer());
    assert!(
        all.iter()
            .any(|account| account.client_id.as_deref() == Some(&id))
    );

    let change = ServiceAccountChange::new().description("builds and tests");
    let changed = accounts.update(&id, &change).await.unwrap();
    let update = request("UpdateWorkspaceServiceAccount")
        .on([&id])
        .body(json!({"description": "builds and tests"}));
    let exchange = world.sent(update);
    tells(&changed, exchange.answer());
    api_keys(world, &id).await;

    let deleted = accounts.delete(&id).await.unwrap();
    let exchange = world.sent(request("DeleteWorkspaceServiceAccount").on([&id]));
    tells(&deleted, exchange.answer());
    assert_eq!(accounts.delete_if_present(&id).await.unwrap(), None);
    world.sent(
        request("DeleteWorkspaceServiceAccount")
            .on([&id])
            .answered(404),
    );
}

async fn api_keys(world: &World, account: &str) {
    let keys = world.api().service_accounts().api_keys(account);
    let draft = ApiKeyDraft::new()
        .name("pipeline")
        .expires_in(Period::days(30));
    let made = keys.create(&draft).await.unwrap();
    let create = request("CreateApiKeyForServiceAccount")
        .on([account])
        .body(json!({"name": "pipeline", "expires_in": "30d"}));
    let exchange = world.sent(create);
    tells(&made, exchange.answer());
    assert!(made.api_key.is_some());

    let all = keys.all().await.unwrap();
    let exchange = world.sent(request("ListApiKeysForServiceAccount").on([account]));
    tells(&all, exchange.answer());
    assert_eq!(all.len(), 1);

    let id = made.id.expect("an id");
    keys.delete(&id).await.unwrap();
    world.sent(request("DeleteApiKeyForServiceAccount").on([account, id.as_str()]));
}

async fn features(world: &World) {
    let features = world.api().features().await.unwrap();
    let exchange = world.sent(request("getWorkspaceFeatures"));
    tells(&features, exchange.answer());
    let all = features.features.as_ref().expect("features");
    let key = all.keys().next().expect("a feature").clone();

    let flag = world.api().feature(&key).await.unwrap();
    let exchange = world.sent(request("testFeatureFlag").on([&key]));
    tells(&flag, exchange.answer());
    let account = world.emulator.account_id();
    let flag = world.api().feature_of_account(&key, account).await.unwrap();
    let test = request("testFeatureFlag")
        .on([&key])
        .query("account", account);
    let exchange = world.sent(test);
    tells(&flag, exchange.answer());
    assert_eq!(flag.feature_key.as_ref(), Some(&key));
}
