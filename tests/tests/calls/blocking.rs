//! Promise: a program without `async` code reaches everything by `blocking::Runtime`: calls, walks, streams and commands.
//! A value that it drops ends what it should, and a call in `async` code is an error.

use std::time::{Duration, Instant};

use blaxel::auth::Variables;
use blaxel::blaxel_core::Items;
use blaxel::blocking::Runtime;
use blaxel::inference::{ChatRequest, Message};
use blaxel::management::models::Model;
use blaxel::sandbox::Sandbox;
use blaxel::sandbox::process::{Event, ProcessStatus};
use blaxel::{ClientBuilder, Credentials, Error, Inference, Management, Page, Sandboxes};
use blaxel_emulator::{Emulator, Fault};
use futures_util::stream;
use http::StatusCode;
use serde_json::json;

/// An emulator on a runtime, and a client for it.
struct World {
    runtime: Runtime,
    emulator: Emulator,
}

impl World {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let emulator = runtime.block_on(async { Emulator::start().await.map_err(Error::not_sent) });
        let emulator = emulator.unwrap();
        Self { runtime, emulator }
    }

    fn client(&self) -> blaxel::Client {
        let variables = Variables::from_iter(self.emulator.variables());
        let builder = ClientBuilder::from_variables(&variables).unwrap();
        builder.build().unwrap()
    }

    fn operations(&self) -> Vec<String> {
        let journal = self.emulator.journal();
        journal
            .into_iter()
            .filter_map(|entry| entry.operation)
            .collect()
    }
}

#[test]
fn walks_are_iterators_that_end_after_an_error() {
    let world = World::new();
    let models = Management::new(world.client()).models();
    let names = |items: Items<Page<Model>>| -> Result<Vec<String>, Error> {
        let items = world.runtime.iter(items);
        items.map(|model| Ok(model?.metadata.name)).collect()
    };
    assert_eq!(names(models.items()).unwrap().len(), 7);
    let mut pages = world.runtime.iter(models.pages());
    assert_eq!(pages.next().unwrap().unwrap().len(), 7);
    assert!(pages.next().is_none() && pages.next().is_none());

    let broken = Fault::json(StatusCode::FORBIDDEN, json!({"error": "no"}));
    world.emulator.fault("ListModels", broken, 1).unwrap();
    let mut items = models.items();
    let mut failing = world.runtime.iter(&mut items);
    assert!(failing.next().unwrap().unwrap_err().is_forbidden());
    assert!(failing.next().is_none());
    // The walk itself goes on where it was.
    assert_eq!(names(items).unwrap().len(), 7);
}

#[test]
fn a_stream_of_a_model_is_an_iterator() {
    let world = World::new();
    let request = ChatRequest::new([Message::user("Why is the sky blue?")]);
    let model = Inference::new(world.client()).model("sandbox-openai");
    let answer = world.runtime.block_on(model.stream(&request)).unwrap();
    let answer = world.runtime.iter(answer);
    let text: String = answer
        .map(|chunk| chunk.unwrap().text().to_owned())
        .collect();
    let whole = world.runtime.block_on(model.chat(&request)).unwrap();
    assert_eq!(Some(&*text), whole.text());
    assert!(!text.is_empty());
}

#[test]
fn commands_run_and_a_dropped_child_is_killed_before_its_drop_returns() {
    let world = World::new();
    let sandboxes = Sandboxes::new(world.client());
    let sandbox = world
        .runtime
        .block_on(sandboxes.ensure(&Sandbox::new("dev")))
        .unwrap();
    let output = world
        .runtime
        .block_on(sandbox.command("echo").arg("hi").output())
        .unwrap();
    assert_eq!(output.stdout, "hi\n");

    let mut child = world
        .runtime
        .block_on(sandbox.shell("echo one; exit 3").spawn())
        .unwrap();
    let events: Result<Vec<Event>, Error> = world.runtime.iter(child.events()).collect();
    let exit = events.unwrap().into_iter().find_map(|event| match event {
        Event::Exited(status) => status.code(),
        _ => None,
    });
    assert_eq!(exit, Some(3));

    let sleep = || sandbox.shell("sleep 600").name("sleep").kill_on_drop(true);
    let child = world.runtime.block_on(sleep().spawn()).unwrap();
    drop(child);
    let info = world
        .runtime
        .block_on(sandbox.process("sleep").info())
        .unwrap();
    assert_eq!(info.status, ProcessStatus::Killed);
}

#[test]
fn a_child_outlives_its_runtime_without_waiting_for_it() {
    let world = World::new();
    let other = Runtime::new().unwrap();
    let sandboxes = Sandboxes::new(world.client());
    let sandbox = other
        .block_on(sandboxes.ensure(&Sandbox::new("dev")))
        .unwrap();
    let child = other
        .block_on(sandbox.shell("sleep 600").kill_on_drop(true).spawn())
        .unwrap();
    drop(other);
    let start = Instant::now();
    drop(child);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn threads_share_a_runtime_and_a_token() {
    let world = World::new();
    let id = world.emulator.client_id();
    let credentials = Credentials::client_credentials(id, world.emulator.client_secret()).unwrap();
    let variables = Variables::from_iter(world.emulator.variables());
    let builder = ClientBuilder::from_variables(&variables).unwrap();
    let client = builder.credentials(credentials).build().unwrap();
    let models = Management::new(client).models();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(world.runtime.block_on(models.all()).unwrap().len(), 7));
        }
    });
    let operations = world.operations();
    let tokens = operations.iter().filter(|name| *name == "CreateToken");
    assert_eq!((tokens.count(), operations.len()), (1, 5));
}

#[test]
fn read_ahead_continues_between_two_items() {
    let world = World::new();
    let params = blaxel::ListParams::new().limit(3);
    let models = Management::new(world.client()).models();
    let pages = models
        .pages_with(&params)
        .read_ahead(blaxel::transport::in_background);
    let mut pages = world.runtime.iter(pages);
    assert_eq!(pages.next().unwrap().unwrap().len(), 3);
    let start = Instant::now();
    while world.operations().len() < 2 && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(
        world.operations().len(),
        2,
        "nobody asked for the second page"
    );
    assert_eq!(pages.map(|page| page.unwrap().len()).sum::<usize>(), 4);
}

#[tokio::test]
async fn a_call_in_async_code_is_an_error() {
    let runtime = Runtime::new().unwrap();
    let error = runtime.block_on(async { Ok::<_, Error>(1) }).unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("spawn_blocking"),
        "{error}"
    );
    let mut items = runtime.iter(stream::iter([Ok::<_, Error>(1)]));
    assert!(items.next().unwrap().unwrap_err().is_input());
    assert!(items.next().is_none());

    let shared = runtime.clone();
    let allowed = move || shared.block_on(async { Ok::<_, Error>(1) });
    assert_eq!(
        tokio::task::spawn_blocking(allowed).await.unwrap().unwrap(),
        1
    );
    // The runtime may be dropped here, unlike tokio's own.
    drop(runtime);
}
