//! The code interpreter with a real `python3`, which a machine of this test starts.
//!
//! On a machine without `python3`, the tests print that and check nothing.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use blaxel_guest::{
    Clock, Command, Connection, DriveMount, Errno, ExitStatus, Files, Guest, Listener, Output,
    Process, Server, SimulatedGuest, Stream,
};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::support::Sandbox;

/// A simulated machine that runs the programs of the interpreter as processes of the host.
struct Host(SimulatedGuest);

/// As the trait of the server's crate returns it.
type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

impl Guest for Host {
    fn clock(&self) -> &Clock {
        self.0.clock()
    }

    fn files(&self) -> Arc<dyn Files> {
        self.0.files()
    }

    fn image(&self) -> Option<Arc<dyn Files>> {
        self.0.image()
    }

    fn freeze(&self, is_frozen: bool) -> Result<(), Errno> {
        self.0.freeze(is_frozen)
    }

    fn spawn(&self, command: Command) -> BoxFuture<Result<Process, Errno>> {
        Box::pin(async move { spawn(&command) })
    }

    fn listeners(&self) -> Vec<Listener> {
        self.0.listeners()
    }

    fn connect(&self, port: u16) -> BoxFuture<Result<Box<dyn Connection>, Errno>> {
        self.0.connect(port)
    }

    fn mount(&self, mount: &DriveMount) -> Result<(), Errno> {
        self.0.mount(mount)
    }

    fn unmount(&self, path: &str) -> Result<(), Errno> {
        self.0.unmount(path)
    }
}

/// Starts a program in the directory of the test.
fn spawn(command: &Command) -> Result<Process, Errno> {
    let mut program = tokio::process::Command::new(&command.shell[0]);
    program.args(&command.shell[1..]).arg(&command.text);
    program.kill_on_drop(true);
    program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    let mut child = program.spawn().map_err(|_| Errno::NotFound)?;
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (to_program, mut input) = mpsc::channel::<Bytes>(4);
    let (output, received) = mpsc::channel(4);
    let (control, _) = mpsc::channel(1);
    let (ended, exit) = oneshot::channel();
    let write = async move {
        while let Some(chunk) = input.recv().await {
            if stdin.write_all(&chunk).await.is_err() {
                return;
            }
        }
    };
    let read = async move {
        let mut buffer = vec![0; 1000];
        while let Ok(count @ 1..) = stdout.read(&mut buffer).await {
            let bytes = Bytes::copy_from_slice(&buffer[..count]);
            let chunk = Output {
                stream: Stream::Stdout,
                bytes,
            };
            if output.send(chunk).await.is_err() {
                return;
            }
        }
    };
    Ok(Process {
        pid: child.id().unwrap(),
        output: received,
        stdin: Some(to_program),
        control,
        exit,
        run: Box::pin(async move {
            let wait = async move {
                let status = child.wait().await.unwrap();
                let _ = ended.send(ExitStatus::Code(status.code().unwrap_or(-1)));
            };
            tokio::join!(write, async {
                read.await;
                wait.await;
            });
        }),
    })
}

/// Returns a sandbox if there is a `python3`.
async fn sandbox() -> Option<Sandbox> {
    let found = tokio::process::Command::new("python3")
        .arg("--version")
        .output()
        .await;
    if found.is_err() {
        eprintln!("skipped: there is no python3");
        return None;
    }
    let guest = Host(SimulatedGuest::new(Clock::real()));
    Some(Sandbox(Server::builder(guest).interpreter(true).build()))
}

impl Sandbox {
    /// Runs Python and returns its records, without the count at the start and the end.
    async fn python(&self, code: &str) -> Vec<Value> {
        self.python_with(&json!({"code": code})).await
    }

    async fn python_with(&self, request: &Value) -> Vec<Value> {
        let called = self.call("POST /port/8888/execute", request.to_string());
        let answer = timeout(Duration::from_secs(60), called).await.unwrap();
        let lines = answer.text().lines();
        let mut records: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(
            records.remove(0)["type"],
            "number_of_executions",
            "{answer:?}"
        );
        assert_eq!(records.pop(), Some(json!({"type": "end_of_execution"})));
        records
    }
}

