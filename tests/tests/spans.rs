//! Promise: each call and each attempt has a span with OpenTelemetry's names, and no crate traces a
//! payload or a secret.
//!
//! In a program of its own: a thread without a subscriber would decide for the whole process which spans exist.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use blaxel::{Client, Credentials, Inference, ListParams, Management};
use blaxel_emulator::{Emulator, Fault};
use blaxel_management::agents::Agent;
use blaxel_management::upload::{Archive, UploadSource};
use blaxel_transport::RetryPolicy;
use http::StatusCode;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const SECRET: &str = "canary-77c2";
const PAYLOAD: &str = "payload-41ab";

#[derive(Clone, Debug, Default)]
struct Noted {
    name: String,
    parent: Option<u64>,
    fields: BTreeMap<String, String>,
}

/// A subscriber that collects every span, and the text of everything that is traced at any level.
#[derive(Clone, Default)]
struct Collector {
    next: Arc<AtomicU64>,
    spans: Arc<Mutex<BTreeMap<u64, Noted>>>,
    entered: Arc<Mutex<Vec<u64>>>,
    text: Arc<Mutex<String>>,
}

struct Fields<'a>(&'a mut BTreeMap<String, String>, &'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = format!("{value:?}");
        self.1.push_str(&format!("{field}={value}\n"));
        self.0
            .insert(field.name().to_owned(), value.trim_matches('"').to_owned());
    }
}

impl Subscriber for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let parent = self.entered.lock().unwrap().last().copied();
        let name = span.metadata().name().to_owned();
        let mut noted = Noted {
            name,
            parent,
            ..Noted::default()
        };
        span.record(&mut Fields(
            &mut noted.fields,
            &mut self.text.lock().unwrap(),
        ));
        self.spans.lock().unwrap().insert(id, noted);
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut spans = self.spans.lock().unwrap();
        let noted = spans.get_mut(&span.into_u64()).unwrap();
        values.record(&mut Fields(
            &mut noted.fields,
            &mut self.text.lock().unwrap(),
        ));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Fields(
            &mut BTreeMap::new(),
            &mut self.text.lock().unwrap(),
        ));
    }

    fn enter(&self, span: &Id) {
        self.entered.lock().unwrap().push(span.into_u64());
    }

    fn exit(&self, _: &Id) {
        self.entered.lock().unwrap().pop();
    }
}

impl Collector {
    fn named(&self, name: &str) -> Vec<(u64, Noted)> {
        let spans = self.spans.lock().unwrap();
        spans
            .iter()
            .filter(|(_, span)| span.name == name)
            .map(|(id, span)| (*id, span.clone()))
            .collect()
    }
}

async fn work(emulator: &Emulator) {
    let credentials = Credentials::client_credentials(emulator.client_id(), SECRET).unwrap();
    let client = Client::builder()
        .credentials(credentials)
        .workspace(emulator.workspace())
        .api_url(emulator.url())
        .run_url(emulator.run_url())
        .retry(RetryPolicy::new().base_delay(std::time::Duration::ZERO))
        .build()
        .unwrap();
    let agents = Management::new(client.clone()).agents();
    emulator
        .fault("ListAgents", Fault::html(StatusCode::BAD_GATEWAY), 1)
        .unwrap();
    agents
        .list_with(&ListParams::new().search(PAYLOAD))
        .await
        .unwrap();
    agents.get("nobody").await.unwrap_err();
    let bot = Inference::new(client)
        .agent("bot")
        .header("x-own", SECRET)
        .query("q", SECRET);
    let _: Value = bot.invoke(&json!({"inputs": PAYLOAD})).await.unwrap();
    let code = UploadSource::bytes(Archive::Zip, PAYLOAD.as_bytes());
    agents.deploy(&Agent::new("coded"), &code).await.unwrap();
}

#[test]
fn calls_and_attempts_have_spans_without_secrets() {
    let collector = Collector::default();
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    // The emulator runs on its own thread, where nothing is collected.
    let (send, emulator) = std::sync::mpsc::channel();
    let (done, wait) = tokio::sync::oneshot::channel::<()>();
    let server = std::thread::spawn(move || {
        runtime().block_on(async move {
            let emulator = Emulator::builder()
                .client("id", SECRET)
                .start()
                .await
                .unwrap();
            emulator.add_agent("bot");
            let emulator = Arc::new(emulator);
            send.send(Arc::clone(&emulator)).unwrap();
            let _ = wait.await;
        });
    });
    let emulator = emulator.recv().unwrap();
    tracing::subscriber::with_default(collector.clone(), || runtime().block_on(work(&emulator)));
    done.send(()).unwrap();
    drop(emulator);
    server.join().unwrap();

    let calls = collector.named("blaxel.call");
    let names: Vec<_> = calls
        .iter()
        .map(|(_, call)| call.fields["otel.name"].as_str())
        .collect();
    assert_eq!(names[..3], ["ListAgents", "GetAgent", "InvokeAgent"]);
    let (list, failed) = (&calls[0], &calls[1].1);
    assert_eq!(list.1.fields["http.response.status_code"], "200");
    assert_eq!(failed.fields["url.template"], "/agents/{agentName}");
    assert_eq!(failed.fields["error.type"], "404");

    let attempts = collector.named("blaxel.attempt");
    let of_list: Vec<_> = attempts
        .iter()
        .filter(|(_, attempt)| attempt.parent == Some(list.0))
        .collect();
    let statuses: Vec<_> = of_list
        .iter()
        .map(|(_, attempt)| attempt.fields["http.response.status_code"].as_str())
        .collect();
    assert_eq!(statuses, ["502", "200"]);
    assert_eq!(of_list[1].1.fields["http.request.resend_count"], "1");
    assert_eq!(of_list[1].1.fields["server.address"], "127.0.0.1");
    assert_eq!(of_list[1].1.fields["url.path"], "/v0/agents");

    // The path of a presigned URL is a part of the permission.
    let put = calls.last().unwrap();
    assert_eq!(put.1.fields["otel.name"], "PutArchive");
    let (_, put) = attempts
        .iter()
        .find(|(_, attempt)| attempt.parent == Some(put.0))
        .unwrap();
    assert_eq!(put.fields["server.address"], "127.0.0.1");
    assert!(!put.fields.contains_key("url.path"), "{put:?}");

    let text = collector.text.lock().unwrap();
    assert!(!text.contains(SECRET) && !text.contains(PAYLOAD), "{text}");
    assert!(!text.contains("Bearer"), "{text}");
}
