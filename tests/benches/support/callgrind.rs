//! Counts instructions with valgrind.

use std::net::SocketAddr;
use std::process::Command;

/// Prints why there are no instruction counts.
pub fn absent(reason: &str) {
    println!("absent\tinstructions\t{reason}");
}

/// Returns the client's instructions for one call: the difference between a run of `calls` calls
/// and one of twice as many, divided by `calls`.
pub fn per_call(kind: &str, address: SocketAddr, calls: usize) -> Result<f64, String> {
    let once = instructions(kind, address, calls)?;
    let twice = instructions(kind, address, 2 * calls)?;
    Ok((twice - once) / calls as f64)
}

/// Starts and joins a thread, so that the process counts as multi-threaded, as most programs on
/// tokio are: glibc's allocator takes shortcuts in a process that never had a second thread.
pub fn become_multi_threaded() {
    let _ = std::thread::spawn(|| ()).join();
}

fn instructions(kind: &str, address: SocketAddr, calls: usize) -> Result<f64, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(this)
        .args(["call", kind, &calls.to_string(), &address.to_string()])
        .output()
        .map_err(|error| format!("valgrind does not run ({error})"))?;
    let report = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let last = report.lines().last().unwrap_or_default();
        return Err(format!("valgrind failed: {last}"));
    }
    let collected = report
        .lines()
        .find_map(|line| line.split_once("Collected :"))
        .and_then(|(_, count)| count.trim().parse().ok());
    collected.ok_or_else(|| "valgrind gave no count".to_owned())
}
