#![doc = include_str!("../README.md")]
//!
//! ## Main types
//!
//! | to | use |
//! | --- | --- |
//! | create a client | [`Client::from_env`], or [`Client::builder`] and [`ClientBuilder`] |
//! | choose credentials | [`Credentials`], and the module [`auth`] for sign-ins |
//! | run commands and move files in sandboxes | [`Sandboxes`] and [`SandboxHandle`], with the types in [`sandbox`] |
//! | manage agents, models, jobs, sandboxes and other resources | [`Management`], with the types in [`management`] |
//! | call agents, models and MCP servers | [`Inference`], with the types in [`inference`] |
//! | write the program inside a job | [`job::run`] |
//! | read costs | [`Billing`], with the types in [`billing`] |
//! | filter and sort lists, and read them | [`ListParams`], [`Sort`]; [`Page`], and the walks [`blaxel_core::Pages`] and [`blaxel_core::Items`] |
//! | make calls without `async` | `blocking::Runtime`, with the feature `blocking` |
//! | override settings for some calls | [`Client::with_options`] with [`CallOptions`] |
//! | configure retries, time limits, connections and layers | [`ClientBuilder`], with the types in [`transport`] |
//! | handle errors | [`Error`], [`ErrorKind`], [`ErrorCode`] |
//! | send a request that the SDK has no operation for | [`raw_request`], [`Plane`] |
//!
//! [`Management`], [`Inference`], [`Sandboxes`] and [`Billing`] are aliases over [`Client`], which is one type whatever its
//! layers and transport. So a struct can hold them without a type parameter, and a function can take `&Management`. The
//! generic types, over any tower service, are `management::Management`, `inference::Inference`, `sandbox::Sandboxes` and
//! `billing::Billing`.
//!
//! ## Modules
//!
//! | module | crate | feature |
//! | --- | --- | --- |
//! | [`blaxel_core`] | `blaxel-core`: versions, operations, pages, errors | always included; more with `chrono`, `jiff` |
//! | [`auth`] | `blaxel-auth`: credentials and sign-ins | always included; more with `oauth`, `config-file`, `config-write`, `project-file`, `browser-login` |
//! | [`transport`] | `blaxel-transport`: the client | always included; more with `oauth`, `config-file`, `gzip`, `blocking`, `webpki-roots` |
//! | `blocking` | a part of `blaxel-transport`: calls without `async` | `blocking` |
//! | [`management`] | `blaxel-management`: all resources of the Management API | `management`; more with `manifests` |
//! | [`inference`] | `blaxel-inference`: calls of agents, models and MCP servers | `inference`; more with `callback`, `internal-hosts`, `job`, `mcp`, `mcp-websocket` |
//! | [`billing`] | `blaxel-billing`: costs | `billing` |
//! | [`sandbox`] | `blaxel-sandbox`: commands, files and ports of sandboxes | `sandbox`; more with `websocket` |
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
#[cfg(feature = "job")]
pub use blaxel_inference::job;
#[cfg(feature = "management")]
pub use blaxel_management as management;
#[cfg(feature = "sandbox")]
pub use blaxel_sandbox as sandbox;
pub use blaxel_transport as transport;
#[cfg(feature = "blocking")]
pub use blaxel_transport::blocking;

pub use blaxel_auth::Credentials;
pub use blaxel_core::{
    ApiVersion, BaseUrl, Body, CallOptions, Error, ErrorCode, ErrorKind, HttpService, ListParams,
    Page, Period, Plane, Secret, Sort, Source, Timestamp, Workspace, raw_request,
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

/// Sandboxes over a [`Client`].
///
/// This is one type, whatever layers and transport the client has, so a struct can hold it without a type
/// parameter. [`sandbox::Sandboxes`] is generic over the service that carries its requests.
///
/// ```no_run
/// use blaxel::{Client, Sandboxes};
///
/// # async fn example() -> Result<(), blaxel::Error> {
/// let sandboxes = Sandboxes::new(Client::from_env()?);
/// let sandbox = sandboxes.get("dev").await?;
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "sandbox")]
pub type Sandboxes = sandbox::Sandboxes<Client>;

/// A handle on a sandbox over a [`Client`].
///
/// [`sandbox::SandboxHandle`] is generic over the service that carries its requests.
#[cfg(feature = "sandbox")]
pub type SandboxHandle = sandbox::SandboxHandle<Client>;

/// A command for a sandbox, before it is started, over a [`Client`].
///
/// [`sandbox::Command`] is generic over the service that carries its requests.
#[cfg(feature = "sandbox")]
pub type Command = sandbox::Command<Client>;

/// The files of a sandbox over a [`Client`].
///
/// [`sandbox::Files`] is generic over the service that carries its requests.
#[cfg(feature = "sandbox")]
pub type Files = sandbox::Files<Client>;

/// A started command of a sandbox over a [`Client`].
///
/// [`sandbox::Child`] is generic over the service that carries its requests.
#[cfg(feature = "sandbox")]
pub type Child = sandbox::Child<Client>;

/// The code interpreter of a sandbox over a [`Client`].
///
/// [`sandbox::CodeInterpreter`] is generic over the service that carries its requests.
#[cfg(feature = "sandbox")]
pub type CodeInterpreter = sandbox::CodeInterpreter<Client>;

/// A program that listens on a port of a sandbox, over a [`Client`].
///
/// [`sandbox::PortService`] is generic over the service that carries its requests.
#[cfg(feature = "sandbox")]
pub type PortService = sandbox::PortService<Client>;

/// A process of a sandbox over a [`Client`].
///
/// [`sandbox::Process`] is generic over the service that carries its requests.
#[cfg(feature = "sandbox")]
pub type Process = sandbox::Process<Client>;
