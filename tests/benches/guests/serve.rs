//! The emulator that is measured, and its memory.

use std::io::{self, Read, Write};

use blaxel_emulator::Emulator;

use super::emulator::size_kib;

/// Serves until the input ends, as the emulator's program does. Prints the variables of its clients
/// and an empty line.
pub fn serve() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let emulator = Emulator::builder().real_clock().start();
    let emulator = runtime.block_on(emulator).expect("an emulator");
    let mut text = String::new();
    for (name, value) in emulator.variables() {
        text.push_str(&format!("{name}={value}\n"));
    }
    text.push('\n');
    let mut output = io::stdout().lock();
    let printed = output.write_all(text.as_bytes());
    printed.and_then(|()| output.flush()).expect("an output");
    let _ = io::stdin().read_to_end(&mut Vec::new());
}

/// Returns the resident memory of a process in MiB, without that of files.
pub fn memory(pid: &str) -> f64 {
    mebibytes(pid, "RssAnon:")
}

/// Returns the resident memory of a process in MiB, with the part of the program's own file.
pub fn memory_with_file(pid: &str) -> f64 {
    mebibytes(pid, "VmRSS:")
}

fn mebibytes(pid: &str, name: &str) -> f64 {
    size_kib(pid, name) as f64 / 1024.0
}
