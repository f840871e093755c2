//! The operations of the API, area by area.

pub mod catalog;
pub mod images;
pub mod network;
pub mod observability;
pub mod sandboxes;
pub mod storage;
pub mod workloads;
pub mod workspaces;
