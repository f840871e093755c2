//! Documents: states, listings, results of searches and everything else that is read as a whole.

use std::fmt::{Debug, Write as _};

use blaxel_core::Error;
use blaxel_sandbox::archive::ExportOptions;
use blaxel_sandbox::codegen::{CodeEdit, RankOptions};
use blaxel_sandbox::drives::MountOptions;
use blaxel_sandbox::system::UpgradeOptions;
use http::{HeaderValue, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::input::{Format, Input};
use super::run::run;
use super::service::{
    Answer, body, json as document, paused, problem, sandbox, sandbox_up_to, status,
};

const TOKENS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"null",
    b"true",
    b"7",
    b"-1",
    b"1e300",
    b"\"\"",
    b"\"x\"",
    b"\xff",
    b"\"status\":\"running\",",
    b"\"status\":",
    b"\"files\":[",
    b"\"subdirectories\":[",
    b"\"path\":\"/data/a\",",
    b"\"name\":\"..\",",
    b"\"name\":\"a\",",
    b"\"permissions\":\"1000000777\",",
    b"\"size\":-1,",
    b"\"recursive\":true,",
    b"\"content\":\"\xc3\xa9\",",
    b"\"lastModified\":\"Mon, 30 Nov 2026 10:07:20 GMT\",",
    b"\"matches\":[",
    b"\"ports\":[",
    b"\"parts\":",
    b"\"uploads\":[",
    b"\"mounts\":[",
    b"\"lastUpgrade\":{",
    b"\"export\":{",
    b"\"manifest\":{",
    b"\"uptimeSeconds\":1e300,",
    b"\"localPort\":65536,",
];

/// Documents as servers write them.
const SEEDS: &[&[u8]] = &[
    br#"{"status":"ok","version":"1","gitCommit":"c","uptime":"1h","uptimeSeconds":3725.5,"upgradeCount":1,
        "startedAt":"2026-11-30T10:07:20Z","lastUpgrade":{"status":"failed","step":"download","error":"e",
        "bytesDownloaded":7,"lastAttempt":"2026-11-30T10:07:20Z"}}"#,
    br#"{"path":"/data","name":"data","recursive":true,"files":[{"path":"/data/a b","name":"a b","content":"x",
        "permissions":"644","size":1,"lastModified":"2026-11-30T10:07:20.761112038Z","owner":"root","group":0}],
        "subdirectories":[{"path":"/data/sub","name":"sub","files":[{"path":"/data/sub/b","name":"b","size":3}],
        "subdirectories":null}]}"#,
    br#"{"path":"/data","files":[{"name":"a","size":1},{"path":"/x/b"}],"subdirectories":[{"name":"c"},{"path":"/d"}]}"#,
    br#"[{"pid":"1","name":"n","command":"c","status":"failed","exitCode":3,"startedAt":"x","completedAt":"y",
        "workingDir":"/","logs":"ab","stdout":"a","stderr":"b","restartOnFailure":true,"maxRestarts":-1,
        "restartCount":2,"keepAlive":true,"stdin":true}]"#,
    br#"{"pid":"1","name":"n","command":"c","status":"completed","exitCode":0,"stdout":"a","stderr":null}"#,
    br#"{"state":"quiesced","since":"2026-11-30T10:07:20Z","readOnlyRoot":true,"stoppedProcesses":2,
        "export":{"state":"succeeded","startedAt":"2026-11-30T10:07:20Z","size":7,"uploaded":7},
        "restore":{"state":"extracting","downloaded":1,"size":2}}"#,
    br#"{"manifest":{"createdAt":"2026-11-30T10:07:20Z","root":"/","version":1,"added":1,"deleted":["/a"]},
        "changes":[{"kind":"added","path":"/a","size":1}],"duration":"1s","size":7,"uploaded":7}"#,
    br#"{"mounts":[{"driveName":"data","mountPath":"/mnt/data","drivePath":"/","readOnly":false,"uidMap":"7",
        "gidMap":""}],"success":true,"message":"m"}"#,
    br#"{"matches":[{"path":"a/b","type":"file","score":7,"line":1,"column":2,"text":"t","context":"c"},
        {"path":".","type":"directory"}],"total":2,"query":"q"}"#,
    br#"{"uploads":[{"uploadId":"u","path":"/a","permissions":384,"initiatedAt":"2026-11-30T10:07:20Z",
        "parts":{"1":{"partNumber":1,"etag":"e","size":1}}}],"uploadId":"u","partNumber":1,"etag":"e","size":1,
        "parts":[{"partNumber":1,"etag":"e","size":1}]}"#,
    br#"{"pid":7,"ports":[{"localPort":80,"localAddr":"::","protocol":"tcp","state":"LISTEN","pid":7,
        "processName":"p"}]}"#,
    br#"{"files":[{"path":"a","content":"c","score":0.5}],"success":true,"message":"m","updatedContent":"u",
        "originalContent":"o","provider":"p","path":"a"}"#,
    br#"{"generation":3,"applied":1,"removed":0,"message":"m","description":"d","documentation":"x",
        "version":"latest","baseUrl":"https://x"}"#,
    b"2026-11-30 7 file\n755\n7\nMon, 30 Nov 2026 10:07:20 GMT\nbytes 0-0/7",
];

