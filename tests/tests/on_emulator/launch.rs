//! The promise: a launched sandbox is complete when it is returned. If a step fails, what the launch has made is
//! deleted again, and the error says what remains.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use blaxel::Client;
use blaxel::sandbox::blaxel_management::drives::{Drive, DrivePermission};
use blaxel::sandbox::blaxel_management::sandboxes::SandboxDefaults;
use blaxel::sandbox::drives::MountOptions;
use blaxel::sandbox::{
    CreationTimeout, Drift, DriveMount, Launch, OnSetupFailure, Sandbox, Sandboxes, SetupError,
};
use blaxel_core::{Error, ErrorCode};
use blaxel_emulator::{Emulator, Entry, Fault};
use http::StatusCode;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use crate::support::offline_client;

/// An emulator with sandboxes on it.
struct World {
    emulator: Emulator,
    sandboxes: Sandboxes<Client>,
}

impl World {
    fn new() -> Self {
        Self::on(Emulator::offline())
    }

    fn on(emulator: Emulator) -> Self {
        let sandboxes = Sandboxes::new(offline_client(&emulator));
        Self {
            emulator,
            sandboxes,
        }
    }

    fn create(&self, name: &str) -> Launch<Client> {
        self.sandboxes.create(&Sandbox::new(name))
    }

    fn fault(&self, operation: &str, fault: Fault, times: u32) {
        self.emulator.fault(operation, fault, times).unwrap();
    }

    fn refuse(&self, operation: &str, status: StatusCode, code: &str, times: u32) {
        let body = json!({"code": code, "message": "no"});
        self.fault(operation, Fault::json(status, body), times);
    }

    async fn add_drive(&self, drive: &Drive) {
        self.management().drives().create(drive).await.unwrap();
    }

    fn management(&self) -> blaxel::Management {
        blaxel::Management::new(offline_client(&self.emulator))
    }

    async fn drives(&self) -> Vec<String> {
        let drives = self.management().drives().all().await.unwrap();
        let mut names: Vec<_> = drives
            .into_iter()
            .map(|drive| drive.metadata.name)
            .collect();
        names.sort();
        names
    }

    async fn has_sandbox(&self, name: &str) -> bool {
        let found = self.sandboxes.collection().find(name).await.unwrap();
        found.is_some_and(|sandbox| {
            let status = sandbox.status.map(|status| status.to_string());
            status.as_deref() == Some("DEPLOYED")
        })
    }

    /// Returns the number of requests of an operation so far.
    fn count(&self, operation: &str) -> usize {
        let journal = self.emulator.journal();
        let is_one = |entry: &&Entry| entry.operation.as_deref() == Some(operation);
        journal.iter().filter(is_one).count()
    }
}

/// A drive that no sandbox without a label can mount.
fn closed_drive(name: &str) -> Drive {
    Drive::new(name).permission(DrivePermission::new().label("team", "care"))
}

fn scratch(path: &str) -> DriveMount {
    DriveMount::created(Drive::default(), path)
}

async fn failure(launch: Launch<Client>) -> Error {
    launch.await.map(drop).unwrap_err()
}

#[tokio::test]
async fn a_launch_fills_in_the_region_and_the_defaults_and_keeps_what_the_draft_says() {
    let world = World::new();
    let defaults = SandboxDefaults::standard().memory(8192);
    let sandboxes = world
        .sandboxes
        .with_region("eu-lon-1")
        .with_defaults(defaults);
    let own = Sandbox::new("own").memory(2048).region("us-pdx-1");
    sandboxes.create(&Sandbox::new("new")).await.unwrap();
    sandboxes.ensure(&own).await.unwrap();
    let read = async |name: &str| sandboxes.collection().get(name).await.unwrap().spec;
    let new = read("new").await;
    assert_eq!(new.region.as_deref(), Some("eu-lon-1"));
    assert_eq!(new.runtime.unwrap().memory.unwrap().get(), 8192);
    let own = read("own").await;
    assert_eq!(own.region.as_deref(), Some("us-pdx-1"));
    assert_eq!(own.runtime.unwrap().memory.unwrap().get(), 2048);
}

