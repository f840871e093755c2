//! [`Io`], the open files of a simulated process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::errno::Errno;
use crate::files::OpenFile;
use crate::lock::lock;
use crate::process::{Output, Stream};

/// The bytes that are read or written at once.
pub(crate) const CHUNK: usize = 4096;
/// The chunks that a pipe holds: 64 KiB.
const PIPE: usize = 16;

/// An open file, pipe or stream. Clones share its position.
#[derive(Clone)]
pub(crate) enum Io {
    /// Reads nothing, and takes all that is written.
    Null,
    File(Arc<Positioned>),
    Reader(Arc<Reader>),
    Writer(mpsc::Sender<Bytes>),
    Output(mpsc::Sender<Output>, Stream),
    /// The screen of a terminal: a newline returns to the left.
    Screen(mpsc::Sender<Output>),
    /// Keeps what is written, up to a limit.
    Memory(Arc<Memory>),
}

/// A file and the position in it.
pub(crate) struct Positioned {
    file: Arc<dyn OpenFile>,
    position: Mutex<u64>,
}

/// The end of a pipe that is read.
pub(crate) struct Reader(tokio::sync::Mutex<ReaderState>);

struct ReaderState {
    chunks: mpsc::Receiver<Bytes>,
    /// Bytes that were taken out of the pipe and not read yet.
    rest: Bytes,
}

/// Bytes in memory.
pub(crate) struct Memory {
    bytes: Mutex<Vec<u8>>,
    limit: usize,
}

impl Io {
    pub(crate) fn file(file: Arc<dyn OpenFile>) -> Self {
        Self::File(Arc::new(Positioned {
            file,
            position: Mutex::new(0),
        }))
    }

    /// Creates a pipe: the end that is read and the end that is written.
    pub(crate) fn pipe() -> (Self, Self) {
        let (writer, chunks) = mpsc::channel(PIPE);
        (Self::reader(chunks), Self::Writer(writer))
    }

    /// Creates an end that reads what a channel receives.
    pub(crate) fn reader(chunks: mpsc::Receiver<Bytes>) -> Self {
        Self::Reader(Arc::new(Reader(tokio::sync::Mutex::new(ReaderState {
            chunks,
            rest: Bytes::new(),
        }))))
    }

    /// Creates an end that reads a text.
    pub(crate) fn text(text: impl Into<Bytes>) -> Self {
        // The sender is dropped at once, so the text is followed by the end.
        let (_, chunks) = mpsc::channel(1);
        Self::Reader(Arc::new(Reader(tokio::sync::Mutex::new(ReaderState {
            chunks,
            rest: text.into(),
        }))))
    }

    /// Creates an end that keeps what is written, up to `limit` bytes.
    pub(crate) fn memory(limit: usize) -> (Self, Arc<Memory>) {
        let memory = Arc::new(Memory {
            bytes: Mutex::default(),
            limit,
        });
        (Self::Memory(Arc::clone(&memory)), memory)
    }

    /// Reads some bytes; none at the end.
    pub(crate) async fn read(&self) -> Result<Bytes, Errno> {
        match self {
            Self::Null => Ok(Bytes::new()),
            Self::File(file) => file.read(),
            Self::Reader(reader) => {
                let mut state = reader.0.lock().await;
                if state.rest.is_empty() {
                    state.rest = state.chunks.recv().await.unwrap_or_default();
                }
                Ok(std::mem::take(&mut state.rest))
            }
            Self::Writer(_) | Self::Output(..) | Self::Screen(_) | Self::Memory(_) => {
                Err(Errno::BadDescriptor)
            }
        }
    }

    /// Gives bytes back that were read last.
    pub(crate) async fn unread(&self, bytes: Bytes) {
        match self {
            Self::File(file) => {
                let mut position = lock(&file.position);
                *position = position.saturating_sub(bytes.len() as u64);
            }
            Self::Reader(reader) => {
                let mut state = reader.0.lock().await;
                // Nobody else reads in between: a shell runs one program on an end at a time, and
                // if it runs two, either order is as good as the other.
                state.rest = match state.rest.is_empty() {
                    true => bytes,
                    false => [bytes, state.rest.clone()].concat().into(),
                };
            }
            _ => {}
        }
    }

