//! Service accounts: identities for programs, with API keys.
//!
//! A service account signs in with its client id and client secret, or with one of its API keys.
//! The secret and the keys are returned only once, when they are created.

mod api_keys;

use blaxel_core::{Error, HttpService, OperationInfo, Timestamp, call};
use http::Method;

pub use self::api_keys::{ApiKey, ApiKeyDraft};
use crate::Management;
use crate::collection::Collection;
use crate::kind::{Created, Deleted, Listed};
use crate::operations::{Action, Perform};
use crate::parent_path::ParentPath;
use crate::secret_text::SecretText;

response! {
    /// A service account.
    ///
    /// ```
    /// use blaxel_core::{Error, HttpService, Period};
    /// use blaxel_management::{Management, SecretText};
    /// use blaxel_management::service_accounts::{ApiKeyDraft, ServiceAccountDraft};
    ///
    /// async fn key_for_ci(
    ///     management: &Management<impl HttpService>,
    /// ) -> Result<Option<SecretText>, Error> {
    ///     let accounts = management.service_accounts();
    ///     let made = accounts.create(&ServiceAccountDraft::new("ci")).await?;
    ///     let client_id = made.client_id.unwrap_or_default();
    ///     let draft = ApiKeyDraft::new().name("pipeline").expires_in(Period::days(30));
    ///     let key = accounts.api_keys(&client_id).create(&draft).await?;
    ///     Ok(key.api_key)
    /// }
    /// ```
    #[doc(alias = "GetWorkspaceServiceAccounts")]
    #[doc(alias = "UpdateWorkspaceServiceAccount")]
    #[doc(alias = "DeleteWorkspaceServiceAccount")]
    pub struct ServiceAccount {
        /// The client id, which identifies the account.
        #[serde(rename = "client_id")]
        pub client_id: Option<String>,
        /// The name.
        pub name: Option<String>,
        /// The description.
        pub description: Option<String>,
        /// The time of creation.
        #[serde(rename = "created_at")]
        pub created_at: Option<Timestamp>,
        /// The time of the last change.
        #[serde(rename = "updated_at")]
        pub updated_at: Option<Timestamp>,
    }

    /// A service account that was just created, with its secret.
    #[doc(alias = "CreateWorkspaceServiceAccount")]
    pub struct NewServiceAccount {
        /// The client id, which identifies the account.
        #[serde(rename = "client_id")]
        pub client_id: Option<String>,
        /// The client secret. It is returned only this once.
        #[serde(rename = "client_secret")]
        pub client_secret: Option<SecretText>,
        /// The name.
        pub name: Option<String>,
        /// The description.
        pub description: Option<String>,
        /// The time of creation.
        #[serde(rename = "created_at")]
        pub created_at: Option<Timestamp>,
        /// The time of the last change.
        #[serde(rename = "updated_at")]
        pub updated_at: Option<Timestamp>,
    }
}

record! {
    /// A request to create a service account.
    #[doc(alias = "CreateWorkspaceServiceAccount.request")]
    pub struct ServiceAccountDraft {
        /// The name of the new account.
        pub name: String,
        /// The description.
        pub description: Option<String>,
    }

    /// A change of a service account.
    #[doc(alias = "UpdateWorkspaceServiceAccount.request")]
    pub struct ServiceAccountChange {
        /// The new name.
        pub name: Option<String>,
        /// The new description.
        pub description: Option<String>,
    }
}

resource! { ServiceAccount { name: client_id, created_at: created_at, updated_at: updated_at } }

resource! { NewServiceAccount { name: client_id, created_at: created_at, updated_at: updated_at } }

impl<S: HttpService> Management<S> {
    /// Returns the handle for the service accounts of the workspace, which are identified by client
    /// id.
    ///
    /// See [`ServiceAccount`] for an example.
    #[must_use]
    pub fn service_accounts(&self) -> Collection<ServiceAccount, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl<S: HttpService> Collection<ServiceAccount, S> {
    /// Changes the name and the description of a service account
    /// (`PUT /service_accounts/{clientId}`).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::service_accounts::ServiceAccountChange;
    ///
    /// let change = ServiceAccountChange::new().description("Deploys from CI");
    /// management.service_accounts().update("client-id", &change).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if the account does not exist.
    pub async fn update(
        &self,
        client_id: &str,
        change: &ServiceAccountChange,
    ) -> Result<ServiceAccount, Error> {
        let update = Perform::<UpdateWorkspaceServiceAccount>::on([client_id]).input(change);
        call(&self.service, &update).await
    }

    /// Returns the handle for the API keys of a service account.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let keys = management.service_accounts().api_keys("client-id");
    /// for key in keys.all().await? {
    ///     println!("{:?}, lifetime {:?}", key.name, key.expires_in);
    /// }
    /// keys.delete("key-id").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn api_keys(&self, client_id: &str) -> Collection<ApiKey, S> {
        self.under(client_id)
    }
}

impl Listed for ServiceAccount {
    const LIST: OperationInfo = OperationInfo::new(
        "GetWorkspaceServiceAccounts",
        Method::GET,
        "/service_accounts",
    )
    .with_parameters(&[]);
    type Item = Self;
}

impl Created for ServiceAccount {
    // Not idempotent: the server chooses the id, so a repeated request would create a second
    // account.
    const CREATE: OperationInfo = OperationInfo::new(
        "CreateWorkspaceServiceAccount",
        Method::POST,
        "/service_accounts",
    );
    type Draft = ServiceAccountDraft;
    type Made = NewServiceAccount;
}

impl Deleted for ServiceAccount {
    const DELETE: OperationInfo = OperationInfo::new(
        "DeleteWorkspaceServiceAccount",
        Method::DELETE,
        "/service_accounts/{clientId}",
    );
    type Response = Self;
}

/// Changes a service account: the operation `UpdateWorkspaceServiceAccount`.
#[derive(Clone, Copy, Debug)]
pub struct UpdateWorkspaceServiceAccount;

impl Action for UpdateWorkspaceServiceAccount {
    const INFO: OperationInfo = OperationInfo::new(
        "UpdateWorkspaceServiceAccount",
        Method::PUT,
        "/service_accounts/{clientId}",
    );
    type Input = ServiceAccountChange;
    type Output = ServiceAccount;
}

#[cfg(test)]
mod tests {
    use super::*;
    use blaxel_core::Idempotency;
    use serde_json::json;

    #[test]
    fn the_client_secret_is_read_and_redacted_in_debug_output() {
        let made: NewServiceAccount = serde_json::from_value(json!({
            "client_id": "id-1", "client_secret": "canary", "name": "ci", "description": "builds",
            "created_at": "2026-05-01T10:00:00Z", "updated_at": "2026-05-01T10:00:00Z",
        }))
        .unwrap();
        assert_eq!(made.client_id.as_deref(), Some("id-1"));
        assert!(made.created_at.is_some() && made.updated_at.is_some());
        assert!(!format!("{made:?}").contains("canary"));
        assert_eq!(made.client_secret.unwrap().expose(), "canary");
    }

    #[test]
    fn drafts_and_changes_omit_absent_members() {
        let draft = ServiceAccountDraft::new("ci");
        assert_eq!(serde_json::to_value(draft).unwrap(), json!({"name": "ci"}));
        let change = ServiceAccountChange::new().description("builds");
        assert_eq!(
            serde_json::to_value(change).unwrap(),
            json!({"description": "builds"})
        );
        assert_eq!(ServiceAccount::CREATE.idempotency(), Idempotency::None);
        assert_eq!(ApiKey::CREATE.idempotency(), Idempotency::None);
    }
}
