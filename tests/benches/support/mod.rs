//! What the benchmarks of the transport share: the answer, the server that gives it, and those who
//! ask for it.

pub mod agent;
pub mod callers;
pub mod document;
pub mod engine;
pub mod process;
pub mod report;
pub mod server;
pub mod stack;
