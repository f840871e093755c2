#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use blaxel_auth as auth;
#[cfg(feature = "billing")]
pub use blaxel_billing as billing;
/// The core crate, in the version that this crate uses.
///
/// It keeps its full name: a module called `core` would make the language's own `core` ambiguous in
/// every file that imports this crate by `*`.
pub use blaxel_core;
#[cfg(feature = "inference")]
pub use blaxel_inference as inference;
#[cfg(feature = "management")]
pub use blaxel_management as management;
pub use blaxel_transport as transport;

pub use blaxel_auth::Credentials;
pub use blaxel_core::{
    ApiVersion, BaseUrl, Body, CallOptions, Error, ErrorKind, HttpService, ListParams, Page,
    Period, Plane, Secret, Sort, Source, Timestamp, Workspace, raw_request,
};
pub use blaxel_transport::{Client, ClientBuilder};

/// The Management API on a [`Client`].
///
/// It is one type whatever layers and transport the client has, so a struct can hold it as it is.
/// [`management::Management`] is generic over the service that carries its requests.
#[cfg(feature = "management")]
pub type Management = management::Management<Client>;

/// Calls of agents, models, functions and jobs on a [`Client`].
///
/// It is one type whatever layers and transport the client has, so a struct can hold it as it is.
/// [`inference::Inference`] is generic over the service that carries its requests.
#[cfg(feature = "inference")]
pub type Inference = inference::Inference<Client>;

/// The Billing Explorer API on a [`Client`].
///
/// It is one type whatever layers and transport the client has, so a struct can hold it as it is.
/// [`billing::Billing`] is generic over the service that carries its requests.
#[cfg(feature = "billing")]
pub type Billing = billing::Billing<Client>;
