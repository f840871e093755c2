//! Addresses to upload to: each is good for one upload, and for a quarter of an hour.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::lock::lock;
use crate::sign::Key;
use crate::state::Collection;

/// How long an address is good, by the emulator's clock.
const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// What an upload is for.
#[derive(Clone)]
pub(crate) enum Purpose {
    /// It is built and deployed as the record of this name and serial.
    Deploy {
        collection: Collection,
        name: String,
        serial: u64,
    },
    /// It is built as the image with this key and serial.
    Image { key: String, serial: u64 },
    /// It becomes a version of a volume template.
    TemplateVersion { template: String, version: String },
}

/// The addresses that were given out and are still good.
pub(crate) struct Uploads {
    key: Key,
    waiting: Mutex<HashMap<String, (Purpose, Duration)>>,
}

impl Uploads {
    pub(crate) fn new(key: Key) -> Self {
        Self {
            key,
            waiting: Mutex::default(),
        }
    }

    /// Opens an address; gives the part of it that nobody can guess. The number must be a new one.
    pub(crate) fn open(&self, purpose: Purpose, number: u64, now: Duration) -> String {
        let signature = self.key.sign(&number.to_be_bytes());
        let token: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut waiting = lock(&self.waiting);
        waiting.retain(|_, (_, end)| now <= *end);
        waiting.insert(token.clone(), (purpose, now.saturating_add(LIFETIME)));
        token
    }

    /// Closes an address, if it was good, and tells what it was for.
    pub(crate) fn close(&self, token: &str, now: Duration) -> Option<Purpose> {
        let (purpose, end) = lock(&self.waiting).remove(token)?;
        (now <= end).then_some(purpose)
    }
}
