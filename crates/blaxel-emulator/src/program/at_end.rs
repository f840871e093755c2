//! Files that the program writes when it ends.

use std::io;
use std::path::PathBuf;

use blaxel_emulator::Emulator;

/// The files that are written at the end.
#[derive(Default)]
pub(super) struct AtEnd {
    /// The file for the whole state.
    pub(super) save: Option<PathBuf>,
    /// The file for the journal, as an HTTP Archive.
    pub(super) har: Option<PathBuf>,
}

impl AtEnd {
    /// Writes the files. All of them are tried, and the first error counts.
    pub(super) fn write(&self, emulator: &Emulator) -> io::Result<()> {
        let save = self.save.as_ref().map_or(Ok(()), |path| {
            let data = emulator.save().map_err(io::Error::other);
            let saved = data.and_then(|data| data.write(path));
            saved.map_err(|problem| explained("--save", path, &problem))
        });
        let har = self.har.as_ref().map_or(Ok(()), |path| {
            let archive = emulator.har().to_string();
            std::fs::write(path, archive).map_err(|problem| explained("--har", path, &problem))
        });
        save.and(har)
    }
}

fn explained(option: &str, path: &std::path::Path, problem: &io::Error) -> io::Error {
    let path = path.display();
    io::Error::new(problem.kind(), format!("{option} {path}: {problem}"))
}

/// Returns a future that waits until a user or another program asks this one to end. From now on, such a
/// request does not end it at once, so that it removes and writes its files first.
#[cfg(unix)]
pub(super) fn stopped() -> impl Future<Output = io::Result<()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupt = signal(SignalKind::interrupt());
    let terminate = signal(SignalKind::terminate());
    async move {
        let (mut interrupt, mut terminate) = (interrupt?, terminate?);
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Ok(())
    }
}

/// Returns a future that waits until a user asks the program to end.
#[cfg(not(unix))]
pub(super) fn stopped() -> impl Future<Output = io::Result<()>> {
    tokio::signal::ctrl_c()
}