#[tokio::test]
async fn drives_are_created_and_mounted_along_with_the_sandbox() {
    let world = World::new();
    world.add_drive(&Drive::new("data")).await;
    let sandbox = world
        .create("dev")
        .mount(MountOptions::new("data", "/mnt/data").read_only(true))
        .mount(DriveMount::created(Drive::new("results"), "/mnt/results"))
        .mount(scratch("/mnt/scratch"))
        .probe(true)
        .await
        .unwrap();
    let mut mounts = sandbox.drives().list().await.unwrap();
    mounts.sort_by(|a, b| a.mount_path.cmp(&b.mount_path));
    let seen: Vec<_> = mounts
        .iter()
        .map(|mount| (mount.mount_path.as_str(), mount.read_only))
        .collect();
    assert_eq!(
        seen,
        [
            ("/mnt/data", true),
            ("/mnt/results", false),
            ("/mnt/scratch", false)
        ]
    );
    let drives = world.drives().await;
    assert_eq!(drives.len(), 3);
    assert!(
        drives[1].starts_with("drive-") && drives[1].len() <= 49,
        "{drives:?}"
    );
    sandbox.fs().write("/mnt/scratch/a", "1").await.unwrap();
    let region = |drive: Drive| drive.spec.region;
    let made = world.management().drives().get(&drives[1]).await.unwrap();
    assert!(region(made).is_some());

    // The next call finds all of it. A drive with a random name could not be found.
    let again = world.sandboxes.ensure(&Sandbox::new("dev"));
    let again = again.mount(DriveMount::created(Drive::new("results"), "/mnt/results"));
    assert!(!again.outcome().await.unwrap().is_created());
    assert_eq!(world.drives().await.len(), 3);
}

#[tokio::test]
async fn many_drives_are_worked_on_five_at_a_time() {
    let world = World::new();
    let mut launch = world.create("dev");
    for number in 0..12 {
        let name = format!("drive-{number}");
        launch = launch.mount(DriveMount::created(
            Drive::new(&*name),
            format!("/mnt/{name}"),
        ));
    }
    let sandbox = launch.await.unwrap();
    assert_eq!(sandbox.drives().list().await.unwrap().len(), 12);
}

