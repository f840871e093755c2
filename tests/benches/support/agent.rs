//! The type that every caller decodes the response into.

use blaxel_core::{Error, Operation, OperationInfo, RequestWriter, response};
use bytes::Bytes;
use serde::Deserialize;

/// The path of all agents, below the base URL of the control plane.
pub const PATH: &str = "/agents/";

/// The members of an agent that are decoded.
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
    /// Returns the number of bytes read, as a check that the compiler cannot optimise away.
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

/// The operation, as a facade would define it.
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
