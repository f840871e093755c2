//! What tells one kind of resource from another, as data.

use std::time::Duration;

use serde_json::Value;

use super::member::Document;
use super::record::Record;
use super::rows::{CollectionKey, Rows};
use super::rule::Check;
use super::secret::Secret;
use super::timeline::End;
use super::traffic::RevisionFormat;

/// A kind of resource. What all kinds share is written once, in the store and in
/// `router/resources.rs`; this says what differs, and which of the five usual operations there are.
///
/// A new kind is a `static` that starts from [`RESOURCE`](Self::RESOURCE) or [`FLAT`](Self::FLAT)
/// and stands in [`KINDS`](super::KINDS):
///
/// ```ignore
/// pub(crate) static VPCS: Kind = Kind {
///     path: "vpcs",
///     parameter: "vpcName",
///     noun: "VPC",
///     operations: Operations {
///         list: Some("ListVPCs"),
///         create: Some("CreateVPC"),
///         get: Some("GetVPC"),
///         delete: Some("DeleteVPC"),
///         ..Operations::NONE
///     },
///     ..Kind::RESOURCE
/// };
/// ```
///
/// An operation that the API does in its own way stays `None` here and is a route of its own.
pub(crate) struct Kind {
    /// Where the collection is below `/v0/`, with the parameters of its parents, such as
    /// `sandboxes/{sandboxName}/previews`. It tells kinds apart.
    pub(crate) path: &'static str,
    /// The path parameter with the name of one of them, such as `previewName`.
    pub(crate) parameter: &'static str,
    /// How one is called in messages.
    pub(crate) noun: &'static str,
    /// What it is under. A record goes when its parent goes.
    pub(crate) parent: Option<&'static Kind>,
    /// The members that name the parents, outermost first, such as `metadata/vpcName`.
    pub(crate) parents_in: &'static [&'static str],
    pub(crate) operations: Operations,
    pub(crate) form: Layout,
    pub(crate) naming: Naming,
    pub(crate) audit_fields: AuditFields,
    pub(crate) listing: Listing,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) deleted: DeleteResponse,
    /// Whether it is called at an address of its own, which stands in `metadata.url`.
    pub(crate) has_url: bool,
    /// Whether `?upload=true` answers with an address to upload to, and deploys what comes there.
    pub(crate) uploads: bool,
    /// How its revisions are told, where it has any: see [`Operations::revisions`].
    pub(crate) revisions: RevisionFormat,
    /// Members that are not shown to everybody.
    pub(crate) secrets: &'static [Secret],
    /// Whether `?show_secrets=true` shows them.
    pub(crate) show_secrets: bool,
    /// Where its triggers are, whose callbacks the server signs.
    pub(crate) triggers: Option<&'static str>,
    /// Members, as in `spec/status`, that are the server's: what a client sends for them is dropped,
    /// and what is kept there stays.
    pub(crate) read_only: &'static [&'static str],
    /// Members, as in `spec/lifecycle`, that stay when a `PUT` leaves them out, and go when it says
    /// `null`.
    pub(crate) sticky: &'static [&'static str],
    /// Looks at what a client sends, beyond the name and the metadata.
    pub(crate) check: fn(&Document) -> Check,
    /// Fills in what the server adds to a document before it is kept: defaults, for example.
    pub(crate) complete: fn(&mut Document, &Context<'_>),
    /// Adds what is computed whenever a document is shown, such as counts.
    pub(crate) compute: fn(&Rows, &CollectionKey, &Record, &mut Document),
    /// Leaves out what lists do not show. The flag tells whether they are pages.
    pub(crate) abridge: fn(&mut Document, bool),
    /// When it ends by itself, if it does.
    pub(crate) end: fn(&Record) -> Option<End>,
    /// How many there may be under one parent.
    pub(crate) max_count: usize,
    /// What stands against a deletion, in words; it is refused with 409 then.
    pub(crate) deletion_blocker: fn(&Rows, &Record) -> Option<String>,
    /// The spec of one that the emulator puts in place itself.
    pub(crate) sample: fn(&str) -> Value,
}

/// What [`Kind::complete`] may know.
pub(crate) struct Context<'a> {
    pub(crate) name: &'a str,
    pub(crate) workspace: &'a str,
    /// Since 1970-01-01T00:00:00Z.
    pub(crate) now: Duration,
    /// The document there was before, if this one replaces it.
    pub(crate) before: Option<&'a Document>,
}

/// The names of the operations, as the API gives them; `None` where there is none, or where it is no
/// usual one.
pub(crate) struct Operations {
    pub(crate) list: Option<&'static str>,
    pub(crate) create: Option<&'static str>,
    pub(crate) get: Option<&'static str>,
    pub(crate) update: Option<&'static str>,
    pub(crate) delete: Option<&'static str>,
    /// `/revisions` of one.
    pub(crate) revisions: Option<&'static str>,
    /// `/by-external-id/{externalId}`.
    pub(crate) by_external_id: Option<&'static str>,
}

/// Where a document keeps its name and audit_fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// In `metadata`, beside a `spec`.
    Resource,
    /// At its root; the name is this member.
    Flat { key: &'static str },
}

