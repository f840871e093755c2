//! What can go wrong.

use super::Protocol;

/// One thing that goes wrong, for one connection, request or attempt.
///
/// [`processed`](Self::processes) says of each whether the server has done its work by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The attempt meets a port on which nobody listens.
    Refuse,
    /// The connection is reset as soon as it is made. Whether the client writes anything before it
    /// notices is a race.
    ResetOnAccept,
    /// The connection is closed when the client's first bytes arrive, which nobody reads. Over
    /// HTTP/2 these are not a request's, so whether one follows is a race.
    AcceptAndClose,
    /// The connection is closed when the head of the request was read.
    CloseAfterHead,
    /// The connection is closed when the request was processed, without an answer.
    CloseAfterRequest,
    /// The same, with a reset.
    ResetAfterRequest,
    /// The connection is closed after the head of the answer.
    CloseAfterResponseHead,
    /// The connection is closed in the middle of the answer's body.
    CloseMidBody,
    /// The answer says that it is longer than it is.
    LengthTooLong,
    /// The answer says that it is shorter than it is.
    LengthTooShort,
    /// The answer comes in chunks of HTTP/1.1, and the last ones do not come.
    TruncatedChunks,
    /// The answer is compressed, and a hundred times as large when it is not: 16 MiB.
    GzipBomb,
    /// The request is processed, and no answer comes while the client waits.
    NeverAnswer,
    /// The request is processed, and the peer says nothing more at all, to pings neither, while it
    /// keeps the connection.
    Mute,
    /// A good answer of so many bytes.
    Long(usize),
    /// A good answer comes byte by byte, with so many milliseconds between two. Over HTTP/2 its head
    /// comes whole, and each byte of its body as a frame.
    Trickle(u64),
    /// An interim answer (103) comes before the good one.
    Interim,
    /// The answer is a success without a body (204).
    NoContent,
    /// The peer says that it has not touched the stream (`RST_STREAM`, `REFUSED_STREAM`).
    RefusedStream,
    /// The request is processed, and its stream reset.
    StreamReset(Code),
    /// The connection is given up (`GOAWAY`) and the request's stream is above the last one served.
    GoAwayBefore(Code),
    /// The request is processed, and the connection given up and closed: its stream is the last one
    /// served.
    GoAwayAfter(Code),
    /// A good answer, and then the connection is closed (after a `GOAWAY`, over HTTP/2). What the
    /// next request meets is a race if it follows at once.
    IdleClose,
    /// A good answer, and the next request on this connection meets a peer that is gone.
    IdleLost,
    /// An answer of the control plane with this status.
    Status(u16),
    /// An HTML page with this status, as an edge makes it while the origin works on.
    Html(u16),
    /// A 429 that asks for a wait.
    TooManyRequests(Wait),
    /// The gateway's 404 for a workload that sleeps.
    GatewayUnavailable,
    /// The gateway's answer with this status, which says by `retryable` whether to try again.
    Gateway(u16, bool),
    /// A workload's own answer with this status.
    AppError(u16),
    /// An answer with this status, and `x-should-retry`.
    ShouldRetry(u16, bool),
}

/// A reason for the end of a stream or a connection of HTTP/2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// `NO_ERROR`.
    NoError = 0x0,
    /// `INTERNAL_ERROR`.
    Internal = 0x2,
    /// `ENHANCE_YOUR_CALM`.
    Calm = 0xb,
}

/// How an answer asks for a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wait {
    /// Not at all.
    Unsaid,
    /// `Retry-After-Ms`.
    Millis(u64),
    /// `Retry-After` in seconds.
    Seconds(u64),
    /// `Retry-After` as a date, so many seconds after that of the answer.
    Date(u64),
    /// `Retry-After` with a number that no clock holds.
    Absurd,
    /// `Retry-After` with what is neither a number nor a date.
    Nonsense,
}

impl Fault {
    /// Whether there is such a fault in this version of HTTP.
    pub fn speaks(self, protocol: Protocol) -> bool {
        match self {
            Self::TruncatedChunks => protocol == Protocol::Http1,
            Self::Mute
            | Self::RefusedStream
            | Self::StreamReset(_)
            | Self::GoAwayBefore(_)
            | Self::GoAwayAfter(_) => protocol == Protocol::Http2,
            _ => true,
        }
    }

    /// Whether a request that meets it has been processed, so that a second one is a second time.
    ///
    /// An edge that gives up (502, 504) leaves the origin at work, so this counts.
    pub fn processes(self) -> bool {
        match self {
            Self::Refuse
            | Self::ResetOnAccept
            | Self::AcceptAndClose
            | Self::CloseAfterHead
            | Self::RefusedStream
            | Self::GoAwayBefore(_)
            | Self::TooManyRequests(_)
            | Self::GatewayUnavailable => false,
            Self::Status(status)
            | Self::Html(status)
            | Self::Gateway(status, _)
            | Self::AppError(status)
            | Self::ShouldRetry(status, _) => status >= 500 && status != 503,
            _ => true,
        }
    }

    /// Whether it is met before there is a request.
    pub(super) fn is_of_connection(self) -> bool {
        matches!(self, Self::ResetOnAccept | Self::AcceptAndClose)
    }
}
