//! Many emulators in one process.

use std::time::Instant;

use blaxel_emulator::Emulator;
use serde::{Deserialize, Serialize};

use super::process::runtime;
use super::requests::Requests;
use super::serve::memory;
use super::wire::Wire;

/// The time and the memory of each emulator, with its first answer.
#[derive(Serialize, Deserialize)]
pub struct Many {
    pub us: f64,
    pub kib: f64,
}

pub fn run(count: usize) -> Many {
    runtime().block_on(async {
        let (started, before) = (Instant::now(), memory("self"));
        let mut kept = Vec::new();
        for _ in 0..count {
            let emulator = Emulator::start().await.expect("an emulator");
            let requests = Requests::of(emulator.variables());
            let mut wire = Wire::connect(&requests.authority)
                .await
                .expect("a connection");
            wire.call(&requests.request("list", 0))
                .await
                .expect("a list");
            kept.push((emulator, wire));
        }
        let each = |all: f64| all / count as f64;
        Many {
            us: each(started.elapsed().as_secs_f64() * 1e6),
            kib: each((memory("self") - before).max(0.0) * 1024.0),
        }
    })
}
