//! Streams of items in the body of a response: server-sent events, JSON lines, lines and text.
//!
//! A decoder of [`sse`], [`ndjson`], [`mod@lines`] or [`text`] is fed the chunks of a body and does no I/O.
//! [`Decoded`] feeds one from a [`Body`](crate::Body), with `try_next` or as a `futures_core::Stream`.
//!
//! ```
//! use blaxel_core::Body;
//! use blaxel_core::stream::EventStream;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let mut events = EventStream::new(Body::from("data: one\n\ndata: two\n\n"));
//! while let Some(event) = events.try_next().await? {
//!     println!("{}", event.data());
//! }
//! # Ok::<(), blaxel_core::Error>(())
//! # }).unwrap();
//! ```

mod body_start;
mod decode;
pub(crate) mod decoded;
pub(crate) mod exchange;
mod intake;
pub mod lines;
pub mod ndjson;
mod split;
pub mod sse;
pub mod text;

pub use self::decode::{Decode, DecodeError, Text};
pub use self::decoded::{Decoded, EventStream, JsonStream, LineStream, TextStream};
