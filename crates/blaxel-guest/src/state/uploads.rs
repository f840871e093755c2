//! The uploads in parts that are not complete.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use md5::{Digest as _, Md5};

use crate::lock::lock;

#[derive(Debug, Default)]
pub(crate) struct Uploads(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    by_id: BTreeMap<String, Upload>,
    /// The number of uploads that were ever started.
    count: u64,
    /// The number of parts that were ever received.
    parts: u64,
}

/// An upload in parts.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    /// The absolute path of the file.
    pub(crate) path: String,
    pub(crate) mode: u32,
    pub(crate) initiated: Duration,
    pub(crate) parts: BTreeMap<u32, Part>,
}

/// A part that has been received.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The MD5 sum of its bytes in hexadecimal digits.
    pub(crate) etag: String,
    pub(crate) size: u64,
    pub(crate) uploaded: Duration,
}

impl Uploads {
    /// Adds an upload and returns its id, which has the form of a UUID. The same uploads of two
    /// servers have the same ids.
    pub(crate) fn add(&self, upload: Upload) -> String {
        let mut open = lock(&self.0);
        open.count += 1;
        let seed = format!("{} {} {:?}", open.count, upload.path, upload.initiated);
        let id = uuid(Md5::digest(seed).into());
        open.by_id.insert(id.clone(), upload);
        id
    }

    pub(crate) fn get(&self, id: &str) -> Option<Upload> {
        lock(&self.0).by_id.get(id).cloned()
    }

    pub(crate) fn remove(&self, id: &str) -> bool {
        lock(&self.0).by_id.remove(id).is_some()
    }

    /// Returns a number that no other part of this server has.
    pub(crate) fn next_part(&self) -> u64 {
        let mut open = lock(&self.0);
        open.parts += 1;
        open.parts
    }

    /// Records a part once `place` has put its bytes in place. An earlier one of the same number is
    /// forgotten. Of two requests for one number, the bytes and the record are those of the same one.
    pub(crate) fn add_part<E>(
        &self,
        id: &str,
        number: u32,
        part: Part,
        place: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let mut open = lock(&self.0);
        place()?;
        if let Some(upload) = open.by_id.get_mut(id) {
            upload.parts.insert(number, part);
        }
        Ok(())
    }

    pub(crate) fn all(&self) -> Vec<(String, Upload)> {
        let open = lock(&self.0);
        open.by_id
            .iter()
            .map(|(id, upload)| (id.clone(), upload.clone()))
            .collect()
    }
}

/// Writes 16 bytes as a random UUID.
pub(super) fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let groups = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    groups
        .map(|(start, end)| hex.get(start..end).unwrap_or_default())
        .join("-")
}
