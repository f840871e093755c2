//! Cursors: opaque, bound to the query that gave them, and good for a day.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::errors::ErrorResponse;
use crate::sign::Key;

/// How long a cursor is good, in seconds.
const LIFETIME: u64 = 24 * 60 * 60;
/// The length of a signature, which stands after the payload.
const SIGNATURE: usize = 32;

/// What a cursor says: which query it belongs to, when it was given, and where the page ended.
#[derive(Serialize, Deserialize)]
struct Payload<P> {
    query: String,
    issued: u64,
    after: P,
}

/// Makes and reads the cursors of one emulator.
pub(crate) struct Cursors(Key);

impl Cursors {
    pub(crate) fn new(key: Key) -> Self {
        Self(key)
    }

    /// The cursor for what comes after a position. The alphabet is that of plain base64, whose
    /// `+`, `/` and `=` must be escaped in a query: a client that forgets is found out.
    pub(crate) fn issue<P: Serialize>(&self, query: String, now: u64, after: P) -> String {
        let payload = Payload {
            query,
            issued: now,
            after,
        };
        let mut bytes = serde_json::to_vec(&payload).unwrap_or_default();
        bytes.extend(self.0.sign(&bytes));
        BASE64_STANDARD.encode(bytes)
    }

    /// The position a cursor stands for, if it is ours, of the same query, and fresh.
    pub(crate) fn read<P: DeserializeOwned>(
        &self,
        cursor: &str,
        query: &str,
        now: u64,
    ) -> Result<P, ErrorResponse> {
        let strange =
            || ErrorResponse::invalid_cursor("The cursor is not one that this server gave.");
        let payload = self.open(cursor).ok_or_else(strange)?;
        if payload.query != query {
            return Err(ErrorResponse::invalid_cursor(
                "The cursor belongs to another query: repeat the filters and the order it was given for.",
            ));
        }
        if now.saturating_sub(payload.issued) > LIFETIME {
            return Err(ErrorResponse::invalid_cursor(
                "The cursor is older than 24 hours: start again from the first page.",
            ));
        }
        serde_json::from_value(payload.after).map_err(|_| strange())
    }

    fn open(&self, cursor: &str) -> Option<Payload<Value>> {
        let bytes = BASE64_STANDARD.decode(cursor).ok()?;
        let (payload, signature) = bytes.split_at_checked(bytes.len().checked_sub(SIGNATURE)?)?;
        if !self.0.verify(payload, signature) {
            return None;
        }
        serde_json::from_slice(payload).ok()
    }
}
