//! Counting instructions, by valgrind.

use std::net::SocketAddr;
use std::process::Command;

/// Prints why there are no figures of this sort.
pub fn absent(reason: &str) {
    println!("absent\tinstructions\t{reason}");
}

/// The instructions that one call takes in the client: the difference between a run of so many calls
/// and one of twice as many, shared out.
pub fn per_call(kind: &str, address: SocketAddr, calls: usize) -> Result<f64, String> {
    let once = instructions(kind, address, calls)?;
    let twice = instructions(kind, address, 2 * calls)?;
    Ok((twice - once) / calls as f64)
}

/// Makes this process one that has had several threads, as a program on tokio mostly has: until there
/// is a second one, glibc's allocator takes short cuts.
pub fn be_one_of_several_threads() {
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
