use blaxel_core::Idempotency;
use blaxel_sandbox::codegen::{CodeEdit, RankOptions};
use serde_json::json;

use crate::script::{self, assert_round_trip, refusal, sandbox};

#[tokio::test]
async fn an_edit_is_applied_once() {
    let answer = json!({"success": true, "path": "/app/main.js", "originalContent": "a", "updatedContent": "b",
        "provider": "Relace", "message": "done"});
    let (sandbox, log) = sandbox([script::json(&answer)]);
    let edit = CodeEdit::new("// ... existing code ...\nb").model("relace-apply-3");
    let applied = sandbox
        .codegen()
        .apply_edit("/app/main.js", &edit)
        .await
        .unwrap();
    let seen = log.only();
    assert_eq!(seen.line, "PUT /codegen/fastapply/%2Fapp%2Fmain.js");
    assert_eq!(seen.idempotency, Idempotency::None);
    assert_eq!(
        seen.json(),
        json!({"codeEdit": "// ... existing code ...\nb", "model": "relace-apply-3"})
    );
    assert_eq!(serde_json::to_value(&applied).unwrap(), answer);
    assert_round_trip(&applied);
}

#[tokio::test]
async fn a_path_keeps_its_meaning() {
    let answer = json!({"success": true, "updatedContent": ""});
    for (path, sent) in [
        ("/etc/a b", "%2Fetc%2Fa%20b"),
        ("src/main.rs", "src/main.rs"),
        ("./notes?.md", "notes%3F.md"),
        ("/a%2Fb", "%2Fa%252Fb"),
        (".", ""),
    ] {
        let (sandbox, log) = sandbox([script::json(&answer)]);
        let edit = CodeEdit::new("x");
        sandbox.codegen().apply_edit(path, &edit).await.unwrap();
        assert_eq!(log.only().line, format!("PUT /codegen/fastapply/{sent}"));
    }
    for path in ["", "../a", "a/./b", "~/a", "a%2Fb"] {
        let (sandbox, _) = sandbox([script::json(&answer)]);
        let error = sandbox
            .codegen()
            .apply_edit(path, &CodeEdit::new("x"))
            .await;
        assert!(error.unwrap_err().is_input(), "{path}");
    }
}

#[tokio::test]
async fn files_are_ranked() {
    let answer = json!({"success": true, "message": "Found 1 relevant files",
        "files": [{"path": "/app/a.ts", "content": "x", "score": 0.9}]});
    let (ranked, log) = sandbox([script::json(&answer)]);
    let options = RankOptions::new("where is it?")
        .score_threshold(0.25)
        .token_limit(1000)
        .file_pattern(r".*\.ts$");
    let files = ranked.codegen().rank("app", &options).await.unwrap();
    assert_eq!(
        log.only().line,
        "GET /codegen/reranking/app?query=where%20is%20it%3F&scoreThreshold=0.25&tokenLimit=1000&filePattern=.%2A%5C.ts%24"
    );
    assert_eq!(files[0].score, Some(0.9));
    files.iter().for_each(assert_round_trip);

    let (plain, log) = sandbox([script::json(&json!({"files": null}))]);
    let none = plain
        .codegen()
        .rank("/", &RankOptions::new("x"))
        .await
        .unwrap();
    assert_eq!(log.only().line, "GET /codegen/reranking/%2F?query=x");
    assert!(none.is_empty());
}

#[tokio::test]
async fn failures_are_errors_wherever_they_are_reported() {
    let failed =
        json!({"success": false, "updatedContent": "", "files": [], "message": "rate limited"});
    let (reported, _) = sandbox([script::json(&failed)]);
    let edit = CodeEdit::new("x");
    let error = reported
        .codegen()
        .apply_edit("/a", &edit)
        .await
        .unwrap_err();
    assert!(
        error.is_failed() && error.to_string().contains("rate limited"),
        "{error}"
    );
    let error = reported.codegen().rank("/a", &RankOptions::new("x")).await;
    assert!(error.unwrap_err().is_failed());

    for status in [400, 422, 503] {
        let (refused, _) = sandbox([refusal(
            status,
            r#"{"error":"codegen tools are not configured"}"#,
        )]);
        let error = refused.codegen().apply_edit("/a", &edit).await.unwrap_err();
        assert_eq!(error.status().unwrap().as_u16(), status);
        assert!(error.to_string().contains("not configured"), "{error}");
    }
}