    /// Reads up to and including a newline; nothing at the end.
    pub(crate) async fn read_line(&self, limit: usize) -> Result<Vec<u8>, Errno> {
        let mut line = Vec::new();
        loop {
            let mut bytes = self.read().await?;
            if bytes.is_empty() {
                return Ok(line);
            }
            match bytes.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    line.extend_from_slice(&bytes.split_to(end + 1));
                    if !bytes.is_empty() {
                        self.unread(bytes).await;
                    }
                    return Ok(line);
                }
                None => line.extend_from_slice(&bytes),
            }
            if line.len() > limit {
                return Err(Errno::OutOfMemory);
            }
        }
    }

    /// Reads to the end.
    pub(crate) async fn read_to_end(&self, limit: usize) -> Result<Vec<u8>, Errno> {
        let mut all = Vec::new();
        loop {
            let bytes = self.read().await?;
            if bytes.is_empty() {
                return Ok(all);
            }
            all.extend_from_slice(&bytes);
            if all.len() > limit {
                return Err(Errno::OutOfMemory);
            }
        }
    }

    /// Writes all of `bytes`. Waits while a pipe is full.
    pub(crate) async fn write(&self, bytes: &[u8]) -> Result<(), Errno> {
        match self {
            Self::Null => Ok(()),
            Self::File(file) => file.write(bytes),
            Self::Reader(_) => Err(Errno::BadDescriptor),
            Self::Writer(writer) => {
                for chunk in bytes.chunks(CHUNK) {
                    let chunk = Bytes::copy_from_slice(chunk);
                    let sent = writer.send(chunk).await;
                    sent.map_err(|_| Errno::BrokenPipe)?;
                }
                Ok(())
            }
            Self::Output(writer, stream) => {
                for chunk in bytes.chunks(CHUNK) {
                    let output = Output {
                        stream: *stream,
                        bytes: Bytes::copy_from_slice(chunk),
                    };
                    let sent = writer.send(output).await;
                    sent.map_err(|_| Errno::BrokenPipe)?;
                }
                Ok(())
            }
            Self::Screen(writer) => {
                for chunk in bytes.chunks(CHUNK) {
                    let mut shown = Vec::with_capacity(chunk.len() + 16);
                    for byte in chunk {
                        if *byte == b'\n' {
                            shown.push(b'\r');
                        }
                        shown.push(*byte);
                    }
                    let output = Output {
                        stream: Stream::Stdout,
                        bytes: shown.into(),
                    };
                    let sent = writer.send(output).await;
                    sent.map_err(|_| Errno::BrokenPipe)?;
                }
                Ok(())
            }
            Self::Memory(memory) => {
                let mut kept = lock(&memory.bytes);
                if kept.len() + bytes.len() > memory.limit {
                    return Err(Errno::OutOfMemory);
                }
                kept.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Returns the file, if it is one.
    pub(crate) fn as_file(&self) -> Option<&dyn OpenFile> {
        match self {
            Self::File(file) => Some(&*file.file),
            _ => None,
        }
    }
}

impl Positioned {
    fn read(&self) -> Result<Bytes, Errno> {
        let mut position = lock(&self.position);
        let mut buffer = vec![0; 16 * CHUNK];
        let read = self.file.read_at(*position, &mut buffer)?;
        buffer.truncate(read);
        *position += read as u64;
        Ok(buffer.into())
    }

    fn write(&self, bytes: &[u8]) -> Result<(), Errno> {
        let mut position = lock(&self.position);
        self.file.write_all_at(*position, bytes)?;
        *position += bytes.len() as u64;
        Ok(())
    }
}

impl Memory {
    /// Takes the bytes that were written.
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *lock(&self.bytes))
    }
}

/// The open files of a process by their numbers.
#[derive(Clone, Default)]
pub(crate) struct Descriptors(BTreeMap<u32, Io>);

impl Descriptors {
    pub(crate) fn new(stdin: Io, stdout: Io, stderr: Io) -> Self {
        Self(BTreeMap::from([(0, stdin), (1, stdout), (2, stderr)]))
    }

    pub(crate) fn get(&self, number: u32) -> Result<&Io, Errno> {
        self.0.get(&number).ok_or(Errno::BadDescriptor)
    }

    pub(crate) fn set(&mut self, number: u32, io: Io) {
        self.0.insert(number, io);
    }

    pub(crate) fn close(&mut self, number: u32) {
        self.0.remove(&number);
    }

    /// Reads from standard input.
    pub(crate) fn stdin(&self) -> Io {
        self.0.get(&0).cloned().unwrap_or(Io::Null)
    }

    /// Writes to standard output.
    pub(crate) async fn print(&self, bytes: impl AsRef<[u8]>) -> Result<(), Errno> {
        self.get(1)?.write(bytes.as_ref()).await
    }

    /// Writes to standard error. A message that cannot be written is lost.
    pub(crate) async fn warn(&self, text: impl AsRef<str>) {
        if let Ok(stderr) = self.get(2) {
            let _ = stderr.write(text.as_ref().as_bytes()).await;
        }
    }
}
