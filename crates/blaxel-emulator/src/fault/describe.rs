//! Faults in words, for people.

use std::fmt;

use super::{Action, Disconnected, Fault};

impl Fault {
    /// Returns what the fault does, as a part of a sentence.
    pub(crate) fn describe(&self) -> String {
        let described = self.action.to_string();
        match self.after_processing {
            true => format!("{described}, after the operation has taken place"),
            false => described,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Respond(status, body) => {
                let (status, size) = (status.as_u16(), body.len());
                write!(f, "responds with {status} and {size} bytes")
            }
            Self::Gateway { status, code, .. } => {
                let status = status.as_u16();
                write!(f, "responds with {status} and {code} of the gateway")
            }
            Self::Disconnect(Disconnected::Closed) => f.write_str("closes the connection"),
            Self::Disconnect(Disconnected::Refused) => f.write_str("refuses the stream"),
            Self::Disconnect(Disconnected::Calmed) => {
                f.write_str("asks the connection to calm down")
            }
            Self::Delay(by) => write!(f, "delays the response by {by:?}"),
            Self::Body(change) => change.fmt(f),
            Self::Member(pointer, value) => write!(f, "sets {pointer} to {value}"),
            Self::Outdate => {
                f.write_str("shows the resource as its last failed deployment left it")
            }
            Self::Reverse => f.write_str("reverses the items of the list"),
            Self::Twice => f.write_str("processes the request twice"),
        }
    }
}
