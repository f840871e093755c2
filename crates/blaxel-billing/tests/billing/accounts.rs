//! Accounts, and the account of a workspace.

use blaxel_billing::Billing;
use serde_json::json;

use crate::support::Scripted;

#[tokio::test]
async fn account_of_returns_the_account_of_a_workspace() {
    let service = Scripted::new(vec![
        json!({"name": "demo", "accountId": "acc-1", "more": {}}),
    ]);
    let billing = Billing::new(service.clone());
    assert_eq!(billing.account_of("my space").await.unwrap(), "acc-1");
    assert_eq!(service.requests(), ["GET /workspaces/my%20space"]);
    for without_account in [
        json!({"name": "demo"}),
        json!({"accountId": null}),
        json!({"accountId": ""}),
    ] {
        let billing = Billing::new(Scripted::new(vec![without_account]));
        assert!(billing.account_of("demo").await.unwrap_err().is_decode());
    }
}

#[tokio::test]
async fn accounts_are_listed_from_a_plain_list_and_from_pages() {
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
