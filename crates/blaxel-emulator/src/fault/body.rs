//! Changes of a body on its way.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::Frame;
use serde::{Deserialize, Serialize};

use super::Disconnected;
use super::saved::text_or_base64;

/// The number of bytes that are sent one by one. All of a large body would take minutes.
const SPLIT: u64 = 4096;

/// A change of a body.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// The number of bytes before the change.
    after: u64,
    kind: Kind,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// The connection is closed.
    Cut,
    /// Each byte until then is a frame of its own.
    Split,
    Insert(#[serde(with = "text_or_base64")] Bytes),
}

impl Change {
    pub(super) fn cut(after: u64) -> Self {
        let kind = Kind::Cut;
        Self { after, kind }
    }

    pub(super) fn split() -> Self {
        let (after, kind) = (SPLIT, Kind::Split);
        Self { after, kind }
    }

    pub(super) fn insert(after: u64, bytes: Bytes) -> Self {
        let kind = Kind::Insert(bytes);
        Self { after, kind }
    }

    /// Returns `true` if the body has the same length afterwards.
    pub(super) fn keeps_length(&self) -> bool {
        !matches!(self.kind, Kind::Insert(_))
    }

    pub(super) fn apply(self, body: Body) -> Body {
        Body::new(Changed {
            body,
            change: Some(self),
            pending: Bytes::new(),
            has_paused: false,
        })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = self.after;
        match &self.kind {
            Kind::Cut => write!(f, "closes the connection after {after} bytes"),
            Kind::Split => write!(f, "sends the first {after} bytes one by one"),
            Kind::Insert(bytes) => write!(f, "inserts {} bytes after {after} bytes", bytes.len()),
        }
    }
}

/// A body that is changed while it is sent.
struct Changed {
    body: Body,
    /// The change, until it has taken place.
    change: Option<Change>,
    /// Bytes that were received and not sent yet.
    pending: Bytes,
    /// Set if the last poll let what was sent before be written.
    has_paused: bool,
}

impl Changed {
    /// Returns the next bytes of those that are pending, or what comes instead.
    fn next(&mut self) -> Option<Result<Bytes, Disconnected>> {
        let Some(change) = &mut self.change else {
            let rest = std::mem::take(&mut self.pending);
            return (!rest.is_empty()).then_some(Ok(rest));
        };
        if change.after == 0 {
            return match self.change.take()?.kind {
                Kind::Cut => Some(Err(Disconnected::Closed)),
                Kind::Insert(bytes) => Some(Ok(bytes)),
                Kind::Split => self.next(),
            };
        }
        if self.pending.is_empty() {
            return None;
        }
        let most = match change.kind {
            Kind::Split => 1,
            _ => usize::try_from(change.after).unwrap_or(usize::MAX),
        };
        let piece = self.pending.split_to(most.min(self.pending.len()));
        change.after -= piece.len() as u64;
        Some(Ok(piece))
    }

    fn is_split(&self) -> bool {
        matches!(&self.change, Some(change) if matches!(change.kind, Kind::Split))
    }
}

impl HttpBody for Changed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        loop {
            // Without a pause, the server would write several frames at once.
            if self.is_split() && !self.pending.is_empty() && !self.has_paused {
                self.has_paused = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.has_paused = false;
            if let Some(piece) = self.next() {
                return Poll::Ready(Some(piece.map(Frame::data).map_err(axum::Error::new)));
            }
            let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
            match frame.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.pending = data,
                Some(Ok(Err(frame))) => return Poll::Ready(Some(Ok(frame))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    async fn frames(change: Change, body: &'static str) -> (Vec<String>, bool) {
        let mut body = change.apply(Body::from(body));
        let (mut frames, mut is_cut) = (Vec::new(), false);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => {
                    let data = frame.into_data().unwrap();
                    frames.push(String::from_utf8(data.to_vec()).unwrap());
                }
                Err(_) => {
                    is_cut = true;
                    break;
                }
            }
        }
        (frames, is_cut)
    }

    #[tokio::test]
    async fn a_body_is_cut_split_or_disturbed() {
        let texts = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        for (change, expected, is_cut) in [
            (Change::cut(2), texts(&["ab"]), true),
            (Change::cut(0), texts(&[]), true),
            (Change::cut(4), texts(&["abcd"]), true),
            (Change::cut(5), texts(&["abcd"]), false),
            (Change::split(), texts(&["a", "b", "c", "d"]), false),
            (
                Change::insert(1, "-".into()),
                texts(&["a", "-", "bcd"]),
                false,
            ),
            (Change::insert(0, "-".into()), texts(&["-", "abcd"]), false),
        ] {
            let shown = format!("{change:?}");
            assert_eq!(frames(change, "abcd").await, (expected, is_cut), "{shown}");
        }
    }
}
