//! Promise: no body of a sandbox makes the client panic, ask without end or use memory beyond the size of the body, and
//! no result depends on the chunks in which the body arrives.
//!
//! Each test is a fuzz target that runs for a second on random inputs; `FUZZ_SECONDS` makes it longer. The inputs are the
//! same in every run, so an input that fails once fails again. Everything goes through the facade and a service in
//! memory.

mod archives;
mod documents;
mod input;
mod run;
mod service;
mod streams;
mod terminal;
