//! The hosts on which the platform serves workloads at addresses of their own.

/// The domains of these hosts. Credentials may be sent there, and idle connections are closed
/// early.
pub(crate) const WORKLOAD_DOMAINS: [&str; 2] = [".bl.run", ".runv2.blaxel.dev"];

/// Returns `true` if `host` is the host `rule`, or is in its domain if `rule` begins with a dot.
/// Case is ignored.
pub(crate) fn matches(rule: &str, host: &str) -> bool {
    let (rule, host) = (rule.as_bytes(), host.as_bytes());
    let Some(start) = host.len().checked_sub(rule.len()) else {
        return false;
    };
    host[start..].eq_ignore_ascii_case(rule) && (start == 0 || rule.starts_with(b"."))
}
