//! The local terminal: its mode, its size and its input.

use std::io::{IsTerminal as _, Read as _};
use std::process::{Command, Stdio};
use std::thread;

use tokio::sync::mpsc;

/// Ctrl-], the key that detaches.
const DETACH: u8 = 0x1d;

/// Typed input. It ends with the local input.
pub(crate) type Input = mpsc::Receiver<Typed>;

/// A part of the input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    Keys(Vec<u8>),
    Detach,
}

/// The raw mode, in which keys are neither shown nor collected to lines. Dropping it restores the earlier mode.
pub(crate) struct RawMode {
    earlier: String,
}

impl RawMode {
    /// Starts the raw mode, if the input is a terminal and there is `stty`.
    pub(crate) fn start() -> Option<Self> {
        if !std::io::stdin().is_terminal() {
            return None;
        }
        let earlier = stty(&["-g"])?;
        stty(&["raw", "-echo"])?;
        Some(Self { earlier })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        let _ = stty(&[self.earlier.as_str()]);
    }
}

/// Returns the number of columns and rows.
pub(crate) fn size() -> Option<(u16, u16)> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    parse_size(&stty(&["size"])?)
}

fn parse_size(text: &str) -> Option<(u16, u16)> {
    let (rows, columns) = text.split_once(' ')?;
    let size: (u16, u16) = (columns.parse().ok()?, rows.parse().ok()?);
    (size.0 > 0 && size.1 > 0).then_some(size)
}

/// Runs `stty` for the terminal of the standard input.
fn stty(arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("stty");
    let command = command.args(arguments).stdin(Stdio::inherit());
    let output = command.stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Reads the standard input in a thread of its own, which ends with the program: a read cannot be interrupted.
pub(crate) fn input() -> Input {
    let can_detach = std::io::stdin().is_terminal();
    let (sender, receiver) = mpsc::channel(4);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(size @ 1..) = std::io::stdin().read(&mut buffer) {
            for typed in split(&buffer[..size], can_detach) {
                if sender.blocking_send(typed).is_err() {
                    return;
                }
            }
        }
    });
    receiver
}

/// Finds the key that detaches. What follows it is dropped.
fn split(bytes: &[u8], can_detach: bool) -> Vec<Typed> {
    let end = bytes.iter().position(|byte| can_detach && *byte == DETACH);
    let keys = &bytes[..end.unwrap_or(bytes.len())];
    let keys = (!keys.is_empty()).then(|| Typed::Keys(keys.to_vec()));
    keys.into_iter().chain(end.map(|_| Typed::Detach)).collect()
}

/// The changes of the size.
#[cfg(unix)]
pub(crate) struct Resizes(Option<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Resizes {
    pub(crate) fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self(signal(SignalKind::window_change()).ok())
    }

    /// Waits for the next change.
    pub(crate) async fn next(&mut self) {
        let has_changed = match &mut self.0 {
            Some(signal) => signal.recv().await.is_some(),
            None => false,
        };
        if !has_changed {
            std::future::pending::<()>().await;
        }
    }
}

/// The changes of the size, which only Unix tells.
#[cfg(not(unix))]
pub(crate) struct Resizes;

#[cfg(not(unix))]
impl Resizes {
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) async fn next(&mut self) {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_read_as_stty_prints_it() {
        assert_eq!(parse_size("24 80"), Some((80, 24)));
        for wrong in ["", "24", "0 0", "24 x", "70000 80"] {
            assert_eq!(parse_size(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_key_detaches_only_from_a_terminal() {
        let keys = |bytes: &[u8]| Typed::Keys(bytes.to_vec());
        assert_eq!(split(b"ls\n", true), [keys(b"ls\n")]);
        assert_eq!(split(b"ls\x1dx", true), [keys(b"ls"), Typed::Detach]);
        assert_eq!(split(b"\x1d", true), [Typed::Detach]);
        assert_eq!(split(b"ls\x1dx", false), [keys(b"ls\x1dx")]);
    }
}
