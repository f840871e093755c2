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

const PLACE: &str = "https://store.example/archives/bot?signature=hunter2";
const PUT: &str = "PUT https://store.example/archives/bot?signature=hunter2";
const REPLACE: &str = "PUT /agents/bot?upload=true";
const CREATE: &str = "POST /agents?upload=true";

fn offer_of(name: &str) -> Reply {
    let document = json!({"metadata": {"name": name}, "spec": {}, "status": "UPLOADING"});
    Reply::json(200, &document).header("x-blaxel-upload-url", PLACE)
}

fn offer() -> Reply {
    offer_of("bot")
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
async fn a_resource_is_replaced_or_made_and_its_archive_put_where_the_answer_says() {
    let script = Script::new([offer(), Reply::empty(200)]);
    let outcome = deploy(&script, &zip()).await.unwrap();
    assert!(matches!(&outcome, Outcome::Replaced(agent) if agent.name() == "bot"));
    let seen = script.seen();
    let [replace, put] = seen.as_slice() else {
        panic!("{seen:?}")
    };
    assert_eq!((replace.line.as_str(), put.line.as_str()), (REPLACE, PUT));
    let sent: Value = serde_json::from_slice(&replace.body).unwrap();
    let labels = json!({"team": "care", "x-blaxel-auto-generated": "true"});
    assert_eq!(sent["metadata"]["labels"], labels);
    assert_eq!(put.body.as_ref(), b"PK-archive");
    assert_eq!(put.announced, Some(10));
    assert_eq!(
        put.headers.len(),
        1,
        "the type of the archive, and nothing of ours: {put:?}"
    );
    assert_eq!(put.headers["content-type"], "application/zip");

    let script = Script::new([missing(), offer(), Reply::empty(200)]);
    let outcome = deploy(&script, &zip()).await.unwrap();
    assert!(matches!(outcome, Outcome::Created(_)));
    assert_eq!(script.lines(), [REPLACE, CREATE, PUT]);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_created_first_asks_in_its_order() {
    let taken = Reply::json(
        409,
        &json!({"code": "SANDBOX_ALREADY_EXISTS", "message": "there"}),
    );
    let script = Script::new([taken, offer_of("box"), Reply::empty(200)]);
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
async fn each_try_has_a_fresh_address_and_a_longer_rest_before_it() {
    for (what, failure) in [
        ("the connection breaks", Reply::Lost),
        ("there is none", Reply::Unreachable),
        ("it is refused", Reply::empty(403)),
        ("it is put off", Reply::empty(503)),
        // A success of another kind is none.
        ("it is taken for something else", Reply::empty(204)),
    ] {
        // What is made in the first try is there in the second, and is still told as made.
        let script = Script::new([
            missing(),
            offer(),
            failure.clone(),
            offer(),
            failure.clone(),
            offer(),
            failure.clone(),
            offer(),
            failure,
            offer(),
            Reply::empty(200),
        ]);
        let outcome = deploy(&script, &zip()).await.unwrap();
        assert!(matches!(outcome, Outcome::Created(_)), "{what}");
        let seen = script.seen();
        let puts = seen.iter().filter(|seen| seen.line == PUT);
        let times: Vec<u64> = puts.clone().map(|seen| seen.at.as_secs()).collect();
        assert_eq!(times, [0, 1, 3, 7, 15], "{what}");
        assert!(
            puts.clone().all(|seen| seen.body.as_ref() == b"PK-archive"),
            "{what}"
        );
        let offers = seen.iter().filter(|seen| seen.line == REPLACE).count();
        assert_eq!(offers, 5, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_five_tries_the_last_failure_is_told_without_the_address() {
    let script = Script::with(|line| match line {
        REPLACE => offer(),
        _ => Reply::xml(
            403,
            "<Error><Code>AccessDenied</Code><Message>Request has expired</Message>\
             <StringToSign>signature=hunter2</StringToSign></Error>",
        ),
    });
    let error = deploy(&script, &zip()).await.map(drop).unwrap_err();
    assert_eq!(
        error.to_string(),
        "PutArchive: 403 AccessDenied: Request has expired (5 attempts)"
    );
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    assert_eq!(script.lines().iter().filter(|line| *line == PUT).count(), 5);

    let script = Script::with(|line| match line {
        REPLACE => offer(),
        _ => Reply::Lost,
    });
    let error = deploy(&script, &zip()).await.map(drop).unwrap_err();
    assert!(error.attempts() == 5 && error.maybe_applied(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn an_address_is_asked_for_again_unless_the_answer_is_final() {
    let busy = || Reply::json(503, &json!({"error": "busy"}));
    let script = Script::new([offer(), Reply::Lost, busy(), offer(), Reply::empty(200)]);
    deploy(&script, &zip()).await.unwrap();
    assert_eq!(script.lines(), [REPLACE, PUT, REPLACE, REPLACE, PUT]);

    let refused = Reply::json(403, &json!({"error": "not yours"}));
    let script = Script::new([offer(), Reply::Lost, refused]);
    let error = deploy(&script, &zip()).await.map(drop).unwrap_err();
    assert!(error.is_forbidden(), "{error:?}");
    assert_eq!(script.lines(), [REPLACE, PUT, REPLACE]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_an_address_is_an_error_that_says_so() {
    let script = Script::new([Reply::json(
        200,
        &json!({"metadata": {"name": "bot"}, "spec": {}}),
    )]);
    let error = deploy(&script, &zip()).await.map(drop).unwrap_err();
    assert!(error.is_decode() && error.maybe_applied(), "{error:?}");
    assert!(error.to_string().contains("x-blaxel-upload-url"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_the_archive_ends_it_at_once() {
    // Of another form: nothing is asked of anybody.
    let script = Script::new([offer()]);
    let tar = UploadSource::bytes(Archive::Tar, "tar");
    assert!(
        deploy(&script, &tar)
            .await
            .map(drop)
            .unwrap_err()
            .is_input()
    );
    assert_eq!(script.lines(), [""; 0]);

    // Not to be opened, and not as long as it was said to be: no second try.
    let broken = UploadSource::function(Archive::Zip, 3, || async {
        Err::<Body, BoxError>("the disk is on fire".into())
    });
    let short = UploadSource::function(Archive::Zip, 3, || async { Ok::<_, Error>("ab".into()) });
    let long = UploadSource::function(Archive::Zip, 3, || async { Ok::<_, Error>("abcd".into()) });
    for (source, said) in [(broken, "on fire"), (short, "shorter"), (long, "longer")] {
        let script = Script::new([offer()]);
        let error = deploy(&script, &source).await.map(drop).unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains(said),
            "{error:?}"
        );
        assert_eq!(script.lines(), [REPLACE], "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn progress_begins_anew_with_each_try() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let source = zip().on_progress(move |progress: Progress| {
        told.lock()
            .unwrap()
            .push((progress.attempt, progress.sent, progress.total));
    });
    let script = Script::new([offer(), Reply::Lost, offer(), Reply::empty(200)]);
    deploy(&script, &source).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [(1, 10, 10), (2, 10, 10)]);
}

#[tokio::test(start_paused = true)]
async fn a_function_opens_the_archive_for_each_try() {
    let opened = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&opened);
    let source = UploadSource::function(Archive::Zip, 3, move || {
        count.fetch_add(1, Ordering::Relaxed);
        async { Ok::<Body, Error>("abc".into()) }
    });
    let script = Script::new([offer(), Reply::Lost, offer(), Reply::empty(200)]);
    deploy(&script, &source).await.unwrap();
    assert_eq!(opened.load(Ordering::Relaxed), 2);
    assert_eq!(script.seen().last().unwrap().body.as_ref(), b"abc");
}

#[tokio::test(start_paused = true)]
async fn what_else_gives_out_addresses_can_be_uploaded_to() {
    let script = Script::new([Reply::Lost, Reply::empty(200)]);
    let source = UploadSource::bytes(Archive::Tar, "content");
    let mut number = 0;
    let answer = upload(&script, &source, || {
        number += 1;
        let answer = number;
        async move { Ok((answer, UploadUrl::from("https://store.example/a?b=c"))) }
    });
    assert_eq!(
        answer.await.unwrap(),
        2,
        "what came with the address that worked"
    );
    let seen = script.seen();
    assert_eq!(seen[1].line, "PUT https://store.example/a?b=c");
    assert_eq!(seen[1].headers["content-type"], "application/x-tar");
}

#[test]
fn a_version_is_asked_for_by_name() {
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
fn an_address_prints_no_more_than_its_host() {
    let printed = format!("{:?}", UploadUrl::from(PLACE));
    assert_eq!(printed, "UploadUrl(store.example, [redacted])");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_could_be_listened_in_on_is_refused() {
    let open = Reply::json(200, &json!({"metadata": {"name": "bot"}, "spec": {}})).header(
        "x-blaxel-upload-url",
        "http://store.example/a?signature=hunter2",
    );
    let script = Script::new([open]);
    let error = deploy(&script, &zip()).await.map(drop).unwrap_err();
    assert!(
        error.is_input() && !error.to_string().contains("hunter2"),
        "{error}"
    );
}

#[cfg(feature = "upload-file")]
mod from_files {
    use super::*;

    #[tokio::test]
    async fn a_file_is_read_piece_by_piece_for_each_try() {
        let path = std::env::temp_dir().join(format!("upload-{}.zip", std::process::id()));
        let content: Vec<u8> = (0..700_000u32).map(|at| at as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let source = UploadSource::file(Archive::Zip, &path);
        let script = Script::new([Reply::empty(200)]);
        let address = || async { Ok(((), UploadUrl::from("https://store.example/a"))) };
        upload(&script, &source, address).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        let seen = script.seen();
        assert_eq!(seen[0].announced, Some(700_000));
        assert!(seen[0].body == content);

        let error = upload(&script, &source, address).await.unwrap_err();
        assert!(error.is_input(), "{error:?}");
        assert!(
            error.to_string().contains(&path.display().to_string()),
            "{error}"
        );
        let folder = UploadSource::file(Archive::Zip, std::env::temp_dir());
        assert!(
            upload(&script, &folder, address)
                .await
                .unwrap_err()
                .is_input()
        );
        assert_eq!(script.lines(), [""; 0], "nothing was sent");
    }
}