/// Answers every request with the input. `HEAD` has its lines as headers.
fn answer(input: &Input) -> impl Fn(&http::Request<blaxel_core::Body>) -> Answer + use<> {
    let input = input.clone();
    move |request| {
        // Directories that list themselves would be walked for long.
        if request.uri().path().matches("%2F").count() > 4 {
            return status(404, &json!({"error": "no such file or directory"}));
        }
        let mut answer = body("application/json", &input);
        let is_download = request.headers().contains_key(http::header::RANGE);
        if request.method() == Method::HEAD || is_download {
            let names = [
                "x-file-type",
                "x-file-mode",
                "content-length",
                "last-modified",
                "content-range",
            ];
            for (name, line) in names
                .into_iter()
                .zip(input.bytes.split(|byte| *byte == b'\n'))
            {
                if let Ok(value) = HeaderValue::from_bytes(line) {
                    answer.headers_mut().insert(name, value);
                }
            }
        }
        answer
    }
}

/// Adds a result.
fn see<T: Debug>(seen: &mut String, result: Result<T, Error>) {
    match result {
        Ok(value) => write!(seen, "\n{value:?}").unwrap(),
        Err(error) => write!(seen, "\n{}", problem(&error)).unwrap(),
    }
}

/// Adds a result that has to be the same after it was written and read.
fn see_again<T>(seen: &mut String, result: Result<T, Error>)
where
    T: Debug + PartialEq + Serialize + DeserializeOwned,
{
    if let Ok(value) = &result {
        let json = serde_json::to_string(value).unwrap();
        let again: T = serde_json::from_str(&json).unwrap();
        assert_eq!(&again, value, "{json}");
    }
    see(seen, result);
}

#[test]
fn states_and_results_do_not_depend_on_the_chunks() {
    let runtime = paused();
    run(&Format::new(TOKENS, SEEDS), |input| {
        let sandbox = sandbox(answer(input));
        let seen = &mut String::new();
        runtime.block_on(async {
            see_again(seen, sandbox.health().await);
            see_again(seen, sandbox.reload_environment().await);
            see_again(seen, sandbox.welcome().await);
            see_again(seen, sandbox.upgrade(&UpgradeOptions::new()).await);
            see_again(seen, sandbox.processes().await);
            let process = sandbox.process("p");
            see_again(seen, process.info().await);
            see_again(seen, process.logs().await);
            see_again(seen, process.ports().await);
            see_again(seen, sandbox.network().ports(7).await);
            let archive = sandbox.archive();
            see_again(seen, archive.status().await);
            see_again(seen, archive.export(&ExportOptions::dry_run()).await);
            let upload = ExportOptions::to("https://store.example/a");
            see_again(seen, archive.start_export(&upload).await);
            let codegen = sandbox.codegen();
            see(seen, codegen.apply_edit("/a", &CodeEdit::new("x")).await);
            see(seen, codegen.rank("/a", &RankOptions::new("x")).await);
            let drives = sandbox.drives();
            see_again(seen, drives.list().await);
            see_again(
                seen,
                drives.mount(&MountOptions::new("data", "/mnt/data")).await,
            );
        });
        std::mem::take(seen)
    });
}

#[test]
fn a_tree_without_end_is_given_up() {
    let wide: Vec<_> = (0..20_000)
        .map(|name| json!({"name": name.to_string()}))
        .collect();
    let wide = json!({"path": "/data", "subdirectories": wide});
    let deep = json!({"path": "/data", "subdirectories": [{"name": "a"}, {"name": "b"}]});
    for (listing, is_deep, problem) in [
        (wide, false, "more than 10000 directories"),
        (deep, true, "deeper than a path"),
    ] {
        let endless = sandbox_up_to(11_000, move |request| {
            match is_deep || request.uri().path().ends_with("data") {
                true => document(&listing),
                false => document(&json!({"path": "/", "subdirectories": []})),
            }
        });
        let error = paused().block_on(async { endless.fs().read_tree("/data").await });
        let error = error.unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
    }
}

#[test]
fn listings_and_searches_do_not_depend_on_the_chunks() {
    let runtime = paused();
    run(&Format::new(TOKENS, SEEDS), |input| {
        let sandbox = sandbox(answer(input));
        let files = sandbox.fs();
        let seen = &mut String::new();
        runtime.block_on(async {
            see(seen, files.working_dir().await);
            see_again(seen, files.metadata("/data/a").await);
            let mut entries = files.read_dir("/data");
            while let Some(entry) = entries.try_next().await.transpose() {
                see_again(seen, entry);
            }
            see(seen, files.read_tree("/data").max_files(100).await);
            see_again(seen, files.find("/data").await);
            see_again(seen, files.grep("/data", "x").await);
            see_again(seen, files.search("/data", "x").await);
            let uploads = files.uploads();
            see_again(seen, uploads.list().await);
            see(seen, uploads.begin("/data/a", None).await);
            see_again(seen, uploads.parts("u").await);
            see_again(seen, uploads.send_part("u", 1, "x").await);
            see(
                seen,
                files
                    .read_stream("/data/a")
                    .range(1..9)
                    .await
                    .map(|it| it.len()),
            );
        });
        std::mem::take(seen)
    });
}
