//! [`Recording`], one call on its way into the journal.

use std::sync::Arc;

use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use tokio::time::Instant;

use super::message::{Passed, observe};
use super::{Entry, EntryId, Journal, Message, Moment};
use crate::clock::Clock;
use crate::fault::Disconnected;
use crate::mask::{self, Secrets};

/// A call whose entry is in the journal. Dropping it ends the call, unless its response goes on.
pub(crate) struct Recording {
    id: EntryId,
    /// Taken when the response goes on.
    call: Option<Call>,
}

/// The parts that the end of a call needs.
struct Call {
    journal: Arc<Journal>,
    clock: Clock,
    id: EntryId,
    started: Instant,
    contents: Option<Contents>,
    /// Set if the response has no body, whatever its headers say.
    is_head: bool,
}

/// The settings for contents.
#[derive(Clone)]
struct Contents {
    /// Maximum number of bytes of each body.
    limit: usize,
    secrets: Arc<Secrets>,
    path: Arc<str>,
}

impl Contents {
    /// Returns what is kept of a message.
    fn message(&self, headers: &HeaderMap, passed: &Passed) -> Message {
        let body = match passed.kept.as_slice() {
            [] => Vec::new(),
            kept => mask::body(headers, &self.path, kept, &self.secrets),
        };
        Message {
            headers: mask::headers(headers, &self.secrets),
            body: Bytes::from(body),
            size: passed.size,
            is_whole: passed.is_complete && passed.size == passed.kept.len() as u64,
        }
    }
}

impl Recording {
    /// Begins with a request as it arrives. Contents are kept if there is a limit for their bodies.
    pub(crate) fn begin(
        journal: &Arc<Journal>,
        clock: &Clock,
        entry: Entry,
        limit: Option<usize>,
        secrets: impl FnOnce() -> Secrets,
    ) -> Self {
        let contents = limit.map(|limit| Contents {
            limit,
            secrets: Arc::new(secrets()),
            path: entry.path.as_str().into(),
        });
        let is_head = entry.method == "HEAD";
        let id = journal.open(entry);
        let call = Call {
            is_head,
            id,
            journal: Arc::clone(journal),
            clock: clock.clone(),
            started: Instant::now(),
            contents,
        };
        Self {
            id,
            call: Some(call),
        }
    }

    /// Returns the id of the entry.
    pub(crate) fn id(&self) -> EntryId {
        self.id
    }

    /// Observes the body of the request.
    pub(crate) fn request(&self, request: Request) -> Request {
        let Some((call, contents)) = self
            .call
            .as_ref()
            .and_then(|call| Some((call, call.contents.clone()?)))
        else {
            return request;
        };
        let (head, body) = request.into_parts();
        let (journal, id) = (Arc::clone(&call.journal), call.id);
        let headers = head.headers.clone();
        // An operation that ends without reading the body is recorded too.
        let unread = Passed {
            kept: Vec::new(),
            size: 0,
            is_complete: body.is_end_stream(),
        };
        journal.amend(id, |entry| {
            entry.request = Some(contents.message(&headers, &unread));
        });
        let limit = contents.limit;
        let body = observe(body, limit, move |passed| {
            let message = contents.message(&headers, &passed);
            journal.amend(id, |entry| entry.request = Some(message));
        });
        Request::from_parts(head, body)
    }

    /// Records the head of the response, and observes its body.
    pub(crate) fn response(mut self, response: Response) -> Response {
        let Some(call) = self.call.take() else {
            return response;
        };
        let head = call.moment();
        let (status, is_sent) = (
            response.status().as_u16(),
            response.extensions().get::<Disconnected>().is_none(),
        );
        if !is_sent {
            call.end(true);
            return response;
        }
        // The body of an upgrade is empty, and the connection goes on.
        let is_in_memory = call.contents.is_none() && response.body().size_hint().exact().is_some();
        let is_whole = is_in_memory || call.is_head;
        call.journal.amend(call.id, |entry| {
            entry.status = Some(status);
            entry.head = Some(head);
            entry.end = is_whole.then_some(head);
        });
        if is_whole {
            return response;
        }
        let (head, body) = response.into_parts();
        let headers = head.headers.clone();
        let limit = call.contents.as_ref().map_or(0, |contents| contents.limit);
        let body = observe(body, limit, move |passed| {
            if let Some(contents) = &call.contents {
                let message = contents.message(&headers, &passed);
                call.journal
                    .amend(call.id, |entry| entry.response = Some(message));
            }
            call.end(!passed.is_complete);
        });
        Response::from_parts(head, body)
    }
}

impl Drop for Recording {
    /// The client has gone before there was a response.
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            call.end(true);
        }
    }
}

impl Call {
    fn moment(&self) -> Moment {
        Moment {
            at: self.clock.since_epoch(),
            after: self.started.elapsed(),
        }
    }

    fn end(&self, is_cut: bool) {
        let end = self.moment();
        self.journal.amend(self.id, |entry| {
            entry.end = Some(end);
            entry.is_cut = is_cut;
        });
    }
}
