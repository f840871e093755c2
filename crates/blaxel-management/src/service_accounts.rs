//! Service accounts: identities for programs, and their API keys.
//!
//! A service account signs in with its client id and client secret, or with one of its API keys. The
//! secret and the keys are shown once, when they are made.

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
        /// The id it signs in with, under which it is kept.
        #[serde(rename = "client_id")]
        pub client_id: Option<String>,
        /// What it is called.
        pub name: Option<String>,
        /// What it is for.
        pub description: Option<String>,
        /// When it was made.
        #[serde(rename = "created_at")]
        pub created_at: Option<Timestamp>,
        /// When it was changed last.
        #[serde(rename = "updated_at")]
        pub updated_at: Option<Timestamp>,
    }

    /// A service account that was just made, with its secret.
    #[doc(alias = "CreateWorkspaceServiceAccount")]
    pub struct NewServiceAccount {
        /// The id it signs in with, under which it is kept.
        #[serde(rename = "client_id")]
        pub client_id: Option<String>,
        /// The secret it signs in with. It is never shown again.
        #[serde(rename = "client_secret")]
        pub client_secret: Option<SecretText>,
        /// What it is called.
        pub name: Option<String>,
        /// What it is for.
        pub description: Option<String>,
        /// When it was made.
        #[serde(rename = "created_at")]
        pub created_at: Option<Timestamp>,
        /// When it was changed last.
        #[serde(rename = "updated_at")]
        pub updated_at: Option<Timestamp>,
    }
}

record! {
    /// A service account to be made.
    #[doc(alias = "CreateWorkspaceServiceAccount.request")]
    pub struct ServiceAccountDraft {
        /// What it is to be called.
        pub name: String,
        /// What it is for.
        pub description: Option<String>,
    }

    /// What is to change about a service account.
    #[doc(alias = "UpdateWorkspaceServiceAccount.request")]
    pub struct ServiceAccountChange {
        /// What it is called from now on.
        pub name: Option<String>,
        /// What it is for.
        pub description: Option<String>,
    }
}

resource! { ServiceAccount { name: client_id, created_at: created_at, updated_at: updated_at } }

resource! { NewServiceAccount { name: client_id, created_at: created_at, updated_at: updated_at } }

impl<S: HttpService> Management<S> {
    /// The service accounts of the workspace. Each is kept under its client id.
    #[must_use]
    pub fn service_accounts(&self) -> Collection<ServiceAccount, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl<S: HttpService> Collection<ServiceAccount, S> {
    /// Changes what a service account is called, and what it is said to be for:
    /// `PUT /service_accounts/{clientId}`.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none of that id.
    pub async fn update(
        &self,
        client_id: &str,
        change: &ServiceAccountChange,
    ) -> Result<ServiceAccount, Error> {
        let update = Perform::<UpdateWorkspaceServiceAccount>::on([client_id]).input(change);
        call(&self.service, &update).await
    }

    /// The API keys of a service account.
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
    // The server gives the id, so a second one would be a second account.
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

/// Changes a service account: `UpdateWorkspaceServiceAccount`.
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
    fn the_secret_of_a_new_account_is_read_and_never_printed() {
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
    fn drafts_and_changes_hold_what_was_given_and_nothing_else() {
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
