//! API keys of service accounts.

use blaxel_core::{Error, OperationInfo, Period, Timestamp};
use bytes::Bytes;
use http::Method;

use crate::kind::{Created, Deleted, Listed};
use crate::secret_text::SecretText;

response! {
    /// An API key.
    pub struct ApiKey {
        /// The id under which it is kept.
        pub id: Option<String>,
        /// What it is called.
        pub name: Option<String>,
        /// The key itself, when it was just made. It is never shown whole again.
        pub api_key: Option<SecretText>,
        /// How long it is good for; without end if there is none.
        #[serde(rename = "expires_in")]
        pub expires_in: Option<Period>,
        /// The id of whom it stands for.
        pub sub: Option<String>,
        /// What it stands for: `user` or `service_account`.
        #[serde(rename = "sub_type")]
        pub sub_type: Option<String>,
        /// When it was made.
        pub created_at: Option<Timestamp>,
        /// When it was changed last.
        pub updated_at: Option<Timestamp>,
        /// Who made it.
        pub created_by: Option<String>,
        /// Who changed it last.
        pub updated_by: Option<String>,
    }
}

record! {
    /// An API key to be made.
    #[doc(alias = "CreateApiKeyForServiceAccount.request")]
    pub struct ApiKeyDraft {
        /// What it is to be called.
        pub name: Option<String>,
        /// How long it is good for, at most ten years; without end if nothing is said.
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
    // The server gives the id, so a second one would be a second key.
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
    fn the_mixed_casing_of_a_key_is_read_and_the_key_is_never_printed() {
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
    fn a_draft_says_how_long_in_the_words_of_the_api() {
        let draft = ApiKeyDraft::new()
            .name("pipeline")
            .expires_in(Period::days(30));
        assert_eq!(
            serde_json::to_value(draft).unwrap(),
            json!({"name": "pipeline", "expires_in": "30d"})
        );
    }
}
