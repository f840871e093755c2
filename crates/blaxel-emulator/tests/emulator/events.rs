//! The live events of an emulator.

use std::time::Duration;

use blaxel_core::Body;
use blaxel_emulator::{Emulator, Fault};
use http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::support::{ask, get, in_sandbox, post, run};

const ORIGIN: &str = "https://emulator.invalid";

/// A stream of server-sent events.
struct Events {
    body: Body,
    text: String,
}

/// An event: its name, its id and its data.
type Event = (String, Option<u64>, Value);

impl Events {
    async fn open(emulator: &Emulator, path: &str, last: Option<u64>) -> Self {
        let mut request = get(format!("{ORIGIN}/_emulator{path}"));
        if let Some(last) = last {
            request = request.header("last-event-id", &last.to_string());
        }
        let response = request.begin(&emulator.service()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut events = Self {
            body: response.into_body(),
            text: String::new(),
        };
        // From now on it sees everything.
        events.fill().await.unwrap();
        assert!(events.text.starts_with(": open\n\n"));
        events.text.drain(..8);
        events
    }

    async fn fill(&mut self) -> Option<()> {
        let limit = Duration::from_secs(30);
        let frame = tokio::time::timeout(limit, self.body.frame());
        let frame = frame.await.unwrap()?.unwrap();
        let bytes = frame.into_data().unwrap();
        self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        Some(())
    }

    /// Returns the next event, or `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        while !self.text.contains("\n\n") {
            self.fill().await?;
        }
        let (event, rest) = self.text.split_once("\n\n").unwrap();
        let member = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
        let name = member("event: ").unwrap().to_owned();
        let id = member("id: ").map(|id| id.parse().unwrap());
        let data = serde_json::from_str(member("data: ").unwrap()).unwrap();
        self.text = rest.to_owned();
        Some((name, id, data))
    }

    /// Returns the next event of a name.
    async fn next_of(&mut self, name: &str) -> Event {
        loop {
            let event = self.next().await.unwrap();
            if event.0 == name {
                return event;
            }
        }
    }
}

#[tokio::test]
async fn requests_arrive_as_they_are_made_and_the_stream_is_continued() {
    let emulator = Emulator::offline();
    get("/agents").on(&emulator).await.expect(200);
    let mut events = Events::open(&emulator, "/events", None).await;
    get("/models?limit=3").on(&emulator).await.expect(200);
    let (_, first, request) = events.next_of("request").await;
    assert_eq!(request["operation"], "ListModels");
    assert_eq!(
        (&request["status"], &request["query"]),
        (&json!(200), &json!("limit=3"))
    );
    assert!(!request.to_string().contains(emulator.api_key()));
    get("/agents/none").on(&emulator).await.control_error(404);
    let (_, second, request) = events.next_of("request").await;
    assert_eq!(request["status"], 404);
    assert!(second > first);

    let mut again = Events::open(&emulator, "/events", first).await;
    assert_eq!(again.next_of("request").await.2["status"], 404);
    // The id of an emulator that was here before is of no use.
    let mut new = Events::open(&emulator, "/events", Some(1 << 40)).await;
    get("/jobs").on(&emulator).await.expect(200);
    assert_eq!(new.next_of("request").await.2["operation"], "ListJobs");
}

