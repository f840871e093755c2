//! Promise: whatever fails, in whatever order, no request that must not be repeated is processed
//! twice, and each error reports correctly whether its request was processed.
//!
//! Thousands of random scripts of faults run against random calls. A failure prints the seed and
//! the smallest script that still fails. Two variables change a run: `BLAXEL_FAULT_SEED` sets the
//! seed, and `BLAXEL_FAULT_SCRIPTS` the number of scripts.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use blaxel_core::{Delivery, Error, Plane};
use blaxel_tests::fault::calls::{Kind, call};
use blaxel_tests::fault::{Code, Fault, FaultServer, Journal, Protocol, Wait, quick_policy};
use blaxel_transport::{HyperTransport, TimeLimits};

/// Default number of scripts.
const SCRIPTS: u64 = 10_000;
/// Number of scripts that run concurrently.
const AT_ONCE: usize = 64;
/// Maximum number of attempts of a call.
const ATTEMPTS: usize = 3;

/// Every fault; the slow ones once, and some of the others several times.
const FAULTS: &[Fault] = &[
    Fault::Refuse,
    Fault::Refuse,
    Fault::ResetOnAccept,
    Fault::AcceptAndClose,
    Fault::CloseAfterHead,
    Fault::CloseAfterHead,
    Fault::CloseAfterRequest,
    Fault::CloseAfterRequest,
    Fault::ResetAfterRequest,
    Fault::CloseAfterResponseHead,
    Fault::CloseMidBody,
    Fault::LengthTooLong,
    Fault::LengthTooShort,
    Fault::TruncatedChunks,
    Fault::GzipBomb,
    Fault::NoResponse,
    Fault::Trickle(1),
    Fault::Interim,
    Fault::NoContent,
    Fault::RefusedStream,
    Fault::RefusedStream,
    Fault::StreamReset(Code::Internal),
    Fault::StreamReset(Code::Calm),
    Fault::GoAwayBefore(Code::NoError),
    Fault::GoAwayBefore(Code::NoError),
    Fault::GoAwayBefore(Code::Calm),
    Fault::GoAwayAfter(Code::NoError),
    Fault::GoAwayAfter(Code::Internal),
    Fault::GoAwayAfter(Code::Calm),
    Fault::IdleClose,
    Fault::IdleClose,
    Fault::IdleLost,
    Fault::IdleLost,
    Fault::Status(404),
    Fault::Status(408),
    Fault::Status(409),
    Fault::Status(425),
    Fault::Status(500),
    Fault::Status(502),
    Fault::Status(503),
    Fault::Html(502),
    Fault::Html(504),
    Fault::TooManyRequests(Wait::NoHeader),
    Fault::TooManyRequests(Wait::Millis(3)),
    Fault::TooManyRequests(Wait::Seconds(0)),
    Fault::TooManyRequests(Wait::Date(0)),
    Fault::TooManyRequests(Wait::TooLarge),
    Fault::TooManyRequests(Wait::Malformed),
    Fault::GatewayUnavailable,
    Fault::Gateway(500, true),
    Fault::Gateway(503, false),
    Fault::AppError(404),
    Fault::AppError(429),
    Fault::AppError(503),
    Fault::ShouldRetry(500, true),
    Fault::ShouldRetry(503, false),
];

/// The faults of a server, and the calls that are made one after the other.
#[derive(Clone, Debug)]
struct Script {
    protocol: Protocol,
    faults: Vec<Fault>,
    calls: Vec<(Kind, Plane)>,
}

/// The random number generator SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn choose<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

impl Script {
    /// Returns script `number` of a seed: the same one every time.
    fn generate(seed: u64, number: u64) -> Self {
        let mut random = Random(seed ^ number.wrapping_mul(0xD605_BBB5_8C8A_BBFD));
        let protocol = random.choose(&Protocol::ALL);
        let calls = 1 + random.below(3);
        let faults = 1 + random.below(5);
        Self {
            protocol,
            faults: (0..faults)
                .map(|_| {
                    loop {
                        let fault = random.choose(FAULTS);
                        if fault.exists_in(protocol) {
                            break fault;
                        }
                    }
                })
                .collect(),
            calls: (0..calls)
                .map(|_| {
                    (
                        random.choose(&Kind::ALL),
                        random.choose(&[Plane::Control, Plane::Run]),
                    )
                })
                .collect(),
        }
    }

