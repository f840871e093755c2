//! An address of a workload, and its source.

use crate::secret::Secret;
use crate::source::Source;

/// An address and its source. It is not checked yet, so it can contain a password or a token.
#[derive(Clone, Debug)]
pub struct WorkloadAddress {
    /// The address as it was given.
    pub url: Secret,
    /// The source of the address, for the error of an invalid one.
    pub source: Source,
}
