//! The recorder, with an emulator as the platform.

use blaxel_emulator::{Emulator, Recorder};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Ask, as_client, ask, get, post, run};

/// A platform with a proxy in front of it.
struct Proxied {
    platform: Emulator,
    recorder: Recorder,
    api: String,
    run: String,
}

impl Proxied {
    async fn start(platform: Emulator) -> Self {
        let recorder = Recorder::start(&platform.url(), &platform.run_url())
            .await
            .unwrap();
        let [api, run] = <[_; 2]>::try_from(recorder.variables())
            .unwrap()
            .map(|(_, value)| value);
        Self {
            platform,
            recorder,
            api,
            run,
        }
    }

    /// Sends a request for a path of the control plane through the proxy.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> crate::support::Reply {
        let request = ask(method, format!("{}{path}", self.api));
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        self.through(request).await
    }

    async fn through(&self, request: Ask) -> crate::support::Reply {
        as_client(request, &self.platform)
            .over_socket()
            .await
            .unwrap()
    }
}

fn named(name: &str, spec: &Value) -> Value {
    json!({"metadata": {"name": name}, "spec": spec})
}

#[tokio::test]
async fn what_was_seen_is_a_seed() {
    let platform = Emulator::builder()
        .workspace("acme")
        .models(["one", "two"])
        .start()
        .await
        .unwrap();
    let proxied = Proxied::start(platform).await;
    let agent = named("bot", &json!({"runtime": {"memory": 1024}}));
    proxied
        .send(Method::POST, "/agents", Some(&agent))
        .await
        .expect(200);
    let agent = named("bot", &json!({"runtime": {"memory": 2048}}));
    proxied
        .send(Method::PUT, "/agents/bot", Some(&agent))
        .await
        .expect(200);
    proxied
        .send(Method::POST, "/agents", Some(&named("gone", &json!({}))))
        .await
        .expect(200);
    proxied
        .send(Method::DELETE, "/agents/gone", None)
        .await
        .expect(200);
    proxied
        .send(Method::GET, "/models?limit=1", None)
        .await
        .expect(200);
    let sandbox = named(
        "dev",
        &json!({"runtime": {"image": "blaxel/base-image:latest"}}),
    );
    proxied
        .send(Method::POST, "/sandboxes", Some(&sandbox))
        .await
        .expect(200);
    let preview = named("web", &json!({"port": 3000, "public": true}));
    proxied
        .send(Method::POST, "/sandboxes/dev/previews", Some(&preview))
        .await
        .expect(200);
    proxied
        .send(Method::GET, "/agents/missing", None)
        .await
        .expect(404);
    let call = post(
        format!("{}/acme/agents/bot", proxied.run),
        &json!({"inputs": "Hello"}),
    );
    let reply = proxied.through(call).await.expect(200);
    assert_eq!(reply["output"], "bot heard: Hello");

    let seeded = Emulator::builder()
        .models([""; 0])
        .data(proxied.recorder.data())
        .build();
    let service = seeded.service();
    assert_eq!(seeded.workspace(), "acme");
    let bot = get("/agents/bot").bare(&service).await.expect(200);
    let original = get("/agents/bot")
        .bare(&proxied.platform.service())
        .await
        .expect(200);
    assert_eq!(bot["spec"], original["spec"]);
    assert_eq!(
        bot["metadata"]["createdAt"],
        original["metadata"]["createdAt"]
    );
    assert_eq!(bot["status"], "DEPLOYED");
    get("/agents/gone").bare(&service).await.expect(404);
    let models = get("/models").bare(&service).await.expect(200);
    assert_eq!(models["data"].as_array().unwrap().len(), 1, "{models}");
    get("/sandboxes/dev/previews/web")
        .bare(&service)
        .await
        .expect(200);
    assert_eq!(run(&seeded, "dev", "echo it runs").await, "it runs\n");

    let archive = proxied.recorder.har();
    let entries = archive["log"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 9);
    assert!(entries[0]["request"]["postData"]["text"].is_string());
    assert_eq!(entries[8]["response"]["status"], 200);
}

#[tokio::test]
async fn no_secret_is_recorded() {
    let platform = Emulator::builder()
        .api_key("canary-key-1")
        .client("me", "canary-secret")
        .start()
        .await
        .unwrap();
    let proxied = Proxied::start(platform).await;
    let asked = json!({"grant_type": "client_credentials", "client_id": "me",
        "client_secret": "canary-secret"});
    let token = proxied
        .send(Method::POST, "/oauth/token", Some(&asked))
        .await
        .expect(200);
    let token = token["access_token"].as_str().unwrap().to_owned();
    let by_token = get(format!("{}/models?token={token}", proxied.api))
        .header("authorization", &format!("Bearer {token}"))
        .header("cookie", "session=canary-cookie")
        .header("x-blaxel-workspace", "demo");
    by_token.over_socket().await.unwrap().expect(200);
    // A program puts its key where nobody expects it.
    let label = json!({"metadata": {"name": "a", "labels": {"key": "canary-key-1"}}, "spec":
        {"runtime": {"envs": [{"name": "K", "value": "canary-env", "secret": true}]}}});
    proxied
        .send(Method::POST, "/agents", Some(&label))
        .await
        .expect(200);
    proxied
        .send(Method::GET, "/agents/a?show_secrets=true", None)
        .await
        .expect(200);
    let account = proxied
        .send(
            Method::POST,
            "/service_accounts",
            Some(&json!({"name": "ci"})),
        )
        .await;
    let account = account.expect(200);
    let secret = account["client_secret"].as_str().unwrap().to_owned();
    let recorded = format!("{} {}", proxied.recorder.data(), proxied.recorder.har());
    for hidden in ["canary", token.as_str(), secret.as_str()] {
        assert!(!recorded.contains(hidden), "{hidden} in {recorded}");
    }
    assert!(recorded.contains("[redacted]"), "{recorded}");
    // The seed is whole: an emulator begins with it.
    let seeded = Emulator::builder().data(proxied.recorder.data()).build();
    get("/agents/a").bare(&seeded.service()).await.expect(200);
}

#[tokio::test]
async fn a_platform_that_does_not_respond_is_a_502() {
    let platform = Emulator::start().await.unwrap();
    let proxied = Proxied::start(platform).await;
    let Proxied {
        platform,
        api,
        recorder,
        ..
    } = proxied;
    let request = as_client(get(format!("{api}/models")), &platform);
    drop(platform);
    let reply = request.over_socket().await.unwrap();
    assert!(
        reply.expect(502)["error"]
            .as_str()
            .unwrap()
            .contains("did not respond")
    );
    let elsewhere = get(api.replace("/v0", "/other"))
        .over_socket()
        .await
        .unwrap();
    elsewhere.expect(404);
    drop(recorder);
    for bad in ["", "ftp://127.0.0.1", "https://api.example.com/v0"] {
        Recorder::start(bad, "http://127.0.0.1:9")
            .await
            .unwrap_err();
    }
}
