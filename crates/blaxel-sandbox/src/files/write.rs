//! Writing files of any size.

use std::fmt;
use std::future::{IntoFuture, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use blaxel_core::{BoxFuture, Error, HttpService, Source};
use bytes::Bytes;

use super::basics::WriteFile;
use super::form::Form;
use super::locate::Place;
use super::multipart::UploadedPart;
use super::parts::{ByteStream, Parts, in_memory};
use super::path::RemotePath;
use super::problem::about;
use super::session::{PartSender, Session};
use crate::concurrent::poll_any;
use crate::remote::Remote;

/// The size of parts unless another one is set. The platform refuses larger requests.
pub(crate) const PART_SIZE: usize = 5 * 1024 * 1024;

/// The largest size of parts that can be set.
const MAX_PART_SIZE: usize = 64 * 1024 * 1024;

/// The number of parts that are sent at the same time, unless another one is set.
const PARALLEL: usize = 3;

/// The number of further attempts to send a part, unless another one is set.
const RETRIES: u32 = 3;

/// The maximum number of parts of an upload.
const MAX_PARTS: u32 = 10_000;

/// The progress of a transfer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The number of bytes that were transferred.
    pub bytes: u64,
    /// The number of bytes of the whole transfer, if it is known.
    pub total_bytes: Option<u64>,
    /// The number of files that were transferred completely.
    pub files: u64,
    /// The number of files of the whole transfer, if it is known.
    pub total_files: Option<u64>,
}

/// A function that is told the progress of a transfer.
pub(crate) type Report = Arc<dyn Fn(Progress) + Send + Sync>;

/// The settings of an upload.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) mode: Option<u32>,
    pub(crate) part_size: usize,
    pub(crate) parallel: usize,
    pub(crate) retries: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: None,
            part_size: PART_SIZE,
            parallel: PARALLEL,
            retries: RETRIES,
        }
    }
}

impl Settings {
    fn check(&self) -> Result<(), Error> {
        if (1..=MAX_PART_SIZE).contains(&self.part_size) {
            return Ok(());
        }
        let problem = format!("{} is not between 1 byte and 64 MiB", self.part_size);
        Err(Error::input("part size", &Source::Code, problem))
    }
}

/// The bytes that are written.
pub(crate) enum Content {
    Memory(Bytes),
    Stream(ByteStream),
    #[cfg(feature = "local-files")]
    File(std::path::PathBuf),
}

/// A file that is about to be written, created by [`Files::write`](super::Files::write) and its siblings. Await
/// it to send it, which returns the number of bytes.
///
/// A file of up to one part is sent as one request. A larger one is sent in parts, several at a time, and put
/// together by the server. If that fails, or the future is dropped, the parts are removed; dropping needs a tokio
/// runtime for that, on which a task runs for at most 10 seconds.
///
/// Memory holds the parts that are being sent, and one that is being read.
#[must_use = "nothing is sent until it is awaited"]
pub struct Write<S> {
    place: Place<S>,
    path: String,
    content: Content,
    settings: Settings,
    report: Option<Report>,
}

impl<S: HttpService> Write<S> {
    pub(crate) fn new(place: Place<S>, path: &str, content: Content) -> Self {
        Self {
            place,
            path: path.to_owned(),
            content,
            settings: Settings::default(),
            report: None,
        }
    }

    /// Sets the permissions of the file, such as `0o755`, if it does not exist. The default is `0o644`. The
    /// server's mask (`umask`) applies. A file that exists keeps its permissions.
    pub fn mode(mut self, mode: u32) -> Self {
        self.settings.mode = Some(mode);
        self
    }

    /// Sets the size of a part in bytes, up to 64 MiB. The default is 5 MiB, which is the largest request that the
    /// platform accepts.
    pub fn part_size(mut self, bytes: usize) -> Self {
        self.settings.part_size = bytes;
        self
    }

    /// Sets the maximum number of parts that are sent at the same time. The default is 3; 0 counts as 1.
    pub fn parallel(mut self, parts: usize) -> Self {
        self.settings.parallel = parts.max(1);
        self
    }

    /// Sets the number of further attempts to send a part after a transient failure. The default is 3.
    pub fn retries(mut self, retries: u32) -> Self {
        self.settings.retries = retries;
        self
    }

