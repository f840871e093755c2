//! Counts instructions with valgrind.

use std::process::Command;

/// Prints why there is no count of instructions for a measure.
pub fn absent(measure: &str, reason: &str) {
    println!("absent\t{measure}\t{reason}");
}

/// Returns the client's instructions for one call: the difference between a run of `calls` calls
/// and one of twice as many, divided by `calls`. A run is this program with these arguments and the
/// number of calls.
pub fn per_call(arguments: &[&str], calls: usize) -> Result<f64, String> {
    let once = instructions(arguments, calls)?;
    let twice = instructions(arguments, 2 * calls)?;
    Ok((twice - once) / calls as f64)
}

/// Starts and joins a thread, so that the process counts as multi-threaded, as most programs on
/// tokio are: glibc's allocator takes shortcuts in a process that never had a second thread.
pub fn become_multi_threaded() {
    let _ = std::thread::spawn(|| ()).join();
}

fn instructions(arguments: &[&str], calls: usize) -> Result<f64, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(this)
        .args(arguments)
        .arg(calls.to_string())
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
