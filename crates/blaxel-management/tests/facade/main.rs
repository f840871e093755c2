//! Resources and lists, as programs use them.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(all(
    feature = "network",
    feature = "sandboxes",
    feature = "storage",
    feature = "workloads"
))]
mod drafts;
#[cfg(all(
    feature = "manifests",
    feature = "workloads",
    feature = "sandboxes",
    feature = "storage",
    feature = "catalog"
))]
mod manifests;
#[cfg(feature = "workloads")]
mod modify;
#[cfg(feature = "workloads")]
mod on_the_emulator;
#[cfg(all(
    feature = "network",
    feature = "sandboxes",
    feature = "storage",
    feature = "upload",
    feature = "workloads"
))]
mod regions;
#[cfg(feature = "workloads")]
mod walks;
