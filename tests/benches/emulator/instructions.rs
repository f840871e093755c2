//! The instructions of the emulator for a request, which valgrind counts.

use std::process::Command;

use super::emulator::Emulator;
use super::process::runtime;
use super::rate;
use super::requests::{OPERATIONS, Requests};

/// Prints the instructions of each operation, or why there are none.
pub fn print(count: usize) {
    for operation in OPERATIONS {
        match per_request(operation, count) {
            Ok(each) => println!("{operation}\tinstructions\t{each:.1}"),
            Err(reason) => return println!("absent\tinstructions\t{reason}"),
        }
    }
}

/// Returns the difference between a run of `count` requests and one of twice as many, divided by `count`.
fn per_request(operation: &'static str, count: usize) -> Result<f64, String> {
    let once = instructions(operation, count)?;
    let twice = instructions(operation, 2 * count)?;
    Ok((twice - once) / count as f64)
}

fn instructions(operation: &'static str, count: usize) -> Result<f64, String> {
    let described = |error: std::io::Error| format!("valgrind does not run ({error})");
    let this = std::env::current_exe().map_err(described)?;
    let name = format!("blaxel-bench-emulator-{}.log", std::process::id());
    let log = std::env::temp_dir().join(name);
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--log-file={}", log.display()))
        .arg(this);
    let emulator = Emulator::start_by(command).map_err(described)?;
    let requests = Requests::of(emulator.variables.clone());
    runtime().block_on(async {
        rate::prepare(&requests).await;
        rate::send(&requests, operation, count, 1).await;
    });
    drop(emulator);
    let report = std::fs::read_to_string(&log).map_err(described);
    let _ = std::fs::remove_file(&log);
    let collected = report?
        .lines()
        .find_map(|line| line.split_once("Collected :"))
        .and_then(|(_, count)| count.trim().parse().ok());
    collected.ok_or_else(|| "valgrind gave no count".to_owned())
}
