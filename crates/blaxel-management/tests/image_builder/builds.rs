//! Builds on the emulator, from the upload to the end, in paused time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel_core::Error;
use blaxel_emulator::{Builder, Emulator, Failure, Fault};
use blaxel_management::agents::Agent;
use blaxel_management::image_builder::{
    BuildFailure, ImageBuild, ImageDefinition, RegistryCredentials, RunningBuild,
};
use blaxel_management::images::ResourceType;
use blaxel_management::sandboxes::Sandbox;
use blaxel_management::{Megabytes, Status, Wait};
use http::StatusCode;
use serde_json::json;

use crate::support::Platform;

fn emulator() -> Emulator {
    builder().build()
}

fn builder() -> Builder {
    Emulator::builder()
        .build_time(Duration::from_secs(60))
        .deploy_time(Duration::from_secs(5))
}

fn image() -> ImageDefinition {
    ImageDefinition::from_registry("debian:bookworm-slim").run("echo hello")
}

/// Reads a log to its end.
async fn read_log<R, S>(build: &mut RunningBuild<R, S>) -> (Vec<String>, Option<Error>)
where
    R: blaxel_management::image_builder::Buildable,
    S: blaxel_core::HttpService,
{
    let mut lines = Vec::new();
    loop {
        match build.try_next().await {
            Ok(Some(entry)) => lines.push(entry.message.unwrap()),
            Ok(None) => return (lines, None),
            Err(error) => return (lines, Some(error)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_is_built_and_its_log_is_complete_and_in_order() {
    // The lines that a deployed workload logs depend on the time.
    let start = "2026-06-15T09:30:00Z".parse().unwrap();
    let emulator = builder().start_time(start).build();
    let platform = Platform::new(&emulator);
    let sandboxes = platform.management().sandboxes();
    let draft = Sandbox::new("dev").memory(Megabytes::gigabytes(2));
    let mut build = sandboxes
        .build(&draft, &ImageBuild::new(image()))
        .await
        .unwrap();
    assert!(!build.is_unchanged());
    let (lines, error) = read_log(&mut build).await;
    assert!(error.is_none(), "{error:?}");
    let end = lines.len() - 2;
    assert_eq!(
        lines[..end],
        [
            "Sandbox dev: The upload is awaited.",
            "Sandbox dev: The build has begun.",
            "#1 The archive is unpacked.",
            "#2 The base image is read.",
            "#3 The steps of the Dockerfile are run.",
        ]
    );
    assert!(
        lines[end + 1].contains("The deployment is complete"),
        "{lines:?}"
    );
    let took = platform.elapsed().as_secs();
    assert!((65..75).contains(&took), "{took}");
    let sandbox = build.finish().await.unwrap();
    assert_eq!(sandbox.status, Some(Status::Deployed));
    assert_eq!(
        sandbox.spec.runtime.unwrap().memory,
        Some(Megabytes::gigabytes(2))
    );
}

#[tokio::test(start_paused = true)]
async fn each_status_of_a_build_is_reported_once() {
    let emulator = emulator();
    let platform = Platform::new(&emulator);
    let management = platform.management();
    let statuses = Arc::new(Mutex::new(Vec::new()));
    let build = || {
        let statuses = Arc::clone(&statuses);
        let note = move |status: &Status| statuses.lock().unwrap().push(status.clone());
        ImageBuild::new(image()).on_status(note)
    };
    let sandboxes = management.sandboxes();
    let running = sandboxes.build(&Sandbox::new("dev"), &build()).await;
    running.unwrap().finish().await.unwrap();
    let seen = std::mem::take(&mut *statuses.lock().unwrap());
    assert_eq!(
        seen,
        [Status::Building, Status::Deploying, Status::Deployed]
    );

    let images = management.images();
    let running = images.build("tools", ResourceType::Sandbox, &build()).await;
    running.unwrap().finish().await.unwrap();
    let seen = std::mem::take(&mut *statuses.lock().unwrap());
    assert_eq!(seen, [Status::Building, Status::Built]);
}

#[tokio::test(start_paused = true)]
async fn the_same_definition_is_built_once() {
    let emulator = emulator();
    let platform = Platform::new(&emulator);
    let sandboxes = platform.management().sandboxes();
    let build = async |build: ImageBuild| {
        let running = sandboxes.build(&Sandbox::new("dev"), &build).await.unwrap();
        let is_unchanged = running.is_unchanged();
        let sandbox = running.finish().await.unwrap();
        assert_eq!(sandbox.status, Some(Status::Deployed));
        is_unchanged
    };
    assert!(!build(ImageBuild::new(image())).await);
    assert!(build(ImageBuild::new(image())).await);
    assert!(
        build(ImageBuild::new(image()).registry(RegistryCredentials::new("a", "b", "c"))).await
    );
    assert_eq!(platform.uploads().len(), 1);
    assert!(!build(ImageBuild::new(image()).rebuild(true)).await);
    assert!(!build(ImageBuild::new(image()).argument("A", "1")).await);
    assert!(!build(ImageBuild::new(image().env("A", "1"))).await);
    assert_eq!(platform.uploads().len(), 4);

    // A build that was not followed to its end may have failed, so it does not count.
    let other = ImageBuild::new(image().env("A", "2"));
    drop(sandboxes.build(&Sandbox::new("dev"), &other).await.unwrap());
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert!(!build(other).await);
}

#[tokio::test(start_paused = true)]
async fn an_end_without_a_state_before_it_is_not_missed() {
    // Each poll but the last falls into the time before the build, and the last one after it.
    let emulator = Emulator::builder()
        .build_time(Duration::from_millis(1))
        .build();
    let platform = Platform::new(&emulator);
    let sandboxes = platform.management().sandboxes();
    for round in ["first", "second"] {
        let build = ImageBuild::new(image().env("ROUND", round));
        let started = platform.elapsed();
        let running = sandboxes.build(&Sandbox::new("dev"), &build).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        running.finish().await.unwrap();
        let took = platform.elapsed() - started;
        assert!(took < Duration::from_secs(10), "{round}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_build_is_an_error_with_the_end_of_its_log() {
    let emulator = emulator();
    emulator
        .fail_next(Failure::build("sandboxes", "dev"))
        .unwrap();
    let platform = Platform::new(&emulator);
    let sandboxes = platform.management().sandboxes();
    let build = ImageBuild::new(image()).argument("SECRET", "Dockerfile");
    let running = sandboxes.build(&Sandbox::new("dev"), &build).await.unwrap();
    let error = running.finish().await.unwrap_err();
    assert!(error.is_failed(), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("`dev` is FAILED: The build has failed"),
        "{text}"
    );
    assert!(text.contains("its log ends with"), "{text}");
    let log = error.find_cause::<BuildFailure>().unwrap().log();
    // Text of a build argument is redacted, wherever it comes from.
    assert!(
        log.contains(&"#3 The steps of the [redacted] are run.".to_owned()),
        "{log:?}"
    );
    assert!(
        log.last().unwrap().contains("The build has failed"),
        "{log:?}"
    );

    // The failure of the last build is not taken for that of the next.
    let running = sandboxes.build(&Sandbox::new("dev"), &build).await.unwrap();
    assert_eq!(
        running.finish().await.unwrap().status,
        Some(Status::Deployed)
    );
}

#[tokio::test(start_paused = true)]
async fn build_settings_are_sent_as_the_upload_is_signed_for() {
    let emulator = emulator();
    let platform = Platform::new(&emulator);
    let sandboxes = platform.management().sandboxes();
    let build = ImageBuild::new(image())
        .memory(Megabytes::gigabytes(8))
        .volume(0)
        .region("us-was-1");
    let draft = Sandbox::new("dev")
        .label("x-blaxel-experimental", "yes")
        .label("team", "care");
    let running = sandboxes.build(&draft, &build).await.unwrap();
    let upload = platform.uploads().pop().unwrap();
    let sent: Vec<(&str, &str)> = upload
        .headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-amz-meta-"))
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    for (name, value) in [
        ("x-amz-meta-x-blaxel-build-memory", "8192"),
        ("x-amz-meta-x-blaxel-build-volume", "0"),
        ("x-amz-meta-x-blaxel-build-region", "us-was-1"),
        ("x-amz-meta-x-blaxel-experimental", "yes"),
    ] {
        assert!(sent.contains(&(name, value)), "{sent:?}");
    }
    assert_eq!(sent.len(), 4);
    running.finish().await.unwrap();

    for build in [
        ImageBuild::new(image()).memory(0),
        ImageBuild::new(image()).memory(32_769),
        ImageBuild::new(image()).volume(131_073),
        ImageBuild::new(image()).region(""),
        ImageBuild::new(image()).region("US"),
        ImageBuild::new(image()).region("a/b"),
        ImageBuild::new(image()).argument("A", "a\nB=b"),
        ImageBuild::new(image()).argument("A", " a"),
        ImageBuild::new(image()).argument("A=B", "a"),
        ImageBuild::new(image()).registry(RegistryCredentials::new("a", "b:c", "d")),
        ImageBuild::new(image()).registry(RegistryCredentials::new("a", "b", "")),
    ] {
        let error = sandboxes
            .build(&Sandbox::new("new"), &build)
            .await
            .unwrap_err();
        assert!(error.is_input(), "{build:?}");
    }
    assert_eq!(platform.uploads().len(), 1);
    let unnamed = sandboxes
        .build(&Sandbox::unnamed(), &ImageBuild::new(image()))
        .await;
    assert!(unnamed.unwrap_err().is_input());
}

#[tokio::test(start_paused = true)]
async fn a_build_is_followed_although_requests_fail() {
    let emulator = emulator();
    let platform = Platform::new(&emulator);
    let sandboxes = platform.management().sandboxes();
    let busy = || Fault::json(StatusCode::SERVICE_UNAVAILABLE, json!({"error": "busy"}));
    emulator.fault("PutArchive", busy(), 2).unwrap();
    let build = ImageBuild::new(image());
    let mut running = sandboxes.build(&Sandbox::new("dev"), &build).await.unwrap();
    assert_eq!(
        platform.uploads().len(),
        3,
        "the archive is packed again for each attempt"
    );
    let [first, .., last] = platform
        .uploads()
        .try_into()
        .map(|it: [_; 3]| it)
        .unwrap_or_else(|_| panic!());
    assert!(first.archive == last.archive);
    emulator.fault("GetSandbox", busy(), 2).unwrap();
    emulator.fault("GetLogs", busy(), 3).unwrap();
    let (lines, error) = read_log(&mut running).await;
    assert!(error.is_none(), "{error:?}");
    assert!(
        lines.contains(&"#1 The archive is unpacked.".to_owned()),
        "{lines:?}"
    );
    running.finish().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_build_is_followed_without_a_log_that_cannot_be_read() {
    let emulator = emulator();
    let platform = Platform::new(&emulator);
    let sandboxes = platform.management().sandboxes();
    let refused = Fault::json(StatusCode::FORBIDDEN, json!({"error": "not yours"}));
    emulator.fault("GetLogs", refused, 1000).unwrap();
    let build = ImageBuild::new(image());
    let mut running = sandboxes.build(&Sandbox::new("dev"), &build).await.unwrap();
    let (lines, error) = read_log(&mut running).await;
    assert!(lines.is_empty() && error.is_none(), "{error:?}");
    let journal = emulator.journal();
    let asks = journal
        .iter()
        .filter(|entry| entry.operation.as_deref() == Some("GetLogs"));
    let asked = asks.count();
    assert_eq!(asked, 5, "it gives up");
    assert!(running.log_error().unwrap().is_forbidden());
    running.finish().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_build_that_does_not_end_times_out_and_a_deleted_one_fails() {
    let emulator = Emulator::builder()
        .build_time(Duration::from_secs(1 << 30))
        .build();
    let platform = Platform::new(&emulator);
    let sandboxes = platform.management().sandboxes();
    let wait = Wait::new().inactivity(Duration::from_secs(120));
    let build = ImageBuild::new(image()).wait(wait);
    let running = sandboxes.build(&Sandbox::new("dev"), &build).await.unwrap();
    let error = running.finish().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(platform.elapsed().as_secs() / 10, 12);

    let running = sandboxes.build(&Sandbox::new("dev"), &build).await.unwrap();
    sandboxes.delete("dev").await.unwrap();
    assert!(running.finish().await.unwrap_err().is_failed());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_request_for_an_entry_loses_none() {
    let emulator = emulator();
    let platform = Platform::new(&emulator);
    let sandboxes = platform.management().sandboxes();
    let build = ImageBuild::new(image());
    let mut running = sandboxes.build(&Sandbox::new("dev"), &build).await.unwrap();
    let mut lines = Vec::new();
    loop {
        let limit = Duration::from_millis(700);
        match tokio::time::timeout(limit, running.try_next()).await {
            Err(_) => {}
            Ok(Ok(Some(entry))) => lines.push(entry.message.unwrap()),
            Ok(end) => {
                assert!(end.unwrap().is_none());
                break;
            }
        }
    }
    assert_eq!(
        lines.iter().filter(|line| line.starts_with('#')).count(),
        3,
        "{lines:?}"
    );
    running.finish().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn other_workloads_are_built_without_the_server_of_a_sandbox() {
    let emulator = emulator();
    let platform = Platform::new(&emulator);
    let agents = platform.management().agents();
    let build = ImageBuild::new(image().entrypoint(["/app"]));
    for _ in 0..2 {
        let running = agents.build(&Agent::new("bot"), &build).await.unwrap();
        assert!(!running.is_unchanged());
        assert_eq!(
            running.finish().await.unwrap().status,
            Some(Status::Deployed)
        );
    }
    assert_eq!(platform.uploads().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_image_is_built_for_many_sandboxes() {
    // The log is read from the start by the server's clock, which is another one here.
    let start = "2026-06-15T09:30:00Z".parse().unwrap();
    let emulator = builder().start_time(start).build();
    let platform = Platform::new(&emulator);
    let management = platform.management();
    let images = management.images();
    let build = ImageBuild::new(image());
    let mut running = images
        .build("tools", ResourceType::Sandbox, &build)
        .await
        .unwrap();
    let (lines, error) = read_log(&mut running).await;
    assert!(error.is_none(), "{error:?}");
    assert!(
        lines.contains(&"Image tools: The build is complete.".to_owned()),
        "{lines:?}"
    );
    let built = running.finish().await.unwrap();
    assert_eq!(built.metadata.name, "tools");
    let reference = images
        .of(ResourceType::Sandbox)
        .reference("tools")
        .await
        .unwrap();
    assert!(reference.starts_with("sandbox/tools:"), "{reference}");
    for name in ["one", "two"] {
        let sandbox = Sandbox::new(name).image(&reference);
        management.sandboxes().create(&sandbox).await.unwrap();
    }

    emulator
        .fail_next(Failure::image_build("sandbox", "tools"))
        .unwrap();
    let running = images
        .build("tools", ResourceType::Sandbox, &build)
        .await
        .unwrap();
    let error = running.finish().await.unwrap_err();
    assert!(
        error.is_failed() && error.find_cause::<BuildFailure>().is_some(),
        "{error:?}"
    );
    let settings = build.memory(Megabytes::gigabytes(8));
    let error = images
        .build("tools", ResourceType::Sandbox, &settings)
        .await
        .unwrap_err();
    assert!(error.is_input(), "{error:?}");
}
