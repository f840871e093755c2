//! The faults that a script can hold.

use super::Protocol;

/// A failure of one connection, request or attempt.
///
/// [`processes`](Self::processes) tells for each whether the server has processed the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The attempt goes to a port on which nothing listens.
    Refuse,
    /// The connection is reset as soon as it is accepted. Whether the client writes anything before
    /// it notices is a race.
    ResetOnAccept,
    /// The connection is closed, unread, when the client's first bytes arrive. Over HTTP/2 these
    /// are the preface, so whether a request follows is a race.
    AcceptAndClose,
    /// The connection is closed after the head of the request was read.
    CloseAfterHead,
    /// The connection is closed after the request was processed, without a response.
    CloseAfterRequest,
    /// The connection is reset after the request was processed, without a response.
    ResetAfterRequest,
    /// The connection is closed after the response head.
    CloseAfterResponseHead,
    /// The connection is closed in the middle of the response body.
    CloseMidBody,
    /// The response announces a longer body than it has.
    LengthTooLong,
    /// The response announces a shorter body than it has.
    LengthTooShort,
    /// The response is chunked (HTTP/1.1), and the last chunks are missing.
    TruncatedChunks,
    /// The response is compressed, and a hundred times as large when decompressed: 16 MiB.
    GzipBomb,
    /// The request is processed, and no response is sent.
    NoResponse,
    /// The request is processed, and the server sends nothing more, not even responses to pings,
    /// while it keeps the connection open.
    Mute,
    /// A successful response of this many bytes.
    Long(usize),
    /// A successful response is sent byte by byte, with this many milliseconds before each. Over
    /// HTTP/2 the head is sent whole, and each byte of the body is a frame.
    Trickle(u64),
    /// An interim response (103) is sent before the successful one.
    Interim,
    /// The response is a success without a body (204).
    NoContent,
    /// The server refuses the stream without processing it (`RST_STREAM`, `REFUSED_STREAM`).
    RefusedStream,
    /// The request is processed, and its stream is reset.
    StreamReset(Code),
    /// The server sends `GOAWAY` with a last stream id below the request's stream, and does not
    /// process the request.
    GoAwayBefore(Code),
    /// The request is processed; the server sends `GOAWAY` with its stream as the last one
    /// processed, and closes the connection.
    GoAwayAfter(Code),
    /// The response is successful, and then the connection is closed (after a `GOAWAY`, over
    /// HTTP/2). If the next request follows at once, the outcome is a race.
    IdleClose,
    /// The response is successful, and the connection is closed, without a response, at the next
    /// request.
    IdleLost,
    /// An error response of the control plane with this status.
    Status(u16),
    /// An HTML page with this status, as an edge sends it while the origin is still working.
    Html(u16),
    /// A 429 response that asks for a delay.
    TooManyRequests(Wait),
    /// The gateway's 404 for a workload that is asleep.
    GatewayUnavailable,
    /// The gateway's error with this status; the flag is its `retryable` member.
    Gateway(u16, bool),
    /// An error response of the workload itself with this status.
    AppError(u16),
    /// An error response with this status and this value of `x-should-retry`.
    ShouldRetry(u16, bool),
    /// An error response with this status that repeats the client's API key, as it is and in
    /// Base64.
    Echo(u16),
}

/// An HTTP/2 error code for the end of a stream or a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// `NO_ERROR`.
    NoError = 0x0,
    /// `INTERNAL_ERROR`.
    Internal = 0x2,
    /// `ENHANCE_YOUR_CALM`.
    Calm = 0xb,
}

/// The form in which a response asks for a delay before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wait {
    /// No header.
    NoHeader,
    /// `Retry-After-Ms`.
    Millis(u64),
    /// `Retry-After` in seconds.
    Seconds(u64),
    /// `Retry-After` as a date, this many seconds after the response's `Date`.
    Date(u64),
    /// `Retry-After` with a number that is too large for a clock.
    TooLarge,
    /// `Retry-After` with a value that is neither a number nor a date.
    Malformed,
}

impl Fault {
    /// Returns `true` if the fault exists in this version of HTTP.
    pub fn exists_in(self, protocol: Protocol) -> bool {
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

    /// Returns `true` if the server processes a request that this fault applies to, so that sending
    /// it again has the effect twice.
    ///
    /// An edge that gives up (502, 504) leaves the origin working, so this counts as processed.
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
            | Self::ShouldRetry(status, _)
            | Self::Echo(status) => status >= 500 && status != 503,
            _ => true,
        }
    }

    /// Returns `true` if the fault applies to a connection before there is a request.
    pub(super) fn affects_connection(self) -> bool {
        matches!(self, Self::ResetOnAccept | Self::AcceptAndClose)
    }
}
