//! Promise: for any output and any failures of connections, the output is what the process has written.

use std::time::Duration;

use blaxel_sandbox::process::{Event, Position};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::sim::{Age, Fault, Program, Sim};

/// Runs a future on a runtime whose clock does not wait.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

fn outputs() -> impl Strategy<Value = Program> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "([a-z\n\r]|[keepalive]|stdout:|é|\u{1F600}|\u{fffd}){0,10}".prop_map(String::into_bytes),
        (1..30_000_usize).prop_map(|size| vec![b'x'; size]),
        Just(b"[keepalive]\n".to_vec()),
        Just(b"[... truncated".to_vec()),
    ];
    let write = (any::<bool>(), bytes, 0..40_000_u64);
    (prop::collection::vec(write, 0..8), 0..3_i32).prop_map(|(writes, code)| {
        let (mut program, mut at) = (Program::default(), 0);
        for (to_stderr, bytes, pause) in writes {
            at += pause;
            program = if to_stderr {
                program.stderr(at, bytes)
            } else {
                program.stdout(at, bytes)
            };
        }
        program.exit(at + 1, code)
    })
}

fn faults() -> impl Strategy<Value = Vec<(&'static str, Fault)>> {
    let size = prop_oneof![0..200_usize, 0..100_000_usize];
    let fault = prop_oneof![
        4 => (size.clone(), any::<bool>()).prop_map(|(bytes, clean)| Fault::Cut { bytes, clean }),
        1 => size.prop_map(Fault::Stall),
        1 => Just(Fault::NotSent),
        1 => Just(Fault::LostResponse),
        1 => prop::sample::select(vec![502, 503, 504]).prop_map(Fault::Html),
        1 => Just(Fault::Html(200)),
    ];
    let operations = vec![
        "StreamProcessLogs",
        "StreamProcessLogs",
        "GetProcess",
        "WaitForProcess",
    ];
    let later = (prop::sample::select(operations), fault);
    let first = prop::option::of((0..100_000_usize, any::<bool>()));
    (first, prop::collection::vec(later, 0..8)).prop_map(|(first, mut later)| {
        // Connections that end early as if they were complete, one after the other, become a gap.
        let mut clean = 0;
        later.retain(|(_, fault)| {
            clean += usize::from(matches!(fault, Fault::Cut { clean: true, .. }));
            clean <= 3 || !matches!(fault, Fault::Cut { clean: true, .. })
        });
        let first = first.map(|(bytes, clean)| ("ExecuteProcess", Fault::Cut { bytes, clean }));
        first.into_iter().chain(later).collect()
    })
}

