//! Many processes that run at the same time in many sandboxes.

use std::time::Instant;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::api::{Api, Connection};
use super::process::runtime;
use super::serve::memory;

/// The connections over which the calls go.
const CONNECTIONS: usize = 16;

pub struct Many {
    pub sandboxes: usize,
    /// The processes of each sandbox.
    pub processes: usize,
}

#[derive(Serialize, Deserialize)]
pub struct Started {
    /// The time from the first sandbox to the start of the last process.
    pub start_seconds: f64,
    /// The time from the first to the last end of a process.
    pub end_seconds: f64,
    /// The growth of the emulator's memory while all processes run.
    pub mib: f64,
    /// The processes that did not end with their code.
    pub wrong: usize,
}

impl Many {
    pub fn parse(words: &[&str]) -> Self {
        let number = |index: usize| words[index].parse().expect("a number");
        Self {
            sandboxes: number(0),
            processes: number(1),
        }
    }

    pub fn words(&self) -> [String; 2] {
        [self.sandboxes.to_string(), self.processes.to_string()]
    }
}

pub fn run(many: &Many) -> Started {
    runtime().block_on(async {
        let pid = std::env::var("BENCH_PID").expect("BENCH_PID");
        let api = Api::from_env();
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(api.connect().await);
        }
        let before = memory(&pid);
        let started = Instant::now();
        let connections = on_all(many, connections, start).await.0;
        let start_seconds = started.elapsed().as_secs_f64();
        let mib = memory(&pid) - before;
        let ending = Instant::now();
        let (_, wrong) = on_all(many, connections, end).await;
        Started {
            start_seconds,
            end_seconds: ending.elapsed().as_secs_f64(),
            mib: mib.max(0.0),
            wrong,
        }
    })
}

/// Divides the sandboxes among the connections. Returns the connections and the sum of the results.
async fn on_all<F>(
    many: &Many,
    connections: Vec<Connection>,
    work: fn(Connection, Vec<usize>, usize) -> F,
) -> (Vec<Connection>, usize)
where
    F: Future<Output = (Connection, usize)> + Send + 'static,
{
    let tasks = connections
        .into_iter()
        .enumerate()
        .map(|(index, connection)| {
            let own = (index..many.sandboxes).step_by(CONNECTIONS).collect();
            tokio::spawn(work(connection, own, many.processes))
        });
    let tasks: Vec<_> = tasks.collect();
    let (mut connections, mut sum) = (Vec::new(), 0);
    for task in tasks {
        let (connection, count) = task.await.expect("a connection");
        connections.push(connection);
        sum += count;
    }
    (connections, sum)
}

fn names(sandbox: usize, process: usize) -> (String, String) {
    (format!("many-{sandbox}"), format!("process-{process}"))
}

/// Creates sandboxes, and starts processes that wait for the number with which they are to exit.
async fn start(mut connection: Connection, own: Vec<usize>, count: usize) -> (Connection, usize) {
    for sandbox in own {
        connection.create_sandbox(&names(sandbox, 0).0).await;
        for process in 0..count {
            let (sandbox, name) = names(sandbox, process);
            let command = "echo started; read code; exit $code";
            let body = json!({"command": command, "name": name, "stdin": true}).to_string();
            let started = connection.json(&sandbox, Method::POST, "/process", body);
            let started = started.await.expect("a process");
            assert_eq!(started["status"], "running", "{started}");
        }
    }
    (connection, 0)
}

/// Ends the processes, each with another code. Returns the number of those that did not.
async fn end(mut connection: Connection, own: Vec<usize>, count: usize) -> (Connection, usize) {
    let mut wrong = 0;
    for sandbox in own {
        for process in 0..count {
            let code = (sandbox + process) % 256;
            let (sandbox, name) = names(sandbox, process);
            let path = format!("/process/{name}/stdin");
            let written = connection.call(&sandbox, Method::POST, &path, format!("{code}\n"));
            written.await.expect("an open input");
            let path = format!("/process/{name}/wait?timeout=60");
            let ended = connection.json(&sandbox, Method::GET, &path, String::new());
            let ended = ended.await.expect("a process");
            let is_right = ended["exitCode"] == code && ended["stdout"] == "started\n";
            if !is_right {
                eprintln!("{sandbox}: {ended}");
            }
            wrong += usize::from(!is_right);
        }
    }
    (connection, wrong)
}
