//! The mixed calls of one connection, each with a check of its response.

use http::Method;
use serde_json::{Value, json};

use super::api::Connection;

/// The operations, in the order in which a connection calls them.
pub const OPERATIONS: [&str; 8] = [
    "exec", "write", "read", "list", "tree", "logs", "port", "find",
];

/// The port of the program that serves the files of a sandbox.
const PORT: u16 = 3000;
/// The files of each connection that stay as they are.
const FILES: usize = 8;
/// The size of the file that is written and read.
const SIZE: usize = 2048;

/// A connection with its directory in a sandbox.
pub struct Caller {
    connection: Connection,
    sandbox: String,
    number: usize,
    turn: usize,
    /// The content of the file that was written last.
    content: String,
    /// The id and the output of the process that was run last.
    process: (String, String),
}

/// Starts the program that serves the files of a sandbox.
pub async fn serve_files(connection: &mut Connection, sandbox: &str) {
    let body = json!({
        "command": format!("mkdir -p load && python3 -m http.server {PORT} --directory load"),
        "waitForPorts": [PORT],
        "timeout": 30,
    });
    let started = connection.call(sandbox, Method::POST, "/process", body.to_string());
    started.await.expect("a program that serves files");
}

/// Runs processes to their end, so that the sandbox remembers them.
pub async fn run_processes(connection: &mut Connection, sandbox: &str, count: usize) {
    for turn in 0..count {
        let body = process(0, turn).to_string();
        let ended = connection.json(sandbox, Method::POST, "/process", body);
        let ended = ended.await.expect("a process");
        assert_eq!(ended["exitCode"], turn % 3, "{ended}");
    }
}

/// Returns the request for a process that prints two lines.
fn process(number: usize, turn: usize) -> Value {
    let code = turn % 3;
    let command = format!("for part in a b; do echo {number}-{turn} $part; done; exit {code}");
    json!({"command": command, "waitForCompletion": true})
}

impl Caller {
    /// Creates the files of a connection.
    pub async fn new(mut connection: Connection, sandbox: &str, number: usize) -> Self {
        for file in 0..FILES {
            let path = format!("/filesystem/load/{number}/part-{file}/file.md");
            let body = json!({"content": format!("file {file}\n")}).to_string();
            let written = connection.call(sandbox, Method::PUT, &path, body);
            written.await.expect("a file");
        }
        Self {
            connection,
            sandbox: sandbox.to_owned(),
            number,
            turn: 0,
            content: String::new(),
            process: (String::new(), String::new()),
        }
    }

    /// Calls an operation. Fails if the response is not the right one.
    pub async fn call(&mut self, operation: &str) -> Result<(), String> {
        let is_right = match operation {
            "exec" => self.exec().await?,
            "write" => self.write().await?,
            "read" => self.read().await?,
            "list" => self.list().await?,
            "tree" => self.tree().await?,
            "logs" => self.logs().await?,
            "port" => self.port().await?,
            "find" => self.find().await?,
            other => panic!("unknown operation `{other}`"),
        };
        match is_right {
            true => Ok(()),
            false => Err(format!("a wrong response of {operation}")),
        }
    }

    async fn get(&mut self, path: &str) -> Result<Value, String> {
        let Self {
            connection,
            sandbox,
            ..
        } = self;
        connection
            .json(sandbox, Method::GET, path, String::new())
            .await
    }

    async fn exec(&mut self) -> Result<bool, String> {
        self.turn += 1;
        let (number, turn) = (self.number, self.turn);
        let body = process(number, turn).to_string();
        let Self {
            connection,
            sandbox,
            ..
        } = self;
        let ended = connection
            .json(sandbox, Method::POST, "/process", body)
            .await?;
        let output = format!("{number}-{turn} a\n{number}-{turn} b\n");
        let is_right = ended["exitCode"] == turn % 3 && ended["stdout"] == output.as_str();
        self.process = (ended["pid"].as_str().unwrap_or_default().to_owned(), output);
        Ok(is_right)
    }

    async fn logs(&mut self) -> Result<bool, String> {
        let path = format!("/process/{}/logs", self.process.0);
        let logs = self.get(&path).await?;
        Ok(logs["logs"] == self.process.1.as_str())
    }

    async fn write(&mut self) -> Result<bool, String> {
        let line = format!("{} {}\n", self.number, self.turn);
        self.content = line.repeat(SIZE.div_ceil(line.len()));
        let path = format!("/filesystem/load/{}/file.txt", self.number);
        let body = json!({"content": self.content}).to_string();
        let Self {
            connection,
            sandbox,
            ..
        } = self;
        let written = connection.json(sandbox, Method::PUT, &path, body).await?;
        Ok(written["message"].is_string())
    }

    async fn read(&mut self) -> Result<bool, String> {
        let path = format!("/filesystem/load/{}/file.txt", self.number);
        let file = self.get(&path).await?;
        Ok(file["content"] == self.content.as_str())
    }

    async fn list(&mut self) -> Result<bool, String> {
        let path = format!("/filesystem/load/{}", self.number);
        let listed = self.get(&path).await?;
        Ok(length(&listed["files"]) == 1 && length(&listed["subdirectories"]) == FILES)
    }

    async fn tree(&mut self) -> Result<bool, String> {
        let path = format!(
            "/filesystem/tree/blaxel/load/{}?recursive=true",
            self.number
        );
        let tree = self.get(&path).await?;
        Ok(length(&tree["files"]) == FILES + 1 && length(&tree["subdirectories"]) == FILES)
    }

    async fn find(&mut self) -> Result<bool, String> {
        let path = format!("/filesystem-find/load/{}?patterns=*.md", self.number);
        let found = self.get(&path).await?;
        Ok(found["total"] == FILES)
    }

    async fn port(&mut self) -> Result<bool, String> {
        let path = format!("/port/{PORT}/{}/file.txt", self.number);
        let Self {
            connection,
            sandbox,
            ..
        } = self;
        let served = connection.call(sandbox, Method::GET, &path, String::new());
        Ok(served.await? == self.content.as_bytes())
    }
}

fn length(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
}
