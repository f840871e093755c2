//! A server that receives the results of asynchronous calls, and verifies that they come from the platform.
//!
//! It runs on an emulator in this process: `cargo run --example callback --features callback`.

mod verified;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::routing::post;
use blaxel::auth::Variables;
use blaxel::inference::CallbackVerifier;
use blaxel::management::agents::Agent;
use blaxel::management::workload::{Trigger, TriggerConfiguration, TriggerKind};
use blaxel::{ClientBuilder, Inference, Management};
use blaxel_emulator::Emulator;
use serde_json::json;
use tokio::sync::Notify;

use crate::verified::Verified;

/// The state of the server. The extractor takes the verifier from it.
#[derive(Clone)]
struct Server {
    verifier: CallbackVerifier,
    results: Results,
}

impl FromRef<Server> for CallbackVerifier {
    fn from_ref(server: &Server) -> Self {
        server.verifier.clone()
    }
}

impl FromRef<Server> for Results {
    fn from_ref(server: &Server) -> Self {
        server.results.clone()
    }
}

/// The results that have arrived.
#[derive(Clone, Default)]
struct Results {
    texts: Arc<Mutex<Vec<String>>>,
    arrived: Arc<Notify>,
}

/// Handles one callback. It runs only for verified ones.
async fn receive(State(results): State<Results>, Verified(callback): Verified) -> StatusCode {
    let text = format!("{} {}", callback.status_code, callback.response_body);
    results.texts.lock().unwrap().push(text);
    results.arrived.notify_one();
    StatusCode::NO_CONTENT
}

fn app(server: Server) -> Router {
    Router::new()
        .route("/results", post(receive))
        .with_state(server)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start().await?;
    let variables = Variables::from_iter(emulator.variables());
    let client = ClientBuilder::from_variables(&variables)?.build()?;

    // An agent whose results are posted to this program.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/results", listener.local_addr()?);
    let settings = TriggerConfiguration::new().callback_url(url);
    let trigger = Trigger::new()
        .kind(TriggerKind::HttpAsync)
        .configuration(settings);
    let draft = Agent::new("support-bot")
        .image("my-team/support-bot:1")
        .trigger(trigger);
    let created = Management::new(client.clone())
        .agents()
        .create(&draft)
        .await?;
    let trigger = created
        .spec
        .triggers
        .and_then(|triggers| triggers.into_iter().next());
    let settings = trigger.and_then(|trigger| trigger.configuration);
    let secret = settings
        .and_then(|settings| settings.callback_secret)
        .ok_or("no secret")?;

    let results = Results::default();
    let verifier = CallbackVerifier::new(secret)?;
    let app = app(Server {
        verifier,
        results: results.clone(),
    });
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    Inference::new(client)
        .agent("support-bot")
        .submit(&json!({"inputs": "Hello"}))
        .await?;
    results.arrived.notified().await;
    for text in results.texts.lock().unwrap().iter() {
        println!("a verified result: {text}");
    }
    server.abort();
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use hmac::{Hmac, Mac};
    use sha2::Sha256;
    use tower::ServiceExt;

    use super::*;

    const SECRET: &str = "s3cret";

    /// Returns the status of the response to a body, and the results after it.
    async fn post(body: &str, signed: &str, age: u64) -> (StatusCode, usize) {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        let digest = mac.finalize().into_bytes();
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        let request = Request::post("/results")
            .header("x-blaxel-signature", format!("sha256={digest}"))
            .header("x-blaxel-timestamp", (now.as_secs() - age).to_string())
            .body(Body::from(body.to_owned()))
            .unwrap();
        let results = Results::default();
        let verifier = CallbackVerifier::new(SECRET).unwrap();
        let app = app(Server {
            verifier,
            results: results.clone(),
        });
        let status = app.oneshot(request).await.unwrap().status();
        let count = results.texts.lock().unwrap().len();
        (status, count)
    }

    #[tokio::test]
    async fn only_signed_and_recent_callbacks_reach_the_handler() {
        let body = r#"{"status_code": 200, "response_body": "done"}"#;
        assert_eq!(post(body, body, 0).await, (StatusCode::NO_CONTENT, 1));
        let changed = r#"{"status_code": 200, "response_body":  "done"}"#;
        assert_eq!(post(changed, body, 0).await, (StatusCode::UNAUTHORIZED, 0));
        assert_eq!(post(body, body, 301).await, (StatusCode::UNAUTHORIZED, 0));
        assert_eq!(post("[]", "[]", 0).await, (StatusCode::BAD_REQUEST, 0));
        let large = "x".repeat(3 * 1024 * 1024);
        assert_eq!(
            post(&large, &large, 0).await,
            (StatusCode::PAYLOAD_TOO_LARGE, 0)
        );
    }
}
