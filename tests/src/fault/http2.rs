//! The server's side of HTTP/2, without TLS.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Mutex;
use tokio::task::{AbortHandle, JoinSet};

use super::answer::{Answer, Plan, Then};
use super::frame::{self, Frame, frame};
use super::hpack::{self, Decoder};
use super::journal::{Connection, Ticket};
use super::script::Code;

/// Serves the streams of one connection until it ends.
pub(super) async fn serve(socket: TcpStream, connection: &Connection) {
    let (reader, writer) = socket.into_split();
    let mut session = Session {
        reader,
        writer: Arc::new(Mutex::new(writer)),
        connection,
        headers: Decoder::default(),
        streams: HashMap::new(),
        slow: JoinSet::new(),
        slow_streams: HashMap::new(),
        windows: (frame::WINDOW, frame::WINDOW),
        last: 0,
        doomed: false,
        left: false,
    };
    // However this ends, dropping both halves closes the connection.
    let _ = session.run().await;
}

struct Session<'a> {
    reader: OwnedReadHalf,
    writer: Arc<Mutex<OwnedWriteHalf>>,
    connection: &'a Connection,
    headers: Decoder,
    /// Streams whose requests are not complete yet.
    streams: HashMap<u32, (Ticket, Plan)>,
    /// Tasks that send responses byte by byte.
    slow: JoinSet<Option<()>>,
    slow_streams: HashMap<u32, AbortHandle>,
    /// The client's flow-control windows: of a stream, and of the connection.
    windows: (u32, u32),
    /// The newest stream.
    last: u32,
    /// `true` if the connection is closed at the next request.
    doomed: bool,
    /// `true` if new streams are ignored because a `GOAWAY` was sent.
    left: bool,
}

