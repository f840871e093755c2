use std::time::Duration;

use blaxel_core::Idempotency;
use blaxel_sandbox::interpreter::{ContextOptions, Execution, ExecutionEvent, ExecutionStream};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::json;

use crate::script::{self, assert_round_trip, chunks, refusal, sandbox, text};

/// The stream of a run with every kind of record, and a line that is none.
const RUN: &str = concat!(
    r#"{"type": "number_of_executions", "execution_count": 3}"#,
    "\n",
    r#"{"type": "stdout", "text": "caf\u00e9\n", "timestamp": "2026-10-01T00:00:00.5Z"}"#,
    "\n",
    "warning: é printed by the server\r\n",
    "\n",
    r#"{"type": "stderr", "text": "oops", "timestamp": 17}"#,
    "\n",
    r#"{"type": "progress", "done": 0.5}"#,
    "\n",
    r#"{"type": "result", "is_main_result": false, "png": "iVBO\nRw0K", "html": "<b>", "extra": {"a/b": 1}}"#,
    "\n",
    r#"{"type": "result", "is_main_result": true, "text": "42", "json": {"a": [1]}, "chart": {"type": "line"}}"#,
    "\n",
    r#"{"type": "error", "name": "ValueError", "value": "bad", "traceback": "Traceback"}"#,
    "\n",
    r#"{"type": "end_of_execution"}"#,
    "\n",
);

async fn events(mut stream: ExecutionStream) -> (Vec<ExecutionEvent>, Option<blaxel_core::Error>) {
    let mut events = Vec::new();
    loop {
        match stream.try_next().await {
            Ok(Some(event)) => events.push(event),
            Ok(None) => return (events, None),
            Err(error) => {
                assert_eq!(stream.try_next().await.unwrap(), None, "after an error");
                return (events, Some(error));
            }
        }
    }
}

#[tokio::test]
async fn a_run_gives_its_output_results_and_error() {
    let (sandbox, log) = sandbox([text(RUN)]);
    let run = sandbox
        .interpreter()
        .run("x")
        .language("python")
        .env("A_1", "b c");
    let execution = run.output().await.unwrap();
    let seen = log.only();
    assert_eq!(seen.line, "POST /port/8888/execute");
    assert!(seen.is_streamed && seen.idempotency == Idempotency::None);
    assert_eq!(
        seen.json(),
        json!({"code": "x", "language": "python", "env_vars": {"A_1": "b c"}})
    );
    assert_eq!(execution.stdout, "café\nwarning: é printed by the server\n");
    assert_eq!(execution.stderr, "oops");
    assert_eq!(execution.execution_count, Some(3));
    assert_eq!(execution.text(), Some("42"));
    assert_eq!(
        execution.error.as_ref().unwrap().to_string(),
        "ValueError: bad"
    );
    let [image, main] = &execution.results[..] else {
        panic!("{:?}", execution.results);
    };
    assert_eq!(image.decode_png().unwrap().unwrap(), &b"\x89PNG\r\n"[..]);
    assert_eq!(
        (image.decode_pdf().unwrap(), image.decode_jpeg().unwrap()),
        (None, None)
    );
    assert_eq!(image.extra["a/b"], 1);
    assert_eq!(main.json, Some(json!({"a": [1]})));
    assert_eq!(execution.main_result(), Some(main));
    assert_round_trip(&execution);
}

#[tokio::test]
async fn events_arrive_one_by_one_and_unknown_ones_are_kept() {
    let (sandbox, log) = sandbox([text(RUN)]);
    let run = sandbox
        .interpreter()
        .run("x")
        .context("c-1")
        .idle_timeout(Duration::MAX);
    let (events, error) = events(run.stream().await.unwrap()).await;
    assert!(error.is_none(), "{error:?}");
    let seen = log.only();
    assert_eq!(seen.json(), json!({"code": "x", "context_id": "c-1"}));
    assert_eq!(seen.options.idle_limit(), Some(Duration::MAX));
    assert_eq!(events.len(), 8);
    let ExecutionEvent::Stdout(printed) = &events[1] else {
        panic!("{:?}", events[1]);
    };
    assert_eq!(
        printed.timestamp.as_ref().unwrap().unix(),
        Some((1_790_812_800, 500_000_000))
    );
    assert!(matches!(&events[4], ExecutionEvent::Other(members) if members["done"] == 0.5));
}

