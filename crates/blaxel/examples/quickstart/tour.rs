//! The steps of the tour.

use std::io::Write as _;
use std::time::Duration;

use blaxel::billing::{Dimension, MetricsQuery, Window};
use blaxel::blaxel_core::{Body, Timestamp};
use blaxel::inference::{ChatRequest, Message};
use blaxel::management::Megabytes;
use blaxel::management::agents::Agent;
use blaxel::management::models::Model;
use blaxel::sandbox::Sandbox;
use blaxel::{ApiVersion, Billing, Client, Inference, ListParams, Management, Sandboxes, Sort};
use blaxel_emulator::Entry;
use http::HeaderValue;
use serde_json::{Value, json};
use tower::util::MapRequest;

use crate::{Failure, cost_table, expect_error, heading};

/// The name of the agent that the tour creates, calls and deletes.
const AGENT: &str = "quickstart-agent";
/// The name of the sandbox that the tour creates, uses and deletes.
const SANDBOX: &str = "quickstart-sandbox";
/// A model that every emulator has.
const MODEL: &str = "sandbox-openai";

/// Creates a sandbox, runs a command in it, writes and reads a file, calls a server in it, and deletes it.
pub(crate) async fn sandbox(client: &Client) -> Result<(), Failure> {
    let sandboxes = Sandboxes::new(client.clone());

    heading("Create a sandbox (CreateSandbox)");
    let draft = Sandbox::new(SANDBOX).image("blaxel/base-image:latest");
    let sandbox = sandboxes.ensure(&draft).await?;
    println!("{} is ready", sandbox.name());

    heading("Run a command in it (ExecuteProcess)");
    let output = sandbox
        .shell("echo Hello from $(hostname)")
        .output()
        .await?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    println!("the command has {}", output.status);

    heading("Write a file, and read it (WriteFile, ReadFile)");
    let files = sandbox.fs();
    let bytes = files.write("/app/config.json", r#"{"port":3000}"#).await?;
    println!("wrote {bytes} bytes");
    println!("read {}", files.read_to_string("/app/config.json").await?);

    heading("Serve its directory on a port, and call that (StartProcess, CallSandbox)");
    let server = sandbox
        .command("python3")
        .args(["-m", "http.server", "3000"]);
    let server = server.current_dir("/app").spawn().await?;
    let port = sandbox.port(3000);
    port.wait_until_ready(Duration::from_secs(10)).await?;
    let page = port.get("/config.json").await?;
    println!("{}: {}", page.status(), page.text().await?);
    server.kill().await?;

    heading("Delete it (DeleteSandbox)");
    sandboxes.delete(SANDBOX).await?;
    println!("{SANDBOX} is deleted");
    Ok(())
}

/// Lists the models page by page.
pub(crate) async fn models(client: &Client, page_size: u32) -> Result<(), Failure> {
    heading(&format!("Models, {page_size} per page (ListModels)"));
    let params = ListParams::new().limit(page_size).sort(Sort::NameAscending);
    let mut pages = Management::new(client.clone()).models().pages_with(&params);
    let (mut number, mut total) = (0, 0);
    while let Some(page) = pages.try_next().await? {
        number += 1;
        total += page.len();
        let names: Vec<_> = page.iter().map(model_line).collect();
        println!("page {number}: {}", names.join(", "));
    }
    println!("{total} models on {number} pages");
    Ok(())
}

/// Formats a model with its provider.
fn model_line(model: &Model) -> String {
    let provider = model
        .spec
        .runtime
        .as_ref()
        .and_then(|runtime| runtime.provider.as_ref());
    match provider {
        Some(provider) => format!("{} ({provider})", model.metadata.name),
        None => model.metadata.name.clone(),
    }
}

/// Lists the agents one by one.
pub(crate) async fn agents(client: &Client) -> Result<(), Failure> {
    heading("Agents (ListAgents)");
    let mut agents = Management::new(client.clone()).agents().items();
    while let Some(agent) = agents.try_next().await? {
        let status = agent
            .status
            .as_ref()
            .map_or("no status", |status| status.as_str());
        println!("{}: {status}", agent.metadata.name);
    }
    Ok(())
}

/// Creates, reads, changes, calls and deletes an agent.
pub(crate) async fn agent_life(client: &Client) -> Result<(), Failure> {
    let agents = Management::new(client.clone()).agents();

    heading("Create an agent (CreateAgent)");
    let draft = Agent::new(AGENT)
        .display_name("Quickstart")
        .image("demo/echo:1")
        .memory(Megabytes::new(2048));
    let agent = agents.create(&draft).await?;
    println!("{} is {}", agent.metadata.name, show(agent.status.as_ref()));

    heading("Read it (GetAgent)");
    let agent = agents.get(AGENT).await?;
    println!("created at {}", show(agent.metadata.created_at.as_ref()));
    println!("its URL is {}", show(agent.metadata.url.as_ref()));

    heading("Add a label, and preserve everything else (GetAgent, UpdateAgent)");
    let changed = agents
        .modify(AGENT, |agent| agent.metadata.add_label("team", "care"))
        .await?;
    println!(
        "labels are {:?}",
        changed.metadata.labels.unwrap_or_default()
    );

    heading("Call it (InvokeAgent)");
    let agent = Inference::new(client.clone()).agent(AGENT).thread("t-42");
    let reply: Value = agent.invoke(&json!({"inputs": "Hello from Rust"})).await?;
    println!("it replies {reply}");

    heading("Delete it (DeleteAgent)");
    agents.delete(AGENT).await?;
    match agents.find(AGENT).await? {
        None => println!("{AGENT} does not exist any more"),
        Some(agent) => println!("{AGENT} is {}", show(agent.status.as_ref())),
    }
    Ok(())
}

/// Streams a model's answer.
pub(crate) async fn conversation(client: &Client) -> Result<(), Failure> {
    heading(&format!(
        "Stream an answer of the model {MODEL} (StreamChatCompletion)"
    ));
    let request = ChatRequest::new([
        Message::system("Be brief."),
        Message::user("Why do people like Rust?"),
    ]);
    let mut answer = Inference::new(client.clone())
        .model(MODEL)
        .stream(&request)
        .await?;
    let mut chunks = 0;
    while let Some(chunk) = answer.try_next().await? {
        if !chunk.text().is_empty() {
            chunks += 1;
            print!("{}", chunk.text());
            std::io::stdout().flush()?;
        }
    }
    let tokens = answer.usage().map_or(0, |usage| usage.total_tokens);
    println!("\n({chunks} chunks, {tokens} tokens)");
    Ok(())
}

/// Prints the costs of last month.
pub(crate) async fn costs(client: &Client) -> Result<(), Failure> {
    let billing = Billing::new(client.clone());
    let window = Window::month_before(&Timestamp::now())?;
    let query = MetricsQuery::new(window.clone()).group_by(Dimension::ResourceType);
    for account in billing.accounts().await? {
        let Some(id) = account.id() else { continue };
        heading(&format!(
            "Costs of account {id} by resource type (GetAccountMetrics)"
        ));
        println!("window {window}");
        let (mut groups, mut total) = (Vec::new(), None);
        let mut pages = billing.metrics_pages(id, &query);
        while let Some(page) = pages.try_next().await? {
            // Each page repeats the total of the whole query.
            total = Some(page.summary.cost);
            groups.extend(page.groups);
        }
        print!("{}", cost_table::render(&groups, total.unwrap_or_default()));
    }
    Ok(())
}

/// Sends a request with an API version that does not exist.
pub(crate) async fn unknown_version(client: &Client) -> Result<(), Failure> {
    heading("Send an unknown API version, to see an error (ListModels)");
    let version: ApiVersion = "2019-01-01".parse()?;
    let header = HeaderValue::try_from(version.to_string())?;
    // The facades run on any tower service, so also on the client behind a custom layer.
    let pinned = MapRequest::new(client.clone(), move |mut request: http::Request<Body>| {
        request
            .headers_mut()
            .insert("blaxel-version", header.clone());
        request
    });
    let outcome = blaxel::management::Management::new(pinned)
        .models()
        .list()
        .await;
    let error = expect_error(outcome, "an unknown version")?;
    println!("{error}");
    if !error.is_unknown_version() {
        return Err("the error does not report an unknown version".into());
    }
    let offered: Vec<_> = error
        .offered_versions()
        .iter()
        .map(ToString::to_string)
        .collect();
    println!("the server supports {}", offered.join(", "));
    Ok(())
}

/// Checks in the emulator's journal that every call named an API version, and that the token was requested only
/// once.
pub(crate) fn check_journal(journal: &[Entry]) -> Result<(), Failure> {
    heading("Read the emulator's journal of requests");
    let (tokens, calls): (Vec<_>, Vec<_>) = journal
        .iter()
        .partition(|entry| entry.path.ends_with("/oauth/token"));
    let versioned = calls.iter().filter(|entry| entry.version.is_some()).count();
    if versioned != calls.len() || tokens.len() != 1 {
        return Err("the journal has a call without a version, or a second token request".into());
    }
    println!(
        "it received {} calls, each with an API version, and one token request for all of them",
        calls.len()
    );
    Ok(())
}

/// Formats an optional value.
fn show(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "(unknown)".to_owned(), ToString::to_string)
}