impl Session<'_> {
    /// Serves until the connection is to be closed, and then returns `None`.
    async fn run(&mut self) -> Option<()> {
        let mut preface = vec![0; frame::PREFACE.len()];
        self.reader.read_exact(&mut preface).await.ok()?;
        if preface != frame::PREFACE {
            return None;
        }
        let mut settings = Vec::new();
        if let Some(streams) = self.connection.streams_allowed() {
            settings.extend(frame::MAX_CONCURRENT_STREAMS.to_be_bytes());
            settings.extend(streams.to_be_bytes());
        }
        self.send(frame(frame::SETTINGS, 0, 0, &settings)).await?;
        loop {
            let next = Frame::read(&mut self.reader).await.ok()?;
            match next.kind {
                frame::SETTINGS if !next.has(frame::ACK) => {
                    if let Some(window) = next.setting(frame::INITIAL_WINDOW_SIZE) {
                        self.windows.0 = window;
                    }
                    self.send(frame(frame::SETTINGS, frame::ACK, 0, &[]))
                        .await?;
                }
                frame::PING if !next.has(frame::ACK) => {
                    self.send(frame(frame::PING, frame::ACK, 0, &next.payload))
                        .await?;
                }
                frame::WINDOW_UPDATE if next.stream == 0 => {
                    if let Some(more) = next.payload.first_chunk() {
                        self.windows.1 += u32::from_be_bytes(*more);
                    }
                }
                frame::HEADERS => self.open(next).await?,
                frame::DATA => self.take_data(&next).await?,
                frame::RST_STREAM => {
                    self.streams.remove(&next.stream);
                    if let Some(task) = self.slow_streams.remove(&next.stream) {
                        task.abort();
                    }
                }
                _ => {}
            }
        }
    }

    async fn send(&self, bytes: Vec<u8>) -> Option<()> {
        self.writer.lock().await.write_all(&bytes).await.ok()
    }

    async fn open(&mut self, mut head: Frame) -> Option<()> {
        let mut block = head.content().to_vec();
        while !head.has(frame::END_HEADERS) {
            let more = Frame::read(&mut self.reader).await.ok()?;
            if more.kind != frame::CONTINUATION {
                return None;
            }
            block.extend_from_slice(&more.payload);
            head.flags |= more.flags & frame::END_HEADERS;
        }
        let fields = self.headers.read(&block)?;
        if self.left {
            return Some(());
        }
        if self.doomed {
            self.connection.lost();
            return None;
        }
        let stream = head.stream;
        let before = std::mem::replace(&mut self.last, stream);
        self.connection.note_windows(self.windows);
        let ticket = self.connection.request(fields.method, fields.path);
        match Plan::of(ticket.fault, &ticket.path) {
            Plan::CloseEarly => return None,
            Plan::Refuse => return self.reset(stream, frame::REFUSED_STREAM).await,
            Plan::GoAwayBefore(code) => {
                self.left = true;
                return self.go_away(before, code).await;
            }
            plan => {
                self.streams.insert(stream, (ticket, plan));
            }
        }
        if head.has(frame::END_STREAM) {
            self.finish(stream).await?;
        }
        Some(())
    }

    async fn take_data(&mut self, data: &Frame) -> Option<()> {
        if let Ok(size @ 1..) = u32::try_from(data.payload.len()) {
            let size = size.to_be_bytes();
            self.send(frame(frame::WINDOW_UPDATE, 0, 0, &size)).await?;
            if self.streams.contains_key(&data.stream) && !data.has(frame::END_STREAM) {
                self.send(frame(frame::WINDOW_UPDATE, 0, data.stream, &size))
                    .await?;
            }
        }
        if data.has(frame::END_STREAM) {
            self.finish(data.stream).await?;
        }
        Some(())
    }

    async fn reset(&self, stream: u32, code: u32) -> Option<()> {
        self.send(frame(frame::RST_STREAM, 0, stream, &code.to_be_bytes()))
            .await
    }

    async fn go_away(&self, last: u32, code: Code) -> Option<()> {
        let mut payload = last.to_be_bytes().to_vec();
        payload.extend_from_slice(&(code as u32).to_be_bytes());
        self.send(frame(frame::GOAWAY, 0, 0, &payload)).await
    }

    /// Handles a request that is complete.
    async fn finish(&mut self, stream: u32) -> Option<()> {
        let Some((ticket, plan)) = self.streams.remove(&stream) else {
            return Some(());
        };
        self.connection.whole(&ticket);
        match plan {
            Plan::Answer(answer) => self.answer(stream, answer, ticket).await,
            Plan::Silence => Some(()),
            Plan::Mute => {
                while Frame::read(&mut self.reader).await.is_ok() {}
                None
            }
            Plan::Reset(code) => self.reset(stream, code as u32).await,
            Plan::GoAwayAfter(code) => {
                self.go_away(stream, code).await?;
                None
            }
            Plan::Close { reset } => {
                if reset {
                    let writer = self.writer.lock().await;
                    let _ = writer.as_ref().set_zero_linger();
                }
                None
            }
            Plan::CloseEarly | Plan::Refuse | Plan::GoAwayBefore(_) => None,
        }
    }

    async fn answer(&mut self, stream: u32, answer: Answer, ticket: Ticket) -> Option<()> {
        let (of_stream, of_connection) = self.windows;
        if answer.body.len() > of_stream.min(of_connection) as usize {
            return None;
        }
        if let Some(pace) = answer.pace {
            let writer = Arc::clone(&self.writer);
            let task = self.slow.spawn(async move {
                let mut frames = frames(stream, &answer, 1);
                let last = frames.pop()?;
                for frame in frames {
                    tokio::time::sleep(pace).await;
                    writer.lock().await.write_all(&frame).await.ok()?;
                }
                tokio::time::sleep(pace).await;
                // The last frame ends the stream, and the client may open another.
                drop(ticket);
                writer.lock().await.write_all(&last).await.ok()
            });
            self.slow_streams.insert(stream, task);
            return Some(());
        }
        drop(ticket);
        self.send(frames(stream, &answer, frame::LARGEST).concat())
            .await?;
        match answer.then {
            _ if answer.cut.is_some() => None,
            Then::Keep => Some(()),
            Then::Doom => {
                self.doomed = true;
                Some(())
            }
            Then::Close => {
                self.go_away(stream, Code::NoError).await?;
                None
            }
        }
    }
}

/// Encodes a response as frames, with at most `size` bytes of the body in each.
fn frames(stream: u32, answer: &Answer, size: usize) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    if answer.interim {
        let block = hpack::write(103, &[("link", "</style.css>".to_owned())]);
        frames.push(frame(frame::HEADERS, frame::END_HEADERS, stream, &block));
    }
    let mut headers = answer.headers.clone();
    if answer.status != 204 {
        let length = answer.announced.unwrap_or(answer.body.len());
        headers.push(("content-length", length.to_string()));
    }
    let body = answer
        .body
        .get(..answer.cut.unwrap_or(answer.body.len()))
        .unwrap_or_default();
    let whole = answer.cut.is_none();
    let end = |yes: bool| if yes { frame::END_STREAM } else { 0 };
    let flags = frame::END_HEADERS | end(whole && body.is_empty());
    let block = hpack::write(answer.status, &headers);
    frames.push(frame(frame::HEADERS, flags, stream, &block));
    let mut pieces = body.chunks(size).peekable();
    while let Some(piece) = pieces.next() {
        let flags = end(whole && pieces.peek().is_none());
        frames.push(frame(frame::DATA, flags, stream, piece));
    }
    frames
}
