//! Pagination cursors: opaque, bound to the query that returned them, and valid for one day.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::errors::ErrorResponse;
use crate::sign::Key;

/// The lifetime of a cursor, in seconds.
const LIFETIME: u64 = 24 * 60 * 60;
/// The length of the signature, which follows the payload.
const SIGNATURE: usize = 32;

/// The contents of a cursor: its query, the time of issue, and the last position of the page.
#[derive(Serialize, Deserialize)]
struct Payload<P> {
    query: String,
    issued: u64,
    after: P,
}

/// Issues and verifies the cursors of one emulator.
pub(crate) struct Cursors(Key);

impl Cursors {
    pub(crate) fn new(key: Key) -> Self {
        Self(key)
    }

    /// Issues the cursor for the items after a position.
    ///
    /// It is encoded as plain base64, whose `+`, `/` and `=` must be escaped in a query, so that a
    /// client which forgets this fails.
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

    /// Returns the position of a cursor.
    ///
    /// # Errors
    ///
    /// Returns an error if the cursor was not issued by this emulator, belongs to another query, or
    /// has expired.
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
