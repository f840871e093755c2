//! Ending a process with all of its descendants.

use std::time::Duration;

use blaxel_core::{Error, HttpService};

use super::command::{Command, MARKER};
use super::handle::Process;

/// The script that finds and ends processes. It runs in the sandbox and needs only a POSIX shell and `/proc`.
const SCRIPT: &str = include_str!("tree.txt");

/// Time limit on the script, which takes seconds at most.
const LIMIT: Duration = Duration::from_secs(60);

/// The result of [`Process::kill_tree`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KilledTree {
    /// The PIDs of the processes that were ended, the process itself included.
    pub pids: Vec<u32>,
    /// `true` if the tree was complete and all of its processes have ended. It is `false` if the process had already
    /// ended, because then the parents of its descendants are unknown, and if the sandbox has no shell or no `/proc`.
    pub proven: bool,
}

/// The report of the script.
#[derive(Debug, Default, PartialEq)]
struct Report {
    pids: Vec<u32>,
    has_root: bool,
    is_settled: bool,
}

impl<S: HttpService> Process<S> {
    /// Ends the process with all of its descendants, also those that have left its process group.
    ///
    /// A shell script in the sandbox stops all processes of the tree, so that they start no others; then they are
    /// killed. A descendant is found by its parent, its process group, its session, or the environment variable
    /// `BLAXEL_PROCESS`, which has the name of the process if it was started by a [`Command`]. It takes some seconds at
    /// most.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let killed = sandbox.process("web").kill_tree().await?;
    /// assert!(killed.proven, "some processes may still be running");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`kill`](Self::kill).
    pub async fn kill_tree(&self) -> Result<KilledTree, Error> {
        let info = self.info().await?;
        let marker = format!("{MARKER}={}", info.name);
        let frozen = self.run("freeze", &info.pid, &marker, &[]).await;
        let killed_by_server = self.kill().await;
        // Frozen processes are not left behind, whatever has failed.
        let frozen = frozen.unwrap_or_default();
        let ended = self.run("kill", &info.pid, &marker, &frozen.pids).await;
        let ended = match (ended, killed_by_server) {
            (Ok(ended), Ok(())) => ended,
            (Ok(ended), Err(_)) if ended.is_settled => ended,
            (Err(_), Ok(())) => Report::default(),
            (_, Err(error)) => return Err(error),
        };
        let pids = if ended.pids.is_empty() {
            frozen.pids
        } else {
            ended.pids
        };
        Ok(KilledTree {
            pids,
            proven: frozen.has_root && frozen.is_settled && ended.is_settled,
        })
    }

    async fn run(
        &self,
        mode: &str,
        root: &str,
        marker: &str,
        pids: &[u32],
    ) -> Result<Report, Error> {
        let output = Command::new(self.remote().clone(), "sh".to_owned())
            .args(["-c", SCRIPT, "sh", mode, root, marker])
            .args(pids.iter().map(u32::to_string))
            .timeout(LIMIT)
            .kill_on_drop(true)
            .output()
            .await?;
        Ok(Report::read(&String::from_utf8_lossy(&output.stdout)))
    }
}

impl Report {
    fn read(text: &str) -> Self {
        let mut report = Self::default();
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("root", _)) => report.has_root = true,
                Some(("settled", answer)) => report.is_settled = answer == "yes",
                Some(("pids", pids)) => {
                    report.pids = pids
                        .split_whitespace()
                        .filter_map(|pid| pid.parse().ok())
                        .collect();
                }
                _ => {}
            }
        }
        report
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::fs;
    use std::process::{Command as Local, Stdio};
    use std::thread::sleep;

    fn run(mode: &str, root: u32, marker: &str, pids: &[u32]) -> Report {
        let output = Local::new("sh")
            .args(["-c", SCRIPT, "sh", mode, &root.to_string(), marker])
            .args(pids.iter().map(u32::to_string))
            .output()
            .unwrap();
        Report::read(&String::from_utf8(output.stdout).unwrap())
    }

    fn is_running(pid: u32) -> bool {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| !rest.starts_with('Z'))
    }

    #[test]
    fn descendants_that_have_left_the_group_are_ended() {
        let marker = format!("{MARKER}=tree-{}", std::process::id());
        // A child, a grandchild in its own session, and a daemon that has lost its parent.
        let script = "sleep 300 & setsid sh -c 'sleep 301 & sleep 302' & (setsid sh -c 'sleep 303 & exec sleep 304' &) ; \
            echo ready; wait";
        let (name, value) = marker.split_once('=').unwrap();
        let mut root = Local::new("sh")
            .args(["-c", script])
            .env(name, value)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        sleep(Duration::from_millis(500));
        let frozen = run("freeze", root.id(), &marker, &[]);
        assert!(frozen.has_root && frozen.is_settled, "{frozen:?}");
        assert!(frozen.pids.len() >= 7, "{frozen:?}");
        assert!(frozen.pids.iter().all(|pid| is_running(*pid)));

        root.kill().unwrap();
        root.wait().unwrap();
        let ended = run("kill", root.id(), &marker, &frozen.pids);
        assert!(ended.is_settled && !ended.has_root, "{ended:?}");
        assert!(!frozen.pids.iter().any(|pid| is_running(*pid)));
    }

    #[test]
    fn other_processes_are_left_alone() {
        let mut other = Local::new("sleep").arg("300").spawn().unwrap();
        let report = run("kill", 4_000_000, "BLAXEL_PROCESS=nobody", &[]);
        assert_eq!((report.pids, report.is_settled), (vec![], true));
        assert!(is_running(other.id()));
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
