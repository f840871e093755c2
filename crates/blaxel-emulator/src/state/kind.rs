//! [`Kind`], the description of one type of resource as data.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::Value;

use super::member::Document;
use super::record::Record;
use super::rows::{CollectionKey, Rows};
use super::rule::Check;
use super::secret::Secret;
use super::shown::Shown;
use super::timeline::End;
use super::traffic::RevisionFormat;

/// A kind of resource.
///
/// The common behavior of all kinds is written once, in the store and in `router/resources.rs`. A
/// `Kind` describes the differences, and which of the five usual operations exist.
///
/// A new kind is a `static` that starts from [`RESOURCE`](Self::RESOURCE) or [`FLAT`](Self::FLAT)
/// and is listed in [`KINDS`](super::KINDS):
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
/// An operation with a behavior of its own stays `None` here and has its own route.
pub(crate) struct Kind {
    /// The path of the collection below `/v0/`, with the parameters of its parents, such as
    /// `sandboxes/{sandboxName}/previews`. It is unique.
    pub(crate) path: &'static str,
    /// The path parameter with the name of a resource, such as `previewName`.
    pub(crate) parameter: &'static str,
    /// The noun for a resource in messages.
    pub(crate) noun: &'static str,
    /// The parent kind. A record is removed with its parent.
    pub(crate) parent: Option<&'static Kind>,
    /// The members that hold the names of the parents, outermost first, such as `metadata/vpcName`.
    pub(crate) parents_in: &'static [&'static str],
    pub(crate) operations: Operations,
    pub(crate) form: Layout,
    pub(crate) naming: Naming,
    pub(crate) audit_fields: AuditFields,
    pub(crate) listing: Listing,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) deleted: DeleteResponse,
    /// Set if a resource has its own URL, which is shown in `metadata.url`.
    pub(crate) has_url: bool,
    /// Set if `?upload=true` returns an upload URL, whose upload is then deployed.
    pub(crate) uploads: bool,
    /// The format of its revisions, if it has any: see [`Operations::revisions`].
    pub(crate) revisions: RevisionFormat,
    /// The secret members.
    pub(crate) secrets: &'static [Secret],
    /// Set if `?show_secrets=true` shows them.
    pub(crate) show_secrets: bool,
    /// The path of its triggers, whose callbacks the server signs.
    pub(crate) triggers: Option<&'static str>,
    /// Members that only the server sets, such as `spec/status`. Values from clients are dropped
    /// and stored values are kept.
    pub(crate) read_only: &'static [&'static str],
    /// Members that a `PUT` without them keeps, such as `spec/lifecycle`. A `null` removes them.
    pub(crate) sticky: &'static [&'static str],
    /// Validates a client's document beyond its name, metadata and schema.
    pub(crate) check: fn(&Document) -> Check,
    /// Completes a document before it is stored, for example with defaults.
    pub(crate) complete: fn(&mut Document, &Context<'_>),
    /// Adds computed members, such as counts, whenever a document is shown.
    pub(crate) compute: fn(&Rows, &CollectionKey, &Record, &mut Shown<'_>),
    /// Removes the members that lists do not show. The flag is set if the list is paged.
    pub(crate) abridge: fn(&mut Shown<'_>, bool),
    /// Returns the text that lists are sorted by, if not by creation. It is unique.
    pub(crate) sort_key: fn(&Record) -> Cow<'_, str>,
    /// Returns further texts that a search looks at, besides the usual ones.
    pub(crate) keywords: fn(&Record, Duration) -> Vec<&str>,
    /// Returns the time at which a resource ends by itself, if it does.
    pub(crate) end: fn(&Record) -> Option<End>,
    /// Returns the room for the files of a resource, in bytes, if it has files from its creation on.
    pub(crate) capacity: fn(&Document) -> Option<u64>,
    /// Checks the change from one document to another, beyond [`check`](Self::check).
    pub(crate) check_change: fn(&Document, &Document) -> Check,
    /// Maximum number of resources under one parent.
    pub(crate) max_count: usize,
    /// Returns the reason why a resource cannot be deleted. The deletion is then refused with 409.
    pub(crate) deletion_blocker: fn(&Rows, &Record) -> Option<String>,
    /// Returns the spec of a sample resource.
    pub(crate) sample: fn(&str) -> Value,
}

/// The inputs of [`Kind::complete`].
pub(crate) struct Context<'a> {
    pub(crate) name: &'a str,
    pub(crate) workspace: &'a str,
    /// The time since 1970-01-01T00:00:00Z.
    pub(crate) now: Duration,
    /// The previous document, if this one replaces it.
    pub(crate) before: Option<&'a Document>,
}

/// The API's names of the operations. `None` if an operation does not exist or has its own route.
pub(crate) struct Operations {
    pub(crate) list: Option<&'static str>,
    pub(crate) create: Option<&'static str>,
    pub(crate) get: Option<&'static str>,
    pub(crate) update: Option<&'static str>,
    pub(crate) delete: Option<&'static str>,
    /// `/revisions` of a resource.
    pub(crate) revisions: Option<&'static str>,
    /// `/by-external-id/{externalId}`.
    pub(crate) by_external_id: Option<&'static str>,
}

/// The members in which a document keeps its name and audit fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// In `metadata`, beside a `spec`.
    Resource,
    /// At its root; the name is in this member.
    Flat { key: &'static str },
}

/// The rules for names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// Chosen by the client: 1 to 49 lowercase letters, digits and hyphens.
    Given,
    /// Chosen by the client: a domain name.
    Domain,
    /// Chosen by the client as for [`Given`](Self::Given), or generated by the server from this
    /// prefix and a number.
    GivenOrGenerated(&'static str),
    /// Always generated by the server, from this prefix and a number.
    Generated(&'static str),
}

/// The members for times and authors, as far as the kind has them.
#[derive(Clone, Copy)]
pub(crate) struct AuditFields {
    pub(crate) created_at: Option<&'static str>,
    pub(crate) created_by: Option<&'static str>,
    pub(crate) updated_at: Option<&'static str>,
    pub(crate) updated_by: Option<&'static str>,
    pub(crate) workspace: Option<&'static str>,
}

/// The format of a list.
#[derive(Clone, Copy)]
pub(crate) enum Listing {
    /// A bare array in every version.
    Bare,
    /// As [`Bare`](Self::Bare), with the filter `externalId`.
    Filtered,
    /// Pages since the second version.
    Paged(Pages),
}

/// The query parameters of a paged list, besides `cursor`, `sort` and `q`.
#[derive(Clone, Copy)]
pub(crate) struct Pages {
    pub(crate) default: usize,
    pub(crate) max: usize,
    /// `anchor`.
    pub(crate) anchor: bool,
    /// `status`.
    pub(crate) status: bool,
    /// Set if the first version, which has no pages, applies `status` too.
    pub(crate) status_always: bool,
    /// `externalId`.
    pub(crate) external_id: bool,
    /// `type`, which filters by the member of that name at the root, and its possible values.
    pub(crate) types: &'static [&'static str],
}

/// The states of a resource over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    /// It has no deployment. A status is a member like any other.
    Plain,
    /// It is deployed step by step, and has `status` and `events`.
    Deployed,
    /// As [`Deployed`](Self::Deployed), and it stays as `TERMINATED` for a while after its end.
    /// Lists show it only on request.
    Retained,
}

