//! The events of a run as they arrive.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::__private::{DecodedParts, ErrorParts};
use blaxel_core::Error;
use blaxel_core::stream::Decoded;
use futures_core::Stream;

use super::event::ExecutionEvent;
use super::records::{Decoder, Record};

/// The events of a run as they arrive. [`Run::stream`](super::Run::stream) returns it.
///
/// It ends after the event that the server sends last; a stream that ends without it is an error. Dropping it ends the
/// response, but not the code: restart the context to end that.
#[must_use = "the events are read only when they are requested"]
pub struct ExecutionStream {
    records: Decoded<Decoder>,
}

impl ExecutionStream {
    pub(super) fn new(records: Decoded<Decoder>) -> Self {
        let is_end = |record: &Record| matches!(record, Record::End);
        Self {
            records: records.until("end_of_execution", is_end),
        }
    }

    /// Returns the next event, or `None` after the last one.
    ///
    /// It is cancel safe: a future that is dropped before it completes loses no event.
    ///
    /// # Errors
    ///
    /// [`Error::is_truncated`] if the response or the connection to the kernel ends before the run does: then the
    /// events are incomplete, and the code may still run. [`Error::is_timeout`] if no event arrives for too long;
    /// [`Error::is_decode`] for an event that cannot be read. After an error the stream has ended.
    pub async fn try_next(&mut self) -> Result<Option<ExecutionEvent>, Error> {
        let event = poll_fn(|cx| self.poll_event(cx)).await.transpose()?;
        Ok(event.map(|(event, _)| event))
    }

    /// Polls for the next event and its size in the stream.
    pub(super) fn poll_event(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<(ExecutionEvent, usize), Error>>> {
        let reason = match ready!(Pin::new(&mut self.records).poll_next(cx)) {
            Some(Ok(Record::Event { event, size })) => {
                return Poll::Ready(Some(Ok((event, size))));
            }
            Some(Ok(Record::KernelLost(reason))) => reason,
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            Some(Ok(Record::End)) | None => return Poll::Ready(None),
        };
        let message = match reason.as_str() {
            "" => "the run is truncated: the connection to the kernel was lost".to_owned(),
            reason => format!("the run is truncated: {reason}"),
        };
        let error = self.records.annotate(Error::truncated(message));
        self.records.close();
        Poll::Ready(Some(Err(error)))
    }
}

impl Stream for ExecutionStream {
    type Item = Result<ExecutionEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(self.poll_event(cx));
        Poll::Ready(event.map(|event| event.map(|(event, _)| event)))
    }
}

impl fmt::Debug for ExecutionStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ExecutionStream")
            .field(&self.records)
            .finish()
    }
}
