//! The table of attacks: each row is run under its limit, and its outcome and its peak memory are
//! compared with what the row allows.

use std::fmt;
use std::future::Future;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use blaxel_core::{Delivery, Error};
use blaxel_tests::shows_credential;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// Time after which an attack on sockets counts as having made a call hang.
const HANGING: Duration = Duration::from_secs(30);
/// Virtual time beyond its limit after which an attack on a paused clock counts as such.
const HANGING_PAUSED: Duration = Duration::from_secs(600);
/// Time that an attack on sockets may take longer than its limit, on a busy machine.
const SLACK: Duration = Duration::from_secs(8);
/// Number of attacks that run at once.
const AT_ONCE: usize = 6;

/// One mebibyte.
pub(crate) const MIB: u64 = 1 << 20;

/// The end of a call, in words: kind, status, certainty and number of attempts.
#[derive(Debug)]
pub(crate) struct Outcome(String);

impl Outcome {
    /// Describes the result of a call.
    pub(crate) fn of<T>(result: Result<T, Error>) -> Self {
        match result {
            Ok(_) => "ok".into(),
            Err(error) => Self::of_error(&error),
        }
    }

    /// Describes an error, and checks that it does not show the credential.
    pub(crate) fn of_error(error: &Error) -> Self {
        let text = format!("{error} {error:?} {error:#?}");
        if shows_credential(&text) {
            return Self(format!("shows the credential: {error} {error:?}"));
        }
        let mut words = vec![match error.status() {
            Some(status) if error.api().is_some() => format!("status {}", status.as_u16()),
            _ => format!("{:?}", error.kind()).to_lowercase(),
        }];
        words.push(match error.delivery() {
            Delivery::NotSent => "not sent".to_owned(),
            Delivery::Responded => "responded".to_owned(),
            other => format!("{other:?}").to_lowercase(),
        });
        if error.maybe_applied() {
            words.push("maybe applied".to_owned());
        }
        words.push(match error.attempts() {
            1 => "1 attempt".to_owned(),
            attempts => format!("{attempts} attempts"),
        });
        Self(words.join(", "))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Outcome {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Outcome {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// The result of an attack.
pub(crate) struct Seen {
    outcome: Outcome,
    time: Duration,
    peak: u64,
    slack: Duration,
}

/// An attack that can be run, with the time after which it should end.
type Run = Box<dyn FnOnce(Duration) -> Seen + Send>;

/// One row of the table.
pub(crate) struct Attack {
    name: &'static str,
    limit: &'static str,
    time: Duration,
    outcomes: &'static [&'static str],
    memory: u64,
    run: Run,
}

impl Attack {
    /// Creates an attack. It must end within the default time with an outcome that the caller adds.
    pub(crate) fn new(name: &'static str, run: Run) -> Self {
        Self {
            name,
            limit: "",
            time: Duration::from_secs(1),
            outcomes: &[],
            memory: MIB,
            run,
        }
    }

    /// Sets the limit that stops the attack, and the time within which it does.
    pub(crate) fn limit(mut self, limit: &'static str, time: Duration) -> Self {
        (self.limit, self.time) = (limit, time);
        self
    }

    /// Sets the outcome; more than one if the attack is a race.
    pub(crate) fn outcome(mut self, outcomes: &'static [&'static str]) -> Self {
        self.outcomes = outcomes;
        self
    }

    /// Sets the maximum number of bytes that the client may hold at once. 1 MiB by default.
    pub(crate) fn memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    fn run(self) -> Line {
        let Self {
            name,
            limit,
            time,
            outcomes,
            memory,
            run,
        } = self;
        // A call that does not even yield is noticed, too.
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::Builder::new().name(name.to_owned());
        let thread = thread.spawn(move || sender.send(run(time))).unwrap();
        let Ok(seen) = receiver.recv_timeout(2 * HANGING) else {
            let problem = if thread.is_finished() {
                "it panicked"
            } else {
                "it blocks its thread"
            };
            return Line {
                cells: [name.into(), limit.into(), problem.into(), String::new()],
                problems: vec![problem.to_owned()],
            };
        };
        let mut problems = Vec::new();
        if !outcomes.contains(&seen.outcome.0.as_str()) {
            problems.push(format!("expected {outcomes:?}"));
        }
        if seen.time > time + seen.slack {
            problems.push(format!("{:?} is over {time:?}", seen.time));
        }
        if seen.peak > memory {
            problems.push(format!("over {} KiB", memory / 1024));
        }
        let time = format!("{limit} ({})", Time(time));
        let peak = format!("{} KiB", seen.peak.div_ceil(1024));
        Line {
            cells: [name.into(), time, seen.outcome.0, peak],
            problems,
        }
    }
}

/// Prints seconds or milliseconds.
struct Time(Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_millis() {
            millis @ ..1000 => write!(f, "{millis} ms"),
            millis => write!(f, "{} s", millis / 1000),
        }
    }
}

struct Line {
    cells: [String; 4],
    problems: Vec<String>,
}

/// Runs all attacks, prints the table, and fails if any row is not as it says.
pub(crate) fn run(sections: Vec<(&'static str, Vec<Attack>)>) {
    let mut lines = Vec::new();
    let queue = sections.into_iter().flat_map(|(title, attacks)| {
        let titled = move |(at, attack)| ((at == 0).then_some(title), attack);
        attacks.into_iter().enumerate().map(titled)
    });
    let queue = Mutex::new(queue.enumerate());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| {
                    let mut lines = Vec::new();
                    loop {
                        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some((number, (title, attack))) = next else {
                            return lines;
                        };
                        lines.push((number, title, attack.run()));
                    }
                })
            })
            .collect();
        for worker in workers {
            lines.extend(worker.join().expect("a worker catches what an attack does"));
        }
    });
    lines.sort_by_key(|(number, ..)| *number);
    print(&lines);
}