#[tokio::test]
async fn changes_of_resources_faults_the_journal_and_the_clock_are_announced() {
    let emulator = Emulator::offline();
    let mut events = Events::open(&emulator, "/events", None).await;
    emulator.add_agent("bot");
    assert_eq!(
        events.next_of("change").await.2,
        json!({"of": ["resources"]})
    );
    emulator
        .fault("ListModels", Fault::disconnect(), 1)
        .unwrap();
    // Faults and the clock announce nothing: they are looked at with each request, and once a second.
    get("/jobs").on(&emulator).await.expect(200);
    assert_eq!(events.next_of("change").await.2, json!({"of": ["faults"]}));
    emulator.clear_journal();
    assert_eq!(events.next_of("change").await.2, json!({"of": ["journal"]}));
    emulator.clock().advance(Duration::from_secs(90));
    get("/jobs").on(&emulator).await.expect(200);
    let (_, _, clock) = events.next_of("clock").await;
    assert_eq!(clock["now"], emulator.clock().now().as_str());
    // A stream does not keep its emulator.
    drop(emulator);
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn the_output_of_a_process_is_live_and_ends_with_it() {
    let emulator = Emulator::offline();
    emulator.add("sandboxes", "dev").unwrap();
    let command = "echo 'a\u{e9}<b>'; echo bad >&2; sleep 3; echo done";
    let started = post(
        in_sandbox(&emulator, "dev", "/process"),
        &json!({"command": command}),
    );
    let started = started.bare(&emulator.service()).await.expect(200);
    let pid = started["pid"].as_str().unwrap();
    let path = format!("/sandboxes/dev/processes/{pid}/output");
    let mut events = Events::open(&emulator, &path, None).await;
    let output = |event: Event| (event.0, event.2["text"].as_str().map(str::to_owned));
    let text = |name: &str, text: &str| (name.to_owned(), Some(text.to_owned()));
    assert_eq!(
        output(events.next().await.unwrap()),
        text("stdout", "a\u{e9}<b>\n")
    );
    assert_eq!(
        output(events.next().await.unwrap()),
        text("stderr", "bad\n")
    );
    emulator.clock().advance(Duration::from_secs(3));
    assert_eq!(
        output(events.next().await.unwrap()),
        text("stdout", "done\n")
    );
    assert_eq!(events.next().await.unwrap().0, "end");
    assert_eq!(events.next().await, None);

    // A machine that ends takes its processes along.
    let endless = json!({"command": "echo on; sleep 1000000"});
    let started = post(in_sandbox(&emulator, "dev", "/process"), &endless);
    let started = started.bare(&emulator.service()).await.expect(200);
    let path = format!(
        "/sandboxes/dev/processes/{}/output",
        started["pid"].as_str().unwrap()
    );
    let mut events = Events::open(&emulator, &path, None).await;
    assert_eq!(output(events.next().await.unwrap()), text("stdout", "on\n"));
    let deleted = ask(Method::DELETE, "/sandboxes/dev").on(&emulator).await;
    assert_eq!(deleted.status, 200);
    assert_eq!(events.next().await.unwrap().0, "end");
    for path in [path.as_str(), "/sandboxes/none/processes/1/output"] {
        let reply = get(format!("{ORIGIN}/_emulator{path}"))
            .bare(&emulator.service())
            .await;
        assert!(reply.expect(404)["error"].is_string());
    }
}

#[tokio::test]
async fn resources_and_sandboxes_are_listed_shown_and_deleted() {
    let emulator = Emulator::offline();
    emulator.add("sandboxes", "dev").unwrap();
    let service = emulator.service();
    let control = |method, path: &str| ask(method, format!("{ORIGIN}/_emulator{path}"));
    let sandboxes = async || {
        control(Method::GET, "/sandboxes")
            .bare(&service)
            .await
            .expect(200)
    };
    assert_eq!(sandboxes().await["sandboxes"][0]["has_machine"], false);
    run(&emulator, "dev", "exit 3").await;
    let shown = sandboxes().await;
    let process = &shown["sandboxes"][0]["processes"][0];
    assert_eq!(
        (&process["command"], &process["exit_code"]),
        (&json!("exit 3"), &json!(3))
    );
    assert_eq!(shown["sandboxes"][0]["memory"], 4096);

    let all = control(Method::GET, "/resources")
        .bare(&service)
        .await
        .expect(200);
    assert_eq!(all["workspace"], "demo");
    let collections = all["collections"].as_array().unwrap();
    let of = |name: &str| {
        let mut found = collections.iter();
        found
            .find(|it| it["collection"] == name)
            .unwrap_or_else(|| panic!("{name} in {all}"))
    };
    assert_eq!(of("models")["resources"].as_array().unwrap().len(), 7);
    assert_eq!(of("sandboxes")["resources"][0]["status"], "DEPLOYED");
    let one = "/resources/sandboxes/dev";
    let shown = control(Method::GET, one).bare(&service).await.expect(200);
    assert_eq!(shown["metadata"]["name"], "dev");
    assert_eq!(
        control(Method::DELETE, one).bare(&service).await.status,
        204
    );
    for (method, path) in [
        (Method::GET, "/resources/models/none"),
        (Method::DELETE, "/resources/kites/a"),
    ] {
        assert_eq!(control(method, path).bare(&service).await.status, 404);
    }
}

#[tokio::test]
async fn incidents_and_faults_are_listed_and_removed() {
    let emulator = Emulator::offline();
    let service = emulator.service();
    let control =
        |method, path: &str| ask(method, format!("{ORIGIN}/_emulator{path}")).bare(&service);
    control(Method::POST, "/incidents/split-record").await;
    emulator
        .fault("List*", Fault::delay(Duration::from_secs(2)), 3)
        .unwrap();
    let faults = control(Method::GET, "/faults").await.expect(200);
    assert_eq!(
        faults["waiting"],
        json!({"ExecuteProcess": 1, "List*": 3, "StreamProcessLogs": 1})
    );
    assert_eq!(
        faults["faults"][1],
        json!({"operation": "List*", "times": 3, "effect": "delays the response by 2s", "incident": null})
    );
    assert_eq!(faults["faults"][0]["incident"], "split-record");
    let waiting = async || {
        let incidents = control(Method::GET, "/incidents").await.expect(200);
        let incidents = incidents["incidents"].as_array().unwrap().clone();
        let found = incidents.iter().find(|it| it["name"] == "split-record");
        found.unwrap()["waiting"].clone()
    };
    assert_eq!(waiting().await, 2);
    assert_eq!(
        control(Method::DELETE, "/incidents/split-record")
            .await
            .status,
        204
    );
    assert_eq!(waiting().await, 0);
    assert_eq!(control(Method::DELETE, "/incidents/none").await.status, 404);
    assert_eq!(emulator.waiting_faults(), 3);
    assert_eq!(control(Method::DELETE, "/faults/List*").await.status, 204);
    assert_eq!(emulator.waiting_faults(), 0);
}
