//! An answer as the layers above see it.

use blaxel_core::Body;
use http_body::Body as _;
use hyper::body::Incoming;

use super::answer::Answer;
#[cfg(feature = "gzip")]
use super::gunzip;
use super::place::Place;
use super::turns::Turn;

/// The way in which an answer is read.
#[derive(Clone, Copy)]
pub(super) enum Reading {
    /// As it comes.
    Plain,
    /// Inflated, if it is compressed: we asked for that, so nobody above knows of it.
    #[cfg(feature = "gzip")]
    Inflated,
}

/// The answer as the layers above see it. It costs at most one allocation.
pub(super) fn wrap(
    response: http::Response<Incoming>,
    place: Place,
    reading: Reading,
    turn: Option<Turn>,
) -> http::Response<Body> {
    let (head, incoming) = response.into_parts();
    // Nothing follows: the turn ends here.
    if incoming.is_end_stream() {
        return http::Response::from_parts(head, Body::empty());
    }
    let answer = Answer::new(incoming, place, turn);
    match reading {
        Reading::Plain => http::Response::from_parts(head, Body::new(answer)),
        #[cfg(feature = "gzip")]
        Reading::Inflated => gunzip::inflate(head, answer),
    }
}
