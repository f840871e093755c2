#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use blaxel_auth as auth;
#[cfg(feature = "billing")]
pub use blaxel_billing as billing;
pub use blaxel_core as core;
#[cfg(feature = "inference")]
pub use blaxel_inference as inference;
#[cfg(feature = "management")]
pub use blaxel_management as management;
pub use blaxel_transport as transport;

pub use blaxel_auth::Credentials;
pub use blaxel_core::{ApiVersion, Error, ListParams, Secret, Sort};
pub use blaxel_transport::{Client, ClientBuilder};

#[cfg(feature = "billing")]
pub use blaxel_billing::Billing;
#[cfg(feature = "inference")]
pub use blaxel_inference::Inference;
#[cfg(feature = "management")]
pub use blaxel_management::Management;
