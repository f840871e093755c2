use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use blaxel_core::BoxError;
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;

use super::*;
use crate::agents::Agent;
use crate::collection::Outcome;
use crate::sandboxes::Sandbox;
use crate::scripted::{Reply, Script};
use crate::{Management, Resource};

const UPLOAD_URL: &str = "https://store.example/archives/bot?signature=hunter2";
const PUT: &str = "PUT https://store.example/archives/bot?signature=hunter2";
const REPLACE: &str = "PUT /agents/bot?upload=true";
const CREATE: &str = "POST /agents?upload=true";

/// A response with an upload URL.
fn with_url_for(name: &str) -> Reply {
    let document = json!({"metadata": {"name": name}, "spec": {}, "status": "UPLOADING"});
    Reply::json(200, &document).header("x-blaxel-upload-url", UPLOAD_URL)
}

fn with_url() -> Reply {
    with_url_for("bot")
}

fn missing() -> Reply {
    Reply::json(404, &json!({"error": "no such agent"}))
}

fn zip() -> UploadSource {
    UploadSource::bytes(Archive::Zip, Bytes::from_static(b"PK-archive"))
}

async fn deploy(script: &Script, source: &UploadSource) -> Result<Outcome<Agent>, Error> {
    let agents = Management::new(script.clone()).agents();
    agents
        .deploy(&Agent::new("bot").label("team", "care"), source)
        .await
}

