//! Work of an emulator that a test makes fail.

use super::{Emulator, UnknownCollection, known_kind};
use crate::state::{CUSTOM_DOMAINS, EXECUTIONS, FailingWork, IMAGES, SNAPSHOTS, image};

impl Emulator {
    /// Makes the next deployment of a resource end as `FAILED`. The resource need not exist yet.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// emulator.fail_next_deployment("agents", "support-bot")?;
    /// # Ok::<(), blaxel_emulator::UnknownCollection>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the emulator has no such collection, or if its resources are nested in
    /// others.
    pub fn fail_next_deployment(
        &self,
        collection: &str,
        name: &str,
    ) -> Result<(), UnknownCollection> {
        let kind = known_kind(collection)?;
        self.engine
            .store
            .open()
            .fail_next(FailingWork::Main(kind.path), name);
        Ok(())
    }

    /// Makes the next build of a workload's image from an upload end as `FAILED`. The workload need not exist yet.
    ///
    /// Its log is in the logs of the workload, also while the build runs.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// emulator.fail_next_build("sandboxes", "dev")?;
    /// # Ok::<(), blaxel_emulator::UnknownCollection>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the emulator has no such collection, or if its resources are nested in
    /// others.
    pub fn fail_next_build(&self, collection: &str, name: &str) -> Result<(), UnknownCollection> {
        let kind = known_kind(collection)?;
        self.engine
            .store
            .open()
            .fail_next(FailingWork::Build(kind.path), name);
        Ok(())
    }

    /// Makes the next build of an image from an upload end as `FAILED`. `resource_type` is the type of resource
    /// that the image is for, such as `sandbox`.
    pub fn fail_next_image_build(&self, resource_type: &str, name: &str) {
        let key = image::key(name, resource_type);
        self.engine
            .store
            .open()
            .fail_next(FailingWork::Build(IMAGES.path), &key);
    }

    /// Makes the next execution of a job end as `failed`. The job need not exist yet.
    ///
    /// An execution can also choose its end itself, by the environment variable `EMULATOR_OUTCOME`
    /// with the value `failed` or `timeout`.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// emulator.fail_next_execution("nightly");
    /// emulator.fail_next_verification("example.com");
    /// ```
    pub fn fail_next_execution(&self, job: &str) {
        self.engine
            .store
            .open()
            .fail_next(FailingWork::Main(EXECUTIONS.path), job);
    }

    /// Makes the first `attempts` of a task fail, in the next execution of a job. The job need not exist yet.
    ///
    /// A task fails for good if more of its attempts fail than the job has `maxRetries`. A task can also choose the
    /// number itself, by the argument `EMULATOR_FAILURES`.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// emulator.fail_next_task("nightly", 0, 1); // succeeds at the second attempt, if the job retries
    /// emulator.fail_next_task("nightly", 2, u32::MAX); // never succeeds
    /// ```
    pub fn fail_next_task(&self, job: &str, index: usize, attempts: u32) {
        let mut store = self.engine.store.open();
        store.fail_next_task(job, index, attempts);
    }

    /// Makes the next verification of a custom domain end as `failed`. The domain need not exist
    /// yet. See [`fail_next_execution`](Self::fail_next_execution).
    pub fn fail_next_verification(&self, domain: &str) {
        let mut store = self.engine.store.open();
        store.fail_next(FailingWork::Main(CUSTOM_DOMAINS.path), domain);
    }

    /// Makes the next snapshot of a sandbox end as `failed`. The sandbox need not exist yet.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::offline();
    /// emulator.fail_next_snapshot("sb-1");
    /// emulator.fail_next_archive("sb-1");
    /// ```
    pub fn fail_next_snapshot(&self, sandbox: &str) {
        self.engine
            .store
            .open()
            .fail_next(FailingWork::Main(SNAPSHOTS.path), sandbox);
    }

    /// Makes the next archiving of a sandbox, or its next restoring, fail: the sandbox gets its earlier status again.
    /// See [`fail_next_snapshot`](Self::fail_next_snapshot).
    pub fn fail_next_archive(&self, sandbox: &str) {
        self.engine
            .store
            .open()
            .fail_next(FailingWork::Archive, sandbox);
    }
}
