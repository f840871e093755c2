//! The program `blaxel-emulator`: an emulator that serves until Ctrl-C, or while another program runs.

mod program;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    program::run(std::env::args_os().skip(1)).await
}