/// Joins what was printed to a stream.
fn printed(records: &[Value], stream: &str) -> String {
    let of = records.iter().filter(|record| record["type"] == stream);
    of.map(|record| record["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn variables_last_and_the_last_expression_is_the_result() {
    let Some(sandbox) = sandbox().await else {
        return;
    };
    let records = sandbox.python("x = 41\nprint('so', x)\nx + 1").await;
    assert_eq!(printed(&records, "stdout"), "so 41\n");
    let result = json!({"type": "result", "is_main_result": true, "text": "42", "extra": {}});
    assert_eq!(records.last(), Some(&result));
    for (code, text) in [
        ("_ + x", Some("83")),
        ("'quoted'", Some("quoted")),
        ("x;", None),
        ("None", None),
        (
            "import asyncio\nawait asyncio.sleep(0, 'later')",
            Some("later"),
        ),
        ("%cd /\nimport os\nos.getcwd()", Some("/")),
        ("float('nan')", Some("nan")),
    ] {
        let records = sandbox.python(code).await;
        let found = records.last().and_then(|record| record["text"].as_str());
        assert_eq!(found, text, "{code}: {records:?}");
    }
}

#[tokio::test]
async fn everything_that_is_printed_arrives_also_from_child_processes() {
    let Some(sandbox) = sandbox().await else {
        return;
    };
    let code = "import os, sys\nprint('a')\nprint('b', file=sys.stderr)\nos.write(1, b'raw\\n')\n\
                !echo child; echo error >&2\nsys.stdout.buffer.write('é'.encode())\nprint('\\ud800')";
    let records = sandbox.python(code).await;
    assert_eq!(printed(&records, "stdout"), "a\nraw\nchild\né?\n");
    assert_eq!(printed(&records, "stderr"), "b\nerror\n");
    let long = sandbox.python("print('x' * 3_000_000)").await;
    assert_eq!(printed(&long, "stdout").len(), 3_000_001);
}

#[tokio::test]
async fn what_is_printed_keeps_its_order_whichever_way_it_was_written() {
    let Some(sandbox) = sandbox().await else {
        return;
    };
    let code =
        "import os\nfor n in range(500):\n    os.write(1, b'a%d\\n' % n)\n    print(f'b{n}')";
    let records = sandbox.python(code).await;
    let expected: String = (0..500).map(|n| format!("a{n}\nb{n}\n")).collect();
    assert_eq!(printed(&records, "stdout"), expected);
    let code = "for n in range(20):\n    __run_shell__(f'echo a{n}')\n    print(f'b{n}')";
    let records = sandbox.python(code).await;
    let expected: String = (0..20).map(|n| format!("a{n}\nb{n}\n")).collect();
    assert_eq!(printed(&records, "stdout"), expected);
}

#[tokio::test]
async fn exceptions_have_a_traceback_of_the_code_alone() {
    let Some(sandbox) = sandbox().await else {
        return;
    };
    let code = "def fail():\n    raise ValueError('no')\nprint('before')\nfail()";
    let records = sandbox.python(code).await;
    assert_eq!(printed(&records, "stdout"), "before\n");
    let error = records.last().unwrap();
    assert_eq!(
        (&error["name"], &error["value"]),
        (&json!("ValueError"), &json!("no"))
    );
    let trace = error["traceback"].as_str().unwrap();
    let places: Vec<_> = trace
        .lines()
        .filter(|line| line.contains("File "))
        .collect();
    assert_eq!(places.len(), 2, "{trace}");
    assert!(
        places.iter().all(|place| place.contains("Cell In[1]")),
        "{trace}"
    );
    assert!(trace.contains("raise ValueError('no')"), "{trace}");
    for (code, name) in [
        ("x = (", "SyntaxError"),
        ("import sys; sys.exit(3)", "SystemExit"),
        ("input()", "StdinNotImplementedError"),
    ] {
        let records = sandbox.python(code).await;
        assert_eq!(records.last().unwrap()["name"], name, "{code}");
    }
    assert_eq!(
        sandbox.python("1").await[0]["text"],
        "1",
        "the interpreter goes on"
    );
}

#[tokio::test]
async fn values_are_displayed_in_their_formats() {
    let Some(sandbox) = sandbox().await else {
        return;
    };
    let code = "class Plot:\n    def _repr_html_(self): return '<b>'\n    def _repr_png_(self): return b'\\x89PNG'\n    \
                def _repr_json_(self): return {'a': float('nan') if self.bad else 1}\n    bad = False\n    \
                def __repr__(self): return 'plot'\ndisplay(Plot())\nPlot()";
    let records = sandbox.python(code).await;
    let formats = |is_main: bool| {
        json!({
            "type": "result", "is_main_result": is_main, "text": "plot", "html": "<b>",
            "png": "iVBORw==", "json": {"a": 1}, "extra": {},
        })
    };
    assert_eq!(records, [formats(false), formats(true)]);
    let bad = sandbox.python("p = Plot()\np.bad = True\np").await;
    assert_eq!(
        (&bad[0]["text"], bad[0].get("json")),
        (&json!("plot"), None)
    );
}

#[tokio::test]
async fn variables_of_the_environment_are_for_one_run() {
    let Some(sandbox) = sandbox().await else {
        return;
    };
    let code = "import os\nos.environ.get('A')";
    let with = json!({"code": code, "env_vars": {"A": "it's"}});
    assert_eq!(sandbox.python_with(&with).await[0]["text"], "it's");
    assert_eq!(sandbox.python(code).await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_program_that_exits_is_started_again() {
    let Some(sandbox) = sandbox().await else {
        return;
    };
    sandbox.python("x = 1").await;
    let crashed = sandbox
        .python("print('last')\nimport os\nimport time\ntime.sleep(0.2)\nos._exit(1)")
        .await;
    assert_eq!(printed(&crashed, "stdout"), "last\n");
    assert_eq!(crashed.last().unwrap()["name"], "ContextRestarting");
    assert_eq!(sandbox.python("x").await[0]["name"], "NameError");
}

#[tokio::test]
async fn a_restart_ends_a_running_program() {
    let Some(sandbox) = sandbox().await else {
        return;
    };
    let body = json!({"code": "while True: pass", "language": "python"}).to_string();
    let request = crate::support::request("POST /port/8888/execute", &[], body);
    let running = sandbox.open(request).await.into_body();
    let listed = sandbox.get("/port/8888/contexts").await.json();
    let restart = format!(
        "POST /port/8888/contexts/{}/restart",
        listed[0]["id"].as_str().unwrap()
    );
    assert_eq!(sandbox.call(&restart, "").await.text(), "null");
    drop(running);
    assert_eq!(sandbox.python("1 + 1").await[0]["text"], "2");
    let unknown = sandbox
        .call("POST /port/8888/contexts", r#"{"language":"bash"}"#)
        .await;
    assert_eq!(unknown.status, 400, "only Python is there");
}
