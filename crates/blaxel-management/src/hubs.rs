//! Hubs: catalogs of ready-made MCP servers and sandboxes.

use std::collections::BTreeMap;

use blaxel_core::{HttpService, OperationInfo, Timestamp};
use http::Method;
use serde_json::Value;

use crate::Management;
use crate::collection::Collection;
use crate::kind::Listed;
use crate::parent_path::ParentPath;
use crate::size::Megabytes;
use crate::workload::{Port, VolumeAttachment};

response! {
    /// A ready-made MCP server.
    #[doc(alias = "MCPDefinition")]
    pub struct McpDefinition {
        /// The name.
        pub name: Option<String>,
        /// The display name.
        pub display_name: Option<String>,
        /// The description, in one line.
        pub description: Option<String>,
        /// The long description.
        pub long_description: Option<String>,
        /// The categories. The API does not document the type of the elements; so far they have
        /// been strings.
        pub categories: Option<Vec<Value>>,
        /// The URL of the icon.
        pub icon: Option<String>,
        /// The URL of a page about the MCP server.
        pub url: Option<String>,
        /// The container image.
        pub image: Option<String>,
        /// The transport of the MCP server: `websocket` or `http-stream`.
        pub transport: Option<String>,
        /// The integration that provides the credential the MCP server needs.
        pub integration: Option<String>,
        /// The command that starts the MCP server.
        pub entrypoint: Option<Entrypoint>,
        /// The settings and credentials that the user has to provide.
        pub form: Option<Form>,
        /// The names of secrets that the user is not asked for.
        pub hidden_secrets: Option<Vec<String>>,
        /// `true` if the MCP server is announced but not available yet.
        #[serde(rename = "coming_soon")]
        pub coming_soon: Option<bool>,
        /// `true` if the MCP server is available to enterprise customers only.
        pub enterprise: Option<bool>,
        /// `true` if the MCP server is not shown in the catalog.
        pub hidden: Option<bool>,
        /// The time of creation.
        pub created_at: Option<Timestamp>,
        /// The time of the last change.
        pub updated_at: Option<Timestamp>,
    }

    /// The command that starts an MCP server.
    pub struct Entrypoint {
        /// The program.
        pub command: Option<String>,
        /// The arguments. The API does not document the type of the elements; so far they have been
        /// strings.
        pub args: Option<Vec<Value>>,
        /// The environment variables.
        pub env: Option<BTreeMap<String, String>>,
        /// The arguments of the gateway in front of the MCP server, with elements like those of
        /// `args`.
        pub super_gateway_args: Option<Vec<Value>>,
    }

    /// The settings and credentials that the user of an MCP server has to provide.
    pub struct Form {
        /// The settings by name, each described by JSON of any shape.
        pub config: Option<BTreeMap<String, Value>>,
        /// The credentials by name, each described by JSON of any shape.
        pub secrets: Option<BTreeMap<String, Value>>,
        /// The OAuth authorization that the user has to grant at the service behind the MCP server.
        pub oauth: Option<OAuth>,
    }

    /// An OAuth authorization that a user has to grant.
    pub struct OAuth {
        /// The kind of OAuth authorization.
        #[serde(rename = "type")]
        pub kind: Option<String>,
        /// The requested scopes. The API does not document the type of the elements; so far they
        /// have been strings.
        pub scope: Option<Vec<Value>>,
    }

    /// A ready-made sandbox.
    pub struct SandboxDefinition {
        /// The name.
        pub name: Option<String>,
        /// The display name.
        pub display_name: Option<String>,
        /// The description, in one line.
        pub description: Option<String>,
        /// The long description.
        pub long_description: Option<String>,
        /// The categories. The API does not document the type of the elements; so far they have
        /// been strings.
        pub categories: Option<Vec<Value>>,
        /// The tags, in one string.
        pub tags: Option<String>,
        /// The URL of the icon.
        pub icon: Option<String>,
        /// The URL of the icon for a light background.
        pub icon_light: Option<String>,
        /// The URL of the icon for a dark background.
        pub icon_dark: Option<String>,
        /// The URL of a page about the sandbox.
        pub url: Option<String>,
        /// The container image.
        pub image: Option<String>,
        /// The memory.
        pub memory: Option<Megabytes>,
        /// The ports.
        pub ports: Option<Vec<Port>>,
        /// Further settings of a sandbox that is created from this definition.
        pub creation_options: Option<SandboxCreationOptions>,
        /// `true` if the sandbox is announced but not available yet.
        #[serde(rename = "coming_soon")]
        pub coming_soon: Option<bool>,
        /// `true` if the sandbox is available to enterprise customers only.
        pub enterprise: Option<bool>,
        /// `true` if the sandbox is not shown in the catalog.
        pub hidden: Option<bool>,
    }

    /// Further settings of a sandbox that is created from a definition of the catalog.
    pub struct SandboxCreationOptions {
        /// The kernel features, at most eight.
        pub extra_args: Option<BTreeMap<String, String>>,
        /// The volumes to mount, at most five.
        pub volumes: Option<Vec<VolumeAttachment>>,
    }
}

resource! { McpDefinition { name: name, created_at: created_at, updated_at: updated_at } }

resource! { SandboxDefinition { name: name } }

impl<S: HttpService> Management<S> {
    /// Returns the handle for the catalog of MCP servers.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let mut servers = management.mcp_hub().items();
    /// while let Some(server) = servers.try_next().await? {
    ///     println!("{:?}: {:?}", server.name, server.description);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn mcp_hub(&self) -> Collection<McpDefinition, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }

    /// Returns the handle for the catalog of sandboxes.
    ///
    /// With the feature `sandboxes`, `Sandbox::from_definition` makes a draft of a sandbox from an item.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// for sandbox in management.sandbox_hub().all().await? {
    ///     println!("{:?}: {:?}", sandbox.name, sandbox.image);
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
    fn an_mcp_server_is_read_with_lists_of_any_element_type() {
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
    fn a_sandbox_is_read_with_its_memory_and_ports() {
        let sandbox: SandboxDefinition = serde_json::from_value(json!({
            "name": "python", "memory": 2048, "tags": "python,data", "coming_soon": true,
            "ports": [{"target": 8080, "protocol": "HTTP"}],
            "icon": "https://i.example/a.svg", "iconDark": "https://i.example/b.svg", "iconLight": null,
            "creationOptions": {
                "extraArgs": {"nfs": "enabled"},
                "volumes": [{"type": "ephemeral", "mountPath": "/data", "sizeMb": 512}],
            },
        }))
        .unwrap();
        let options = sandbox.creation_options.unwrap();
        assert_eq!(options.extra_args.unwrap()["nfs"], "enabled");
        assert_eq!(
            options.volumes.unwrap()[0].size_mb,
            Some(Megabytes::new(512))
        );
        assert_eq!(
            sandbox.icon_dark.as_deref(),
            Some("https://i.example/b.svg")
        );
        assert_eq!(sandbox.icon_light, None);
        assert_eq!(sandbox.memory, Some(Megabytes::gigabytes(2)));
        assert_eq!(sandbox.ports.unwrap()[0].target, 8080);
        assert_eq!(sandbox.coming_soon, Some(true));
    }
}
