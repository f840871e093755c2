//! The shell and the commands of a simulated machine, compared with real ones.
//!
//! `dash.txt` and `bash.txt` have scripts and what the real shells print for them. With the variable
//! `RECORD=1`, the tests run the real shells of this machine and write the files again.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests are tests too"
)]

mod limits;
mod record;

use blaxel_guest::{Clock, Guest as _, Server, SimulatedGuest};
use serde_json::{Value, json};
use tower_service::Service as _;

use self::record::{Case, Outcome};

/// A machine for one script.
pub(crate) struct Machine(pub(crate) Server);

impl Machine {
    pub(crate) fn new(shell: &str) -> Self {
        let guest = SimulatedGuest::new(Clock::real());
        guest.files().create_dir_all("/work", 0o755).unwrap();
        let server = Server::builder(guest)
            .working_dir("/work")
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C")
            .env("SHELL", shell)
            .build();
        Self(server)
    }

    /// Sends a request and returns the JSON of its response.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let request = http::Request::builder().method(method).uri(path);
        let request = request
            .body(axum::body::Body::from(body.to_string()))
            .unwrap();
        let response = self.0.router().call(request).await.unwrap();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// Runs a script to its end.
    pub(crate) async fn run(&self, script: &str) -> Outcome {
        let body = json!({"command": script, "waitForCompletion": true});
        let process = self.call("POST", "/process", &body).await;
        let text = |name: &str| process[name].as_str().unwrap_or_default().to_owned();
        Outcome {
            stdout: text("stdout"),
            stderr: text("stderr"),
            status: process["exitCode"].as_i64().unwrap_or(i64::MIN),
        }
    }
}

async fn compare(shell: &str, file: &str) {
    let mut cases = record::read(file);
    if std::env::var_os("RECORD").is_some() {
        for case in &mut cases {
            case.outcome = record::real(shell, &case.script);
        }
        record::write(file, &cases);
    }
    assert!(cases.len() > 20);
    let mut failures = String::new();
    let mut count = 0;
    for Case { script, outcome } in &cases {
        let simulated = Machine::new(shell).run(script).await;
        if simulated != *outcome {
            count += 1;
            failures.push_str(&format!(
                "{script}\n  real      {outcome:?}\n  simulated {simulated:?}\n\n"
            ));
        }
    }
    assert!(
        failures.is_empty(),
        "{count} of {} scripts differ:\n{failures}",
        cases.len()
    );
}

#[tokio::test(start_paused = true)]
async fn scripts_do_what_they_do_in_dash() {
    compare("sh", "dash.txt").await;
}

#[tokio::test(start_paused = true)]
async fn scripts_do_what_they_do_in_bash() {
    compare("bash", "bash.txt").await;
}
