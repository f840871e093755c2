//! Uploads in parts.

use serde_json::{Value, json};

use crate::support::{FORM, Sandbox, form};

async fn initiate(sandbox: &Sandbox, path: &str, body: &str) -> Value {
    let call = format!("POST /filesystem-multipart/initiate/{path}");
    let answer = sandbox.call(&call, body.to_owned()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn put_part(sandbox: &Sandbox, id: &str, number: &str, content: &str) -> Value {
    let call = format!("PUT /filesystem-multipart/{id}/part?partNumber={number}");
    let answer = sandbox
        .call_with(&call, &[FORM], form(&[("file", "p", content)]))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn parts_become_a_file() {
    for sandbox in Sandbox::both() {
        let started = initiate(&sandbox, "up/f.bin", r#"{"permissions":"0755"}"#).await;
        assert_eq!(started["path"], "/blaxel/up/f.bin");
        let id = started["uploadId"].as_str().unwrap();
        assert_eq!(id.len(), 36);
        let first = put_part(&sandbox, id, "2", "hi\n").await;
        // The sum that the real server returned for these bytes.
        let etag = "764efa883dda1e11db47671c4a3bbd9e";
        assert_eq!(first, json!({"partNumber": 2, "etag": etag, "size": 3}));
        put_part(&sandbox, id, "1", "replaced").await;
        let second = put_part(&sandbox, id, "1", "first ").await;
        assert_eq!(
            sandbox.content(&format!("/tmp/multipart-uploads/{id}/part-1")),
            "first "
        );
        let parts = sandbox
            .get(&format!("/filesystem-multipart/{id}/parts"))
            .await
            .json();
        assert_eq!(parts["uploadId"], id);
        assert_eq!(parts["parts"][0]["size"], 6);
        assert_eq!(parts["parts"][1]["etag"], etag);
        let all = sandbox.get("/filesystem-multipart").await.json();
        assert_eq!(all["uploads"][0]["permissions"], 0o755);
        assert_eq!(all["uploads"][0]["parts"]["2"]["partNumber"], 2);
        let body = json!({"parts": [
            {"partNumber": 2, "etag": etag},
            {"partNumber": 1, "etag": second["etag"]},
        ]});
        let complete = format!("POST /filesystem-multipart/{id}/complete");
        let answer = sandbox.call(&complete, body.to_string()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["path"], "/blaxel/up/f.bin");
        assert_eq!(sandbox.content("/blaxel/up/f.bin"), "first hi\n");
        assert_eq!(
            sandbox.files().metadata("/blaxel/up/f.bin").unwrap().mode,
            0o755
        );
        assert_eq!(
            sandbox.files().read_dir("/tmp/multipart-uploads"),
            Ok(Vec::new())
        );
        // A repeated request does not find the upload any more.
        assert_eq!(sandbox.call(&complete, body.to_string()).await.status, 404);
    }
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    let sandbox = Sandbox::new();
    let started = initiate(&sandbox, "%2Ff", "").await;
    let id = started["uploadId"].as_str().unwrap();
    put_part(&sandbox, id, "1", "x").await;
    let abort = format!("DELETE /filesystem-multipart/{id}/abort");
    assert_eq!(sandbox.call(&abort, "").await.status, 200);
    assert_eq!(sandbox.call(&abort, "").await.status, 404);
    assert_eq!(
        sandbox.get("/filesystem-multipart").await.json(),
        json!({"uploads": []})
    );
    assert_eq!(
        sandbox.files().read_dir("/tmp/multipart-uploads"),
        Ok(Vec::new())
    );
    assert!(sandbox.files().metadata("/f").is_err());
}

#[tokio::test]
async fn two_uploads_have_different_ids() {
    let sandbox = Sandbox::new();
    let one = initiate(&sandbox, "f", "").await;
    let two = initiate(&sandbox, "f", "").await;
    assert_ne!(one["uploadId"], two["uploadId"]);
}

#[tokio::test]
async fn malformed_requests_are_refused_as_by_the_real_server() {
    let sandbox = Sandbox::new();
    let started = initiate(&sandbox, "f", "").await;
    let id = started["uploadId"].as_str().unwrap();
    put_part(&sandbox, id, "1", "x").await;
    let file = form(&[("file", "p", "x")]);
    let part = |query: &str| format!("PUT /filesystem-multipart/{id}/part{query}");
    let complete = |id: &str| format!("POST /filesystem-multipart/{id}/complete");
    let atoi = "invalid partNumber: strconv.Atoi: parsing \"x\": invalid syntax";
    let range = "failed to upload part: part number must be between 1 and 10000";
    let permissions =
        "invalid permissions format: strconv.ParseUint: parsing \"8\": invalid syntax";
    let unknown = "upload not found: nope";
    let other = form(&[("other", "p", "x")]);
    for (call, body, status, message) in [
        (part(""), file.as_str(), 400, "partNumber is required"),
        (part("?partNumber=x"), &file, 400, atoi),
        (part("?partNumber=0"), &file, 500, range),
        (part("?partNumber=10001"), &file, 500, range),
        (
            part("?partNumber=1"),
            &other,
            400,
            "missing 'file' field in multipart form",
        ),
        (
            "PUT /filesystem-multipart/nope/part?partNumber=1".to_owned(),
            &file,
            500,
            "failed to upload part: upload not found: nope",
        ),
        (
            "GET /filesystem-multipart/nope/parts".to_owned(),
            "",
            404,
            unknown,
        ),
        (
            "GET /filesystem-multipart//parts".to_owned(),
            "",
            400,
            "uploadId is required",
        ),
        (
            "DELETE /filesystem-multipart/nope/abort".to_owned(),
            "",
            404,
            unknown,
        ),
        (
            complete("nope"),
            r#"{"parts":[{"partNumber":1}]}"#,
            404,
            unknown,
        ),
        (complete(id), "{}", 400, "at least one part is required"),
        (
            complete(id),
            r#"{"parts":[{"partNumber":7}]}"#,
            500,
            "failed to complete upload: part 7 not found",
        ),
        (
            complete(id),
            r#"{"parts":[{"partNumber":1,"etag":"x"}]}"#,
            500,
            "failed to complete upload: etag mismatch for part 1",
        ),
        (
            "POST /filesystem-multipart/initiate/f".to_owned(),
            r#"{"permissions":"8"}"#,
            400,
            permissions,
        ),
    ] {
        let answer = sandbox.call_with(&call, &[FORM], body.to_owned()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error().as_str()),
            (status, message),
            "{call}"
        );
    }
    let answer = sandbox.call(&part("?partNumber=1"), "x").await;
    let problem = "error reading multipart data: request Content-Type isn't multipart/form-data";
    assert_eq!(answer.error(), problem);
}
