//! The kinds there are.

mod network;
mod schedules;
mod workloads;

use super::Kind;

pub(crate) use self::workloads::{AGENTS, MODELS};

/// Every kind, parents before what is under them.
pub(crate) static KINDS: &[&Kind] = &[
    &workloads::AGENTS,
    &workloads::MODELS,
    &workloads::SANDBOXES,
    &schedules::SANDBOX_SCHEDULES,
    &network::VPCS,
    &network::EGRESS_GATEWAYS,
    &network::EGRESS_IPS,
];
