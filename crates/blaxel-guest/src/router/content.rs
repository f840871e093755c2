//! The bytes of a file as a response, whole or in ranges.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::stream;
use http::StatusCode;
use http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderName,
    HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
    LAST_MODIFIED, RANGE,
};
use md5::{Digest as _, Md5};

use super::call::Call;
use super::path::{Paths, base};
use super::ranges::{Ranges, parse};
use super::respond::{HandlerResult, Refusal};
use crate::errno::Errno;
use crate::files::{FileError, Metadata, OpenFile, OpenOptions};
use crate::state::State;

/// The bytes that are read at once.
const CHUNK: u64 = 64 << 10;

/// A part of a body.
enum Piece {
    Text(String),
    /// The bytes of the file from the first to before the second offset.
    File(u64, u64),
}

/// Returns the bytes of a file.
pub(super) async fn raw(call: Call, path: &str) -> HandlerResult {
    let absolute = Paths::of(&call.state).absolute(path);
    let opened = Call::with_files(&call.state, move |files| {
        let failed = |operation, errno| {
            let error = FileError::new(operation, &absolute, errno);
            Refusal::unprocessable(format!("error opening file: {error}"))
        };
        let file = files
            .open(&absolute, &OpenOptions::reading())
            .map_err(|errno| failed("open", errno))?;
        let facts = file.metadata().map_err(|errno| failed("stat", errno))?;
        Ok((file, facts))
    });
    let (file, facts) = opened.await?;
    let name = base(path);
    let content_type = content_type(name);
    let mut response = Response::new(Body::empty());
    let disposition = format!("attachment; filename=\"{name}\"");
    if let Ok(disposition) = HeaderValue::from_bytes(disposition.as_bytes()) {
        response
            .headers_mut()
            .insert(CONTENT_DISPOSITION, disposition);
    }
    response
        .headers_mut()
        .insert(LAST_MODIFIED, http_date(facts.modified));
    if let Some(status) = precondition(&call, &facts) {
        *response.status_mut() = status;
        return Ok(response);
    }
    let ranges = match is_range_current(&call, &facts) {
        true => parse(call.header(RANGE), facts.size),
        false => Ranges::Whole,
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let (status, pieces) = match ranges {
        Ranges::Whole => (StatusCode::OK, VecDeque::from([Piece::File(0, facts.size)])),
        Ranges::One(start, end) => {
            set(
                headers,
                CONTENT_RANGE,
                &content_range(start, end, facts.size),
            );
            (
                StatusCode::PARTIAL_CONTENT,
                VecDeque::from([Piece::File(start, end)]),
            )
        }
        Ranges::Many(ranges) => {
            let boundary = boundary(path, &facts);
            let several = format!("multipart/byteranges; boundary={boundary}");
            set(headers, CONTENT_TYPE, &several);
            (
                StatusCode::PARTIAL_CONTENT,
                parts(&ranges, &boundary, content_type, facts.size),
            )
        }
        Ranges::Refused { message, is_beyond } => {
            headers.remove(ACCEPT_RANGES);
            headers.remove(LAST_MODIFIED);
            if is_beyond {
                set(headers, CONTENT_RANGE, &format!("bytes */{}", facts.size));
            }
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("text/plain; charset=utf-8"),
            );
            let text = VecDeque::from([Piece::Text(format!("{message}\n"))]);
            (StatusCode::RANGE_NOT_SATISFIABLE, text)
        }
    };
    headers.insert(
        CONTENT_LENGTH,
        HeaderValue::from(pieces.iter().map(Piece::size).sum::<u64>()),
    );
    *response.status_mut() = status;
    *response.body_mut() = body(Arc::clone(&call.state), file, pieces);
    Ok(response)
}

impl Piece {
    fn size(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::File(start, end) => end - start,
        }
    }
}