#[tokio::test]
async fn a_format_that_is_not_base64_is_an_error() {
    let record = r#"{"type":"result","is_main_result":true,"png":"%%%"}"#;
    let (sandbox, _) = sandbox([text(format!("{record}\n{{\"type\":\"end_of_execution\"}}"))]);
    let execution = sandbox.interpreter().run("x").output().await.unwrap();
    assert!(execution.results[0].decode_png().unwrap_err().is_decode());
}

#[tokio::test]
async fn a_run_whose_kernel_was_lost_is_truncated() {
    for lost in [
        r#"{"type":"error","name":"UnexpectedEndOfExecution","value":"Connection was closed","traceback":""}"#,
        r#"{"type":"unexpected_end_of_execution"}"#,
    ] {
        let body = format!(
            "{{\"type\":\"stdout\",\"text\":\"a\"}}\n{lost}\n{{\"type\":\"end_of_execution\"}}\n"
        );
        let (sandbox, _) = sandbox([text(body)]);
        let interpreter = sandbox.interpreter();
        let error = interpreter.run("x").output().await.unwrap_err();
        assert!(error.is_truncated() && error.maybe_applied(), "{error:?}");
        assert_eq!(error.operation().unwrap().name(), "ExecuteCode");
        let stream = interpreter.run("x").stream().await.unwrap();
        let (events, error) = events(stream).await;
        assert!(events.len() == 1 && error.unwrap().is_truncated());
    }
}

#[tokio::test]
async fn output_beyond_the_limit_is_an_error() {
    let (sandbox, _) = sandbox([text(RUN)]);
    let run = |limit| sandbox.interpreter().run("x").max_output(limit);
    assert!(run(RUN.len()).output().await.is_ok());
    let error = run(200).output().await.unwrap_err();
    assert!(
        error.is_decode() && error.to_string().contains("200 bytes"),
        "{error}"
    );
}

#[tokio::test]
async fn a_run_that_cannot_be_sent_is_an_input_error() {
    let (sandbox, log) = sandbox([text(RUN)]);
    let run = || sandbox.interpreter().run("x");
    for bad in [
        run().language("python").context("c"),
        run().env("", "v"),
        run().env("1A", "v"),
        run().env("A-B", "v"),
        run().env("A", "it's"),
        run().env("A", "C:\\new"),
        run().env("A", "a\nb"),
    ] {
        assert!(bad.output().await.unwrap_err().is_input());
    }
    assert!(log.all().is_empty());
}

#[tokio::test]
async fn an_unknown_context_is_not_found() {
    let (sandbox, _) = sandbox([refusal(404, "Context c-9 not found")]);
    let error = sandbox
        .interpreter()
        .run("x")
        .context("c-9")
        .output()
        .await
        .unwrap_err();
    assert!(
        error.is_not_found() && error.to_string().contains("c-9"),
        "{error}"
    );
}

#[tokio::test]
async fn a_malformed_record_is_an_error_and_odd_members_are_not() {
    let (broken, _) = sandbox([text("{\"type\":\"stdout\",\"text\":[1]}\n")]);
    assert!(
        broken
            .interpreter()
            .run("x")
            .output()
            .await
            .unwrap_err()
            .is_decode()
    );
    let odd = "{\"type\":\"result\",\"html\":[1],\"extra\":null,\"is_main_result\":null}\n[1]\n{\"a\":1}\n\
        {\"type\":\"error\",\"name\":null}\n{\"type\":\"stdout\"}\n{\"type\":\"end_of_execution\"}";
    let (odd, _) = sandbox([text(odd)]);
    let execution = odd.interpreter().run("x").output().await.unwrap();
    assert_eq!(execution.results, [Default::default()]);
    assert_eq!(execution.stdout, "[1]\n{\"a\":1}\n");
    assert!(execution.error.is_some());
}

