//! Promise: the responses in `tests/corpus` are read as the file beside each says, and no part of one is
//! ever taken for the whole.
//!
//! `tests/corpus/README.md` describes the files. Each response is read through the public API three times
//! over: as a whole, byte by byte, and cut at every byte.

mod case;
mod check;
mod errors;
mod fuzz;
mod management;
mod mcp;
mod models;
mod oauth;
mod outcome;
mod settings;
mod wire;
mod workloads;
