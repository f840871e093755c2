//! Sessions start, continue and end as the protocol requires, and leave no task behind.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use blaxel_core::ErrorOrigin;
use blaxel_emulator::{Emulator, Fault};
use http::StatusCode;
use serde_json::json;
use tokio::runtime::Handle;

use crate::support::{emulator, function, until};

fn methods(emulator: &Emulator) -> Vec<String> {
    let journal = emulator.journal();
    journal.into_iter().map(|entry| entry.method).collect()
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

#[tokio::test]
async fn a_missing_function_is_an_error_of_the_gateway() {
    let error = function(&emulator(), "nobody").connect().await.unwrap_err();
    assert!(error.is_not_found() && !error.maybe_applied(), "{error}");
    assert_eq!(error.code(), Some("WORKLOAD_NOT_FOUND"));
    assert_eq!(error.api().unwrap().origin(), ErrorOrigin::Gateway);
}

#[tokio::test]
async fn a_failed_call_is_an_error_with_its_cause() {
    let emulator = emulator();
    let mcp = function(&emulator, "search").connect().await.unwrap();
    emulator
        .fault(
            "CallMcpServer",
            Fault::html(StatusCode::SERVICE_UNAVAILABLE),
            1,
        )
        .unwrap();
    let error = mcp
        .tool("echo")
        .call(&json!({"text": "a"}))
        .await
        .unwrap_err();
    assert_eq!(error.status().unwrap(), 503, "{error}");
    assert!(error.is_transient());
    // The session is still usable.
    let said = mcp.tool("echo").call(&json!({"text": "a"})).await.unwrap();
    assert_eq!(said.text(), "a");
}

#[tokio::test]
async fn connecting_outside_of_a_runtime_is_an_error_and_no_panic() {
    let emulator = emulator();
    let server = function(&emulator, "search");
    let outcome = std::thread::spawn(move || {
        let mut connecting = pin!(server.connect());
        let mut context = Context::from_waker(Waker::noop());
        matches!(
            connecting.as_mut().poll(&mut context),
            std::task::Poll::Ready(Err(error)) if error.is_input()
        )
    });
    assert!(outcome.join().unwrap());
}

#[test]
fn connecting_in_a_runtime_without_a_timer_is_an_error_and_no_panic() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let server = function(&emulator(), "search");
    let error = runtime.unwrap().block_on(server.connect()).unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("enable_time"),
        "{error}"
    );
}

#[tokio::test]
async fn a_lost_session_is_started_again_and_the_call_is_made_once() {
    let emulator = emulator();
    let mcp = function(&emulator, "search").connect().await.unwrap();
    emulator.end_mcp_sessions();
    emulator.clear_journal();
    let said = mcp
        .tool("echo")
        .call(&json!({"text": "still here"}))
        .await
        .unwrap();
    assert_eq!(said.text(), "still here");
    // The refused call, `initialize`, its notification, and the call again.
    let statuses: Vec<_> = emulator
        .journal()
        .iter()
        .map(|entry| entry.status)
        .collect();
    assert_eq!(statuses, [Some(404), Some(200), Some(202), Some(200)]);
}

#[tokio::test]
async fn a_missing_function_is_not_taken_for_a_lost_session() {
    let emulator = emulator();
    let mcp = function(&emulator, "search").connect().await.unwrap();
    emulator
        .fault(
            "CallMcpServer",
            Fault::gateway(StatusCode::NOT_FOUND, "WORKLOAD_UNAVAILABLE", true),
            1,
        )
        .unwrap();
    emulator.clear_journal();
    let error = mcp.ping().await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert_eq!(emulator.journal().len(), 1, "no new session was started");
}

#[tokio::test]
async fn closing_ends_the_session_at_the_server() {
    let emulator = emulator();
    let before = tasks();
    let mcp = function(&emulator, "search").connect().await.unwrap();
    emulator.clear_journal();
    mcp.close().await.unwrap();
    assert_eq!(methods(&emulator), ["DELETE"]);
    until("all tasks have ended", || tasks() == before).await;
}

#[tokio::test]
async fn a_session_that_cannot_be_ended_is_an_error() {
    let emulator = emulator();
    let mcp = function(&emulator, "search").connect().await.unwrap();
    emulator
        .fault(
            "CallMcpServer",
            Fault::html(StatusCode::INTERNAL_SERVER_ERROR),
            1,
        )
        .unwrap();
    let error = mcp.close().await.unwrap_err();
    assert_eq!(error.status().unwrap(), 500, "{error}");
    assert_eq!(error.operation().unwrap().name(), "EndMcpSession");
}

