//! Running a [`Script`].

use std::future::pending;

use super::io::Descriptors;
use crate::clock::Clock;
use crate::errno::Errno;
use crate::script::{Script, Step};

/// The bytes of a line or of the whole input that a script reads.
const LIMIT: usize = 64 << 20;

/// Runs a script and returns its exit code.
pub(super) async fn run(script: &Script, files: &Descriptors, clock: &Clock) -> i32 {
    for step in script.steps() {
        let done = match step {
            Step::Stdout(bytes) => files.print(bytes).await,
            Step::Stderr(bytes) => match files.get(2) {
                Ok(stderr) => stderr.write(bytes).await,
                Err(errno) => Err(errno),
            },
            Step::Pause(pause) => {
                clock.sleep(*pause).await;
                Ok(())
            }
            Step::ReadLine => files.stdin().read_line(LIMIT).await.map(drop),
            Step::ReadToEnd => files.stdin().read_to_end(LIMIT).await.map(drop),
            Step::Copy => copy(files).await,
            Step::Exit(code) => return *code,
            Step::Forever => pending().await,
        };
        if done.is_err() {
            // As a program that `SIGPIPE` ends.
            return 141;
        }
    }
    0
}

async fn copy(files: &Descriptors) -> Result<(), Errno> {
    let stdin = files.stdin();
    loop {
        let bytes = stdin.read().await?;
        if bytes.is_empty() {
            return Ok(());
        }
        files.print(bytes).await?;
    }
}
