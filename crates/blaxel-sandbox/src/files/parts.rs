//! The split of a stream of bytes into parts of one size.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{BoxError, Error, Source};
use bytes::{Buf, Bytes};
use futures_core::Stream;

use super::form::Form;

/// The bytes to upload, in chunks of any size.
pub(crate) type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

/// Converts the stream of a caller.
pub(crate) fn byte_stream<T, B, E>(stream: T) -> ByteStream
where
    T: Stream<Item = Result<B, E>> + Send + 'static,
    B: Into<Bytes>,
    E: Into<BoxError>,
{
    Box::pin(Converted(Box::pin(stream)))
}

/// Returns a stream of bytes in memory.
pub(crate) fn in_memory(bytes: Bytes) -> ByteStream {
    Box::pin(Once(Some(bytes)))
}

struct Converted<T>(Pin<Box<T>>);

impl<T, B, E> Stream for Converted<T>
where
    T: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
    E: Into<BoxError>,
{
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = ready!(self.0.as_mut().poll_next(cx));
        Poll::Ready(chunk.map(|chunk| {
            chunk
                .map(Into::into)
                .map_err(|error| source_error(error.into()))
        }))
    }
}

/// Returns the error of a source. One of this SDK, such as that of a download, is kept.
fn source_error(error: BoxError) -> Error {
    match error.downcast::<Error>() {
        Ok(ours) => *ours,
        Err(other) => {
            Error::input("data to upload", &Source::Code, "it cannot be read").caused_by(other)
        }
    }
}

struct Once(Option<Bytes>);

impl Stream for Once {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}

/// The parts of a stream. All have the same size, but the last one.
pub(crate) struct Parts {
    source: ByteStream,
    part_size: usize,
    /// The size that is known in advance, to allocate no more than that.
    expected: Option<u64>,
    current: Option<Form>,
    /// The start of the part after the current one.
    rest: Bytes,
    ended: bool,
}

impl Parts {
    pub(crate) fn new(source: ByteStream, part_size: usize, expected: Option<u64>) -> Self {
        Self {
            source,
            part_size,
            expected,
            current: None,
            rest: Bytes::new(),
            ended: false,
        }
    }

    /// Returns `true` after the last part.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Returns the next part, or `None` after the last one. An empty stream has one part, which is empty.
    ///
    /// A part is returned once it is known whether another one follows.
    pub(crate) async fn next(&mut self) -> Result<Option<Form>, Error> {
        poll_fn(|cx| self.poll_part(cx)).await
    }

    pub(crate) fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Form>, Error>> {
        loop {
            if self.ended {
                return Poll::Ready(Ok(None));
            }
            let expected = self.expected.map_or(64 * 1024, |size| {
                usize::try_from(size).unwrap_or(usize::MAX)
            });
            let part_size = self.part_size;
            let form = self
                .current
                .get_or_insert_with(|| Form::new(expected.min(part_size)));
            let space = part_size - form.file_size();
            let taken = space.min(self.rest.len());
            form.push(self.rest.get(..taken).unwrap_or_default());
            self.rest.advance(taken);
            if !self.rest.is_empty() {
                return Poll::Ready(Ok(self.current.take()));
            }
            // A source may use its memory again.
            self.rest = Bytes::new();
            match ready!(self.source.as_mut().poll_next(cx)) {
                Some(Ok(chunk)) => self.rest = chunk,
                Some(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Err(error));
                }
                None => {
                    self.ended = true;
                    return Poll::Ready(Ok(self.current.take()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;
    use std::convert::Infallible;

    struct Chunks(VecDeque<Vec<u8>>);

    impl Stream for Chunks {
        type Item = Result<Vec<u8>, Infallible>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(self.0.pop_front().map(Ok))
        }
    }

    proptest! {
        #[test]
        fn parts_have_one_size_and_the_bytes_of_the_stream(
            sizes in proptest::collection::vec(0_usize..30, 0..10),
            part_size in 1_usize..20,
            expected in proptest::option::of(0_u64..100),
        ) {
            let mut next = 0_u8;
            let chunks: VecDeque<Vec<u8>> = sizes
                .iter()
                .map(|size| (0..*size).map(|_| { next = next.wrapping_add(1); next }).collect())
                .collect();
            let total: usize = sizes.iter().sum();
            let mut parts = Parts::new(byte_stream(Chunks(chunks)), part_size, expected);
            let mut found = Vec::new();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            while let Some(part) = runtime.block_on(parts.next()).unwrap() {
                found.push(part.file_size());
            }
            prop_assert!(parts.is_ended());
            prop_assert_eq!(found.iter().sum::<usize>(), total);
            prop_assert_eq!(found.len(), total.div_ceil(part_size).max(1));
            let (last, full) = found.split_last().unwrap();
            prop_assert!(full.iter().all(|size| *size == part_size));
            prop_assert!(*last <= part_size);
        }
    }

    #[tokio::test]
    async fn the_error_of_the_source_is_kept() {
        struct Broken(bool);
        impl Stream for Broken {
            type Item = Result<Bytes, BoxError>;

            fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
                let error: BoxError = match self.0 {
                    true => Error::decode("ours").into(),
                    false => std::io::Error::other("theirs").into(),
                };
                Poll::Ready(Some(Err(error)))
            }
        }
        let ours = Parts::new(byte_stream(Broken(true)), 4, None).next().await;
        assert!(ours.err().unwrap().is_decode());
        let mut theirs = Parts::new(byte_stream(Broken(false)), 4, None);
        let error = theirs.next().await.err().unwrap();
        assert!(
            error.is_input() && error.find_cause::<std::io::Error>().is_some(),
            "{error}"
        );
        assert!(theirs.next().await.unwrap().is_none());
    }
}
