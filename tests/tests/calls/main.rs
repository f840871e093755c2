//! Calls through the whole stack: what servers, layers, runtimes and callers may do to them, and what they keep.

mod bad_input;
mod blocking;
mod cancellation;
mod coded_bodies;
mod end_to_end;
mod fault_scripts;
mod faults;
mod incidents;
mod middleware;
mod offline;
mod plain_service;
mod ports;
mod secrets;
mod terminal;
mod uploads;
mod websocket;
