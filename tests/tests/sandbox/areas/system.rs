//! The server itself: its state, its environment and its upgrades.

use std::time::Duration;

use blaxel_emulator::blaxel_guest::{ServerVersion, SimulatedGuest};
use blaxel_sandbox::system::{UpgradeOptions, UpgradeState};
use serde_json::json;

use crate::support::{Age, World};

pub fn prepare(_: &SimulatedGuest) {}

pub fn unsent(_: Age) -> &'static [&'static str] {
    &[]
}

pub async fn perform(world: &World) {
    let sandbox = world.sandbox();
    let welcome = sandbox.welcome().await.unwrap();
    world.expect(&["GetWelcome"]);
    assert!(welcome.message.is_some() && welcome.documentation.is_some());

    world.emulator.clock().advance(Duration::from_secs(90));
    let health = sandbox.health().await.unwrap();
    world.expect(&["GetHealth"]);
    assert!(health.is_ok());
    assert_eq!(health.upgrade_count, 0);
    assert!(health.uptime().is_some());

    environment(world).await;
    upgrades(world).await;
}

async fn environment(world: &World) {
    let sandbox = world.sandbox();
    let first = sandbox.reload_environment().await.unwrap();
    assert_eq!((first.generation, first.applied), (1, 0));
    let metadata = json!({"generation": 3, "environment": {"COLOR": "green"}});
    world.put("/bl/metadata", &metadata.to_string());
    let reload = sandbox.reload_environment().await.unwrap();
    assert_eq!(
        (reload.generation, reload.applied, reload.removed),
        (3, 1, 0)
    );
    world.expect(&["ReloadEnvironment", "ReloadEnvironment"]);
    let output = sandbox.shell("echo $COLOR").output().await.unwrap();
    assert_eq!(output.stdout, "green\n");
    world.expect(&["ExecuteProcess"]);
}

async fn upgrades(world: &World) {
    let sandbox = world.sandbox();
    let options = UpgradeOptions::new().version("latest");
    let accepted = sandbox.upgrade(&options).await.unwrap();
    world.expect(&["Upgrade"]);
    assert_eq!(accepted.version.as_deref(), Some("latest"));
    let status = sandbox.health().await.unwrap().last_upgrade.unwrap();
    assert_eq!(status.status, UpgradeState::Running);
    world.expect(&["GetHealth"]);
    world.emulator.clock().advance(Duration::from_secs(1));
    let health = sandbox.health().await.unwrap();
    assert_eq!(health.upgrade_count, 1);
    world.expect(&["GetHealth"]);
    assert_eq!(world.server().version(), ServerVersion::Current);

    let limit = Duration::from_secs(60);
    let upgrade = sandbox.upgrade_and_wait(&options, limit);
    let upgraded = world.while_time_passes(upgrade).await.unwrap();
    assert_eq!(upgraded.before.upgrade_count, 1);
    assert_eq!(upgraded.after.upgrade_count, 2);
    world.expect_some(&["GetHealth", "Upgrade"]);
}
