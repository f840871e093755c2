#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use blaxel_auth as auth;
#[cfg(feature = "billing")]
pub use blaxel_billing as billing;
/// Re-export of [`blaxel_core`], in the version that this crate uses.
///
/// It keeps its full name because a module called `core` would shadow the language's own `core` in every
/// file that imports this crate by `*`.
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

/// The Management API over a [`Client`].
///
/// This is one type, whatever layers and transport the client has, so a struct can hold it without a type
/// parameter. [`management::Management`] is generic over the service that carries its requests.
///
/// ```no_run
/// use blaxel::{Client, Management};
///
/// # async fn example() -> Result<(), blaxel::Error> {
/// let management = Management::new(Client::from_env()?);
/// for agent in management.agents().all().await? {
///     println!("{}", agent.metadata.name);
/// }
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "management")]
pub type Management = management::Management<Client>;

/// Calls of agents, models, functions and jobs over a [`Client`].
///
/// This is one type, whatever layers and transport the client has, so a struct can hold it without a type
/// parameter. [`inference::Inference`] is generic over the service that carries its requests.
///
/// ```no_run
/// use blaxel::{Client, Inference};
/// use serde_json::{Value, json};
///
/// # async fn example() -> Result<(), blaxel::Error> {
/// let inference = Inference::new(Client::from_env()?);
/// let reply: Value = inference.agent("support-bot").invoke(&json!({"inputs": "Hello"})).await?;
/// println!("{reply}");
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "inference")]
pub type Inference = inference::Inference<Client>;

/// The Billing Explorer API over a [`Client`].
///
/// This is one type, whatever layers and transport the client has, so a struct can hold it without a type
/// parameter. [`billing::Billing`] is generic over the service that carries its requests.
///
/// ```no_run
/// use blaxel::billing::{MetricsQuery, Window};
/// use blaxel::{Billing, Client};
///
/// # async fn example() -> Result<(), blaxel::Error> {
/// let billing = Billing::new(Client::from_env()?);
/// let account = billing.account_of("my-workspace").await?;
/// let query = MetricsQuery::new(Window::month(2026, 4)?);
/// println!("${}", billing.report(&account, &query).await?.total());
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "billing")]
pub type Billing = billing::Billing<Client>;
