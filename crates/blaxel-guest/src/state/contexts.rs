//! [`Contexts`], the running programs of the code interpreter.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use md5::{Digest as _, Md5};
use serde_json::{Map, Value};
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::task::AbortHandle;

use super::tasks::Tasks;
use super::uploads::uuid;
use crate::interpreter::{Line, Lines, Record, Request};
use crate::lock::lock;
use crate::process::{Process, Stream};

/// The name of the context that was created last for code without one.
const DEFAULT: &str = "default";
/// The records that wait for a client, before the program waits.
const QUEUE: usize = 64;
/// The largest record: 64 MiB.
const RECORD: usize = 64 << 20;

/// The contexts of a code interpreter, in the order in which they were created.
#[derive(Default)]
pub(crate) struct Contexts {
    open: Mutex<Open>,
    /// The contexts for code without one, by language. Held while one is created.
    pub(crate) defaults: AsyncMutex<BTreeMap<String, String>>,
    tasks: Tasks,
}

#[derive(Default)]
struct Open {
    contexts: Vec<Arc<Context>>,
    /// The id of the context with the name `default`.
    default: String,
    /// The number of contexts that were ever created.
    count: u64,
}

/// A program that runs code of one language, and keeps its variables.
pub(crate) struct Context {
    pub(crate) id: String,
    pub(crate) language: String,
    /// The directory that it was to start in.
    pub(crate) cwd: String,
    /// Held during a run.
    pub(crate) turn: Arc<AsyncMutex<()>>,
    program: Mutex<Program>,
}

struct Program {
    input: Option<mpsc::Sender<Bytes>>,
    shared: Arc<Shared>,
    task: AbortHandle,
    /// The number of requests.
    requests: u64,
}

/// The part of a program that its task sees.
#[derive(Default)]
struct Shared {
    /// The current run and who hears of it.
    listener: Mutex<Option<(u64, mpsc::Sender<Record>)>>,
    is_over: AtomicBool,
}

impl Contexts {
    /// Adds a context. The ids of two servers are the same.
    pub(crate) fn add(&self, language: &str, cwd: &str, process: Process) -> Arc<Context> {
        let program = self.run(process);
        let mut open = lock(&self.open);
        open.count += 1;
        let seed = format!("context {} {language} {cwd}", open.count);
        let context = Arc::new(Context {
            id: uuid(Md5::digest(seed).into()),
            language: language.to_owned(),
            cwd: cwd.to_owned(),
            turn: Arc::default(),
            program: Mutex::new(program),
        });
        open.contexts.push(Arc::clone(&context));
        context
    }

    /// Makes a context the one with the name `default`.
    pub(crate) fn set_default(&self, id: &str) {
        id.clone_into(&mut lock(&self.open).default);
    }

    pub(crate) fn all(&self) -> Vec<Arc<Context>> {
        lock(&self.open).contexts.clone()
    }

    pub(crate) fn find(&self, id: &str) -> Option<Arc<Context>> {
        let open = lock(&self.open);
        let id = if id == DEFAULT { &open.default } else { id };
        let mut contexts = open.contexts.iter();
        contexts.find(|context| context.id == id).cloned()
    }

    /// Returns `true` unless a context was removed.
    pub(crate) fn has(&self, context: &Context) -> bool {
        self.find(&context.id).is_some()
    }

    /// Removes a context and ends its program.
    pub(crate) fn remove(&self, context: &Context) {
        let mut open = lock(&self.open);
        open.contexts.retain(|other| other.id != context.id);
        drop(open);
        lock(&context.program).end();
    }

    /// Ends the program of a context, and replaces it by another one.
    pub(crate) fn restart(&self, context: &Context, process: Process) {
        let program = self.run(process);
        let mut current = lock(&context.program);
        current.end();
        *current = program;
    }

    fn run(&self, mut process: Process) -> Program {
        let input = process.stdin.take();
        let shared = Arc::new(Shared::default());
        let task = self.tasks.spawn(follow(process, Arc::clone(&shared)));
        Program {
            input,
            shared,
            task,
            requests: 0,
        }
    }
}

impl Context {
    /// Returns `true` if the program has ended by itself.
    pub(crate) fn is_over(&self) -> bool {
        lock(&self.program).shared.is_over.load(Ordering::Acquire)
    }

    /// Starts a run. Its records end without [`Record::End`] if the program is ended from outside.
    /// Returns `None` if the program does not read.
    pub(crate) async fn execute(
        &self,
        code: &str,
        env: Map<String, Value>,
    ) -> Option<mpsc::Receiver<Record>> {
        let (sender, records) = mpsc::channel(QUEUE);
        let (input, line) = {
            let mut program = lock(&self.program);
            if program.shared.is_over.load(Ordering::Acquire) {
                return None;
            }
            program.requests += 1;
            let request = Request {
                id: program.requests,
                code: code.to_owned(),
                env,
            };
            let mut line = serde_json::to_vec(&request).ok()?;
            line.push(b'\n');
            *lock(&program.shared.listener) = Some((request.id, sender));
            (program.input.clone()?, line)
        };
        input.send(line.into()).await.ok()?;
        Some(records)
    }
}

impl Program {
    /// Ends the program. A run sees the end of its records.
    fn end(&self) {
        self.task.abort();
        *lock(&self.shared.listener) = None;
        self.shared.is_over.store(true, Ordering::Release);
    }
}

/// Runs a program, and passes the records of the current run on.
async fn follow(process: Process, shared: Arc<Shared>) {
    let Process {
        mut output,
        control: _control,
        mut exit,
        mut run,
        ..
    } = process;
    let (mut pending, mut is_running, mut is_over) = (Lines::default(), true, false);
    loop {
        let chunk = tokio::select! {
            biased;
            chunk = output.recv() => chunk,
            () = &mut run, if is_running => {
                is_running = false;
                continue;
            }
            // Its own output comes before. What it left in the background does not matter.
            _ = &mut exit, if !is_over => {
                is_over = true;
                output.close();
                continue;
            }
        };
        let Some(chunk) = chunk else { break };
        if chunk.stream != Stream::Stdout {
            continue;
        }
        pending.push(&chunk.bytes);
        while let Some(line) = pending.next_line() {
            if let Ok(line) = serde_json::from_slice::<Line>(&line) {
                shared.pass(line).await;
            }
        }
        if pending.rest() > RECORD {
            break;
        }
    }
    shared.is_over.store(true, Ordering::Release);
    let listener = lock(&shared.listener).take();
    if let Some((_, listener)) = listener {
        let restarted = Record::Error {
            name: "ContextRestarting".to_owned(),
            value: "the program of the context has ended, and is started again".to_owned(),
            traceback: String::new(),
        };
        // The client may have gone.
        let _ = listener.send(restarted).await;
        let _ = listener.send(Record::End).await;
    }
}

impl Shared {
    /// Passes a record on, unless it is one of an earlier run.
    async fn pass(&self, line: Line) {
        let listener = lock(&self.listener).clone();
        let Some((id, listener)) = listener else {
            return;
        };
        if id != line.id {
            return;
        }
        if line.record == Record::End {
            *lock(&self.listener) = None;
        }
        // The client may have gone; the code runs on.
        let _ = listener.send(line.record).await;
    }
}
