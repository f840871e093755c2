//! Upload URLs. Each is valid for one upload, within 15 minutes.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use http::HeaderMap;

use crate::lock::lock;
use crate::sign::Key;
use crate::state::{Collection, Document, member};

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

/// The labels that the machine of a build reads from the headers of an upload.
const BUILD_LABELS: [&str; 6] = [
    "x-blaxel-builder",
    "x-blaxel-experimental",
    "x-blaxel-build-memory",
    "x-blaxel-build-volume",
    "x-blaxel-build-region",
    "x-blaxel-build-cache",
];

/// The prefix of these headers, and the maximum length of a value.
const METADATA: &str = "x-amz-meta-";
const LONGEST_LABEL: usize = 64;

/// Headers that an upload must have: names in lower case, and values. It must have no others with their prefix.
pub(crate) type SignedHeaders = Vec<(String, String)>;

/// Returns the headers for the labels of a document.
pub(crate) fn signed_headers(document: &Document) -> SignedHeaders {
    let signed = |label: &&str| {
        let value = member::text(document, &format!("metadata/labels/{label}"))?;
        let is_signed = !value.is_empty() && value.len() <= LONGEST_LABEL;
        is_signed.then(|| (format!("{METADATA}{label}"), value.to_owned()))
    };
    BUILD_LABELS.iter().filter_map(signed).collect()
}

/// Returns `true` if a request has the signed headers, and no others with their prefix.
fn has_signed(headers: &HeaderMap, signed: &SignedHeaders) -> bool {
    let count = headers
        .keys()
        .filter(|name| name.as_str().starts_with(METADATA))
        .count();
    let has = |(name, value): &(String, String)| {
        headers.get(name).is_some_and(|sent| sent == value.as_str())
    };
    count == signed.len() && signed.iter().all(has)
}

/// An upload URL that is still valid.
struct Waiting {
    purpose: Purpose,
    signed: SignedHeaders,
    end: Duration,
}

/// The reason why an upload is refused.
pub(crate) enum Refusal {
    /// The URL is unknown, was used already, or has expired.
    Unknown,
    /// The headers are not those that the URL is signed for. The URL stays valid.
    WrongHeaders,
}

/// The upload URLs that are still valid.
pub(crate) struct Uploads {
    key: Key,
    waiting: Mutex<HashMap<String, Waiting>>,
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
    pub(crate) fn open(
        &self,
        purpose: Purpose,
        signed: SignedHeaders,
        number: u64,
        now: Duration,
    ) -> String {
        let signature = self.key.sign(&number.to_be_bytes());
        let token: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut waiting = lock(&self.waiting);
        waiting.retain(|_, upload| now <= upload.end);
        let upload = Waiting {
            purpose,
            signed,
            end: now.saturating_add(LIFETIME),
        };
        waiting.insert(token.clone(), upload);
        token
    }

    /// Invalidates all upload URLs.
    pub(crate) fn clear(&self) {
        lock(&self.waiting).clear();
    }

    /// Invalidates an upload URL and returns its purpose, if it was valid and the headers are right.
    pub(crate) fn close(
        &self,
        token: &str,
        headers: &HeaderMap,
        now: Duration,
    ) -> Result<Purpose, Refusal> {
        let mut waiting = lock(&self.waiting);
        let upload = waiting.get(token).filter(|upload| now <= upload.end);
        if !has_signed(headers, &upload.ok_or(Refusal::Unknown)?.signed) {
            return Err(Refusal::WrongHeaders);
        }
        let upload = waiting.remove(token).ok_or(Refusal::Unknown)?;
        Ok(upload.purpose)
    }
}
