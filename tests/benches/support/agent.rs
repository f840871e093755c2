//! The answer that every caller reads: an agent, as the control plane describes one.

use blaxel_core::{Error, Operation, OperationInfo, RequestWriter, response};
use bytes::Bytes;
use serde::Deserialize;

/// The path of all agents, below the address of the control plane.
pub const PATH: &str = "/agents/";

/// What the server sends.
pub const DOCUMENT: &str = r#"{"metadata":{"name":"support-assistant","displayName":"Support assistant","workspace":"benchmark","createdAt":"2026-03-14T09:26:53.589Z","updatedAt":"2026-03-14T10:05:07.112Z","createdBy":"someone@example.com","updatedBy":"someone@example.com","labels":{"team":"support","stage":"production","owner":"customer-care"},"plan":"tier-2","url":"https://agt-support-assistant-7k2m9x.us-pdx-1.bl.run"},"spec":{"enabled":true,"policies":["only-us","small-instances"],"public":false,"runtime":{"image":"agent/support-assistant:6d1f0c2b9a54","memory":4096,"minScale":0,"maxScale":10,"generation":"mk3","envs":[{"name":"LOG_LEVEL","value":"info"},{"name":"MODEL","value":"sandbox-large"}]},"triggers":[{"id":"http-1","type":"http","configuration":{"path":"/support","authenticationType":"private"}}]},"status":"DEPLOYED","events":[{"message":"Deployment complete","revision":"r-20260314","status":"DEPLOYED","time":"2026-03-14T10:05:07.112Z"}]}"#;

/// What every caller makes of it.
#[derive(Debug, Deserialize)]
pub struct Agent {
    pub metadata: Metadata,
    pub spec: Spec,
    pub status: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    pub name: String,
    pub display_name: String,
    pub workspace: String,
    pub created_at: String,
    pub updated_at: String,
    pub url: String,
}

#[derive(Debug, Deserialize)]
pub struct Spec {
    pub enabled: bool,
    pub policies: Vec<String>,
    pub runtime: Runtime,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Runtime {
    pub image: String,
    pub memory: u32,
    pub max_scale: u32,
    pub envs: Vec<Variable>,
}

#[derive(Debug, Deserialize)]
pub struct Variable {
    pub name: String,
    pub value: String,
}

impl Agent {
    /// The number of bytes read, as a check on the answer that no compiler can leave out.
    pub fn weight(&self) -> usize {
        let Metadata {
            name,
            display_name,
            workspace,
            created_at,
            updated_at,
            url,
        } = &self.metadata;
        let texts = [name, display_name, workspace, created_at, updated_at, url];
        let runtime = &self.spec.runtime;
        let variables = runtime.envs.iter();
        texts.into_iter().map(String::len).sum::<usize>()
            + self.spec.policies.iter().map(String::len).sum::<usize>()
            + variables
                .map(|one| one.name.len() + one.value.len())
                .sum::<usize>()
            + usize::from(self.spec.enabled)
            + runtime.image.len()
            + (runtime.memory + runtime.max_scale) as usize
            + self.status.len()
    }
}

/// The operation as a facade would have it.
pub struct GetAgent<'a> {
    pub name: &'a str,
}

impl Operation for GetAgent<'_> {
    type Output = Agent;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("GetAgent", http::Method::GET, "/agents/{agentName}");

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.name])
    }

    fn read(response: &http::Response<Bytes>) -> Result<Agent, Error> {
        response::json(response)
    }
}