fn print(lines: &[(usize, Option<&str>, Line)]) {
    let titles = ["ATTACK", "LIMIT", "OUTCOME", "PEAK"].map(str::to_owned);
    let widths: [usize; 4] = std::array::from_fn(|column| {
        let cells = lines
            .iter()
            .map(|(.., line)| line.cells[column].chars().count());
        cells.chain([titles[column].len()]).max().unwrap_or(0)
    });
    let row = |cells: &[String; 4]| {
        let [attack, limit, outcome, peak] = cells;
        let [a, l, o, p] = widths;
        println!("{attack:a$}  {limit:l$}  {outcome:o$}  {peak:>p$}");
    };
    row(&titles);
    let mut failed = 0;
    for (_, title, line) in lines {
        if let Some(title) = title {
            println!("-- {title}");
        }
        row(&line.cells);
        for problem in &line.problems {
            println!("   ^ {problem}");
        }
        failed += usize::from(!line.problems.is_empty());
    }
    assert!(
        failed == 0,
        "{failed} rows of the table above are not as expected"
    );
}

/// Measures a client on a runtime of one thread, so that all of its memory is counted.
fn measure<F>(
    runtime: &Runtime,
    hanging: Duration,
    client: impl FnOnce() -> F,
) -> (Outcome, Duration, u64)
where
    F: Future<Output = Outcome>,
{
    let mut seen = None;
    let used = allocation_counter::measure(|| {
        seen = Some(runtime.block_on(async {
            let start = Instant::now();
            let outcome = timeout(hanging, client()).await;
            (
                outcome.unwrap_or_else(|_| "still waiting".into()),
                start.elapsed(),
            )
        }));
    });
    let (outcome, time) = seen.expect("the client ran");
    (outcome, time, used.bytes_max)
}

/// Returns an attack by a server, a function that gets each accepted connection, on a client that
/// gets the server's address.
pub(crate) fn on_sockets<S, SF, C, CF>(serve: S, client: C) -> Run
where
    S: Fn(TcpStream) -> SF + Send + 'static,
    SF: Future<Output = ()> + Send + 'static,
    C: FnOnce(String) -> CF + Send + 'static,
    CF: Future<Output = Outcome>,
{
    Box::new(move |_| {
        let server_runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = server_runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        server_runtime.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let _ = socket.set_nodelay(true);
                connections.spawn(serve(socket));
            }
        });
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (outcome, time, peak) = measure(&runtime, HANGING, || client(address.to_string()));
        runtime.shutdown_background();
        server_runtime.shutdown_background();
        Seen {
            outcome,
            time,
            peak,
            slack: SLACK,
        }
    })
}

/// Returns an attack without sockets, on a clock that is paused: its time is exact.
pub(crate) fn on_paused_clock<C, CF>(client: C) -> Run
where
    C: FnOnce() -> CF + Send + 'static,
    CF: Future<Output = Outcome>,
{
    Box::new(move |limit| {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let (outcome, time, peak) = measure(&runtime, limit + HANGING_PAUSED, client);
        Seen {
            outcome,
            time,
            peak,
            slack: Duration::from_millis(10),
        }
    })
}

/// Returns an attack that brings its own runtimes. Only this thread's memory is counted.
pub(crate) fn on_threads(client: impl FnOnce() -> Outcome + Send + 'static) -> Run {
    Box::new(move |_| {
        let start = std::time::Instant::now();
        let mut outcome = None;
        let used = allocation_counter::measure(|| outcome = Some(client()));
        Seen {
            outcome: outcome.expect("the client ran"),
            time: start.elapsed(),
            peak: used.bytes_max,
            slack: SLACK,
        }
    })
}

/// Counts what servers saw.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, entry: impl Into<String>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(entry.into());
    }

    pub(crate) fn entries(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
