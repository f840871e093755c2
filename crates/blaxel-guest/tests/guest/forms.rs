//! Files that are written by forms.

use axum::body::{Body, Bytes};
use futures_util::stream;

use crate::support::{FORM, Sandbox, form};

#[tokio::test]
async fn the_permissions_of_a_form_count_by_version_and_order() {
    let file = ("file", "a.bin", "content");
    let permissions = ("permissions", "", "0755");
    let path = ("path", "", "/elsewhere");
    for (fields, august, current) in [
        (&[file][..], 0o644, 0o644),
        (&[permissions, file], 0o755, 0o755),
        (&[file, permissions], 0o644, 0o755),
        (&[path, file, path, permissions], 0o644, 0o755),
    ] {
        for (sandbox, mode) in Sandbox::both().into_iter().zip([august, current]) {
            let answer = sandbox
                .call_with("PUT /filesystem/up/a", &[FORM], form(fields))
                .await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let expected =
                serde_json::json!({"path": "up/a", "message": "Binary file uploaded successfully"});
            assert_eq!(answer.json(), expected);
            assert_eq!(
                sandbox.files().metadata("/blaxel/up/a").unwrap().mode,
                mode,
                "{fields:?}"
            );
            assert_eq!(sandbox.content("/blaxel/up/a"), "content");
        }
    }
}

#[tokio::test]
async fn an_existing_file_keeps_its_mode() {
    for fields in [
        [("permissions", "", "0600"), ("file", "a", "new")],
        [("file", "a", "new"), ("permissions", "", "0600")],
    ] {
        let sandbox = Sandbox::new();
        sandbox.put_files(&[("/blaxel/a", "old and longer")]);
        sandbox
            .call_with("PUT /filesystem/a", &[FORM], form(&fields))
            .await;
        assert_eq!(sandbox.files().metadata("/blaxel/a").unwrap().mode, 0o644);
        assert_eq!(sandbox.content("/blaxel/a"), "new");
    }
}

#[tokio::test]
async fn malformed_forms_are_refused() {
    let sandbox = Sandbox::new();
    let missing = "missing 'file' field in multipart form";
    let zz = "invalid permissions format 'zz': strconv.ParseUint: parsing \"zz\": invalid syntax";
    let boundary = "error reading multipart data: no multipart boundary param in Content-Type";
    let no_boundary = ("content-type", "multipart/form-data");
    for (header, body, message) in [
        // A field with the content but without the name of a file does not count.
        (FORM, form(&[("file", "", "content")]), missing),
        (FORM, form(&[("other", "a", "content")]), missing),
        (
            FORM,
            form(&[("permissions", "", "zz"), ("file", "a", "")]),
            zz,
        ),
        (
            FORM,
            form(&[("file", "a", ""), ("permissions", "", "zz")]),
            zz,
        ),
        (no_boundary, String::new(), boundary),
    ] {
        let answer = sandbox
            .call_with("PUT /filesystem/a", &[header], body)
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.error().as_str()),
            (400, message)
        );
    }
    let answer = sandbox
        .call_with("PUT /filesystem/a", &[FORM], "no form")
        .await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.error().starts_with("error reading multipart part: "),
        "{answer:?}"
    );
    let answer = sandbox
        .call_with("PUT /filesystem/", &[FORM], form(&[("file", "a", "")]))
        .await;
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.error(),
        "error writing binary file: open /blaxel: is a directory"
    );
}

#[tokio::test]
async fn a_form_that_breaks_off_leaves_no_file() {
    let sandbox = Sandbox::new();
    let start = form(&[("file", "a", "content")]);
    let start = start.strip_suffix("\r\n--edge--\r\n").unwrap().to_owned();
    let chunks = [Ok(Bytes::from(start)), Err(std::io::Error::other("gone"))];
    let body = Body::from_stream(stream::iter(chunks));
    let answer = sandbox.call_with("PUT /filesystem/a", &[FORM], body).await;
    assert_eq!(answer.status, 400);
    assert!(sandbox.files().metadata("/blaxel/a").is_err());
}
