//! Mixed requests of many connections for a while.

use std::io;
use std::time::{Duration, Instant};

use super::rate::send;
use super::requests::{AGENTS, Requests};
use super::serve::memory;
use super::wire::{Wire, place};

pub struct Load {
    pub connections: usize,
    /// The commands that have ended in the sandbox before.
    pub ended: usize,
    pub seconds: f64,
}

#[derive(Default)]
pub struct Loaded {
    pub requests: usize,
    pub errors: Vec<String>,
    /// The memory of the emulator after a quarter of the time and at the end, in MiB.
    pub memory: [f64; 2],
}

impl Load {
    /// Bears the load on the emulator of a process, whose resources are there.
    pub async fn bear(&self, requests: &Requests, pid: &str) -> Loaded {
        send(requests, "exec", self.ended, 8).await;
        let whole = Duration::from_secs_f64(self.seconds);
        let started = Instant::now();
        let tasks = (0..self.connections).map(|number| {
            let requests = requests.clone();
            tokio::spawn(async move { call_until(started + whole, &requests, number).await })
        });
        let tasks: Vec<_> = tasks.collect();
        tokio::time::sleep_until((started + whole / 4).into()).await;
        let quarter = memory(pid);
        tokio::time::sleep_until((started + whole).into()).await;
        let mut loaded = Loaded {
            memory: [quarter, memory(pid)],
            ..Loaded::default()
        };
        for task in tasks {
            let (count, error) = task.await.expect("a connection");
            loaded.requests += count;
            loaded.errors.extend(error);
        }
        loaded
    }
}

/// Calls one operation after the other until a time. Returns the number of requests, and the error
/// after which the connection gave up.
async fn call_until(end: Instant, requests: &Requests, number: usize) -> (usize, Option<String>) {
    let mut count = 0;
    let turns = async {
        let mut wire = Wire::connect(&requests.authority).await?;
        while Instant::now() < end {
            count += turn(&mut wire, requests, number).await?;
        }
        io::Result::Ok(())
    };
    let ended = turns.await;
    (count, ended.err().map(|error| error.to_string()))
}

/// Calls each operation once, and checks that the response is that of the request.
async fn turn(wire: &mut Wire, requests: &Requests, number: usize) -> io::Result<usize> {
    let created = || format!("\"new-{number}\"");
    let calls = [
        (requests.request("list", number), "{\"data\":[{".to_owned()),
        (
            requests.get(number),
            format!("\"agent-{:03}\"", number % AGENTS),
        ),
        (requests.request("create", number), created()),
        (requests.delete(number), created()),
        (
            requests.request("chat", number),
            format!("question {number}\\\""),
        ),
        (
            requests.request("exec", number),
            format!("answer {number}\\n"),
        ),
    ];
    for (request, expected) in &calls {
        let response = wire.call(request).await?;
        if place(response, expected.as_bytes()).is_none() {
            let response = String::from_utf8_lossy(response);
            return Err(io::Error::other(format!("no {expected} in {response}")));
        }
    }
    Ok(calls.len())
}
