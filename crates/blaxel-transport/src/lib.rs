#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod background;
mod builder;
mod call;
mod client;
mod deadline;
mod defaults;
mod dispatch;
mod header_timeout;
mod hosts;
mod hyper_transport;
mod prefixed_body;
mod prepare;
mod propagate;
mod retry;
mod runtime;
mod trace;

/// The core crate, in the version that this crate uses.
///
/// It keeps its full name: a module called `core` would be ambiguous with the language's own `core`
/// in every file that imports this crate with `*`.
pub use blaxel_core;

pub use self::background::in_background;
pub use self::builder::{ClientBuilder, CustomTransport, DefaultTransport, MakeTransport};
pub use self::client::{Client, Pipeline, PipelineFuture};
pub use self::deadline::TimeLimits;
pub use self::dispatch::{Dispatch, DispatchFuture};
pub use self::hyper_transport::{
    HttpVersion, HyperBuilder, HyperFuture, HyperTransport, Proxy, Roots,
};
pub use self::propagate::{Propagate, PropagateLayer, Propagator};
pub use self::retry::RetryPolicy;
