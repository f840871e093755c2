//! Hubs: MCP servers and sandboxes that are ready to be taken.

use std::collections::BTreeMap;

use blaxel_core::{HttpService, OperationInfo, Timestamp};
use http::Method;
use serde_json::Value;

use crate::Management;
use crate::collection::Collection;
use crate::kind::Listed;
use crate::parent_path::ParentPath;
use crate::size::Megabytes;
use crate::workload::Port;

response! {
    /// An MCP server that is ready to be taken.
    #[doc(alias = "MCPDefinition")]
    pub struct McpDefinition {
        /// What it is called.
        pub name: Option<String>,
        /// What people are shown instead of the name.
        pub display_name: Option<String>,
        /// What it is, in a line.
        pub description: Option<String>,
        /// What it is, at length.
        pub long_description: Option<String>,
        /// What it is about. The API does not say of what type these are; strings, as far as known.
        pub categories: Option<Vec<Value>>,
        /// The address of its picture.
        pub icon: Option<String>,
        /// The address where more is told about it.
        pub url: Option<String>,
        /// The container image.
        pub image: Option<String>,
        /// How it is spoken to: `websocket` or `http-stream`.
        pub transport: Option<String>,
        /// The integration whose credential it needs.
        pub integration: Option<String>,
        /// How it is started.
        pub entrypoint: Option<Entrypoint>,
        /// What the user has to fill in.
        pub form: Option<Form>,
        /// The secrets that the user is not asked for.
        pub hidden_secrets: Option<Vec<String>>,
        /// Whether it is only announced.
        #[serde(rename = "coming_soon")]
        pub coming_soon: Option<bool>,
        /// Whether it is for enterprises only.
        pub enterprise: Option<bool>,
        /// Whether it is not shown.
        pub hidden: Option<bool>,
        /// When it was made.
        pub created_at: Option<Timestamp>,
        /// When it was changed last.
        pub updated_at: Option<Timestamp>,
    }

    /// How an MCP server is started.
    pub struct Entrypoint {
        /// The program.
        pub command: Option<String>,
        /// Its arguments. The API does not say of what type they are; strings, as far as known.
        pub args: Option<Vec<Value>>,
        /// Its environment variables.
        pub env: Option<BTreeMap<String, String>>,
        /// The arguments of the gateway before it, written like `args`.
        pub super_gateway_args: Option<Vec<Value>>,
    }

    /// What has to be filled in before an MCP server can be taken.
    pub struct Form {
        /// Settings, by name; each described by a document of any shape.
        pub config: Option<BTreeMap<String, Value>>,
        /// Credentials, by name; each described by a document of any shape.
        pub secrets: Option<BTreeMap<String, Value>>,
        /// What the user has to agree to at the service behind it.
        pub oauth: Option<OAuth>,
    }

    /// What has to be agreed to by OAuth.
    pub struct OAuth {
        /// The kind of OAuth.
        #[serde(rename = "type")]
        pub kind: Option<String>,
        /// What is asked for. The API does not say of what type these are; strings, as far as known.
        pub scope: Option<Vec<Value>>,
    }

    /// A sandbox that is ready to be taken.
    pub struct SandboxDefinition {
        /// What it is called.
        pub name: Option<String>,
        /// What people are shown instead of the name.
        pub display_name: Option<String>,
        /// What it is, in a line.
        pub description: Option<String>,
        /// What it is, at length.
        pub long_description: Option<String>,
        /// What it is about. The API does not say of what type these are; strings, as far as known.
        pub categories: Option<Vec<Value>>,
        /// Its tags, in one text.
        pub tags: Option<String>,
        /// The address of its picture.
        pub icon: Option<String>,
        /// The address where more is told about it.
        pub url: Option<String>,
        /// The container image.
        pub image: Option<String>,
        /// Its memory.
        pub memory: Option<Megabytes>,
        /// Its ports.
        pub ports: Option<Vec<Port>>,
        /// Whether it is only announced.
        #[serde(rename = "coming_soon")]
        pub coming_soon: Option<bool>,
        /// Whether it is for enterprises only.
        pub enterprise: Option<bool>,
        /// Whether it is not shown.
        pub hidden: Option<bool>,
    }
}

resource! { McpDefinition { name: name, created_at: created_at, updated_at: updated_at } }

resource! { SandboxDefinition { name: name } }

impl<S: HttpService> Management<S> {
    /// The MCP servers that are ready to be taken.
    #[must_use]
    pub fn mcp_hub(&self) -> Collection<McpDefinition, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }

    /// The sandboxes that are ready to be taken.
    #[must_use]
    pub fn sandbox_hub(&self) -> Collection<SandboxDefinition, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl Listed for McpDefinition {
    const LIST: OperationInfo =
        OperationInfo::new("ListMCPHubDefinitions", Method::GET, "/mcp/hub").with_parameters(&[]);
    type Item = Self;
}

impl Listed for SandboxDefinition {
    const LIST: OperationInfo =
        OperationInfo::new("ListSandboxHubDefinitions", Method::GET, "/sandbox/hub")
            .with_parameters(&[]);
    type Item = Self;
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_mcp_server_is_read_with_its_loose_lists() {
        let server: McpDefinition = serde_json::from_value(json!({
            "name": "search", "coming_soon": false, "categories": ["web", {"id": 1}],
            "entrypoint": {"command": "npx", "args": ["-y"], "superGatewayArgs": null, "env": {"A": "b"}},
            "form": {
                "config": {"region": {"type": "string"}}, "secrets": {"key": {"label": "Key"}},
                "oauth": {"type": "slack", "scope": ["read"]},
            },
            "hiddenSecrets": ["internal"], "createdAt": "2026-05-01T10:00:00Z",
        }))
        .unwrap();
        assert_eq!(server.coming_soon, Some(false));
        assert_eq!(server.categories.unwrap()[0], json!("web"));
        let entrypoint = server.entrypoint.unwrap();
        assert_eq!(entrypoint.super_gateway_args, None);
        assert_eq!(entrypoint.args.unwrap(), [json!("-y")]);
        let form = server.form.unwrap();
        assert_eq!(form.secrets.unwrap()["key"], json!({"label": "Key"}));
        assert_eq!(form.oauth.unwrap().kind.as_deref(), Some("slack"));
    }

    #[test]
    fn a_sandbox_is_read_with_its_sizes_and_ports() {
        let sandbox: SandboxDefinition = serde_json::from_value(json!({
            "name": "python", "memory": 2048, "tags": "python,data", "coming_soon": true,
            "ports": [{"target": 8080, "protocol": "HTTP"}],
        }))
        .unwrap();
        assert_eq!(sandbox.memory, Some(Megabytes::gigabytes(2)));
        assert_eq!(sandbox.ports.unwrap()[0].target, 8080);
        assert_eq!(sandbox.coming_soon, Some(true));
    }
}
