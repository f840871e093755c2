//! The requests that are measured, as bytes.

use std::collections::HashMap;

use serde_json::{Value, json};

/// The agents that are there before.
pub const AGENTS: usize = 200;
/// The sandbox in which commands run.
pub const SANDBOX: &str = "bench";
/// The model that answers.
const MODEL: &str = "sandbox-openai";

/// The operations that are measured.
pub const OPERATIONS: [&str; 5] = ["get", "list", "create", "chat", "exec"];

/// The address of an emulator and the credential for it.
#[derive(Clone)]
pub struct Requests {
    pub authority: String,
    key: String,
    workspace: String,
}

impl Requests {
    /// Reads the variables that an emulator gives to its clients.
    pub fn of(variables: impl IntoIterator<Item = (impl AsRef<str>, String)>) -> Self {
        let variables = variables.into_iter();
        let named = |(name, value): (_, String)| (AsRef::<str>::as_ref(&name).to_owned(), value);
        let mut variables: HashMap<String, String> = variables.map(named).collect();
        let mut value = |name: &str| variables.remove(name).expect(name);
        let url = value("BL_API_URL");
        let authority = url.trim_start_matches("http://").trim_end_matches("/v0");
        Self {
            authority: authority.to_owned(),
            key: value("BL_API_KEY"),
            workspace: value("BL_WORKSPACE"),
        }
    }

    /// Returns the request of an operation. Creations are numbered.
    pub fn request(&self, operation: &str, number: usize) -> Vec<u8> {
        let workspace = &self.workspace;
        match operation {
            "get" => self.get(number),
            "list" => self.bytes("GET", "/v0/agents?limit=50", None),
            "create" => self.bytes("POST", "/v0/agents", Some(agent(&format!("new-{number}")))),
            "chat" => {
                let path = format!("/run/{workspace}/models/{MODEL}/v1/chat/completions");
                let message = json!({"role": "user", "content": format!("question {number}")});
                let body = json!({"model": MODEL, "messages": [message]});
                self.bytes("POST", &path, Some(body))
            }
            "exec" => {
                let path = format!("/run/{workspace}/sandboxes/{SANDBOX}/process");
                let command = format!("echo answer {number}");
                let body = json!({"command": command, "waitForCompletion": true});
                self.bytes("POST", &path, Some(body))
            }
            other => panic!("unknown operation `{other}`"),
        }
    }

    /// Returns the request for one of the agents.
    pub fn get(&self, number: usize) -> Vec<u8> {
        let path = format!("/v0/agents/agent-{:03}", number % AGENTS);
        self.bytes("GET", &path, None)
    }

    /// Returns the request that removes what a creation has made.
    pub fn delete(&self, number: usize) -> Vec<u8> {
        self.bytes("DELETE", &format!("/v0/agents/new-{number}"), None)
    }

    /// Returns the requests that make what the others need.
    pub fn preparation(&self) -> Vec<Vec<u8>> {
        let agents = (0..AGENTS).map(|number| agent(&format!("agent-{number:03}")));
        let agents = agents.map(|agent| self.bytes("POST", "/v0/agents", Some(agent)));
        let sandbox = json!({
            "metadata": {"name": SANDBOX},
            "spec": {"runtime": {"image": "blaxel/base-image:latest", "memory": 2048}},
        });
        let sandbox = self.bytes("POST", "/v0/sandboxes", Some(sandbox));
        agents.chain([sandbox]).collect()
    }

    fn bytes(&self, method: &str, path: &str, body: Option<Value>) -> Vec<u8> {
        let body = body.map_or_else(String::new, |body| body.to_string());
        let (authority, key, length) = (&self.authority, &self.key, body.len());
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {key}\r\n\
             blaxel-version: 2026-04-28\r\n"
        );
        if length > 0 {
            request += &format!("content-type: application/json\r\ncontent-length: {length}\r\n");
        }
        request += "\r\n";
        request += &body;
        request.into_bytes()
    }
}

/// Returns an agent as a client sends it.
fn agent(name: &str) -> Value {
    let image = format!("agent/{name}:6d1f0c2b9a54");
    json!({
        "metadata": {"name": name, "displayName": "Support assistant", "labels": {"team": "support"}},
        "spec": {
            "enabled": true,
            "policies": ["only-us"],
            "runtime": {
                "image": image,
                "memory": 4096,
                "envs": [{"name": "LOG_LEVEL", "value": "info"}],
            },
            "triggers": [{"id": "http-1", "type": "http", "configuration": {"path": "/support"}}],
        },
    })
}
