//! All kinds of resources.

pub(crate) mod access;
pub(crate) mod executions;
mod governance;
pub(crate) mod images;
mod network;
mod previews;
mod sandboxes;
mod schedules;
pub(crate) mod snapshots;
mod storage;
mod workloads;

use super::unknown_kind::UnknownKind;
use super::{Kind, Pages};

pub(crate) use self::access::{API_KEYS, SECRETS, SERVICE_ACCOUNTS, USERS, WORKSPACES};
pub(crate) use self::executions::EXECUTIONS;
pub(crate) use self::governance::{
    CUSTOM_DOMAINS, DOMAIN_SHARES, INTEGRATION_CONNECTIONS, POLICIES, policy_users,
};
pub(crate) use self::images::{IMAGE_SHARES, IMAGES, PENDING_SHARES};
pub(crate) use self::network::{EGRESS_GATEWAYS, EGRESS_IPS};
pub(crate) use self::previews::{PREVIEW_TOKENS, PREVIEWS, preview_host, token_key, token_name};
pub(crate) use self::sandboxes::{SANDBOXES, is_on_standby};
pub(crate) use self::schedules::{SCHEDULE_EXECUTIONS, SCHEDULES, schedule_changed};
pub(crate) use self::snapshots::SNAPSHOTS;
pub(crate) use self::storage::{DRIVES, VOLUME_TEMPLATES, VOLUMES};
pub(crate) use self::workloads::{AGENTS, APPLICATIONS, FUNCTIONS, JOBS, MODELS};

/// Pages with filters by status and external id, as most kinds have them.
const PAGES: Pages = Pages {
    status: true,
    external_id: true,
    ..Pages::PLAIN
};

/// Every kind that has any of the usual operations, parents before their children.
pub(crate) static KINDS: &[&Kind] = &[
    &workloads::AGENTS,
    &workloads::FUNCTIONS,
    &workloads::JOBS,
    &executions::EXECUTIONS,
    &workloads::MODELS,
    &workloads::APPLICATIONS,
    &sandboxes::SANDBOXES,
    &SNAPSHOTS,
    &PREVIEWS,
    &PREVIEW_TOKENS,
    &schedules::SCHEDULES,
    &storage::VOLUMES,
    &storage::VOLUME_TEMPLATES,
    &storage::DRIVES,
    &governance::POLICIES,
    &governance::INTEGRATION_CONNECTIONS,
    &governance::CUSTOM_DOMAINS,
    &governance::DOMAIN_SHARES,
    &network::VPCS,
    &network::EGRESS_GATEWAYS,
    &network::EGRESS_IPS,
    &access::WORKSPACES,
    &access::USERS,
    &access::SERVICE_ACCOUNTS,
    &access::API_KEYS,
    &access::SECRETS,
];

/// The kinds that have none of them.
static OWN_KINDS: [&Kind; 4] = [
    &IMAGES,
    &IMAGE_SHARES,
    &PENDING_SHARES,
    &SCHEDULE_EXECUTIONS,
];

/// Returns all kinds.
pub(crate) fn all_kinds() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().copied().chain(OWN_KINDS)
}

/// Returns the kind of the collections with this path, at the top level or not.
pub(crate) fn kind_at(path: &str) -> Option<&'static Kind> {
    all_kinds().find(|kind| kind.path == path)
}

/// Returns the kinds of the top-level collections that have any of the usual operations.
pub(crate) fn top_kinds() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().copied().filter(|kind| kind.parent.is_none())
}

/// Returns the kind of a top-level collection with this path.
pub(crate) fn top_kind(collection: &str) -> Result<&'static Kind, UnknownKind> {
    let kind = top_kinds().find(|kind| kind.path == collection);
    kind.ok_or_else(|| {
        let known = top_kinds().map(|kind| kind.path);
        UnknownKind::new("collection", collection, known)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows find the parent of a collection by its path.
    #[test]
    fn the_path_of_a_kind_extends_the_path_of_its_parent_only() {
        let kinds: Vec<&Kind> = all_kinds().collect();
        for kind in &kinds {
            let above = kinds.iter().filter(|other| {
                let below = kind.path.strip_prefix(other.path);
                below.is_some_and(|below| below.starts_with("/{"))
            });
            let above: Vec<_> = above.map(|other| other.path).collect();
            let parents: Vec<_> = kind.parents().iter().map(|parent| parent.path).collect();
            for parent in &parents {
                assert!(
                    above.contains(parent),
                    "{} is not below {parent}",
                    kind.path
                );
            }
            assert_eq!(
                above.len(),
                parents.len(),
                "{} is below {above:?}",
                kind.path
            );
        }
    }
}
