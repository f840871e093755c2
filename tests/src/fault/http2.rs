//! The server's side of HTTP/2, without TLS.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Mutex;
use tokio::task::{AbortHandle, JoinSet};

use super::frame::{self, Frame, frame};
use super::hpack::{self, Decoder};
use super::journal::{ActiveRequest, Connection};
use super::response::{AfterResponse, Plan, Response};
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
        paced: JoinSet::new(),
        paced_streams: HashMap::new(),
        windows: (frame::WINDOW, frame::WINDOW),
        last: 0,
        close_on_next_request: false,
        going_away: false,
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
    streams: HashMap<u32, (ActiveRequest, Plan)>,
    /// Tasks that send responses byte by byte.
    paced: JoinSet<Option<()>>,
    paced_streams: HashMap<u32, AbortHandle>,
    /// The client's flow-control windows: of a stream, and of the connection.
    windows: (u32, u32),
    /// The newest stream.
    last: u32,
    /// `true` if the connection is closed at the next request.
    close_on_next_request: bool,
    /// `true` if new streams are ignored because a `GOAWAY` was sent.
    going_away: bool,
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
        if let Some(streams) = self.connection.max_streams() {
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
                frame::DATA => self.receive_data(&next).await?,
                frame::RST_STREAM => {
                    self.streams.remove(&next.stream);
                    if let Some(task) = self.paced_streams.remove(&next.stream) {
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
        if self.going_away {
            return Some(());
        }
        if self.close_on_next_request {
            self.connection.note_unread_request();
            return None;
        }
        let stream = head.stream;
        let before = std::mem::replace(&mut self.last, stream);
        self.connection.note_windows(self.windows);
        let active = self.connection.request(fields.method, fields.path);
        match Plan::of(active.fault, &active.path) {
            Plan::CloseEarly => return None,
            Plan::Refuse => return self.reset(stream, frame::REFUSED_STREAM).await,
            Plan::GoAwayBefore(code) => {
                self.going_away = true;
                return self.go_away(before, code).await;
            }
            plan => {
                self.streams.insert(stream, (active, plan));
            }
        }
        if head.has(frame::END_STREAM) {
            self.finish(stream).await?;
        }
        Some(())
    }

    async fn receive_data(&mut self, data: &Frame) -> Option<()> {
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
        let Some((active, plan)) = self.streams.remove(&stream) else {
            return Some(());
        };
        self.connection.note_complete(&active);
        match plan {
            Plan::Respond(response) => self.send_response(stream, response, active).await,
            Plan::NoResponse => Some(()),
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

    async fn send_response(
        &mut self,
        stream: u32,
        response: Response,
        active: ActiveRequest,
    ) -> Option<()> {
        let (of_stream, of_connection) = self.windows;
        if response.body.len() > of_stream.min(of_connection) as usize {
            return None;
        }
        if let Some(pace) = response.pace {
            let writer = Arc::clone(&self.writer);
            let task = self.paced.spawn(async move {
                let mut frames = frames(stream, &response, 1);
                let last = frames.pop()?;
                for frame in frames {
                    tokio::time::sleep(pace).await;
                    writer.lock().await.write_all(&frame).await.ok()?;
                }
                tokio::time::sleep(pace).await;
                // The last frame ends the stream, and the client may open another.
                drop(active);
                writer.lock().await.write_all(&last).await.ok()
            });
            self.paced_streams.insert(stream, task);
            return Some(());
        }
        drop(active);
        self.send(frames(stream, &response, frame::LARGEST).concat())
            .await?;
        match response.after {
            _ if response.cut.is_some() => None,
            AfterResponse::Keep => Some(()),
            AfterResponse::CloseOnNextRequest => {
                self.close_on_next_request = true;
                Some(())
            }
            AfterResponse::Close => {
                self.go_away(stream, Code::NoError).await?;
                None
            }
        }
    }
}

/// Encodes a response as frames, with at most `size` bytes of the body in each.
fn frames(stream: u32, response: &Response, size: usize) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    if response.interim {
        let block = hpack::write(103, &[("link", "</style.css>".to_owned())]);
        frames.push(frame(frame::HEADERS, frame::END_HEADERS, stream, &block));
    }
    let mut headers = response.headers.clone();
    if response.status != 204 {
        let length = response.announced.unwrap_or(response.body.len());
        headers.push(("content-length", length.to_string()));
    }
    let body = response
        .body
        .get(..response.cut.unwrap_or(response.body.len()))
        .unwrap_or_default();
    let complete = response.cut.is_none();
    let end = |yes: bool| if yes { frame::END_STREAM } else { 0 };
    let flags = frame::END_HEADERS | end(complete && body.is_empty());
    let block = hpack::write(response.status, &headers);
    frames.push(frame(frame::HEADERS, flags, stream, &block));
    let mut chunks = body.chunks(size).peekable();
    while let Some(chunk) = chunks.next() {
        let flags = end(complete && chunks.peek().is_none());
        frames.push(frame(frame::DATA, flags, stream, chunk));
    }
    frames
}
