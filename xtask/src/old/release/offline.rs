//! Programs that may want the network.

/// Runs something without the network, and once more with it if that fails: what it needs may not be
/// on this machine yet.
pub(super) fn offline_first<T>(run: impl Fn(bool) -> Result<T, String>) -> Result<T, String> {
    run(true).or_else(|_| run(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_is_tried_second_and_has_the_last_word() {
        assert_eq!(offline_first(Ok), Ok(true));
        let online_only = |offline| {
            if offline {
                Err("no".to_owned())
            } else {
                Ok(offline)
            }
        };
        assert_eq!(offline_first(online_only), Ok(false));
        let never = |offline| Err::<(), _>(format!("offline: {offline}"));
        assert_eq!(offline_first(never), Err("offline: false".to_owned()));
    }
}
