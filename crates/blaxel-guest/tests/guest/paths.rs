//! The traps in the paths of files.

use blaxel_guest::ServerVersion;

use crate::support::Sandbox;

/// Each of these paths leads to the file next to it, or is an error.
#[tokio::test]
async fn paths_lead_where_the_real_server_looks() {
    for version in [ServerVersion::August, ServerVersion::Current] {
        let sandbox = Sandbox::with(|builder| builder.version(version).env("HOME", "/me"));
        let files = [
            "/blaxel/src/a",
            "/src/a",
            "/me/x",
            "/etc/hosts",
            "/%2Fq",
            "/blaxel/sp ace",
        ];
        sandbox.put_files(&files.map(|path| (path, path)));
        for (path, file) in [
            ("src/a", "/blaxel/src/a"),
            ("/src/a", "/src/a"),
            ("//src//a", "/src/a"),
            ("%2Fsrc%2Fa", "/src/a"),
            // An escaped slash anywhere makes the path absolute.
            ("src%2Fa", "/src/a"),
            // But only in upper case.
            ("src%2fa", "/blaxel/src/a"),
            ("%2fsrc%2fa", "/src/a"),
            ("~/x", "/me/x"),
            ("%7E/x", "/me/x"),
            ("./src/../src/a", "/blaxel/src/a"),
            ("../etc/hosts", "/etc/hosts"),
            ("../../../etc/hosts", "/etc/hosts"),
            ("src/a/", "/blaxel/src/a"),
            ("sp%20ace", "/blaxel/sp ace"),
            ("%252Fq", "/%2Fq"),
        ] {
            let answer = sandbox
                .get(&format!("/filesystem/{path}?download=true"))
                .await;
            assert_eq!(
                (answer.status.as_u16(), answer.text()),
                (200, file),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn responses_show_the_path_as_it_was_sent() {
    let sandbox = Sandbox::new();
    sandbox.put_files(&[("/blaxel/sub/a.txt", "hi\n")]);
    for (path, shown, entry) in [
        ("", "/blaxel", "/blaxel/sub"),
        ("./", "/blaxel", "/blaxel/sub"),
        ("/blaxel", "/blaxel", "/blaxel/sub"),
        ("../blaxel", "../blaxel", "../blaxel/sub"),
    ] {
        let listed = sandbox.get(&format!("/filesystem/{path}")).await.json();
        assert_eq!(listed["path"], shown, "{path}");
        assert_eq!(listed["subdirectories"][0]["path"], entry, "{path}");
    }
    let file = sandbox.get("/filesystem/./sub/../sub/a.txt").await.json();
    assert_eq!(file["path"], "./sub/../sub/a.txt");
}

#[tokio::test]
async fn the_route_of_trees_takes_names_that_begin_with_its_own() {
    let sandbox = Sandbox::new();
    sandbox.put_files(&[("/blaxel/treehouse.txt", ""), ("/house/a", "")]);
    let answer = sandbox.get("/filesystem/treehouse.txt").await;
    assert_eq!(
        (answer.status.as_u16(), answer.error().as_str()),
        (400, "path is not a directory")
    );
    let answer = sandbox.get("/filesystem/treehouse").await;
    assert_eq!(answer.json()["path"], "/house");
    // Two slashes lead around it.
    assert_eq!(
        sandbox
            .get("/filesystem//blaxel/treehouse.txt")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_home_that_is_not_set_is_an_error() {
    let sandbox = Sandbox::with(|builder| builder.env("HOME", ""));
    let answer = sandbox.get("/filesystem/~/x").await;
    assert_eq!(
        (answer.status.as_u16(), answer.error().as_str()),
        (400, "home directory not found")
    );
}
