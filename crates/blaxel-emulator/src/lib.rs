#![doc = include_str!("../README.md")]

mod billing;
mod builder;
mod catalog;
mod clock;
mod cron;
mod cursor;
mod emulator;
mod engine;
mod errors;
mod fault;
mod furnish;
mod journal;
mod local;
mod lock;
mod logs;
mod mcp;
mod openapi;
mod params;
mod pieces;
mod router;
mod server;
mod sign;
mod state;
mod uploads;
mod workload;

pub use self::builder::{
    Builder, DEFAULT_API_KEY, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_WORKSPACE,
};
pub use self::clock::Clock;
pub use self::emulator::{Emulator, UnknownCollection};
pub use self::fault::{Fault, UnknownOperation};
pub use self::journal::{CredentialKind, Entry};
pub use self::local::LocalService;
pub use self::pieces::Pieces;
pub use self::workload::{
    Behaviour, Callback, CallbackOutcome, InvalidTarget, InvalidWorkload, Script, ScriptedCall,
    Workload,
};
