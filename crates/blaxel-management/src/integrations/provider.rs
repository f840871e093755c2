//! What the platform knows about a service of somebody else.

use std::collections::BTreeMap;

use blaxel_core::OperationInfo;
use http::Method;
use serde_json::Value;

use crate::kind::Fetched;

response! {
    /// A service of somebody else that the platform can speak to.
    pub struct Integration {
        /// What it is called, such as `openai`.
        pub name: Option<String>,
        /// The calls it understands, by their paths.
        pub endpoints: Option<BTreeMap<String, IntegrationEndpoint>>,
        /// The headers that each call to it has.
        pub headers: Option<BTreeMap<String, String>>,
        /// The query parameters that each call to it has.
        pub params: Option<BTreeMap<String, String>>,
        /// What else is known.
        pub additional_infos: Option<BTreeMap<String, String>>,
        /// The organisations that the user belongs to there.
        pub organizations: Option<Vec<IntegrationOrganization>>,
        /// The repositories that the user has there.
        pub repositories: Option<Vec<IntegrationRepository>>,
    }

    /// A call that a service understands.
    pub struct IntegrationEndpoint {
        /// The method of the request.
        pub method: Option<String>,
        /// The body of the request.
        pub body: Option<String>,
        /// The models it is for. The API does not say of what type they are; strings, as far as known.
        pub models: Option<Vec<Value>>,
        /// The models it is not for, written in the same way.
        pub ignore_models: Option<Vec<Value>>,
        /// The member of the request that asks for a stream.
        pub stream_key: Option<String>,
        /// Where the numbers of tokens stand in an answer that is streamed.
        pub stream_token: Option<IntegrationEndpointToken>,
        /// Where the numbers of tokens stand in an answer that comes whole.
        pub token: Option<IntegrationEndpointToken>,
    }

    /// Where the numbers of tokens stand in an answer.
    pub struct IntegrationEndpointToken {
        /// Where the number of those received stands.
        pub received: Option<String>,
        /// Where the number of those sent stands.
        pub sent: Option<String>,
        /// Where the sum stands.
        pub total: Option<String>,
    }

    /// An organisation at a service, that of a user at GitHub for instance.
    pub struct IntegrationOrganization {
        /// Its id.
        pub id: Option<String>,
        /// Its name.
        pub name: Option<String>,
        /// What people are shown instead of the name.
        pub display_name: Option<String>,
        /// The address of its picture.
        #[serde(rename = "avatar_url")]
        pub avatar_url: Option<String>,
    }

    /// A repository at a service.
    pub struct IntegrationRepository {
        /// Its id.
        pub id: Option<String>,
        /// Its name.
        pub name: Option<String>,
        /// The organisation or person it belongs to.
        pub organization: Option<String>,
        /// Its address.
        pub url: Option<String>,
        /// Whether the code in it uses an SDK of the platform.
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
    fn an_integration_is_read_with_all_its_parts() {
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
