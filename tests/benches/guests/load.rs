//! Mixed calls of many connections for a while.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::api::Api;
use super::emulator::cpu_seconds;
use super::figures::quantile;
use super::mix::{Caller, OPERATIONS, run_processes, serve_files};
use super::process::runtime;
use super::serve::memory;

pub struct Load {
    pub connections: usize,
    pub sandboxes: usize,
    /// The processes that have ended in each sandbox before.
    pub ended: usize,
    pub seconds: f64,
}

#[derive(Default, Serialize, Deserialize)]
pub struct Loaded {
    pub calls: usize,
    pub seconds: f64,
    pub errors: usize,
    pub first_error: Option<String>,
    /// The processor time of the emulator.
    pub cpu: f64,
    /// The memory of the emulator after a quarter of the time and at the end, in MiB.
    pub memory: [f64; 2],
    /// The median and the 99th percentile in seconds by operation, and of `all`.
    pub quantiles: BTreeMap<String, [f64; 2]>,
}

/// The times of one connection by operation.
struct Times {
    seconds: [Vec<f64>; OPERATIONS.len()],
    errors: Vec<String>,
}

impl Load {
    pub fn parse(words: &[&str]) -> Self {
        let number = |index: usize| words[index].parse().expect("a number");
        Self {
            connections: number(0),
            sandboxes: number(1),
            ended: number(2),
            seconds: words[3].parse().expect("a number"),
        }
    }

    pub fn words(&self) -> [String; 4] {
        let numbers = [self.connections, self.sandboxes, self.ended];
        let [connections, sandboxes, ended] = numbers.map(|number| number.to_string());
        [connections, sandboxes, ended, self.seconds.to_string()]
    }
}

pub fn run(load: &Load) -> Loaded {
    runtime().block_on(async {
        let pid = std::env::var("BENCH_PID").expect("BENCH_PID");
        let callers = prepare(load).await;
        let (started, cpu) = (Instant::now(), cpu_seconds(&pid));
        let whole = Duration::from_secs_f64(load.seconds);
        let tasks: Vec<_> = callers
            .into_iter()
            .enumerate()
            .map(|(number, caller)| tokio::spawn(call_until(started + whole, caller, number)))
            .collect();
        tokio::time::sleep(whole / 4).await;
        let quarter = memory(&pid);
        tokio::time::sleep_until((started + whole).into()).await;
        let end = memory(&pid);
        let mut times = Vec::new();
        for task in tasks {
            times.push(task.await.expect("a connection"));
        }
        let mut loaded = summary(times);
        loaded.seconds = started.elapsed().as_secs_f64();
        loaded.cpu = cpu_seconds(&pid) - cpu;
        loaded.memory = [quarter, end];
        loaded
    })
}

/// Creates the sandboxes and what is in them.
async fn prepare(load: &Load) -> Vec<Caller> {
    let api = Api::from_env();
    let tasks = (0..load.sandboxes).map(|number| {
        let (api, ended) = (api.clone(), load.ended);
        tokio::spawn(async move {
            let sandbox = format!("load-{number}");
            let mut connection = api.connect().await;
            connection.create_sandbox(&sandbox).await;
            run_processes(&mut connection, &sandbox, ended).await;
            serve_files(&mut connection, &sandbox).await;
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("a sandbox");
    }
    let mut callers = Vec::new();
    for number in 0..load.connections {
        let connection = api.connect().await;
        let sandbox = format!("load-{}", number % load.sandboxes);
        callers.push(Caller::new(connection, &sandbox, number).await);
    }
    callers
}

/// Calls one operation after the other until a time.
async fn call_until(end: Instant, mut caller: Caller, number: usize) -> Times {
    let mut times = Times {
        seconds: Default::default(),
        errors: Vec::new(),
    };
    // The others need what these two leave.
    for operation in ["exec", "write"] {
        times.errors.extend(caller.call(operation).await.err());
    }
    // Not all connections call the same operation at the same time.
    for index in (0..OPERATIONS.len()).cycle().skip(number) {
        let called = Instant::now();
        if called >= end {
            break;
        }
        let outcome = caller.call(OPERATIONS[index]).await;
        times.seconds[index].push(called.elapsed().as_secs_f64());
        times.errors.extend(outcome.err());
    }
    times
}

fn summary(times: Vec<Times>) -> Loaded {
    let mut loaded = Loaded::default();
    let mut all: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for times in times {
        for (operation, seconds) in OPERATIONS.iter().zip(&times.seconds) {
            loaded.calls += seconds.len();
            all.entry(operation).or_default().extend(seconds);
            all.entry("all").or_default().extend(seconds);
        }
        loaded.errors += times.errors.len();
        loaded.first_error = loaded.first_error.or(times.errors.into_iter().next());
    }
    for (operation, mut seconds) in all {
        seconds.sort_unstable_by(f64::total_cmp);
        let quantiles = [quantile(&seconds, 0.5), quantile(&seconds, 0.99)];
        loaded.quantiles.insert(operation.to_owned(), quantiles);
    }
    loaded
}
