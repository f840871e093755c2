//! Streams and replies of agents.

use blaxel_core::{BoxService, Error};
use blaxel_inference::sse::Event;
use blaxel_inference::{AgentCall, Chunk, Inference};
use serde_json::{Map, Value, json};

use crate::case::{Case, cases};
use crate::check::{Cut, check};
use crate::outcome;

fn agent(service: BoxService) -> AgentCall<BoxService> {
    Inference::new(service).agent("a")
}

fn event(event: &Event) -> Value {
    json!({"event": event.name(), "data": event.data()})
}

/// Reads the items of a stream into an object, up to an error.
macro_rules! collect {
    ($stream:expr, $add:expr) => {{
        let mut stream = $stream.await?;
        while let Some(item) = stream.try_next().await? {
            $add(item);
        }
    }};
}

async fn read(service: BoxService, case: &Case, out: &mut Map<String, Value>) -> Result<(), Error> {
    let request = agent(service).post(&json!({}));
    match case.expected["read"].as_str() {
        Some("events") => collect!(request.events(), |item| push(out, "items", event(&item))),
        Some("lines") => collect!(request.lines(), |item| push(out, "items", json!(item))),
        Some("json_lines") => {
            collect!(request.json_lines(), |item| push(out, "items", item));
        }
        Some(other) => panic!("{}: unknown way to read {other}", case.name),
        None => collect!(request.chunks(), |item| add(out, item)),
    }
    Ok(())
}

/// Adds a chunk. Those whose boundaries have no meaning are joined.
fn add(out: &mut Map<String, Value>, chunk: Chunk) {
    match chunk {
        Chunk::Event(of_stream) => push(out, "items", event(&of_stream)),
        Chunk::Line(line) => push(out, "items", json!(line)),
        Chunk::Text(text) => {
            let before = out.entry("text").or_insert_with(|| "".into());
            *before = (before.as_str().unwrap_or_default().to_owned() + text.as_str()).into();
        }
        Chunk::Bytes(bytes) => bytes
            .iter()
            .for_each(|byte| push(out, "bytes", (*byte).into())),
        other => panic!("an unknown chunk {other:?}"),
    }
}

fn push(out: &mut Map<String, Value>, name: &str, item: Value) {
    if let Some(list) = out.entry(name).or_insert_with(|| json!([])).as_array_mut() {
        list.push(item);
    }
}

#[test]
fn streams_of_agents_are_read_in_order() {
    check(
        &cases("agent-stream"),
        Cut::Prefix,
        async |service, case: &Case| {
            let mut out = Map::new();
            let outcome = read(service, case, &mut out).await;
            if let Err(error) = outcome {
                out.entry("items").or_insert_with(|| json!([]));
                out.insert("error".to_owned(), outcome::error(&error));
            }
            Value::Object(out)
        },
    );
}

#[test]
fn texts_of_agents_are_read_in_their_charset() {
    check(
        &cases("agent-text"),
        Cut::Prefix,
        async |service, _: &Case| {
            let read = async { agent(service).post(&json!({})).send().await?.text().await };
            match read.await {
                Ok(text) => json!({"text": text}),
                Err(error) => json!({"error": outcome::error(&error)}),
            }
        },
    );
}

#[test]
fn values_of_agents_are_read_whole_or_not_at_all() {
    check(
        &cases("agent-json"),
        Cut::Complete,
        async |service, _: &Case| match agent(service).invoke::<Value>(&json!({})).await {
            Ok(value) => json!({"json": value}),
            Err(error) => json!({"error": outcome::error(&error)}),
        },
    );
}
