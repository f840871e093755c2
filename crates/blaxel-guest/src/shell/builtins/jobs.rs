//! Jobs and signals.

use crate::kernel::JobEnd;
use crate::shell::signals::{signal, signal_name};
use crate::shell::syntax::Dialect;
use crate::shell::{Run, Shell, Stop};

impl Shell {
    pub(super) async fn wait(&mut self, arguments: &[String]) -> Run {
        if arguments.is_empty() {
            for (_, end) in std::mem::take(&mut self.jobs) {
                if let Some(signal) = self.wait_for(end).await.err() {
                    return Ok(128 + signal);
                }
            }
            return Ok(0);
        }
        let mut status = 0;
        for text in arguments {
            let pid = self.job_pid(text);
            let found = pid.and_then(|pid| self.jobs.iter().position(|(job, _)| *job == pid));
            status = match found {
                Some(index) => {
                    let (_, end) = self.jobs.remove(index);
                    match self.wait_for(end).await {
                        Ok(status) => status,
                        Err(signal) => return Ok(128 + signal),
                    }
                }
                None => {
                    if self.dialect == Dialect::Bash {
                        let message = format!("wait: pid {text} is not a child of this shell");
                        self.complain(&message).await;
                    }
                    127
                }
            };
        }
        Ok(status)
    }

    /// Waits for a job. The error is a signal that arrived before.
    async fn wait_for(&mut self, mut end: JobEnd) -> Result<i32, i32> {
        let mut raised = self.raised.clone();
        tokio::select! {
            biased;
            (status, is_signal) = end.wait() => {
                if is_signal && self.dialect == Dialect::Dash {
                    let text = match status - 128 {
                        9 => "Killed",
                        15 => "Terminated",
                        _ => "",
                    };
                    self.files.warn(format!("{text}\n")).await;
                }
                Ok(status)
            }
            // The sender lives in the group.
            Ok(()) = raised.changed() => Err(raised.borrow().1),
        }
    }

    /// Returns the process id of `%1`, `%%` or a number.
    fn job_pid(&self, text: &str) -> Option<u32> {
        match text.strip_prefix('%') {
            None => text.parse().ok(),
            Some("" | "%" | "+") => self.jobs.last().map(|(pid, _)| *pid),
            Some(index) => {
                let index = index.parse::<usize>().ok()?.checked_sub(1)?;
                self.jobs.get(index).map(|(pid, _)| *pid)
            }
        }
    }

    pub(super) async fn list_jobs(&mut self) -> Run {
        self.jobs.retain(|(_, end)| !end.has_ended());
        let count = self.jobs.len();
        let lines = (1..=count).map(|n| {
            let mark = if n == count { '+' } else { ' ' };
            format!("[{n}] {mark} Running\n")
        });
        let lines: String = lines.collect();
        self.print_status(&lines).await
    }

    pub(super) async fn kill(&mut self, arguments: &[String]) -> Run {
        let mut number = 15;
        let mut targets = arguments;
        if let Some((option, rest)) = arguments.split_first()
            && let Some(name) = option.strip_prefix('-')
            && !name.is_empty()
        {
            targets = rest;
            let name = match name {
                "l" => return self.list_signals(rest).await,
                "s" | "n" => {
                    targets = rest.get(1..).unwrap_or_default();
                    rest.first().map_or("", String::as_str)
                }
                "-" => "TERM",
                name => name,
            };
            match signal(name) {
                Some(found) => number = found,
                None => {
                    let message = match self.dialect {
                        Dialect::Dash => format!(
                            "kill: Illegal option -{}",
                            name.chars().next().unwrap_or('-')
                        ),
                        Dialect::Bash => format!("kill: {name}: invalid signal specification"),
                    };
                    return self.refuse(&message, 2).await;
                }
            }
        }
        if targets.is_empty() {
            let usage = "kill: Usage: kill [-s sigspec | -signum | -sigspec] [pid | job]... or\n\
                         kill -l [exitstatus]";
            return self.refuse(usage, 2).await;
        }
        let mut status = 0;
        for target in targets {
            if !self.send(target, number).await {
                status = 1;
            }
        }
        // A signal to the own group ends this future before it goes on.
        tokio::task::yield_now().await;
        match self.run_traps().await {
            Ok(()) => Ok(status),
            Err(stop) => Err(stop),
        }
    }

    async fn send(&mut self, target: &str, number: i32) -> bool {
        let is_group = target.starts_with('-');
        let pid = self.job_pid(target.strip_prefix('-').unwrap_or(target));
        let Some(pid) = pid else {
            let message = match self.dialect {
                Dialect::Dash if target.starts_with('%') => format!("kill: No such job: {target}"),
                Dialect::Dash => format!("kill: Illegal number: {target}"),
                Dialect::Bash if target.starts_with('%') => format!("kill: {target}: no such job"),
                Dialect::Bash => {
                    format!("kill: {target}: arguments must be process or job IDs")
                }
            };
            self.complain(&message).await;
            return false;
        };
        if pid == 0 || (pid == self.group.pid()) {
            self.group.signal(number);
            return true;
        }
        if !is_group {
            for group in self.kernel.groups() {
                if let Some(job) = group.job(pid) {
                    job.signal(number);
                    return true;
                }
            }
        }
        let groups = self.kernel.groups();
        if let Some(group) = groups.iter().find(|group| group.pid() == pid) {
            group.signal(number);
            return true;
        }
        if pid == 1 && number == 0 {
            return true;
        }
        let message = match self.dialect {
            Dialect::Dash => "kill: No such process\n".to_owned(),
            Dialect::Bash => format!("kill: ({pid}) - No such process"),
        };
        self.complain(&message).await;
        false
    }

    async fn list_signals(&mut self, arguments: &[String]) -> Result<i32, Stop> {
        let Some(first) = arguments.first() else {
            let names = (1..32).filter_map(signal_name);
            let lines: String = names.map(|name| format!("{name}\n")).collect();
            return self.print_status(&lines).await;
        };
        let text = match first.parse::<i32>() {
            Ok(number) => signal_name(number & 127).map(str::to_owned),
            Err(_) if self.dialect == Dialect::Dash => {
                return self
                    .refuse(&format!("kill: Illegal number: {first}"), 2)
                    .await;
            }
            Err(_) => signal(first).map(|number| number.to_string()),
        };
        match text {
            Some(text) => self.print_status(&format!("{text}\n")).await,
            None => {
                self.refuse(
                    &format!("kill: invalid signal number or exit status: {first}"),
                    2,
                )
                .await
            }
        }
    }
}
