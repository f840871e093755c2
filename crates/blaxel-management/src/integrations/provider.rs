//! Descriptions of third-party services.

use std::collections::BTreeMap;

use blaxel_core::OperationInfo;
use http::Method;
use serde_json::Value;

use crate::kind::Fetched;

response! {
    /// A third-party service that the platform supports.
    pub struct Integration {
        /// The name, such as `openai`.
        pub name: Option<String>,
        /// The endpoints of the service, by path.
        pub endpoints: Option<BTreeMap<String, IntegrationEndpoint>>,
        /// The headers of every request to the service.
        pub headers: Option<BTreeMap<String, String>>,
        /// The query parameters of every request to the service.
        pub params: Option<BTreeMap<String, String>>,
        /// Further properties.
        pub additional_infos: Option<BTreeMap<String, String>>,
        /// The user's organizations at the service.
        pub organizations: Option<Vec<IntegrationOrganization>>,
        /// The user's repositories at the service.
        pub repositories: Option<Vec<IntegrationRepository>>,
    }

    /// An endpoint of a service.
    pub struct IntegrationEndpoint {
        /// The HTTP method.
        pub method: Option<String>,
        /// The request body.
        pub body: Option<String>,
        /// The models that the endpoint is for. The API does not document the type of the elements;
        /// so far they have been strings.
        pub models: Option<Vec<Value>>,
        /// The models that the endpoint is not for, with elements like those of `models`.
        pub ignore_models: Option<Vec<Value>>,
        /// The member of the request body that requests a stream.
        pub stream_key: Option<String>,
        /// The token counts in a streamed response.
        pub stream_token: Option<IntegrationEndpointToken>,
        /// The token counts in a complete response.
        pub token: Option<IntegrationEndpointToken>,
    }

    /// The locations of token counts in a response.
    pub struct IntegrationEndpointToken {
        /// The location of the number of received tokens.
        pub received: Option<String>,
        /// The location of the number of sent tokens.
        pub sent: Option<String>,
        /// The location of the sum.
        pub total: Option<String>,
    }

    /// An organization at a service, such as a GitHub organization of the user.
    pub struct IntegrationOrganization {
        /// The id.
        pub id: Option<String>,
        /// The name.
        pub name: Option<String>,
        /// The display name.
        pub display_name: Option<String>,
        /// The URL of the icon.
        #[serde(rename = "avatar_url")]
        pub avatar_url: Option<String>,
    }

    /// A repository at a service.
    pub struct IntegrationRepository {
        /// The id.
        pub id: Option<String>,
        /// The name.
        pub name: Option<String>,
        /// The organization or person that owns it.
        pub organization: Option<String>,
        /// The URL.
        pub url: Option<String>,
        /// `true` if the code uses a Blaxel SDK.
        pub is_bl: Option<bool>,
    }
}

resource! { Integration { name: name } }

impl Fetched for Integration {
    const GET: OperationInfo = OperationInfo::new(
        "GetIntegration",
        Method::GET,
        "/integrations/{integrationName}",
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_integration_is_read_with_nested_members() {
        let integration: Integration = serde_json::from_value(json!({
            "name": "openai",
            "endpoints": {"/v1/chat/completions": {
                "method": "POST", "models": ["gpt-4o", {"id": "o1"}], "ignoreModels": [],
                "streamKey": "stream", "token": {"sent": "usage.prompt_tokens"},
            }},
            "headers": null,
            "organizations": [{"id": "1", "avatar_url": "https://example.com/a.png"}],
            "repositories": [{"id": "2", "isBl": true}],
        }))
        .unwrap();
        let endpoints = integration.endpoints.unwrap();
        let chat = &endpoints["/v1/chat/completions"];
        assert_eq!(chat.models.as_ref().map(Vec::len), Some(2));
        assert_eq!(
            chat.token.as_ref().and_then(|token| token.sent.as_deref()),
            Some("usage.prompt_tokens")
        );
        assert!(integration.organizations.unwrap()[0].avatar_url.is_some());
        assert_eq!(integration.repositories.unwrap()[0].is_bl, Some(true));
    }
}
