//! Integrations: services of others, and the connections that hold a workspace's access to them.
//!
//! A connection keeps the credential of a provider, an OpenAI key for instance; models and functions
//! name the connections they use.

mod provider;

use std::collections::BTreeMap;

use blaxel_core::{Error, HttpService, Idempotency, OperationInfo, call, response};
use bytes::Bytes;
use http::Method;
use serde_json::Value;

pub use self::provider::{
    Integration, IntegrationEndpoint, IntegrationEndpointToken, IntegrationOrganization,
    IntegrationRepository,
};
use crate::Management;
use crate::collection::Collection;
use crate::kind::{Applied, ApplyOrder, Created, Deleted, Fetched, Listed, Replaced};
use crate::metadata::Metadata;
use crate::operations::{Action, Perform};
use crate::parent_path::ParentPath;
use crate::secret_text::SecretText;

document! {
    /// A connection to a service of somebody else.
    ///
    /// ```
    /// use blaxel_management::integrations::IntegrationConnection;
    ///
    /// let connection = IntegrationConnection::to("my-openai", "openai")
    ///     .config("organization", "org-1")
    ///     .secret("apiKey", "sk-example");
    /// assert!(!format!("{connection:?}").contains("sk-example"));
    /// ```
    pub struct IntegrationConnection {
        pub metadata: Metadata,
        pub spec: IntegrationConnectionSpec,
    }
}

record! {
    /// What a connection leads to, and with which credential.
    pub struct IntegrationConnectionSpec {
        /// What it leads to, such as `openai`, `anthropic` or `github`.
        pub integration: Option<String>,
        /// Settings that are no secrets, such as a region.
        pub config: Option<BTreeMap<String, String>>,
        /// Credentials, by what the service calls them. They come back masked.
        pub secret: Option<BTreeMap<String, SecretText>>,
        /// Whether the credentials are for trials, and not for production.
        pub sandbox: Option<bool>,
    }
}

resource! { IntegrationConnection { metadata: metadata, labels: metadata.labels } }

impl IntegrationConnection {
    /// A connection of that name to that integration.
    #[must_use]
    pub fn to(name: impl Into<String>, integration: impl Into<String>) -> Self {
        Self::new(name).spec(IntegrationConnectionSpec::new().integration(integration))
    }

    /// Adds a setting that is no secret.
    #[must_use]
    pub fn config(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let config = self.spec.config.get_or_insert_default();
        config.insert(name.into(), value.into());
        self
    }

    /// Adds a credential.
    #[must_use]
    pub fn secret(mut self, name: impl Into<String>, value: impl Into<SecretText>) -> Self {
        let secret = self.spec.secret.get_or_insert_default();
        secret.insert(name.into(), value.into());
        self
    }
}

impl<S: HttpService> Management<S> {
    /// The connections of the workspace to services of others.
    #[must_use]
    pub fn integration_connections(&self) -> Collection<IntegrationConnection, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }

    /// The services of others that the platform knows. They are not listed, only looked up by name.
    #[must_use]
    pub fn integrations(&self) -> Collection<Integration, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

/// The API does not say what it answers about models, so it is handed on as it comes; `null` stands
/// for an empty answer.
impl<S: HttpService> Collection<IntegrationConnection, S> {
    /// The models that a connection leads to:
    /// `GET /integrations/connections/{connectionName}/models`.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such connection.
    pub async fn models(&self, connection: &str) -> Result<Value, Error> {
        let list = Perform::<ListIntegrationConnectionModels>::on([connection]);
        call(&self.service, &list).await
    }

    /// One of the models that a connection leads to, by the provider's id for it:
    /// `GET /integrations/connections/{connectionName}/models/{modelId}`.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such connection or model.
    pub async fn model(&self, connection: &str, model: &str) -> Result<Value, Error> {
        let get = Perform::<GetIntegrationConnectionModel>::on([connection, model]);
        call(&self.service, &get).await
    }

    /// How the endpoints of models can be set up over a connection:
    /// `GET /integrations/connections/{connectionName}/endpointConfigurations`.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such connection.
    pub async fn endpoint_configurations(&self, connection: &str) -> Result<Value, Error> {
        let get = Perform::<GetIntegrationConnectionModelEndpointConfigurations>::on([connection]);
        call(&self.service, &get).await
    }
}

impl Listed for IntegrationConnection {
    const LIST: OperationInfo = OperationInfo::new(
        "ListIntegrationConnections",
        Method::GET,
        "/integrations/connections",
    )
    .with_parameters(&[]);
    type Item = Self;
}

