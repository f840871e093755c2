//! The program of a job: it reads its arguments from the platform or from the command line, and runs for many tasks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Body, CallContext, CallOptions, Delivery, Error, HttpService, Plane};
use blaxel_inference::job::{LocalRun, Program, Task};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::time::{Instant, sleep};

const URL: &str = "https://storage.example/tasks.json?X-Signature=canary";

#[derive(Debug, Deserialize, PartialEq)]
struct City {
    city: String,
    days: u32,
}

/// The response of the storage to one request.
#[derive(Clone, Copy)]
enum Reply {
    Tasks(&'static str),
    Status(u16),
    Lost,
}

/// A storage with one reply for each request, and the times of the requests.
#[derive(Clone)]
struct Storage {
    replies: &'static [Reply],
    requests: Arc<Mutex<Vec<Duration>>>,
    start: Instant,
}

impl Storage {
    fn new(replies: &'static [Reply]) -> Self {
        let start = Instant::now();
        Self {
            replies,
            requests: Arc::default(),
            start,
        }
    }

    fn service(&self) -> impl HttpService {
        let storage = self.clone();
        tower::service_fn(move |request: http::Request<Body>| {
            let storage = storage.clone();
            async move { storage.reply(&request) }
        })
    }

    fn reply(&self, request: &http::Request<Body>) -> Result<http::Response<Body>, Error> {
        let context = CallContext::of(request.extensions()).unwrap();
        assert_eq!(context.plane(), Plane::Presigned);
        assert!(!context.carries_credential());
        assert_eq!(context.options().attempts(), Some(1));
        assert_eq!(request.uri().to_string(), URL);
        let mut requests = self.requests.lock().unwrap();
        let reply = self.replies[requests.len()];
        requests.push(self.start.elapsed());
        match reply {
            Reply::Tasks(tasks) => Ok(http::Response::new(Body::from(tasks))),
            Reply::Status(status) => Ok(http::Response::builder()
                .status(status)
                .body(Body::from("no"))
                .unwrap()),
            Reply::Lost => {
                Err(Error::transport("the connection broke", "reset")
                    .with_delivery(Delivery::Unknown))
            }
        }
    }

    /// Returns the whole seconds at which requests arrived.
    fn seconds(&self) -> Vec<u64> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(Duration::as_secs).collect()
    }
}

fn in_job(name: &str) -> Option<String> {
    let value = match name {
        "BL_EXECUTION_DATA_URL" => URL,
        "BL_EXECUTION_ID" => "exec-1",
        "TASK_INDEX" => "1",
        _ => return None,
    };
    Some(value.to_owned())
}

