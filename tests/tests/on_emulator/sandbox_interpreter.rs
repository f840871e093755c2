//! Promise: code that is run through the facade in a sandbox of the interpreter's image has the output, the results and
//! the failures that the machine's scripts describe, and its contexts are independent.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use blaxel::Client;
use blaxel::sandbox::interpreter::{ContextOptions, ExecutionEvent};
use blaxel::sandbox::{SandboxHandle, Sandboxes, interpreter};
use blaxel_emulator::Emulator;
use blaxel_emulator::blaxel_guest::{CodeScript, CommandPattern, SimulatedGuest};

use crate::support::offline_client;

/// An emulator whose machines know some code.
fn emulator() -> Emulator {
    Emulator::builder()
        .machines(|_, clock| {
            let guest = SimulatedGuest::new(clock.clone());
            guest.on_code(
                "print('hi'); 6 * 7",
                CodeScript::new().stdout("hi\n").result_text("42"),
            );
            let failure = CodeScript::new().stderr("careful\n").error(
                "ValueError",
                "no",
                "Traceback (most recent call last)",
            );
            guest.on_code("fail()", failure);
            guest.on_code(
                CommandPattern::prefix("import plot"),
                CodeScript::new().display([("text/plain", "<Figure>"), ("image/png", "iVBORw0K")]),
            );
            guest.on_code("slow()", CodeScript::new().stdout("a").forever());
            guest
        })
        .build()
}

async fn notebook(emulator: &Emulator) -> SandboxHandle<Client> {
    let sandboxes = Sandboxes::new(offline_client(emulator));
    sandboxes
        .ensure(&interpreter::draft("notebook"))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_run_returns_what_the_code_printed_and_ended_with() {
    let emulator = emulator();
    let sandbox = notebook(&emulator).await;
    let interpreter = sandbox.interpreter();
    assert!(interpreter.health().await.unwrap());
    let run = interpreter
        .run("print('hi'); 6 * 7")
        .output()
        .await
        .unwrap();
    assert_eq!((run.stdout.as_str(), run.text()), ("hi\n", Some("42")));
    assert_eq!((run.execution_count, &run.error), (Some(1), &None));
    let plot = interpreter
        .run("import plot")
        .language("python")
        .env("A", "b");
    let plot = plot.output().await.unwrap();
    let [figure] = &plot.results[..] else {
        panic!("{plot:?}");
    };
    assert_eq!(plot.execution_count, Some(2), "the context is the same");
    assert!(!figure.is_main_result && plot.main_result().is_none());
    let png = figure.decode_png().unwrap().unwrap();
    assert_eq!(png, &b"\x89PNG\r\n"[..]);
}

#[tokio::test]
async fn failures_of_code_are_no_errors_of_the_call() {
    let emulator = emulator();
    let sandbox = notebook(&emulator).await;
    let run = sandbox.interpreter().run("fail()").output().await.unwrap();
    let error = run.error.unwrap();
    assert_eq!(
        (error.to_string().as_str(), run.stderr.as_str()),
        ("ValueError: no", "careful\n")
    );
    assert_eq!(
        error.traceback.as_deref(),
        Some("Traceback (most recent call last)")
    );
    let unknown = sandbox.interpreter().run("x").output().await.unwrap();
    assert!(unknown.error.unwrap().value.contains("on_code"));

    let unsupported = sandbox
        .interpreter()
        .run("x")
        .language("cobol")
        .output()
        .await;
    let unsupported = unsupported.unwrap_err();
    assert_eq!(
        unsupported.status().map(|status| status.as_u16()),
        Some(400),
        "{unsupported}"
    );
    assert!(unsupported.to_string().contains("cobol"), "{unsupported}");
    let missing = sandbox
        .interpreter()
        .run("x")
        .context("none")
        .output()
        .await
        .unwrap_err();
    assert!(missing.is_not_found(), "{missing}");
}

#[tokio::test]
async fn events_of_a_run_arrive_with_the_time_of_the_emulator() {
    let emulator = emulator();
    let sandbox = notebook(&emulator).await;
    let now = emulator.clock().now();
    let mut events = sandbox.interpreter().run("fail()").stream().await.unwrap();
    let mut seen = Vec::new();
    while let Some(event) = events.try_next().await.unwrap() {
        seen.push(match event {
            ExecutionEvent::ExecutionCount(count) => format!("count {count}"),
            ExecutionEvent::Stderr(printed) => {
                assert_eq!(printed.timestamp.as_ref(), Some(&now));
                format!("stderr {}", printed.text)
            }
            ExecutionEvent::Error(error) => error.name,
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(seen, ["count 1", "stderr careful\n", "ValueError"]);
}

#[tokio::test]
async fn contexts_are_created_restarted_and_deleted() {
    let emulator = emulator();
    let sandbox = notebook(&emulator).await;
    let interpreter = sandbox.interpreter();
    let python = interpreter
        .create_context(&ContextOptions::new())
        .await
        .unwrap();
    let options = ContextOptions::new().language("js").cwd("/tmp");
    let script = interpreter.create_context(&options).await.unwrap();
    assert_eq!(python.language.as_deref(), Some("python"));
    assert_eq!(
        (script.language.as_deref(), script.cwd.as_deref()),
        (Some("javascript"), Some("/tmp"))
    );
    assert_eq!(
        interpreter.contexts().await.unwrap(),
        [python.clone(), script.clone()]
    );
    let count = async |id: &str| {
        let run = interpreter.run("import plot").context(id).output().await;
        run.unwrap().execution_count.unwrap()
    };
    assert_eq!((count(&python.id).await, count(&python.id).await), (1, 2));
    assert_eq!(count(&script.id).await, 1);
    interpreter.restart_context(&python.id).await.unwrap();
    assert_eq!(count(&python.id).await, 1);
    interpreter.delete_context(&script.id).await.unwrap();
    assert_eq!(interpreter.contexts().await.unwrap(), [python]);
    let gone = interpreter.restart_context(&script.id).await.unwrap_err();
    assert!(gone.is_not_found(), "{gone}");
}

#[tokio::test]
async fn a_run_whose_context_is_deleted_is_truncated() {
    let emulator = emulator();
    let sandbox = notebook(&emulator).await;
    let interpreter = sandbox.interpreter();
    let mut events = interpreter.run("slow()").stream().await.unwrap();
    for _ in 0..2 {
        assert!(events.try_next().await.unwrap().is_some());
    }
    let contexts = interpreter.contexts().await.unwrap();
    interpreter.delete_context(&contexts[0].id).await.unwrap();
    let ended = async {
        loop {
            match events.try_next().await {
                Ok(Some(_)) => {}
                ended => return ended,
            }
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .unwrap();
    assert!(ended.unwrap_err().is_truncated());
}

#[tokio::test]
async fn other_images_have_no_interpreter() {
    let emulator = emulator();
    emulator.add("sandboxes", "plain").unwrap();
    let notebook = notebook(&emulator).await;
    let plain = Sandboxes::new(offline_client(&emulator))
        .get("plain")
        .await
        .unwrap();
    assert!(notebook.interpreter().health().await.unwrap());
    let error = plain.interpreter().run("x").output().await.unwrap_err();
    assert_eq!(
        error.status().map(|status| status.as_u16()),
        Some(502),
        "{error}"
    );
}
