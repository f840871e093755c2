//! Upload URLs. Each is valid for one upload, within 15 minutes.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::lock::lock;
use crate::sign::Key;
use crate::state::Collection;

/// The lifetime of an upload URL, on the emulator's clock.
const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// The use of an uploaded archive.
#[derive(Clone)]
pub(crate) enum Purpose {
    /// Builds and deploys the record of this name and serial number.
    Deploy {
        collection: Collection,
        name: String,
        serial: u64,
    },
    /// Builds the image with this key and serial number.
    Image { key: String, serial: u64 },
    /// Adds a version to a volume template.
    TemplateVersion { template: String, version: String },
}

/// The upload URLs that are still valid.
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

    /// Creates an upload URL and returns its secret part, which cannot be guessed. `number` must
    /// not have been used before.
    pub(crate) fn open(&self, purpose: Purpose, number: u64, now: Duration) -> String {
        let signature = self.key.sign(&number.to_be_bytes());
        let token: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut waiting = lock(&self.waiting);
        waiting.retain(|_, (_, end)| now <= *end);
        waiting.insert(token.clone(), (purpose, now.saturating_add(LIFETIME)));
        token
    }

    /// Invalidates all upload URLs.
    pub(crate) fn clear(&self) {
        lock(&self.waiting).clear();
    }

    /// Invalidates an upload URL and returns its purpose, if it was valid.
    pub(crate) fn close(&self, token: &str, now: Duration) -> Option<Purpose> {
        let (purpose, end) = lock(&self.waiting).remove(token)?;
        (now <= end).then_some(purpose)
    }
}
