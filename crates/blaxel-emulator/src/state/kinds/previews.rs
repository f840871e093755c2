//! Previews of sandboxes, and the tokens for those that are not public.

use std::time::Duration;

use serde_json::{Value, json};

use super::sandboxes::SANDBOXES;
use crate::clock::timestamp;
use crate::state::kind::{AuditFields, Kind, Lifecycle, Naming, Operations};
use crate::state::rule::{self, Check};
use crate::state::timeline::End;
use crate::state::{CollectionKey, Document, Record, Rows, Settings, Shown, member};

/// The default lifetime of a token.
const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) static PREVIEWS: Kind = Kind {
    path: "sandboxes/{sandboxName}/previews",
    parameter: "previewName",
    noun: "Preview",
    parent: Some(&SANDBOXES),
    parents_in: &["metadata/resourceName"],
    operations: Operations {
        list: Some("ListSandboxPreviews"),
        // Creation has its own route: see `router/previews.rs`.
        create: None,
        get: Some("GetSandboxPreview"),
        update: Some("UpdateSandboxPreview"),
        delete: Some("DeleteSandboxPreview"),
        ..Operations::NONE
    },
    naming: Naming::GivenOrGenerated("preview"),
    read_only: &["spec/region", "spec/url"],
    check,
    complete: |document, _| member::set(document, "metadata/resourceType", "sandbox".into()),
    compute,
    end: |record| {
        let spec = |name: &str| member::text(&record.document, name);
        let ttl = spec("spec/ttl").and_then(rule::seconds);
        let ttl = ttl.map(|ttl| record.created.saturating_add(ttl));
        let date = spec("spec/expires").and_then(rule::moment);
        Some(End::immediate(ttl.into_iter().chain(date).min()?))
    },
    ..Kind::RESOURCE
};

fn check(document: &Document) -> Check {
    rule::duration(document, "spec/ttl")?;
    rule::time(document, "spec/expires")?;
    match given(document, "spec/prefixUrl") {
        Some(prefix) => rule::host_label(prefix, "spec.prefixUrl"),
        None => Ok(()),
    }
}

fn given<'a>(document: &'a Document, path: &str) -> Option<&'a str> {
    member::text(document, path).filter(|text| !text.is_empty())
}

/// Returns the host name of a preview, with its port if it has one: on its custom domain, or below
/// the emulator's own if it has a prefix. Returns `None` if the preview has only a path.
pub(crate) fn preview_host(document: &Document, name: &str, setting: &Settings) -> Option<String> {
    let prefix = given(document, "spec/prefixUrl");
    if let Some(domain) = given(document, "spec/customDomain") {
        let domain = domain.trim_start_matches("*.");
        return Some(format!("{}.{domain}", prefix.unwrap_or(name)));
    }
    let Settings {
        workspace,
        preview_domain,
        ..
    } = setting;
    Some(format!("{}-{workspace}.{preview_domain}", prefix?))
}

/// Adds the URL of a preview: its host if it has one, otherwise a path of the emulator.
fn compute(rows: &Rows, key: &CollectionKey, record: &Record, shown: &mut Shown<'_>) {
    let document = shown.to_mut();
    let sandbox = key.parents().first().map_or("", String::as_str);
    let setting = rows.setting();
    let origin = &setting.origin;
    let scheme = match given(&record.document, "spec/customDomain") {
        None if origin.starts_with("http:") => "http",
        _ => "https",
    };
    let url = match preview_host(&record.document, &record.name, setting) {
        Some(host) => format!("{scheme}://{host}"),
        None => format!(
            "{origin}/preview/{}/{sandbox}/{}",
            setting.workspace, record.name
        ),
    };
    let region = rows.get(&CollectionKey::top(SANDBOXES.path), sandbox);
    let region = region.and_then(|sandbox| member::get(&sandbox.document, "spec/region"));
    if let Some(region) = region {
        member::set(document, "spec/region", region.clone());
    }
    member::set(document, "spec/url", url.into());
}

/// Returns the start of the key of a further token of this name. Names contain no space.
pub(crate) fn token_key(name: &str) -> String {
    format!("{name} ")
}

/// Returns the name of a token from its key.
pub(crate) fn token_name(key: &str) -> &str {
    key.split_once(' ').map_or(key, |(name, _)| name)
}

pub(crate) static PREVIEW_TOKENS: Kind = Kind {
    path: "sandboxes/{sandboxName}/previews/{previewName}/tokens",
    parameter: "tokenName",
    noun: "Preview token",
    parent: Some(&PREVIEWS),
    parents_in: &["metadata/resourceName", "metadata/previewName"],
    operations: Operations {
        list: Some("ListSandboxPreviewTokens"),
        // Creation and deletion have their own routes: see `router/previews.rs`.
        create: None,
        delete: None,
        ..Operations::NONE
    },
    naming: Naming::GivenOrGenerated("token"),
    audit_fields: AuditFields {
        workspace: Some("workspace"),
        ..AuditFields::NONE
    },
    lifecycle: Lifecycle::Plain,
    read_only: &["spec/expired", "spec/token"],
    check: |document| rule::time(document, "spec/expiresAt"),
    complete: |document, context| {
        member::set(document, "metadata/resourceType", "sandbox".into());
        let end = timestamp(context.now.saturating_add(TOKEN_LIFETIME));
        member::default(document, "spec/expiresAt", end.as_str());
    },
    compute: |rows, _, record, shown| {
        let document = shown.to_mut();
        let name = token_name(&record.name);
        member::set(document, "metadata/name", name.into());
        let end = member::text(document, "spec/expiresAt").and_then(rule::moment);
        let expired = end.is_some_and(|end| end <= rows.now());
        member::set(document, "spec/expired", expired.into());
        let token: Value = rows.secret_of(record).into();
        member::set(document, "spec/token", token);
    },
    sample: |_| json!({}),
    ..Kind::RESOURCE
};