/// The response to a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeleteResponse {
    /// The document.
    Document,
    /// A message and the name.
    MessageAndName,
    /// A message.
    Message,
    /// 204 without a body.
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
    /// Pages of 50 items, at most 200, without filters.
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
    /// The base of most kinds: metadata and a spec, deployed, listed as a bare array.
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
        sort_key: |record| record.name.as_str().into(),
        keywords: |_, _| Vec::new(),
        end: |_| None,
        capacity: |_| None,
        check_change: |_, _| Ok(()),
        max_count: usize::MAX,
        deletion_blocker: |_, _| None,
        sample: |_| Value::Object(Document::new()),
    };

    /// The base of flat kinds: members at the root, an `id` that the server generates, and no audit
    /// fields.
    pub(crate) const FLAT: Self = Self {
        form: Layout::Flat { key: "id" },
        naming: Naming::Generated("id"),
        audit_fields: AuditFields::NONE,
        lifecycle: Lifecycle::Plain,
        ..Self::RESOURCE
    };

    /// Returns the parent kinds, outermost first.
    pub(crate) fn parents(&self) -> Vec<&'static Kind> {
        let mut parents: Vec<_> =
            std::iter::successors(self.parent, |parent| parent.parent).collect();
        parents.reverse();
        parents
    }

    /// Returns a plausible document for a resource of this name.
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
