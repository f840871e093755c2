//! Logs of workloads: a function of the seed, the workload, the minute, its events and the
//! executions of jobs. Nothing is stored.

use std::ops::Range;
use std::time::Duration;

use crate::sign::Key;
use crate::state::{
    Collection, Document, EXECUTIONS, IMAGES, JOBS, Kind, OpenStore, Record, execution, image,
    member, rule, status,
};

const MINUTE: u64 = 60;
/// The number of minutes, out of 256, that have a log line.
const MINUTES_WITH_LINE: u8 = 96;

/// The severity of a line, with the names and numbers of OpenTelemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    Unknown,
    Trace,
    Debug,
    Info,
    Warning,
    Error,
    Fatal,
}

impl Severity {
    pub(crate) const ALL: [(&str, Self); 7] = [
        ("UNKNOWN", Self::Unknown),
        ("TRACE", Self::Trace),
        ("DEBUG", Self::Debug),
        ("INFO", Self::Info),
        ("WARNING", Self::Warning),
        ("ERROR", Self::Error),
        ("FATAL", Self::Fatal),
    ];

    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Trace => 1,
            Self::Debug => 5,
            Self::Info => 9,
            Self::Warning => 13,
            Self::Error => 17,
            Self::Fatal => 21,
        }
    }
}

/// The messages of a workload in normal operation, before and after a number. The first entries are
/// the most frequent.
const MESSAGES: [(Severity, &str, &str); 8] = [
    (Severity::Info, "A request was answered in ", " ms."),
    (Severity::Info, "A session was opened; there are ", " now."),
    (Severity::Debug, "The cache has ", " entries."),
    (Severity::Info, "Stored ", " bytes."),
    (Severity::Unknown, "tick ", ""),
    (Severity::Warning, "A request took ", " ms, which is long."),
    (Severity::Trace, "Step ", " was entered."),
    (
        Severity::Error,
        "Try ",
        " failed: the connection was reset.",
    ),
];

/// The messages of a build's steps, and the number of parts that the time of a build has.
const BUILD_STEPS: [&str; 3] = [
    "#1 The archive is unpacked.",
    "#2 The base image is read.",
    "#3 The steps of the Dockerfile are run.",
];
const BUILD_PARTS: u32 = 4;

/// A line of a log.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The time since 1970-01-01T00:00:00Z.
    pub(crate) at: Duration,
    pub(crate) severity: Severity,
    pub(crate) message: String,
    pub(crate) trace: Option<String>,
    /// The execution and the task that wrote the line.
    pub(crate) task: Option<(String, String)>,
}

impl Line {
    fn new(at: Duration, severity: Severity, message: String) -> Self {
        Self {
            at,
            severity,
            message,
            trace: None,
            task: None,
        }
    }
}

/// Returns the lines of a workload in a range of time, newest first. The future has none.
pub(crate) fn lines(
    store: &OpenStore,
    seed: u64,
    kind: &'static Kind,
    workload: &Record,
    window: &Range<Duration>,
) -> Vec<Line> {
    let mut lines = states(store, kind.noun, &workload.name, workload);
    lines.extend(builds(store, workload));
    if kind.path == JOBS.path {
        lines.extend(executions(store, workload));
    } else {
        lines.extend(messages(seed, kind, workload, window, store.now()));
    }
    within(store, window, lines)
}

/// Returns the lines of an image's builds in a range of time, newest first.
pub(crate) fn image_lines(
    store: &OpenStore,
    image: &Record,
    window: &Range<Duration>,
) -> Vec<Line> {
    let (name, _) = image::parts(image);
    let mut lines = states(store, IMAGES.noun, name, image);
    lines.extend(builds(store, image));
    within(store, window, lines)
}

/// Returns the lines in a range of time, newest first. The future has none.
fn within(store: &OpenStore, window: &Range<Duration>, mut lines: Vec<Line>) -> Vec<Line> {
    lines.retain(|line| window.contains(&line.at) && line.at <= store.now());
    // Of lines of the same time, the one that was written last comes first.
    lines.sort_by_key(|line| line.at);
    lines.reverse();
    lines
}

