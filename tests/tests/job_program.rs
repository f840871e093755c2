//! Promise: a program with `job::run` does what the platform expects of it: it reads its own arguments, prints an error
//! once, and has the exit status of its work.
//!
//! The program of the job is this same executable, started once for each task as the platform does.

#![allow(clippy::unwrap_used)]

use std::process::{ExitCode, Output, Stdio};

use blaxel::auth::Variables;
use blaxel::job::{LocalRun, Task};
use blaxel::management::jobs::JobExecutionDraft;
use blaxel::{Client, ClientBuilder, Management, job};
use blaxel_emulator::{Emulator, Fault};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Command;

/// The variable that makes this executable the program of the job.
const PROGRAM: &str = "JOB_PROGRAM";

#[derive(Deserialize)]
struct Page {
    page: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    if std::env::var_os(PROGRAM).is_some() {
        return program().await;
    }
    the_platform_starts_the_program_for_each_task().await;
    a_person_starts_the_program_with_arguments().await;
    a_local_run_starts_the_program_for_each_task().await;
    println!("3 tests passed");
    ExitCode::SUCCESS
}

/// The program of the job: it prints its task, and there are 9 pages.
async fn program() -> ExitCode {
    let client = Client::builder()
        .api_key("bl_key")
        .workspace("demo")
        .build()
        .unwrap();
    let work = async |task: Task<Page>| -> Result<(), std::io::Error> {
        let (index, page) = (task.index, task.arguments.page);
        if page > 9 {
            let problem = format!("there is no page {page}");
            return Err(std::io::Error::other(problem));
        }
        println!("task {index} of {:?} is page {page}", task.execution);
        Ok(())
    };
    job::run(client, work).await
}

/// Returns the command that starts the program, without the variables of this process.
fn command() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .env_clear()
        .env(PROGRAM, "1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Asserts the exit status and the only line of each stream.
#[track_caller]
fn assert_output(output: &Output, status: i32, stdout: &str, stderr: &str) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (said, failed) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{said}{failed}");
    assert_eq!(said.trim_end(), stdout);
    assert!(failed.starts_with(stderr), "{failed}");
    assert_eq!(failed.lines().count(), usize::from(status != 0), "{failed}");
}

async fn the_platform_starts_the_program_for_each_task() {
    let emulator = Emulator::start().await.unwrap();
    emulator.add("jobs", "nightly").unwrap();
    let variables = Variables::from_iter(emulator.variables());
    let client = ClientBuilder::from_variables(&variables).unwrap();
    let management = Management::new(client.build().unwrap());
    let draft = JobExecutionDraft::new()
        .execution_id("exec-1")
        .task(json!({"page": 7}))
        .task(json!({"page": 10}))
        .task(json!({"page": "all"}));
    let executions = management.jobs().executions("nightly");
    executions.create(&draft).await.unwrap();
    let start = async |index: usize| {
        let variables = emulator.task_variables("nightly", "exec-1", index);
        let mut command = command();
        // In a job, the command line does not matter.
        command.arg("unnamed").envs(variables.unwrap());
        command.output().await.unwrap()
    };
    let task = r#"task 0 of Some("exec-1") is page 7"#;
    assert_output(&start(0).await, 0, task, "");
    assert_output(&start(1).await, 1, "", "error: there is no page 10\n");
    let bad = "error: GetTasks";
    let output = start(2).await;
    let failed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        failed.contains("the arguments of task 2 are not the expected JSON"),
        "{failed}"
    );
    assert_output(&output, 1, "", bad);
    let entry = emulator.journal().pop().unwrap();
    assert_eq!(entry.operation.as_deref(), Some("GetTasks"));

    // The storage is asked again.
    let down = Fault::html(StatusCode::INTERNAL_SERVER_ERROR);
    emulator.fault("GetTasks", down, 1).unwrap();
    assert_output(&start(0).await, 0, task, "");
    assert_eq!(emulator.waiting_faults(), 0);
}

async fn a_person_starts_the_program_with_arguments() {
    let start = async |arguments: &[&str]| command().args(arguments).output().await.unwrap();
    let output = start(&["--page", "3"]).await;
    assert_output(&output, 0, "task 0 of None is page 3", "");
    let output = start(&["--page", "three"]).await;
    let error = "error: invalid arguments (from the command line): `--page`: ";
    assert_output(&output, 1, "", error);
}

async fn a_local_run_starts_the_program_for_each_task() {
    let start = |task: Task<Value>| async move {
        let mut command = command();
        command
            .args(task.command_line().unwrap())
            .envs(task.variables());
        let output = command.output().await.unwrap();
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr)
                .trim_end()
                .to_owned()),
        }
    };
    let pages = (8..=10).map(|page| json!({"page": page}));
    let report = LocalRun::new(pages).workers(2).run(start).await;
    let expected = "2 of 3 tasks succeeded\n\
                    task 2 failed after 1 attempt: error: there is no page 10";
    assert_eq!(report.to_string(), expected);
}
