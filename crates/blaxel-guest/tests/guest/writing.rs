//! Writing, deletion and copies.

use blaxel_guest::{Clock, Files as _, Guest as _, MemoryFiles, Server, SimulatedGuest, Volume};

use crate::support::Sandbox;

#[tokio::test]
async fn requests_write_files_and_directories() {
    let sandbox = Sandbox::new();
    let file = "File created/updated successfully";
    for (path, body, message, created, mode) in [
        ("a", r#"{"content":"1"}"#, file, "/blaxel/a", 0o644),
        (
            "new/dir/b",
            r#"{"content":"2"}"#,
            file,
            "/blaxel/new/dir/b",
            0o644,
        ),
        (
            "/abs",
            r#"{"content":"3","permissions":"0600"}"#,
            file,
            "/abs",
            0o600,
        ),
        ("empty", "{}", file, "/blaxel/empty", 0o644),
        ("empty", "null", file, "/blaxel/empty", 0o644),
        (
            "null",
            r#"{"content":null} and more"#,
            file,
            "/blaxel/null",
            0o644,
        ),
        (
            "masked",
            r#"{"permissions":"777"}"#,
            file,
            "/blaxel/masked",
            0o755,
        ),
        // An existing file keeps its mode.
        (
            "a",
            r#"{"content":"4","permissions":"0600"}"#,
            file,
            "/blaxel/a",
            0o644,
        ),
        (
            "d/e",
            r#"{"isDirectory":true}"#,
            "Directory created successfully",
            "/blaxel/d/e",
            0o755,
        ),
        (
            "d",
            r#"{"isDirectory":true,"permissions":"0700"}"#,
            "Directory created successfully",
            "/blaxel/d",
            0o755,
        ),
    ] {
        let answer = sandbox.call(&format!("PUT /filesystem/{path}"), body).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(
            answer.json(),
            serde_json::json!({"path": path, "message": message})
        );
        assert_eq!(
            sandbox.files().metadata(created).unwrap().mode,
            mode,
            "{path}"
        );
    }
    assert_eq!(sandbox.content("/blaxel/a"), "4");
    assert_eq!(sandbox.content("/blaxel/new/dir/b"), "2");
    assert_eq!(sandbox.content("/blaxel/null"), "");
}

#[tokio::test]
async fn writes_that_fail_say_why() {
    let sandbox = Sandbox::new();
    sandbox.put_files(&[("/blaxel/f", "")]);
    let number = "invalid permissions format '9': strconv.ParseUint: parsing \"9\": invalid syntax";
    for (path, body, status, message) in [
        ("x", "", 400, "invalid request body: EOF"),
        ("x", r#"{"permissions":"9"}"#, 400, number),
        (
            "",
            r#"{"content":"x"}"#,
            422,
            "error writing file: open /blaxel: is a directory",
        ),
        (
            "f/y",
            r#"{"content":"x"}"#,
            422,
            "error writing file: mkdir /blaxel/f: not a directory",
        ),
        (
            "f",
            r#"{"isDirectory":true}"#,
            422,
            "error creating directory: mkdir /blaxel/f: not a directory",
        ),
    ] {
        let answer = sandbox.call(&format!("PUT /filesystem/{path}"), body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error().as_str()),
            (status, message),
            "{path}"
        );
    }
    for body in [r#"{"content":5}"#, r#""text""#, "{", "[]"] {
        let answer = sandbox.call("PUT /filesystem/x", body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(
            answer.error().starts_with("invalid request body: "),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_full_disk_is_an_error() {
    let files = MemoryFiles::new(Volume::in_memory(100), Clock::standing());
    files.create_dir("/blaxel", 0o755).unwrap();
    let guest = SimulatedGuest::with_disk(files.root().clone(), Clock::standing());
    let sandbox = Sandbox(Server::builder(guest).build());
    let body = format!("{{\"content\":\"{}\"}}", "x".repeat(200));
    let answer = sandbox.call("PUT /filesystem/big", body).await;
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.error(),
        "error writing file: write /blaxel/big: no space left on device"
    );
    // Writing is not atomic.
    assert_eq!(sandbox.content("/blaxel/big").len(), 100);
}

#[tokio::test]
async fn another_user_meets_permissions() {
    let guest = SimulatedGuest::new(Clock::standing());
    guest.files().create_dir("/closed", 0o700).unwrap();
    let guest = guest.as_user(65534, 65534);
    let sandbox = Sandbox(Server::builder(guest).build());
    let answer = sandbox.call("PUT /filesystem/a", "{}").await;
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.error(),
        "error writing file: open /blaxel/a: permission denied"
    );
    let answer = sandbox.get("/filesystem//closed/x").await;
    assert_eq!(
        (answer.status.as_u16(), answer.error().as_str()),
        (500, "stat /closed/x: permission denied")
    );
    assert_eq!(
        sandbox.call("PUT /filesystem//tmp/a", "{}").await.status,
        200
    );
    let listed = sandbox.get("/filesystem//tmp").await.json();
    assert_eq!(listed["files"][0]["owner"], "nobody");
}

#[tokio::test]
async fn deletions_follow_the_type_of_the_path() {
    let sandbox = Sandbox::new();
    sandbox.put_files(&[
        ("/blaxel/d/e/f", ""),
        ("/blaxel/f", ""),
        ("/blaxel/t/f", ""),
    ]);
    let files = sandbox.files();
    files.symlink("nowhere", "/blaxel/dangling").unwrap();
    files.symlink("t", "/blaxel/link").unwrap();
    let not_empty = "error deleting directory: remove /blaxel/d: directory not empty";
    let not_found = "file or directory not found";
    for (path, status, message) in [
        ("nope", 404, not_found),
        ("dangling", 404, not_found),
        ("f/x", 422, "stat /blaxel/f/x: not a directory"),
        ("f", 200, "File deleted successfully"),
        ("d", 422, not_empty),
        ("d?recursive=false", 422, not_empty),
        ("d?recursive=true", 200, "Directory deleted successfully"),
        ("link?recursive=true", 200, "Directory deleted successfully"),
    ] {
        let answer = sandbox
            .call(&format!("DELETE /filesystem/{path}"), "")
            .await;
        assert_eq!(answer.status, status, "{path}");
        let body = answer.json();
        let found = body.get("error").unwrap_or(&body["message"]);
        assert_eq!(found, message, "{path}");
    }
    assert!(files.metadata("/blaxel/d").is_err());
    // The link is gone, the directory that it led to is not.
    assert!(files.link_metadata("/blaxel/link").is_err());
    assert_eq!(sandbox.content("/blaxel/t/f"), "");
}

#[tokio::test]
async fn copies_overwrite_nothing() {
    let sandbox = Sandbox::new();
    sandbox.put_files(&[
        ("/blaxel/src/a", "1"),
        ("/blaxel/src/sub/b", "2"),
        ("/blaxel/f", "3"),
    ]);
    let files = sandbox.files();
    files.symlink("a", "/blaxel/src/link").unwrap();
    files.set_mode("/blaxel/src/a", 0o750).unwrap();
    let copy = |source: &str, destination: &str, no_overwrite: bool| {
        serde_json::json!({"source": source, "destination": destination, "noOverwrite": no_overwrite}).to_string()
    };
    let answer = sandbox
        .call("POST /filesystem-copy", copy("src", "new", true))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["destination"], "/blaxel/new");
    assert_eq!(sandbox.content("/blaxel/new/sub/b"), "2");
    assert_eq!(files.read_link("/blaxel/new/link").unwrap(), "a");
    assert_eq!(files.metadata("/blaxel/new/a").unwrap().mode, 0o750);
    // Into an existing directory, and there once more.
    let into = copy("/blaxel/f", "new", true);
    assert_eq!(
        sandbox
            .call("POST /filesystem-copy", into.clone())
            .await
            .json()["destination"],
        "/blaxel/new/f"
    );
    let answer = sandbox.call("POST /filesystem-copy", into).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["code"]),
        (409, &"FILE_ALREADY_EXISTS".into())
    );
    for (source, destination, no_overwrite, status) in [
        ("", "x", true, 400),
        ("f", "", true, 400),
        ("f", "x", false, 400),
        ("nope", "x", true, 422),
        ("src", "src/inside", true, 422),
        ("/dev/null", "x", true, 422),
        ("f", "no/such/dir", true, 422),
        ("f", "src/a", true, 409),
    ] {
        let body = copy(source, destination, no_overwrite);
        let answer = sandbox.call("POST /filesystem-copy", body).await;
        assert_eq!(answer.status, status, "{source} to {destination}");
    }
    assert_eq!(sandbox.content("/blaxel/src/a"), "1");
}
