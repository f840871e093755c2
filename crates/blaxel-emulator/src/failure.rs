//! [`Failure`], work of an emulator that fails when it is next done.

use crate::state::{
    CUSTOM_DOMAINS, EXECUTIONS, FailingWork, IMAGES, Kind, Lifecycle, OpenStore, SNAPSHOTS,
    UnknownKind, image, top_kinds,
};

/// Work that an emulator fails to do the next time: see [`Emulator::fail_next`](crate::Emulator::fail_next). What it is
/// about need not exist yet.
///
/// ```
/// use blaxel_emulator::{Emulator, Failure};
///
/// let emulator = Emulator::offline();
/// emulator.fail_next(Failure::deployment("agents", "support-bot"))?;
/// emulator.fail_next(Failure::build("sandboxes", "dev"))?;
/// emulator.fail_next(Failure::image_build("sandbox", "tools"))?;
/// emulator.fail_next(Failure::execution("nightly"))?;
/// emulator.fail_next(Failure::verification("example.com"))?;
/// emulator.fail_next(Failure::snapshot("dev"))?;
/// emulator.fail_next(Failure::archive("dev"))?;
/// # Ok::<(), blaxel_emulator::UnknownKind>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Failure(Work);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Work {
    Deployment(String, String),
    Build(String, String),
    ImageBuild(String, String),
    Task(String, usize, u32),
    /// Of a sandbox, a domain or a job.
    Of(FailingWork, String),
}

impl Failure {
    /// The next deployment of a resource of a collection, such as `agents`. It ends as `FAILED`.
    pub fn deployment(collection: &str, name: &str) -> Self {
        Self(Work::Deployment(collection.to_owned(), name.to_owned()))
    }

    /// The next build of a workload's image from an upload, for a workload of a collection such as `sandboxes`. It ends as
    /// `FAILED`.
    ///
    /// Its log is in the logs of the workload, also while the build runs.
    pub fn build(collection: &str, name: &str) -> Self {
        Self(Work::Build(collection.to_owned(), name.to_owned()))
    }

    /// The next build of an image from an upload. It ends as `FAILED`. `resource_type` is the type of resource that the
    /// image is for, such as `sandbox`.
    pub fn image_build(resource_type: &str, name: &str) -> Self {
        Self(Work::ImageBuild(resource_type.to_owned(), name.to_owned()))
    }

    /// The next execution of a job. It ends as `failed`.
    ///
    /// An execution can also choose its end itself, by the environment variable `EMULATOR_OUTCOME` with the value
    /// `failed` or `timeout`.
    pub fn execution(job: &str) -> Self {
        Self::of(FailingWork::Main(EXECUTIONS.path), job)
    }

    /// The first `attempts` of a task, in the next execution of a job.
    ///
    /// A task fails for good if more of its attempts fail than the job has `maxRetries`. A task can also choose the
    /// number itself, by the argument `EMULATOR_FAILURES`.
    ///
    /// ```
    /// use blaxel_emulator::{Emulator, Failure};
    ///
    /// let emulator = Emulator::offline();
    /// // Succeeds at the second attempt, if the job retries.
    /// emulator.fail_next(Failure::task("nightly", 0, 1))?;
    /// // Never succeeds.
    /// emulator.fail_next(Failure::task("nightly", 2, u32::MAX))?;
    /// # Ok::<(), blaxel_emulator::UnknownKind>(())
    /// ```
    pub fn task(job: &str, index: usize, attempts: u32) -> Self {
        Self(Work::Task(job.to_owned(), index, attempts))
    }

    /// The next verification of a custom domain. It ends as `failed`.
    pub fn verification(domain: &str) -> Self {
        Self::of(FailingWork::Main(CUSTOM_DOMAINS.path), domain)
    }

    /// The next snapshot of a sandbox. It ends as `failed`.
    pub fn snapshot(sandbox: &str) -> Self {
        Self::of(FailingWork::Main(SNAPSHOTS.path), sandbox)
    }

    /// The next archiving of a sandbox, or its next restoring. The sandbox gets its earlier status again.
    pub fn archive(sandbox: &str) -> Self {
        Self::of(FailingWork::Archive, sandbox)
    }

    fn of(work: FailingWork, name: &str) -> Self {
        Self(Work::Of(work, name.to_owned()))
    }

    /// Plans the failure.
    pub(crate) fn plan(&self, store: &mut OpenStore) -> Result<(), UnknownKind> {
        match &self.0 {
            Work::Deployment(collection, name) => {
                let kind = known(collection, |kind| kind.lifecycle != Lifecycle::Plain)?;
                store.fail_next(FailingWork::Main(kind.path), name);
            }
            Work::Build(collection, name) => {
                let kind = known(collection, |kind| kind.uploads)?;
                store.fail_next(FailingWork::Build(kind.path), name);
            }
            Work::ImageBuild(resource_type, name) => {
                let types = image::TYPES.iter().map(|(name, _, _)| *name);
                if !types.clone().any(|known| known == resource_type) {
                    return Err(UnknownKind::new("image type", resource_type, types));
                }
                let key = image::key(name, resource_type);
                store.fail_next(FailingWork::Build(IMAGES.path), &key);
            }
            Work::Task(job, index, attempts) => store.fail_next_task(job, *index, *attempts),
            Work::Of(work, name) => store.fail_next(*work, name),
        }
        Ok(())
    }
}

/// Returns the kind of a top-level collection, which must be one of those that have the work.
fn known(collection: &str, has_work: fn(&Kind) -> bool) -> Result<&'static Kind, UnknownKind> {
    let kinds = || top_kinds().filter(|kind| has_work(kind));
    let kind = kinds().find(|kind| kind.path == collection);
    kind.ok_or_else(|| {
        let known = kinds().map(|kind| kind.path);
        UnknownKind::new("collection", collection, known)
    })
}
