//! The request of each call, and what its response becomes.

use std::io::ErrorKind;
use std::time::Duration;

use blaxel_core::{Body, Error};
use blaxel_sandbox::files::{FileError, FileType, Files};
use http::Response;
use serde_json::json;

use super::fake::{Fake, Seen, refuse, reply, scripted};

/// Runs a call against a response, and returns its outcome and the requests.
macro_rules! call {
    ($response:expr, |$files:ident| $call:expr) => {{
        let ($files, journal) = scripted(move |_| $response);
        let outcome = $call.await;
        let seen: Vec<Seen> = journal.lock().unwrap().clone();
        (outcome, seen)
    }};
}

fn lines(seen: &[Seen]) -> Vec<String> {
    seen.iter().map(Seen::line).collect()
}

fn ok() -> Response<Body> {
    reply(200, &json!({"message": "done"}))
}

fn file(content: &'static str) -> Response<Body> {
    Response::builder()
        .header("content-disposition", "attachment")
        .header("content-length", content.len())
        .body(Body::from(content))
        .unwrap()
}

const CODE_SEARCH: &str = "excludeDirs=node_modules%2Cvendor%2C.git%2Cdist%2Cbuild%2Ctarget%2C__pycache__%2C.venv%2C\
                           .next%2Ccoverage";

#[tokio::test]
async fn files_are_read_as_bytes() {
    let (outcome, seen) = call!(file("x = 1"), |files| files.read("/app/a b.toml"));
    assert_eq!(outcome.unwrap(), "x = 1");
    assert_eq!(lines(&seen), ["GET /filesystem/%2Fapp%2Fa%20b.toml"]);
    assert_eq!(seen[0].header("accept"), Some("application/octet-stream"));
    assert_eq!(seen[0].header("accept-encoding"), Some("identity"));
    assert_eq!(seen[0].header("cache-control"), Some("no-transform"));
    let (outcome, _) = call!(file("x = 1"), |files| files.read_to_string("a.toml"));
    assert_eq!(outcome.unwrap(), "x = 1");
    let latin1 = || {
        let response = Response::builder().header("content-disposition", "attachment");
        response.body(Body::from(b"caf\xe9".to_vec())).unwrap()
    };
    let (outcome, _) = call!(latin1(), |files| files.read_to_string("a.toml"));
    assert!(outcome.unwrap_err().is_decode());
}

#[tokio::test]
async fn a_directory_is_no_file() {
    let listing = || {
        reply(
            200,
            &json!({"path": "/a", "files": [], "subdirectories": []}),
        )
    };
    let (outcome, _) = call!(listing(), |files| files.read("/a"));
    let error = outcome.unwrap_err();
    assert_eq!(
        FileError::of(&error).unwrap().kind(),
        ErrorKind::IsADirectory,
        "{error}"
    );
    let (outcome, _) = call!(listing(), |files| files.metadata("/a"));
    assert!(outcome.unwrap().is_dir());
    // A JSON file is sent as an attachment.
    let (outcome, _) = call!(file("{}"), |files| files.read("/a.json"));
    assert_eq!(outcome.unwrap(), "{}");
}

#[tokio::test]
async fn files_of_the_kernel_are_read_as_text() {
    let respond = |seen: &Seen| match seen.header("accept") {
        None => Response::new(Body::empty()),
        Some("application/json") => reply(
            200,
            &json!({"path": "/proc/version", "size": 0, "content": "Linux\n"}),
        ),
        _ => Response::builder()
            .status(500)
            .body(Body::from("seeker can't seek\n"))
            .unwrap(),
    };
    let (files, _) = scripted(respond);
    assert_eq!(
        files.read_to_string("/proc/version").await.unwrap(),
        "Linux\n"
    );
    assert_eq!(files.metadata("/proc/version").await.unwrap().len, None);
    let lossy = |seen: &Seen| match seen.header("accept") {
        Some("application/json") => reply(200, &json!({"content": "a\u{fffd}"})),
        _ => Response::builder()
            .status(500)
            .body(Body::from("seeker can't seek\n"))
            .unwrap(),
    };
    let error = scripted(lossy).0.read("/proc/x").await.unwrap_err();
    assert!(error.to_string().contains("seek"), "{error}");
}

