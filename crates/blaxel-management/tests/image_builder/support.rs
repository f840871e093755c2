//! An emulator that is called in tokio's paused time, and the files of tests.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use blaxel_core::{Body, BoxFuture, Error, response};
use blaxel_emulator::{Emulator, LocalService};
use blaxel_management::Management;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use tokio::time::Instant;
use tower::Service;

/// An archive that was uploaded.
#[derive(Clone)]
pub(crate) struct Upload {
    pub(crate) headers: HeaderMap,
    pub(crate) length: Option<u64>,
    pub(crate) archive: Bytes,
}

/// The service of an emulator whose clock follows tokio's, and which records what is uploaded.
#[derive(Clone)]
pub(crate) struct Platform {
    inner: LocalService,
    clock: blaxel_emulator::Clock,
    start: Instant,
    /// The time by which the emulator's clock was advanced.
    advanced: Arc<Mutex<Duration>>,
    uploads: Arc<Mutex<Vec<Upload>>>,
}

impl Platform {
    pub(crate) fn new(emulator: &Emulator) -> Self {
        Self {
            inner: emulator.service(),
            clock: emulator.clock(),
            start: Instant::now(),
            advanced: Arc::default(),
            uploads: Arc::default(),
        }
    }

    pub(crate) fn management(&self) -> Management<Self> {
        Management::new(self.clone())
    }

    pub(crate) fn uploads(&self) -> Vec<Upload> {
        self.uploads.lock().unwrap().clone()
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

impl Service<Request<Body>> for Platform {
    type Response = Response<Body>;
    type Error = Error;
    type Future = BoxFuture<Result<Response<Body>, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut platform = self.clone();
        Box::pin(async move {
            {
                let mut advanced = platform.advanced.lock().unwrap();
                platform.clock.advance(platform.start.elapsed() - *advanced);
                *advanced = platform.start.elapsed();
            }
            let (head, body) = request.into_parts();
            let length = http_body::Body::size_hint(&body).exact();
            let body = response::collect(body, usize::MAX).await?;
            if head.uri.path().starts_with("/uploads/") {
                platform.uploads.lock().unwrap().push(Upload {
                    headers: head.headers.clone(),
                    length,
                    archive: body.clone(),
                });
            }
            let request = Request::from_parts(head, Body::from(body));
            platform.inner.call(request).await
        })
    }
}

/// A directory that is deleted on drop.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("image-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, path: &str, contents: impl AsRef<[u8]>) {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, contents).unwrap();
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
