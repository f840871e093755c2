//! The decision that a process has ended for good.

use std::time::Duration;

use blaxel_core::Timestamp;
use tokio::time::Instant;

use super::info::{ExitStatus, ProcessInfo, ProcessStatus};

/// The time after which a failed process is not restarted any more. The server does it after a second.
const RESTART_TIME: Duration = Duration::from_millis(2500);

/// The delay between two looks at a process that may be restarted.
pub(super) const RESTART_POLL: Duration = Duration::from_millis(300);

/// Watches the states of a process.
#[derive(Debug, Default)]
pub(super) struct ExitCheck {
    /// The end that may be followed by a restart, and the time at which it was seen first.
    doubtful: Option<(End, Instant)>,
}

#[derive(Debug, PartialEq)]
struct End {
    restarts: i64,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
}

/// The decision about a state.
#[derive(Debug, PartialEq)]
pub(super) enum Exit {
    /// The process is running.
    No,
    /// The process has failed, and may be restarted. Look again after [`RESTART_POLL`].
    Maybe,
    Yes(ExitStatus),
}

impl ExitCheck {
    pub(super) fn check(&mut self, info: &ProcessInfo) -> Exit {
        let Some(status) = info.exit_status() else {
            self.doubtful = None;
            return Exit::No;
        };
        if !may_restart(info) {
            return Exit::Yes(status);
        }
        let end = End {
            restarts: info.restart_count,
            started_at: info.started_at.clone(),
            completed_at: info.completed_at.clone(),
        };
        match &self.doubtful {
            Some((known, since)) if *known == end => {
                if since.elapsed() >= RESTART_TIME {
                    return Exit::Yes(status);
                }
            }
            _ => self.doubtful = Some((end, Instant::now())),
        }
        Exit::Maybe
    }
}

/// Returns `true` for a process that has failed and may be restarted in a moment. The server counts a restart when it
/// decides on it, so the last one has the same count before and after it.
pub(super) fn may_restart(info: &ProcessInfo) -> bool {
    let has_left = info.max_restarts < 0 || info.restart_count <= info.max_restarts;
    info.status == ProcessStatus::Failed && info.restart_on_failure && has_left
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tokio::time::advance;

    fn failed(restarts: i64, max: i64) -> ProcessInfo {
        let value = json!({"status": "failed", "exitCode": 1, "restartOnFailure": max != 0,
            "maxRestarts": max, "restartCount": restarts});
        serde_json::from_value(value).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_final_once_no_restart_has_followed() {
        let mut check = ExitCheck::default();
        let status = failed(1, 3).exit_status().unwrap();
        assert_eq!(check.check(&failed(1, 3)), Exit::Maybe);
        advance(RESTART_TIME / 2).await;
        assert_eq!(check.check(&failed(1, 3)), Exit::Maybe);
        advance(RESTART_TIME / 2).await;
        assert_eq!(check.check(&failed(2, 3)), Exit::Maybe, "another run");
        advance(RESTART_TIME).await;
        assert_eq!(check.check(&failed(2, 3)), Exit::Yes(status));
    }

    #[test]
    fn a_failure_without_restarts_is_final() {
        assert!(matches!(
            ExitCheck::default().check(&failed(0, 0)),
            Exit::Yes(_)
        ));
        assert!(may_restart(&failed(7, -1)));
        assert!(!may_restart(&failed(4, 3)));
    }
}
