//! Gates: what is asked of a caller.

/// What is asked of a caller before an operation takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccessLevel {
    /// Nothing: the operation looks at the credential itself.
    Open,
    /// A known version.
    Public,
    /// A known version and a credential.
    Account,
    /// A known version, a credential, and no other workspace than the credential's.
    Workspace,
    /// A credential and the right workspace, asked for by the gateway before the workloads.
    Workload,
    /// Nothing, as for [`Open`](Self::Open), and the body may be large.
    Upload,
}
