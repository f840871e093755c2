//! The control of an emulator over HTTP.

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::support::{Ask, Reply, ask, get, post};

const ORIGIN: &str = "https://emulator.invalid";

fn control(method: Method, path: &str) -> Ask {
    ask(method, format!("{ORIGIN}/_emulator{path}"))
}

/// Sends a request to the control, which is not in the document of the API.
async fn send(emulator: &Emulator, method: Method, path: &str) -> Reply {
    control(method, path).bare(&emulator.service()).await
}

async fn tell(emulator: &Emulator, path: &str, body: &Value) -> Reply {
    control(Method::POST, path)
        .json(body)
        .bare(&emulator.service())
        .await
}

/// Asserts that a request was refused, and returns the reason.
fn refusal(reply: &Reply, status: u16) -> String {
    let body = reply.expect(status);
    body["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn it_tells_how_to_reach_the_emulator() {
    let emulator = Emulator::builder().workspace("team-a").build();
    let status = send(&emulator, Method::GET, "/").await.expect(200);
    assert_eq!(status["workspace"], "team-a");
    assert_eq!(status["variables"]["BL_API_URL"], emulator.url());
    assert_eq!(status["variables"]["BL_API_KEY"], emulator.api_key());
    let document = send(&emulator, Method::GET, "/openapi.json").await;
    assert_eq!(document.expect(200)["openapi"], "3.1.0");
    let missing = send(&emulator, Method::GET, "/nothing").await;
    assert!(refusal(&missing, 404).contains("/_emulator/nothing"));
    // A path that only begins alike is none of the control's.
    let other = get(format!("{ORIGIN}/_emulators"))
        .bare(&emulator.service())
        .await;
    assert_eq!(other.control_error(404), "Not Found");
}

#[tokio::test]
async fn the_clock_is_moved() {
    let emulator = Emulator::offline();
    let before = emulator.clock().since_epoch();
    let moved = tell(&emulator, "/clock", &json!({"advance": 90.5})).await;
    let now = moved.expect(200)["now"].clone();
    let passed = emulator.clock().since_epoch() - before;
    assert_eq!(passed.as_secs_f64(), 90.5);
    assert_eq!(
        send(&emulator, Method::GET, "/clock").await.expect(200)["now"],
        now
    );
    for bad in [json!(-1), json!(1e300), json!("1h"), json!(null)] {
        let reply = tell(&emulator, "/clock", &json!({"advance": bad})).await;
        assert!(!refusal(&reply, 422).is_empty());
    }
    let reply = tell(&emulator, "/clock", &json!({"advance": 1, "by": 2})).await;
    assert!(refusal(&reply, 422).contains("by"));
}

#[tokio::test]
async fn faults_of_each_kind_are_injected() {
    let emulator = Emulator::offline();
    for fault in [
        json!({"operation": "ListModels", "times": 2, "headers": {"retry-after": "1"},
            "response": {"status": 503, "json": {"code": 503, "error": "busy"}}}),
        json!({"operation": "ListModels", "response": {"status": 502, "text": "<html>"}}),
        json!({"operation": "ListModels", "response": {"status": 204}}),
        json!({"operation": "ListModels",
            "gateway": {"status": 404, "code": "WORKLOAD_UNAVAILABLE", "retryable": true}}),
        json!({"operation": "ListModels", "delay": 0.001}),
        json!({"operation": "ListModels", "cut": 100_000}),
        json!({"operation": "ListModels", "byte_by_byte": true}),
        json!({"operation": "ListModels", "insert": {"after": 0, "text": " "}}),
        json!({"operation": "ListModels", "member": {"pointer": "/meta/total", "value": 0}}),
        json!({"operation": "ListModels", "reversed": true}),
        json!({"operation": "List*", "twice": true}),
        json!({"operation": "ListModels", "disconnect": true}),
    ] {
        let reply = tell(&emulator, "/faults", &fault).await;
        assert_eq!(reply.status, 204, "{fault}: {reply:?}");
    }
    let waiting = send(&emulator, Method::GET, "/faults").await.expect(200);
    assert_eq!(waiting["waiting"], json!({"List*": 1, "ListModels": 12}));
    let service = emulator.service();
    let mut statuses = Vec::new();
    for _ in 0..11 {
        let reply = get("/models").bare(&service).await;
        statuses.push(reply.status.as_u16());
    }
    assert_eq!(statuses[..5], [503, 503, 502, 204, 404]);
    assert_eq!(statuses[5..], [200; 6]);
    get("/models").begin(&service).await.unwrap_err();
    // Only the fault for several operations is left.
    get("/models").on(&emulator).await.expect(200);
    assert_eq!(emulator.waiting_faults(), 0);

    let lost = json!({"operation": "CreateAgent", "disconnect": true, "after_processing": true});
    assert_eq!(tell(&emulator, "/faults", &lost).await.status, 204);
    let agent = json!({"metadata": {"name": "a"}, "spec": {}});
    post("/agents", &agent).begin(&service).await.unwrap_err();
    get("/agents/a").on(&emulator).await.expect(200);

    let busy = json!({"operation": "ListAgents", "response": {"status": 500}});
    assert_eq!(tell(&emulator, "/faults", &busy).await.status, 204);
    assert_eq!(send(&emulator, Method::DELETE, "/faults").await.status, 204);
    get("/agents").on(&emulator).await.expect(200);
}

#[tokio::test]
async fn a_fault_that_makes_no_sense_is_refused() {
    let emulator = Emulator::offline();
    for (fault, status, expected) in [
        (
            json!({"operation": "ListKites", "disconnect": true}),
            400,
            "ListKites",
        ),
        (
            json!({"operation": "ListModels"}),
            400,
            "exactly one of response",
        ),
        (
            json!({"operation": "ListModels", "disconnect": true, "delay": 1}),
            400,
            "exactly one of",
        ),
        (
            json!({"operation": "ListModels", "response": {"status": 99}}),
            400,
            "99",
        ),
        (
            json!({"operation": "ListModels", "response": {"status": 100}}),
            400,
            "100",
        ),
        (
            json!({"operation": "ListModels", "disconnect": true, "headers": {"a b": "c"}}),
            400,
            "a b",
        ),
        (
            json!({"operation": "ListModels", "response": {"status": 200, "json": 1, "text": ""}}),
            400,
            "either",
        ),
        (
            json!({"operation": "ListModels", "dissconnect": true}),
            422,
            "dissconnect",
        ),
        (json!({"times": 1, "disconnect": true}), 422, "operation"),
    ] {
        let reply = tell(&emulator, "/faults", &fault).await;
        let reason = refusal(&reply, status);
        assert!(reason.contains(expected), "{fault}: {reason}");
    }
    assert_eq!(emulator.waiting_faults(), 0);
}

#[tokio::test]
async fn the_journal_has_the_requests_of_the_api_alone() {
    let emulator = Emulator::offline();
    get("/agents").on(&emulator).await.expect(200);
    get("/models?limit=3").on(&emulator).await.expect(200);
    let journal = send(&emulator, Method::GET, "/journal").await.expect(200);
    let requests = journal["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1]["operation"], "ListModels");
    assert_eq!(requests[1]["query"], "limit=3");
    assert_eq!(requests[1]["credential"], "api_key");
    assert_eq!(requests[1]["status"], 200);
    assert!(!journal.to_string().contains(emulator.api_key()));
    let path = "/journal?operation=ListAgents";
    let agents = send(&emulator, Method::GET, path).await.expect(200);
    assert_eq!(agents["requests"].as_array().unwrap().len(), 1);
    assert_eq!(
        send(&emulator, Method::DELETE, "/journal").await.status,
        204
    );
    assert!(emulator.journal().is_empty());
}

#[tokio::test]
async fn resources_are_added_and_fail() {
    let emulator = Emulator::offline();
    for path in [
        "/resources/sandboxes/dev",
        "/resources/integrations.connections/github",
    ] {
        assert_eq!(
            send(&emulator, Method::PUT, path).await.status,
            204,
            "{path}"
        );
    }
    get("/sandboxes/dev").on(&emulator).await.expect(200);
    get("/integrations/connections/github")
        .on(&emulator)
        .await
        .expect(200);
    let failing = send(&emulator, Method::POST, "/resources/agents/a/fail").await;
    assert_eq!(failing.status, 204);
    let agent = json!({"metadata": {"name": "a"}, "spec": {}});
    post("/agents", &agent).on(&emulator).await.expect(200);
    assert_eq!(
        get("/agents/a").on(&emulator).await.expect(200)["status"],
        "FAILED"
    );
    for path in ["/resources/kites/a", "/resources/previews/a"] {
        let reply = send(&emulator, Method::PUT, path).await;
        assert!(refusal(&reply, 404).contains("collection"));
    }
}

#[tokio::test]
async fn a_workload_follows_its_plan_and_its_calls_are_shown() {
    let emulator = Emulator::offline();
    emulator.add_agent("a");
    emulator.add_model("m");
    let plan = json!({
        "cold_calls": 1,
        "then": [
            {"json": {"n": 1}, "times": 2, "headers": {"x-turn": "1"}},
            {"text": "no", "status": 429, "after": 0.001},
            {"ndjson": [{"text": "{}\n"}, {"pause": 0.001}, {"text": "{}\n"}]},
            {"chunks": [{"text": "half"}, {"cut": true}]},
        ],
        "always": {"text": "enough"},
    });
    assert_eq!(
        tell(&emulator, "/scripts/agents/a", &plan).await.status,
        204
    );
    let url = format!("{}/demo/agents/a", emulator.run_url());
    let service = emulator.service();
    let call = || {
        post(&url, &json!({"q": 1}))
            .header("x-mine", "yes")
            .bare(&service)
    };
    call().await.gateway(404, "WORKLOAD_UNAVAILABLE");
    for _ in 0..2 {
        let reply = call().await;
        assert_eq!(reply.header("x-turn"), Some("1"));
        assert_eq!(reply.expect(200), json!({"n": 1}));
    }
    let refused = call().await;
    assert_eq!(
        (refused.status.as_u16(), &refused.bytes[..]),
        (429, &b"no"[..])
    );
    assert_eq!(call().await.bytes, "{}\n{}\n");
    let shown = send(&emulator, Method::GET, "/scripts/agents/a")
        .await
        .expect(200);
    assert_eq!(shown["waiting"], 1);
    let calls = shown["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 5);
    assert_eq!(calls[0]["body"], r#"{"q":1}"#);
    assert_eq!(calls[0]["headers"]["x-mine"], "yes");
    assert!(!shown.to_string().contains(emulator.api_key()), "{shown}");
    assert_eq!(
        send(&emulator, Method::DELETE, "/scripts/agents/a")
            .await
            .status,
        204
    );
    call().await.expect(200);

    let plan = json!({"then": [{"call_tools": [{"name": "add", "arguments": {"a": 1}}]}]});
    assert_eq!(
        tell(&emulator, "/scripts/models/m", &plan).await.status,
        204
    );
    let url = format!("{}/demo/models/m/v1/chat/completions", emulator.run_url());
    let question = json!({"model": "m", "messages": [{"role": "user", "content": "?"}],
        "tools": [{"type": "function", "function": {"name": "add"}}]});
    let reply = post(&url, &question).bare(&service).await.expect(200);
    let tool = &reply["choices"][0]["message"]["tool_calls"][0]["function"];
    assert_eq!(tool["name"], "add");
}

#[tokio::test]
async fn a_plan_that_makes_no_sense_changes_nothing() {
    let emulator = Emulator::offline();
    for (plan, status) in [
        (
            json!({"then": [{"text": "a"}, {"text": "b", "json": 1}]}),
            400,
        ),
        (json!({"then": [{"text": "a"}, {}]}), 400),
        (
            json!({"then": [{"text": "a"}], "always": {"text": "b", "times": 2}}),
            400,
        ),
        (json!({"then": [{"text": "a", "status": 1000}]}), 400),
        (json!({"then": [{"call_tools": []}]}), 400),
        (json!({"then": [{"texts": "a"}]}), 422),
        (json!({"next": []}), 422),
    ] {
        let reply = tell(&emulator, "/scripts/agents/a", &plan).await;
        assert!(!refusal(&reply, status).is_empty(), "{plan}");
    }
    let shown = send(&emulator, Method::GET, "/scripts/agents/a")
        .await
        .expect(200);
    assert_eq!(shown["waiting"], 0);
    let reply = send(&emulator, Method::GET, "/scripts/jobs/a").await;
    assert!(refusal(&reply, 404).contains("models"));
}

#[tokio::test]
async fn a_reset_leaves_nothing_of_before() {
    let emulator = Emulator::builder().models(["one"]).build();
    let service = emulator.service();
    let fresh = get("/models").on(&emulator).await.expect(200);
    emulator.add("sandboxes", "dev").unwrap();
    emulator.add_model("two");
    let file = format!("{}/demo/sandboxes/dev/filesystem/tmp/a", emulator.run_url());
    let written = ask(Method::PUT, &file).json(&json!({"content": "x"}));
    written.bare(&service).await.expect(200);
    let busy = json!({"operation": "ListAgents", "response": {"status": 500}});
    tell(&emulator, "/faults", &busy).await;
    tell(
        &emulator,
        "/scripts/agents/a",
        &json!({"then": [{"text": "a"}]}),
    )
    .await;
    let now = emulator.clock().since_epoch();

    assert_eq!(send(&emulator, Method::POST, "/reset").await.status, 204);
    assert!(emulator.journal().is_empty());
    assert_eq!(emulator.waiting_faults(), 0);
    assert_eq!(emulator.clock().since_epoch(), now);
    assert_eq!(get("/sandboxes/dev").on(&emulator).await.status, 404);
    let shown = send(&emulator, Method::GET, "/scripts/agents/a")
        .await
        .expect(200);
    assert_eq!(shown["waiting"], 0);
    let models = get("/models").on(&emulator).await.expect(200);
    let names = |models: &Value| -> Vec<String> {
        let models = models["data"].as_array().unwrap().iter();
        models
            .map(|model| model["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&models), ["one"]);
    assert_eq!(names(&fresh), ["one"]);
    // A sandbox of the same name has a machine of its own.
    emulator.add("sandboxes", "dev").unwrap();
    assert_eq!(get(&file).bare(&service).await.status, 404);
}

/// A page of the web must not control an emulator, also if its name leads to this machine.
#[tokio::test]
async fn pages_of_other_machines_are_refused() {
    let emulator = Emulator::start().await.unwrap();
    let own = emulator.url().replace("/v0", "");
    let uri = format!("{own}/_emulator/reset");
    let reset = || ask(Method::POST, &uri);
    let authority = own.strip_prefix("http://").unwrap();
    let sent = [
        (reset().header("host", authority), 204),
        (
            reset().header("host", "localhost:1").header("origin", &own),
            204,
        ),
        (
            reset()
                .header("host", authority)
                .header("origin", "http://localhost:3000"),
            204,
        ),
        (
            reset()
                .header("host", authority)
                .header("origin", "https://example.com"),
            403,
        ),
        (
            reset().header("host", authority).header("origin", "null"),
            403,
        ),
        (reset().header("host", "example.com"), 403),
        (reset().header("host", "127.0.0.1.example.com"), 403),
        (reset().header("host", "localhost@example.com"), 403),
    ];
    for (number, (request, status)) in sent.into_iter().enumerate() {
        let reply = request.over_socket().await.unwrap();
        assert_eq!(reply.status.as_u16(), status, "{number}");
    }
    // A browser that sends no origin tells where the request comes from. A preview has the origin of the emulator in its
    // address, and none by its policy.
    let page = format!("{own}/_emulator/page");
    for (site, purpose, method, status) in [
        ("same-origin", "empty", Method::POST, 204),
        ("none", "document", Method::GET, 200),
        ("cross-site", "document", Method::GET, 200),
        ("cross-site", "document", Method::POST, 403),
        ("cross-site", "iframe", Method::GET, 403),
        ("cross-site", "empty", Method::GET, 403),
        ("same-site", "image", Method::GET, 403),
    ] {
        let uri = if method == Method::GET { &page } else { &uri };
        let sent = ask(method.clone(), uri)
            .header("host", authority)
            .header("sec-fetch-site", site)
            .header("sec-fetch-dest", purpose);
        let reply = sent.over_socket().await.unwrap();
        assert_eq!(reply.status.as_u16(), status, "{method} {site} {purpose}");
    }
    // A page can send a body only in formats that are not JSON without asking first.
    let plain = ask(Method::POST, format!("{own}/_emulator/clock"))
        .header("host", authority)
        .header("content-type", "text/plain")
        .bytes(r#"{"advance": 1}"#);
    assert_eq!(plain.over_socket().await.unwrap().status, 415);
}
