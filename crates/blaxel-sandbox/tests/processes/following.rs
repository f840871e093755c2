//! Following a process: gaps, back-pressure, unknown processes, outages.

use std::time::Duration;

use blaxel_sandbox::process::{Event, Events, Gap, GapReason};
use futures_util::StreamExt;
use tokio::time::{Instant, sleep, timeout};

use crate::sim::{Age, Fault, Program, Sim};

async fn all<S: blaxel_core::HttpService>(events: &mut Events<S>) -> Vec<Event> {
    let mut all = Vec::new();
    while let Some(event) = events.try_next().await.unwrap() {
        all.push(event);
    }
    all
}

fn reasons(events: &[Event]) -> Vec<GapReason> {
    let gap = |event: &Event| match event {
        Event::Gap(Gap { reason, .. }) => Some(reason.clone()),
        _ => None,
    };
    events.iter().filter_map(gap).collect()
}

#[tokio::test(start_paused = true)]
async fn the_events_of_a_process_end_with_its_exit() {
    let program = Program::default()
        .stdout(5, "a")
        .stderr(10, "b")
        .exit(20, 1);
    let sim = Sim::new(Age::New, program);
    let mut child = sim.sandbox().command("x").spawn().await.unwrap();
    let events = all(child.events()).await;
    assert!(
        matches!(&events[..], [Event::Stdout(a), Event::Stderr(b), Event::Exited(exit)]
        if a == "a" && b == "b" && exit.code() == Some(1)),
        "{events:?}"
    );
    assert!(child.events().try_next().await.unwrap().is_none());

    let mut stream = std::pin::pin!(child.process().follow());
    assert_eq!(stream.next().await.unwrap().unwrap(), events[0]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_future_loses_no_event() {
    let program = (0..50).fold(Program::default(), |program, at| {
        program.stdout(at * 7, [at as u8])
    });
    let sim = Sim::new(Age::New, program.exit(400, 0));
    let mut child = sim.sandbox().command("x").spawn().await.unwrap();
    let mut bytes = Vec::new();
    loop {
        match timeout(Duration::from_millis(3), child.events().try_next()).await {
            Err(_) => {}
            Ok(Ok(Some(Event::Stdout(chunk)))) => bytes.extend_from_slice(&chunk),
            Ok(Ok(Some(Event::Exited(_)))) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(bytes, (0..50).collect::<Vec<u8>>());
    assert_eq!(sim.calls("StreamProcessLogs"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_holds_the_server_back() {
    let program = (0..1000).fold(Program::default(), |program, _| {
        program.stdout(0, [b'x'; 4096])
    });
    let sim = Sim::new(Age::New, program.exit(0, 0));
    let mut child = sim.sandbox().command("x").spawn().await.unwrap();
    for _ in 0..3 {
        child.events().try_next().await.unwrap();
        sleep(Duration::from_secs(60)).await;
    }
    assert!(sim.state().streamed < 10 * 5000, "{}", sim.state().streamed);
}

#[tokio::test(start_paused = true)]
async fn output_that_the_server_has_dropped_is_a_gap() {
    let program = Program::default()
        .stdout(0, "a")
        .stdout(0, "b")
        .stdout(0, "c")
        .exit(10, 0);
    let sim = Sim::new(Age::New, program);
    sim.state().kept_writes = 2;
    sim.start("x");
    let mut events = sim.sandbox().process("x").follow();
    let all = all(&mut events).await;
    assert_eq!(reasons(&all), [GapReason::Dropped]);
    assert_eq!(all.len(), 4);
    assert!(events.position().inexact);
    let output = sim
        .sandbox()
        .command("x")
        .spawn()
        .await
        .unwrap()
        .wait_with_output()
        .await;
    let output = output.unwrap();
    assert!(output.lossy && output.stdout == "bc", "{output:?}");
}

#[tokio::test(start_paused = true)]
async fn a_position_before_the_servers_history_is_a_gap() {
    let program = Program::default()
        .stdout(0, "aaaa")
        .stdout(5, "b")
        .stdout(10, "c")
        .exit(20, 0);
    let sim = Sim::new(Age::New, program);
    sim.start("x");
    let process = sim.sandbox().process("x");
    let mut events = process.follow();
    assert_eq!(
        events.try_next().await.unwrap(),
        Some(Event::Stdout("aaaa".into()))
    );
    let position = events.position();
    sleep(Duration::from_secs(1)).await;
    sim.state().kept_writes = 1;
    let rest = all(&mut process.follow_from(position)).await;
    assert_eq!(reasons(&rest), [GapReason::Unaligned]);
    assert!(rest.contains(&Event::Stdout("c".into())));
}

#[tokio::test(start_paused = true)]
async fn the_text_form_is_announced_as_inexact() {
    let sim = Sim::new(
        Age::Old,
        Program::default()
            .stdout(0, "a\n")
            .stderr(5, "b\n")
            .exit(10, 0),
    );
    sim.start("x");
    let events = all(&mut sim.sandbox().process("x").follow()).await;
    assert_eq!(reasons(&events), [GapReason::TextForm]);
    assert!(
        events.contains(&Event::Stdout("a\n".into()))
            && events.contains(&Event::Stderr("b\n".into()))
    );
}

#[tokio::test(start_paused = true)]
async fn a_process_that_the_server_has_forgotten_is_an_error() {
    let sim = Sim::new(Age::New, Program::default().stdout(0, "a"));
    let mut child = sim.sandbox().command("x").spawn().await.unwrap();
    child.events().try_next().await.unwrap();
    sim.forget();
    let name = child.name().to_owned();
    let waited = child.wait().await.unwrap_err();
    for error in [child.events().try_next().await.unwrap_err(), waited] {
        assert!(
            error.is_not_found() && error.to_string().contains(&name),
            "{error}"
        );
    }
    assert!(child.events().try_next().await.unwrap().is_none());
    assert!(
        sim.sandbox()
            .process("y")
            .follow()
            .try_next()
            .await
            .unwrap_err()
            .is_not_found()
    );
}

#[tokio::test(start_paused = true)]
async fn an_outage_without_end_is_an_error_after_minutes() {
    let mut sim = Sim::new(Age::New, Program::default());
    for _ in 0..200 {
        for operation in ["GetProcess", "StreamProcessLogs", "WaitForProcess"] {
            sim = sim.with_fault(operation, Fault::Html(502));
        }
    }
    let mut child = sim.sandbox().command("x").spawn().await.unwrap();
    let name = child.name().to_owned();
    for attempt in 0..2 {
        let start = Instant::now();
        let error = match attempt {
            0 => child.wait().await.unwrap_err(),
            _ => child.events().try_next().await.unwrap_err(),
        };
        assert!(
            error.is_transient() && error.to_string().contains(&name),
            "{error}"
        );
        let minutes = start.elapsed().as_secs() / 60;
        assert!((4..7).contains(&minutes), "{minutes}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_survives_failures() {
    let mut sim = Sim::new(Age::New, Program::exiting(0).exit(20_000, 2));
    for fault in [
        Fault::Html(502),
        Fault::LostResponse,
        Fault::NotSent,
        Fault::Cut {
            bytes: 3,
            clean: true,
        },
        Fault::Cut {
            bytes: 3,
            clean: false,
        },
        Fault::Html(200),
    ] {
        sim = sim.with_fault("WaitForProcess", fault);
    }
    let mut child = sim.sandbox().command("x").spawn().await.unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(2));
}
