//! Promise: a command is started exactly once, or not at all, or the error says that it is unknown.

use std::time::Duration;

use blaxel_core::Delivery;
use tokio::time::{Instant, sleep, timeout};

use crate::sim::{Age, Fault, Program, Sim};

fn sim(operation: &'static str, fault: Fault) -> Sim {
    Sim::new(Age::New, Program::default().stdout(0, "a").exit(10, 3)).with_fault(operation, fault)
}

#[tokio::test(start_paused = true)]
async fn a_start_whose_response_is_lost_is_found_by_its_name() {
    for fault in [
        Fault::LostResponse,
        Fault::Cut {
            bytes: 5,
            clean: false,
        },
        Fault::Cut {
            bytes: 0,
            clean: true,
        },
    ] {
        let named = sim("ExecuteProcess", fault);
        let output = named
            .sandbox()
            .command("x")
            .name("build")
            .output()
            .await
            .unwrap();
        assert_eq!(
            (&*output.stdout, output.status.code()),
            (&b"a"[..], Some(3)),
            "{fault:?}"
        );
        let unnamed = sim("ExecuteProcess", fault);
        assert_eq!(
            unnamed
                .sandbox()
                .command("x")
                .status()
                .await
                .unwrap()
                .code(),
            Some(3)
        );
        let spawned = sim("StartProcess", fault);
        let mut child = spawned.sandbox().command("x").spawn().await.unwrap();
        assert_eq!(child.wait().await.unwrap().code(), Some(3), "{fault:?}");
        for sim in [named, unnamed, spawned] {
            assert_eq!(sim.started().len(), 1, "{fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_not_found_may_have_happened() {
    for fault in [
        Fault::LostRequest,
        Fault::Html(502),
        Fault::Html(503),
        Fault::Html(504),
    ] {
        for operation in ["ExecuteProcess", "StartProcess"] {
            let sim = sim(operation, fault);
            let command = sim.sandbox().command("x");
            let name = command.reference().process;
            let start = Instant::now();
            let error = match operation {
                "StartProcess" => command.spawn().await.unwrap_err(),
                _ => command.output().await.unwrap_err(),
            };
            assert!(
                error.maybe_applied() && error.to_string().contains(&name),
                "{fault:?} {error}"
            );
            assert!(sim.started().is_empty());
            let searched = start.elapsed();
            assert!(
                (Duration::from_secs(3)..Duration::from_secs(10)).contains(&searched),
                "{searched:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_was_not_sent_is_an_error_at_once() {
    let sim = sim("ExecuteProcess", Fault::NotSent);
    let error = sim.sandbox().command("x").output().await.unwrap_err();
    assert_eq!(
        (error.delivery(), error.maybe_applied()),
        (Delivery::NotSent, false)
    );
    assert_eq!(sim.state().calls, ["ExecuteProcess"]);
}

#[tokio::test(start_paused = true)]
async fn the_search_for_a_start_survives_an_outage() {
    let sim = sim("ExecuteProcess", Fault::LostResponse);
    for fault in [
        Fault::Html(502),
        Fault::LostResponse,
        Fault::NotSent,
        Fault::Html(504),
    ] {
        sim.clone().with_fault("GetProcess", fault);
    }
    assert_eq!(
        sim.sandbox().command("x").output().await.unwrap().stdout,
        "a"
    );
    assert_eq!(sim.started().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_earlier_process_is_not_taken_for_the_new_one() {
    // Ended, with the same name, and even with the same command.
    let sim = Sim::new(Age::New, Program::default().stdout(0, "old").exit(0, 0));
    sim.sandbox()
        .command("x")
        .name("build")
        .status()
        .await
        .unwrap();
    let sim = sim.with_fault("ExecuteProcess", Fault::LostRequest);
    let error = sim
        .sandbox()
        .command("x")
        .name("build")
        .output()
        .await
        .unwrap_err();
    assert!(error.maybe_applied(), "{error}");
    assert_eq!(sim.started().len(), 1);

    // Running: the server refuses the second one.
    let sim = Sim::new(Age::New, Program::default());
    sim.start("build");
    let error = sim
        .sandbox()
        .command("x")
        .name("build")
        .output()
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("already exists") && !error.maybe_applied(),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn another_process_that_takes_the_name_is_noticed() {
    let sim = Sim::new(Age::New, Program::default().exit(5000, 0));
    let mut child = sim
        .sandbox()
        .command("x")
        .name("build")
        .spawn()
        .await
        .unwrap();
    child.kill().await.unwrap();
    sim.start("build");
    let error = child.wait().await.unwrap_err();
    assert!(
        error.is_not_found() && error.to_string().contains("another process"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_start_that_was_cancelled_is_killed_when_it_appears() {
    let sim = Sim::new(Age::New, Program::default()).with_fault("ExecuteProcess", Fault::Stall(0));
    let output = sim.sandbox().command("x").kill_on_drop(true).output();
    timeout(Duration::from_millis(100), output)
        .await
        .unwrap_err();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(sim.status(&sim.started()[0]), Some("killed"));
    // The first request did not arrive, and nothing else does: the search ends by itself.
    let sim =
        Sim::new(Age::New, Program::default()).with_fault("ExecuteProcess", Fault::LostRequest);
    let output = sim.sandbox().command("x").kill_on_drop(true).output();
    timeout(Duration::from_millis(100), output)
        .await
        .unwrap_err();
    sleep(Duration::from_secs(60)).await;
    let calls = sim.state().calls.len();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(sim.state().calls.len(), calls);
}