/// Who chooses the name, and what it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// The client: 1 to 49 lowercase letters, digits and hyphens.
    Given,
    /// The client: the name of a domain.
    Domain,
    /// The client as for [`Given`](Self::Given), or else the server, with this before the number.
    GivenOrGenerated(&'static str),
    /// The server alone, with this before the number.
    Generated(&'static str),
}

/// The members with times and persons, as far as the kind has them.
#[derive(Clone, Copy)]
pub(crate) struct AuditFields {
    pub(crate) created_at: Option<&'static str>,
    pub(crate) created_by: Option<&'static str>,
    pub(crate) updated_at: Option<&'static str>,
    pub(crate) updated_by: Option<&'static str>,
    pub(crate) workspace: Option<&'static str>,
}

/// How a collection is listed.
#[derive(Clone, Copy)]
pub(crate) enum Listing {
    /// As a bare array in every version.
    Bare,
    /// In pages since the second version.
    Paged(Pages),
}

/// What the pages of a collection can be asked for, besides `cursor`, `sort` and `q`.
#[derive(Clone, Copy)]
pub(crate) struct Pages {
    pub(crate) default: usize,
    pub(crate) max: usize,
    /// `anchor`.
    pub(crate) anchor: bool,
    /// `status`.
    pub(crate) status: bool,
    /// Whether the first version, which has no pages, heeds `status` too.
    pub(crate) status_always: bool,
    /// `externalId`.
    pub(crate) external_id: bool,
    /// `type`, as the member of that name at the root, and the values it may have.
    pub(crate) types: &'static [&'static str],
}

/// What becomes of a resource in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    /// It is there, or it is not. A status that it has is a member like any other.
    Plain,
    /// It is deployed, step by step, and has `status` and `events`.
    Deployed,
    /// Likewise; and when it ends it stays for a while as `TERMINATED`, which lists show only where
    /// they are asked for it.
    Retained,
}

/// What a deletion answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeleteResponse {
    /// The document.
    Document,
    /// A message and the name.
    MessageAndName,
    /// A message.
    Message,
    /// 204, and nothing.
    Nothing,
}

impl Operations {
    pub(crate) const NONE: Self = Self {
        list: None,
        create: None,
        get: None,
        update: None,
        delete: None,
        revisions: None,
        by_external_id: None,
    };
}

impl AuditFields {
    pub(crate) const ALL: Self = Self {
        created_at: Some("createdAt"),
        created_by: Some("createdBy"),
        updated_at: Some("updatedAt"),
        updated_by: Some("updatedBy"),
        workspace: Some("workspace"),
    };
    pub(crate) const NONE: Self = Self {
        created_at: None,
        created_by: None,
        updated_at: None,
        updated_by: None,
        workspace: None,
    };
}

impl Pages {
    /// Pages of 50, at most 200, without filters.
    pub(crate) const PLAIN: Self = Self {
        default: 50,
        max: 200,
        anchor: true,
        status: false,
        status_always: false,
        external_id: false,
        types: &[],
    };
}

impl Kind {
    /// What most kinds are: metadata and a spec, deployed, listed as a bare array.
    pub(crate) const RESOURCE: Self = Self {
        path: "",
        parameter: "name",
        noun: "Resource",
        parent: None,
        parents_in: &[],
        operations: Operations::NONE,
        form: Layout::Resource,
        naming: Naming::Given,
        audit_fields: AuditFields::ALL,
        listing: Listing::Bare,
        lifecycle: Lifecycle::Deployed,
        deleted: DeleteResponse::Document,
        has_url: false,
        uploads: false,
        revisions: RevisionFormat::Traffic,
        secrets: &[],
        show_secrets: false,
        triggers: None,
        read_only: &[],
        sticky: &["metadata/externalId"],
        check: |_| Ok(()),
        complete: |_, _| {},
        compute: |_, _, _, _| {},
        abridge: |_, _| {},
        end: |_| None,
        max_count: usize::MAX,
        deletion_blocker: |_, _| None,
        sample: |_| Value::Object(Document::new()),
    };

    /// A record with its members at the root, an `id` that the server makes, and no audit_fields.
    pub(crate) const FLAT: Self = Self {
        form: Layout::Flat { key: "id" },
        naming: Naming::Generated("id"),
        audit_fields: AuditFields::NONE,
        lifecycle: Lifecycle::Plain,
        ..Self::RESOURCE
    };

    /// What it is under, outermost first.
    pub(crate) fn parents(&self) -> Vec<&'static Kind> {
        let mut parents: Vec<_> =
            std::iter::successors(self.parent, |parent| parent.parent).collect();
        parents.reverse();
        parents
    }

    /// A plausible document for a resource of this name.
    pub(crate) fn sampled(&self, name: &str) -> Document {
        let mut document = Document::new();
        match self.form {
            Layout::Resource => {
                let metadata = serde_json::json!({"name": name, "displayName": name});
                document.insert("metadata".to_owned(), metadata);
                document.insert("spec".to_owned(), (self.sample)(name));
            }
            Layout::Flat { .. } => {
                if let Value::Object(members) = (self.sample)(name) {
                    document.extend(members);
                }
            }
        }
        document
    }
}
