//! Access levels: the checks that a request must pass.

/// The checks that a request must pass before an operation takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccessLevel {
    /// None: the operation checks the credential itself.
    Open,
    /// A known version.
    Public,
    /// A known version and a credential.
    Account,
    /// A known version, a credential, and no other workspace than that of the credential.
    Workspace,
    /// A credential and the right workspace, checked by the gateway in front of the workloads.
    Workload,
    /// None, as for [`Open`](Self::Open), and the body may be large.
    Upload,
}
