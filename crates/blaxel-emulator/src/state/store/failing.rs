//! [`Failing`], the work that a test has made fail.

use std::collections::{BTreeMap, BTreeSet};

use super::OpenStore;

/// Work on a resource that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FailingWork {
    /// The deployment of a record of the kind with this path, or the work that such a record stands for: an execution,
    /// a snapshot, a verification.
    Main(&'static str),
    /// The build from an upload for a record of the kind with this path.
    Build(&'static str),
    /// The archive of a sandbox, or its restore.
    Archive,
}

/// The work that fails when it is done next.
#[derive(Default)]
pub(super) struct Failing {
    works: BTreeSet<(FailingWork, String)>,
    /// The tasks that fail in the next execution of a job: for each job, the number of failing attempts by index.
    tasks: BTreeMap<String, BTreeMap<usize, u32>>,
}

impl Failing {
    /// Returns the work that fails next, each with the name of its record.
    pub(super) fn works(&self) -> impl Iterator<Item = (FailingWork, &str)> {
        self.works.iter().map(|(work, name)| (*work, name.as_str()))
    }

    /// Returns the tasks that fail next, as they are kept.
    pub(super) fn tasks(&self) -> &BTreeMap<String, BTreeMap<usize, u32>> {
        &self.tasks
    }
}

impl OpenStore {
    /// Makes the next work of a type on a record fail.
    pub(crate) fn fail_next(&mut self, work: FailingWork, name: &str) {
        self.failing.works.insert((work, name.to_owned()));
    }

    /// Returns `true` once if [`fail_next`](Self::fail_next) was called before.
    pub(crate) fn take_failure(&mut self, work: FailingWork, name: &str) -> bool {
        self.failing.works.remove(&(work, name.to_owned()))
    }

    /// Makes the first attempts of a task fail, in the next execution of a job.
    pub(crate) fn fail_next_task(&mut self, job: &str, index: usize, attempts: u32) {
        let tasks = self.failing.tasks.entry(job.to_owned()).or_default();
        tasks.insert(index, attempts);
    }

    /// Returns the tasks whose attempts fail in this execution of a job, with the number of these attempts.
    pub(crate) fn take_task_failures(&mut self, job: &str) -> BTreeMap<usize, u32> {
        self.failing.tasks.remove(job).unwrap_or_default()
    }
}
