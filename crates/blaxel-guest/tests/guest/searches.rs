//! Find, fuzzy search, and search in contents.

use std::time::Duration;

use crate::support::{Sandbox, each};

fn filled(sandbox: Sandbox) -> Sandbox {
    sandbox.put_files(&[
        ("/blaxel/.hid/h", ""),
        ("/blaxel/node_modules/n", "Needle"),
        ("/blaxel/sub/a.txt", "hi"),
        ("/blaxel/sub/m.md", "x\nNeedle y\nz"),
        ("/blaxel/sub/n.txt", "a needle b"),
        ("/blaxel/top", ""),
    ]);
    sandbox
}

#[tokio::test]
async fn find_lists_files_or_directories_by_name() {
    let sandbox = filled(Sandbox::new());
    sandbox.put_files(&[("/x/target/f", ""), ("/x/.config/f", "")]);
    sandbox.files().symlink("sub", "/blaxel/link").unwrap();
    for (path, expected) in [
        (
            "",
            &["link", "sub/a.txt", "sub/m.md", "sub/n.txt", "top"][..],
        ),
        ("?type=directory", &[".", "sub"]),
        ("?type=directory&patterns=nothing", &[".", "sub"]),
        ("?patterns=*.txt", &["sub/a.txt", "sub/n.txt"]),
        (
            "?patterns=*.txt,%20m*",
            &["sub/a.txt", "sub/m.md", "sub/n.txt"],
        ),
        ("?maxResults=1", &["link"]),
        ("?excludeDirs=sub", &["link", "node_modules/n", "top"]),
        (
            "?excludeDirs=,&excludeHidden=false&patterns=n,h",
            &[".hid/h", "node_modules/n"],
        ),
        ("sub/a.txt", &["."]),
        // The rules for names hold for the start too.
        ("/x/target", &[]),
        ("/x/.config", &[]),
        ("/x/.config?excludeHidden=false", &["f"]),
    ] {
        let found = sandbox
            .get(&format!("/filesystem-find/{path}"))
            .await
            .json();
        assert_eq!(each(&found["matches"], "path"), expected, "{path}");
        assert_eq!(found["total"], expected.len(), "{path}");
    }
    for (path, status, message) in [
        ("?maxResults=-1", 400, "invalid maxResults: -1"),
        ("?type=x", 400, "invalid search type: x"),
        (
            "~",
            500,
            "error walking directory: lstat /blaxel/~: no such file or directory",
        ),
    ] {
        let answer = sandbox.get(&format!("/filesystem-find/{path}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error().as_str()),
            (status, message)
        );
    }
}

#[tokio::test]
async fn find_returns_20_results_unless_asked_for_more() {
    let sandbox = Sandbox::new();
    let names: Vec<String> = (0..1200)
        .map(|number| format!("/many/{number:04}"))
        .collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
    sandbox.put_files(&files);
    for (query, count) in [
        ("", 20),
        ("?maxResults=0", 1200),
        ("?maxResults=5000", 1000),
    ] {
        let found = sandbox
            .get(&format!("/filesystem-find//many{query}"))
            .await
            .json();
        assert_eq!(found["total"], count, "{query}");
    }
}

#[tokio::test]
async fn fuzzy_search_takes_the_query_or_on_the_old_server_the_path() {
    let sandbox = filled(Sandbox::new());
    let found = sandbox.get("/filesystem-search/?query=SUB").await.json();
    assert_eq!(
        each(&found["matches"], "path"),
        ["sub", "sub/a.txt", "sub/m.md", "sub/n.txt"]
    );
    assert_eq!(
        each(&found["matches"], "type"),
        ["directory", "file", "file", "file"]
    );
    assert_eq!(found["matches"][0]["score"], 56);
    let found = sandbox
        .get("/filesystem-search/?query=st&maxResults=1")
        .await
        .json();
    assert_eq!(each(&found["matches"], "path"), ["sub/a.txt"]);
    assert_eq!(sandbox.get("/filesystem-search/").await.status, 400);

    let august = filled(Sandbox::august());
    august.put_files(&[("/blaxel/fz/fz/x", "")]);
    let answer = august.get("/filesystem-search/?query=sub").await;
    assert_eq!(
        (answer.status.as_u16(), answer.error().as_str()),
        (400, "query parameter is required in path")
    );
    let found = august.get("/filesystem-search/sub").await.json();
    assert_eq!(found, serde_json::json!({"matches": [], "total": 0}));
    let found = august.get("/filesystem-search/fz").await.json();
    assert_eq!(each(&found["matches"], "path"), ["fz", "fz/x"]);
}

#[tokio::test]
async fn content_search_is_a_plain_search_for_text() {
    for sandbox in Sandbox::both().map(filled) {
        let found = sandbox
            .get("/filesystem-content-search/?query=needle")
            .await
            .json();
        let expected = serde_json::json!({"query": "needle", "total": 2, "matches": [
            {"path": "sub/m.md", "line": 2, "column": 1, "text": "Needle y"},
            {"path": "sub/n.txt", "line": 1, "column": 3, "text": "a needle b"},
        ]});
        assert_eq!(found, expected);
        for (path, expected) in [
            ("?query=needle&caseSensitive=true", &["sub/n.txt"][..]),
            ("?query=needle&filePattern=*.md", &["sub/m.md"]),
            ("?query=needle&maxResults=1", &["sub/m.md"]),
            ("?query=needle&excludeDirs=sub", &["node_modules/n"]),
            ("sub?query=needle", &["m.md", "n.txt"]),
        ] {
            let found = sandbox
                .get(&format!("/filesystem-content-search/{path}"))
                .await
                .json();
            assert_eq!(each(&found["matches"], "path"), expected, "{path}");
        }
        let nothing = sandbox
            .get("/filesystem-content-search/?query=n.edle")
            .await
            .json();
        assert_eq!(
            nothing,
            serde_json::json!({"query": "n.edle", "matches": null, "total": 0})
        );
        for (path, message) in [
            ("", "query parameter is required"),
            ("nope?query=x", "specified directory does not exist: nope"),
            ("top?query=x", "specified directory does not exist: top"),
            ("?query=x&maxResults=x", "invalid maxResults: x"),
        ] {
            let answer = sandbox
                .get(&format!("/filesystem-content-search/{path}"))
                .await;
            assert_eq!(
                (answer.status.as_u16(), answer.error().as_str()),
                (400, message)
            );
        }
    }
}

#[tokio::test]
async fn content_search_returns_lines_around_matches_on_the_current_server() {
    let [august, current] = Sandbox::both().map(filled);
    let path = "/filesystem-content-search/?query=needle&filePattern=m.md&contextLines=1";
    assert!(
        august.get(path).await.json()["matches"][0]
            .get("context")
            .is_none()
    );
    assert_eq!(
        current.get(path).await.json()["matches"][0]["context"],
        "x\nNeedle y\nz"
    );
    let answer = current
        .get("/filesystem-content-search/?query=x&contextLines=21")
        .await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn content_search_for_all_matches_depends_on_the_version() {
    let lines = "needle\n".repeat(300);
    let path = "/filesystem-content-search//logs?query=needle";
    for (sandbox, all) in Sandbox::both().into_iter().zip([1, 300]) {
        sandbox.put_files(&[("/logs/a", &lines)]);
        assert_eq!(sandbox.get(path).await.json()["total"], 100);
        assert_eq!(
            sandbox.get(&format!("{path}&maxResults=0")).await.json()["total"],
            all
        );
    }
}

#[tokio::test(start_paused = true)]
async fn content_search_of_the_old_server_hangs_on_request() {
    let sandbox = Sandbox::with(|builder| {
        builder
            .version(blaxel_guest::ServerVersion::August)
            .hanging_content_search()
    });
    let path = "/filesystem-content-search//logs?query=needle";
    sandbox.put_files(&[("/logs/a", &"needle\n".repeat(200))]);
    assert_eq!(sandbox.get(path).await.json()["total"], 100);
    sandbox.put_files(&[("/logs/a", &"needle\n".repeat(201))]);
    let hour = Duration::from_secs(3600);
    assert!(tokio::time::timeout(hour, sandbox.get(path)).await.is_err());
}
