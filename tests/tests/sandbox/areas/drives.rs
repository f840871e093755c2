//! Drives that are mounted in the running sandbox.

use blaxel_emulator::blaxel_guest::SimulatedGuest;
use blaxel_sandbox::drives::MountOptions;

use crate::support::{Age, World};

pub fn prepare(_: &SimulatedGuest) {}

pub fn unsent(_: Age) -> &'static [&'static str] {
    &[]
}

pub async fn perform(world: &World) {
    let drives = world.sandbox().drives();
    let options = MountOptions::new("data", "/mnt/data").uid_map(7);
    let mount = drives.mount(&options).await.unwrap();
    // What the server reports is looked at in its list.
    world.expect(&["MountDrive", "ListMounts"]);
    assert_eq!(
        (&*mount.drive_name, &*mount.mount_path),
        ("data", "/mnt/data")
    );
    assert_eq!((mount.read_only, mount.uid_map), (false, Some(7)));
    world.put("/mnt/data/file", "shared");

    let view = MountOptions::new("data", "/mnt/view").read_only(true);
    assert!(drives.mount(&view).await.unwrap().read_only);
    assert_eq!(world.content("/mnt/view/file"), "shared");
    assert_eq!(drives.list().await.unwrap().len(), 2);
    world.expect(&["MountDrive", "ListMounts", "ListMounts"]);

    drives.unmount("/mnt/data").await.unwrap();
    assert!(!world.has("/mnt/data/file"));
    let left = drives.list().await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].mount_path, "/mnt/view");
    world.expect(&["UnmountDrive", "ListMounts"]);

    let missing = MountOptions::new("missing", "/mnt/missing");
    let error = drives.mount(&missing).await.unwrap_err();
    assert!(error.status().is_some(), "{error}");
    let error = drives.unmount("/mnt/data").await.unwrap_err();
    assert!(error.status().is_some(), "{error}");
    world.expect(&["MountDrive", "UnmountDrive"]);
}
