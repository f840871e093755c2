//! The accounts that workspaces belong to.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;

/// An account: workspaces belong to it, and bills are sent to it.
///
/// The API does not describe the shape of an account. All members are therefore kept as received, and the
/// id and the name are looked up where the API has them elsewhere: in the account itself, or in its
/// `metadata`. An account that is a plain string is taken as its id. It serializes as an object of all its
/// members.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(transparent)]
pub struct Account {
    members: BTreeMap<String, Value>,
}

impl Account {
    /// Returns the id, which identifies the account in the metrics calls.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.text(&["id", "accountId", "account_id"])
    }

    /// Returns the display name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.text(&["displayName", "name"])
    }

    /// Returns all members as the server sent them.
    #[must_use]
    pub fn members(&self) -> &BTreeMap<String, Value> {
        &self.members
    }

    fn text(&self, names: &[&str]) -> Option<&str> {
        let metadata = self.members.get("metadata");
        // Members of the account take precedence over those of its metadata.
        let own = names.iter().map(|name| self.members.get(*name));
        let inner = names.iter().map(|name| metadata?.get(*name));
        own.chain(inner)
            .filter_map(|value| value?.as_str())
            .find(|text| !text.is_empty())
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = match Value::deserialize(deserializer)? {
            Value::Object(members) => members.into_iter().collect(),
            id @ Value::String(_) => BTreeMap::from([("id".to_owned(), id)]),
            _ => return Err(D::Error::custom("an account is an object or an id")),
        };
        Ok(Self { members })
    }
}

/// The account of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WorkspaceAccount {
    /// The id of the account that the workspace belongs to, if the response has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each case: the JSON, the expected id and the expected name.
    #[test]
    fn id_and_name_are_found_in_the_account_and_in_its_metadata() {
        for (json, id, name) in [
            (r#"{"id":"acc","name":"Acme"}"#, Some("acc"), Some("Acme")),
            (
                r#"{"name":"Acme","more":[1],"id":"acc"}"#,
                Some("acc"),
                Some("Acme"),
            ),
            (r#"{"accountId":"acc"}"#, Some("acc"), None),
            (
                r#"{"metadata":{"id":"acc","displayName":"Acme"}}"#,
                Some("acc"),
                Some("Acme"),
            ),
            (
                r#"{"metadata":{"id":"inner"},"id":"outer"}"#,
                Some("outer"),
                None,
            ),
            (r#"{"id":null,"metadata":{"id":"acc"}}"#, Some("acc"), None),
            (r#"{"metadata":"none"}"#, None, None),
            (r#""acc""#, Some("acc"), None),
            ("{}", None, None),
        ] {
            let account: Account = serde_json::from_str(json).unwrap();
            assert_eq!((account.id(), account.name()), (id, name), "{json}");
            let written = serde_json::to_string(&account).unwrap();
            assert_eq!(serde_json::from_str::<Account>(&written).unwrap(), account);
        }
        for json in ["1", "null", "[]"] {
            assert!(serde_json::from_str::<Account>(json).is_err(), "{json}");
        }
    }
}
