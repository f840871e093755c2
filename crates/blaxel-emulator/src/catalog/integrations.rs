//! The providers that a workspace can connect to.

use serde_json::{Value, json};

/// A provider that a workspace can connect to.
pub(crate) struct Integration {
    name: &'static str,
    display_name: &'static str,
    /// The endpoint of its models, if it has any.
    endpoint: Option<Endpoint>,
    /// The names of its models.
    models: &'static [&'static str],
}

/// The endpoint that models are called at, and the members of its responses that report usage.
#[derive(Clone, Copy)]
struct Endpoint {
    path: &'static str,
    sent: &'static str,
    received: &'static str,
    total: &'static str,
}

const CHAT: Endpoint = Endpoint {
    path: "/v1/chat/completions",
    sent: "usage.prompt_tokens",
    received: "usage.completion_tokens",
    total: "usage.total_tokens",
};
const MESSAGES: Endpoint = Endpoint {
    path: "/v1/messages",
    sent: "usage.input_tokens",
    received: "usage.output_tokens",
    total: "",
};
const GENERATE: Endpoint = Endpoint {
    path: "/v1beta/models/{model}:generateContent",
    sent: "usageMetadata.promptTokenCount",
    received: "usageMetadata.candidatesTokenCount",
    total: "usageMetadata.totalTokenCount",
};

const fn provider(
    name: &'static str,
    display_name: &'static str,
    endpoint: Endpoint,
    models: &'static [&'static str],
) -> Integration {
    Integration {
        name,
        display_name,
        endpoint: Some(endpoint),
        models,
    }
}

const fn tool(name: &'static str, display_name: &'static str) -> Integration {
    Integration {
        name,
        display_name,
        endpoint: None,
        models: &[],
    }
}

const INTEGRATIONS: [Integration; 9] = [
    provider("openai", "OpenAI", CHAT, &["gpt-4o", "gpt-4o-mini"]),
    provider(
        "anthropic",
        "Anthropic",
        MESSAGES,
        &["claude-haiku", "claude-sonnet"],
    ),
    provider(
        "gemini",
        "Gemini",
        GENERATE,
        &["gemini-flash", "gemini-pro"],
    ),
    provider(
        "mistral",
        "Mistral",
        CHAT,
        &["mistral-small", "mistral-large"],
    ),
    provider("deepseek", "DeepSeek", CHAT, &["deepseek-chat"]),
    provider("groq", "Groq", CHAT, &["llama-70b"]),
    tool("github", "GitHub"),
    tool("brave-search", "Brave Search"),
    tool("postgres", "PostgreSQL"),
];

impl Integration {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        INTEGRATIONS
            .iter()
            .find(|integration| integration.name == name)
    }

    pub(crate) fn definition(&self) -> Value {
        json!({
            "name": self.name,
            "additionalInfos": {"displayName": self.display_name},
            "endpoints": self.endpoints(),
            "headers": {},
            "params": {},
            "organizations": [],
            "repositories": [],
        })
    }

    /// Returns the endpoints of its models, by path.
    pub(crate) fn endpoints(&self) -> Value {
        let mut endpoints = json!({});
        if let Some(Endpoint {
            path,
            sent,
            received,
            total,
        }) = self.endpoint
        {
            let token = json!({"sent": sent, "received": received, "total": total});
            endpoints[path] = json!({
                "method": "POST",
                "models": [],
                "ignoreModels": [],
                "token": token,
                "streamToken": token,
                "streamKey": "stream",
            });
        }
        endpoints
    }

    /// Returns its models.
    pub(crate) fn models(&self) -> impl Iterator<Item = Value> {
        let endpoint = self.endpoint.map(|endpoint| endpoint.path);
        let model =
            move |id| json!({"id": id, "name": id, "provider": self.name, "endpoint": endpoint});
        self.models.iter().map(model)
    }
}
