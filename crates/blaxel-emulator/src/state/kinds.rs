//! The kinds there are.

mod governance;
mod network;
mod sandboxes;
mod storage;
mod workloads;

use super::{Kind, Pages};

pub(crate) use self::governance::{POLICIES, policy_users};
pub(crate) use self::sandboxes::SANDBOXES;
pub(crate) use self::storage::VOLUME_TEMPLATES;
pub(crate) use self::workloads::{AGENTS, MODELS};

/// Pages that can be asked for by status and external id, as most can.
const PAGES: Pages = Pages {
    status: true,
    external_id: true,
    ..Pages::PLAIN
};

/// Every kind, parents before what is under them.
pub(crate) static KINDS: &[&Kind] = &[
    &workloads::AGENTS,
    &workloads::FUNCTIONS,
    &workloads::JOBS,
    &workloads::MODELS,
    &workloads::APPLICATIONS,
    &sandboxes::SANDBOXES,
    &sandboxes::SANDBOX_SCHEDULES,
    &storage::VOLUMES,
    &storage::VOLUME_TEMPLATES,
    &storage::DRIVES,
    &governance::POLICIES,
    &governance::INTEGRATION_CONNECTIONS,
    &governance::CUSTOM_DOMAINS,
    &network::VPCS,
    &network::EGRESS_GATEWAYS,
    &network::EGRESS_IPS,
];