#[tokio::test]
async fn a_dropped_client_sends_nothing_more_and_its_tasks_end() {
    let emulator = emulator();
    let mcp = function(&emulator, "search").connect().await.unwrap();
    emulator.end_mcp_sessions();
    until("the server's tasks have ended", || tasks() <= 2).await;
    emulator.clear_journal();
    drop(mcp);
    until("all tasks have ended", || tasks() == 0).await;
    assert_eq!(methods(&emulator), [""; 0]);
}

#[tokio::test]
async fn a_cancelled_connect_leaves_nothing_behind() {
    let emulator = emulator();
    emulator
        .fault("CallMcpServer", Fault::delay(Duration::from_secs(60)), 1)
        .unwrap();
    let server = function(&emulator, "search");
    let limit = Duration::from_millis(50);
    assert!(tokio::time::timeout(limit, server.connect()).await.is_err());
    until("all tasks have ended", || tasks() == 0).await;
}

#[tokio::test]
async fn a_dropped_call_is_cancelled_at_the_server() {
    let emulator = emulator();
    let mcp = function(&emulator, "search").connect().await.unwrap();
    mcp.ping().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = tasks();
    let count = mcp.tool("count");
    let arguments = json!({"to": 100, "pauseMs": 60_000});
    let limit = Duration::from_millis(100);
    assert!(
        tokio::time::timeout(limit, count.call(&arguments))
            .await
            .is_err()
    );
    // The cancellation arrives, and the tool's work ends.
    until("the cancellation has arrived", || {
        emulator.journal().last().unwrap().status == Some(202)
    })
    .await;
    until("the work has ended", || tasks() <= before).await;
    let said = mcp
        .tool("echo")
        .call(&json!({"text": "next"}))
        .await
        .unwrap();
    assert_eq!(said.text(), "next");
}

#[tokio::test]
async fn many_calls_can_be_in_flight_at_once() {
    let emulator = emulator();
    let mcp = Arc::new(function(&emulator, "search").connect().await.unwrap());
    let calls: Vec<_> = (0..40)
        .map(|number: u32| {
            let mcp = Arc::clone(&mcp);
            tokio::spawn(async move {
                let arguments = json!({"text": number.to_string()});
                mcp.tool("echo").call(&arguments).await.unwrap().text()
            })
        })
        .collect();
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap(), number.to_string());
    }
}

#[tokio::test]
async fn a_call_interrupted_by_a_restart_is_an_error() {
    let emulator = emulator();
    let mcp = function(&emulator, "search").connect().await.unwrap();
    let count = mcp.tool("count");
    let arguments = json!({"to": 100, "pauseMs": 60_000});
    let mut counting = pin!(count.call(&arguments));
    let limit = Duration::from_millis(100);
    assert!(
        tokio::time::timeout(limit, counting.as_mut())
            .await
            .is_err()
    );
    emulator.end_mcp_sessions();
    // A call in flight fails.
    assert!(counting.await.is_err());
}

#[tokio::test]
async fn the_sessions_of_an_emulator_end_with_it() {
    let emulator = emulator();
    let mcp = function(&emulator, "search").connect().await.unwrap();
    mcp.ping().await.unwrap();
    drop(mcp);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(
        tasks() > 0,
        "the server does not know that the client is gone"
    );
    drop(emulator);
    until("all tasks have ended", || tasks() == 0).await;
}

#[tokio::test]
async fn a_listener_receives_notifications() {
    let emulator = emulator();
    let received = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&received);
    let mcp = function(&emulator, "search")
        .on_notification(move |notification| list.lock().unwrap().push(notification.method))
        .connect()
        .await
        .unwrap();
    until("the stream is open", || {
        methods(&emulator).contains(&"GET".to_owned())
    })
    .await;
    mcp.tool("announce").call(&()).await.unwrap();
    until("the notification has arrived", || {
        !received.lock().unwrap().is_empty()
    })
    .await;
    assert_eq!(
        *received.lock().unwrap(),
        ["notifications/tools/list_changed"]
    );
    mcp.close().await.unwrap();
}

#[tokio::test]
async fn without_a_listener_no_stream_is_kept_open() {
    let emulator = emulator();
    let mcp = function(&emulator, "search").connect().await.unwrap();
    mcp.tool("announce").call(&()).await.unwrap();
    mcp.close().await.unwrap();
    assert_eq!(methods(&emulator), ["POST", "POST", "POST", "DELETE"]);
}