#[tokio::test(start_paused = true)]
async fn a_mount_that_fails_takes_the_new_sandbox_and_the_unnamed_drives_back() {
    let world = World::new();
    world.add_drive(&closed_drive("closed")).await;
    let launch = world
        .create("dev")
        .mount(scratch("/mnt/scratch"))
        .mount(DriveMount::created(Drive::new("results"), "/mnt/results"))
        .mount(MountOptions::new("closed", "/mnt/closed"));
    let error = failure(launch).await;
    assert!(error.is_failed(), "{error:?}");
    let setup = SetupError::of(&error).unwrap();
    assert!(setup.error().is_forbidden(), "{error}");
    assert_eq!(setup.sandbox(), None);
    assert_eq!(setup.created_drives(), ["results"]);
    let text = error.to_string();
    for part in [
        "`dev` could not be set up",
        "no sandbox remains",
        "`results`",
        "`closed`",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!world.has_sandbox("dev").await);
    assert_eq!(world.drives().await, ["closed", "results"]);
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_that_is_to_be_kept_or_existed_before_is_never_deleted() {
    let world = World::new();
    world.add_drive(&closed_drive("closed")).await;
    let closed = || MountOptions::new("closed", "/mnt/closed");
    let kept = world
        .create("kept")
        .mount(scratch("/mnt/scratch"))
        .mount(closed())
        .on_setup_failure(OnSetupFailure::Keep);
    let error = failure(kept).await;
    let setup = SetupError::of(&error).unwrap();
    assert_eq!(setup.sandbox(), Some("kept"));
    assert!(world.has_sandbox("kept").await);
    // The drive is kept exactly if it is mounted.
    let mounted = world.sandboxes.get("kept").await.unwrap().drives();
    let mounted = mounted.list().await.unwrap();
    let used: Vec<_> = mounted
        .iter()
        .map(|mount| mount.drive_name.clone())
        .collect();
    assert_eq!(setup.created_drives(), used);
    let mut expected = vec!["closed".to_owned()];
    expected.extend(used);
    assert_eq!(world.drives().await, expected);

    let error = failure(
        world
            .sandboxes
            .ensure(&Sandbox::new("kept"))
            .mount(closed()),
    )
    .await;
    assert_eq!(SetupError::of(&error).unwrap().sandbox(), Some("kept"));
    assert!(world.has_sandbox("kept").await);

    let new = world.sandboxes.ensure(&Sandbox::new("new")).mount(closed());
    assert_eq!(SetupError::of(&failure(new).await).unwrap().sandbox(), None);
    assert!(!world.has_sandbox("new").await);
}

#[tokio::test(start_paused = true)]
async fn the_error_says_what_could_not_be_deleted() {
    let world = World::new();
    world.add_drive(&closed_drive("closed")).await;
    world.refuse("DeleteSandbox", StatusCode::FORBIDDEN, "FORBIDDEN", 1);
    world.refuse("DeleteDrive", StatusCode::FORBIDDEN, "FORBIDDEN", 1);
    let launch = world
        .create("dev")
        .mount(MountOptions::new("closed", "/mnt/closed"))
        .mount(scratch("/mnt/scratch"));
    let error = failure(launch).await;
    let setup = SetupError::of(&error).unwrap();
    assert_eq!(setup.sandbox(), Some("dev"));
    assert!(world.has_sandbox("dev").await);
    assert_eq!(setup.created_drives().len(), 1);
    assert!(
        error.to_string().contains("the sandbox `dev` remains"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_drive_whose_creation_got_no_response_is_found_by_its_name() {
    for drive in [Drive::default(), Drive::new("results")] {
        let world = World::new();
        let lost = Fault::disconnect().after_processing();
        world.fault("CreateDrive", lost, 1);
        let launch = world
            .create("dev")
            .mount(DriveMount::created(drive, "/mnt/a"));
        launch.await.unwrap();
        assert_eq!(world.count("CreateDrive"), 1);
        assert_eq!(world.drives().await.len(), 1);
    }
    // It was not created.
    let world = World::new();
    world.fault("CreateDrive", Fault::disconnect(), 1);
    let error = failure(world.create("dev").mount(scratch("/mnt/a"))).await;
    assert!(SetupError::of(&error).is_some(), "{error}");
    assert!(world.drives().await.is_empty());
    assert!(!world.has_sandbox("dev").await);
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_that_cannot_be_created_leaves_no_unnamed_drive() {
    let world = World::new();
    world.refuse(
        "CreateSandbox",
        StatusCode::BAD_REQUEST,
        "QUOTA_EXCEEDED",
        2,
    );
    // A known region lets the drives be created at the same time.
    let draft = Sandbox::new("dev").region("us-pdx-1");
    let launch = |drive: Drive| {
        let mount = DriveMount::created(drive, "/mnt/a");
        world.sandboxes.create(&draft).mount(mount)
    };
    let error = failure(launch(Drive::default())).await;
    assert!(error.is_quota(), "{error}");
    assert!(world.drives().await.is_empty());

    let error = failure(launch(Drive::new("results"))).await;
    assert!(
        error.is_quota() && SetupError::of(&error).is_none(),
        "{error}"
    );
    let is_named = error.to_string().contains("`results`");
    assert_eq!(is_named, world.drives().await == ["results"], "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_drive_in_another_region_is_refused() {
    let world = World::new();
    world.add_drive(&Drive::new("far").region("eu-lon-1")).await;
    let draft = Sandbox::new("dev").region("us-pdx-1");
    let launch = world
        .sandboxes
        .create(&draft)
        .mount(MountOptions::new("far", "/mnt/far"));
    let error = failure(launch).await;
    let text = error.to_string();
    assert!(
        text.contains("`eu-lon-1`") && text.contains("`us-pdx-1`"),
        "{text}"
    );
    assert!(!world.has_sandbox("dev").await);
}

#[tokio::test(start_paused = true)]
async fn a_probe_waits_for_a_sandbox_that_wakes_up_and_fails_with_one_that_does_not() {
    let cold = || Fault::gateway(StatusCode::NOT_FOUND, "WORKLOAD_UNAVAILABLE", true);
    let world = World::new();
    world.fault("ReadFile", cold(), 8);
    world.create("slow").probe(true).await.unwrap();
    assert_eq!(world.emulator.waiting_faults(), 0);

    world.fault("ReadFile", cold(), 1000);
    let error = failure(world.create("dead").probe(true)).await;
    let setup = SetupError::of(&error).unwrap();
    assert!(setup.error().is_unavailable(), "{error}");
    assert!(error.to_string().contains("does not respond"), "{error}");
    assert!(!world.has_sandbox("dead").await);

    let keep = OnSetupFailure::Keep;
    let error = failure(world.create("dead").probe(true).on_setup_failure(keep)).await;
    assert_eq!(SetupError::of(&error).unwrap().sandbox(), Some("dead"));
    assert!(world.has_sandbox("dead").await);

    // Without a probe, the sandbox itself is not called.
    world.create("unasked").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_launch_that_is_dropped_is_taken_back_in_the_background() {
    let world = World::new();
    world.fault("MountDrive", Fault::delay(Duration::from_secs(60)), 1);
    let launch = world.create("dev").mount(scratch("/mnt/scratch"));
    let launched = tokio::time::timeout(Duration::from_secs(5), launch).await;
    assert!(launched.is_err());
    assert!(world.has_sandbox("dev").await);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(!world.has_sandbox("dev").await);
    assert!(world.drives().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_the_gateway_gave_up_on_is_found() {
    let world = World::new();
    let late = Fault::html(StatusCode::GATEWAY_TIMEOUT).after_processing();
    world.fault("CreateSandbox", late.clone(), 1);
    assert_eq!(world.create("dev").await.unwrap().name(), "dev");
    assert_eq!(world.count("CreateSandbox"), 1);

    world.fault("CreateSandbox", late, 1);
    let error = failure(world.sandboxes.create(&Sandbox::unnamed())).await;
    assert!(error.maybe_applied(), "{error}");
    assert!(error.to_string().contains("cannot be looked up"), "{error}");

    // A sandbox of that name exists: the server says so.
    assert!(failure(world.create("dev")).await.is_conflict());
}

#[tokio::test(start_paused = true)]
async fn a_creation_is_sent_again_if_the_credential_could_not_be_checked() {
    let world = World::new();
    let busy = StatusCode::SERVICE_UNAVAILABLE;
    world.refuse("CreateSandbox", busy, "AUTHENTICATION_UNAVAILABLE", 1);
    world.refuse("CreateSandbox", StatusCode::FORBIDDEN, "UNAUTHORIZED", 1);
    world.create("dev").await.unwrap();
    assert_eq!(world.count("CreateSandbox"), 3);

    let final_one = "UNAUTHORIZED_WORKSPACE";
    world.refuse("CreateSandbox", StatusCode::FORBIDDEN, final_one, 1);
    let error = failure(world.sandboxes.ensure(&Sandbox::new("other"))).await;
    assert_eq!(error.code(), Some(final_one));
    assert_eq!(world.count("CreateSandbox"), 4);
}

#[tokio::test]
async fn a_creation_after_its_deadline_names_the_sandbox_and_frees_the_name() {
    let slow = Emulator::builder().deploy_time(Duration::from_secs(10));
    let world = World::on(slow.build());
    let launch = world.create("dev").deadline(Duration::from_secs(9));
    let advance = async {
        while world.count("CreateSandbox") == 0 {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        world.emulator.clock().advance(Duration::from_secs(9));
    };
    let (error, ()) = tokio::join!(failure(launch), advance);
    let timeout = CreationTimeout::of(&error).unwrap();
    assert_eq!(timeout.sandbox(), Some("dev"));
    assert_eq!(timeout.deadline(), Some(Duration::from_secs(9)));
    let found = world.sandboxes.collection().find("dev").await.unwrap();
    assert!(found.is_none(), "{found:?}");
}

#[tokio::test]
async fn a_call_of_an_archived_sandbox_is_not_repeated_and_says_what_to_do() {
    let world = World::new();
    let sandbox = world.create("dev").await.unwrap();
    world.sandboxes.archive("dev").await.unwrap();
    let error = sandbox.fs().read("/etc/hostname").await.unwrap_err();
    assert_eq!(error.platform_code(), Some(ErrorCode::WorkloadUnavailable));
    assert!(!error.is_transient() && !error.is_not_found(), "{error}");
    assert_eq!(error.attempts(), 1, "{error}");
    assert!(
        error.to_string().contains("Unarchive the sandbox"),
        "{error}"
    );
}

#[tokio::test]
async fn an_existing_sandbox_that_differs_is_returned_or_refused() {
    let world = World::new();
    let small = Sandbox::new("dev").memory(2048);
    world.sandboxes.create(&small).await.unwrap();
    let large = Sandbox::new("dev").memory(8192);
    let ensured = world.sandboxes.ensure(&large).outcome().await.unwrap();
    assert!(!ensured.is_created());
    let error = failure(world.sandboxes.ensure(&large).refuse_drift(true)).await;
    let drift = Drift::of(&error).unwrap();
    assert_eq!(drift.to_string(), "the memory is 2048 MB, not 8192 MB");
    assert!(world.has_sandbox("dev").await);
    // The default image was not asked for.
    let other = world
        .sandboxes
        .with_defaults(SandboxDefaults::standard().image("blaxel/nextjs"));
    other.ensure(&small).refuse_drift(true).await.unwrap();
}

#[tokio::test]
async fn invalid_settings_are_refused_before_anything_is_sent() {
    let world = World::new();
    let mount = |path: &str| MountOptions::new("data", path);
    let draft = Sandbox::new("dev");
    let renamed = DriveMount::created(Drive::new("a"), "/mnt/a").map(|_| mount("/mnt/a"));
    for launch in [
        world.create("dev").mount(mount("/a")).mount(mount("a/")),
        world.create("dev").mount(mount("")),
        world.create("dev").mount(renamed),
        world.create("dev").deadline(Duration::from_secs(51)),
        world.sandboxes.ensure(&draft).mount(scratch("/a")),
        world.sandboxes.ensure(&draft).deadline(Duration::ZERO),
    ] {
        let what = format!("{launch:?}");
        let error = failure(launch).await;
        assert!(error.is_input(), "{what}: {error}");
    }
    assert!(world.emulator.journal().is_empty());
}

/// The operations of a launch, and of its roll-back.
const OPERATIONS: [&str; 9] = [
    "CreateSandbox",
    "GetSandbox",
    "DeleteSandbox",
    "CreateDrive",
    "GetDrive",
    "DeleteDrive",
    "MountDrive",
    "ListMounts",
    "ReadFile",
];

fn any_fault() -> impl Strategy<Value = (&'static str, Fault, u32)> {
    let refusal = Fault::json(StatusCode::FORBIDDEN, json!({"code": "FORBIDDEN"}));
    let cold = Fault::gateway(StatusCode::NOT_FOUND, "WORKLOAD_UNAVAILABLE", true);
    let fault = select(vec![
        Fault::disconnect(),
        Fault::disconnect().after_processing(),
        Fault::html(StatusCode::GATEWAY_TIMEOUT).after_processing(),
        Fault::html(StatusCode::BAD_GATEWAY),
        refusal,
        cold,
    ]);
    (select(OPERATIONS.to_vec()), fault, 1..5_u32)
}

/// Launches a sandbox with two drives while faults happen, and compares what remains with what the error says.
async fn launch_with(faults: Vec<(&'static str, Fault, u32)>, has_region: bool, deletes: bool) {
    let world = World::new();
    world.add_drive(&Drive::new("data")).await;
    for (operation, fault, times) in faults {
        world.fault(operation, fault, times);
    }
    let mut draft = Sandbox::new("dev");
    if has_region {
        draft = draft.region("us-pdx-1");
    }
    let fate = if deletes {
        OnSetupFailure::Delete
    } else {
        OnSetupFailure::Keep
    };
    let outcome = world
        .sandboxes
        .create(&draft)
        .mount(MountOptions::new("data", "/mnt/data"))
        .mount(scratch("/mnt/scratch"))
        .probe(true)
        .on_setup_failure(fate)
        .await;
    let sandboxes = world.sandboxes.collection().all().await.unwrap();
    let exists = sandboxes
        .iter()
        .any(|sandbox| sandbox.metadata.name == "dev");
    let drives = world.drives().await;
    let is_new = |name: &&String| name.starts_with("drive-");
    assert!(drives.contains(&"data".to_owned()), "{drives:?}");
    let Err(error) = outcome else {
        assert!(exists);
        assert_eq!(drives.iter().filter(is_new).count(), 1, "{drives:?}");
        return;
    };
    let setup = SetupError::of(&error);
    let is_told = setup.map_or(error.maybe_applied(), |setup| setup.sandbox().is_some());
    assert!(!exists || is_told, "the sandbox remains silently: {error}");
    for drive in drives.iter().filter(is_new) {
        assert!(
            error.to_string().contains(drive),
            "{drive} remains silently: {error}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_fails_the_error_tells_what_remains(
        faults in vec(any_fault(), 0..6),
        has_region in any::<bool>(),
        deletes in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(launch_with(faults, has_region, deletes));
    }
}
