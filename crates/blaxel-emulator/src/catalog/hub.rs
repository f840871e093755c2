//! The hub: MCP servers, sandboxes and templates that can be deployed as they are or used as a
//! start.

use serde_json::{Value, json};

/// The publication date of everything in the hub.
const PUBLISHED: &str = "2026-01-15T09:00:00Z";

/// An MCP server.
pub(crate) struct Mcp {
    name: &'static str,
    display_name: &'static str,
    description: &'static str,
    /// The integration whose credentials it uses.
    integration: &'static str,
    /// Its secret settings.
    secrets: &'static [&'static str],
    coming_soon: bool,
}

pub(crate) const MCPS: [Mcp; 4] = [
    Mcp {
        name: "brave-search",
        display_name: "Brave Search",
        description: "Searches the web.",
        integration: "brave-search",
        secrets: &["apiKey"],
        coming_soon: false,
    },
    Mcp {
        name: "github",
        display_name: "GitHub",
        description: "Reads and writes repositories, issues and pull requests.",
        integration: "github",
        secrets: &["token"],
        coming_soon: false,
    },
    Mcp {
        name: "postgres",
        display_name: "PostgreSQL",
        description: "Asks a database.",
        integration: "postgres",
        secrets: &["url"],
        coming_soon: false,
    },
    Mcp {
        name: "calendar",
        display_name: "Calendar",
        description: "Reads appointments.",
        integration: "calendar",
        secrets: &[],
        coming_soon: true,
    },
];

impl Mcp {
    pub(crate) fn definition(&self) -> Value {
        let asked = |name: &&str| {
            let what =
                json!({"description": format!("The {name} to sign in with."), "required": true});
            ((*name).to_owned(), what)
        };
        let secrets: serde_json::Map<String, Value> = self.secrets.iter().map(asked).collect();
        json!({
            "name": self.name,
            "displayName": self.display_name,
            "description": self.description,
            "longDescription": self.description,
            "image": format!("mcp-hub/{}:latest", self.name),
            "integration": self.integration,
            "transport": "http-stream",
            "categories": [],
            "coming_soon": self.coming_soon,
            "enterprise": false,
            "hidden": false,
            "hiddenSecrets": [],
            "icon": format!("https://emulator.invalid/icons/{}.svg", self.name),
            "url": format!("https://emulator.invalid/mcp/{}", self.name),
            "entrypoint": {"command": "node", "args": [], "env": {}, "superGatewayArgs": []},
            "form": {"config": {}, "secrets": secrets},
            "createdAt": PUBLISHED,
            "updatedAt": PUBLISHED,
        })
    }
}

/// A sandbox with preinstalled tools.
pub(crate) struct Sandbox {
    name: &'static str,
    display_name: &'static str,
    description: &'static str,
    /// The memory in megabytes.
    memory: u64,
    /// The port of the server that runs in it, besides the sandbox's own API.
    port: Option<u16>,
    tags: &'static str,
    /// Set if it needs a kernel with `iptables`, and a disk of its own for images.
    runs_docker: bool,
}

pub(crate) const SANDBOXES: [Sandbox; 5] = [
    Sandbox {
        name: "base-image",
        display_name: "Base",
        description: "A bare Linux.",
        memory: 4096,
        port: None,
        tags: "linux",
        runs_docker: false,
    },
    Sandbox {
        name: "py-app",
        display_name: "Python",
        description: "Python with its usual tools.",
        memory: 4096,
        port: Some(8000),
        tags: "python",
        runs_docker: false,
    },
    Sandbox {
        name: "ts-app",
        display_name: "TypeScript",
        description: "Node.js with TypeScript.",
        memory: 4096,
        port: Some(3000),
        tags: "typescript",
        runs_docker: false,
    },
    Sandbox {
        name: "nextjs",
        display_name: "Next.js",
        description: "A web application that is rebuilt while it is written.",
        memory: 4096,
        port: Some(3000),
        tags: "typescript,web",
        runs_docker: false,
    },
    Sandbox {
        name: "docker-in-sandbox",
        display_name: "Docker",
        description: "Containers inside of a sandbox.",
        memory: 8192,
        port: None,
        tags: "docker",
        runs_docker: true,
    },
];

/// The platform's other images for sandboxes, which the hub does not list.
const UNLISTED: [&str; 8] = [
    "astro",
    "chromium",
    "expo",
    "jupyter-server",
    "lightpanda",
    "node",
    "prod-base-image",
    "vite",
];

/// Returns the names of the platform's images for sandboxes.
pub(crate) fn sandbox_images() -> impl Iterator<Item = &'static str> {
    let listed = SANDBOXES.iter().map(|sandbox| sandbox.name);
    listed.chain(UNLISTED)
}

impl Sandbox {
    pub(crate) fn definition(&self) -> Value {
        let mut ports = vec![json!({"name": "sandbox-api", "target": 8080, "protocol": "HTTP"})];
        if let Some(port) = self.port {
            ports.push(json!({"name": "app", "target": port, "protocol": "HTTP"}));
        }
        let icon = |file: &str| format!("https://emulator.invalid/icons/{}{file}", self.name);
        let mut definition = json!({
            "name": self.name,
            "displayName": self.display_name,
            "description": self.description,
            "longDescription": self.description,
            "image": format!("blaxel/{}:latest", self.name),
            "memory": self.memory,
            "ports": ports,
            "tags": self.tags,
            "categories": [],
            "coming_soon": false,
            "enterprise": false,
            "hidden": false,
            "icon": icon(".svg"),
            "iconLight": icon(".svg"),
            "iconDark": icon("-dark.svg"),
            "url": format!("https://emulator.invalid/sandbox/{}", self.name),
        });
        if self.runs_docker {
            definition["creationOptions"] = json!({
                "extraArgs": {"iptables": "enabled"},
                "volumes": [{
                    "name": "docker", "type": "ephemeral", "mountPath": "/var/lib/docker", "sizeMb": 10240,
                }],
            });
        }
        definition
    }
}

/// A code template.
pub(crate) struct Template {
    pub(crate) name: &'static str,
    description: &'static str,
    topics: &'static [&'static str],
    /// The environment variable that it needs, and the integration that provides it.
    variable: Option<(&'static str, &'static str)>,
}

pub(crate) const TEMPLATES: [Template; 3] = [
    Template {
        name: "template-echo-agent",
        description: "An agent that says what it heard.",
        topics: &["agent", "python"],
        variable: None,
    },
    Template {
        name: "template-chat-agent",
        description: "An agent that asks a model.",
        topics: &["agent", "typescript"],
        variable: Some(("OPENAI_API_KEY", "openai")),
    },
    Template {
        name: "template-batch-job",
        description: "A job with one task for each item of a list.",
        topics: &["job", "python"],
        variable: None,
    },
];

impl Template {
    pub(crate) fn definition(&self) -> Value {
        let variable = self.variable.map(|(name, integration)| {
            json!({
                "name": name,
                "integration": integration,
                "description": format!("The key for {integration}."),
                "path": ".env",
                "secret": true,
            })
        });
        json!({
            "name": self.name,
            "description": self.description,
            "topics": self.topics,
            "variables": variable.into_iter().collect::<Vec<_>>(),
            "url": format!("https://emulator.invalid/templates/{}", self.name),
            "defaultBranch": "main",
            "sha": "0000000000000000000000000000000000000000",
            "starCount": 0,
            "forksCount": 0,
            "downloadCount": 0,
        })
    }
}
