//! Reading of files and directories: JSON, bytes, ranges, `HEAD`.

use std::time::{Duration, UNIX_EPOCH};

use blaxel_guest::{Clock, Server, SimulatedGuest};

use crate::support::{Answer, Sandbox, each};

/// A sandbox at 2026-11-30T10:00:28.5Z.
fn sandbox() -> Sandbox {
    let start = UNIX_EPOCH + Duration::from_millis(1_796_032_828_500);
    let sandbox = Sandbox(Server::builder(SimulatedGuest::new(Clock::standing_at(start))).build());
    sandbox.put_files(&[("/blaxel/a.txt", "0123456789")]);
    sandbox
}

#[tokio::test]
async fn a_file_as_json_has_its_facts_and_its_content() {
    let sandbox = sandbox();
    let expected = serde_json::json!({
        "path": "a.txt", "name": "", "permissions": "644", "size": 10,
        "lastModified": "2026-11-30T10:00:28.5Z", "owner": "root", "group": "root",
        "content": "0123456789",
    });
    assert_eq!(sandbox.get("/filesystem/a.txt").await.json(), expected);
    sandbox
        .files()
        .write("/blaxel/bin", b"a\xffb", 0o600)
        .unwrap();
    assert_eq!(
        sandbox.get("/filesystem/bin").await.json()["content"],
        "a\u{fffd}b"
    );
}

#[tokio::test]
async fn the_accept_header_chooses_between_json_and_bytes() {
    let sandbox = sandbox();
    for (accept, is_json) in [
        ("", true),
        ("*/*", true),
        ("application/json", true),
        ("text/plain, */*", true),
        ("application/octet-stream", false),
        ("application/json, application/octet-stream", false),
        ("*/*, application/octet-stream", false),
        ("text/plain", false),
        ("image/*", false),
    ] {
        let headers = [("accept", accept)];
        let headers = if accept.is_empty() {
            &headers[..0]
        } else {
            &headers
        };
        let answer = sandbox
            .call_with("GET /filesystem/a.txt", headers, "")
            .await;
        assert_eq!(answer.text() != "0123456789", is_json, "{accept}");
        let listed = sandbox.call_with("GET /filesystem/", headers, "").await;
        assert_eq!(listed.json()["files"][0]["name"], "a.txt", "{accept}");
    }
    let answer = sandbox.get("/filesystem/a.txt?download=true").await;
    assert_eq!(answer.header("content-type"), "text/plain");
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"a.txt\""
    );
    assert_eq!(
        answer.header("last-modified"),
        "Mon, 30 Nov 2026 10:00:28 GMT"
    );
    assert_eq!(answer.header("content-length"), "10");
    assert_eq!(answer.header("accept-ranges"), "bytes");
}

/// Headers, and the status, the body and the range of the response.
type Case<'a> = (&'a [(&'a str, &'a str)], u16, &'a str, &'a str);

async fn raw(sandbox: &Sandbox, headers: &[(&str, &str)]) -> Answer {
    sandbox
        .call_with("GET /filesystem/a.txt?download=true", headers, "")
        .await
}

#[tokio::test]
async fn ranges_and_conditions_are_honoured() {
    let sandbox = sandbox();
    let (before, same) = (
        "Mon, 30 Nov 2026 10:00:27 GMT",
        "Mon, 30 Nov 2026 10:00:28 GMT",
    );
    let cases: &[Case<'_>] = &[
        (&[("range", "bytes=2-4")], 206, "234", "bytes 2-4/10"),
        (&[("range", "bytes=-2")], 206, "89", "bytes 8-9/10"),
        (
            &[("range", "bytes=10-")],
            416,
            "invalid range: failed to overlap\n",
            "bytes */10",
        ),
        (&[("range", "nonsense")], 416, "invalid range\n", ""),
        (
            &[("range", "bytes=2-4"), ("if-range", same)],
            206,
            "234",
            "bytes 2-4/10",
        ),
        (
            &[("range", "bytes=2-4"), ("if-range", before)],
            200,
            "0123456789",
            "",
        ),
        (&[("if-modified-since", same)], 304, "", ""),
        (&[("if-modified-since", before)], 200, "0123456789", ""),
        (&[("if-unmodified-since", before)], 412, "", ""),
        (&[("if-none-match", "*")], 304, "", ""),
        (
            &[("if-none-match", "\"x\""), ("if-modified-since", same)],
            200,
            "0123456789",
            "",
        ),
        (&[("if-match", "\"x\"")], 412, "", ""),
    ];
    for (headers, status, body, range) in cases {
        let answer = raw(&sandbox, headers).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text()),
            (*status, *body),
            "{headers:?}"
        );
        assert_eq!(answer.header("content-range"), *range, "{headers:?}");
    }
    let answer = raw(&sandbox, &[("range", "bytes=0-0,8-")]).await;
    let boundary = answer
        .header("content-type")
        .strip_prefix("multipart/byteranges; boundary=");
    let boundary = boundary.unwrap();
    let part = |range, body| {
        let head = "Content-Type: text/plain";
        format!("--{boundary}\r\nContent-Range: bytes {range}/10\r\n{head}\r\n\r\n{body}\r\n")
    };
    assert_eq!(
        answer.text(),
        part("0-0", "0") + &part("8-9", "89") + &format!("--{boundary}--\r\n")
    );
    assert_eq!(
        answer.header("content-length"),
        answer.body.len().to_string()
    );
}

