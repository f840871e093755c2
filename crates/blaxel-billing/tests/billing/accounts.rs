//! Accounts, and the account of a workspace.

use blaxel_billing::Billing;
use serde_json::json;

use crate::support::Scripted;

#[tokio::test]
async fn a_workspace_tells_its_account() {
    let told = Scripted::new(vec![
        json!({"name": "demo", "accountId": "acc-1", "more": {}}),
    ]);
    let billing = Billing::new(told.clone());
    assert_eq!(billing.account_of("my space").await.unwrap(), "acc-1");
    assert_eq!(told.asked(), ["GET /workspaces/my%20space"]);
    for silent in [
        json!({"name": "demo"}),
        json!({"accountId": null}),
        json!({"accountId": ""}),
    ] {
        let billing = Billing::new(Scripted::new(vec![silent]));
        assert!(billing.account_of("demo").await.unwrap_err().is_decode());
    }
}

#[tokio::test]
async fn accounts_are_listed_in_either_shape() {
    for shapes in [
        vec![json!([{"id": "a"}, {"id": "b"}])],
        vec![
            json!({"data": [{"id": "a"}], "meta": {"hasMore": true, "nextCursor": "c/1"}}),
            json!({"data": [{"id": "b"}], "meta": {"hasMore": false}}),
        ],
    ] {
        let service = Scripted::new(shapes.clone());
        let mut accounts = Billing::new(service.clone()).account_items();
        let mut ids = Vec::new();
        while let Some(account) = accounts.try_next().await.unwrap() {
            ids.push(account.id().unwrap().to_owned());
        }
        assert_eq!(ids, ["a", "b"]);
        assert_eq!(service.count(), shapes.len());
    }
}