impl Created for IntegrationConnection {
    const CREATE: OperationInfo = OperationInfo::new(
        "CreateIntegrationConnection",
        Method::POST,
        "/integrations/connections",
    )
    .with_idempotency(Idempotency::ClientNamed);
    type Draft = Self;
    type Made = Self;
}

impl Fetched for IntegrationConnection {
    const GET: OperationInfo = OperationInfo::new(
        "GetIntegrationConnection",
        Method::GET,
        "/integrations/connections/{connectionName}",
    );
}

impl Replaced for IntegrationConnection {
    const REPLACE: OperationInfo = OperationInfo::new(
        "UpdateIntegrationConnection",
        Method::PUT,
        "/integrations/connections/{connectionName}",
    );
}

/// One that is there holds credentials that nobody can read back, so it is left alone.
impl Applied for IntegrationConnection {
    const ORDER: ApplyOrder = ApplyOrder::KeepExisting;
}

impl Deleted for IntegrationConnection {
    const DELETE: OperationInfo = OperationInfo::new(
        "DeleteIntegrationConnection",
        Method::DELETE,
        "/integrations/connections/{connectionName}",
    );
    type Response = Self;
}

/// Lists the models that a connection leads to: `ListIntegrationConnectionModels`.
#[derive(Clone, Copy, Debug)]
pub struct ListIntegrationConnectionModels;

impl Action for ListIntegrationConnectionModels {
    const INFO: OperationInfo = OperationInfo::new(
        "ListIntegrationConnectionModels",
        Method::GET,
        "/integrations/connections/{connectionName}/models",
    );
    type Input = ();
    type Output = Value;

    fn read(response: &http::Response<Bytes>) -> Result<Value, Error> {
        any_json(response)
    }
}

/// Reads one of the models that a connection leads to: `GetIntegrationConnectionModel`.
#[derive(Clone, Copy, Debug)]
pub struct GetIntegrationConnectionModel;

impl Action for GetIntegrationConnectionModel {
    const INFO: OperationInfo = OperationInfo::new(
        "GetIntegrationConnectionModel",
        Method::GET,
        "/integrations/connections/{connectionName}/models/{modelId}",
    );
    type Input = ();
    type Output = Value;

    fn read(response: &http::Response<Bytes>) -> Result<Value, Error> {
        any_json(response)
    }
}

/// Reads how the endpoints of models can be set up over a connection:
/// `GetIntegrationConnectionModelEndpointConfigurations`.
#[derive(Clone, Copy, Debug)]
pub struct GetIntegrationConnectionModelEndpointConfigurations;

impl Action for GetIntegrationConnectionModelEndpointConfigurations {
    const INFO: OperationInfo = OperationInfo::new(
        "GetIntegrationConnectionModelEndpointConfigurations",
        Method::GET,
        "/integrations/connections/{connectionName}/endpointConfigurations",
    );
    type Input = ();
    type Output = Value;

    fn read(response: &http::Response<Bytes>) -> Result<Value, Error> {
        any_json(response)
    }
}

/// Reads an answer that the API does not describe, and that may be empty.
fn any_json(response: &http::Response<Bytes>) -> Result<Value, Error> {
    if response.body().is_empty() {
        return Ok(Value::Null);
    }
    response::json(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use blaxel_core::Operation;
    use serde_json::json;

    #[test]
    fn a_draft_sends_its_secrets_and_nothing_that_was_not_given() {
        let draft = IntegrationConnection::to("my-openai", "openai").secret("apiKey", "sk-1");
        assert_eq!(
            serde_json::to_value(draft).unwrap(),
            json!({
                "metadata": {"name": "my-openai"},
                "spec": {"integration": "openai", "secret": {"apiKey": "sk-1"}},
            })
        );
    }

    #[test]
    fn the_id_of_a_model_stays_one_segment() {
        let get = Perform::<GetIntegrationConnectionModel>::on(["hf", "org/model:1"]);
        assert_eq!(
            get.encode().unwrap().uri(),
            "blaxel://control/integrations/connections/hf/models/org%2Fmodel%3A1"
        );
    }

    #[test]
    fn an_answer_without_a_shape_may_be_anything_even_empty() {
        for (body, expected) in [
            ("", Value::Null),
            ("[\"a\"]", json!(["a"])),
            ("{\"data\": 1}", json!({"data": 1})),
        ] {
            let response = http::Response::new(Bytes::from_static(body.as_bytes()));
            assert_eq!(
                ListIntegrationConnectionModels::read(&response).unwrap(),
                expected
            );
        }
    }
}
