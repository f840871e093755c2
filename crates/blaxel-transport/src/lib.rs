#![doc = include_str!("../README.md")]
//!
//! ## Main types
//!
//! | to | use |
//! | --- | --- |
//! | create a client | [`Client::from_env`], or [`Client::builder`] and [`ClientBuilder`] |
//! | limit the time of calls | [`TimeLimits`], `ClientBuilder::deadline` |
//! | configure retries | [`RetryPolicy`] |
//! | configure connections, TLS and proxies | [`HyperBuilder`], [`HttpVersion`], [`Roots`], [`Proxy`]; they build a [`HyperTransport`] |
//! | override settings for some calls | [`Client::with_options`] with `blaxel_core::CallOptions` |
//! | propagate traces to the server | [`PropagateLayer`] and [`Propagator`] |
//! | make calls without `async` | the module `blocking` (feature `blocking`), with its `Runtime` |
//! | fetch pages in the background | [`in_background`] with `Pages::read_ahead` |
//! | name types of a stack in signatures | [`Pipeline`], [`Dispatch`], [`MakeTransport`], [`DefaultTransport`], [`CustomTransport`] |
//!
//! `Client` without a type parameter is one type, whatever its layers and transport.
//! `ClientBuilder::build_unboxed` returns a client whose parameter names the whole stack, which saves an allocation for
//! each request.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(test),
    warn(clippy::arithmetic_side_effects, clippy::future_not_send)
)]

mod background;
#[cfg(feature = "blocking")]
#[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
pub mod blocking;
mod builder;
mod call;
mod client;
mod deadline;
mod defaults;
mod dispatch;
mod header_timeout;
mod hosts;
mod hyper_transport;
mod limits;
mod prefixed_body;
mod prepare;
mod propagate;
mod refusal;
mod retry;
mod runtime;
mod trace;
mod user_agent;

/// The core crate, in the version that this crate uses.
///
/// It keeps its full name: a module called `core` would be ambiguous with the language's own `core`
/// in every file that imports this crate with `*`.
pub use blaxel_core;

pub use self::background::in_background;
pub use self::builder::{ClientBuilder, CustomTransport, DefaultTransport, MakeTransport};
pub use self::client::{Client, Pipeline, PipelineFuture};
pub use self::dispatch::{Dispatch, DispatchFuture};
pub use self::hyper_transport::{
    HttpVersion, HyperBuilder, HyperFuture, HyperTransport, Proxy, Roots,
};
pub use self::limits::TimeLimits;
pub use self::propagate::{Propagate, PropagateLayer, Propagator};
pub use self::retry::RetryPolicy;