#[tokio::test]
async fn files_are_written_as_a_form() {
    let (outcome, seen) = call!(ok(), |files| files
        .write("/app/run.sh", "exec node")
        .mode(0o755));
    assert_eq!(outcome.unwrap(), 9);
    assert_eq!(lines(&seen), ["PUT /filesystem/%2Fapp%2Frun.sh"]);
    let field = |name: &str, content: &str| (name.to_owned(), content.as_bytes().to_vec());
    assert_eq!(
        seen[0].form(),
        [field("permissions", "0755"), field("file", "exec node")]
    );
    let (outcome, seen) = call!(ok(), |files| files.write("src/empty", ""));
    assert_eq!(outcome.unwrap(), 0);
    assert_eq!(lines(&seen), ["PUT /filesystem/src/empty"]);
    assert_eq!(seen[0].form(), [field("file", "")]);
}

#[tokio::test]
async fn directories_are_created_and_removed() {
    let (outcome, seen) = call!(ok(), |files| files.create_dir_all("/a/b"));
    outcome.unwrap();
    assert_eq!(lines(&seen), ["PUT /filesystem/%2Fa%2Fb"]);
    assert_eq!(seen[0].json(), json!({"isDirectory": true}));
    for (call, line) in [
        (
            call!(ok(), |files| files.remove_file("/a")),
            "DELETE /filesystem/%2Fa",
        ),
        (
            call!(ok(), |files| files.remove_dir_all("a/b")),
            "DELETE /filesystem/a/b?recursive=true",
        ),
        (
            call!(ok(), |files| files.remove_dir("/tree/b c")),
            "DELETE /filesystem/tree/tree/b%20c",
        ),
    ] {
        call.0.unwrap();
        assert_eq!(lines(&call.1), [line]);
    }
    for root in ["/", "//a/..", "/.."] {
        let (outcome, seen) = call!(ok(), |files| files.remove_dir_all(root));
        assert!(outcome.unwrap_err().is_input() && seen.is_empty());
    }
}

#[tokio::test]
async fn a_directory_is_listed_level_by_level() {
    let respond = |seen: &Seen| match seen.target.as_str() {
        "/filesystem/%2Fa" => reply(
            200,
            &json!({
                "path": "/a", "name": "a",
                "files": [{"path": "/a/f", "name": "f", "permissions": "644", "size": 1}],
                "subdirectories": [{"path": "/a/b", "name": "b"}, {"path": "/a/gone", "name": "gone"}],
            }),
        ),
        "/filesystem/%2Fa%2Fb" => reply(
            200,
            &json!({
                "files": [{"name": "tree%2F", "permissions": "1000000777", "size": 1}], "subdirectories": null,
            }),
        ),
        _ => refuse(404, "no such file or directory"),
    };
    let (files, journal) = scripted(respond);
    let mut flat = files.read_dir("/a");
    let mut names = Vec::new();
    while let Some(entry) = flat.try_next().await.unwrap() {
        names.push(entry.path);
    }
    assert_eq!(names, ["/a/b", "/a/gone", "/a/f"]);
    let mut deep = files.read_dir("/a/").recursive(true);
    let mut names = Vec::new();
    while let Some(entry) = deep.try_next().await.unwrap() {
        names.push((entry.path, entry.file_type));
    }
    let entry = |path: &str, file_type| (path.to_owned(), file_type);
    assert_eq!(
        names,
        [
            entry("/a/b", FileType::Directory),
            entry("/a/gone", FileType::Directory),
            entry("/a/f", FileType::File),
            entry("/a/b/tree%2F", FileType::Symlink),
        ]
    );
    assert_eq!(journal.lock().unwrap().len(), 4);
    let missing = files.read_dir("/nope").try_next().await.unwrap_err();
    assert!(
        missing.is_not_found() && missing.to_string().contains("/nope"),
        "{missing}"
    );
    let (outcome, _) = call!(reply(200, &json!({"content": "x"})), |files| async {
        files.read_dir("/f").try_next().await
    });
    assert_eq!(
        FileError::of(&outcome.unwrap_err()).unwrap().kind(),
        ErrorKind::NotADirectory
    );
}

