#![doc = include_str!("../README.md")]
//!
//! ## Main types
//!
//! | to | use |
//! | --- | --- |
//! | create and configure an emulator | [`Emulator`], [`Builder`] |
//! | call it without a socket | [`LocalService`] |
//! | move its time | [`Clock`] |
//! | make operations fail | [`Fault`]; [`Incident`] for failures that were seen in public |
//! | script a workload | [`Script`], with a [`Behavior`] for each call of a [`Workload`]; [`Chunks`] for streamed bodies |
//! | save its state, or begin with some | [`Data`] |
//! | make a seed of what a program does with the platform | [`Recorder`] |
//! | check what was received | [`Entry`] of the journal, [`ScriptedCall`], [`Callback`] |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod background;
mod billing;
mod builder;
mod catalog;
mod chaos;
mod checks;
mod chunks;
mod clock;
mod connections;
mod control;
mod cron;
mod curl;
mod cursor;
mod deviations;

mod data;
mod emulator;
mod engine;
mod errors;
mod failure;
mod fault;
mod guests;
mod har;
mod hosts;
mod incident;
mod initial_data;
mod journal;
mod local;
mod lock;
mod logs;
mod mask;
mod mcp;
mod openapi;
mod params;
mod persist;
mod record;
mod router;
mod server;
mod sign;
mod state;
mod tls;
mod uploads;
mod workload;

/// Re-export of [`blaxel_guest`], whose servers are the machines of the sandboxes.
pub use blaxel_guest;

pub use self::builder::{
    Builder, DEFAULT_API_KEY, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_WORKSPACE,
};
pub use self::chunks::Chunks;
pub use self::clock::Clock;
pub use self::data::{Data, InvalidData};
pub use self::emulator::{Emulator, SandboxScript};
pub use self::failure::Failure;
pub use self::fault::{Fault, UnknownOperation};
pub use self::incident::{Incident, UnknownIncident};
pub use self::journal::{CredentialKind, Entry, Message, Moment, OperationCount};
pub use self::local::LocalService;
pub use self::record::{Recorder, RecorderBuilder};
pub use self::state::UnknownKind;
pub use self::workload::{
    Behavior, Callback, CallbackOutcome, InvalidTarget, InvalidWorkload, Script, ScriptedCall,
    Workload,
};
