//! The start of an emulator in a process, and the memory that it takes.

use std::time::Instant;

use blaxel_emulator::Emulator;
use http::Method;
use serde::{Deserialize, Serialize};

use super::api::{Api, Connection};
use super::process::runtime;
use super::serve::memory;

/// The emulators that are kept at the same time to divide their memory.
const KEPT: usize = 100;

/// The number of starts.
pub struct Starts(pub usize);

/// The measured times in seconds, and the memory.
#[derive(Serialize, Deserialize)]
pub struct Begun {
    /// From the start of an emulator until it serves.
    pub starts: Vec<f64>,
    /// From the start of an emulator until the first command in its first sandbox has ended.
    pub commands: Vec<f64>,
    /// The memory of the first emulator of a process, its sandbox and all that emulators share
    /// included.
    pub first_mib: f64,
    /// The memory of one more emulator with its sandbox.
    pub further_mib: f64,
    /// The memory of one more sandbox after its first command.
    pub machine_kib: f64,
}

impl Starts {
    pub fn parse(words: &[&str]) -> Self {
        Self(words[0].parse().expect("a number"))
    }

    pub fn words(&self) -> [String; 1] {
        [self.0.to_string()]
    }
}

pub fn run(starts: &Starts) -> Begun {
    runtime().block_on(async {
        let before = memory("self");
        let first = Emulator::start().await.expect("an emulator");
        let mut connection = api(&first).connect().await;
        run_command(&first, &mut connection, "first").await;
        let first_mib = memory("self") - before;

        let before = memory("self");
        for number in 1..KEPT {
            run_command(&first, &mut connection, &format!("further-{number}")).await;
        }
        let machine_kib = (memory("self") - before) * 1024.0 / (KEPT - 1) as f64;
        drop((first, connection));

        let (mut times, mut commands) = (Vec::new(), Vec::new());
        for _ in 0..starts.0 {
            let started = Instant::now();
            let emulator = Emulator::start().await.expect("an emulator");
            times.push(started.elapsed().as_secs_f64());
            let mut connection = api(&emulator).connect().await;
            run_command(&emulator, &mut connection, "first").await;
            commands.push(started.elapsed().as_secs_f64());
        }

        // Memory that the emulators above have left may be used again, so these are more than before.
        let mut kept = Vec::new();
        let mut sizes = Vec::new();
        for _ in 0..2 * KEPT {
            let emulator = Emulator::start().await.expect("an emulator");
            let mut connection = api(&emulator).connect().await;
            run_command(&emulator, &mut connection, "first").await;
            kept.push(emulator);
            sizes.push(memory("self"));
        }
        Begun {
            starts: times,
            commands,
            first_mib: first_mib.max(0.0),
            further_mib: (sizes[2 * KEPT - 1] - sizes[KEPT - 1]).max(0.0) / KEPT as f64,
            machine_kib: machine_kib.max(0.0),
        }
    })
}

fn api(emulator: &Emulator) -> Api {
    let variables = emulator.variables();
    Api::of(|name| {
        let found = variables.iter().find(|(other, _)| *other == name);
        found.expect(name).1.clone()
    })
}

/// Creates a sandbox and runs a command in it.
async fn run_command(emulator: &Emulator, connection: &mut Connection, sandbox: &str) {
    emulator.add("sandboxes", sandbox).expect("a collection");
    let body = r#"{"command": "exit 7", "waitForCompletion": true}"#.to_owned();
    let ended = connection.json(sandbox, Method::POST, "/process", body);
    let ended = ended.await.expect("a process");
    assert_eq!(ended["exitCode"], 7, "{ended}");
}