/// Returns the lines that the steps of builds write, spread over the time of each build.
fn builds(store: &OpenStore, record: &Record) -> Vec<Line> {
    let events = record.timeline.events(store.now());
    let begins = events
        .iter()
        .filter(|event| event.status == status::BUILDING);
    let lasts = store.setting().build_time;
    let steps = begins.flat_map(|begin| {
        (0u32..).zip(BUILD_STEPS).map(move |(number, message)| {
            let part = lasts.saturating_mul(number) / BUILD_PARTS;
            let at = begin.at.saturating_add(part);
            Line::new(at, Severity::Unknown, message.to_owned())
        })
    });
    steps.collect()
}

/// Returns a line for each event of a workload or image.
fn states(store: &OpenStore, noun: &str, name: &str, workload: &Record) -> Vec<Line> {
    let events = workload.timeline.events(store.now());
    let lines = events.iter().map(|event| {
        let severity = match event.status {
            status::FAILED => Severity::Error,
            _ => Severity::Info,
        };
        Line::new(
            event.at,
            severity,
            format!("{noun} {name}: {}", event.message),
        )
    });
    lines.collect()
}

/// Returns the lines of normal operation, while the workload was deployed.
fn messages(
    seed: u64,
    kind: &Kind,
    workload: &Record,
    window: &Range<Duration>,
    now: Duration,
) -> Vec<Line> {
    let key = Key::derive("log", &[&seed.to_string(), kind.path, &workload.name]);
    let first = window.start.max(workload.created).as_secs() / MINUTE;
    let last = window.end.min(now).as_secs() / MINUTE;
    let line = |minute: u64| {
        let noise = key.sign(&minute.to_be_bytes());
        let [dice, millis, entry, other, number, ..] = noise;
        let at = minute * MINUTE * 1000 + u64::from(millis) * 200;
        let at = Duration::from_millis(at);
        if dice >= MINUTES_WITH_LINE || at < workload.created {
            return None;
        }
        if workload.timeline.status(at) != Some(status::DEPLOYED) {
            return None;
        }
        let entry = usize::from(entry.min(other)) * MESSAGES.len() / 256;
        let (severity, before, after) = MESSAGES.get(entry)?;
        let mut line = Line::new(at, *severity, format!("{before}{number}{after}"));
        let trace = noise.iter().skip(16);
        line.trace = Some(trace.map(|byte| format!("{byte:02x}")).collect());
        Some(line)
    };
    (first..=last).filter_map(line).collect()
}

/// Returns a line for the start and the end of each task of a job.
fn executions(store: &OpenStore, job: &Record) -> Vec<Line> {
    let collection = Collection::under(&EXECUTIONS, vec![job.name.clone()]);
    let mut lines = Vec::new();
    for execution in store.all(&collection) {
        for task in execution::tasks(execution, store.now()) {
            lines.extend(of_task(&execution.name, &task));
        }
    }
    lines
}

fn of_task(execution: &str, task: &Document) -> impl Iterator<Item = Line> {
    let text = |path: &str| member::text(task, path).unwrap_or_default().to_owned();
    let (name, state) = (text("metadata/name"), text("status"));
    let severity = match state.as_str() {
        "failed" => Severity::Error,
        _ => Severity::Info,
    };
    let events = [
        ("metadata/startedAt", Severity::Info, "began".to_owned()),
        ("metadata/completedAt", severity, format!("ended: {state}")),
    ];
    let lines = events.map(|(path, severity, what)| {
        let at = rule::moment(&text(path))?;
        let mut line = Line::new(at, severity, format!("The task {name} {what}."));
        line.task = Some((execution.to_owned(), name.clone()));
        Some(line)
    });
    lines.into_iter().flatten()
}
