//! Previews of sandboxes, and the tokens for those that are not public.

use std::time::Duration;

use serde_json::{Value, json};

use super::sandboxes::SANDBOXES;
use crate::clock::timestamp;
use crate::state::kind::{AuditFields, DeleteResponse, Kind, Lifecycle, Naming, Operations};
use crate::state::rule::{self, Check};
use crate::state::timeline::End;
use crate::state::{CollectionKey, Document, Record, Rows, member};

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
    rule::time(document, "spec/expires")
}

/// Adds the URL of a preview: on its custom domain if it has one, otherwise at the emulator.
fn compute(rows: &Rows, key: &CollectionKey, record: &Record, document: &mut Document) {
    let given = |name: &str| member::text(&record.document, name).filter(|text| !text.is_empty());
    let prefix = given("spec/prefixUrl").unwrap_or(&record.name);
    let sandbox = key.parents().first().map_or("", String::as_str);
    let setting = rows.setting();
    let url = match given("spec/customDomain") {
        Some(domain) => format!("https://{prefix}.{}", domain.trim_start_matches("*.")),
        None => format!(
            "{}/preview/{}/{sandbox}/{}",
            setting.origin, setting.workspace, record.name
        ),
    };
    let region = rows.get(&CollectionKey::top(SANDBOXES.path), sandbox);
    let region = region.and_then(|sandbox| member::get(&sandbox.document, "spec/region"));
    if let Some(region) = region {
        member::set(document, "spec/region", region.clone());
    }
    member::set(document, "spec/url", url.into());
}

pub(crate) static PREVIEW_TOKENS: Kind = Kind {
    path: "sandboxes/{sandboxName}/previews/{previewName}/tokens",
    parameter: "tokenName",
    noun: "Preview token",
    parent: Some(&PREVIEWS),
    parents_in: &["metadata/resourceName", "metadata/previewName"],
    operations: Operations {
        list: Some("ListSandboxPreviewTokens"),
        create: Some("CreateSandboxPreviewToken"),
        delete: Some("DeleteSandboxPreviewToken"),
        ..Operations::NONE
    },
    naming: Naming::GivenOrGenerated("token"),
    audit_fields: AuditFields {
        workspace: Some("workspace"),
        ..AuditFields::NONE
    },
    lifecycle: Lifecycle::Plain,
    deleted: DeleteResponse::Message,
    read_only: &["spec/expired", "spec/token"],
    check: |document| rule::time(document, "spec/expiresAt"),
    complete: |document, context| {
        member::set(document, "metadata/resourceType", "sandbox".into());
        let end = timestamp(context.now.saturating_add(TOKEN_LIFETIME));
        member::default(document, "spec/expiresAt", end.as_str());
    },
    compute: |rows, _, record, document| {
        let end = member::text(document, "spec/expiresAt").and_then(rule::moment);
        let expired = end.is_some_and(|end| end <= rows.now());
        member::set(document, "spec/expired", expired.into());
        let token: Value = rows.secret_of(record).into();
        member::set(document, "spec/token", token);
    },
    sample: |_| json!({}),
    ..Kind::RESOURCE
};
