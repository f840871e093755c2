//! Workspaces, their users, service accounts and API keys.

use std::time::Duration;

use serde_json::{Value, json};

use crate::state::kind::{AuditFields, DeleteResponse, Kind, Layout, Operations};
use crate::state::rule::{self, Check};
use crate::state::secret::{Rule, Secret};
use crate::state::{CollectionKey, Document, Record, Rows, member};

/// The longest lifetime of an API key: ten years.
const LONGEST: Duration = Duration::from_secs(3653 * 24 * 60 * 60);

/// Audit fields without a workspace.
const AUDIT_FIELDS: AuditFields = AuditFields {
    workspace: None,
    ..AuditFields::ALL
};

pub(crate) static WORKSPACES: Kind = Kind {
    path: "workspaces",
    parameter: "workspaceName",
    noun: "Workspace",
    operations: Operations {
        list: Some("ListWorkspaces"),
        update: Some("UpdateWorkspace"),
        // The others have their own routes: see `router/workspaces.rs`.
        ..Operations::NONE
    },
    form: Layout::Flat { key: "name" },
    audit_fields: AUDIT_FIELDS,
    read_only: &["resourceCounts", "status", "statusReason"],
    complete: |document, context| {
        member::default(document, "displayName", context.name);
        member::default(document, "status", "ready");
    },
    compute: |rows, _, record, shown| {
        shown.set("accountId", rows.setting().account.as_str());
        shown.set("id", format!("ws-{:08x}", record.serial));
    },
    sample: |_| json!({}),
    ..Kind::FLAT
};

pub(crate) static USERS: Kind = Kind {
    path: "users",
    parameter: "subOrEmail",
    noun: "User",
    operations: Operations {
        list: Some("ListWorkspaceUsers"),
        // The others have their own routes: see `router/users.rs`.
        ..Operations::NONE
    },
    form: Layout::Flat { key: "email" },
    compute: |rows, _, record, shown| {
        let document = shown.to_mut();
        let invited_until = document.remove(INVITED_UNTIL);
        let end = invited_until
            .as_ref()
            .and_then(Value::as_str)
            .and_then(rule::moment);
        let expired = end.is_some_and(|end| end <= rows.now());
        document.insert("expired".to_owned(), expired.into());
        if let Some(sub) = subject(record) {
            document.insert("sub".to_owned(), sub.into());
            member::default(document, "mfa_enabled", false);
        }
    },
    sample: |_| json!({"role": "admin", "accepted": true, "email_verified": true}),
    ..Kind::FLAT
};

/// The member of a user with the end of the invitation. It is not shown.
pub(crate) const INVITED_UNTIL: &str = "invitedUntil";

/// Secrets of the workspace. Their values are never shown.
pub(crate) static SECRETS: Kind = Kind {
    path: "secrets",
    parameter: "secretName",
    noun: "Secret",
    operations: Operations {
        list: Some("ListSecrets"),
        // The others have their own routes: see `router/secrets.rs`.
        delete: Some("DeleteSecret"),
        ..Operations::NONE
    },
    form: Layout::Flat { key: "name" },
    audit_fields: AuditFields {
        created_at: Some("createdAt"),
        updated_at: Some("updatedAt"),
        ..AuditFields::NONE
    },
    secrets: &[Secret {
        path: SECRET_VALUES,
        rule: Rule::Hidden,
    }],
    ..Kind::FLAT
};

/// The member of a secret with the values of its versions, oldest first.
pub(crate) const SECRET_VALUES: &str = "values";

/// Returns the values that were set for a secret, oldest first.
pub(crate) fn secret_values(rows: &Rows, name: &str) -> Vec<String> {
    let secret = rows.get(&CollectionKey::top(SECRETS.path), name);
    let values = secret.and_then(|secret| secret.document.get(SECRET_VALUES)?.as_array());
    let values = values.into_iter().flatten();
    values
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect()
}

/// Returns the identifier of a user, which exists only after the invitation was accepted.
pub(crate) fn subject(user: &Record) -> Option<String> {
    let accepted = member::get(&user.document, "accepted") == Some(&Value::Bool(true));
    accepted.then(|| format!("usr-{:08x}", user.serial))
}

pub(crate) static SERVICE_ACCOUNTS: Kind = Kind {
    path: "service_accounts",
    parameter: "clientId",
    noun: "Service account",
    operations: Operations {
        list: Some("GetWorkspaceServiceAccounts"),
        // Creation has its own route: see `router/service_accounts.rs`.
        create: None,
        update: Some("UpdateWorkspaceServiceAccount"),
        delete: Some("DeleteWorkspaceServiceAccount"),
        ..Operations::NONE
    },
    form: Layout::Flat { key: "client_id" },
    audit_fields: AuditFields {
        created_at: Some("created_at"),
        updated_at: Some("updated_at"),
        ..AuditFields::NONE
    },
    sticky: &["description", "name"],
    sample: |name| json!({"name": name}),
    ..Kind::FLAT
};

pub(crate) static API_KEYS: Kind = Kind {
    path: "service_accounts/{clientId}/api_keys",
    parameter: "apiKeyId",
    noun: "API key",
    parent: Some(&SERVICE_ACCOUNTS),
    parents_in: &["sub"],
    operations: Operations {
        list: Some("ListApiKeysForServiceAccount"),
        // Creation has its own route: see `router/service_accounts.rs`.
        create: None,
        delete: Some("DeleteApiKeyForServiceAccount"),
        ..Operations::NONE
    },
    audit_fields: AUDIT_FIELDS,
    deleted: DeleteResponse::Message,
    secrets: &[Secret {
        path: "apiKey",
        rule: Rule::Always,
    }],
    check: check_key,
    complete: |document, _| {
        document.insert("sub_type".to_owned(), "service_account".into());
    },
    compute: |rows, _, record, shown| shown.set("apiKey", api_key(rows, record)),
    ..Kind::FLAT
};

fn check_key(document: &Document) -> Check {
    rule::duration(document, "expires_in")?;
    let lasts = member::text(document, "expires_in").and_then(rule::seconds);
    if lasts.is_some_and(|lasts| lasts > LONGEST) {
        return Err("expires_in is more than ten years.".to_owned());
    }
    Ok(())
}

/// The prefix of the API keys of service accounts.
const KEY_PREFIX: &str = "bl_";

fn api_key(rows: &Rows, record: &Record) -> String {
    format!("{KEY_PREFIX}{}", rows.secret_of(record))
}

/// Returns `true` if a credential has the prefix of such an API key.
pub(crate) fn is_key(credential: &str) -> bool {
    credential.starts_with(KEY_PREFIX)
}

/// Returns the service account that a valid API key belongs to, and the id of the key.
pub(crate) fn key_holder(rows: &Rows, key: &str) -> Option<(String, String)> {
    let mut keys = rows.everywhere(API_KEYS.path);
    let (key, record) = keys.find(|(_, record)| api_key(rows, record) == key)?;
    let lasts = member::text(&record.document, "expires_in").and_then(rule::seconds);
    let end = lasts.map(|lasts| record.created.saturating_add(lasts));
    if end.is_some_and(|end| end <= rows.now()) {
        return None;
    }
    Some((key.parents().first()?.clone(), record.name.clone()))
}

/// Returns the secret of a service account, or `None` if there is no such account.
pub(crate) fn client_secret(rows: &Rows, client_id: &str) -> Option<String> {
    let record = rows.get(&CollectionKey::top(SERVICE_ACCOUNTS.path), client_id)?;
    Some(rows.secret_of(record))
}
