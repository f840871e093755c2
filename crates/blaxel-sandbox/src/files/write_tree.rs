//! Writing many small files with few requests.

use std::collections::BTreeMap;
use std::fmt;
use std::future::IntoFuture;

use blaxel_core::{BoxFuture, Error, HttpService, OperationInfo, Plane, RequestWriter};
use bytes::Bytes;
use http::Method;
use serde_json::json;

use super::locate::Place;
use super::parts::in_memory;
use super::path::{RemotePath, parse_below};
use super::problem::about;
use super::write::{Settings, send};
use crate::remote::DataOperation;

/// Maximum size of a request, as JSON. The platform accepts 5 MB.
const BATCH: usize = 4 * 1024 * 1024;

/// Files that are about to be written, created by [`Files::write_tree`](super::Files::write_tree). Await it to send
/// them.
#[must_use = "nothing is sent until it is awaited"]
pub struct WriteTree<S> {
    place: Place<S>,
    path: String,
    files: Vec<(String, Bytes)>,
}

impl<S: HttpService> WriteTree<S> {
    pub(crate) fn new(place: Place<S>, path: &str, files: Vec<(String, Bytes)>) -> Self {
        Self {
            place,
            path: path.to_owned(),
            files,
        }
    }

    async fn run(self) -> Result<(), Error> {
        let root = self.place.absolute(&self.path).await?;
        let names = self.files.iter().map(|(name, _)| parse_below(name));
        let names = names.collect::<Result<Vec<_>, _>>()?;
        let mut batch = BTreeMap::new();
        let mut batch_size = 0;
        let mut large = Vec::new();
        for (name, (_, content)) in names.iter().zip(&self.files) {
            // Only text can be sent as JSON.
            let text = std::str::from_utf8(content).ok();
            let size = text.map_or(usize::MAX, |text| {
                json_size(name).saturating_add(json_size(text))
            });
            let Some(text) = text.filter(|_| size <= BATCH) else {
                large.push((name, content));
                continue;
            };
            if batch_size + size > BATCH {
                self.write_batch(&root, &batch).await?;
                batch.clear();
                batch_size = 0;
            }
            batch_size += size;
            batch.insert(name.as_str(), text);
        }
        if !batch.is_empty() || large.is_empty() {
            self.write_batch(&root, &batch).await?;
        }
        for (name, content) in large {
            let full = root.join(name);
            let path = RemotePath::parse(&full)?;
            let source = in_memory(content.clone());
            let total = Some(content.len() as u64);
            let settings = Settings::default();
            let sent = send(&self.place.remote, &path, source, total, &settings, |_| ());
            sent.await.map_err(about(&full))?;
        }
        Ok(())
    }

    async fn write_batch(
        &self,
        root: &RemotePath,
        files: &BTreeMap<&str, &str>,
    ) -> Result<(), Error> {
        let operation = WriteFiles { root, files };
        let outcome = self.place.remote.call(&operation).await;
        outcome.map_err(about(&self.path))
    }
}

/// Returns the size of a text in JSON, with the punctuation around it.
fn json_size(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' => 2,
        0..=0x1f => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum::<usize>() + 3
}

impl<S: HttpService> IntoFuture for WriteTree<S> {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<S> fmt::Debug for WriteTree<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteTree")
            .field("path", &self.path)
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}

struct WriteFiles<'a> {
    root: &'a RemotePath,
    files: &'a BTreeMap<&'a str, &'a str>,
}

impl DataOperation for WriteFiles<'_> {
    type Output = ();
    const INFO: &'static OperationInfo =
        &OperationInfo::new("WriteTree", Method::PUT, "/filesystem/tree/{path}")
            .with_plane(Plane::Run);
    // The response lists the directory.
    const RESPONSE_LIMIT: usize = 128 * 1024 * 1024;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.json(&json!({ "files": self.files }))?;
        self.root.write_segments(request)
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}
