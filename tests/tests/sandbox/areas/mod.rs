//! The areas of the list: what is called, and what has to come of it.
//!
//! Each file has a function `prepare` for the machine, `perform` for the calls, and `unsent` for the operations and
//! parameters that the facade does not send to a server of that age.

pub mod archive;
pub mod codegen;
pub mod copies;
pub mod drives;
pub mod files;
pub mod interpreter;
pub mod network;
pub mod ports;
pub mod processes;
pub mod system;
pub mod watch;
