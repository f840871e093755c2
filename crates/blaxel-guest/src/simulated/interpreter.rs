//! The program that runs the code of a simulated machine, as its scripts say.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::code_script::CodeStep;
use crate::interpreter::{Lines, Record, Request};
use crate::kernel::Kernel;
use crate::process::{Command, Control, ExitStatus, Output, Process, Stream};

/// The name of the program.
const PROGRAM: &str = "simulated-interpreter";
/// The languages that it runs.
const LANGUAGES: [&str; 6] = ["python", "javascript", "bash", "r", "java", "deno"];
/// The records, requests and signals that wait.
const QUEUE: usize = 16;

/// Returns the program for a language.
pub(super) fn program(language: &str) -> Option<Command> {
    let program = Command {
        shell: vec![PROGRAM.to_owned()],
        text: language.to_owned(),
        ..Command::default()
    };
    LANGUAGES.contains(&language).then_some(program)
}

/// Returns `true` if a command starts the program.
pub(super) fn is_started_by(command: &Command) -> bool {
    command
        .shell
        .first()
        .is_some_and(|program| program == PROGRAM)
}

/// Starts the program.
pub(super) fn spawn(kernel: &Arc<Kernel>) -> Process {
    let (output, received) = mpsc::channel(QUEUE);
    let (stdin, input) = mpsc::channel(QUEUE);
    let (control, mut controls) = mpsc::channel(QUEUE);
    let (ended, exit) = oneshot::channel();
    let program = Program {
        kernel: Arc::clone(kernel),
        output,
        count: 0,
    };
    Process {
        pid: kernel.new_pid(),
        output: received,
        stdin: Some(stdin),
        control,
        exit,
        run: Box::pin(async move {
            let signal = async {
                loop {
                    match controls.recv().await {
                        Some(Control::Signal(signal)) => return signal,
                        Some(_) => {}
                        // Nobody can send one any more.
                        None => std::future::pending().await,
                    }
                }
            };
            let status = tokio::select! {
                code = program.run(input) => ExitStatus::Code(code),
                signal = signal => ExitStatus::Signal(signal),
            };
            // Nobody may wait for it.
            let _ = ended.send(status);
        }),
    }
}

struct Program {
    kernel: Arc<Kernel>,
    output: mpsc::Sender<Output>,
    /// The number of runs so far.
    count: u64,
}

impl Program {
    /// Runs code until the input or the program ends. Returns the exit code.
    async fn run(mut self, mut input: mpsc::Receiver<Bytes>) -> i32 {
        let mut pending = Lines::default();
        while let Some(chunk) = input.recv().await {
            pending.push(&chunk);
            while let Some(line) = pending.next_line() {
                let Ok(request) = serde_json::from_slice::<Request>(&line) else {
                    return 1;
                };
                if self.execute(&request).await.is_none() {
                    return 1;
                }
            }
        }
        0
    }

    /// Runs code. Returns `None` if the program ends by it.
    async fn execute(&mut self, request: &Request) -> Option<()> {
        let is_empty = request.code.trim().is_empty();
        self.count += u64::from(!is_empty);
        let count = Record::Count { count: self.count };
        self.write(request.id, count).await?;
        match self.kernel.code_script(&request.code) {
            Some(script) => {
                for step in script.steps() {
                    match step {
                        CodeStep::Record(record) => self.write(request.id, record.clone()).await?,
                        CodeStep::Pause(pause) => self.kernel.clock.sleep(*pause).await,
                        CodeStep::Forever => std::future::pending::<()>().await,
                        CodeStep::Exit => return None,
                    }
                }
            }
            None if is_empty => {}
            None => {
                self.write(request.id, without_script(&request.code))
                    .await?;
            }
        }
        self.write(request.id, Record::End).await
    }

    async fn write(&self, id: u64, record: Record) -> Option<()> {
        let output = Output {
            stream: Stream::Stdout,
            bytes: record.line(id).into(),
        };
        self.output.send(output).await.ok()
    }
}

/// Returns the failure of code that no script describes.
fn without_script(code: &str) -> Record {
    let first = code.trim().lines().next().unwrap_or_default();
    let first: String = first.chars().take(60).collect();
    let value = format!(
        "this simulated sandbox runs no real code, and no script is for {first:?}: describe it with \
         `SimulatedGuest::on_code`"
    );
    Record::Error {
        name: "NoScriptError".to_owned(),
        traceback: format!("NoScriptError: {value}"),
        value,
    }
}
