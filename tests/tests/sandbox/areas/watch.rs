//! Streams of changes, which also keep a sandbox awake.

use std::time::Duration;

use blaxel_emulator::blaxel_guest::SimulatedGuest;
use blaxel_sandbox::files::{FileEvent, FileEvents, FileOp};

use crate::support::{Age, World};

pub fn prepare(_: &SimulatedGuest) {}

pub fn unsent(_: Age) -> &'static [&'static str] {
    &[]
}

async fn next(events: &mut FileEvents) -> FileEvent {
    let event = tokio::time::timeout(Duration::from_secs(10), events.try_next()).await;
    event.unwrap().unwrap().expect("a change")
}

pub async fn perform(world: &World) {
    world.put("/data/sub/known", "");
    let files = world.sandbox().fs();
    let mut flat = files.watch("/data").ignore(["secret"]).await.unwrap();
    let mut deep = files.watch("/data").recursive(true).await.unwrap();
    world.expect(&["WatchDirectory", "WatchDirectory"]);
    world.put("/data/sub/deep", "x");
    world.put("/data/secret", "x");
    world.put("/data/new", "x");
    let event = next(&mut flat).await;
    assert_eq!(event.path(), "/data/new");
    assert!(event.is(&FileOp::Create));
    let event = next(&mut deep).await;
    assert_eq!(event.path(), "/data/sub/deep");
    drop((flat, deep));

    let missing = files.watch("/nothing").await.unwrap_err();
    assert!(missing.is_not_found(), "{missing}");
    // The server refuses a missing directory and a file with the same words.
    world.expect(&["WatchDirectory", "StatFile", "ReadFile"]);

    let sandbox = world.sandbox();
    let awake = sandbox.keep_awake(Duration::from_secs(60)).await.unwrap();
    while world.emulator.journal().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(awake.is_active());
    drop(awake);
    world.expect(&["GetHealth", "WatchDirectory"]);
}