fn sim(age: Age, program: &Program, faults: &[(&'static str, Fault)], frames: &[usize]) -> Sim {
    let sim = Sim::new(age, program.clone());
    sim.state().frames = frames.to_vec();
    faults.iter().fold(sim, |sim, (operation, fault)| {
        sim.with_fault(operation, *fault)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 1 } else { 300 }))]

    #[test]
    fn output_is_what_the_process_has_written(
        program in outputs(),
        faults in faults(),
        frames in prop::collection::vec(1..9000_usize, 1..4),
    ) {
        run(async {
            let sim = sim(Age::New, &program, &faults, &frames);
            let output = sim.sandbox().command("x").output().await.unwrap();
            prop_assert!(output.stdout == program.written(false), "stdout of {} bytes", output.stdout.len());
            prop_assert!(output.stderr == program.written(true), "stderr of {} bytes", output.stderr.len());
            prop_assert_eq!(output.status.code(), program.exit.map(|(_, code)| code));
            prop_assert!(!output.lossy);
            prop_assert_eq!(sim.started().len(), 1);
            Ok(())
        })?;
    }

    #[test]
    fn events_are_resumed_at_any_position(
        program in outputs(),
        faults in faults(),
        frames in prop::collection::vec(1..9000_usize, 1..4),
        pauses in prop::collection::vec(0..5_usize, 0..6),
    ) {
        run(async {
            let sim = sim(Age::New, &program, &faults, &frames);
            let child = sim.sandbox().command("x").spawn().await.unwrap();
            let (mut written, mut exit) = ([Vec::new(), Vec::new()], None);
            let mut position = Position::default();
            for pause in pauses.into_iter().chain([usize::MAX]) {
                // As another program would, that has stored the position.
                let json = serde_json::to_string(&position).unwrap();
                position = serde_json::from_str(&json).unwrap();
                let mut events = child.process().follow_from(position);
                for _ in 0..pause {
                    match events.try_next().await.unwrap() {
                        Some(Event::Stdout(bytes)) => written[0].extend_from_slice(&bytes),
                        Some(Event::Stderr(bytes)) => written[1].extend_from_slice(&bytes),
                        Some(Event::Exited(status)) => exit = Some(status),
                        None => break,
                        other => prop_assert!(false, "{:?}", other),
                    }
                }
                position = events.position();
                prop_assert_eq!(position.stdout, written[0].len() as u64);
                prop_assert_eq!(position.stderr, written[1].len() as u64);
            }
            prop_assert!(written == [program.written(false), program.written(true)]);
            prop_assert_eq!(exit.unwrap().code(), program.exit.map(|(_, code)| code));
            Ok(())
        })?;
    }

    #[test]
    fn an_old_server_gives_exact_output_or_says_that_it_is_not(
        program in outputs(),
        faults in faults(),
        frames in prop::collection::vec(1..9000_usize, 1..4),
    ) {
        run(async {
            let sim = sim(Age::Old, &program, &faults, &frames);
            let output = sim.sandbox().command("x").output().await.unwrap();
            let exact = output.stdout == program.written(false) && output.stderr == program.written(true);
            prop_assert!(exact || output.lossy);
            let all = [program.written(false), program.written(true)];
            let is_text = all.iter().all(|bytes| {
                std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\u{fffd}') && !text.starts_with("[..."))
            });
            if is_text {
                prop_assert!(exact && !output.lossy);
            }
            prop_assert_eq!(output.status.code(), program.exit.map(|(_, code)| code));
            Ok(())
        })?;
    }
}

#[test]
fn a_cut_at_every_byte_loses_nothing() {
    let program = Program::default()
        .stdout(0, "é\n")
        .stderr(5, b"\xff\xfe")
        .stdout(10, "end")
        .exit(20, 1);
    let expected = (program.written(false), program.written(true));
    for operation in ["ExecuteProcess", "StreamProcessLogs"] {
        for bytes in 0..700 {
            for fault in [
                Fault::Cut { bytes, clean: true },
                Fault::Cut {
                    bytes,
                    clean: false,
                },
            ] {
                run(async {
                    let sim = Sim::new(Age::New, program.clone()).with_fault(operation, fault);
                    let output = sim.sandbox().command("x").output().await.unwrap();
                    assert_eq!(
                        (output.stdout.to_vec(), output.stderr.to_vec()),
                        expected,
                        "{fault:?}"
                    );
                    assert_eq!((output.status.code(), output.lossy), (Some(1), false));
                });
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_output_is_not_read_twice_after_a_clean_end() {
    let all: Vec<u8> = (0..600_000_u32).flat_map(u32::to_le_bytes).collect();
    let program = all
        .chunks(50_000)
        .fold(Program::default(), |program, chunk| {
            program.stdout(10, chunk)
        });
    let sim = Sim::new(Age::New, program.exit(1000, 0));
    let child = sim.sandbox().command("x").spawn().await.unwrap();
    assert!(child.wait_with_output().await.unwrap().stdout == all);
    assert_eq!(sim.calls("StreamProcessLogs"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_standby_in_the_middle_is_waited_out() {
    let program = Program::default()
        .stdout(0, "before ")
        .stdout(100_000, "after")
        .exit(100_001, 0);
    let mut sim = Sim::new(Age::New, program).with_fault("ExecuteProcess", Fault::Stall(50));
    for _ in 0..10 {
        sim = sim.with_fault("GetProcess", Fault::Html(502));
        sim = sim.with_fault("StreamProcessLogs", Fault::Html(503));
    }
    let start = Instant::now();
    let output = sim.sandbox().command("x").output().await.unwrap();
    assert_eq!(output.stdout, "before after");
    assert!(start.elapsed() < Duration::from_secs(200));
}