#[tokio::test]
async fn a_large_file_is_sent_whole_and_in_a_range() {
    let sandbox = Sandbox::new();
    let content: Vec<u8> = (0..300_000_u32)
        .map(|number| (number % 251) as u8)
        .collect();
    sandbox.files().write("/big", &content, 0o644).unwrap();
    let path = "GET /filesystem//big?download=true";
    assert_eq!(sandbox.call(path, "").await.body, content);
    let answer = sandbox
        .call_with(path, &[("range", "bytes=100000-250000")], "")
        .await;
    assert_eq!(answer.body, content[100_000..=250_000]);
}

#[tokio::test]
async fn directories_list_links_as_files() {
    let sandbox = sandbox();
    let files = sandbox.files();
    files.create_dir("/blaxel/dir", 0o755).unwrap();
    files.symlink("nowhere", "/blaxel/dangling").unwrap();
    files.symlink("dir", "/blaxel/link").unwrap();
    files.set_mode("/blaxel/a.txt", 0o4755).unwrap();
    files
        .set_owner("/blaxel/a.txt", Some(65534), Some(1234))
        .unwrap();
    let listed = sandbox.get("/filesystem/").await.json();
    assert_eq!(listed["name"], "blaxel");
    assert_eq!(each(&listed["subdirectories"], "name"), ["dir"]);
    assert_eq!(
        each(&listed["files"], "name"),
        ["a.txt", "dangling", "link"]
    );
    assert_eq!(
        each(&listed["files"], "permissions"),
        ["40000755", "1000000777", "1000000777"]
    );
    assert_eq!(each(&listed["files"], "owner"), ["nobody", "root", "root"]);
    assert_eq!(each(&listed["files"], "group"), ["1234", "root", "root"]);
    assert_eq!(listed["files"][1]["size"], 7);
    assert!(listed.get("recursive").is_none());
    // A link to a directory is followed.
    assert_eq!(sandbox.get("/filesystem/link").await.json()["name"], "link");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_as_by_the_real_server() {
    let sandbox = sandbox();
    sandbox
        .files()
        .symlink("nowhere", "/blaxel/dangling")
        .unwrap();
    for (path, status, message) in [
        ("nope", 404, "stat /blaxel/nope: no such file or directory"),
        (
            "dangling",
            404,
            "stat /blaxel/dangling: no such file or directory",
        ),
        ("a.txt/x", 500, "stat /blaxel/a.txt/x: not a directory"),
        (
            "/dev/zero",
            422,
            "error reading file: read /dev/zero: file too large",
        ),
    ] {
        let answer = sandbox.get(&format!("/filesystem/{path}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error().as_str()),
            (status, message)
        );
    }
}

#[tokio::test]
async fn head_is_a_stat_only_on_the_current_server() {
    let sandbox = sandbox();
    let facts = |answer: &Answer| {
        [
            "x-file-type",
            "x-file-mode",
            "content-length",
            "last-modified",
        ]
        .map(|name| answer.header(name).to_owned())
    };
    let modified = "Mon, 30 Nov 2026 10:00:28 GMT";
    for (path, expected) in [
        ("a.txt", ["file", "644", "10", modified]),
        ("", ["directory", "755", "0", modified]),
        ("nope", ["", "", "0", ""]),
        ("tree/a.txt", ["", "", "0", ""]),
    ] {
        let answer = sandbox.call(&format!("HEAD /filesystem/{path}"), "").await;
        assert_eq!(answer.status, 200);
        assert_eq!(facts(&answer), expected, "{path}");
    }
    let august = Sandbox::august();
    august.put_files(&[("/blaxel/a.txt", "1")]);
    let answer = august.call("HEAD /filesystem/a.txt", "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("x-file-type")),
        (200, "")
    );
}
