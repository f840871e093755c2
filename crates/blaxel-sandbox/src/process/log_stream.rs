//! A connection to the log stream of a process, in either of its forms.

use blaxel_core::__private::{ErrorParts, decoded, media_type};
use blaxel_core::stream::{JsonStream, ndjson};
use blaxel_core::{Body, Error, HttpService};
use bytes::Bytes;

use super::event::OutputStream;
use super::line::Line;
use super::operations::StreamProcessLogs;
use super::text_form::{Piece, TextForm};
use crate::remote::{DataOperation, Remote};

/// An open log stream. It is read only as items are requested.
pub(super) enum LogStream {
    Lines(Box<JsonStream<Line>>),
    Text { body: Option<Body>, form: TextForm },
}

/// An item of a log stream.
#[derive(Debug)]
pub(super) enum Item {
    Output(OutputStream, Bytes),
    KeepAlive,
    Restart,
    /// Output is missing at this place.
    Truncated,
}

impl LogStream {
    /// Opens the stream of a process. A server that does not have the form with exact bytes answers with text.
    pub(super) async fn open<S: HttpService>(
        remote: &Remote<S>,
        process: &str,
        as_text: bool,
    ) -> Result<Self, Error> {
        let response = remote.open(&StreamProcessLogs { process, as_text }).await?;
        if media_type(response.headers()) == "text/plain" {
            return Ok(Self::Text {
                body: Some(response.into_body()),
                form: TextForm::new(),
            });
        }
        let decoder = ndjson::Decoder::new();
        let lines = decoded(response, StreamProcessLogs::INFO, decoder, false);
        Ok(Self::Lines(Box::new(lines)))
    }

    /// Returns `true` for the text form, which is not exact.
    pub(super) fn is_text(&self) -> bool {
        matches!(self, Self::Text { .. })
    }

    /// Returns the next item, or `None` at the end of the stream. It is cancel safe.
    pub(super) async fn next(&mut self) -> Result<Option<Item>, Error> {
        match self {
            Self::Lines(lines) => loop {
                let Some(line) = lines.try_next().await? else {
                    return Ok(None);
                };
                if let Some(item) = read_line(line)? {
                    return Ok(Some(item));
                }
            },
            Self::Text { body, form } => loop {
                if let Some(piece) = form.next() {
                    return read_piece(piece).map(Some);
                }
                let Some(open) = body else {
                    return Ok(None);
                };
                match open.chunk().await? {
                    Some(chunk) => form.push(chunk),
                    None => {
                        form.finish();
                        *body = None;
                    }
                }
            },
        }
    }
}

/// Reads a line; `None` for a type that is not known.
fn read_line(line: Line) -> Result<Option<Item>, Error> {
    Ok(Some(match line.kind.as_str() {
        "stdout" => Item::Output(OutputStream::Stdout, line.into_bytes()?),
        "stderr" => Item::Output(OutputStream::Stderr, line.into_bytes()?),
        "keepalive" => Item::KeepAlive,
        "restart" => Item::Restart,
        "truncated" => Item::Truncated,
        "error" => return Err(reported(line.text())),
        _ => return Ok(None),
    }))
}

fn read_piece(piece: Piece) -> Result<Item, Error> {
    Ok(match piece {
        Piece::Output(stream, bytes) => Item::Output(stream, bytes),
        Piece::KeepAlive => Item::KeepAlive,
        Piece::Restart => Item::Restart,
        Piece::Truncated => Item::Truncated,
        Piece::Error(message) => return Err(reported(&message)),
    })
}

/// Creates the error that a server reports within a stream. The stream may work again later.
fn reported(message: &str) -> Error {
    let message = format!("the server has ended the stream of the output: {message}");
    Error::truncated(message).in_operation(Some(StreamProcessLogs::INFO))
}
