//! The modules that the benchmarks of the transport share: the document, its server, and the
//! callers.

pub mod agent;
pub mod callers;
pub mod document;
pub mod hyper_client;
pub mod process;
pub mod report;
pub mod server;
pub mod stack;
