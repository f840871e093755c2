//! The workload that a call is for, and its address.
//!
//! In order of precedence: the address set by `url` of a handle; the one of an environment variable, if
//! overrides are enabled; the `metadata.url` of the resource, if it was looked up; and the origin of the
//! run plane with workspace, kind and name as the path. Host names are never parsed or composed.

mod address;
mod calls;
mod lookup;
mod overrides;
mod target;

pub use self::address::WorkloadAddress;
pub use self::calls::{Call, Calls};
pub use self::lookup::{Resource, Runtime, get_agent, get_function, get_model, get_sandbox};
pub use self::overrides::{Overrides, WorkloadKind};
pub use self::target::Target;