#[tokio::test]
async fn contexts_are_created_listed_restarted_and_deleted() {
    let context = json!({"id": "c/1", "language": "javascript", "cwd": "/app/src"});
    let (sandbox, log) = sandbox([
        script::json(&context),
        script::json(&json!([context, {"id": "c2"}])),
        script::json(&json!(null)),
        script::json(&json!(null)),
        script::json(&json!("OK")),
    ]);
    let interpreter = sandbox.interpreter();
    let options = ContextOptions::new().language("javascript").cwd("/app/src");
    let created = interpreter.create_context(&options).await.unwrap();
    assert_eq!(serde_json::to_value(&created).unwrap(), context);
    let listed = interpreter.contexts().await.unwrap();
    assert_eq!((&listed[0], listed[1].id.as_str()), (&created, "c2"));
    listed.iter().for_each(assert_round_trip);
    interpreter.restart_context("c/1").await.unwrap();
    interpreter.delete_context("c/1").await.unwrap();
    assert!(interpreter.health().await.unwrap());
    assert_eq!(
        log.lines(),
        [
            "POST /port/8888/contexts",
            "GET /port/8888/contexts",
            "POST /port/8888/contexts/c%2F1/restart",
            "DELETE /port/8888/contexts/c%2F1",
            "GET /port/8888/health",
        ]
    );
    let seen = log.all();
    assert_eq!(
        seen[0].json(),
        json!({"language": "javascript", "cwd": "/app/src"})
    );
    let kinds: Vec<_> = seen.iter().map(|seen| seen.idempotency).collect();
    use Idempotency::{Idempotent, None, Safe};
    assert_eq!(kinds, [None, Safe, None, Idempotent, Safe]);
}

/// A gateway that says that the request was not dispatched, and one that does not.
fn unavailable(dispatched: &str) -> script::Reply {
    let body = format!(
        r#"{{"error":{{"code":"UPSTREAM_CONNECT_FAILED","origin":"platform","dispatch_state":"{dispatched}"}}}}"#
    );
    refusal(503, body).header("x-blaxel-source", "platform")
}

#[cfg(feature = "wait")]
#[tokio::test(start_paused = true)]
async fn a_call_waits_for_a_kernel_that_is_starting() {
    let starting = || {
        refusal(
            400,
            "Failed to create default context: Jupyter Server is not ready",
        )
    };
    let (runs, log) = sandbox([unavailable("not_dispatched"), starting(), text(RUN)]);
    runs.interpreter().run("x").output().await.unwrap();
    assert_eq!(log.all().len(), 3);

    let context = script::json(&json!({"id": "c"}));
    let (contexts, log) = sandbox([refusal(503, "Jupyter Server is not ready"), context]);
    let options = ContextOptions::new();
    contexts
        .interpreter()
        .create_context(&options)
        .await
        .unwrap();
    assert_eq!(log.all().len(), 2);

    let (never, _) = sandbox([starting()]);
    let start = tokio::time::Instant::now();
    let patient = never.interpreter().start_limit(Duration::from_secs(20));
    let error = patient.run("x").output().await.unwrap_err();
    assert!(error.to_string().contains("not ready"), "{error}");
    assert!((19..=20).contains(&start.elapsed().as_secs()));

    for other in [
        unavailable("dispatched_unknown"),
        refusal(503, "busy"),
        refusal(400, "Only one of context_id or language can be provided"),
    ] {
        let (refused, log) = sandbox([other]);
        assert!(refused.interpreter().run("x").output().await.is_err());
        assert_eq!(log.all().len(), 1);
    }
    let (once, log) = sandbox([starting()]);
    let eager = once.interpreter().start_limit(Duration::ZERO);
    assert!(eager.run("x").output().await.is_err());
    assert_eq!(log.all().len(), 1);
}

