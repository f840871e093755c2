//! A server that receives the results of asynchronous calls, and verifies that they come from the platform.
//!
//! It runs on an emulator in this process: `cargo run --example callback --features callback`.

mod verified;

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
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::verified::Verified;

/// The state of the server. The extractor takes the verifier from it.
#[derive(Clone)]
struct Server {
    verifier: CallbackVerifier,
    results: UnboundedSender<String>,
}

impl FromRef<Server> for CallbackVerifier {
    fn from_ref(server: &Server) -> Self {
        server.verifier.clone()
    }
}

impl Server {
    /// Returns a server that accepts what is signed with the secret, and the results that it receives.
    fn new(secret: &str) -> Result<(Self, UnboundedReceiver<String>), blaxel::Error> {
        let verifier = CallbackVerifier::new(secret)?;
        let (results, received) = unbounded_channel();
        Ok((Self { verifier, results }, received))
    }
}

/// Handles one callback. It runs only for verified ones.
async fn receive(State(server): State<Server>, Verified(callback): Verified) -> StatusCode {
    let text = format!("{} {}", callback.status_code, callback.response_body);
    match server.results.send(text) {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
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

    let (server, mut results) = Server::new(secret.expose())?;
    let server = tokio::spawn(async move { axum::serve(listener, app(server)).await });

    let agent = Inference::new(client).agent("support-bot");
    agent.submit(&json!({"inputs": "Hello"})).await?;
    let text = results.recv().await.ok_or("no result")?;
    println!("a verified result: {text}");
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
        let (server, mut results) = Server::new(SECRET).unwrap();
        let status = app(server).oneshot(request).await.unwrap().status();
        let count = std::iter::from_fn(|| results.try_recv().ok()).count();
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
