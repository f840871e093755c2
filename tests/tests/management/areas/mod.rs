//! The operations of the API, area by area.

pub mod workloads;