    /// Sets a function that is called after each part with the progress of the transfer.
    pub fn progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.report = Some(Arc::new(report));
        self
    }

    #[cfg_attr(
        not(feature = "local-files"),
        allow(unused_mut, reason = "only a local file has permissions")
    )]
    async fn run(mut self) -> Result<u64, Error> {
        self.settings.check()?;
        let path = self.place.locate(&self.path).await?;
        let (source, total) = match self.content {
            Content::Memory(bytes) => {
                let size = bytes.len() as u64;
                (in_memory(bytes), Some(size))
            }
            Content::Stream(stream) => (stream, None),
            #[cfg(feature = "local-files")]
            Content::File(local) => {
                let file = super::local_file::open(&local).await?;
                self.settings.mode = self.settings.mode.or(file.mode);
                (file.stream, Some(file.len))
            }
        };
        let report = |bytes, files| {
            if let Some(report) = &self.report {
                report(Progress {
                    bytes,
                    total_bytes: total,
                    files,
                    total_files: Some(1),
                });
            }
        };
        let sent = send(
            &self.place.remote,
            &path,
            source,
            total,
            &self.settings,
            |bytes| {
                report(bytes, 0);
            },
        );
        let bytes = sent.await.map_err(about(&self.path))?;
        report(bytes, 1);
        Ok(bytes)
    }
}

impl<S: HttpService> IntoFuture for Write<S> {
    type Output = Result<u64, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<S> fmt::Debug for Write<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Write")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Uploads a stream of bytes, and returns their number. `report` is told the number of bytes so far.
pub(crate) async fn send<S: HttpService>(
    remote: &Remote<S>,
    path: &RemotePath,
    source: ByteStream,
    total: Option<u64>,
    settings: &Settings,
    report: impl Fn(u64),
) -> Result<u64, Error> {
    let mut parts = Parts::new(source, settings.part_size, total);
    let first = parts.next().await?.unwrap_or_else(|| Form::new(0));
    if parts.is_ended() {
        let size = first.file_size() as u64;
        let operation = WriteFile {
            path,
            form: first.finish(settings.mode),
        };
        remote.call(&operation).await?;
        return Ok(size);
    }
    let (mode, retries) = (settings.mode, settings.retries);
    let mut session = Session::begin(remote.clone(), path.clone(), mode, retries).await?;
    let sent = match session.sender(settings.retries) {
        Some(sender) => send_parts(&sender, first, parts, settings.parallel, report).await,
        None => Ok(Vec::new()),
    };
    let outcome = match sent {
        Ok(sent) => {
            let size = sent.iter().map(|part| part.size).sum();
            session.complete(path.clone(), sent).await.map(|()| size)
        }
        Err(error) => Err(error),
    };
    if outcome.is_err() {
        session.abort().await;
    }
    outcome
}

/// The next step while parts are sent.
enum Event {
    Read(Option<Form>),
    Sent(UploadedPart),
}

/// Sends all parts, and returns them in the order of their numbers.
async fn send_parts<S: HttpService>(
    sender: &PartSender<S>,
    first: Form,
    mut parts: Parts,
    parallel: usize,
    report: impl Fn(u64),
) -> Result<Vec<UploadedPart>, Error> {
    let mut sent: Vec<UploadedPart> = Vec::new();
    let mut in_flight: Vec<BoxFuture<Result<UploadedPart, Error>>> = Vec::new();
    let mut next = Some(first);
    let mut number = 0;
    let mut bytes = 0;
    loop {
        if let Some(form) = next.take() {
            if number == MAX_PARTS {
                let problem = format!("it has more than {MAX_PARTS} parts; set a larger part size");
                return Err(Error::input("data to upload", &Source::Code, problem));
            }
            number += 1;
            let size = form.file_size();
            in_flight.push(sender.send(number, form.finish(None), size));
        }
        if in_flight.is_empty() && parts.is_ended() {
            break;
        }
        let reads = !parts.is_ended() && in_flight.len() < parallel;
        let event = poll_fn(|cx| {
            if let Poll::Ready(part) = poll_any(&mut in_flight, cx) {
                return Poll::Ready(part.map(Event::Sent));
            }
            if reads && let Poll::Ready(part) = parts.poll_part(cx) {
                return Poll::Ready(part.map(Event::Read));
            }
            Poll::Pending
        });
        match event.await? {
            Event::Read(part) => next = part,
            Event::Sent(part) => {
                bytes += part.size;
                report(bytes);
                sent.push(part);
            }
        }
    }
    sent.sort_by_key(|part| part.part_number);
    Ok(sent)
}
