//! The hosts on which the platform serves workloads by names of their own.

/// The domains they are in. A credential may go there, and idle connections there are closed early.
pub(crate) const WORKLOAD_DOMAINS: [&str; 2] = [".bl.run", ".runv2.blaxel.dev"];

/// Whether a host is the one of a rule, or lies in its domain if the rule begins with a dot. Case does
/// not matter.
pub(crate) fn covers(rule: &str, host: &str) -> bool {
    let (rule, host) = (rule.as_bytes(), host.as_bytes());
    let Some(start) = host.len().checked_sub(rule.len()) else {
        return false;
    };
    host[start..].eq_ignore_ascii_case(rule) && (start == 0 || rule.starts_with(b"."))
}
