//! Lists and resources of the platform.

use blaxel_core::{BoxService, Error};
use blaxel_management::Management;
use serde_json::{Value, json};

use crate::case::{Case, cases};
use crate::check::{Cut, check};
use crate::outcome;

async fn read(service: BoxService, case: &Case) -> Result<Value, Error> {
    let agents = Management::new(service).agents();
    match case.expected["read"].as_str() {
        Some("list") => {
            let page = agents.list().await?;
            let names = page.items.iter().map(|agent| &agent.metadata.name);
            Ok(json!({"names": names.collect::<Vec<_>>()}))
        }
        Some("get") => {
            let agent = agents.get("a").await?;
            Ok(json!({"name": agent.metadata.name, "status": agent.status}))
        }
        other => panic!("{}: unknown call {other:?}", case.name),
    }
}

#[test]
fn resources_are_read_whole_or_not_at_all() {
    check(
        &cases("management"),
        Cut::Complete,
        async |service, case: &Case| {
            let outcome = read(service, case).await;
            outcome.unwrap_or_else(|error| json!({"error": outcome::error(&error)}))
        },
    );
}
