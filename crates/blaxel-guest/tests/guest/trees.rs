//! Directories as trees.

use serde_json::json;

use crate::support::{Sandbox, each};

#[tokio::test]
async fn trees_are_written_listed_and_deleted() {
    for sandbox in Sandbox::both() {
        let body = json!({"files": {"a": "1", "deep/er/b": "2", "../escaped": "3"}}).to_string();
        let answer = sandbox.call("PUT /filesystem/tree//app//", body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let listed = answer.json();
        assert_eq!(listed["path"], "/app/");
        assert_eq!(each(&listed["files"], "path"), ["/app/a"]);
        assert_eq!(each(&listed["subdirectories"], "path"), ["/app/deep"]);
        assert_eq!(sandbox.content("/app/deep/er/b"), "2");
        assert_eq!(sandbox.content("/escaped"), "3");
        let not_empty = "error deleting directory: remove /app: directory not empty";
        for (path, status, message) in [
            ("app", 422, not_empty),
            (
                "escaped",
                422,
                "error deleting directory: path points to a file, not a directory",
            ),
            (
                "nope?recursive=true",
                422,
                "error deleting directory: stat /nope: no such file or directory",
            ),
            ("app?recursive=true", 200, ""),
        ] {
            let answer = sandbox
                .call(&format!("DELETE /filesystem/tree/{path}"), "")
                .await;
            assert_eq!(answer.status, status, "{path}");
            if status != 200 {
                assert_eq!(answer.error(), message);
            }
        }
        assert!(sandbox.files().metadata("/app").is_err());
        assert_eq!(sandbox.get("/filesystem/tree/app").await.status, 400);
    }
}

#[tokio::test]
async fn a_tree_fails_at_the_first_file_that_cannot_be_written() {
    let sandbox = Sandbox::new();
    sandbox.put_files(&[("/app/m", "file")]);
    let body = json!({"files": {"a": "1", "m/x": "2", "z": "3"}}).to_string();
    let answer = sandbox.call("PUT /filesystem/tree/app", body).await;
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.error(),
        "error creating parent directory: mkdir /app/m: not a directory"
    );
    assert_eq!(sandbox.content("/app/a"), "1");
    assert!(sandbox.files().metadata("/app/z").is_err());
    let answer = sandbox.call("PUT /filesystem/tree/app/m/x", "{}").await;
    assert_eq!(answer.error(), "stat /app/m/x: not a directory");
    let answer = sandbox.call("PUT /filesystem/tree/app/m", "{}").await;
    assert_eq!(
        answer.error(),
        "error creating root directory: mkdir /app/m: not a directory"
    );
}

fn filled(sandbox: Sandbox) -> Sandbox {
    sandbox.put_files(&[
        ("/app/a.rs", "aa"),
        ("/app/src/b.rs", "bbb"),
        ("/app/src/c.txt", "cccc"),
        ("/app/target/d.rs", "d"),
        ("/app/.hidden/e.rs", "e"),
    ]);
    sandbox
}

#[tokio::test]
async fn the_current_server_reads_all_levels() {
    let sandbox = filled(Sandbox::new());
    for (query, files, directories) in [
        (
            "",
            &["/app/a.rs", "/app/src/b.rs", "/app/src/c.txt"][..],
            &["/app/src"][..],
        ),
        (
            "&patterns=*.rs",
            &["/app/a.rs", "/app/src/b.rs"],
            &["/app/src"],
        ),
        (
            "&excludeDirs=src",
            &["/app/a.rs", "/app/target/d.rs"],
            &["/app/target"],
        ),
        (
            "&excludeHidden=false&patterns=e.rs",
            &["/app/.hidden/e.rs"],
            &["/app/.hidden", "/app/src"],
        ),
    ] {
        let tree = sandbox
            .get(&format!("/filesystem/tree/app?recursive=true{query}"))
            .await
            .json();
        assert_eq!(tree["recursive"], true);
        assert_eq!(each(&tree["files"], "path"), files, "{query}");
        assert_eq!(
            each(&tree["subdirectories"], "path"),
            directories,
            "{query}"
        );
        assert!(tree["files"][0].get("content").is_none());
    }
    let tree = sandbox
        .get("/filesystem/tree/app?recursive=true&content=true")
        .await
        .json();
    assert_eq!(each(&tree["files"], "content"), ["aa", "bbb", "cccc"]);
    for (query, status) in [
        ("maxFiles=3", 200),
        ("maxFiles=2", 422),
        ("maxFiles=0", 400),
        ("maxFiles=100001", 400),
        ("content=true&maxBytes=9", 200),
        ("content=true&maxBytes=8", 422),
        ("maxBytes=1", 200),
    ] {
        let answer = sandbox
            .get(&format!("/filesystem/tree/app?recursive=true&{query}"))
            .await;
        assert_eq!(answer.status, status, "{query}");
    }
}

#[tokio::test]
async fn the_old_server_lists_one_level() {
    let sandbox = filled(Sandbox::august());
    let tree = sandbox
        .get("/filesystem/tree/app?recursive=true&content=true")
        .await
        .json();
    assert_eq!(each(&tree["files"], "path"), ["/app/a.rs"]);
    assert!(tree.get("recursive").is_none());
}
