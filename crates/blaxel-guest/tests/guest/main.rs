//! Requests to the router of a simulated sandbox, and their responses.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests are tests too"
)]

mod archives;
mod blocking;
mod drives;
mod forms;
mod images;
mod interpreter;
mod listening;
mod logs;
mod mcp;
mod mcp_schemas;
mod paths;
mod ports;
mod processes;
mod python;
mod reading;
mod restores;
mod routes;
mod searches;
mod stdin;
mod support;
mod system;
mod terminal;
mod trees;
mod uploads;
mod watches;
mod writing;
