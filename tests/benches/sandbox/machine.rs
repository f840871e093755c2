//! The machine of the sandbox: a simulated one with scripts and a large disk.

use std::sync::LazyLock;

use blaxel_emulator::blaxel_guest::{Clock, Script, SimulatedGuest};
use bytes::Bytes;

use super::work::OUTPUT;

/// Room for the parts of the large file and the file that is made of them.
const DISK: u64 = 4 << 30;

/// The output of a build: lines of 100 bytes.
static OUTPUT_OF_BUILD: LazyLock<Bytes> = LazyLock::new(|| {
    let text = " compiled the next of many files ";
    let line = |number: usize| format!("{number:>9} {text:.<89}\n");
    (0..OUTPUT / 100)
        .flat_map(|number| line(number).into_bytes())
        .collect()
});

/// Prepares what all machines share, so that no client waits for it.
pub fn prepare() {
    LazyLock::force(&OUTPUT_OF_BUILD);
}

pub fn machine(clock: &Clock) -> SimulatedGuest {
    let guest = SimulatedGuest::new(clock.clone());
    guest.memory().root().resize(DISK);
    guest.on_command("true", Script::default());
    guest.on_command("produce", Script::stdout(OUTPUT_OF_BUILD.clone()));
    guest
}
