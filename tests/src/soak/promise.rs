//! The promises that scripts of faults check, and the counts of a run.

use std::fmt;

use blaxel_core::{Delivery, Error};

use crate::fault::Journal;
use crate::fault::calls::Kind;
use crate::shows_credential;

/// Maximum number of attempts of a call.
const ATTEMPTS: usize = 3;

/// A promise of the client that scripts check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Only an idempotent request is processed more than once.
    Once,
    /// A request that is reported as not sent or not applied was not processed.
    Certainty,
    /// A call ends.
    End,
    /// No error shows the credential.
    Secrecy,
    /// The attempts are bounded and counted.
    Attempts,
    /// A call after the faults succeeds.
    Recovery,
}

impl Promise {
    pub(super) const ALL: [Self; 6] = [
        Self::Once,
        Self::Certainty,
        Self::End,
        Self::Secrecy,
        Self::Attempts,
        Self::Recovery,
    ];

    /// Returns the noun for a violation, for a count of them.
    fn violations(self) -> &'static str {
        match self {
            Self::Once => "duplicates",
            Self::Certainty => "false \"not sent\"",
            Self::End => "hangs",
            Self::Secrecy => "canaries",
            Self::Attempts => "wrong counts of attempts",
            Self::Recovery => "clients that did not recover",
        }
    }

    pub(super) fn broken(self, text: String) -> Broken {
        Broken {
            promise: self,
            text,
        }
    }

    pub(super) fn check(self, holds: bool, text: impl FnOnce() -> String) -> Result<(), Broken> {
        if holds {
            Ok(())
        } else {
            Err(self.broken(text()))
        }
    }
}

/// A promise that was broken, and by what.
#[derive(Debug)]
pub struct Broken {
    /// The promise.
    pub promise: Promise,
    /// The description of the violation.
    pub text: String,
}

/// The counts of a run.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Number of faults that were applied.
    pub faults: u64,
    /// Number of scripts that ran.
    pub scripts: u64,
    /// Number of calls that were made.
    pub calls: u64,
    /// Number of calls that failed.
    pub failed: u64,
    /// The promises that were broken, one for each script that broke one.
    pub broken: Vec<Promise>,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.faults += other.faults;
        self.scripts += other.scripts;
        self.calls += other.calls;
        self.failed += other.failed;
        self.broken.extend(&other.broken);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} faults applied to {} calls of {} scripts, {} calls failed: ",
            self.faults, self.calls, self.scripts, self.failed
        )?;
        for (number, promise) in Promise::ALL.into_iter().enumerate() {
            let count = self.broken.iter().filter(|it| **it == promise).count();
            let comma = if number == 0 { "" } else { ", " };
            write!(f, "{comma}{count} {}", promise.violations())?;
        }
        Ok(())
    }
}

/// Compares the outcome of a call with the server's record of it.
pub(super) fn check_outcome(
    path: &str,
    kind: Kind,
    outcome: &Result<(), Error>,
    journal: &Journal,
) -> Result<(), Broken> {
    let (attempts, processed) = (journal.attempts(path), journal.processed(path));
    let seen = || format!("{attempts} attempts, processed {processed} times");
    Promise::Once.check(processed <= 1 || kind.is_idempotent(), seen)?;
    let allowed = match kind {
        Kind::Get | Kind::Put => ATTEMPTS,
        Kind::Post | Kind::ClientNamed => 2,
        Kind::Streamed => 1,
    };
    let counted = journal.arrived(path) <= attempts && (1..=allowed).contains(&attempts);
    Promise::Attempts.check(counted, seen)?;
    let Err(error) = outcome else {
        return Promise::Certainty.check(processed >= 1, seen);
    };
    Promise::Attempts.check(error.attempts() as usize == attempts, seen)?;
    let certain = error.delivery() == Delivery::NotSent;
    let applied = error.maybe_applied() || !kind.changes();
    Promise::Certainty.check(processed == 0 || (applied && !certain), seen)?;
    let text = format!("{error} {error:?} {error:#?}");
    Promise::Secrecy.check(!shows_credential(&text), || text.clone())
}
