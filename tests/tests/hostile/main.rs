//! Promise: whatever a server, a runtime or a layer does, a call ends within its limits, in bounded
//! memory, with an error that tells the truth about what happened and shows no credential.
//!
//! The attacks are a table. Each row has its limit in time, its outcome and its peak memory, and
//! fails if any of them differs. `cargo test -p blaxel-tests --test hostile -- --nocapture` prints
//! it:
//!
//! - ATTACK: what the server, runtime or user does.
//! - LIMIT: what stops it, and within which time. Where no socket is needed, the clock is paused, so
//!   the time is exact.
//! - OUTCOME: the end of the call: its kind, `Error::delivery`, `Error::maybe_applied` and
//!   `Error::attempts`.
//! - PEAK: the most bytes that the client held at once.
//!
//! Other tests try other promises with hostile input: `faults.rs` and `fault_scripts.rs` the number
//! of attempts, `cancellation.rs` dropped calls, `foreign_layers` the user's layers, `secrets.rs`
//! what is printed.

mod bodies;
mod clients;
mod connections;
mod echoes;
#[cfg(unix)]
mod files;
mod heads;
mod http2;
mod lists;
mod replies;
mod runtimes;
mod streams;
mod table;
mod wire;

#[test]
fn every_attack_ends_within_its_limits() {
    table::run(vec![
        ("connections", connections::attacks()),
        ("response heads", heads::attacks()),
        ("response bodies", bodies::attacks()),
        ("streams", streams::attacks()),
        ("HTTP/2", http2::attacks()),
        ("lists", lists::attacks()),
        ("secrets and requests", echoes::attacks()),
        #[cfg(unix)]
        ("settings", files::attacks()),
        ("runtimes and time", runtimes::attacks()),
    ]);
}
