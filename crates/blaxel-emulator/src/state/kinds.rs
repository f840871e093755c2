//! The kinds there are.

pub(crate) mod executions;
mod governance;
mod network;
mod previews;
mod sandboxes;
mod schedules;
mod storage;
mod workloads;

use super::{Kind, Pages};

pub(crate) use self::executions::EXECUTIONS;
pub(crate) use self::governance::{
    CUSTOM_DOMAINS, INTEGRATION_CONNECTIONS, POLICIES, policy_users,
};
pub(crate) use self::network::{EGRESS_GATEWAYS, EGRESS_IPS};
pub(crate) use self::previews::PREVIEWS;
pub(crate) use self::sandboxes::{SANDBOXES, SNAPSHOTS};
pub(crate) use self::schedules::{SCHEDULE_EXECUTIONS, SCHEDULES, schedule_changed};
pub(crate) use self::storage::{DRIVES, VOLUME_TEMPLATES};
pub(crate) use self::workloads::{AGENTS, APPLICATIONS, FUNCTIONS, JOBS, MODELS};

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
    &executions::EXECUTIONS,
    &workloads::MODELS,
    &workloads::APPLICATIONS,
    &sandboxes::SANDBOXES,
    &sandboxes::SNAPSHOTS,
    &previews::PREVIEWS,
    &previews::PREVIEW_TOKENS,
    &schedules::SCHEDULES,
    &schedules::SCHEDULE_EXECUTIONS,
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