#[cfg(not(feature = "wait"))]
#[tokio::test]
async fn a_call_does_not_wait_without_timers() {
    let (sandbox, log) = sandbox([unavailable("not_dispatched")]);
    assert!(sandbox.interpreter().run("x").output().await.is_err());
    assert_eq!(log.all().len(), 1);
}

#[cfg(feature = "wait")]
#[tokio::test(start_paused = true)]
async fn a_run_has_a_time_limit_if_it_is_set() {
    let (sandbox, _) = sandbox([text("{\"type\":\"stdout\",\"text\":\"a\"}\n").hanging()]);
    let start = tokio::time::Instant::now();
    let run = sandbox
        .interpreter()
        .run("x")
        .timeout(Duration::from_secs(5));
    let error = run.output().await.unwrap_err();
    assert!(error.is_timeout() && error.maybe_applied(), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[cfg(feature = "lifecycle")]
#[test]
fn the_draft_of_its_sandbox_is_that_of_the_platform() {
    let draft = blaxel_sandbox::interpreter::draft("notebook");
    assert_eq!(
        serde_json::to_value(&draft).unwrap(),
        json!({
            "metadata": {"name": "notebook"},
            "spec": {
                "runtime": {
                    "image": "blaxel/jupyter-server",
                    "ports": [{"name": "jupyter", "target": 8888, "protocol": "HTTP"}],
                },
                "lifecycle": {"expirationPolicies": [{"action": "delete", "type": "ttl-idle", "value": "30m"}]},
            },
        })
    );
}

/// Runs code whose stream is cut into these chunks.
fn run(parts: Vec<Bytes>) -> (Vec<ExecutionEvent>, Option<blaxel_core::Error>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (sandbox, _) = sandbox([chunks(parts)]);
        events(sandbox.interpreter().run("x").stream().await.unwrap()).await
    })
}

#[test]
fn a_stream_cut_at_any_byte_is_truncated_and_invents_nothing() {
    let whole = Bytes::from_static(RUN.as_bytes());
    let (complete, error) = run(vec![whole.clone()]);
    assert!(error.is_none());
    // The last record is complete without its line end.
    for cut in 0..whole.len() - 1 {
        let (events, error) = run(vec![whole.slice(..cut)]);
        assert!(complete.starts_with(&events), "{cut}: {events:?}");
        let error = error.unwrap_or_else(|| panic!("the cut at {cut} is not noticed"));
        assert!(error.is_truncated(), "{cut}: {error}");
    }
    assert!(run(vec![whole.slice(..whole.len() - 1)]).1.is_none());
}

proptest! {
    #[test]
    fn events_do_not_depend_on_the_chunks(mut cuts in prop::collection::vec(0..RUN.len(), 0..12)) {
        cuts.extend([0, RUN.len()]);
        cuts.sort_unstable();
        let whole = Bytes::from_static(RUN.as_bytes());
        let parts = cuts.windows(2).map(|pair| whole.slice(pair[0]..pair[1])).collect();
        let (events, error) = run(parts);
        prop_assert!(error.is_none());
        prop_assert_eq!(events, run(vec![whole]).0);
    }

    /// Whatever the code prints is what the execution has.
    #[test]
    fn printed_text_is_exact(texts in prop::collection::vec((any::<bool>(), ".{0,20}"), 0..8), cut in 0_usize..2000) {
        let mut body = String::new();
        let (mut stdout, mut stderr) = (String::new(), String::new());
        for (is_error, text) in &texts {
            let (kind, stream) = if *is_error { ("stderr", &mut stderr) } else { ("stdout", &mut stdout) };
            body += &format!("{}\n", json!({"type": kind, "text": text}));
            stream.push_str(text);
        }
        body += "{\"type\":\"end_of_execution\"}\n";
        let whole = Bytes::from(body);
        let cut = cut.min(whole.len());
        let parts = vec![whole.slice(..cut), whole.slice(cut..)];
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let execution: Execution = runtime.block_on(async {
            let (sandbox, _) = sandbox([chunks(parts)]);
            sandbox.interpreter().run("x").output().await.unwrap()
        });
        prop_assert_eq!((execution.stdout, execution.stderr), (stdout, stderr));
    }
}
