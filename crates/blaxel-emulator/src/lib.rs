#![doc = include_str!("../README.md")]

mod billing;
mod builder;
mod catalog;
mod chunks;
mod clock;
mod cron;
mod cursor;
mod emulator;
mod engine;
mod errors;
mod fault;
mod initial_data;
mod journal;
mod local;
mod lock;
mod logs;
mod mcp;
mod openapi;
mod params;
mod router;
mod server;
mod sign;
mod state;
mod uploads;
mod workload;

pub use self::builder::{
    Builder, DEFAULT_API_KEY, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_WORKSPACE,
};
pub use self::chunks::Chunks;
pub use self::clock::Clock;
pub use self::emulator::{Emulator, UnknownCollection};
pub use self::fault::{Fault, UnknownOperation};
pub use self::journal::{CredentialKind, Entry};
pub use self::local::LocalService;
pub use self::workload::{
    Behavior, Callback, CallbackOutcome, InvalidTarget, InvalidWorkload, Script, ScriptedCall,
    Workload,
};
