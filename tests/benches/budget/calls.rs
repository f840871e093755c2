//! The commonest calls, over a transport in memory with prepared responses: the cost of our crates
//! alone, which is the same in each run.

use std::hint::black_box;

use blaxel_core::{Body, Error, ListParams};
use blaxel_inference::{ChatRequest, Inference, Message};
use blaxel_management::Management;
use blaxel_management::agents::Agent;
use blaxel_sandbox::{SandboxRef, Sandboxes};
use blaxel_transport::Client;
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;

use super::document::DOCUMENT;

/// Number of agents in the list.
const ITEMS: usize = 50;

/// The budget of each call. `#` begins a comment.
const BUDGET: &str = include_str!("../budget.txt");

/// The answer of a model.
const COMPLETION: &str = r#"{"id":"chatcmpl-8f3a2b1c9d","object":"chat.completion","created":1760000000,"model":"sandbox-large","choices":[{"index":0,"message":{"role":"assistant","content":"Because air scatters blue light more than red."},"finish_reason":"stop"}],"usage":{"prompt_tokens":13,"completion_tokens":9,"total_tokens":22}}"#;

/// The stream of a command that has ended.
const RESULT: &str = r#"{"type":"result","data":"{\"pid\":\"412\",\"name\":\"build\",\"command\":\"true\",\"status\":\"completed\",\"startedAt\":\"Sat, 14 Mar 2026 09:26:53 GMT\",\"completedAt\":\"Sat, 14 Mar 2026 09:26:53 GMT\",\"exitCode\":0,\"workingDir\":\"/\",\"stdout\":\"\",\"stderr\":\"\"}"}
"#;

/// A common call.
#[derive(Clone, Copy, Debug)]
pub enum Call {
    Get,
    List,
    Create,
    Chat,
    Exec,
}

/// The most that a call may take.
pub struct Budget {
    pub allocations: u64,
    pub instructions: f64,
}

impl Call {
    pub const ALL: [Self; 5] = [Self::Get, Self::List, Self::Create, Self::Chat, Self::Exec];

    /// Returns the name in the budget, in figures and in arguments.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Create => "create",
            Self::Chat => "chat",
            Self::Exec => "exec",
        }
    }

    /// Returns the budget of the call.
    pub fn budget(self) -> Budget {
        let lines = BUDGET.lines().filter(|line| !line.starts_with('#'));
        let mut rows = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
        let row = rows.find(|row| row.first() == Some(&self.name()));
        let row = row.expect("a row of the call");
        Budget {
            allocations: row[1].parse().expect("a number of allocations"),
            instructions: row[2].parse().expect("a number of instructions"),
        }
    }

    /// Makes the call `count` times.
    pub async fn make(self, client: &Client, count: usize) {
        let agents = Management::new(client.clone()).agents();
        let model = Inference::new(client.clone()).model("sandbox-large");
        let sandbox = Sandboxes::new(client.clone()).join(&SandboxRef::new("build"));
        let page = ListParams::new().limit(50);
        let draft = Agent::new("support-assistant").image("agent/support-assistant:6d1f0c2b9a54");
        let question = ChatRequest::new([Message::user("Why is the sky blue?")]);
        for _ in 0..count {
            match self {
                Self::Get => drop(black_box(agents.get("support-assistant").await.unwrap())),
                Self::List => {
                    let page = agents.list_with(&page).await.unwrap();
                    assert_eq!(black_box(page).len(), ITEMS);
                }
                Self::Create => drop(black_box(agents.create(&draft).await.unwrap())),
                Self::Chat => drop(black_box(model.chat(&question).await.unwrap())),
                Self::Exec => {
                    let output = sandbox.command("true").output().await.unwrap();
                    assert!(black_box(output).status.success());
                }
            }
        }
    }
}

/// Returns a client as its users build it, over a transport in memory.
pub fn client() -> Client {
    let agents = vec![DOCUMENT; ITEMS].join(",");
    let list = Bytes::from(format!(r#"{{"data":[{agents}],"meta":{{}}}}"#));
    let respond = move |request: Request<Body>| {
        let path = request.uri().path();
        let (kind, body) = match (request.method(), path.rsplit('/').next()) {
            (&Method::GET, Some("agents")) => ("application/json", list.clone()),
            (_, Some("completions")) => ("application/json", COMPLETION.into()),
            (_, Some("process")) => ("application/x-ndjson", RESULT.into()),
            _ => ("application/json", DOCUMENT.into()),
        };
        // A stream, as the body of a response from a network is.
        let response = Response::builder().header("content-type", kind);
        std::future::ready(Ok::<_, Error>(
            response.body(Full::new(body)).expect("a response"),
        ))
    };
    Client::builder()
        .api_key("bl_a_key_as_long_as_the_platform_s_own_are")
        .workspace("benchmark")
        .transport(tower::service_fn(respond))
        .build()
        .expect("a client")
}
