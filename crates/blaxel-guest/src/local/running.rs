//! [`Running`], a process of a local guest while it runs.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::family::Family;
use super::status::Waiting;
use super::streams::{End, Pump, resize, write_all};
use crate::process::{Control, ExitStatus};

/// The pause between two looks at what a process left in the background.
const PAUSE: Duration = Duration::from_millis(100);
/// The pause to which it grows.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The character that ends the input of a terminal at the beginning of a line.
const END_OF_INPUT: &[u8] = &[4];

/// A started process, and the ends of its streams.
pub(super) struct Running {
    pub(super) waiting: Waiting,
    pub(super) pumps: Vec<Pump>,
    pub(super) input: Option<Input>,
    /// The terminal, if it has one.
    pub(super) terminal: Option<Arc<End>>,
    pub(super) controls: mpsc::Receiver<Control>,
    pub(super) exit: oneshot::Sender<ExitStatus>,
    pub(super) family: Family,
}

/// Standard input on its way to a process.
pub(super) struct Input {
    pub(super) chunks: mpsc::Receiver<Bytes>,
    pub(super) end: Arc<End>,
}

impl Running {
    /// Runs until nothing is left of the process and of what it started.
    pub(super) async fn run(self) {
        let Self {
            mut waiting,
            mut pumps,
            input,
            terminal,
            mut controls,
            exit,
            mut family,
        } = self;
        let is_terminal = terminal.is_some();
        let mut is_controlled = true;
        let mut input = std::pin::pin!(feed(input, is_terminal));
        let mut is_fed = false;
        let status = {
            let mut pumping = std::pin::pin!(pump(&mut pumps));
            let mut is_pumped = false;
            let mut waited = std::pin::pin!(waiting.status());
            loop {
                tokio::select! {
                    status = &mut waited => break status,
                    () = &mut pumping, if !is_pumped => is_pumped = true,
                    () = &mut input, if !is_fed => is_fed = true,
                    control = controls.recv(), if is_controlled => match control {
                        Some(control) => apply(control, &family, terminal.as_deref()),
                        None => is_controlled = false,
                    },
                }
            }
        };
        family.is_child = false;
        for pump in &mut pumps {
            pump.drain().await;
        }
        // The server may have lost interest.
        let _ = exit.send(status);
        let mut pause = PAUSE;
        while pumps.iter().any(|pump| !pump.has_ended()) || family.is_left() {
            let is_open = pumps.iter().any(|pump| !pump.has_ended());
            tokio::select! {
                () = pump(&mut pumps), if is_open => {}
                () = &mut input, if !is_fed => is_fed = true,
                control = controls.recv(), if is_controlled => match control {
                    Some(control) => apply(control, &family, terminal.as_deref()),
                    None => is_controlled = false,
                },
                () = tokio::time::sleep(pause) => pause = LONGEST_PAUSE.min(pause * 2),
            }
        }
    }
}

fn apply(control: Control, family: &Family, terminal: Option<&End>) {
    match control {
        Control::Signal(number) => family.signal(number),
        Control::Resize(size) => {
            if let Some(terminal) = terminal {
                // A terminal without programs has no size.
                let _ = resize(terminal.get_ref(), size);
            }
        }
    }
}

/// Passes the output of all streams on until their end.
async fn pump(pumps: &mut [Pump]) {
    match pumps {
        [first, second] => {
            tokio::join!(first.run(), second.run());
        }
        [only] => only.run().await,
        _ => {}
    }
}

/// Passes the input on until its end.
async fn feed(input: Option<Input>, is_terminal: bool) {
    let Some(Input { mut chunks, end }) = input else {
        return;
    };
    while let Some(bytes) = chunks.recv().await {
        if write_all(&end, &bytes).await.is_err() {
            return;
        }
    }
    if is_terminal {
        // It fails if no program is left.
        let _ = write_all(&end, END_OF_INPUT).await;
    }
}
