//! Copies. Servers of August do not have the call; programs of the sandbox do all others.

use blaxel_emulator::blaxel_guest::SimulatedGuest;

use crate::support::{Age, World};

pub fn prepare(_: &SimulatedGuest) {}

pub fn unsent(_: Age) -> &'static [&'static str] {
    &[]
}

pub async fn perform(world: &World) {
    let files = world.sandbox().fs();
    world.put("/data/from", "content");
    world.put("/data/there", "kept");
    let copied = files.copy("/data/from", "/data/to").overwrite(false).await;
    world.expect(&["CopyFile"]);
    match world.age {
        Age::August => {
            assert!(copied.unwrap_err().is_input());
            assert!(!world.has("/data/to"));
        }
        Age::Current => {
            copied.unwrap();
            assert_eq!(world.content("/data/to"), "content");
            let taken = files.copy("/data/from", "/data/there").overwrite(false);
            assert!(taken.await.unwrap_err().is_conflict());
            assert_eq!(world.content("/data/there"), "kept");
            let missing = files.copy("/data/nothing", "/data/x").overwrite(false);
            assert!(missing.await.unwrap_err().is_not_found());
            world.expect(&["CopyFile", "CopyFile"]);
        }
    }

    files.copy("/data/from", "/data/there").await.unwrap();
    assert_eq!(world.content("/data/there"), "content");
    files.rename("/data/there", "/data/moved").await.unwrap();
    assert!(world.has("/data/moved") && !world.has("/data/there"));
    files.set_permissions("/data/moved", 0o600).await.unwrap();
    let mode = world.disk().metadata("/data/moved").unwrap().mode;
    assert_eq!(mode & 0o777, 0o600);
    world.expect(&["ExecuteProcess"; 3]);
}
