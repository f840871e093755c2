//! The modules that the benchmarks of walks share: the list, its server, and the walkers.

pub mod consumer;
pub mod list;
pub mod walkers;

#[path = "../support/document.rs"]
pub mod document;
#[path = "../support/hyper_client.rs"]
pub mod hyper_client;
#[path = "../support/process.rs"]
pub mod process;
#[path = "../support/report.rs"]
pub mod report;
#[path = "../support/stack.rs"]
pub mod stack;