fn set(headers: &mut http::HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn content_range(start: u64, end: u64, size: u64) -> String {
    format!("bytes {start}-{}/{size}", end.saturating_sub(1))
}

/// Returns the pieces of several ranges: each after a head of its own.
fn parts(ranges: &[(u64, u64)], boundary: &str, content_type: &str, size: u64) -> VecDeque<Piece> {
    let mut pieces = VecDeque::new();
    let mut head = String::new();
    for (start, end) in ranges {
        let range = content_range(*start, *end, size);
        // Writing to a text does not fail.
        let _ = write!(
            head,
            "--{boundary}\r\nContent-Range: {range}\r\nContent-Type: {content_type}\r\n\r\n"
        );
        pieces.push_back(Piece::Text(std::mem::take(&mut head)));
        pieces.push_back(Piece::File(*start, *end));
        head.push_str("\r\n");
    }
    pieces.push_back(Piece::Text(format!("{head}--{boundary}--\r\n")));
    pieces
}

/// Returns a text that is unlikely to be in the file.
fn boundary(path: &str, facts: &Metadata) -> String {
    let seed = format!("{path} {:?} {}", facts.modified, facts.size);
    Md5::digest(seed)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Reads the pieces while they are sent. A file that has become shorter breaks the response off.
fn body(state: Arc<State>, file: Arc<dyn OpenFile>, pieces: VecDeque<Piece>) -> Body {
    let chunks = stream::unfold(
        (state, file, pieces),
        |(state, file, mut pieces)| async move {
            let chunk = match pieces.pop_front()? {
                Piece::Text(text) => Ok(Bytes::from(text)),
                Piece::File(start, end) => {
                    let stop = end.min(start + CHUNK);
                    if stop < end {
                        pieces.push_front(Piece::File(stop, end));
                    }
                    read(&state, &file, start, stop).await
                }
            };
            if chunk.is_err() {
                pieces.clear();
            }
            Some((chunk, (state, file, pieces)))
        },
    );
    Body::from_stream(chunks)
}

async fn read(
    state: &Arc<State>,
    file: &Arc<dyn OpenFile>,
    start: u64,
    end: u64,
) -> Result<Bytes, Errno> {
    let file = Arc::clone(file);
    let reading = Call::with_files(state, move |_| {
        let mut chunk = vec![0; usize::try_from(end - start).unwrap_or_default()];
        let mut filled = 0;
        while let Some(room) = chunk.get_mut(filled..).filter(|room| !room.is_empty()) {
            match file
                .read_at(start + filled as u64, room)
                .map_err(Refusal::internal)?
            {
                0 => return Err(Refusal::internal("the file has become shorter")),
                count => filled += count,
            }
        }
        Ok(Bytes::from(chunk))
    });
    reading.await.map_err(|_| Errno::Io)
}

/// Returns the status if a condition of the request decides it.
fn precondition(call: &Call, facts: &Metadata) -> Option<StatusCode> {
    let (matching, other) = (call.header(IF_MATCH), call.header(IF_NONE_MATCH));
    let date = |name| httpdate::parse_http_date(call.header(name)).ok();
    // Dates of HTTP have whole seconds.
    let modified = UNIX_EPOCH.checked_add(Duration::from_secs(facts.modified.as_secs()))?;
    let is_later = |than| modified > than;
    // Files have no entity tags, so only "any" matches one.
    if !matching.is_empty() {
        if matching != "*" {
            return Some(StatusCode::PRECONDITION_FAILED);
        }
    } else if date(IF_UNMODIFIED_SINCE).is_some_and(is_later) {
        return Some(StatusCode::PRECONDITION_FAILED);
    }
    let is_unchanged = match other {
        "" => date(IF_MODIFIED_SINCE).is_some_and(|than| !is_later(than)),
        other => other == "*",
    };
    is_unchanged.then_some(StatusCode::NOT_MODIFIED)
}

/// Returns `false` if the ranges are for another version of the file.
fn is_range_current(call: &Call, facts: &Metadata) -> bool {
    match call.header(IF_RANGE) {
        "" => true,
        date => date.as_bytes() == http_date(facts.modified).as_bytes(),
    }
}

/// Returns a time since 1970-01-01T00:00:00Z as the value of a header.
pub(super) fn http_date(time: Duration) -> HeaderValue {
    // The format ends with the year 9999.
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let time = UNIX_EPOCH + time.min(LAST);
    let text = httpdate::fmt_http_date(time);
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// Returns the content type by the extension of a file's name.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("txt" | "log") => "text/plain",
        Some("html" | "htm") => "text/html",
        Some("css") => "text/css",
        Some("js") => "application/javascript",
        Some("json") => "application/json",
        Some("xml") => "application/xml",
        Some("pdf") => "application/pdf",
        Some("zip") => "application/zip",
        Some("tar") => "application/x-tar",
        Some("gz") => "application/gzip",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("gif") => "image/gif",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
