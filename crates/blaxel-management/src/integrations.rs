//! Integrations with third-party services, and the connections that hold a workspace's credentials.
//!
//! A connection stores the credential of a provider, such as an OpenAI key. Models and functions
//! refer to connections by name.

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
    /// A connection to a third-party service.
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
    /// The desired state of a connection: the service and the credentials.
    pub struct IntegrationConnectionSpec {
        /// The service, such as `openai`, `anthropic` or `github`.
        pub integration: Option<String>,
        /// The settings that are not secret, such as a region.
        pub config: Option<BTreeMap<String, String>>,
        /// The credentials, by the names that the service uses. The server returns them masked.
        pub secret: Option<BTreeMap<String, SecretText>>,
        /// `true` if the credentials are for tests and not for production.
        pub sandbox: Option<bool>,
    }
}

resource! { IntegrationConnection { metadata: metadata, labels: metadata.labels } }

impl IntegrationConnection {
    /// Creates a draft of a connection with a name, to a service, in memory only. See
    /// [`IntegrationConnection`] for an example.
    #[must_use]
    pub fn to(name: impl Into<String>, integration: impl Into<String>) -> Self {
        Self::new(name).spec(IntegrationConnectionSpec::new().integration(integration))
    }

    /// Adds a setting that is not secret.
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
    /// Returns the handle for the workspace's connections to third-party services.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::integrations::IntegrationConnection;
    ///
    /// let connections = management.integration_connections();
    /// let key = std::env::var("OPENAI_API_KEY").unwrap_or_default();
    /// let connection = IntegrationConnection::to("my-openai", "openai").secret("apiKey", key);
    /// connections.create(&connection).await?;
    /// println!("{}", connections.models("my-openai").await?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn integration_connections(&self) -> Collection<IntegrationConnection, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }

    /// Returns the handle for the third-party services that the platform supports. They can be
    /// fetched by name, but not listed.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let openai = management.integrations().get("openai").await?;
    /// println!("{:?}", openai.endpoints.unwrap_or_default().keys());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn integrations(&self) -> Collection<Integration, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

/// Operations on the models of a connection. The API does not document their responses, so they are
/// returned as JSON; an empty response is `null`.
impl<S: HttpService> Collection<IntegrationConnection, S> {
    /// Returns the models that a connection provides
    /// (`GET /integrations/connections/{connectionName}/models`).
    ///
    /// See [`integration_connections`](Management::integration_connections) for an example.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the connection does not exist.
    pub async fn models(&self, connection: &str) -> Result<Value, Error> {
        let list = Perform::<ListIntegrationConnectionModels>::on([connection]);
        call(&self.service, &list).await
    }

    /// Returns one model that a connection provides, by the provider's id
    /// (`GET /integrations/connections/{connectionName}/models/{modelId}`).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let connections = management.integration_connections();
    /// println!("{}", connections.model("my-openai", "gpt-4o").await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the connection or the model does not exist.
    pub async fn model(&self, connection: &str, model: &str) -> Result<Value, Error> {
        let get = Perform::<GetIntegrationConnectionModel>::on([connection, model]);
        call(&self.service, &get).await
    }

    /// Returns the possible endpoint configurations for models of a connection
    /// (`GET /integrations/connections/{connectionName}/endpointConfigurations`).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let connections = management.integration_connections();
    /// println!("{}", connections.endpoint_configurations("my-hugging-face").await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the connection does not exist.
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
    .with_parameters(&["externalId"]);
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

/// Keeps an existing connection: its credentials cannot be read back, so replacing it could lose
/// them.
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

/// Lists the models of a connection: the operation `ListIntegrationConnectionModels`.
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
        json_or_null(response)
    }
}

/// Reads one model of a connection: the operation `GetIntegrationConnectionModel`.
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
        json_or_null(response)
    }
}

/// Reads the endpoint configurations of a connection: the operation
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
        json_or_null(response)
    }
}

/// Decodes a response of undocumented shape. An empty body is `null`.
fn json_or_null(response: &http::Response<Bytes>) -> Result<Value, Error> {
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
    fn a_draft_sends_its_secrets_and_omits_absent_members() {
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
    fn the_id_of_a_model_is_one_path_segment() {
        let get = Perform::<GetIntegrationConnectionModel>::on(["hf", "org/model:1"]);
        assert_eq!(
            get.encode().unwrap().uri(),
            "blaxel://control/integrations/connections/hf/models/org%2Fmodel%3A1"
        );
    }

    #[test]
    fn an_undocumented_response_may_be_any_json_or_empty() {
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