    /// Runs the script. Returns a description of the promise that was broken, if any.
    async fn run(&self, transport: &Transports) -> Result<(), String> {
        let transport = transport.speaking(self.protocol);
        let server = FaultServer::start(self.protocol, &self.faults).await;
        let mut limits = TimeLimits::default();
        limits.response_headers = Duration::from_millis(250);
        limits.idle = Duration::from_millis(250);
        let client = server.client_with(transport.clone(), quick_policy(), limits);
        let mut outcomes = Vec::new();
        for (number, (kind, plane)) in self.calls.iter().enumerate() {
            let id = format!("c{number}");
            let call = call(&client, *kind, *plane, &id);
            let outcome = tokio::time::timeout(Duration::from_secs(30), call).await;
            outcomes.push((
                id,
                *kind,
                outcome.map_err(|_| format!("call {number} hangs"))?,
            ));
        }
        // Whatever happened before, this call succeeds: no dead connection is left in the pool. The
        // limits are the defaults, so that a slow machine does not look like a failing client.
        server.clear_script();
        let client = server.client_with(transport, quick_policy(), TimeLimits::default());
        call(&client, Kind::Get, Plane::Control, "after")
            .await
            .map_err(|error| format!("the client has not recovered: {error}"))?;
        let journal = server.journal();
        for (id, kind, outcome) in outcomes {
            check_outcome(&format!("/{id}"), kind, &outcome, &journal)
                .map_err(|problem| format!("call {id}: {problem}; its outcome: {outcome:?}"))?;
        }
        Ok(())
    }

    /// Returns the smallest script that still breaks a promise, and the description of that.
    async fn shrink(mut self, mut problem: String, transport: &Transports) -> (Self, String) {
        'smaller: loop {
            let without_fault = (0..self.faults.len()).map(|at| {
                let mut script = self.clone();
                script.faults.remove(at);
                script
            });
            let without_call = (0..self.calls.len()).map(|at| {
                let mut script = self.clone();
                script.calls.remove(at);
                script
            });
            for script in without_fault.chain(without_call).collect::<Vec<_>>() {
                // Some faults are races, so each script is tried a few times.
                for _ in 0..5 {
                    if let Err(found) = script.run(transport).await {
                        (self, problem) = (script, found);
                        continue 'smaller;
                    }
                }
            }
            return (self, problem);
        }
    }
}

/// Compares the outcome of a call with the server's record of it.
fn check_outcome(
    path: &str,
    kind: Kind,
    outcome: &Result<(), Error>,
    journal: &Journal,
) -> Result<(), String> {
    let (attempts, processed) = (journal.attempts(path), journal.processed(path));
    let held = |holds: bool, promise: &str| {
        if holds {
            Ok(())
        } else {
            Err(format!(
                "{promise} ({attempts} attempts, processed {processed} times)"
            ))
        }
    };
    held(
        processed <= 1 || kind.is_idempotent(),
        "only an idempotent request is processed more than once",
    )?;
    held(
        journal.arrived(path) <= attempts,
        "each arrival is an attempt",
    )?;
    let allowed = match kind {
        Kind::Get | Kind::Put => ATTEMPTS,
        Kind::Post | Kind::ClientNamed => 2,
        Kind::Streamed => 1,
    };
    held((1..=allowed).contains(&attempts), "attempts are bounded")?;
    match outcome {
        Ok(()) => held(processed >= 1, "a successful request was processed"),
        Err(error) => {
            held(
                error.attempts() as usize == attempts,
                "an error tells the number of attempts",
            )?;
            held(
                processed == 0 || error.delivery() != Delivery::NotSent,
                "a request reported as not sent was not processed",
            )?;
            held(
                processed == 0 || error.maybe_applied() || !kind.changes(),
                "a request reported as not applied was not processed",
            )
        }
    }
}

/// The transports that all scripts share. Each script has its own origin, and so shares no
/// connection with another.
#[derive(Clone)]
struct Transports([HyperTransport; 2]);

impl Transports {
    fn new() -> Self {
        Self(Protocol::ALL.map(Protocol::transport))
    }

    fn speaking(&self, protocol: Protocol) -> HyperTransport {
        let [http1, http2] = &self.0;
        match protocol {
            Protocol::Http1 => http1.clone(),
            Protocol::Http2 => http2.clone(),
        }
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_script_repeats_an_effect_or_makes_an_error_wrong() {
    let seed = variable("BLAXEL_FAULT_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    let scripts = variable("BLAXEL_FAULT_SCRIPTS").unwrap_or(SCRIPTS);
    println!("BLAXEL_FAULT_SEED={seed}");
    let transports = Transports::new();
    let next = Arc::new(AtomicU64::new(0));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (next, transports) = (Arc::clone(&next), transports.clone());
        workers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= scripts {
                    return None;
                }
                let script = Script::generate(seed, number);
                if let Err(problem) = script.run(&transports).await {
                    return Some((number, script, problem));
                }
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        if let Some((number, script, problem)) = worker.expect("a worker ends well") {
            let (script, problem) = script.shrink(problem, &transports).await;
            panic!(
                "BLAXEL_FAULT_SEED={seed}, script {number}, made small:\n{script:#?}\n{problem}"
            );
        }
    }
}

#[test]
fn a_seed_determines_its_scripts_and_all_faults_occur() {
    let generate = |seed| (0..2000).map(move |number| Script::generate(seed, number));
    assert!(
        generate(7)
            .zip(generate(7))
            .all(|(a, b)| format!("{a:?}") == format!("{b:?}"))
    );
    let drawn: std::collections::HashSet<_> =
        generate(7).flat_map(|script| script.faults).collect();
    assert!(FAULTS.iter().all(|fault| drawn.contains(fault)));
}
