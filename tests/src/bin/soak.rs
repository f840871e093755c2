//! Injects random faults into calls until a number of them was applied, and prints what happened.
//! `cargo xtask soak` runs it.

use std::process::ExitCode;

use blaxel_tests::soak::{Until, run};

#[tokio::main]
async fn main() -> ExitCode {
    let faults = std::env::args().nth(1).map(|faults| faults.parse());
    let Some(Ok(faults)) = faults else {
        eprintln!("error: the argument is a number of faults");
        return ExitCode::from(2);
    };
    let tally = run(Until::Faults(faults)).await;
    if tally.broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
