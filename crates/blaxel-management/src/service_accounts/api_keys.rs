//! API keys of service accounts.

use blaxel_core::{Error, OperationInfo, Period, Timestamp};
use bytes::Bytes;
use http::Method;

use crate::kind::{Created, Deleted, Listed};
use crate::secret_text::SecretText;

response! {
    /// An API key.
    pub struct ApiKey {
        /// The id, which identifies the key.
        pub id: Option<String>,
        /// The name.
        pub name: Option<String>,
        /// The key itself, if it was just created. It is never returned in full again.
        pub api_key: Option<SecretText>,
        /// The lifetime of the key. A key without one does not expire.
        #[serde(rename = "expires_in")]
        pub expires_in: Option<Period>,
        /// The id of the user or service account that the key belongs to.
        pub sub: Option<String>,
        /// The type of the owner: `user` or `service_account`.
        #[serde(rename = "sub_type")]
        pub sub_type: Option<String>,
        /// The time of creation.
        pub created_at: Option<Timestamp>,
        /// The time of the last change.
        pub updated_at: Option<Timestamp>,
        /// The user or service account that created it.
        pub created_by: Option<String>,
        /// The user or service account that last changed it.
        pub updated_by: Option<String>,
    }
}

record! {
    /// A request to create an API key.
    #[doc(alias = "CreateApiKeyForServiceAccount.request")]
    pub struct ApiKeyDraft {
        /// The name of the new key.
        pub name: Option<String>,
        /// The lifetime of the key, at most ten years. By default the key does not expire.
        #[serde(rename = "expires_in")]
        pub expires_in: Option<Period>,
    }
}

resource! { ApiKey { name: id, created_at: created_at, updated_at: updated_at } }

impl Listed for ApiKey {
    const LIST: OperationInfo = OperationInfo::new(
        "ListApiKeysForServiceAccount",
        Method::GET,
        "/service_accounts/{clientId}/api_keys",
    )
    .with_parameters(&[]);
    type Item = Self;
}

impl Created for ApiKey {
    // Not idempotent: the server chooses the id, so a repeated request would create a second key.
    const CREATE: OperationInfo = OperationInfo::new(
        "CreateApiKeyForServiceAccount",
        Method::POST,
        "/service_accounts/{clientId}/api_keys",
    );
    type Draft = ApiKeyDraft;
    type Made = Self;
}

impl Deleted for ApiKey {
    const DELETE: OperationInfo = OperationInfo::new(
        "DeleteApiKeyForServiceAccount",
        Method::DELETE,
        "/service_accounts/{clientId}/api_keys/{apiKeyId}",
    );
    type Response = ();

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_is_read_with_mixed_casing_and_redacted_in_debug_output() {
        let key: ApiKey = serde_json::from_value(json!({
            "id": "ak_1", "name": "pipeline", "apiKey": "canary", "expires_in": "30d",
            "sub": "id-1", "sub_type": "service_account", "createdAt": "2026-05-01T10:00:00Z",
        }))
        .unwrap();
        assert!(!format!("{key:?}").contains("canary"));
        assert_eq!(key.api_key.unwrap().expose(), "canary");
        assert_eq!(key.expires_in, Some(Period::days(30)));
        assert_eq!(key.sub_type.as_deref(), Some("service_account"));
        assert!(key.created_at.is_some());
    }

    #[test]
    fn a_draft_sends_its_lifetime_in_the_format_of_the_api() {
        let draft = ApiKeyDraft::new()
            .name("pipeline")
            .expires_in(Period::days(30));
        assert_eq!(
            serde_json::to_value(draft).unwrap(),
            json!({"name": "pipeline", "expires_in": "30d"})
        );
    }
}
