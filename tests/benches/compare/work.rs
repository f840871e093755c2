//! The rows of the benchmark, and the loop that measures one.

use std::time::Duration;

use super::measure::Measure;

/// The name of the agent, and the number of agents of a page.
pub const AGENT: &str = "support-assistant";
pub const PAGE: u32 = 50;
/// The image of the agent that is created.
pub const IMAGE: &str = "agent/support-assistant:6d1f0c2b9a54";
/// The input of the agent that is called.
pub const QUESTION: &str = "Where is my parcel?";

/// Calls of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    Get,
    GetAtOnce,
    List,
    Create,
    Invoke,
}

impl Row {
    pub const ALL: [Self; 5] = [
        Self::Get,
        Self::GetAtOnce,
        Self::List,
        Self::Create,
        Self::Invoke,
    ];

    /// Returns the name used in figures and arguments.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::GetAtOnce => "get-64",
            Self::List => "list",
            Self::Create => "create",
            Self::Invoke => "invoke",
        }
    }

    fn at_once(self) -> usize {
        match self {
            Self::GetAtOnce => 64,
            _ => 1,
        }
    }
}

/// The work of a client: calls, again and again until the time is over.
pub struct Task {
    pub row: Row,
    /// The number of calls of a repetition, a multiple of those that are made at once.
    pub calls: usize,
    pub time: Duration,
}

impl Task {
    /// Reads the arguments of a client.
    pub fn parse(words: &[&str]) -> Self {
        let [row, calls, seconds] = words else {
            panic!("expected a row, a number of calls and seconds");
        };
        let named = |known: &Row| known.name() == *row;
        let seconds = seconds.parse().expect("a number of seconds");
        Self {
            row: Row::ALL.into_iter().find(named).expect("a row"),
            calls: calls.parse().expect("a number of calls"),
            time: Duration::from_secs_f64(seconds),
        }
    }

    /// Returns the arguments of a client.
    pub fn arguments(&self) -> [String; 3] {
        let seconds = self.time.as_secs_f64().to_string();
        let (row, calls) = (self.row.name().to_owned(), self.calls.to_string());
        [row, calls, seconds]
    }

    /// Makes the calls with a client and measures them, after a warm-up of the same duration.
    pub async fn measure(&self, caller: impl Caller) -> Measure {
        self.repeat(&caller).await;
        self.repeat(&caller).await
    }

    async fn repeat(&self, caller: &impl Caller) -> Measure {
        let mut measure = Measure::start();
        loop {
            self.make_calls(caller).await;
            measure.lap();
            if measure.report().total() >= self.time.as_secs_f64() {
                return measure;
            }
        }
    }

    async fn make_calls(&self, caller: &impl Caller) {
        let (row, at_once) = (self.row, self.row.at_once());
        let each = self.calls / at_once;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..at_once {
            let caller = caller.clone();
            tasks.spawn(async move {
                for _ in 0..each {
                    caller.call(row).await;
                }
            });
        }
        tasks.join_all().await;
    }
}

/// A client that makes a call of each kind, and checks what it returns.
pub trait Caller: Clone + Send + Sync + 'static {
    fn call(&self, row: Row) -> impl Future<Output = ()> + Send;
}