#[tokio::test(start_paused = true)]
async fn a_resource_is_replaced_or_created_and_its_archive_is_put_to_the_url_of_the_response() {
    let script = Script::new([with_url(), Reply::empty(200)]);
    let outcome = deploy(&script, &zip()).await.unwrap();
    assert!(matches!(&outcome, Outcome::Replaced(agent) if agent.name() == "bot"));
    let requests = script.take_requests();
    let [replace, put] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert_eq!((replace.line.as_str(), put.line.as_str()), (REPLACE, PUT));
    let sent: Value = serde_json::from_slice(&replace.body).unwrap();
    let labels = json!({"team": "care", "x-blaxel-auto-generated": "true"});
    assert_eq!(sent["metadata"]["labels"], labels);
    assert_eq!(put.body.as_ref(), b"PK-archive");
    assert_eq!(put.content_length, Some(10));
    assert_eq!(
        put.headers.len(),
        1,
        "only the type of the archive, no header of the SDK: {put:?}"
    );
    assert_eq!(put.headers["content-type"], "application/zip");

    let script = Script::new([missing(), with_url(), Reply::empty(200)]);
    let outcome = deploy(&script, &zip()).await.unwrap();
    assert!(matches!(outcome, Outcome::Created(_)));
    assert_eq!(script.lines(), [REPLACE, CREATE, PUT]);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_created_first_requests_the_url_in_that_order() {
    let taken = Reply::json(
        409,
        &json!({"code": "SANDBOX_ALREADY_EXISTS", "message": "there"}),
    );
    let script = Script::new([taken, with_url_for("box"), Reply::empty(200)]);
    let sandboxes = Management::new(script.clone()).sandboxes();
    let outcome = sandboxes
        .deploy(&Sandbox::new("box"), &zip())
        .await
        .unwrap();
    assert!(matches!(outcome, Outcome::Replaced(_)));
    let asked = [
        "POST /sandboxes?upload=true",
        "PUT /sandboxes/box?upload=true",
        PUT,
    ];
    assert_eq!(script.lines(), asked);
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_a_fresh_url_and_a_longer_delay_before_it() {
    for (what, failure) in [
        ("the connection breaks", Reply::Lost),
        ("the storage is unreachable", Reply::Unreachable),
        ("the storage responds with 500", Reply::empty(500)),
        ("the storage responds with 503", Reply::empty(503)),
        (
            "the storage waited too long",
            Reply::xml(400, "<Error><Code>RequestTimeout</Code></Error>"),
        ),
    ] {
        // The second attempt finds the resource of the first; the outcome is still `Created`.
        let script = Script::new([
            missing(),
            with_url(),
            failure.clone(),
            with_url(),
            failure.clone(),
            with_url(),
            failure.clone(),
            with_url(),
            failure,
            with_url(),
            Reply::empty(200),
        ]);
        let outcome = deploy(&script, &zip()).await.unwrap();
        assert!(matches!(outcome, Outcome::Created(_)), "{what}");
        let requests = script.take_requests();
        let puts = requests.iter().filter(|request| request.line == PUT);
        let times: Vec<u64> = puts.clone().map(|request| request.at.as_secs()).collect();
        assert_eq!(times, [0, 1, 3, 7, 15], "{what}");
        assert!(
            puts.clone()
                .all(|request| request.body.as_ref() == b"PK-archive"),
            "{what}"
        );
        let url_requests = requests
            .iter()
            .filter(|request| request.line == REPLACE)
            .count();
        assert_eq!(url_requests, 5, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_the_storage_is_final() {
    // No success but 200 confirms an upload.
    for status in [204, 301, 400, 403, 404, 411, 413] {
        let script = Script::with(move |line| match line {
            REPLACE => with_url(),
            _ => Reply::empty(status),
        });
        let error = deploy(&script, &zip()).await.map(drop).unwrap_err();
        assert_eq!(error.status().map(|it| it.as_u16()), Some(status));
        assert_eq!(script.lines(), [REPLACE, PUT], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_url_is_replaced_once() {
    let script = Script::with(|line| match line {
        REPLACE => with_url(),
        _ => Reply::xml(
            403,
            "<Error><Code>AccessDenied</Code><Message>Request has expired</Message>\
             <StringToSign>signature=hunter2</StringToSign></Error>",
        ),
    });
    let error = deploy(&script, &zip()).await.map(drop).unwrap_err();
    assert_eq!(
        error.to_string(),
        "PutArchive: 403 AccessDenied: Request has expired (2 attempts)"
    );
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    assert_eq!(script.lines(), [REPLACE, PUT, REPLACE, PUT]);
}

#[tokio::test(start_paused = true)]
async fn after_five_attempts_the_last_error_is_returned() {
    let script = Script::with(|line| match line {
        REPLACE => with_url(),
        _ => Reply::Lost,
    });
    let error = deploy(&script, &zip()).await.map(drop).unwrap_err();
    assert!(error.attempts() == 5 && error.maybe_applied(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_url_request_is_repeated_unless_the_error_is_permanent() {
    let busy = || Reply::json(503, &json!({"error": "busy"}));
    let script = Script::new([
        with_url(),
        Reply::Lost,
        busy(),
        with_url(),
        Reply::empty(200),
    ]);
    deploy(&script, &zip()).await.unwrap();
    assert_eq!(script.lines(), [REPLACE, PUT, REPLACE, REPLACE, PUT]);

    let refused = Reply::json(403, &json!({"error": "not yours"}));
    let script = Script::new([with_url(), Reply::Lost, refused]);
    let error = deploy(&script, &zip()).await.map(drop).unwrap_err();
    assert!(error.is_forbidden(), "{error:?}");
    assert_eq!(script.lines(), [REPLACE, PUT, REPLACE]);
}

#[tokio::test(start_paused = true)]
async fn a_response_without_an_upload_url_is_an_error() {
    let script = Script::new([Reply::json(
        200,
        &json!({"metadata": {"name": "bot"}, "spec": {}}),
    )]);
    let error = deploy(&script, &zip()).await.map(drop).unwrap_err();
    assert!(error.is_decode() && error.maybe_applied(), "{error:?}");
    assert!(error.to_string().contains("x-blaxel-upload-url"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_invalid_archive_ends_the_upload_at_once() {
    // The wrong format: no request is sent.
    let script = Script::new([with_url()]);
    let tar = UploadSource::bytes(Archive::Tar, "tar");
    assert!(
        deploy(&script, &tar)
            .await
            .map(drop)
            .unwrap_err()
            .is_input()
    );
    assert_eq!(script.lines(), [""; 0]);

    // It cannot be opened, or does not have the announced length: no second attempt.
    let broken = UploadSource::function(Archive::Zip, 3, || async {
        Err::<Body, BoxError>("the disk is on fire".into())
    });
    let short = UploadSource::function(Archive::Zip, 3, || async { Ok::<_, Error>("ab".into()) });
    let long = UploadSource::function(Archive::Zip, 3, || async { Ok::<_, Error>("abcd".into()) });
    for (source, expected) in [(broken, "on fire"), (short, "shorter"), (long, "longer")] {
        let script = Script::new([with_url()]);
        let error = deploy(&script, &source).await.map(drop).unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains(expected),
            "{error:?}"
        );
        assert_eq!(script.lines(), [REPLACE], "{expected}");
    }
}

#[tokio::test(start_paused = true)]
async fn progress_starts_again_with_each_attempt() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let source = zip().on_progress(move |progress: Progress| {
        log.lock()
            .unwrap()
            .push((progress.attempt, progress.sent, progress.total));
    });
    let script = Script::new([with_url(), Reply::Lost, with_url(), Reply::empty(200)]);
    deploy(&script, &source).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [(1, 10, 10), (2, 10, 10)]);
}

#[tokio::test(start_paused = true)]
async fn a_function_opens_the_archive_for_each_attempt() {
    let opened = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&opened);
    let source = UploadSource::function(Archive::Zip, 3, move || {
        count.fetch_add(1, Ordering::Relaxed);
        async { Ok::<Body, Error>("abc".into()) }
    });
    let script = Script::new([with_url(), Reply::Lost, with_url(), Reply::empty(200)]);
    deploy(&script, &source).await.unwrap();
    assert_eq!(opened.load(Ordering::Relaxed), 2);
    assert_eq!(script.take_requests().last().unwrap().body.as_ref(), b"abc");
}

#[tokio::test(start_paused = true)]
async fn upload_takes_urls_from_any_source() {
    let script = Script::new([Reply::Lost, Reply::empty(200)]);
    let source = UploadSource::bytes(Archive::Tar, "content");
    let mut number = 0;
    let upload = upload(&script, &source, || {
        number += 1;
        let response = number;
        async move { Ok((response, UploadUrl::from("https://store.example/a?b=c"))) }
    });
    assert_eq!(
        upload.await.unwrap(),
        2,
        "the response of the successful attempt"
    );
    let requests = script.take_requests();
    assert_eq!(requests[1].line, "PUT https://store.example/a?b=c");
    assert_eq!(requests[1].headers["content-type"], "application/x-tar");
}

#[test]
fn a_version_is_a_query_parameter() {
    use blaxel_core::Operation;
    let agent = Agent::new("bot");
    let create = crate::operations::Create::<Agent>::new(&agent);
    let request = ForUpload::new(&create)
        .version(Some("v 2"))
        .encode()
        .unwrap();
    assert_eq!(
        request.uri(),
        "blaxel://control/agents?upload=true&version=v%202"
    );
}

#[test]
fn the_debug_output_of_a_url_shows_only_the_host() {
    let printed = format!("{:?}", UploadUrl::from(UPLOAD_URL));
    assert_eq!(printed, "UploadUrl(store.example, [redacted])");
}

#[tokio::test(start_paused = true)]
async fn an_unsafe_url_is_refused_and_not_shown() {
    for url in [
        "http://store.example/a?signature=hunter2",
        "https://store.example:99999/hunter2",
        "https://store.example:hunter2/a",
        "https://me:hunter2@store.example/a",
        "https://me:hun#hunter2@store.example/a",
        "https://store.example/a?signature=hunter2#b",
        "https:///hunter2",
        "hunter2",
    ] {
        let document = json!({"metadata": {"name": "bot"}, "spec": {}});
        let answer = Reply::json(200, &document).header("x-blaxel-upload-url", url);
        let script = Script::new([answer]);
        let error = deploy(&script, &zip()).await.map(drop).unwrap_err();
        let shown = format!("{error} {error:?} {:?}", UploadUrl::from(url));
        assert!(
            error.is_input() && shown.contains("`x-blaxel-upload-url` in a response"),
            "{url}: {shown}"
        );
        assert!(!shown.contains("hunter2"), "{url}: {shown}");
        // The archive was sent nowhere.
        assert_eq!(script.take_requests().len(), 1, "{url}");
    }
}

const SIGNED: &str = "https://store.example/a?X-Amz-SignedHeaders=\
    content-type%3Bhost%3Bx-amz-meta-x-blaxel-build-memory%3bX-Amz-Meta-X-Blaxel-Build-Cache&X-Amz-Signature=hunter2";

/// A response with these labels and an upload URL.
fn labelled(url: &str, labels: &Value) -> Reply {
    let document = json!({"metadata": {"name": "bot", "labels": labels}, "spec": {}});
    Reply::json(200, &document).header("x-blaxel-upload-url", url)
}

/// Deploys an agent with labels, and returns the metadata headers of the upload.
#[allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]
async fn deploy_labelled(
    script: &Script,
    labels: &[(&str, &str)],
) -> Result<Vec<(String, String)>, Error> {
    let start = Agent::new("bot");
    let agent = labels
        .iter()
        .fold(start, |agent, (name, value)| agent.label(*name, *value));
    let agents = Management::new(script.clone()).agents();
    agents.deploy(&agent, &zip()).await?;
    let put = script.take_requests().pop().unwrap();
    assert!(
        put.line.starts_with("PUT https://store.example/"),
        "{put:?}"
    );
    let headers = put.headers.iter();
    let metadata = headers.filter(|(name, _)| name.as_str().starts_with("x-amz-meta-"));
    let pairs =
        metadata.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    Ok(pairs.collect())
}

#[tokio::test(start_paused = true)]
async fn stored_labels_of_the_build_are_sent_if_the_url_is_signed_for_them() {
    let stored = json!({
        "x-blaxel-build-memory": "8192",
        "x-blaxel-build-cache": "on",
        "x-blaxel-experimental": "unsigned",
        "team": "care",
    });
    let script = Script::new([labelled(SIGNED, &stored), Reply::empty(200)]);
    let sent = deploy_labelled(&script, &[]).await.unwrap();
    let expected = [
        ("x-amz-meta-x-blaxel-build-memory", "8192"),
        ("x-amz-meta-x-blaxel-build-cache", "on"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(sent, expected);

    // A URL without a list accepts all of them, but no label of another kind, and no long or empty value.
    let stored = json!({
        "x-blaxel-build-memory": "8192",
        "x-blaxel-builder": "x".repeat(65),
        "x-blaxel-build-cache": "",
        "x-blaxel-build-region": "us-was-1",
        "team": "care",
    });
    for url in ["https://store.example/a", "https://store.example/a?b=c"] {
        let script = Script::new([labelled(url, &stored), Reply::empty(200)]);
        let sent = deploy_labelled(&script, &[]).await.unwrap();
        let names: Vec<&str> = sent
            .iter()
            .map(|(name, _)| &name["x-amz-meta-".len()..])
            .collect();
        assert_eq!(
            names,
            ["x-blaxel-build-memory", "x-blaxel-build-region"],
            "{url}"
        );
    }

    // A response without labels: those of the request.
    let script = Script::new([labelled(SIGNED, &Value::Null), Reply::empty(200)]);
    let sent = deploy_labelled(&script, &[("x-blaxel-build-memory", "1")])
        .await
        .unwrap();
    assert_eq!(sent.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_build_setting_that_the_url_is_not_signed_for_is_asked_for_once_more() {
    let labels = json!({"x-blaxel-build-memory": "8192"});
    let asked = [("x-blaxel-build-memory", "8192")];
    let unsigned = "https://store.example/a?X-Amz-SignedHeaders=host&X-Amz-Signature=hunter2";
    let script = Script::new([
        labelled(unsigned, &labels),
        labelled(SIGNED, &labels),
        Reply::empty(200),
    ]);
    let sent = deploy_labelled(&script, &asked).await.unwrap();
    assert_eq!(
        sent,
        [(
            "x-amz-meta-x-blaxel-build-memory".to_owned(),
            "8192".to_owned()
        )]
    );

    let script = Script::new([labelled(unsigned, &labels)]);
    let error = deploy_labelled(&script, &asked).await.unwrap_err();
    assert!(error.is_failed(), "{error:?}");
    let text = format!("{error} {error:?}");
    assert!(
        text.contains("x-blaxel-build-memory") && !text.contains("hunter2"),
        "{text}"
    );
    assert_eq!(script.lines(), [REPLACE, REPLACE], "nothing was uploaded");
    // The other labels are no settings: a build without them is what the platform wants.
    let script = Script::new([labelled(unsigned, &json!({})), Reply::empty(200)]);
    let sent = deploy_labelled(&script, &[("x-blaxel-experimental", "yes")])
        .await
        .unwrap();
    assert_eq!(sent, []);
}

#[cfg(feature = "upload-file")]
mod file_sources {
    use super::*;

    #[tokio::test]
    async fn a_file_is_streamed_for_each_attempt() {
        let path = std::env::temp_dir().join(format!("upload-{}.zip", std::process::id()));
        let content: Vec<u8> = (0..700_000u32).map(|at| at as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let source = UploadSource::file(Archive::Zip, &path);
        let script = Script::new([Reply::empty(200)]);
        let request_url = || async { Ok(((), UploadUrl::from("https://store.example/a"))) };
        upload(&script, &source, request_url).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        let requests = script.take_requests();
        assert_eq!(requests[0].content_length, Some(700_000));
        assert!(requests[0].body == content);

        let error = upload(&script, &source, request_url).await.unwrap_err();
        assert!(error.is_input(), "{error:?}");
        assert!(
            error.to_string().contains(&path.display().to_string()),
            "{error}"
        );
        let directory = UploadSource::file(Archive::Zip, std::env::temp_dir());
        assert!(
            upload(&script, &directory, request_url)
                .await
                .unwrap_err()
                .is_input()
        );
        assert_eq!(script.lines(), [""; 0], "nothing was sent");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_pipe_is_refused_without_waiting_for_its_writer() {
        let pipe = std::env::temp_dir().join(format!("upload-pipe-{}", std::process::id()));
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let source = UploadSource::file(Archive::Zip, &pipe);
        let script = Script::new([]);
        let request_url = || async { Ok(((), UploadUrl::from("https://store.example/a"))) };
        let upload = upload(&script, &source, request_url);
        let limit = std::time::Duration::from_secs(5);
        let outcome = tokio::time::timeout(limit, upload).await;
        std::fs::remove_file(&pipe).unwrap();
        assert!(outcome.expect("no wait").unwrap_err().is_input());
    }
}