const TASKS: Reply = Reply::Tasks(r#"{"tasks": [{}, {"city": "Oslo", "days": 3}]}"#);

#[tokio::test(start_paused = true)]
async fn in_a_job_the_arguments_are_read_from_the_storage() {
    let storage = Storage::new(&[TASKS]);
    let program = Program::new(storage.service())
        .variables(in_job)
        // In a job, the command line does not matter.
        .arguments(["--city", "Rome"]);
    let task: Task<City> = program.task().await.unwrap();
    let city = City {
        city: "Oslo".to_owned(),
        days: 3,
    };
    assert_eq!(task, Task::new(1, city).execution("exec-1"));
}

#[tokio::test(start_paused = true)]
async fn the_storage_is_asked_again_after_1_2_and_4_seconds() {
    let storage = Storage::new(&[Reply::Status(500), Reply::Status(429), Reply::Lost, TASKS]);
    let program = Program::new(storage.service()).variables(in_job);
    let task: Task<City> = program.task().await.unwrap();
    assert_eq!(task.arguments.city, "Oslo");
    assert_eq!(storage.seconds(), [0, 1, 3, 7]);

    let storage = Storage::new(&[Reply::Lost, Reply::Lost, Reply::Lost, Reply::Status(503)]);
    let program = Program::new(storage.service()).variables(in_job);
    let error = program.task::<City>().await.unwrap_err();
    assert_eq!(error.status().unwrap(), 503);
    assert_eq!(storage.seconds(), [0, 1, 3, 7]);
}

#[tokio::test(start_paused = true)]
async fn a_final_failure_is_reported_at_once_and_never_shows_the_address() {
    for reply in [
        &[Reply::Status(403)][..],
        &[Reply::Tasks("<html>")],
        &[Reply::Tasks(r#"{"tasks": [{}]}"#)],
        &[Reply::Tasks(r#"{"tasks": [{}, {"city": 1}]}"#)],
    ] {
        let storage = Storage::new(reply);
        let program = Program::new(storage.service()).variables(in_job);
        let error = program.task::<City>().await.unwrap_err();
        assert_eq!(storage.seconds(), [0], "{error}");
        assert!(
            !format!("{error} {error:?} {program:?}").contains("canary"),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn options_replace_the_single_attempt() {
    let storage = Storage::new(&[TASKS]);
    // The storage asserts that there is one attempt.
    let options = CallOptions::new()
        .with_attempts(1)
        .with_deadline(Duration::from_secs(9));
    let program = Program::new(storage.service())
        .variables(in_job)
        .options(options);
    program.task::<City>().await.unwrap();
}

#[tokio::test]
async fn an_execution_without_tasks_has_one_without_arguments() {
    for tasks in [Reply::Tasks(r#"{"tasks": []}"#), Reply::Tasks("{}")] {
        let replies: &'static [Reply] = Box::leak(Box::new([tasks]));
        let storage = Storage::new(replies);
        let first = |name: &str| match name {
            "TASK_INDEX" => Some("0".to_owned()),
            other => in_job(other),
        };
        let program = Program::new(storage.service()).variables(first);
        assert_eq!(program.task::<Value>().await.unwrap().arguments, json!({}));
    }
}

#[tokio::test]
async fn outside_of_a_job_the_command_line_has_the_arguments() {
    let storage = Storage::new(&[]);
    let program = Program::new(storage.service()).arguments(["--city", "Rome", "--days=2"]);
    let task: Task<City> = program.task().await.unwrap();
    assert_eq!((task.index, task.execution), (0, None));
    assert_eq!(
        (task.arguments.city.as_str(), task.arguments.days),
        ("Rome", 2)
    );

    let numbered = |name: &str| (name == "TASK_INDEX").then(|| "5".to_owned());
    let program = program.variables(numbered);
    assert_eq!(program.task::<City>().await.unwrap().index, 5);
    let error = program
        .arguments(["--city"])
        .task::<City>()
        .await
        .unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("days"),
        "{error}"
    );
}

#[tokio::test]
async fn a_program_returns_the_error_of_its_work() {
    let storage = Storage::new(&[]);
    let program = Program::new(storage.service()).arguments(["--city", "Rome"]);
    let work = async |task: Task<Value>| -> Result<(), String> {
        Err(format!("no map of {}", task.arguments["city"]))
    };
    let error = program.run(work).await.unwrap_err();
    assert_eq!(error.to_string(), r#"no map of "Rome""#);
    let never = async |_: Task<City>| -> Result<(), String> { unreachable!("no `days`") };
    let error = program.run(never).await.unwrap_err();
    assert!(error.downcast::<Error>().unwrap().is_input());
}

#[tokio::test(start_paused = true)]
async fn workers_run_at_the_same_time_and_no_more_of_them() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let start = Instant::now();
    let seen = Arc::clone(&most);
    let report = LocalRun::new(0..7)
        .workers(3)
        .execution("local")
        .run(move |task| {
            let (running, most) = (Arc::clone(&running), Arc::clone(&seen));
            async move {
                assert_eq!(
                    (task.index, task.execution.as_deref()),
                    (task.arguments, Some("local"))
                );
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                sleep(Duration::from_secs(1)).await;
                running.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, String>(())
            }
        });
    let report = report.await;
    assert!(report.is_success());
    assert_eq!(report.to_string(), "7 of 7 tasks succeeded");
    assert_eq!(most.load(Ordering::SeqCst), 3);
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

#[tokio::test]
async fn failed_tasks_are_retried_and_then_reported_by_index() {
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&attempts);
    let run = LocalRun::new(["fine", "late", "never", "panic"]).max_retries(1);
    let report = run
        .run(move |task: Task<&str>| {
            let mut seen = seen.lock().unwrap();
            seen.push(task.index);
            let is_first = seen.iter().filter(|index| **index == task.index).count() == 1;
            async move {
                match task.arguments {
                    "fine" => Ok(()),
                    "late" if !is_first => Ok(()),
                    "panic" => panic!("at once"),
                    other => Err(Error::decode(format!("{other} ready"))),
                }
            }
        })
        .await;
    assert_eq!(*attempts.lock().unwrap(), [0, 1, 2, 3, 1, 2, 3]);
    assert_eq!((report.total, report.success(), report.retried), (4, 2, 3));
    assert!(!report.is_success());
    let expected = "2 of 4 tasks succeeded\n\
                    task 2 failed after 2 attempts: never ready\n\
                    task 3 failed after 2 attempts: it panicked: at once";
    assert_eq!(report.to_string(), expected);
}

/// No task outlives the run that started it.
#[tokio::test]
async fn a_dropped_run_aborts_its_tasks() {
    let (both, guard) = (Arc::new(Barrier::new(3)), Arc::new(()));
    let (waits, held) = (Arc::clone(&both), Arc::clone(&guard));
    let run = LocalRun::new([1, 2]).workers(2).run(move |_| {
        let (both, guard) = (Arc::clone(&waits), Arc::clone(&held));
        async move {
            let _guard = guard;
            both.wait().await;
            std::future::pending::<Result<(), String>>().await
        }
    });
    let mut run = Box::pin(run);
    tokio::select! {
        _ = &mut run => unreachable!("the tasks never end"),
        _ = both.wait() => {}
    }
    drop(run);
    while Arc::strong_count(&guard) > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_task_becomes_the_command_line_of_another_process() {
    let task = Task::new(2, json!({"city": "Oslo", "days": 3})).execution("exec-1");
    let variables: Vec<_> = task.variables().collect();
    let program = Program::new(Storage::new(&[]).service())
        .arguments(task.command_line().unwrap())
        .variables(move |name| {
            let found = variables.iter().find(|(variable, _)| *variable == name)?;
            Some(found.1.clone())
        });
    let read: Task<City> = program.task().await.unwrap();
    assert_eq!((read.index, read.execution.as_deref()), (2, Some("exec-1")));
    assert_eq!(
        (read.arguments.city.as_str(), read.arguments.days),
        ("Oslo", 3)
    );
}
