//! Tests of the emulator's behavior with raw requests, without any client of this workspace.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests are tests too"
)]

mod access;
mod asynchronous;
mod billing;
mod catalog;
mod contract;
mod control;
mod copies;
mod crons;
mod data;
mod deviations;
mod dialects;
mod domains;
mod drives;
mod embeddings;
mod entry_points;
mod events;
mod executions;
mod faults;
mod forks;
mod forwarding;
mod image_shares;
mod images;
mod incidents;
mod inference;
mod journal;
mod kinds;
mod lists;
#[cfg(all(feature = "local-guests", target_os = "linux"))]
mod local_guests;
#[cfg(all(feature = "local-guests", target_os = "linux"))]
mod local_volumes;
mod masking;
mod nested;
mod network;
mod oauth;
mod observability;
mod page;
mod preview_calls;
mod previews;
mod program;
mod recorded_domains;
mod recording;
mod resources;
mod revisions;
mod sandbox_archives;
mod sandbox_creation;
mod sandbox_ends;
mod sandbox_files;
mod sandbox_scripts;
mod sandbox_volumes;
mod sandboxes;
mod schedules;
mod scripts;
mod secrets;
#[cfg(feature = "tls")]
mod secure;
mod service_accounts;
mod sessions;
mod snapshots;
mod standby;
mod statuses;
mod streams;
mod support;
#[cfg(feature = "tls")]
mod tls;
mod tools;
mod uploads;
mod usages;
mod users;
mod validation;
mod versions;
mod workspace_schedules;
mod workspace_secrets;
mod workspaces;