#[tokio::test]
async fn metadata_comes_from_the_headers_of_newer_servers() {
    let newer = || {
        Response::builder()
            .header("x-file-type", "file")
            .header("x-file-mode", "0755")
            .header("content-length", "12")
            .header("last-modified", "Mon, 30 Nov 2026 10:07:20 GMT")
            .body(Body::empty())
            .unwrap()
    };
    let (outcome, seen) = call!(newer(), |files| files.metadata("/a"));
    let metadata = outcome.unwrap();
    assert_eq!(lines(&seen), ["HEAD /filesystem/%2Fa"]);
    assert!(metadata.is_file());
    assert_eq!((metadata.len, metadata.mode), (Some(12), Some(0o755)));
    assert_eq!(metadata.modified.unwrap().as_str(), "2026-11-30T10:07:20Z");
}

#[tokio::test]
async fn metadata_of_older_servers_comes_from_the_first_byte() {
    let fake = Fake::new();
    fake.state()
        .files
        .insert("/a".to_owned(), b"hello".to_vec());
    let files = fake.files();
    let metadata = files.metadata("/a").await.unwrap();
    assert_eq!(
        (metadata.len, metadata.mode, metadata.file_type),
        (Some(5), None, FileType::File)
    );
    assert_eq!(fake.state().seen[1].header("range"), Some("bytes=0-0"));
    assert!(files.exists("/a").await.unwrap());
    assert!(!files.exists("/b").await.unwrap());
    let gone = |_: &Seen| {
        let response = Response::builder()
            .status(404)
            .header("x-blaxel-source", "platform");
        response
            .body(Body::from(r#"{"error":{"code":"WORKLOAD_NOT_FOUND"}}"#))
            .unwrap()
    };
    let error = scripted(gone).0.exists("/a").await.unwrap_err();
    assert!(
        error.is_not_found() && FileError::of(&error).is_none(),
        "{error}"
    );
}

#[tokio::test]
async fn paths_that_need_the_working_directory_ask_for_it_once() {
    let fake = Fake::new();
    let files = fake.files();
    files.write("treehouse.txt", "x").await.unwrap();
    files.clone().write("../up", "y").await.unwrap();
    assert_eq!(files.working_dir().await.unwrap(), "/work");
    let state = fake.state();
    assert_eq!(
        lines(&state.seen),
        [
            "GET /filesystem/",
            "PUT /filesystem/%2Fwork%2Ftreehouse.txt",
            "PUT /filesystem/%2Fup"
        ]
    );
}

#[tokio::test]
async fn found_files_have_usable_paths() {
    let found = || {
        reply(
            200,
            &json!({"matches": [{"path": "src/a.rs", "type": "file"}], "total": 1}),
        )
    };
    let (outcome, seen) = call!(found(), |files| files
        .find("/app")
        .patterns(["*.rs", "*.toml"]));
    let outcome = outcome.unwrap();
    assert_eq!(outcome[0].path, "/app/src/a.rs");
    assert_eq!(
        lines(&seen),
        [format!(
            "GET /filesystem-find/%2Fapp?type=file&patterns=%2A.rs%2C%2A.toml&maxResults=0&{CODE_SEARCH}&\
             excludeHidden=true"
        )]
    );
    let (_, seen) = call!(found(), |files| {
        files
            .find("x/y")
            .directories()
            .limit(7)
            .exclude_dirs::<String>([])
            .hidden(true)
    });
    assert_eq!(
        lines(&seen),
        [
            "GET /filesystem-find/x/y?type=directory&maxResults=7&excludeDirs=%2C&excludeHidden=false"
        ]
    );
    let (outcome, seen) = call!(ok(), |files| files.find("/a").patterns(["a,b"]));
    assert!(outcome.unwrap_err().is_input() && seen.is_empty());
}

#[tokio::test]
async fn a_directory_that_is_skipped_by_default_can_be_searched() {
    let found = || {
        reply(
            200,
            &json!({"matches": [
                {"path": ".", "type": "directory"}, {"path": "a", "type": "file"}, {"path": ".x/b", "type": "file"},
            ]}),
        )
    };
    let (_, seen) = call!(found(), |files| files.find("/app/dist"));
    assert!(!seen[0].target.contains("dist%2C"), "{}", seen[0].target);
    let (outcome, seen) = call!(found(), |files| files.find("/srv/.config").limit(1));
    let paths: Vec<_> = outcome
        .unwrap()
        .into_iter()
        .map(|found| found.path)
        .collect();
    assert_eq!(paths, ["/srv/.config/a"]);
    assert!(
        seen[0].target.contains("maxResults=0") && seen[0].target.contains("excludeHidden=false")
    );
}

#[tokio::test]
async fn lines_are_searched_with_the_largest_limit() {
    let found = || {
        reply(
            200,
            &json!({"query": "x", "matches": [
                {"path": "a.rs", "line": 3, "column": 5, "text": "let x = 1;"},
                {"path": "b.rs", "line": 1, "text": "x"},
            ]}),
        )
    };
    let (outcome, seen) = call!(found(), |files| files
        .grep("/app", "x y")
        .file_pattern("*.rs")
        .limit(1));
    let outcome = outcome.unwrap();
    assert_eq!(outcome.len(), 1);
    assert_eq!(
        (outcome[0].path.as_str(), outcome[0].line, outcome[0].column),
        ("/app/a.rs", 3, 5)
    );
    assert_eq!(
        lines(&seen),
        [format!(
            "GET /filesystem-content-search/%2Fapp?query=x%20y&caseSensitive=true&maxResults=1000&\
             filePattern=%2A.rs&{CODE_SEARCH}"
        )]
    );
    let none = || reply(200, &json!({"query": "x", "matches": null, "total": 0}));
    let (outcome, seen) = call!(none(), |files| files
        .grep("src", "x")
        .ignore_case(true)
        .context(2));
    assert!(outcome.unwrap().is_empty());
    assert!(
        seen[0].target.contains("caseSensitive=false")
            && seen[0].target.ends_with("&contextLines=2")
    );
    let (outcome, _) = call!(none(), |files| files.grep("src", ""));
    assert!(outcome.unwrap_err().is_input());
}

#[tokio::test(start_paused = true)]
async fn a_search_that_hangs_ends_after_its_time_limit() {
    let service = tower::service_fn(|_: http::Request<Body>| {
        std::future::pending::<Result<Response<Body>, Error>>()
    });
    let files = blaxel_sandbox::Sandboxes::new(service)
        .join(&blaxel_sandbox::SandboxRef::new("dev"))
        .fs();
    let start = tokio::time::Instant::now();
    let error = files
        .grep("/", "x")
        .timeout(Duration::from_secs(5))
        .await
        .unwrap_err();
    assert!(
        error.is_timeout() && error.to_string().contains("1100 lines"),
        "{error}"
    );
    assert_eq!(start.elapsed(), Duration::from_secs(5));
}

#[tokio::test]
async fn a_fuzzy_search_is_refused_if_the_server_ignores_the_text() {
    let matches = |path: &str| {
        reply(
            200,
            &json!({"matches": [{"path": path, "score": 42, "type": "file"}]}),
        )
    };
    let newer = move |seen: &Seen| match seen.target.contains("none") {
        true => reply(200, &json!({"matches": []})),
        false => matches("src/main.rs"),
    };
    let (files, journal) = scripted(newer);
    let found = files.search("/app", "mainrs").limit(5).await.unwrap();
    assert_eq!(
        (found[0].path.as_str(), found[0].score),
        ("/app/src/main.rs", 42)
    );
    assert_eq!(
        lines(&journal.lock().unwrap()),
        [format!(
            "GET /filesystem-search/%2Fapp?query=mainrs&maxResults=5&{CODE_SEARCH}&excludeHidden=true"
        )]
    );
    assert!(files.search("/app", "none").await.unwrap().is_empty());
    for (path, found) in [("x/y", "other.txt"), ("/app", "")] {
        let older = move |seen: &Seen| match seen.target.starts_with("/filesystem-search/?") {
            true => refuse(400, "query parameter is required in path"),
            false if found.is_empty() => reply(200, &json!({"matches": []})),
            false => matches(found),
        };
        let error = scripted(older).0.search(path, "mainrs").await.unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains("too old"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn trees_are_written_in_few_requests() {
    let (outcome, seen) = call!(ok(), |files| {
        files.write_tree("/app/tree", [("a.txt", "A"), ("b/./c?.txt", "C")])
    });
    outcome.unwrap();
    assert_eq!(lines(&seen), ["PUT /filesystem/tree/app/tree"]);
    assert_eq!(
        seen[0].json(),
        json!({"files": {"a.txt": "A", "b/c?.txt": "C"}})
    );
    let large = "x".repeat(3 * 1024 * 1024);
    let (outcome, seen) = call!(ok(), |files| {
        files.write_tree("/", [("a", large.clone()), ("b", large.clone())])
    });
    outcome.unwrap();
    assert_eq!(
        lines(&seen),
        ["PUT /filesystem/tree/%2F", "PUT /filesystem/tree/%2F"]
    );
    let (outcome, seen) = call!(ok(), |files| {
        files.write_tree(
            "/t",
            [("text", b"x".to_vec()), ("binary", vec![0xff, 0x00])],
        )
    });
    outcome.unwrap();
    assert_eq!(
        lines(&seen),
        ["PUT /filesystem/tree/t", "PUT /filesystem/%2Ft%2Fbinary"]
    );
    let (outcome, seen) = call!(ok(), |files| files
        .write_tree("/t", Vec::<(String, String)>::new()));
    outcome.unwrap();
    assert_eq!(seen[0].json(), json!({"files": {}}));
    let (outcome, seen) = call!(ok(), |files| files
        .write_tree("/t", [("ok", "x"), ("../up", "x")]));
    assert!(outcome.unwrap_err().is_input() && seen.is_empty());
}

#[tokio::test]
async fn trees_are_read_at_once_from_newer_servers() {
    let respond = |seen: &Seen| match seen.target.starts_with("/filesystem/tree/") {
        true => reply(
            200,
            &json!({
                "path": "/t", "recursive": true,
                "files": [
                    {"name": "a", "permissions": "644", "size": 1, "content": "A"},
                    {"name": "binary", "permissions": "644", "size": 2, "content": "\u{fffd}x"},
                    {"name": "link", "permissions": "1000000777", "size": 2},
                    {"path": "/t/d/flat", "name": "flat", "permissions": "644", "size": 1, "content": "F"},
                    {"path": "/t/../up", "name": "up", "permissions": "644", "size": 1, "content": "U"},
                ],
                "subdirectories": [{"path": "/t/d", "name": "d", "subdirectories": [], "files": [
                    {"name": "b", "permissions": "644", "size": 1, "content": "B"},
                ]}],
            }),
        ),
        false => file("\u{1}x"),
    };
    let (files, journal) = scripted(respond);
    let tree = files
        .read_tree("/t")
        .patterns(["*"])
        .exclude_dirs(["x"])
        .hidden(false)
        .await
        .unwrap();
    let names: Vec<_> = tree.keys().map(String::as_str).collect();
    assert_eq!(names, ["a", "binary", "d/b", "d/flat", "up"]);
    assert_eq!(tree["binary"], "\u{1}x");
    assert_eq!(
        lines(&journal.lock().unwrap()),
        [
            "GET /filesystem/tree/t?recursive=true&content=true&patterns=%2A&excludeDirs=x&excludeHidden=true&\
             maxFiles=10000&maxBytes=33554432",
            "GET /filesystem/%2Ft%2Fbinary"
        ]
    );
    let error = files.read_tree("/t").max_bytes(1).await.unwrap_err();
    assert!(error.is_decode(), "{error}");
    assert!(
        files
            .read_tree("/t")
            .max_files(0)
            .await
            .unwrap_err()
            .is_input()
    );
}

#[tokio::test]
async fn trees_are_read_file_by_file_from_older_servers() {
    fn respond(seen: &Seen) -> Response<Body> {
        match seen.target.split('?').next().unwrap() {
            "/filesystem/tree/t" | "/filesystem/%2Ft" => reply(
                200,
                &json!({
                    "files": [{"name": "a.rs", "permissions": "644", "size": 1}, {"name": ".h.rs", "size": 1}],
                    "subdirectories": [{"name": "d"}, {"name": "skip"}],
                }),
            ),
            "/filesystem/%2Ft%2Fd" => reply(
                200,
                &json!({
                    "files": [{"name": "b.rs", "size": 1}, {"name": "c.txt", "size": 1}], "subdirectories": [],
                }),
            ),
            _ => file("x"),
        }
    }
    let (files, _) = scripted(respond);
    let wanted = |files: &Files<_>| {
        files
            .read_tree("/t")
            .patterns(["*.rs"])
            .exclude_dirs(["skip"])
            .hidden(false)
    };
    let tree = wanted(&files).await.unwrap();
    assert_eq!(
        tree.keys().map(String::as_str).collect::<Vec<_>>(),
        ["a.rs", "d/b.rs"]
    );
    assert!(wanted(&files).max_files(1).await.unwrap_err().is_decode());
    let missing = |seen: &Seen| match seen.target.starts_with("/filesystem/tree/") {
        true => refuse(400, "path is not a directory"),
        false => refuse(404, "no such file or directory"),
    };
    assert!(
        scripted(missing)
            .0
            .read_tree("/t")
            .await
            .unwrap_err()
            .is_not_found()
    );
}

#[tokio::test]
async fn uploads_are_controlled_step_by_step() {
    let (outcome, seen) = call!(
        reply(200, &json!({"uploadId": "u/1", "path": "/a"})),
        |files| async { files.uploads().begin("/a", Some(0o600)).await }
    );
    assert_eq!(outcome.unwrap(), "u/1");
    assert_eq!(lines(&seen), ["POST /filesystem-multipart/initiate/%2Fa"]);
    assert_eq!(seen[0].json(), json!({"permissions": "0600"}));
    let part = json!({"partNumber": 2, "etag": "e", "size": 3});
    let (outcome, seen) = call!(reply(200, &part), |files| async {
        files.uploads().send_part("u/1", 2, "abc").await
    });
    let part = outcome.unwrap();
    assert_eq!(
        (part.part_number, part.etag.as_str(), part.size),
        (2, "e", 3)
    );
    assert_eq!(
        lines(&seen),
        ["PUT /filesystem-multipart/u%2F1/part?partNumber=2"]
    );
    let (outcome, seen) = call!(ok(), |files| async {
        files
            .uploads()
            .complete("u/1", std::slice::from_ref(&part))
            .await
    });
    outcome.unwrap();
    assert_eq!(lines(&seen), ["POST /filesystem-multipart/u%2F1/complete"]);
    assert_eq!(
        seen[0].json(),
        json!({"parts": [{"partNumber": 2, "etag": "e"}]})
    );
    let (outcome, seen) = call!(ok(), |files| async { files.uploads().abort("u/1").await });
    outcome.unwrap();
    assert_eq!(lines(&seen), ["DELETE /filesystem-multipart/u%2F1/abort"]);
    let parts = || {
        reply(
            200,
            &json!({"uploadId": "u/1", "parts": [{"partNumber": 1, "etag": "e", "size": 1, "uploadedAt": "2026-11-30T10:28:53Z"}]}),
        )
    };
    let (outcome, seen) = call!(parts(), |files| async {
        files.uploads().parts("u/1").await
    });
    assert_eq!(
        outcome.unwrap()[0].uploaded_at.as_ref().unwrap().as_str(),
        "2026-11-30T10:28:53Z"
    );
    assert_eq!(lines(&seen), ["GET /filesystem-multipart/u%2F1/parts"]);
    let list = || {
        reply(
            200,
            &json!({"uploads": [{
                "uploadId": "u/1", "path": "/a", "permissions": 420, "initiatedAt": null,
                "parts": {"1": {"partNumber": 1, "etag": "e", "size": 1}},
            }]}),
        )
    };
    let (outcome, seen) = call!(list(), |files| async { files.uploads().list().await });
    let uploads = outcome.unwrap();
    assert_eq!(
        (
            uploads[0].id.as_str(),
            uploads[0].mode,
            uploads[0].parts[&1].size
        ),
        ("u/1", Some(0o644), 1)
    );
    assert_eq!(lines(&seen), ["GET /filesystem-multipart"]);
    let (outcome, _) = call!(reply(200, &json!({"uploads": null})), |files| async {
        files.uploads().list().await
    });
    assert!(outcome.unwrap().is_empty());
    let (outcome, _) = call!(ok(), |files| async {
        files.uploads().send_part("u", 0, "").await
    });
    assert!(outcome.unwrap_err().is_input());
}

#[tokio::test]
async fn errors_name_the_file_and_the_reason() {
    let denied = || {
        refuse(
            422,
            "error writing binary file: open /srv/x: permission denied",
        )
    };
    let (outcome, _) = call!(denied(), |files| files.write("/srv/x", "x"));
    let error = outcome.unwrap_err();
    let file = FileError::of(&error).unwrap();
    assert_eq!(
        (file.kind(), file.path()),
        (ErrorKind::PermissionDenied, "/srv/x")
    );
    let (outcome, _) = call!(refuse(404, "file or directory not found"), |files| files
        .remove_file("/gone"));
    let error = outcome.unwrap_err();
    assert!(
        error.is_not_found() && error.to_string().contains("`/gone`"),
        "{error}"
    );
}
