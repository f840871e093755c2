//! Uses a little of each of the crates, as a program outside their workspace does.

use std::error::Error;

use blaxel_auth::{Credentials, Variables};
use blaxel_billing::{Billing, Dimension, MetricsQuery, Window};
use blaxel_emulator::Emulator;
use blaxel_inference::Inference;
use blaxel_management::Management;
use blaxel_management::agents::Agent;
use blaxel_transport::Client;
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::offline();

    let agents = Management::new(emulator.service()).agents();
    agents.create(&Agent::new("kite").image("demo:1")).await?;
    let mut names = Vec::new();
    let mut all = agents.items();
    while let Some(agent) = all.try_next().await? {
        names.push(agent.metadata.name);
    }
    check("agents", names.contains(&"kite".to_owned()))?;

    emulator.add_agent("bot");
    let bot = Inference::new(emulator.service()).agent("bot");
    let reply: Value = bot.invoke(&json!({"inputs": "Hello"})).await?;
    let output = reply["output"].as_str().unwrap_or_default();
    check("inference", output.contains("Hello"))?;

    let query = MetricsQuery::new(Window::month(2026, 4)?).group_by(Dimension::ResourceType);
    let billing = Billing::new(emulator.service());
    let report = billing.report(emulator.account_id(), &query).await?;
    let kinds = report.by(&Dimension::ResourceType)?.entries().len();
    check("billing", kinds > 0)?;

    // And over a socket, for the client carries nothing to what is on none.
    let emulator = Emulator::start().await?;
    emulator.add_agent("bot");
    let key = emulator.api_key();
    let variables = Variables::from_iter([("BL_API_KEY", key), ("BL_WORKSPACE", "demo")]);
    let client = Client::builder()
        .credentials(Credentials::resolve(&variables)?)
        .workspace(emulator.workspace())
        .api_url(emulator.url())
        .build()?;
    let agent = blaxel::Management::new(client).agents().get("bot").await?;
    check("the front door", agent.metadata.name == "bot")?;
    Ok(())
}

fn check(what: &str, well: bool) -> Result<(), String> {
    println!("{what}: {}", if well { "works" } else { "does not work" });
    if well {
        Ok(())
    } else {
        Err(format!("{what} does not do what it should"))
    }
}
