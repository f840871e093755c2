#![doc = include_str!("../README.md")]
//!
//! ## Main types
//!
//! | to | use |
//! | --- | --- |
//! | describe and run an operation | [`Operation`], which writes an `http::Request` and reads an `http::Response`; [`OperationInfo`], its name, path template, [`Plane`] and [`Idempotency`]; [`RequestWriter`]; [`call`] and [`open`] |
//! | carry requests | [`HttpService`], implemented for every tower service over HTTP; [`BoxService`]; [`Body`]; [`Endpoints`] |
//! | read the context of a call in a layer | [`CallContext`], with the operation, the [`CallOptions`] and the number of [`Attempts`] |
//! | send a request that belongs to no operation | [`raw_request`] |
//! | speak another protocol on a connection | `RequestWriter::upgrade`, `upgrade` and `Upgraded`, with the feature `upgrade` |
//! | speak WebSocket | the module `websocket` (feature `websocket`) |
//! | read lists | [`Page`], one page, with the [`Total`] number of resources; [`Pages`] and [`Items`], walks over all pages and items by `try_next` or as a `Stream`; [`ListParams`]; [`Checkpoint`] |
//! | read streams of events, JSON lines, lines and text | the module `stream` (feature `stream`), with its `Decoded` and decoders |
//! | handle errors | [`Error`], with [`ErrorKind`], [`ErrorCode`], [`Delivery`] and [`ApiError`]; [`ParseError`] |
//! | parse values that the API writes as text | [`ApiVersion`], [`Workspace`], [`BaseUrl`], [`Timestamp`], [`Period`]; all implement `FromStr` and fail with [`ParseError`] |
//! | hold secrets | [`Secret`], which is never printed |
//! | read enums to which the server may add values | [`open_enum!`] and [`UnknownValue`] |
//! | name the source of an invalid value in its error | [`Source`] |
//!
//! [`Timestamp`] and [`Period`] keep the server's text. Both are ordered; a timestamp supports arithmetic with
//! `std::time::Duration`, and a period converts into one.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod address;
mod base_url;
mod body;
mod civil;
mod content_coding;
mod content_type;
mod context;
mod description;
mod endpoint;
mod error;
mod framing;
mod header_time;
#[cfg(any(feature = "chrono", feature = "jiff"))]
mod interop;
mod journal;
mod later;
mod lenient;
mod list_params;
mod open_enum;
mod operation;
mod options;
mod page;
mod parse_error;
mod period;
mod plane_uri;
mod raw;
mod read_text;
mod redact;
mod relative;
mod request;
pub mod response;
mod secret;
mod service;
mod setting;
mod shell_word;
mod source;
#[cfg(feature = "stream")]
pub mod stream;
mod text;
mod time;
#[cfg(feature = "upgrade")]
mod upgrade;
#[cfg(feature = "upgrade")]
mod upgraded;
mod version;
mod walk;
#[cfg(feature = "websocket")]
#[cfg_attr(docsrs, doc(cfg(feature = "websocket")))]
pub mod websocket;
mod with_options;
mod workload;
mod workspace;

pub use self::base_url::BaseUrl;
pub use self::body::Body;
pub use self::context::{CallContext, operation};
pub use self::description::{Idempotency, OperationInfo, Plane};
pub use self::endpoint::Endpoints;
pub use self::error::{
    ApiError, BoxError, Delivery, DispatchState, Error, ErrorCode, ErrorKind, ErrorOrigin,
};
pub use self::list_params::{ListParams, Sort};
pub use self::open_enum::UnknownValue;
pub use self::operation::Operation;
pub use self::options::{Attempts, CallOptions};
pub use self::page::{Cursor, Page, PageMeta, Paged, Total};
pub use self::parse_error::ParseError;
pub use self::period::Period;
pub use self::raw::raw_request;
pub use self::request::RequestWriter;
pub use self::secret::Secret;
pub use self::service::{BoxFuture, BoxService, HttpService, call, open};
pub use self::source::Source;
pub use self::time::Timestamp;
#[cfg(feature = "upgrade")]
#[cfg_attr(docsrs, doc(cfg(feature = "upgrade")))]
pub use self::upgrade::upgrade;
#[cfg(feature = "upgrade")]
#[cfg_attr(docsrs, doc(cfg(feature = "upgrade")))]
pub use self::upgraded::Upgraded;
pub use self::version::ApiVersion;
pub use self::walk::{Checkpoint, Items, Pages};
pub use self::workspace::Workspace;

/// Items for the sibling crates and for the code that the macros of this crate expand to. Not for
/// direct use.
#[doc(hidden)]
pub mod __private {
    pub use crate::address::{
        Address, InvalidAddress, check as check_address, check_encrypted, ip_address, is_loopback,
        port_of,
    };
    pub use crate::content_coding::{compression_problem, content_codings};
    pub use crate::content_type::{Charset, media_type};
    #[cfg(feature = "upgrade")]
    pub use crate::context::upgrade_request;
    pub use crate::context::{body_size, is_changing, journal, record_time_limit, time_limit};
    pub use crate::endpoint::resolve_on;
    pub use crate::error::{ErrorParts, JsonProblem, is_by_edge, is_transient, is_unprocessed};
    pub use crate::framing::check_framing;
    pub use crate::header_time::{retry_after, server_time};
    pub use crate::journal::Journal;
    pub use crate::later::{bounded_wait, later};
    pub use crate::raw::{attach, attach_to_response, restore};
    pub use crate::read_text::ReadText;
    pub use crate::redact::{SentCredential, redact};
    pub use crate::service::{read_error, receive};
    pub use crate::setting::{read_setting, trim_setting};
    pub use crate::shell_word::quote;
    #[cfg(feature = "stream")]
    pub use crate::stream::decoded::{DecodedParts, decoded};
    #[cfg(feature = "stream")]
    pub use crate::stream::exchange::Exchange;
    pub use crate::text::{MAX_MESSAGE_CHARS, duration, join, one_line, unclosed};
    #[cfg(feature = "upgrade")]
    pub use crate::upgraded::UpgradeRequest;
    pub use crate::with_options::WithOptions;
    pub use serde;

    pub mod lenient {
        pub use crate::lenient::{
            count, index, list, null_as_default, number, object, optional_object, text,
        };
    }

    #[cfg(feature = "websocket")]
    pub mod websocket {
        pub use crate::websocket::parts::{context, explain, join, send_then, with_probe};
    }

    pub mod workload {
        pub use crate::workload::{
            Call, Calls, Overrides, Resource, Runtime, Target, WorkloadAddress, WorkloadKind,
            get_agent, get_function, get_model, get_sandbox,
        };
    }

    /// Creates a [`ParseError`](crate::ParseError) that quotes the text.
    #[must_use]
    pub fn parse_error(what: &'static str, text: &str, problem: &str) -> crate::ParseError {
        crate::ParseError::quoting(what, text, problem)
    }

    /// Returns the context of a call that a body carries.
    #[must_use]
    pub fn body_context(body: &crate::Body) -> Option<&crate::CallContext> {
        body.context()
    }

    /// Returns a decoder that also reads JSON without a field name, or with the name `error`, as an event. By
    /// the standard it is ignored, but model servers report errors in this way.
    #[cfg(feature = "stream")]
    #[must_use]
    pub fn with_bare_json(decoder: crate::stream::sse::Decoder) -> crate::stream::sse::Decoder {
        decoder.with_bare_json()
    }

    /// Creates an [`UnknownValue`](crate::UnknownValue).
    #[must_use]
    pub fn unknown_value(text: &str) -> crate::UnknownValue {
        crate::UnknownValue::new(text)
    }
}
