//! Resources and where they are kept.

mod kind;
mod store;

pub(crate) use self::kind::{AGENTS, KINDS, Kind, MODELS};
pub(crate) use self::store::{Author, Document, Position, Record, Store};
