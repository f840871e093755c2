//! Secrets of the workspace, which its egress proxy puts into the requests of sandboxes.
//!
//! A routing rule of a sandbox's [proxy](crate::sandboxes::ProxyTarget) names a secret as `{{SECRET:name}}`. The proxy
//! replaces the placeholder in the requests that match the rule, so the sandbox never sees the value. The API never
//! returns a value either: what is set can only be replaced or deleted.

use blaxel_core::{Error, HttpService, Idempotency, OperationInfo, Secret, Timestamp, call};
use http::Method;

use crate::Management;
use crate::collection::Collection;
use crate::kind::{Deleted, Listed};
use crate::operations::{Action, Perform};
use crate::parent_path::ParentPath;
use crate::secret_text::SecretText;

response! {
    /// A secret of the workspace, without its value.
    #[doc(alias = "Secret")]
    pub struct WorkspaceSecret {
        /// The name. Upper and lower case are different.
        pub name: String,
        /// The time at which the secret was first set.
        pub created_at: Option<Timestamp>,
        /// The time at which the current value was set.
        pub updated_at: Option<Timestamp>,
    }
}

record! {
    /// The request that sets a secret of the workspace. Its `Debug` output does not show the value.
    #[doc(alias = "UpsertSecret.request")]
    pub struct WorkspaceSecretDraft {
        /// The name. Upper and lower case are different.
        pub name: String,
        /// The value.
        pub value: SecretText,
    }
}

resource! { WorkspaceSecret { name: name, created_at: created_at, updated_at: updated_at } }

impl<S: HttpService> Management<S> {
    /// Returns the handle for the secrets of the workspace (`/secrets`).
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_core::Secret;
    /// use blaxel_management::sandboxes::{ProxyConfig, ProxyTarget, Sandbox, SandboxNetwork};
    ///
    /// management.secrets().set("PAYMENTS_KEY", &Secret::from("sk-example")).await?;
    ///
    /// let rule = ProxyTarget::to(["api.payments.example"])
    ///     .header("Authorization", "Bearer {{SECRET:PAYMENTS_KEY}}");
    /// let network = SandboxNetwork::new().proxy(ProxyConfig::new().routing([rule]));
    /// management.sandboxes().create(&Sandbox::new("shop").network(network)).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn secrets(&self) -> Collection<WorkspaceSecret, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl<S: HttpService> Collection<WorkspaceSecret, S> {
    /// Sets a secret, creating it if it does not exist (`POST /secrets`).
    ///
    /// An existing secret gets a new version, which applies to the next requests of all sandboxes that use it;
    /// the sandboxes need not be changed.
    ///
    /// ```
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_core::Secret;
    ///
    /// let secrets = management.secrets();
    /// secrets.set("PAYMENTS_KEY", &Secret::from("sk-example")).await?;
    /// for secret in secrets.all().await? {
    ///     println!("{} was set at {:?}", secret.name, secret.updated_at);
    /// }
    /// secrets.delete("PAYMENTS_KEY").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn set(&self, name: &str, value: &Secret) -> Result<WorkspaceSecret, Error> {
        let draft = WorkspaceSecretDraft::new(name, value.clone());
        let set = Perform::<UpsertSecret>::new().input(&draft);
        call(&self.service, &set).await
    }

    /// Deletes a secret with all its versions (`DELETE /secrets?name=`). It is [`delete`](Self::delete) for a name
    /// that a path cannot contain, such as `.`.
    ///
    /// See [`set`](Self::set) for an example.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none; otherwise the error of the call.
    pub async fn delete_by_query(&self, name: &str) -> Result<WorkspaceSecret, Error> {
        let delete = Perform::<DeleteSecretByQuery>::new().query("name", name);
        call(&self.service, &delete).await
    }
}

impl Listed for WorkspaceSecret {
    const LIST: OperationInfo =
        OperationInfo::new("ListSecrets", Method::GET, "/secrets").with_parameters(&[]);
    type Item = Self;
}

impl Deleted for WorkspaceSecret {
    const DELETE: OperationInfo =
        OperationInfo::new("DeleteSecret", Method::DELETE, "/secrets/{secretName}");
    type Response = Self;
}

/// Sets a secret of the workspace: the operation `UpsertSecret`.
#[derive(Clone, Copy, Debug)]
pub struct UpsertSecret;

impl Action for UpsertSecret {
    // Idempotent: a second request stores the same value as another version, and only the last one counts.
    const INFO: OperationInfo = OperationInfo::new("UpsertSecret", Method::POST, "/secrets")
        .with_idempotency(Idempotency::Idempotent);
    type Input = WorkspaceSecretDraft;
    type Output = WorkspaceSecret;
}

/// Deletes a secret of the workspace, named by the query: the operation `DeleteSecretByQuery`.
#[derive(Clone, Copy, Debug)]
pub struct DeleteSecretByQuery;

impl Action for DeleteSecretByQuery {
    const INFO: OperationInfo =
        OperationInfo::new("DeleteSecretByQuery", Method::DELETE, "/secrets")
            .with_parameters(&["name"]);
    type Input = ();
    type Output = WorkspaceSecret;
}

#[cfg(test)]
mod tests {
    use super::*;
    use blaxel_core::Operation;
    use serde_json::json;

    #[test]
    fn a_value_is_sent_and_never_printed() {
        let draft = WorkspaceSecretDraft::new("KEY", "canary");
        let set = Perform::<UpsertSecret>::new().input(&draft);
        assert!(!format!("{draft:?} {set:?}").contains("canary"));
        let request = set.encode().unwrap();
        assert_eq!(request.uri(), "blaxel://control/secrets");
        let sent: serde_json::Value =
            serde_json::from_slice(&request.body().bytes().unwrap()).unwrap();
        assert_eq!(sent, json!({"name": "KEY", "value": "canary"}));
    }

    #[test]
    fn a_value_in_a_response_is_dropped() {
        let secret: WorkspaceSecret =
            serde_json::from_value(json!({"name": "KEY", "value": "canary"})).unwrap();
        assert_eq!(
            serde_json::to_value(&secret).unwrap(),
            json!({"name": "KEY"})
        );
        assert!(!format!("{secret:?}").contains("canary"));
    }
}
